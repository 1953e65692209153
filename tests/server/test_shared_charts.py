"""All of a chart is judged before it is cut, and nothing is shown that its home has taken back."""

from __future__ import annotations

import pytest

from provincial_server.exchange.indexing import Indexer
from provincial_server.people.chart import MOST_RESOURCES
from tests.server.exchange_client import encode, envelope, op_id, record_id, visit
from tests.server.samples import encounter, observation
from tests.server.test_restricted_shares import ICD, Home, ids, restricted_visit
from tests.server.test_sharing import sentence

OF_A_VISIT = 25
VISITS = 44


@pytest.fixture
def case(server) -> Home:
    return Home(server)


@pytest.fixture
def unread(monkeypatch) -> None:
    """Nobody follows the log but those who read."""
    monkeypatch.setattr(Indexer, "_index", lambda *_: True)


def condition(name: str, patient: str, code: str, found: str = "", **keys) -> dict:
    at = {"encounter": {"reference": f"Encounter/{found}"}} if found else {}
    return {
        "resourceType": "Condition",
        "id": name,
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": ICD, "code": code}], "text": "Mẫu"},
        **at,
        **keys,
    }


def busy_visit(patient: str, day: int, code: str) -> tuple[str, bytes]:
    """Of that day, with twelve diagnoses that have no date of their own."""
    found, on = record_id(), f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}"
    parts = [encounter(found, patient)]
    parts[0]["period"] = {"start": f"{on}T08:00:00+07:00", "end": f"{on}T08:20:00+07:00"}
    for number in range(12):
        parts.append(condition(f"{found}-d{number}", patient, code, found))
        value = observation(f"{found}-v{number}", patient, found)
        parts.append(value | {"effectiveDateTime": f"{on}T08:05:00+07:00"})
    return found, encode(envelope("encounter", found, *parts))


def test_a_long_chart_is_judged_whole_and_cut_by_visits(case) -> None:
    """1,100 resources: what restricts the newest visit is among those that are cut."""
    made = [busy_visit(case.home_chart, day, "I10") for day in range(VISITS - 1)]
    closed, last = busy_visit(case.home_chart, VISITS, "Z21")
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": record_id(),
        "patient": {"reference": f"Patient/{case.home_chart}"},
        "code": {"text": "Penicillin"},
    }
    case.home.exchange(*(line for _, line in made[:22]))
    case.home.exchange(*(line for _, line in made[22:]))
    assert case.home.station.put(allergy).status_code == 201
    case.send(last)

    shown = ids(case.ask(case.consent()))

    assert not any(one.startswith(closed) for one in shown)
    assert allergy["id"] in shown  # without a date, and of today
    parts = [sum(one.startswith(found) for one in shown) for found, _ in made]
    assert set(parts) == {0, OF_A_VISIT}  # whole visits
    assert parts == sorted(parts)  # the newest
    assert MOST_RESOURCES - OF_A_VISIT < len(shown) <= MOST_RESOURCES + 1
    named = ids(case.ask(case.consent(), sensitive="Đang điều trị bệnh này"))
    assert sum(one.startswith(closed) for one in named) == OF_A_VISIT


@pytest.mark.parametrize("told", ["derived", "reason", "linked", "words"])
def test_a_diagnosis_closes_its_visit_however_it_is_tied_to_it(case, told) -> None:
    found, patient = record_id(), case.home_chart
    parts = [encounter(found, patient), observation(f"{found}-v1", patient, found)]
    if told == "derived":
        parts.append(condition(f"{found}-d1", patient, "B20"))
    elif told == "reason":
        parts[0]["reasonCode"] = [{"coding": [{"system": ICD, "code": "F32.1"}]}]
    elif told == "words":
        parts[0]["reasonCode"] = [{"text": "F20.0 Tâm thần phân liệt"}]
    else:
        lasting = record_id()
        case.home.station.put(condition(lasting, patient, "Z21"))
        parts[0]["diagnosis"] = [{"condition": {"reference": f"Condition/{lasting}"}}]
    case.send(encode(envelope("encounter", found, *parts)))

    shown = ids(case.ask(case.consent()))

    assert case.visit in shown
    assert not any(one.startswith(found) for one in shown)


def test_a_diagnosis_taken_back_is_not_shown(case) -> None:
    found, patient = record_id(), case.home_chart
    system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    wrong = {"coding": [{"system": system, "code": "entered-in-error"}]}
    parts = (
        encounter(found, patient),
        condition(f"{found}-d1", patient, "I10", found, verificationStatus=wrong),
    )
    case.send(encode(envelope("encounter", found, *parts)))
    shown = ids(case.ask(case.consent()))
    assert found in shown
    assert f"{found}-d1" not in shown


def test_a_visit_that_was_just_voided_is_not_shown(case, unread) -> None:
    record = record_id()
    first = visit(record, case.home_chart, findings=1)
    case.send(first)
    assert record in ids(case.ask(case.consent()))
    voided = visit(
        record, case.home_chart, findings=1, base=[op_id(first)], status="voided", reason="Nhầm"
    )
    for word in (b"finished", b"final"):
        voided = voided.replace(b'"status":"%s"' % word, b'"status":"entered-in-error"')
    assert case.home.exchange(voided).taken == [0]

    shown = ids(case.ask(case.consent()))

    assert case.visit in shown
    assert not any(one.startswith(record) for one in shown)


def test_a_visit_that_was_just_restricted_is_not_shown(case, unread) -> None:
    record, line = restricted_visit(case.home_chart, "I10")
    case.send(line)
    parts = (
        encounter(record, case.home_chart),
        condition(f"{record}-d1", case.home_chart, "B20", record),
        observation(f"{record}-v1", case.home_chart, record),
    )
    keys = {"base": [op_id(line)], "status": "amended", "reason": "Có kết quả"}
    assert case.home.exchange(encode(envelope("encounter", record, *parts, **keys))).taken == [0]

    assert not any(one.startswith(record) for one in ids(case.ask(case.consent())))


def test_one_letter_is_no_reason_for_restricted_visits(case) -> None:
    answer = case.ask(case.consent(), sensitive="x")
    assert answer.status_code == 403
    assert "ít nhất 10 chữ" in sentence(answer)
    assert case.looks() == []
