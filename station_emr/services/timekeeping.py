"""A PC's clock may be wrong; what was signed must still be in order.

Battery-less PCs wake up in the year 2000. Looking things up, registering and drafting go on then,
but a signature with a time before the last one would put the record out of order, so it waits
until the clock is right.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from station_emr.domain.errors import StateError

from .ports import Work

NEWEST_SIGNED = "clock.newest_signed"
TOLERANCE = timedelta(minutes=5)


def clock_problem(work: Work, now: datetime) -> str:
    """Why nothing can be signed at this time, as a sentence; empty when the clock is in order."""
    newest = _newest(work)
    if newest is None or now >= newest - TOLERANCE:
        return ""
    return (
        f"Đồng hồ máy đang chỉ {now:%H:%M ngày %d/%m/%Y}, trước lần ký gần nhất "
        f"({newest:%H:%M ngày %d/%m/%Y}). Chưa ký được, bản nháp vẫn còn nguyên. "
        "Hãy chỉnh lại ngày giờ của máy tính rồi ký lại. Nếu giờ đang hiện là đúng, "
        "nhờ giám đốc hoặc người quản trị xác nhận giờ của máy."
    )


def keep_time(work: Work, now: datetime) -> None:
    """Note the time of a signature. Raises StateError when the clock was set back."""
    problem = clock_problem(work, now)
    if problem:
        raise StateError(problem)
    newest = _newest(work)
    if newest is None or now > newest:
        accept_time(work, now)


def accept_time(work: Work, now: datetime) -> None:
    """From here on ``now`` counts as right, even when a signature of a wrong future came before."""
    work.settings.put(NEWEST_SIGNED, now.isoformat())


def _newest(work: Work) -> datetime | None:
    kept = work.settings.get(NEWEST_SIGNED)
    return datetime.fromisoformat(kept) if kept else None
