"""The lists that ship with the program, so that a bare machine can work on its first day.

One UTF-8 CSV per kind in ``resources/catalogs``: the columns ``code, name, valid_from, valid_to,
source`` and then the attributes of that list. A station replaces them by its official files.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
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
    with starter_file(kind).open(encoding="utf-8", newline="") as handle:
        for record in csv.DictReader(handle):
            yield CatalogRow(
                kind=kind,
                code=record["code"],
                name=record["name"],
                valid_from=date.fromisoformat(record["valid_from"] or _ALWAYS.isoformat()),
                valid_to=date.fromisoformat(record["valid_to"]) if record["valid_to"] else None,
                source=record["source"],
                attributes={
                    key: typed(key, text)
                    for key, text in record.items()
                    if key not in _FIXED and text
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
