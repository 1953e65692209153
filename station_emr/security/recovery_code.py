"""The recovery code: 24 characters that a person can copy from paper without confusing any two.

Crockford's base32 (no I, L, O, U): 23 characters carry 115 random bits, the last one checks them
(Luhn modulo 32), so that a slip of the pen is told apart from a wrong code.
"""

from __future__ import annotations

import re
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 24
_RANDOM_BYTES: Final = 15
_LOOKALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})


def make_recovery_code(randomness: bytes) -> str:
    """A code ``XXXX-XXXX-XXXX-XXXX-XXXX-XXXX`` from 15 random bytes (5 bits give way to the check)."""
    if len(randomness) != _RANDOM_BYTES:
        raise ValueError("15 random bytes are needed")
    number = int.from_bytes(randomness, "big") >> 5
    values = [number >> 5 * place & 31 for place in reversed(range(_LENGTH - 1))]
    values.append(-_luhn_sum(values, first_doubled=True) % 32)
    text = "".join(_ALPHABET[value] for value in values)
    return "-".join(text[at : at + 4] for at in range(0, _LENGTH, 4))


def read_recovery_code(text: str) -> str | None:
    """The 24 characters of a typed code; None when a character is wrong, missing or swapped."""
    squeezed = re.sub(r"[\s\-–—_.]", "", text).upper().translate(_LOOKALIKES)
    values = [_ALPHABET.find(char) for char in squeezed]
    if len(values) != _LENGTH or -1 in values:
        return None
    return squeezed if _luhn_sum(values, first_doubled=False) % 32 == 0 else None


def _luhn_sum(values: list[int], *, first_doubled: bool) -> int:
    """Sum from the right, every second value doubled and its two digits of base 32 added."""
    total = 0
    doubled = first_doubled
    for value in reversed(values):
        product = value * 2 if doubled else value
        total += product // 32 + product % 32
        doubled = not doubled
    return total
