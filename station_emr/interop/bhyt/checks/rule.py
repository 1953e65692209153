"""A rule by its name: the words and the dates are data, what it looks for is code.

``resources/bhyt/checks.json`` says of every rule what people read, how bad it is, between which days
it holds and whether it is on; a rule of a common ``kind`` is wholly there. Every other rule has a
function of its name, put here by :func:`looks_for`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from station_emr.domain.claim import Severity
from station_emr.services.resources import resource_path

if TYPE_CHECKING:
    from .sheet import Sheet

GROUPS: Final = (
    "field",
    "money",
    "sums",
    "stay",
    "cross",
    "lists",
    "approved",
    "sick_leave",
    "station",
    "batch",
)
"""In the order in which a person best mends them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One named rule. ``params`` are the numbers and codes that a decision may change."""

    name: str
    group: str
    severity: Severity
    tables: tuple[str, ...]
    elements: tuple[str, ...] = ()
    kind: str = ""
    title: str
    message: str
    remedy: str
    source: str
    on: bool = True
    since: date | None = None
    until: date | None = None
    versions: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def holds(self, day: date, version: str) -> bool:
        """Whether it judges an encounter that ended on ``day``, written in these tables."""
        return (
            self.on
            and (self.since is None or self.since <= day)
            and (self.until is None or day <= self.until)
            and (not self.versions or version in self.versions)
        )

    def codes(self, name: str = "codes") -> tuple[str, ...]:
        return tuple(self.params.get(name, ()))


class Hit(NamedTuple):
    """Where a rule is broken, and what its sentence says of it."""

    table: str
    row: int
    element: str
    value: str = ""
    expected: str = ""
    other: str = ""


Look = Callable[[Rule, "Sheet"], Iterator[Hit]]

_LOOKS: Final[dict[str, Look]] = {}


def looks_for(*names: str) -> Callable[[Look], Look]:
    """Mark what a rule, or a kind of rules, looks for."""

    def keep(look: Look) -> Look:
        for name in names:
            if name in _LOOKS:
                raise ValueError(name)
            _LOOKS[name] = look
        return look

    return keep


def look_of(rule: Rule) -> Look:
    """Raises KeyError for a rule of the data that no code knows."""
    return _LOOKS[rule.kind or rule.name]


def known_looks() -> frozenset[str]:
    return frozenset(_LOOKS)


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, in the order of its group."""
    kept = _data()
    found = [_rule(one) for one in kept["rules"]]
    return tuple(sorted(found, key=lambda rule: GROUPS.index(rule.group)))


@cache
def rule_named(name: str) -> Rule | None:
    return next((rule for rule in rules() if rule.name == name), None)


@cache
def tolerance() -> Decimal:
    """How far two amounts may lie apart and still be the same, in đồng."""
    return Decimal(_data()["tolerance"])


def _data() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        resource_path("bhyt", "checks.json").read_text(encoding="utf-8")
    )
    return found


def _rule(kept: Mapping[str, Any]) -> Rule:
    return Rule(
        name=kept["name"],
        group=kept["group"],
        severity=Severity(kept["severity"]),
        tables=tuple(kept["tables"]),
        elements=tuple(kept.get("elements", ())),
        kind=kept.get("kind", ""),
        title=kept["title"],
        message=kept["message"],
        remedy=kept["remedy"],
        source=kept["source"],
        on=kept.get("on", True),
        since=_day(kept.get("from")),
        until=_day(kept.get("to")),
        versions=tuple(kept.get("versions", ())),
        params=MappingProxyType(kept.get("params", {})),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
