"""Domain records as JSON text and back; moments as UTC text with the writer's offset.

Every field is written, defaults too: a default that changes in a later program must not change
what was signed. Reading ignores unknown keys, so that an older program reads a newer record.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_encoder = msgspec.json.Encoder(order="deterministic")
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def encode(value: Any) -> str:
    """Canonical JSON: decimals as text, dates and moments as ISO text with their offset."""
    return _encoder.encode(value).decode()


def decode(text: str, kind: type[T]) -> T:
    """Read ``text`` as ``kind``; msgspec.ValidationError when it does not fit."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    result: T = decoder.decode(text)
    return result


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def utc_text(at: datetime) -> str:
    """Sortable UTC text of fixed width. A naive moment is a bug: ValueError."""
    if at.tzinfo is None:
        raise ValueError("a stored moment needs its offset")
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"  # not "+00:00"


def offset_of(at: datetime) -> int:
    """Minutes east of UTC of the clock that wrote ``at``."""
    offset = at.utcoffset()
    if offset is None:
        raise ValueError("a stored moment needs its offset")
    return int(offset.total_seconds() // 60)


def moment(utc: str, offset: int) -> datetime:
    """The aware moment as it was written, in its own offset."""
    return datetime.fromisoformat(utc).astimezone(_zone(offset))


def maybe_moment(utc: str | None, offset: int | None) -> datetime | None:
    return None if utc is None or offset is None else moment(utc, offset)


def stamp(name: str, at: datetime | None) -> dict[str, Any]:
    """The two columns of a moment."""
    if at is None:
        return {f"{name}_utc": None, f"{name}_offset": None}
    return {f"{name}_utc": utc_text(at), f"{name}_offset": offset_of(at)}


_zones: dict[int, timezone] = {}


def _zone(offset: int) -> timezone:
    zone = _zones.get(offset)
    if zone is None:
        zone = _zones[offset] = timezone(timedelta(minutes=offset))
    return zone
