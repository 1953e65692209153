"""References that are no Type/id: fullUrls of conditional entries, conditions, our own address."""

from __future__ import annotations

from typing import Any

import pytest

from tests import databases
from tests.server.exchange_client import Machine
from tests.server.samples import CCCD, bundle, encounter, entry, observation, patient

DATABASES = databases.BOTH
PERSON = "urn:uuid:01900000-0000-7000-8000-000000000001"
VISIT = "urn:uuid:01900000-0000-7000-8000-000000000002"


def by(number: str) -> str:
    return f"identifier={CCCD}|{number}"


def conditional_create(number: str, full_url: str = PERSON, **changes: Any) -> dict[str, Any]:
    body = {**patient("any", cccd=number), **changes}
    request = {"method": "POST", "url": "Patient", "ifNoneExist": by(number)}
    return {"fullUrl": full_url, "resource": body, "request": request}


def conditional_update(number: str, body: dict[str, Any]) -> dict[str, Any]:
    request = {"method": "PUT", "url": f"Patient?{by(number)}"}
    return {"fullUrl": PERSON, "resource": body, "request": request}


def visit_of(reference: str, name: str = "e1") -> dict[str, Any]:
    return entry({**encounter(name, "x"), "subject": {"reference": reference}})


def subject(station, name: str = "e1") -> str:
    return station.get(f"Encounter/{name}").json()["subject"]["reference"]


def issue_of(answer) -> tuple[int, str, list[str]]:
    issue = answer.json()["issue"][0]
    return answer.status_code, issue["code"], issue["expression"]


@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
def test_a_full_url_means_what_a_conditional_create_made_or_found(server, station, first):
    entries = [conditional_create("1"), visit_of(PERSON)]
    sent = bundle(*(entries if first else reversed(entries)))
    assert station.send(sent).status_code == 200
    made = subject(station)
    assert station.get(made).json()["identifier"][0]["value"] == "1"
    assert station.get(f"Encounter?patient={made}").json()["total"] == 1
    again = bundle(conditional_create("1"), visit_of(PERSON, "e2"))
    statuses = [item["response"]["status"] for item in station.send(again).json()["entry"]]
    assert statuses == ["200 OK", "201 Created"]
    assert subject(station, "e2") == made
    replay = station.send(again).json()["entry"]
    assert [item["response"]["etag"] for item in replay] == ['W/"1"', 'W/"1"']
    assert station.count("Patient") == 1
    fetched = b"".join(Machine(server.station(station.facility)).exchange().lines)
    assert fetched.count(b'"reference":"%s"' % made.encode()) == 2
    assert b"urn:uuid:" not in fetched


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("with_id", [True, False])
def test_a_full_url_means_what_a_conditional_update_wrote(station, known, with_id):
    if known:
        station.put(patient("p1", cccd="1"))
    body = patient("p1", cccd="1", name="Người Mẫu Khác")
    if not with_id:
        del body["id"]
    answer = station.send(bundle(visit_of(PERSON), conditional_update("1", body)))
    assert answer.status_code == 200
    name = station.get(subject(station)).json()["name"][0]["text"]
    assert name == "Người Mẫu Khác"
    assert subject(station) == "Patient/p1" or not (known or with_id)
    assert station.count("Patient") == 1


def test_conditional_entries_refer_to_one_another(station):
    visit = {**encounter("any", "x"), "subject": {"reference": PERSON}}
    visit["identifier"] = [{"system": "urn:visit", "value": "9"}]
    request = {"method": "POST", "url": "Encounter", "ifNoneExist": "identifier=urn:visit|9"}
    finding = observation("o1", "x", "x")
    finding["subject"], finding["encounter"] = {"reference": PERSON}, {"reference": VISIT}
    sent = bundle(
        entry(finding),
        {"fullUrl": VISIT, "resource": visit, "request": request},
        conditional_create("1"),
    )
    for _ in range(2):
        assert station.send(sent).status_code == 200
        stored = station.get("Observation/o1").json()
        seen = station.get(stored["encounter"]["reference"]).json()
        assert seen["subject"] == stored["subject"]
        assert station.get(stored["subject"]["reference"]).status_code == 200
    assert (station.count("Patient"), station.count("Encounter")) == (1, 1)


def test_a_reference_may_be_a_condition(station):
    station.put(patient("p1", cccd="1"))
    answer = station.send(
        bundle(
            visit_of(f"Patient?{by('1')}"),
            visit_of(f"{station.base}/Patient?{by('2')}", "e2"),
            visit_of(f"Patient?{by('3')}", "e3"),
            entry(patient("p2", cccd="2")),
            conditional_create("3"),
        )
    )
    assert answer.status_code == 200
    assert (subject(station), subject(station, "e2")) == ("Patient/p1", "Patient/p2")
    assert station.get(subject(station, "e3")).json()["identifier"][0]["value"] == "3"
    moved = bundle(
        visit_of(f"Patient?{by('1')}", "e4"),
        entry(patient("p1", cccd="4")),
        entry(patient("p5", cccd="1")),
    )
    assert station.send(moved).status_code == 200
    assert subject(station, "e4") == "Patient/p5"


def test_a_condition_that_not_one_resource_fits_stores_nothing(station):
    for name in ("p1", "p2"):
        station.put(patient(name, cccd="1"))
    place = ["Bundle.entry[1].resource.subject.reference"]
    for number, code in (("1", "multiple-matches"), ("2", "not-found")):
        sent = bundle(entry(patient("p3")), visit_of(f"Patient?{by(number)}"))
        assert issue_of(station.send(sent)) == (412, code, place)
    taken_away = bundle(entry(patient("p3")), visit_of(f"Patient?{by('5')}"))
    station.put(patient("p3", cccd="5"))
    assert issue_of(station.send(taken_away)) == (412, "not-found", place)
    assert station.count("Encounter") == 0
    assert station.get("Patient/p3").headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize(
    "reference",
    [
        *("Patient?name=a", "Patient?identifier=1", "Nobody?identifier=a|b", "?identifier=a|b"),
        *("http://elsewhere.example/fhir/Patient/p1", "Patient?" + "a=b&" * 30),
    ],
)
def test_other_references_are_refused_where_they_stand(station, reference):
    station.put(patient("p1"))
    answer = station.send(bundle(visit_of(reference)))
    assert issue_of(answer) == (422, "value", ["Bundle.entry[0].resource.subject.reference"])


def test_conditions_are_for_transactions_alone(station):
    station.put(patient("p1", cccd="1"))
    visit = visit_of(f"Patient?{by('1')}")
    [reply] = station.send(bundle(visit, kind="batch")).json()["entry"]
    assert reply["response"]["status"] == "422"
    assert station.put(visit["resource"]).status_code == 422


def test_our_own_address_is_a_relative_one(station):
    station.put(patient("p1"))
    own = f"{station.base}/Patient/p1"
    assert station.put(visit_of(own)["resource"]).status_code == 201
    assert station.send(bundle(visit_of(own, "e2"))).status_code == 200
    assert station.send(bundle(visit_of(f"{own}/_history/1", "e3"))).status_code == 200
    [reply] = station.send(bundle(visit_of(own, "e4"), kind="batch")).json()["entry"]
    assert reply["response"]["status"] == "201 Created"
    assert [subject(station, name) for name in ("e1", "e2", "e4")] == ["Patient/p1"] * 3
    assert subject(station, "e3") == "Patient/p1/_history/1"
    assert station.get("Encounter?patient=p1").json()["total"] == 4
    missing = station.send(bundle(visit_of(f"{station.base}/Patient/nobody", "e5")))
    assert issue_of(missing)[:2] == (422, "not-found")
    odd = station.put(visit_of(f"{station.base}/../Patient/p1")["resource"])
    assert issue_of(odd) == (422, "value", ["Encounter.subject.reference"])


def test_what_means_one_resource_twice_stores_nothing(server, station):
    twice = bundle(
        conditional_create("1"), conditional_create("1", full_url=VISIT), visit_of(PERSON)
    )
    assert issue_of(station.send(twice))[:2] == (400, "invariant")
    assert server.versions(station) == 0
    station.put(patient("p1", cccd="1"))
    taken_away = bundle(entry(patient("p1", cccd="2")), conditional_create("1"), visit_of(PERSON))
    assert issue_of(station.send(taken_away))[:2] == (409, "conflict")
    assert server.versions(station) == 1
