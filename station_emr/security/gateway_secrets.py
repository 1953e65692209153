"""Passwords of the national gateways: sealed for this machine, in the key store of the operating system
where there is a real one, else in a file beside the database. Never in the database, never in a backup.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from . import durable_file
from .device_key import Vault, os_vault

FILE_NAME: Final = "gateway.secrets"
_CONTEXT: Final = b"station-emr gateway secrets\x00"
_NONCE: Final = 12


class GatewaySecrets:
    """Implements :class:`station_emr.services.gateway_ports.SecretShelf` for one station on one machine.
    A data folder copied to another PC does not bring them along.
    """

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
        self._name = hashlib.sha256(f"gateways/{database_id}/{machine}".encode()).hexdigest()[:32]
        self._random = random
        self._find_vault = vault
        info = _CONTEXT + machine.encode()
        self._ciphers = [
            AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key))
            for key in (data_key, *earlier)
        ]

    def __repr__(self) -> str:
        return f"GatewaySecrets({self._path.name})"

    @cached_property
    def _vault(self) -> Vault | None:
        return self._find_vault()

    def get(self, name: str) -> str:
        """Empty when there is none, or it was sealed on another machine."""
        return self._load().get(name, "")

    def put(self, name: str, secret: str) -> None:
        """An empty secret forgets the name."""
        with durable_file.locked(self._path):
            kept = self._load()
            kept[name] = secret
            self._save({one: text for one, text in kept.items() if text})

    def _load(self) -> dict[str, str]:
        for text in self._texts():
            found = self._opened(text)
            if found is not None:
                return found
        return {}

    def _texts(self) -> list[str]:
        found = []
        if self._vault is not None:
            with contextlib.suppress(Exception):  # a locked or broken store: the file may have it
                found.append(self._vault.get(self._name) or "")
        for path in (self._path, durable_file.backup_of(self._path)):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                found.append(path.read_text(encoding="ascii"))
        return found

    def _opened(self, text: str) -> dict[str, str] | None:
        for cipher in self._ciphers:
            with contextlib.suppress(ValueError, TypeError, InvalidTag):
                data = base64.b64decode(text, validate=True)
                plain = json.loads(cipher.decrypt(data[:_NONCE], data[_NONCE:], _CONTEXT))
                return {str(name): str(secret) for name, secret in plain.items()}
        return None

    def _save(self, kept: dict[str, str]) -> None:
        nonce = self._random(_NONCE)
        sealed = nonce + self._ciphers[0].encrypt(nonce, json.dumps(kept).encode(), _CONTEXT)
        text = base64.b64encode(sealed).decode("ascii")
        if self._vault is not None:
            with contextlib.suppress(Exception):  # any refusal of the store: the file then
                self._vault.put(self._name, text)
                if self._vault.get(self._name) == text:
                    for path in durable_file.traces_of(self._path):
                        path.unlink(missing_ok=True)
                    return
        durable_file.write_twice(self._path, text.encode("ascii"))
