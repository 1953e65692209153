"""A FHIR date is an interval: a year, a day or a moment, as milliseconds since 1970 in UTC."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))
"""A date without a zone is a civil day in Vietnam, which has had no other zone since 1975."""

_DAY = 24 * 3600 * 1000
_PARTS = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"(Z|[+-]\d\d:\d\d)?)?)?)?"
)


def interval(text: str) -> tuple[int, int]:
    """First and last millisecond that the text may mean; ValueError when it is no date."""
    match = _PARTS.fullmatch(text)
    if match is None:
        raise ValueError("no date")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    first_month, last_month = (int(month), int(month)) if month else (1, 12)
    if day:
        first_day = last_day = int(day)
    else:
        first_day, last_day = 1, calendar.monthrange(int(year), last_month)[1]
    if hour is None:
        start = datetime(int(year), first_month, first_day, tzinfo=VIETNAM)
        end = datetime(int(year), last_month, last_day, tzinfo=VIETNAM)
        return _milliseconds(start), _milliseconds(end) + _DAY - 1
    offset = datetime.fromisoformat(f"2000-01-01T00:00:00{zone}").tzinfo if zone else VIETNAM
    start = datetime(
        int(year), first_month, first_day, int(hour), int(minute), int(second or 0), tzinfo=offset
    )
    low = _milliseconds(start)
    if second is None:
        return low, low + 59_999
    if fraction is None:
        return low, low + 999
    step = 10 ** max(0, 3 - len(fraction))
    low += int(fraction[:3].ljust(3, "0"))
    return low, low + step - 1


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
