"""Ranges of ICD-10 as registers and reports name them: ``A15-A19``, ``B20``, ``E10.1-E14``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(r"([A-Z]\d{2}(?:\.\d{1,2})?)(?:-([A-Z]\d{2}(?:\.\d{1,2})?))?")


@dataclass(frozen=True, slots=True)
class IcdRange:
    """``first`` to ``last``, both with all that is below them."""

    first: str
    last: str

    @classmethod
    def parse(cls, text: str) -> IcdRange:
        """Raises ValueError for what is no range."""
        found = _RANGE.fullmatch(text.strip().upper().replace("–", "-"))
        if found is None:
            raise ValueError(text)
        first, last = found[1], found[2] or found[1]
        if last < first:
            raise ValueError(text)
        return cls(first, last)

    def covers(self, code: str) -> bool:
        code = code.strip().upper()
        return bool(code) and self.first <= code and code[: len(self.last)] <= self.last

    @property
    def text(self) -> str:
        return self.first if self.first == self.last else f"{self.first}-{self.last}"


def covered(code: str, ranges: Iterable[IcdRange]) -> bool:
    return any(one.covers(code) for one in ranges)


@dataclass(frozen=True, slots=True)
class IcdChapter:
    """One chapter of the list, with its Roman number."""

    number: str
    name: str
    ranges: tuple[IcdRange, ...]

    @property
    def label(self) -> str:
        spans = ", ".join(one.text for one in self.ranges)
        return f"{self.number}. {self.name} ({spans})"

    def covers(self, code: str) -> bool:
        return covered(code, self.ranges)


def chapter_of(code: str, chapters: Iterable[IcdChapter]) -> IcdChapter | None:
    """The chapter that holds ``code``."""
    return next((one for one in chapters if one.covers(code)), None)
