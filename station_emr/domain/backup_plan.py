"""Which copies of the station are kept, when the next is due, and what is worth a warning.

Pure rules: moments in, decisions out. Nothing here touches a disk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LATE_AFTER: Final = timedelta(days=2)
DRILL_AFTER: Final = timedelta(days=90)
_LONGEST: Final = 100 * 366


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepPlan:
    """How long copies stay: all of the last days, then one of each week, then one of each month."""

    days: int = 7
    weeks: int = 13
    months: int = 36

    def __post_init__(self) -> None:
        if min(self.days, self.weeks, self.months) < 1 or self.days > _LONGEST:
            raise ValueError("each span is at least one")


USUAL: Final = KeepPlan()


def kept(
    moments: Iterable[datetime],
    now: datetime,
    plan: KeepPlan = USUAL,
    protected: Collection[datetime] = (),
) -> frozenset[datetime]:
    """The moments whose copies stay. The newest always does, as do those ``protected`` and those
    of the future: a clock that was set wrong must not cost a copy.
    """
    held = sorted(set(moments), reverse=True)
    if not held:
        return frozenset()
    staying = {held[0], *(one for one in held if one in protected or one > now)}
    weeks: set[int] = set()
    months: set[int] = set()
    for moment in held:  # newest first, so the newest of each week and month stays
        age = (now.date() - moment.date()).days
        week = moment.date().toordinal() // 7
        month = moment.year * 12 + moment.month
        if age < plan.days:
            staying.add(moment)
        if age < plan.weeks * 7 and week not in weeks:
            staying.add(moment)
        months_old = now.year * 12 + now.month - month
        if months_old < plan.months and month not in months:
            staying.add(moment)
        weeks.add(week)
        months.add(month)
    return frozenset(staying)


def is_due(last: datetime | None, now: datetime) -> bool:
    """Once on each calendar day; also when the last one lies in the future, for then the clock was
    set back and its age says nothing.
    """
    return last is None or last > now or last.astimezone(now.tzinfo).date() < now.date()


def is_late(last: datetime | None, now: datetime) -> bool:
    return last is None or not timedelta() <= now - last < LATE_AFTER


def needs_drill(last: datetime | None, now: datetime) -> bool:
    """No proof within 90 days that a copy can be opened and holds what it should."""
    return last is None or not timedelta() <= now - last < DRILL_AFTER
