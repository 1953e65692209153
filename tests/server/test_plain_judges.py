"""Plain FHIR: what the quick judge passes is what the slow one passes, and understood alike."""

from __future__ import annotations

import copy
import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from provincial_server import wire
from provincial_server.exchange import fast_check
from provincial_server.exchange.fast_check import check_quickly, explained
from provincial_server.records import KINDS
from provincial_server.validation import Checked, check
from tests.server.rich_samples import RICH
from tests.server.samples import encounter, observation

_WIRE = Path(__file__).parent / "wire_0_1"
_RECORD = "0197a000-0000-7000-8000-000000000001"
_URN = "urn:uuid:0197a000-0000-4000-8000-000000000001"
_ODD: list[Any] = [
    *("", " ", " a", "a\x07", "\x7f", "2026-02-29", "2026-11-20T08:00:00", "Patient/", "Patient/x"),
    *(0, -1, True, None, [], {}, [None], {"reference": "Patient/x"}, {"id": "a"}, _URN),
    *(Decimal("1.50"), Decimal("1E+400"), {"reference": _URN}, {"reference": "Encounter/x"}),
]
_KEYS = ("id", "extension", "_status", "value", "reference", "status", "x", "contained", "meta")


def _samples() -> list[dict[str, Any]]:
    """One of every type, as rich as it gets, named as the stations name theirs."""
    found: list[dict[str, Any]] = json.loads(json.dumps(RICH), parse_float=Decimal)
    for resource in found:
        resource["id"] = _RECORD if resource["resourceType"] in KINDS else f"{_RECORD}-x"
    return found


def _as_sent() -> list[dict[str, Any]]:
    """What the stations of the first release wrote."""
    found = []
    for step in sorted(_WIRE.glob("*.json")):
        for row in json.loads(step.read_text(encoding="utf-8"), parse_float=Decimal):
            if row["method"] == "POST":
                sent = json.loads(row["body"], parse_float=Decimal)
                found += [item["resource"] for item in sent["entry"]]
    return found


_SENT = _as_sent()
_SAMPLES = [*_SENT, *_samples()]


def _slowly(resource: Any, **asked: Any) -> Any:
    return check(copy.deepcopy(resource), **asked)


def _parents(checked: Checked) -> set[tuple[str, str]]:
    return {(parent.resource_type, parent.resource_id) for parent in checked.parents}


def _agree(resource: Any, **asked: Any) -> bool:
    """Whether the quick judge passed it by itself; in any case the verdicts are the same."""
    given = copy.deepcopy(resource)
    quick, slow = check_quickly(given, **asked), _slowly(resource, **asked)
    if not isinstance(slow, Checked):
        assert not isinstance(quick, Checked), wire.canonical(resource)
        assert [(one.code, one.expression) for one in quick] == [
            (one.code, one.expression) for one in slow
        ]
        return False
    assert isinstance(quick, Checked), wire.canonical(resource)
    assert quick.resource_type == slow.resource_type
    assert wire.canonical(quick.resource) == wire.canonical(slow.resource)
    assert _parents(quick) == _parents(slow), wire.canonical(resource)
    return fast_check._usual(copy.deepcopy(resource), asked.get("expected_type")) is not None


def test_what_stations_write_goes_the_quick_way() -> None:
    """Nearly all of it: a 29 February, say, cannot be told from that of another year by a pattern."""
    assert len({resource["resourceType"] for resource in _SENT}) > 5
    quick = [_agree(one, expected_type=one["resourceType"]) for one in _SENT]
    assert sum(quick) > len(quick) * 0.9


@pytest.mark.parametrize("seed", range(6))
def test_nothing_slips_past_the_slow_judge(seed: int) -> None:
    chance = random.Random(seed)
    quick = refused = 0
    for _ in range(250):
        resource = copy.deepcopy(chance.choice(_SAMPLES))
        for _ in range(chance.randint(1, 2)):
            _spoil(resource, chance)
        verdict = _agree(resource)
        quick += verdict
        refused += not isinstance(_slowly(resource), Checked)
    assert quick > 0
    assert refused > 0


def _spoil(resource: dict[str, Any], chance: random.Random) -> None:
    """Changes, adds or takes away something anywhere in it."""
    place: Any = resource
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = chance.choice(keys)
        if not isinstance(place[key], dict | list) or chance.random() < 0.3:
            break
        place = place[key]
    act = chance.randrange(3)
    if act == 0:
        place[key] = copy.deepcopy(chance.choice(_ODD))
    elif act == 1 and isinstance(place, dict):
        place[chance.choice(_KEYS)] = copy.deepcopy(chance.choice(_ODD))
    else:
        del place[key]


def test_another_type_than_the_address_says_is_refused_by_both() -> None:
    for resource in _SAMPLES:
        asked = "Patient" if resource["resourceType"] != "Patient" else "Encounter"
        assert not _agree(resource, expected_type=asked)
        assert not isinstance(check_quickly(resource, expected_type=asked), Checked)


def test_a_reference_to_another_entry_is_written_out_by_the_slow_judge() -> None:
    visit = encounter("e", "p")
    visit["subject"] = {"reference": _URN}
    found = check_quickly(visit, expected_type="Encounter", links={_URN: "Patient/new"})
    assert isinstance(found, Checked)
    assert found.resource["subject"] == {"reference": "Patient/new"}
    assert _parents(found) == {("Patient", "new")}


def test_a_missing_parent_is_named_with_its_place() -> None:
    measured = observation(f"{_RECORD}-o", _RECORD, _RECORD)
    quick = check_quickly(json.loads(json.dumps(measured), parse_float=Decimal))
    assert isinstance(quick, Checked)
    assert {parent.path for parent in quick.parents} == {""}
    assert {(one.resource_type, one.path) for one in explained(quick).parents} == {
        ("Patient", "Observation.subject.reference"),
        ("Encounter", "Observation.encounter.reference"),
    }


@pytest.mark.parametrize("value", [None, [], "Patient", 5, {}, {"resourceType": ["Patient"]}])
def test_what_is_no_resource_is_the_slow_judges(value: Any) -> None:
    assert not _agree(value)
