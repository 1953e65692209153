"""Deadlines in working days: Saturdays, Sundays and days off do not count."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class DaysOff:
    """Days that come back every year (``(month, day)``) and single days, such as those of Tết.

    A day off that nobody entered makes a deadline too early, never too late.
    """

    yearly: Collection[tuple[int, int]] = ()
    single: Collection[date] = ()

    def works(self, day: date) -> bool:
        """Whether ``day`` is a working day."""
        if day.weekday() >= _SATURDAY:
            return False
        return (day.month, day.day) not in self.yearly and day not in self.single


def add_working_days(start: date, count: int, off: DaysOff) -> date:
    """The last day of a time of ``count`` working days that begins after ``start``."""
    day = start
    left = count
    while left > 0:
        day += timedelta(days=1)
        left -= off.works(day)
    return day


def working_days_left(today: date, last: date, off: DaysOff) -> int:
    """Working days after ``today`` up to and with ``last``; 0 on the last day, negative when over."""
    if today > last:
        return -_between(last, today, off) or -1
    return _between(today, last, off)


def _between(after: date, until: date, off: DaysOff) -> int:
    days: Iterable[date] = (after + timedelta(days=n) for n in range(1, (until - after).days + 1))
    return sum(off.works(day) for day in days)
