"""Which machines have a log that does not fit what they showed before, for the overview."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from provincial_server.anchors.tables import AuditAnchor, RefusedAnchor

MISMATCH = "nhật ký của trạm không khớp"
RESTORED = "nhật ký thiếu dòng sau khi khôi phục"
_SHOWN_FOR = 30 * 86_400_000


@dataclass(frozen=True)
class LogState:
    """How the log of one machine stands: its last end, and what is wrong with it now."""

    line: int = 0
    at: int | None = None
    wrong: str = ""
    wrong_at: int | None = None


NO_LOG = LogState()
"""Of a machine that has not shown its log yet."""


def log_states(session: Session, now: int) -> dict[str, LogState]:
    """By device. A refusal stands until an end of that machine is taken again; lines that were lost
    in a restore are shown for a month."""
    found: dict[str, LogState] = {}
    for device, line, at in session.execute(
        select(
            AuditAnchor.device_id, func.max(AuditAnchor.line), func.max(AuditAnchor.received_at)
        ).group_by(AuditAnchor.device_id)
    ):
        found[device] = LogState(line, at)
    for device, at in session.execute(
        select(AuditAnchor.device_id, func.max(AuditAnchor.received_at))
        .where(AuditAnchor.restored, AuditAnchor.received_at > now - _SHOWN_FOR)
        .group_by(AuditAnchor.device_id)
    ):
        known = found[device]
        found[device] = LogState(known.line, known.at, RESTORED, at)
    for device, at in session.execute(
        select(RefusedAnchor.device_id, func.max(RefusedAnchor.received_at)).group_by(
            RefusedAnchor.device_id
        )
    ):
        known = found.get(device, NO_LOG)
        if known.at is None or at >= known.at:
            found[device] = LogState(known.line, known.at, MISMATCH, at)
    return found
