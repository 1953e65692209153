"""The end of a log that came on a stick, and what goes home about it (docs/courier.md)."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy.orm import Session

from provincial_server.anchors.keeping import (
    Shown,
    anchor_text,
    keep,
    newest_of_each_life,
    read_shown,
)
from provincial_server.auth import Caller

_MOST_LIVES = 20


class _Header(msgspec.Struct):
    log: Any = None


def read_log(header: bytes) -> Shown | None:
    """What the first line of a file says of the log; None in a file of an earlier release. Refuses
    with 400 what is no such statement."""
    said = msgspec.json.decode(header, type=_Header).log
    return read_shown(said, travelled=True) if said is not None else None


def take_log(session: Session, caller: Caller, shown: Shown, now: int) -> dict[str, Any]:
    """Keep the end, in the caller's write transaction. The answer holds the last end of every life of
    the device's database: nobody can ask back on a stick, so the station looks them all up itself."""
    text, _ = keep(session, caller, shown, now)
    said: dict[str, Any] = msgspec.json.decode(text)
    return {
        "accepted": said["accepted"],
        "reason": said["reason"],
        "shown": {"incarnation": shown.incarnation, "seq": shown.line, "hash": shown.hash},
        "ends": [anchor_text(row) for row in newest_of_each_life(session, caller)[:_MOST_LIVES]],
    }
