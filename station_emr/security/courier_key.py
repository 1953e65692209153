"""The key that opens courier files meant for this machine.

It is derived from the station's data key and the machine's own mark, so nothing more is kept: it
is there after every log-in, and a data folder that was copied to another PC does not open files
that were encrypted for the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_CONTEXT: Final = b"station-emr courier identity\x00"
_SECRET_PREFIX: Final = "age-secret-key-"  # noqa: S105  a prefix
_PUBLIC_PREFIX: Final = "age"
_LETTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


@dataclass(frozen=True, slots=True, repr=False)
class CourierIdentity:
    """An age X25519 pair; ``public`` is what others encrypt to. ``secret`` opens: as in an identity file
    of age one line per key, those of earlier data keys too, for what was on its way when it changed.
    """

    secret: str
    public: str


def courier_identity(
    data_key: bytes, machine: str, earlier: Sequence[bytes] = ()
) -> CourierIdentity:
    """The same for the same data keys and machine, always."""
    own, *older = (_pair(key, machine) for key in (data_key, *earlier))
    return replace(own, secret="\n".join(pair.secret for pair in (own, *older)))


def _pair(data_key: bytes, machine: str) -> CourierIdentity:
    info = _CONTEXT + machine.encode()
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(data_key)
    public = X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return CourierIdentity(
        secret=_bech32(_SECRET_PREFIX, seed).upper(), public=_bech32(_PUBLIC_PREFIX, public)
    )


def _bech32(prefix: str, data: bytes) -> str:
    """BIP 173 without its limit on length, as age writes keys."""
    values = _groups_of_five(data)
    spread = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(c) & 31 for c in prefix]
    rest = _polymod([*spread, *values, 0, 0, 0, 0, 0, 0]) ^ 1
    values += [(rest >> 5 * (5 - place)) & 31 for place in range(6)]
    return f"{prefix}1{''.join(_LETTERS[value] for value in values)}"


def _groups_of_five(data: bytes) -> list[int]:
    spare = -len(data) * 8 % 5
    number = int.from_bytes(data, "big") << spare
    count = (len(data) * 8 + spare) // 5
    return [(number >> 5 * (count - 1 - place)) & 31 for place in range(count)]


def _polymod(values: Sequence[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, term in enumerate(_GENERATOR):
            check ^= term if (top >> place) & 1 else 0
    return check
