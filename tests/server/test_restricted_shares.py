"""Restricted visits stay at home unless they are asked for by name, with a reason that is kept."""

from __future__ import annotations

import pytest

from provincial_server.people.restricted import RESTRICTED, is_restricted
from tests.server.exchange_client import encode, envelope, record_id
from tests.server.samples import encounter, observation
from tests.server.test_people import match_now
from tests.server.test_sharing import Case

ICD = "http://hl7.org/fhir/sid/icd-10"


def restricted_visit(patient: str, code: str) -> tuple[str, bytes]:
    found = record_id()
    condition = {
        "resourceType": "Condition",
        "id": f"{found}-d1",
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{found}"},
        "code": {"coding": [{"system": ICD, "code": code}], "text": "Mẫu"},
    }
    parts = encounter(found, patient), condition, observation(f"{found}-v1", patient, found)
    line = envelope("encounter", found, *parts)
    return found, encode(line)


class Home(Case):
    def send(self, line: bytes) -> None:
        """One more visit of the home station, taken and turned into resources."""
        assert self.home.exchange(line).header["taken"]
        match_now(self.server)


@pytest.fixture
def case(server) -> Home:
    return Home(server)


def ids(answer) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {entry["resource"]["id"] for entry in answer.json()["entry"]}


@pytest.mark.parametrize("code", ["Z21", "F32.1", "B20"])
def test_a_restricted_visit_stays_at_home_with_all_that_hangs_on_it(case, code) -> None:
    closed, line = restricted_visit(case.home_chart, code)
    case.send(line)

    shown = ids(case.ask(case.consent()))

    assert case.visit in shown
    assert not any(one.startswith(closed) for one in shown)
    assert case.looks()[-1].resources == len(shown)


def test_asked_for_by_name_it_comes_and_the_reason_is_at_home(case) -> None:
    closed, line = restricted_visit(case.home_chart, "Z21")
    case.send(line)

    shown = ids(case.ask(case.consent(), sensitive="Đang điều trị bệnh này"))

    assert {closed, f"{closed}-d1", f"{closed}-v1"} <= shown
    assert "gồm cả nội dung hạn chế: Đang điều trị bệnh này" in case.looks()[-1].reason


def test_an_ordinary_visit_comes_as_ever(case) -> None:
    plain, line = restricted_visit(case.home_chart, "I10")
    case.send(line)
    assert {plain, f"{plain}-d1", f"{plain}-v1"} <= ids(case.ask(case.consent()))


def test_the_ranges_end_where_they_say() -> None:
    assert all(is_restricted(first) and is_restricted(f"{last}.9") for first, last in RESTRICTED)
    for code in ("B19", "B25", "E11.9", "G00", "Z20.5", "Z22", "Z71.1", ""):
        assert not is_restricted(code), code
