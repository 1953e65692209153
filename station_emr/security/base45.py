"""Base45 (RFC 9285): bytes as the 45 characters that a QR code stores most densely."""

from __future__ import annotations

from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {char: value for value, char in enumerate(_ALPHABET)}


def encoded_length(byte_count: int) -> int:
    """Characters needed for so many bytes."""
    pairs, single = divmod(byte_count, 2)
    return pairs * 3 + single * 2


def encode(data: bytes) -> str:
    """``data`` in base45."""
    out: list[str] = []
    for at in range(0, len(data) - 1, 2):
        rest, low = divmod(data[at] << 8 | data[at + 1], 45)
        high, middle = divmod(rest, 45)
        out += (_ALPHABET[low], _ALPHABET[middle], _ALPHABET[high])
    if len(data) % 2:
        high, low = divmod(data[-1], 45)
        out += (_ALPHABET[low], _ALPHABET[high])
    return "".join(out)


def decode(text: str) -> bytes:
    """The bytes of ``text``. Raises ValueError when it is not base45."""
    try:
        values = [_VALUES[char] for char in text]
    except KeyError:
        raise ValueError("a character outside base45") from None
    out = bytearray()
    for at in range(0, len(values), 3):
        group = values[at : at + 3]
        number = sum(value * 45**place for place, value in enumerate(group))
        size = {3: 2, 2: 1}.get(len(group), 0)
        if size == 0 or number >= 256**size:
            raise ValueError("not base45")
        out += number.to_bytes(size, "big")
    return bytes(out)
