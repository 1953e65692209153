"""The time a register or a report is about: a month, a quarter or a year, by Vietnamese time.

TT 23/2025/TT-BYT counts a month from 0h00 on its first day to 24h00 on its last, and the station hands
in within five working days. A PC set to another zone must not move a visit into another month.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

from .errors import InvalidRecord, Problem

ZONE: Final = timezone(timedelta(hours=7))
SUBMIT_WORKING_DAYS: Final = 5
_MONTH: Final = re.compile(r"(\d{4})-(\d{1,2})|(\d{1,2})/(\d{4})")
_QUARTER: Final = re.compile(r"(\d{4})-?[Qq]([1-4])|[Qq]([1-4])/(\d{4})")
_YEAR: Final = re.compile(r"\d{4}")
_ROMAN: Final = ("I", "II", "III", "IV")
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2200


class PeriodKind(StrEnum):
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def label(self) -> str:
        return {"month": "Tháng", "quarter": "Quý", "year": "Năm"}[self.value]

    @property
    def months(self) -> int:
        """How many months one of them has."""
        return {"month": 1, "quarter": 3, "year": 12}[self.value]


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """``number`` is the month (1 to 12) or the quarter (1 to 4); 1 for a year."""

    kind: PeriodKind
    year: int
    number: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 12 // self.kind.months:
            raise ValueError("no such part of a year")
        if not _FIRST_YEAR <= self.year <= _LAST_YEAR:
            raise ValueError("year out of range")

    @classmethod
    def of(cls, day: date, kind: PeriodKind = PeriodKind.MONTH) -> Period:
        """The period that holds ``day``."""
        return cls(kind, day.year, (day.month - 1) // kind.months + 1)

    @classmethod
    def at(cls, moment: datetime, kind: PeriodKind = PeriodKind.MONTH) -> Period:
        """The period that holds ``moment``, by Vietnamese time."""
        return cls.of(moment.astimezone(ZONE).date(), kind)

    @classmethod
    def parse(cls, text: str) -> Period:
        """``2026-11`` or ``11/2026``, ``2026-Q4``, ``2026``. Raises InvalidRecord."""
        typed = text.strip()
        try:
            if found := _MONTH.fullmatch(typed):
                year, month = (found[1], found[2]) if found[1] else (found[4], found[3])
                return cls(PeriodKind.MONTH, int(year), int(month))
            if found := _QUARTER.fullmatch(typed):
                year, quarter = (found[1], found[2]) if found[1] else (found[4], found[3])
                return cls(PeriodKind.QUARTER, int(year), int(quarter))
            if _YEAR.fullmatch(typed):
                return cls(PeriodKind.YEAR, int(typed))
        except ValueError:
            pass
        message = f"“{text}” không phải kỳ báo cáo. Gõ như 2026-11, 11/2026, 2026-Q4 hoặc 2026."
        raise InvalidRecord((Problem(field="period", code="period-form", message=message),))

    @property
    def key(self) -> str:
        """``2026-11``, ``2026-Q4`` or ``2026``, as :meth:`parse` reads it."""
        if self.kind is PeriodKind.MONTH:
            return f"{self.year:04d}-{self.number:02d}"
        return f"{self.year:04d}" + (f"-Q{self.number}" if self.kind is PeriodKind.QUARTER else "")

    @property
    def label(self) -> str:
        if self.kind is PeriodKind.MONTH:
            return f"Tháng {self.number:02d}/{self.year}"
        if self.kind is PeriodKind.QUARTER:
            return f"Quý {_ROMAN[self.number - 1]}/{self.year}"
        return f"Năm {self.year}"

    @property
    def first_day(self) -> date:
        return date(self.year, (self.number - 1) * self.kind.months + 1, 1)

    @property
    def last_day(self) -> date:
        return self.next.first_day - timedelta(days=1)

    @property
    def start(self) -> datetime:
        """0h00 of the first day."""
        return _midnight(self.first_day)

    @property
    def end(self) -> datetime:
        """24h00 of the last day; no longer part of the period."""
        return _midnight(self.next.first_day)

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    @property
    def next(self) -> Period:
        last = self.number * self.kind.months == 12
        return Period(self.kind, self.year + last, 1 if last else self.number + 1)

    @property
    def previous(self) -> Period:
        if self.number > 1:
            return Period(self.kind, self.year, self.number - 1)
        return Period(self.kind, self.year - 1, 12 // self.kind.months)

    @property
    def months(self) -> tuple[Period, ...]:
        """The months it is made of; itself when it is one."""
        first = self.first_day.month
        return tuple(
            Period(PeriodKind.MONTH, self.year, first + step) for step in range(self.kind.months)
        )

    def submit_by(self, holidays: Collection[date] = ()) -> date:
        """The last day for handing in: five working days after the period has ended."""
        day, left = self.last_day, SUBMIT_WORKING_DAYS
        while left:
            day += timedelta(days=1)
            left -= day.weekday() < 5 and day not in holidays
        return day


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)
