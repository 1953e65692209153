"""One claim as the rules read it: numbers and moments read once, lists at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from station_emr.domain.birth import BirthDate
from station_emr.domain.claim import (
    CHECK_IN,
    DRUGS,
    SERVICES,
    SUMMARY,
    ClaimFile,
    ClaimRow,
)
from station_emr.interop.bhyt.schema import Schema, schema
from station_emr.interop.bhyt.values import read_birth, read_moment
from station_emr.services.claim_check_ports import ClaimLists

from .rule import Hit

_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
LONGEST_NUMBER: Final = 24
"""Longer than any element may be: told as too long, and not counted with."""


class Cell(NamedTuple):
    """One element of one row."""

    table: str
    row: int
    element: str
    text: str

    def hit(self, *, expected: str = "", other: str = "", value: str | None = None) -> Hit:
        return Hit(
            self.table,
            self.row,
            self.element,
            self.text if value is None else value,
            expected,
            other,
        )


class Sheet:
    """A claim under the rules. It remembers what was told while they run, so that what follows from a
    fault that is told already is not told again.
    """

    def __init__(self, claim: ClaimFile, lists: ClaimLists) -> None:
        self.claim = claim
        self.lists = lists
        self.schema: Schema = schema(claim.version)
        self.summary = claim.summary
        self._numbers: dict[tuple[str, int, str], Decimal | None] = {}
        self._moments: dict[str, datetime | None] = {}
        self._told: set[tuple[str, int, str]] = set()
        self._told_groups: set[str] = set()
        self.memo: dict[str, Any] = {}  # what several rules of a module count once
        self.day = self._day()

    def _day(self) -> date:
        out = self.moment(self.summary.get("NGAY_RA", ""))
        came = self.moment(self.claim.check_in.get("NGAY_VAO", ""))
        end = out or came
        return end.date() if end else self.claim.made_on

    # -- reading ---------------------------------------------------------------------------------

    def rows(self, table: str) -> Iterator[tuple[int, ClaimRow]]:
        return enumerate(self.claim.rows(table))

    def cells(self, tables: tuple[str, ...], elements: tuple[str, ...]) -> Iterator[Cell]:
        """Every filled element of these names, in the order of the file."""
        for table in tables:
            for place, row in self.rows(table):
                for element in elements:
                    text = row.get(element, "")
                    if text:
                        yield Cell(table, place, element, text)

    def text(self, element: str) -> str:
        """Of the summary."""
        return self.summary.get(element, "")

    def number(self, table: str, row: int, element: str) -> Decimal | None:
        """None when empty or no number: another rule says so."""
        key = (table, row, element)
        if key not in self._numbers:
            text = self.claim.rows(table)[row].get(element, "")
            good = len(text) <= LONGEST_NUMBER and _NUMBER.fullmatch(text) is not None
            self._numbers[key] = Decimal(text) if good else None
        return self._numbers[key]

    def moment(self, text: str) -> datetime | None:
        if text not in self._moments:
            self._moments[text] = read_moment(text) if len(text) in {8, 12} else None
        return self._moments[text]

    def _minute(self, element: str) -> datetime | None:
        text = self.text(element)
        return self.moment(text) if len(text) == 12 else None

    def group(self, table: str, row: int) -> str:
        """MA_NHOM without a leading zero."""
        return self.claim.rows(table)[row].get("MA_NHOM", "").lstrip("0")

    @property
    def arrived(self) -> datetime | None:
        return self._minute("NGAY_VAO")

    @property
    def left(self) -> datetime | None:
        return self._minute("NGAY_RA")

    @property
    def care_kind(self) -> str:
        return self.text("MA_LOAI_KCB")

    @property
    def visit_object(self) -> str:
        return self.text("MA_DOITUONG_KCB")

    @property
    def birth(self) -> BirthDate | None:
        return read_birth(self.text("NGAY_SINH"))

    @property
    def is_claim(self) -> bool:
        """Whether there is anything besides a check-in."""
        return any(table != CHECK_IN for table in self.claim.tables)

    @property
    def charged(self) -> Iterator[tuple[str, int, ClaimRow]]:
        """The rows of drugs and services, which carry money."""
        for table in (DRUGS, SERVICES):
            for place, row in self.rows(table):
                yield table, place, row

    def on_summary(self, element: str, **said: str) -> Hit:
        said.setdefault("value", self.text(element))
        return Hit(SUMMARY, 0, element, **said)

    # -- what was told ---------------------------------------------------------------------------

    def tell(self, group: str, hit: Hit) -> None:
        """A rule of the group found this."""
        self._told.add(hit[:3])
        self._told_groups.add(group)

    def told(self, group: str) -> bool:
        """Whether a rule of the group was broken."""
        return group in self._told_groups

    def told_of(self, table: str, row: int, element: str) -> bool:
        """Whether something was told of this very element."""
        return (table, row, element) in self._told


def items(text: str) -> list[str]:
    """The values of a list in one element, as they stand between the semicolons."""
    return [part.strip() for part in text.split(";") if part.strip()]
