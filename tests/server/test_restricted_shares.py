"""Restricted visits stay at home unless they are asked for by name, with a reason that is kept."""

from __future__ import annotations

import json
from datetime import date

import pytest

from provincial_server.people import restricted
from provincial_server.people.restricted import RESTRICTED, is_restricted
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sensitive import SensitiveRange
from station_emr.domain.station_rights import StationRights, rights_id
from station_emr.interop.fhir.units import build_unit
from tests.server.exchange_client import encode, envelope, op_id, record_id
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


CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
SENSITIVITY = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def labelled(resource: dict, system: str, code: str) -> dict:
    return {**resource, "meta": {"security": [{"system": system, "code": code}]}}


@pytest.mark.parametrize(
    ("system", "code", "closes"),
    [
        (CONFIDENTIALITY, "R", True),
        (CONFIDENTIALITY, "V", True),
        (SENSITIVITY, "PSY", True),
        (CONFIDENTIALITY, "N", False),
        ("http://example.org/nhan", "R", False),
    ],
)
@pytest.mark.parametrize("of", [0, 1])
def test_a_records_own_label_closes_its_visit(case, of, system, code, closes) -> None:
    """The label of the visit, or of one of its values; no code of it is restricted."""
    found = record_id()
    parts = [
        encounter(found, case.home_chart),
        observation(f"{found}-v1", case.home_chart, found),
        observation(f"{found}-v2", case.home_chart, found),
    ]
    parts[of] = labelled(parts[of], system, code)
    case.send(encode(envelope("encounter", found, *parts)))

    shown = ids(case.ask(case.consent()))
    assert case.visit in shown
    assert ({found, f"{found}-v1", f"{found}-v2"} & shown == set()) is closes
    named = ids(case.ask(case.consent(), sensitive="Đang điều trị bệnh này"))
    assert {found, f"{found}-v1", f"{found}-v2"} <= named


def test_a_label_opens_nothing(case) -> None:
    closed, line = restricted_visit(case.home_chart, "Z21")
    content = json.loads(line)
    content["resources"] = [labelled(one, CONFIDENTIALITY, "N") for one in content["resources"]]
    case.send(encode(content))
    assert not any(one.startswith(closed) for one in ids(case.ask(case.consent())))


def test_a_person_whose_own_chart_is_labelled_is_not_shown_unasked(case) -> None:
    sent = case.home.station.get(f"Patient/{case.home_chart}").json()
    assert case.home.station.put(labelled(sent, CONFIDENTIALITY, "R")).status_code == 200
    match_now(case.server)
    assert ids(case.ask(case.consent())) == set()
    assert case.looks()[-1].resources == 0
    assert case.home_chart in ids(case.ask(case.consent(), sensitive="Đang điều trị bệnh này"))


def own_ranges(case: Home, *ranges: SensitiveRange, base: str = "") -> bytes:
    """The line in which the home station says what it restricts, made as the station makes it."""
    rights = StationRights(id=rights_id(case.home.station.facility), ranges=ranges)
    [basic] = build_unit(RecordKind.RIGHTS, rights, RecordStatus.SIGNED)
    keys = {"base": [base], "status": "amended"} if base else {}
    return encode(envelope("rights", rights.id, dict(basic), **keys))


def test_what_the_home_station_restricts_is_restricted_for_others_too(case) -> None:
    mine, line = restricted_visit(case.home_chart, "A51.0")
    later, other = restricted_visit(case.home_chart, "A60")
    fixed, third = restricted_visit(case.home_chart, "F20")
    for one in (line, other, third):
        case.send(one)
    assert {mine, later} <= ids(case.ask(case.consent()))

    said = own_ranges(
        case,
        SensitiveRange("A50", "A53", "Giang mai"),
        SensitiveRange("A60", "A60", "Herpes", date(2099, 1, 1)),
    )
    case.send(said)

    shown = ids(case.ask(case.consent()))
    assert not any(one.startswith(mine) for one in shown)
    assert later in shown  # not before its day
    assert not any(one.startswith(fixed) for one in shown)  # whatever the station says
    assert mine in ids(case.ask(case.consent(), sensitive="Đang điều trị bệnh này"))

    case.send(own_ranges(case, base=op_id(said)))
    assert mine in ids(case.ask(case.consent()))


def test_the_id_of_a_stations_rights_is_that_of_the_station() -> None:
    for code in ("99001", "DEMO01", "x"):
        assert restricted.rights_id(code) == rights_id(code)


def test_an_ordinary_visit_comes_as_ever(case) -> None:
    plain, line = restricted_visit(case.home_chart, "I10")
    case.send(line)
    assert {plain, f"{plain}-d1", f"{plain}-v1"} <= ids(case.ask(case.consent()))


def test_the_ranges_end_where_they_say() -> None:
    assert all(is_restricted(first) and is_restricted(f"{last}.9") for first, last in RESTRICTED)
    for code in ("B19", "B25", "E11.9", "G00", "Z20.5", "Z22", "Z71.1", ""):
        assert not is_restricted(code), code
