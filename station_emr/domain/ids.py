"""Record ids: UUIDv7 (RFC 9562 §5.7), made at the station, sortable by time of making."""

from __future__ import annotations

import re
from uuid import UUID

_UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


def uuid7(unix_ms: int, randomness: bytes) -> str:
    """Build a UUIDv7 from a time in milliseconds and 10 random bytes.

    Raises ValueError when the time does not fit 48 bits or the randomness is not 10 bytes.
    """
    if not 0 <= unix_ms < 1 << 48:
        raise ValueError("time outside 48 bits")
    if len(randomness) != 10:
        raise ValueError("10 random bytes are needed")
    value = unix_ms << 80 | int.from_bytes(randomness, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))


def is_record_id(text: str) -> bool:
    """Whether ``text`` is a UUID in canonical lower-case form."""
    return bool(_UUID.match(text))
