"""How a password guards the data key.

Each person has an X25519 key pair. The password (Argon2id → AES-256-GCM) wraps the private half;
the data key is sealed to the public half. So a new data key can be given to everybody without
their passwords, and an old copy of the file tells a leaver nothing about the new key.

Anybody could seal some other key to a public half. So the password also wraps the fingerprint of
the data key it was made with, and a later key counts only if it leads back to that one: each
change of keys leaves the key before it, wrapped under the key after it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from station_emr.domain.errors import EnvironmentFailure

KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12
TIE_BYTES: Final = NONCE_BYTES + 16  # how much longer the second layer makes what it holds
_MACHINE: Final = b"station-emr machine tie\x00"

Rng = Callable[[int], bytes]


class Unopened(Exception):
    """The secret does not fit, or the wrapped bytes were changed: the cipher cannot tell which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KdfCost:
    """Argon2id cost. The default takes about a quarter of a second on a station's PC."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4

    def sensible(self) -> bool:
        """Whether a file may ask for this cost: a damaged figure must not hang the log-in."""
        return (
            1 <= self.lanes <= 16
            and 1 <= self.iterations <= 64
            and 8 * self.lanes <= self.memory_kib <= 1024 * 1024
        )

    def at_least(self, other: KdfCost) -> KdfCost:
        """The dearer of both in every figure."""
        return KdfCost(
            memory_kib=max(self.memory_kib, other.memory_kib),
            iterations=max(self.iterations, other.iterations),
            lanes=max(self.lanes, other.lanes),
        )


DEFAULT_COST: Final = KdfCost()
MINIMUM_COST: Final = KdfCost(memory_kib=19 * 1024, iterations=2, lanes=1)
"""OWASP's least for Argon2id; a release may not ask for less."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KeyBox:
    """What the file keeps for one secret: nothing in it opens anything without that secret."""

    cost: KdfCost
    salt: bytes
    wrapped_private: bytes  # nonce + AES-256-GCM of the private half and the fingerprint
    public: bytes
    sealed: bytes  # ephemeral public half + nonce + AES-256-GCM of the data key
    binding: bytes  # proves to the holder of the data key that ``public`` was put here with it


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Opened:
    """What a secret opened: the data key, and the fingerprint the secret itself vouches for."""

    data_key: bytes
    fingerprint: bytes


def context(database_id: str, owner: str) -> bytes:
    """Associated data that ties wrapped bytes to one slot of one database."""
    return json.dumps(["station-emr key slot 1", database_id, owner]).encode()


def derive(secret: str, salt: bytes, cost: KdfCost) -> bytes:
    """Argon2id of a typed secret. One spelling, however the input method composed the letters."""
    typed = unicodedata.normalize("NFC", secret).encode("utf-8", "surrogatepass")
    try:
        return hash_secret_raw(
            typed,
            salt,
            time_cost=cost.iterations,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
        )
    except (HashingError, MemoryError):
        raise EnvironmentFailure(
            "Máy không đủ bộ nhớ để kiểm tra mật khẩu. Dữ liệu còn nguyên. "
            "Hãy đóng bớt chương trình khác rồi thử lại."
        ) from None


def lock(secret: str, data_key: bytes, where: bytes, cost: KdfCost, rng: Rng) -> KeyBox:
    """A fresh box around ``data_key``; an older box of the same person opens nothing new."""
    salt = rng(SALT_BYTES)
    seed = rng(KEY_BYTES)
    private = X25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    nonce = rng(NONCE_BYTES)
    content = seed + fingerprint(data_key)
    wrapped = nonce + AESGCM(derive(secret, salt, cost)).encrypt(nonce, content, where)
    return KeyBox(
        cost=cost,
        salt=salt,
        wrapped_private=wrapped,
        public=public,
        sealed=seal(data_key, public, where, rng),
        binding=bind(data_key, public, where, cost),
    )


def unlock(secret: str, box: KeyBox, where: bytes) -> Opened:
    """What the secret opens. Raises :class:`Unopened`."""
    key = derive(secret, box.salt, box.cost)
    nonce, wrapped = box.wrapped_private[:NONCE_BYTES], box.wrapped_private[NONCE_BYTES:]
    try:
        content = AESGCM(key).decrypt(nonce, wrapped, where)
        private = X25519PrivateKey.from_private_bytes(content[:KEY_BYTES])
        data_key = _unseal(box.sealed, private, where)
    except (InvalidTag, ValueError):
        raise Unopened from None
    return Opened(data_key=data_key, fingerprint=content[KEY_BYTES:])


def seal(data_key: bytes, public: bytes, where: bytes, rng: Rng) -> bytes:
    """``data_key`` for the holder of the private half of ``public``."""
    ephemeral = X25519PrivateKey.from_private_bytes(rng(KEY_BYTES))
    ephemeral_public = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    nonce = rng(NONCE_BYTES)
    cipher = AESGCM(_expand(shared, ephemeral_public + public + where))
    return ephemeral_public + nonce + cipher.encrypt(nonce, data_key, where)


def _unseal(sealed: bytes, private: X25519PrivateKey, where: bytes) -> bytes:
    ephemeral_public, rest = sealed[:KEY_BYTES], sealed[KEY_BYTES:]
    shared = private.exchange(X25519PublicKey.from_public_bytes(ephemeral_public))
    public = private.public_key().public_bytes_raw()
    cipher = AESGCM(_expand(shared, ephemeral_public + public + where))
    return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], where)


def _expand(shared: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(shared)


def bind(data_key: bytes, public: bytes, where: bytes, cost: KdfCost | None = None) -> bytes:
    """Proof that a holder of ``data_key`` put ``public`` there, and what its secret costs to try:
    nobody else can lower the figure that the next password would be wrapped with. Boxes of the first
    release prove no cost.
    """
    text = b"station-emr slot binding\x00" + public + where
    if cost is not None:
        text += json.dumps([cost.memory_kib, cost.iterations, cost.lanes]).encode()
    return hmac.digest(data_key, text, hashlib.sha256)


def bound_cost(box: KeyBox, where: bytes, data_key: bytes) -> KdfCost | None:
    """The cost that a holder of the key vouched for, at least the usual one for an old box. None for a
    box that no holder of the key put there.
    """
    if hmac.compare_digest(box.binding, bind(data_key, box.public, where, box.cost)):
        return box.cost
    if hmac.compare_digest(box.binding, bind(data_key, box.public, where)):
        return box.cost.at_least(DEFAULT_COST)
    return None


def tie_to_machine(wrapped: bytes, secret: bytes, where: bytes, rng: Rng) -> bytes:
    """A second layer: without this machine's secret a password cannot even be tried."""
    nonce = rng(NONCE_BYTES)
    cipher = AESGCM(_expand(secret, _MACHINE + where))
    return nonce + cipher.encrypt(nonce, wrapped, _MACHINE + where)


def untie(tied: bytes, secret: bytes, where: bytes) -> bytes:
    """What :func:`tie_to_machine` was given. Raises :class:`Unopened`."""
    cipher = AESGCM(_expand(secret, _MACHINE + where))
    try:
        return cipher.decrypt(tied[:NONCE_BYTES], tied[NONCE_BYTES:], _MACHINE + where)
    except (InvalidTag, ValueError):
        raise Unopened from None


def fingerprint(data_key: bytes) -> bytes:
    """Tells one data key from another; says nothing about its 256 random bits."""
    return hmac.digest(data_key, b"station-emr data key fingerprint", hashlib.sha256)


def wrap_previous(previous: bytes, data_key: bytes, database_id: str, rng: Rng) -> bytes:
    """The key before a change of keys, for whoever holds the new one."""
    where = context(database_id, "previous key")
    nonce = rng(NONCE_BYTES)
    return nonce + AESGCM(_expand(data_key, where)).encrypt(nonce, previous, where)


def unwrap_previous(wrapped: bytes, data_key: bytes, database_id: str) -> bytes:
    """Raises :class:`Unopened`."""
    where = context(database_id, "previous key")
    try:
        cipher = AESGCM(_expand(data_key, where))
        return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], where)
    except (InvalidTag, ValueError):
        raise Unopened from None
