"""The lists that ship with the program, so that a bare machine can work on its first day.

One UTF-8 CSV per kind in ``resources/catalogs``: the columns ``code, name, valid_from, valid_to,
source`` and then the attributes of that list. A station replaces them by its official files.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

from station_emr.domain.catalog import CatalogKind, CatalogRow
from station_emr.services.resources import resource_path

Attribute = str | int | float | bool | None

BOOLEANS = frozenset(
    {
        "not_main",
        "discouraged_main",
        "more_specific_exists",
        "death_only",
        "female_only",
        "male_only",
        "toxic",
        "common",
        "example",
    }
)
INTEGERS = frozenset({"max_days", "benefit", "level", "item"})
NUMBERS = frozenset({"max_daily", "normal_low", "normal_high"})

_FIXED = ("code", "name", "valid_from", "valid_to", "source")
_ALWAYS = date(1900, 1, 1)


def starter_file(kind: CatalogKind) -> Path:
    return resource_path("catalogs", f"{kind.value}.csv")


def starter_rows(kind: CatalogKind | None = None) -> Iterator[CatalogRow]:
    """The rows of one shipped list in the order of its file, or of every list."""
    for each in CatalogKind if kind is None else (kind,):
        yield from _read(each)


def _read(kind: CatalogKind) -> Iterator[CatalogRow]:
    day = cache(date.fromisoformat)  # a list has few days
    with starter_file(kind).open(encoding="utf-8", newline="") as handle:
        lines = csv.reader(handle)
        header = next(lines)
        attributes = [(place, key) for place, key in enumerate(header) if key not in _FIXED]
        code, name, begin, end, source = (header.index(key) for key in _FIXED)
        for cells in lines:
            yield CatalogRow(
                kind=kind,
                code=cells[code],
                name=cells[name],
                valid_from=day(cells[begin]) if cells[begin] else _ALWAYS,
                valid_to=day(cells[end]) if cells[end] else None,
                source=cells[source],
                attributes={
                    key: typed(key, cells[place]) for place, key in attributes if cells[place]
                },
            )


def typed(key: str, text: str) -> Attribute:
    """The value of an attribute cell; an empty cell is never stored."""
    if key in BOOLEANS:
        return text == "1"
    if key in INTEGERS:
        return int(text)
    if key in NUMBERS:
        return float(text)
    return text
