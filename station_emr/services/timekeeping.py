"""A PC's clock may be wrong; what was signed must still be in order.

Battery-less PCs wake up in the year 2000. Logging in, looking things up, registering and drafting go
on then, but a signature with a time before the last one would put the record out of order, so it
waits until the clock is right. Nothing else depends on the clock: versions are ordered by what they
are based on, and what waits for the province by its number.

A wrong clock is noticed by what is known of time without it: when this program was released, what
the server's clock said, and the latest moment at which this machine was in use and nothing was odd.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from station_emr import __released__
from station_emr.domain.errors import StateError

from .clock import VIETNAM
from .ports import Work

NEWEST_SIGNED: Final = "clock.newest_signed"
NEWEST_SEEN: Final = "clock.newest_seen"
SERVER_TIME: Final = "clock.server_time"
SKEW: Final = "sync.clock_skew_seconds"
TOLERANCE: Final = timedelta(minutes=5)
EARLIEST: Final = datetime.fromisoformat(__released__).replace(tzinfo=VIETNAM)
_OFTEN_ENOUGH: Final = timedelta(hours=1)
_NOTED: Final = timedelta(minutes=10)
_LONG_UNUSED: Final = timedelta(days=400)
_LONGEST_SERVED: Final = timedelta(days=3 * 366)
_ASK: Final = "Nếu giờ đang hiện là đúng, nhờ giám đốc hoặc người quản trị xác nhận giờ của máy."


def clock_problem(work: Work, now: datetime) -> str:
    """Why nothing can be signed at this time, as a sentence; empty when the clock is in order."""
    if now < EARLIEST:
        return (
            f"Đồng hồ máy đang chỉ {_shown(now)}, trước cả ngày có chương trình này: có lẽ pin của máy "
            "đã hết. Chưa ký được, bản nháp vẫn còn nguyên, tiếp đón và ghi nháp vẫn làm được. "
            "Hãy chỉnh lại ngày giờ của máy tính rồi ký lại."
        )
    newest = _kept(work, NEWEST_SIGNED)
    if newest is None or now >= newest - TOLERANCE:
        return ""
    return (
        f"Đồng hồ máy đang chỉ {_shown(now)}, trước lần ký gần nhất "
        f"({_shown(newest)}). Chưa ký được, bản nháp vẫn còn nguyên. "
        f"Hãy chỉnh lại ngày giờ của máy tính rồi ký lại. {_ASK}"
    )


def clock_warning(work: Work, now: datetime) -> str:
    """What is odd about the clock, for everybody to see at log-in; empty when nothing is."""
    return clock_problem(work, now) or _oddity(work, now) or _skew_warning(work)


def _oddity(work: Work, now: datetime) -> str:
    seen = _kept(work, NEWEST_SEEN)
    server = _kept(work, SERVER_TIME)
    known = max((one for one in (seen, server) if one is not None), default=None)
    if known is not None and now < known - TOLERANCE:
        which = (
            "giờ của máy chủ tỉnh ở lần kết nối gần nhất" if known == server else "lần dùng trước"
        )
        return (
            f"Đồng hồ máy đang chỉ {_shown(now)}, trước {which} ({_shown(known)}). "
            f"Mọi việc vẫn làm được. Hãy xem lại ngày giờ của máy tính trước khi ký. {_ASK}"
        )
    latest = known + _LONG_UNUSED if known is not None else EARLIEST + _LONGEST_SERVED
    if now > latest:
        return (
            f"Đồng hồ máy đang chỉ {_shown(now)}, xa hơn nhiều so với "
            f"{_shown(known or EARLIEST)} là giờ chắc chắn đã biết. Mọi việc vẫn làm được, nhưng giấy ký lúc này "
            f"sẽ mang ngày đó. Hãy xem lại ngày giờ của máy tính trước khi ký. {_ASK}"
        )
    return ""


def _skew_warning(work: Work) -> str:
    skew = server_skew(work)
    if skew is None or abs(skew) <= TOLERANCE:
        return ""
    way = "chậm" if skew > timedelta() else "nhanh"
    return (
        f"Ở lần kết nối gần nhất, đồng hồ máy này {way} hơn máy chủ tỉnh {_length(abs(skew))}. "
        "Dữ liệu vẫn gửi được. Hãy chỉnh lại ngày giờ của máy tính để giấy in đúng giờ."
    )


def is_trusted(work: Work, now: datetime) -> bool:
    """Whether the day may be believed where nobody is asked: nothing about the clock is odd, and the
    server's was of the same day or nearly.
    """
    skew = server_skew(work)
    agrees = skew is None or abs(skew) < timedelta(days=1)
    return agrees and not clock_problem(work, now) and not _oddity(work, now)


def server_skew(work: Work) -> timedelta | None:
    """How far the server's clock was ahead of this machine's, None while that is not known."""
    kept = work.settings.get(SKEW)
    try:
        return timedelta(seconds=float(kept)) if kept else None
    except (ValueError, OverflowError):
        return None


def note_server_clock(work: Work, now: datetime, skew: timedelta) -> None:
    """Keep what an answer of the server said about the time."""
    seconds = f"{skew.total_seconds():.0f}"
    if work.settings.get(SKEW) != seconds:
        work.settings.put(SKEW, seconds)
    theirs = now + skew
    kept = _kept(work, SERVER_TIME)
    if kept is None or abs(theirs - kept) >= _OFTEN_ENOUGH:
        work.settings.put(SERVER_TIME, theirs.isoformat(timespec="seconds"))


def station_time(work: Work, now: datetime) -> datetime:
    """The latest moment that is known to have come, for what runs out or grows old: a clock that was
    set back gives nobody more days, and one that was set far ahead takes none away.
    """
    kept = (_kept(work, name) for name in (NEWEST_SIGNED, NEWEST_SEEN, SERVER_TIME))
    known = max((one for one in kept if one is not None), default=None)
    if known is None:
        return now
    return known if clock_problem(work, now) or _oddity(work, now) else max(now, known)


def use_is_old(work: Work, now: datetime) -> bool:
    """Whether the last moment that was noted lies long enough back to note another."""
    seen = _kept(work, NEWEST_SEEN)
    return seen is None or now - seen >= _NOTED


def note_use(work: Work, now: datetime) -> None:
    """The machine is in use; a moment that is odd is not remembered, or it would look right later."""
    if clock_problem(work, now) or _oddity(work, now):
        return
    seen = _kept(work, NEWEST_SEEN)
    if seen is None or now > seen:
        work.settings.put(NEWEST_SEEN, now.isoformat(timespec="seconds"))


def keep_time(work: Work, now: datetime) -> None:
    """Note the time of a signature. Raises StateError when the clock was set back."""
    problem = clock_problem(work, now)
    if problem:
        raise StateError(problem)
    newest = _kept(work, NEWEST_SIGNED)
    if newest is None or now > newest:
        work.settings.put(NEWEST_SIGNED, now.isoformat())


def accept_time(work: Work, now: datetime) -> None:
    """From here on ``now`` counts as right, even when a signature of a wrong future came before.

    Raises StateError for a time at which this program did not exist: that nobody can confirm.
    """
    if now < EARLIEST:
        raise StateError(clock_problem(work, now))
    work.settings.put(NEWEST_SIGNED, now.isoformat())
    work.settings.put(NEWEST_SEEN, now.isoformat())
    for name in (SERVER_TIME, SKEW):
        if work.settings.get(name):
            work.settings.put(name, "")


def _kept(work: Work, name: str) -> datetime | None:
    kept = work.settings.get(name)
    try:
        found = datetime.fromisoformat(kept) if kept else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(VIETNAM):%H:%M ngày %d/%m/%Y}"


def _length(span: timedelta) -> str:
    if span.days >= 365:
        return f"khoảng {span.days // 365} năm"
    if span.days:
        return f"{span.days} ngày"
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    return f"{hours} giờ {minutes} phút" if hours else f"{minutes} phút"
