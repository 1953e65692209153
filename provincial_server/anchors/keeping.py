"""Takes the end of a station's log, if it can follow what that device showed before.

Within one life of a database its log only grows, and its older lines stay as they are. So an end must
not lie before an earlier one, not differ at the same line, and the station must show that its log still
holds, at the line of the last end, the hash that was shown then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.anchors.tables import AuditAnchor, RefusedAnchor
from provincial_server.auth import Caller
from provincial_server.database import lock_facility
from provincial_server.dates import interval
from provincial_server.faults import refuse

BACK, DIFFERS, UNPROVEN, LATE = "back", "differs", "unproven", "late"
"""The log is shorter than before; another line stands where one was shown; the station has not said
what stands there, and is asked to; an end that was overtaken on its way."""
_HASH = re.compile(r"[0-9a-f]{64}")
_LIFE = re.compile(r"[A-Za-z0-9._:-]{1,80}")
_LONGEST = 2**53
_MOST_HELD = 200


@dataclass(frozen=True)
class Shown:
    """The end of a log as a station tells it. `holds` is what it holds at earlier lines; `travelled`
    says that it came on a stick, which may be older than what the line carried meanwhile."""

    incarnation: str
    line: int
    hash: str
    told_at: int
    holds: Mapping[int, str] = field(default_factory=dict)
    travelled: bool = False


def read_shown(body: object, *, travelled: bool = False) -> Shown:
    """Refuses with 400 what is no such statement."""
    if not isinstance(body, dict):
        raise refuse(400, "structure", "an object is expected")
    before = body.get("continues")
    if before is not None and not isinstance(before, dict):
        raise refuse(400, "structure", "continues is an object", "continues")
    life = body.get("incarnation")
    if not isinstance(life, str) or not _LIFE.fullmatch(life):
        raise refuse(400, "value", "incarnation is a short word", "incarnation")
    at = body.get("at")
    try:
        told_at = interval(at)[0] if isinstance(at, str) else None
    except (ValueError, OverflowError, OSError):
        told_at = None
    if told_at is None:
        raise refuse(400, "value", "at is an instant", "at")
    return Shown(
        incarnation=life,
        line=_line(body, "seq"),
        hash=_hash(body, "hash"),
        told_at=told_at,
        holds=_earlier([before] if before else body.get("holds", []) if travelled else []),
        travelled=travelled,
    )


def _earlier(said: object) -> dict[int, str]:
    if not isinstance(said, list) or len(said) > _MOST_HELD:
        raise refuse(400, "structure", "holds is a short list", "holds")
    if not all(isinstance(one, dict) for one in said):
        raise refuse(400, "structure", "holds is a list of objects", "holds")
    return {_line(one, "seq"): _hash(one, "hash") for one in said}


def _line(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if type(value) is not int or not 0 < value < _LONGEST:
        raise refuse(400, "value", f"{name} is the number of a line", name)
    return value


def _hash(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise refuse(400, "value", f"{name} is a SHA-256 in hexadecimal", name)
    return value


def keep(session: Session, caller: Caller, shown: Shown, now: int) -> tuple[str, str]:
    """The answer, and why it was refused (empty when it was taken); in one write transaction."""
    lock_facility(session, caller.facility_code)
    last = newest(session, caller, shown.incarnation)
    reason = _judge(last, shown)
    if reason == BACK and shown.travelled:
        reason = _judge_late(session, caller, last, shown)
    if not reason and (last is None or shown.line > last.line):
        session.add(
            AuditAnchor(
                facility_code=caller.facility_code,
                device_id=caller.device_id,
                incarnation=shown.incarnation,
                line=shown.line,
                hash=shown.hash,
                told_at=shown.told_at,
                received_at=now,
                restored=last is None and _lost_lines(session, caller, shown),
            )
        )
        session.flush()
        last = newest(session, caller, shown.incarnation)
    if reason in {BACK, DIFFERS}:
        _note(session, caller, shown, reason, now)
    answer = {
        "accepted": not reason,
        "reason": reason,
        "last": anchor_text(last) if last else None,
    }
    return wire.canonical(answer), reason


def _judge(last: AuditAnchor | None, shown: Shown) -> str:
    if last is None:
        return ""
    if shown.line < last.line:
        return BACK
    if shown.line == last.line:
        return "" if shown.hash == last.hash else DIFFERS
    held = shown.holds.get(last.line)
    if held is None:
        return UNPROVEN
    return "" if held == last.hash else DIFFERS


def _judge_late(session: Session, caller: Caller, last: AuditAnchor | None, shown: Shown) -> str:
    """A file that lay about shows an earlier end: no alarm, unless it was told after the newest."""
    there = session.get(
        AuditAnchor, (caller.facility_code, caller.device_id, shown.incarnation, shown.line)
    )
    if there is not None:
        return "" if there.hash == shown.hash else DIFFERS
    return BACK if last is None or shown.told_at > last.told_at else LATE


def newest(session: Session, caller: Caller, incarnation: str) -> AuditAnchor | None:
    return session.scalars(
        select(AuditAnchor)
        .where(
            AuditAnchor.facility_code == caller.facility_code,
            AuditAnchor.device_id == caller.device_id,
            AuditAnchor.incarnation == incarnation,
        )
        .order_by(AuditAnchor.line.desc())
        .limit(1)
    ).first()


def newest_of_each_life(session: Session, caller: Caller) -> list[AuditAnchor]:
    """The last end of every life of the device's database, the newest life first."""
    rows = session.scalars(
        select(AuditAnchor)
        .where(
            AuditAnchor.facility_code == caller.facility_code,
            AuditAnchor.device_id == caller.device_id,
        )
        .order_by(AuditAnchor.received_at, AuditAnchor.line)
    )
    found = {row.incarnation: row for row in rows}
    return sorted(found.values(), key=lambda row: (-row.received_at, row.incarnation))


def _lost_lines(session: Session, caller: Caller, shown: Shown) -> bool:
    """Whether the first end of a new life does not show the last end of the life before."""
    before = newest_of_each_life(session, caller)
    if not before:
        return False
    return shown.holds.get(before[0].line) != before[0].hash


def _note(session: Session, caller: Caller, shown: Shown, reason: str, now: int) -> None:
    """The same refusal twice is one line: a station asks every day."""
    own = (
        RefusedAnchor.facility_code == caller.facility_code,
        RefusedAnchor.device_id == caller.device_id,
    )
    last = session.scalars(
        select(RefusedAnchor).where(*own).order_by(RefusedAnchor.number.desc()).limit(1)
    ).first()
    found = (shown.incarnation, shown.line, shown.hash, reason)
    if last is not None and (last.incarnation, last.line, last.hash, last.reason) == found:
        return
    number = session.scalar(select(func.coalesce(func.max(RefusedAnchor.number), 0)).where(*own))
    session.add(
        RefusedAnchor(
            facility_code=caller.facility_code,
            device_id=caller.device_id,
            number=(number or 0) + 1,
            incarnation=shown.incarnation,
            line=shown.line,
            hash=shown.hash,
            reason=reason,
            received_at=now,
        )
    )
    session.flush()


def anchor_text(row: AuditAnchor) -> dict[str, Any]:
    return {
        "incarnation": row.incarnation,
        "seq": row.line,
        "hash": row.hash,
        "at": wire.instant(row.received_at),
    }
