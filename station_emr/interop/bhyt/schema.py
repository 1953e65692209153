"""The tables of the insurance as data: elements, order, lengths, what must be filled, by decision.

``resources/bhyt/tables-<version>.json`` holds one file for each decision with the day from which its
tables are written. A new decision is a new file, not new code.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any, Final

from station_emr.domain.claim import TABLES, ClaimRow
from station_emr.services.resources import resource_path

VERSIONS: Final = ("4750", "3176", "1931")
GATEWAY_TEXT: Final = 4000
"""What the gateway keeps of a text without a length of its own."""


class Kind(StrEnum):
    TEXT = "text"
    NUMBER = "number"


class DateShape(StrEnum):
    """How an element writes a time. The plurals are lists separated by semicolons."""

    DAY = "day"  # yyyymmdd
    DAYS = "days"
    MINUTE = "minute"  # yyyymmddHHMM
    MINUTES = "minutes"
    DAY_OR_MINUTE = "day-or-minute"
    BIRTH = "birth"  # yyyymmddHHMM, with zeros for what is not known


@dataclass(frozen=True, slots=True)
class Condition:
    """When an element must be filled, said of the other elements of its row; all parts together."""

    filled: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    within: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def holds(self, row: ClaimRow) -> bool:
        return (
            all(row.get(name) for name in self.filled)
            and not any(row.get(name) for name in self.empty)
            and all(row.get(name, "") in values for name, values in self.within.items())
            and all(row.get(name, "") not in values for name, values in self.outside.items())
        )


@dataclass(frozen=True, slots=True)
class Element:
    """One element. ``length`` 0 is unlimited in the standard; ``gateway_length`` is what the gateway
    stores where that differs (0: the same). ``codes`` names a list of the catalogs; ``prose`` is what
    people write in words.
    """

    name: str
    kind: Kind = Kind.TEXT
    length: int = 0
    gateway_length: int = 0
    decimals: int = 0
    date: DateShape | None = None
    mandatory: bool = False
    condition: Condition | None = None
    codes: str = ""
    prose: bool = False

    def required(self, row: ClaimRow) -> bool:
        """Whether this row must fill the element."""
        return self.mandatory or (self.condition is not None and self.condition.holds(row))

    @property
    def stored_length(self) -> int:
        """How many characters arrive at the other end."""
        return self.gateway_length or self.length or GATEWAY_TEXT


@dataclass(frozen=True)
class Table:
    """One table. Without ``list_tag`` its root holds the elements of its only row."""

    name: str
    title: str
    root: str
    list_tag: str
    row_tag: str
    elements: tuple[Element, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(element.name for element in self.elements)

    @cached_property
    def by_name(self) -> Mapping[str, Element]:
        return MappingProxyType({element.name: element for element in self.elements})

    @property
    def numbered(self) -> bool:
        """Whether its rows carry a running number."""
        return "STT" in self.by_name

    def row(self, values: Mapping[str, str]) -> ClaimRow:
        """A whole row in the order of the table. Raises KeyError for an element it does not have."""
        for name in values:
            if name not in self.by_name:
                raise KeyError(f"{self.name}.{name}")
        return MappingProxyType({name: values.get(name, "") for name in self.names})


@dataclass(frozen=True)
class Schema:
    """All tables as one decision has them."""

    version: str
    valid_from: date
    basis: str
    tables: Mapping[str, Table]

    def table(self, name: str) -> Table:
        """Raises KeyError for a name that is no table."""
        return self.tables[name]

    def table_of_root(self, root: str) -> Table | None:
        return next((one for one in self.tables.values() if one.root and one.root == root), None)


@cache
def schema(version: str) -> Schema:
    """The tables of one decision. Raises KeyError for a decision that is not shipped."""
    if version not in VERSIONS:
        raise KeyError(version)
    path = resource_path("bhyt", f"tables-{version}.json")
    kept = json.loads(path.read_text(encoding="utf-8"))
    tables = {name: _table(name, kept["tables"][name]) for name in TABLES}
    return Schema(
        version=kept["version"],
        valid_from=date.fromisoformat(kept["valid_from"]),
        basis=kept["basis"],
        tables=MappingProxyType(tables),
    )


def version_on(day: date, starts: Mapping[str, date] | None = None) -> str:
    """The decision whose tables hold for an encounter that ended on ``day``; the earliest one for a day
    before all of them. ``starts`` are the station's own first days, which win over the shipped ones.
    """
    chosen = VERSIONS[0]
    for version in VERSIONS:
        start = (starts or {}).get(version) or schema(version).valid_from
        if start <= day:
            chosen = version
    return chosen


def _table(name: str, kept: Mapping[str, Any]) -> Table:
    return Table(
        name=name,
        title=kept["title"],
        root=kept["root"],
        list_tag=kept["list"],
        row_tag=kept["row"],
        elements=tuple(_element(one) for one in kept["elements"]),
    )


def _element(kept: Mapping[str, Any]) -> Element:
    when = kept.get("mandatory_when")
    return Element(
        name=kept["name"],
        kind=Kind(kept["type"]),
        length=kept.get("length", 0),
        gateway_length=kept.get("gateway_length", 0),
        decimals=kept.get("decimals", 0),
        date=DateShape(kept["date"]) if "date" in kept else None,
        mandatory=kept.get("mandatory", False),
        condition=None if when is None else _condition(when),
        codes=kept.get("codes", ""),
        prose=kept.get("prose", False),
    )


def _condition(kept: Mapping[str, Any]) -> Condition:
    return Condition(
        filled=tuple(kept.get("filled", ())),
        empty=tuple(kept.get("empty", ())),
        within=_choices(kept.get("in", {})),
        outside=_choices(kept.get("not_in", {})),
    )


def _choices(kept: Mapping[str, Iterable[str]]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({name: tuple(values) for name, values in kept.items()})
