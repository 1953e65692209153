"""Runs the rules in the order in which a person best mends what they find."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from station_emr.domain.claim import ClaimFile, Finding
from station_emr.services.claim_check_ports import ClaimLists
from station_emr.services.resources import resource_path

# Each brings its looks with it.
from . import cross as _cross
from . import field as _field
from . import kinds as _kinds
from . import lists as _lists
from . import money as _money
from . import sick_leave as _sick_leave
from . import station as _station
from . import stay as _stay
from . import sums as _sums
from .batch import between
from .rule import Hit, Rule, look_of, rule_named, rules
from .sheet import Sheet

_SHOWN: Final = 60
"""So much of a value is repeated in a sentence."""
_LOADED: Final = (_cross, _field, _kinds, _lists, _money, _sick_leave, _station, _stay, _sums)
_TOGETHER: Final = "batch"


class NamedRules:
    """The rules as the services ask for them (``ClaimRules``)."""

    def check(self, claim: ClaimFile, lists: ClaimLists) -> tuple[Finding, ...]:
        return check(claim, lists)

    def check_all(
        self,
        claims: Sequence[ClaimFile],
        lists: ClaimLists,
        earlier: Sequence[ClaimFile] = (),
    ) -> tuple[tuple[Finding, ...], ...]:
        return check_all(claims, lists, earlier)

    def title(self, finding: Finding) -> str:
        found = rule_named(finding.rule)
        if found is None:
            return ""
        return found.title.format_map(_words(finding.table, finding.element))


def check(
    claim: ClaimFile, lists: ClaimLists, chosen: Sequence[Rule] | None = None
) -> tuple[Finding, ...]:
    """What the claim breaks of the rules in force on the day it ended; of all rules in ``chosen``."""
    sheet = Sheet(claim, lists)
    present = claim.tables.keys()
    findings = []
    for rule in rules() if chosen is None else chosen:
        if rule.group == _TOGETHER or not rule.holds(sheet.day, claim.version):
            continue
        if rule.name != "cross-summary" and not any(table in present for table in rule.tables):
            continue
        for hit in look_of(rule)(rule, sheet):
            sheet.tell(rule.group, hit)
            findings.append(finding_of(rule, hit))
    return tuple(findings)


def check_all(
    claims: Sequence[ClaimFile], lists: ClaimLists, earlier: Sequence[ClaimFile] = ()
) -> tuple[tuple[Finding, ...], ...]:
    """For each claim what it breaks alone, then what it breaks beside the others and those that left
    ``earlier``.
    """
    together = between(claims, earlier)
    return tuple(
        check(claim, lists) + tuple(finding_of(rule, hit) for rule, hit in more)
        for claim, more in zip(claims, together, strict=True)
    )


def finding_of(rule: Rule, hit: Hit) -> Finding:
    """The hit in words."""
    said = {
        **_words(hit.table, hit.element),
        "line": str(hit.row + 1),
        "value": _short(hit.value),
        "expected": _short(hit.expected),
        "other": _short(hit.other),
    }
    return Finding(
        rule=rule.name,
        severity=rule.severity,
        table=hit.table,
        row=hit.row,
        element=hit.element,
        message=rule.message.format_map(said),
        remedy=rule.remedy.format_map(said),
    )


def _words(table: str, element: str) -> dict[str, str]:
    label = element_label(table, element)
    lower = label if label == element or label[:2].isupper() else label[:1].lower() + label[1:]
    return {"table": table, "element": element, "label": label, "label_lower": lower}


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def element_label(table: str, element: str) -> str:
    """What people call an element; its own name when the list of names does not know it."""
    names = _names()
    return str(names.get(f"{table}.{element}") or names.get(element) or element)


@cache
def _names() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        resource_path("bhyt", "element-names.json").read_text(encoding="utf-8")
    )
    return found
