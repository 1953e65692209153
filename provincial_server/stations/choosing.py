"""Which stations a table shows and in what order: said in the address, so it needs no script."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from provincial_server.stations.figures import Station, version_key

FILTERS = {
    "": "Tất cả trạm",
    "can-goi": "Cần gọi",
    "dang-dung": "Đang dùng",
    "chua-dung": "Chưa dùng",
}
PAGE = 100
"""Stations on one page of the table."""
_NEVER = -1
_KEYS: Mapping[str, Callable[[Station], Any]] = {
    "ma": lambda one: one.code,
    "ten": lambda one: fold(one.name),
    "lien-lac": lambda one: one.last_contact if one.last_contact is not None else _NEVER,
    "ton": lambda one: (one.waiting, -(one.oldest or 0)),
    "tu-choi": lambda one: one.rejected,
    "doi-chieu": lambda one: one.conflicts,
    "luot": lambda one: one.visits,
    "vang": lambda one: one.days_away,
    "lech-gio": lambda one: abs(one.skew or 0),
    "chuong-trinh": lambda one: version_key(one.program),
    "phan-hoi": lambda one: one.turnaround.to_feedback or _NEVER,
}
_SHOWN: Mapping[str, Callable[[Station], bool]] = {
    "can-goi": lambda one: bool(one.reasons),
    "dang-dung": lambda one: one.is_live,
    "chua-dung": lambda one: not one.is_live,
}


@dataclass(frozen=True)
class Choice:
    """What the address says; anything unknown is the default."""

    shown: str = ""
    sought: str = ""
    order: str = "ma"
    backwards: bool = False
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Choice:
        shown, order = query.get("loc", ""), query.get("xep", "ma")
        return cls(
            shown=shown if shown in FILTERS else "",
            sought=query.get("tim", "").strip()[:80],
            order=order if order in _KEYS else "ma",
            backwards=query.get("nguoc") == "1",
            page=_number(query.get("trang", "")),
        )

    def address(self, path: str, **changed: object) -> str:
        """The same choice, with these parts of it changed; it begins with the first page unless
        `trang` says which."""
        words = {
            "loc": self.shown,
            "tim": self.sought,
            "xep": "" if self.order == "ma" else self.order,
            "nguoc": "1" if self.backwards else "",
        }
        words.update({name: str(value) for name, value in changed.items()})
        text = urlencode({name: value for name, value in words.items() if value})
        return f"{path}?{text}" if text else path

    def sorting(self, path: str, order: str) -> str:
        """Where the head of a column leads: by this column, and back to front if it is so already.
        Figures begin with the largest, names with the first."""
        again = self.order == order
        backwards = not self.backwards if again else order not in {"ma", "ten", "lien-lac"}
        return self.address(path, xep=order, nguoc="1" if backwards else "")

    def said(self, order: str) -> str:
        """For `aria-sort`."""
        if self.order != order:
            return "none"
        return "descending" if self.backwards else "ascending"

    def apply(self, stations: Sequence[Station]) -> list[Station]:
        wanted = fold(self.sought)
        found = [
            one
            for one in stations
            if (not self.shown or _SHOWN[self.shown](one))
            and (not wanted or wanted in fold(f"{one.code} {one.name}"))
        ]
        return sorted(
            sorted(found, key=lambda one: one.code), key=_KEYS[self.order], reverse=self.backwards
        )


@dataclass(frozen=True)
class Page:
    """A stretch of the stations that were chosen; ``first`` and ``last`` count from one."""

    stations: Sequence[Station]
    number: int
    pages: int
    first: int
    last: int
    total: int


def cut(stations: Sequence[Station], number: int, size: int = PAGE) -> Page:
    """The page of that number, or the last one where there are not so many."""
    pages = max(1, -(-len(stations) // size))
    number = min(number, pages)
    start = (number - 1) * size
    shown = stations[start : start + size]
    return Page(
        stations=shown,
        number=number,
        pages=pages,
        first=start + 1 if shown else 0,
        last=start + len(shown),
        total=len(stations),
    )


def _number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def fold(text: str) -> str:
    """Without marks and capitals: `Trạm Ia Đêr` is found by `ia der`."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))
