"""Birth dates as people know them: often only a year, sometimes a month, and the age they give."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import total_ordering
from typing import Final

from station_emr.domain.errors import InvalidRecord, Problem
from station_emr.domain.text import strip_marks

OLDEST_AGE: Final = 130
_FIRST_YEAR: Final = 1800
_MONTHS_AS_MONTHS: Final = 72  # TT 26/2025 asks for the age in months under 72 months
_DAYS_AS_DAYS: Final = 30

_ISO: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_DMY: Final = re.compile(r"([0-9]{1,2})[/.\- ]([0-9]{1,2})[/.\- ]([0-9]{2}|[0-9]{4})")
_MY: Final = re.compile(r"([0-9]{1,2})[/.\- ]([0-9]{4})")
_AGE: Final = re.compile(r"([0-9]{1,3}) ?(tuoi|t|thang|th|ngay|ng)")

_EXAMPLES: Final = "Gõ như 03/05/1992, 030592, 1992 hoặc 34t."


@total_ordering
@dataclass(frozen=True, slots=True)
class BirthDate:
    """A year, a month of a year, or a full day.

    Ordered by what is known, an unknown part coming first. Building an impossible one is a
    ValueError; what people type goes through :func:`parse_birth`.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.day is not None and self.month is None:
            raise ValueError("a day needs its month")
        if not _FIRST_YEAR <= self.year <= 9999:
            raise ValueError("year out of range")
        date(
            self.year,
            1 if self.month is None else self.month,
            1 if self.day is None else self.day,
        )

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, BirthDate):
            return NotImplemented
        return self._key() < other._key()

    def _key(self) -> tuple[int, int, int]:
        return self.year, self.month or 0, self.day or 0

    @classmethod
    def from_iso(cls, text: str) -> BirthDate:
        """Read ``1992``, ``1992-05`` or ``1992-05-03``; ValueError for anything else."""
        found = _ISO.fullmatch(text)
        if found is None:
            raise ValueError("not an ISO birth date")
        year, month, day = found.groups()
        return cls(int(year), int(month) if month else None, int(day) if day else None)

    @classmethod
    def from_date(cls, day: date) -> BirthDate:
        return cls(day.year, day.month, day.day)

    def to_iso(self) -> str:
        """``1992``, ``1992-05`` or ``1992-05-03``, as FHIR writes it."""
        text = f"{self.year:04d}"
        if self.month is not None:
            text += f"-{self.month:02d}"
        if self.day is not None:
            text += f"-{self.day:02d}"
        return text

    def display(self) -> str:
        """``03/05/1992``, ``05/1992`` or ``1992``, as forms print it."""
        return "/".join(reversed(self.to_iso().split("-")))

    def earliest(self) -> date:
        """The first day it can mean."""
        return date(self.year, self.month or 1, self.day or 1)

    def latest(self) -> date:
        """The last day it can mean."""
        if self.day is not None:
            return self.earliest()
        if self.month is None or self.month == 12:
            return date(self.year, 12, 31)
        return date(self.year, self.month + 1, 1) - timedelta(days=1)

    def agrees_with(self, other: BirthDate) -> bool:
        """Whether both can mean the same day: the known parts are equal."""
        return self.earliest() <= other.latest() and other.earliest() <= self.latest()

    def problem(self, today: date, *, field: str = "birth") -> Problem | None:
        """Why this cannot be the birth of a living person: in the future, or over 130 years ago."""
        if self.earliest() > today:
            return Problem(
                field=field,
                code="birth-future",
                message=f"Ngày sinh {self.display()} ở sau hôm nay ({today:%d/%m/%Y}). Hãy xem lại ngày sinh.",
            )
        if age_on(self, today) > OLDEST_AGE:
            return Problem(
                field=field,
                code="birth-too-old",
                message=f"Ngày sinh {self.display()} cho tuổi trên {OLDEST_AGE}. Hãy xem lại năm sinh.",
            )
        return None


def _refuse(field: str, code: str, message: str) -> InvalidRecord:
    return InvalidRecord((Problem(field=field, code=code, message=message),))


def check_birth(birth: BirthDate, today: date, *, field: str = "birth") -> BirthDate:
    """``birth`` itself, or InvalidRecord when it cannot be that of a living person."""
    found = birth.problem(today, field=field)
    if found is not None:
        raise InvalidRecord((found,))
    return birth


def parse_birth(text: str, today: date, *, field: str = "birth") -> BirthDate:
    """Read a typed birth date or age: ``3/5/92``, ``030592``, ``05/1992``, ``1992``, ``34t``.

    Two digits of a year mean the latest such year that is not after ``today``. An age in years
    keeps only the year, an age in months the month: no more is known.
    """
    typed = strip_marks(text).strip()
    if not typed:
        raise _refuse(field, "birth-missing", f"Chưa có ngày sinh. {_EXAMPLES}")
    birth = _from_age(typed, today)
    if birth is None:
        birth = _from_figures(typed, today)
    if birth is None:
        raise _refuse(
            field, "birth-form", f"Không đọc được ngày sinh “{text.strip()}”. {_EXAMPLES}"
        )
    return check_birth(birth, today, field=field)


def _from_age(typed: str, today: date) -> BirthDate | None:
    found = _AGE.fullmatch(typed)
    if found is None:
        return None
    count, unit = int(found[1]), found[2]
    if unit in {"tuoi", "t"}:
        return BirthDate(max(today.year - count, _FIRST_YEAR))
    if unit in {"thang", "th"}:
        years, month = divmod(today.year * 12 + today.month - 1 - count, 12)
        return BirthDate(years, month + 1)
    return BirthDate.from_date(today - timedelta(days=count))


def _from_figures(typed: str, today: date) -> BirthDate | None:
    """The first reading of the figures that is a possible date."""
    for day, month, year in _readings(typed):
        full_year = _full_year(year, today)
        try:
            return BirthDate(full_year, int(month or 0) or None, int(day or 0) or None)
        except ValueError:
            continue
    return None


def _readings(typed: str) -> list[tuple[str, str, str]]:
    """Day, month and year texts that the figures can mean, the likeliest first."""
    if found := _DMY.fullmatch(typed):
        return [(found[1], found[2], found[3])]
    if found := _MY.fullmatch(typed):
        return [("", found[1], found[2])]
    if found := _ISO.fullmatch(typed):
        return [(found[3] or "", found[2] or "", found[1])]
    if not (typed.isascii() and typed.isdigit()):
        return []
    if len(typed) == 8:
        return [(typed[:2], typed[2:4], typed[4:]), (typed[6:], typed[4:6], typed[:4])]
    if len(typed) == 6:
        return [(typed[:2], typed[2:4], typed[4:]), ("", typed[:2], typed[2:])]
    return []


def _full_year(year: str, today: date) -> int:
    if len(year) != 2:
        return int(year)
    century = today.year // 100 * 100
    full = century + int(year)
    return full if full <= today.year else full - 100


def age_on(birth: BirthDate, day: date) -> int:
    """Completed years on ``day``; parts that are unknown count as already passed.

    Negative when ``day`` lies before the birth.
    """
    years = day.year - birth.year
    if birth.month is not None and (day.month, day.day) < (birth.month, birth.day or 1):
        years -= 1
    return years


def age_months(birth: BirthDate, day: date) -> int | None:
    """Completed months on ``day``, an unknown day counting as the 1st; None without a month.

    Negative when ``day`` lies before the birth.
    """
    if birth.month is None:
        return None
    months = (day.year - birth.year) * 12 + day.month - birth.month
    return months - 1 if day.day < (birth.day or 1) else months


def age_text(birth: BirthDate, day: date) -> str:
    """The age as a nurse says it: ``12 ngày``, ``18 tháng``, ``34 tuổi``."""
    if birth.earliest() > day:
        return "chưa sinh"
    months = age_months(birth, day)
    if birth.day is not None:
        days = (day - birth.earliest()).days
        if days < _DAYS_AS_DAYS or months == 0:
            return f"{days} ngày"
    if months is not None and months < _MONTHS_AS_MONTHS:
        return f"{months} tháng" if months else "dưới 1 tháng"
    years = age_on(birth, day)
    return f"{years} tuổi" if years else "dưới 1 tuổi"


def months_old(birth: BirthDate, day: date) -> int:
    """Whole months for age bands: exact when known, otherwise twelve times the years; never negative."""
    months = age_months(birth, day)
    return max(0, age_on(birth, day) * 12 if months is None else months)
