"""Every named rule finds its planted violation and nothing else does; clean claims pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pytest

from station_emr.domain.claim import ClaimFile
from station_emr.interop.bhyt.checks import Rule, check, check_all, rules
from station_emr.interop.bhyt.checks.rule import known_looks
from tests.interop.checks import plants_field, plants_money, plants_whole
from tests.interop.checks.clean_claims import CLEAN, LISTS, OUTPATIENT, changed

ALSO: Final[Mapping[str, frozenset[str]]] = {
    # What is wrong in two ways at once, whatever one plants.
    "object-114": frozenset({"gdh-101"}),
    "object-115": frozenset({"gdh-101"}),
    "gdh-60": frozenset({"cross-no-xml7"}),
    "cross-no-xml7": frozenset({"gdh-60"}),
}
PLANTS: Final[Mapping[str, ClaimFile]] = {
    **plants_field.PLANTS,
    **plants_money.PLANTS,
    **plants_whole.PLANTS,
}
ALONE: Final = [rule for rule in rules() if rule.group != "batch"]


@pytest.mark.parametrize("rule", ALONE, ids=lambda rule: rule.name)
def test_a_planted_violation_is_found_by_its_rule_alone(rule: Rule) -> None:
    chosen = [replace(one, on=True) if one.name == rule.name else one for one in rules()]
    found = check(PLANTS[rule.name], LISTS, chosen)
    assert {one.rule for one in found} - ALSO.get(rule.name, frozenset()) == {rule.name}
    finding = next(one for one in found if one.rule == rule.name)
    assert finding.table in rule.tables
    assert finding.severity is rule.severity
    assert finding.message
    assert finding.remedy
    assert "{" not in finding.message + finding.remedy


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_claim_gives_nothing(name: str) -> None:
    assert check(CLEAN[name], LISTS) == ()


def test_every_plant_belongs_to_a_rule() -> None:
    assert set(PLANTS) == {rule.name for rule in ALONE}


def test_code_and_data_know_the_same_rules() -> None:
    asked = {rule.kind or rule.name for rule in ALONE}
    assert asked == known_looks()


def test_the_same_encounter_twice_is_found() -> None:
    twin = changed(OUTPATIENT, "XML1", MA_LK="DEMO0000000000000002", T_BNTT="1")
    for table in ("XML2", "XML3", "XML4", "XML11", "XML14"):
        for place in range(len(OUTPATIENT.rows(table))):
            twin = changed(twin, table, place, MA_LK="DEMO0000000000000002")
    first, second = check_all([OUTPATIENT, twin], LISTS)
    assert first == ()
    assert [one.rule for one in second] == ["gdh-61"]
    assert OUTPATIENT.link_code in second[0].message


def test_totals_more_than_two_dong_apart_are_two_encounters() -> None:
    other = changed(OUTPATIENT, "XML1", MA_LK="DEMO0000000000000002", T_BNTT="3")
    _first, second = check_all([OUTPATIENT, other], LISTS)
    assert "gdh-61" not in {one.rule for one in second}


def test_one_key_for_two_claims_is_found() -> None:
    first, second = check_all([OUTPATIENT, changed(OUTPATIENT, "XML1", GHI_CHU="khác")], LISTS)
    assert first == ()
    assert [one.rule for one in second] == ["batch-ma-lk"]
