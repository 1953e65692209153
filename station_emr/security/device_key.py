"""The key by which the province knows this machine: made here, kept here, never in a backup.

The private half is sealed under the station's data key and this machine's own mark, so it is of use
only after a log-in and only on the machine that made it: a data folder copied to another PC has to
be enrolled again. The sealed form lies in the key store of the operating system where there is a
real one, else in a file beside the database.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from . import durable_file

FILE_NAME: Final = "device.key"
ALGORITHM: Final = "ES384"
_SERVICE: Final = "Station EMR"
_CONTEXT: Final = b"station-emr device key\x00"
_SCALAR: Final = 48
_NONCE: Final = 12
_NEWEST: Final = 2  # the one in use, and one that is being enrolled
# Only stores that a person's own log-in to the machine protects; never a plain file of a plug-in.
_REAL_STORES: Final = (
    "keyring.backends.Windows",
    "keyring.backends.macOS",
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
)


class Vault(Protocol):
    """A store of short secret texts by name."""

    def get(self, name: str) -> str | None: ...
    def put(self, name: str, text: str) -> None: ...


class DeviceKey:
    """Signs for this machine."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        self.public_pem = (
            private.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode("ascii")
        )
        self.key_id = _thumbprint(self.public_jwk())

    def __repr__(self) -> str:
        return f"DeviceKey({self.key_id})"

    def public_jwk(self) -> dict[str, str]:
        numbers = self._private.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-384",
            "x": _b64(numbers.x.to_bytes(_SCALAR, "big")),
            "y": _b64(numbers.y.to_bytes(_SCALAR, "big")),
        }

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWS over the claims."""
        return jwt.encode(
            dict(claims), self._private, algorithm=ALGORITHM, headers={"kid": self.key_id}
        )

    @property
    def public_der(self) -> bytes:
        """SubjectPublicKeyInfo."""
        return self._private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign_message(self, message: bytes) -> bytes:
        """ES384 without the clothes of a JWS: r and s side by side. The message says what it is for."""
        r, s = decode_dss_signature(self._private.sign(message, ec.ECDSA(SHA384())))
        return r.to_bytes(_SCALAR, "big") + s.to_bytes(_SCALAR, "big")


class _OsVault:
    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def get(self, name: str) -> str | None:
        found: str | None = self._backend.get_password(_SERVICE, name)
        return found

    def put(self, name: str, text: str) -> None:
        self._backend.set_password(_SERVICE, name, text)


def os_vault() -> Vault | None:
    """The key store of the operating system, None where there is no real one."""
    # Deferred: finding the stores takes a tenth of a second, and only an enrolled machine needs it.
    import keyring  # noqa: PLC0415

    try:
        backend: Any = keyring.get_keyring()
        chosen = [backend, *getattr(backend, "backends", ())]  # a chain holds others
    except Exception:  # noqa: BLE001  a broken plug-in of the machine is no reason to fail
        return None
    for one in chosen:
        if type(one).__module__.startswith(_REAL_STORES):
            return _OsVault(one)
    return None


class DeviceKeys:
    """The keys of one station on one machine."""

    def __init__(
        self,
        folder: Path,
        database_id: str,
        data_key: bytes,
        *,
        machine: str,
        random: Callable[[int], bytes],
        vault: Callable[[], Vault | None] = os_vault,
        earlier: tuple[bytes, ...] = (),
    ) -> None:
        self._path = folder / FILE_NAME
        self._name = hashlib.sha256(f"{database_id}/{machine}".encode()).hexdigest()[:32]
        self._random = random
        self._find_vault = vault
        info = _CONTEXT + machine.encode()
        self._ciphers = [
            AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key))
            for key in (data_key, *earlier)
        ]

    def __repr__(self) -> str:
        return f"DeviceKeys({self._path.name})"

    @cached_property
    def _vault(self) -> Vault | None:
        return self._find_vault()

    def find(self, key_id: str) -> DeviceKey | None:
        """The key with this id; None when this machine does not hold it."""
        self._renew()
        return next((key for key in self._load() if key.key_id == key_id), None)

    def _renew(self) -> None:
        """Seal under the present data key what was sealed under an earlier one."""
        if len(self._ciphers) > 1:
            texts = self._texts()
            if any(self._opened(text) and not self._opened(text, newest=True) for text in texts):
                with durable_file.locked(self._path):
                    self._save(self._load())

    def candidate(self, in_use: str) -> DeviceKey:
        """A key to enrol: the one of an enrolment that had no answer, else a new one. Kept before it
        is given, so that an answer never comes for a key that is gone.
        """
        with durable_file.locked(self._path):
            kept = self._load()
            for key in reversed(kept):
                if key.key_id != in_use:
                    return key
            fresh = DeviceKey(ec.generate_private_key(ec.SECP384R1()))
            self._save([*kept, fresh][-_NEWEST:])
            return fresh

    def keep_only(self, key_id: str) -> None:
        """Forget every other key."""
        with durable_file.locked(self._path):
            self._save([key for key in self._load() if key.key_id == key_id])

    def _load(self) -> list[DeviceKey]:
        found: dict[str, DeviceKey] = {}
        for text in self._texts():
            for key in self._opened(text):
                found.setdefault(key.key_id, key)
        return list(found.values())

    def _texts(self) -> list[str]:
        found = []
        if self._vault is not None:
            with contextlib.suppress(Exception):  # a locked or broken store: the file may have it
                found.append(self._vault.get(self._name) or "")
        for path in (self._path, durable_file.backup_of(self._path)):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                found.append(path.read_text(encoding="ascii"))
        return found

    def _opened(self, text: str, *, newest: bool = False) -> list[DeviceKey]:
        """Nothing for a text that is damaged, or was sealed on another machine."""
        keys = []
        for cipher in self._ciphers[: 1 if newest else None]:
            with contextlib.suppress(ValueError, TypeError, KeyError, InvalidTag):
                for sealed in json.loads(text)["keys"]:
                    data = base64.b64decode(sealed, validate=True)
                    scalar = cipher.decrypt(data[:_NONCE], data[_NONCE:], _CONTEXT)
                    number = int.from_bytes(scalar, "big")
                    keys.append(DeviceKey(ec.derive_private_key(number, ec.SECP384R1())))
        return keys

    def _save(self, keys: list[DeviceKey]) -> None:
        text = json.dumps({"format": "station-emr-device-key", "keys": [*map(self._seal, keys)]})
        if self._vault is not None:
            with contextlib.suppress(Exception):  # any refusal of the store: the file then
                self._vault.put(self._name, text)
                if self._vault.get(self._name) == text:
                    for path in durable_file.traces_of(self._path):
                        path.unlink(missing_ok=True)
                    return
        durable_file.write_twice(self._path, text.encode("ascii"))

    def _seal(self, key: DeviceKey) -> str:
        nonce = self._random(_NONCE)
        scalar = key._private.private_numbers().private_value.to_bytes(_SCALAR, "big")  # noqa: SLF001  this module's own
        sealed = nonce + self._ciphers[0].encrypt(nonce, scalar, _CONTEXT)
        return base64.b64encode(sealed).decode("ascii")


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638."""
    text = json.dumps(jwk, sort_keys=True, separators=(",", ":"))
    return _b64(hashlib.sha256(text.encode("ascii")).digest())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
