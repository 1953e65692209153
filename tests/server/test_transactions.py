"""POST [base]: all or nothing, answered entry by entry, and harmless when repeated."""

from __future__ import annotations

import copy

import pytest
from sqlalchemy import func, select

from provincial_server.store import Change
from tests import databases
from tests.server.samples import (
    CCCD,
    bundle,
    encounter,
    entry,
    observation,
    patient,
    unit,
)

DATABASES = databases.BOTH


def test_answers_every_entry_in_order(station):
    answer = station.send(unit())
    assert answer.status_code == 200
    body = answer.json()
    assert body["type"] == "transaction-response"
    assert [item["response"]["location"] for item in body["entry"]] == [
        "Patient/p1/_history/1",
        "Encounter/e1/_history/1",
        "Observation/e1-o1/_history/1",
    ]
    for item in body["entry"]:
        assert item["response"]["status"] == "201 Created"
        assert item["response"]["etag"] == 'W/"1"'
        assert item["response"]["lastModified"].endswith("Z")
        assert "resource" not in item
        assert "outcome" not in item["response"]


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_one_broken_entry_stores_nothing(server, station, broken):
    sent = unit()
    sent["entry"][broken]["resource"]["unknownElement"] = 1
    answer = station.send(sent)
    assert answer.status_code == 422
    issue = answer.json()["issue"][0]
    assert issue["expression"] == [f"Bundle.entry[{broken}].resource"]
    assert issue["code"] == "structure"
    assert server.versions(station) == 0
    assert station.count("Patient") == 0


def test_names_every_broken_entry(station):
    sent = unit()
    del sent["entry"][1]["resource"]["status"]
    sent["entry"][2]["resource"]["status"] = "done"
    issues = station.send(sent).json()["issue"]
    assert [(issue["code"], issue["expression"]) for issue in issues] == [
        ("required", ["Bundle.entry[1].resource.status"]),
        ("code-invalid", ["Bundle.entry[2].resource.status"]),
    ]


def test_stale_version_rolls_back_the_whole_transaction(server, station):
    station.put(patient("p1"))
    station.put(patient("p1", name="Nguyễn Thị Mẫu Hai"))
    sent = bundle(
        entry(encounter("e1", "p1")),
        entry(patient("p1", name="Tên cũ"), ifMatch='W/"1"'),
    )
    answer = station.send(sent)
    assert answer.status_code == 412
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].request"]
    assert station.get("Encounter/e1").status_code == 404
    assert station.get("Patient/p1").json()["name"][0]["text"] == "Nguyễn Thị Mẫu Hai"


def test_repeating_a_transaction_changes_nothing(server, station):
    first = station.send(unit()).json()
    again = station.send(unit()).json()
    assert server.versions(station) == 3
    for before, after in zip(first["entry"], again["entry"], strict=True):
        assert after["response"]["status"] == "200 OK"
        assert after["response"]["etag"] == before["response"]["etag"]
        assert after["response"]["lastModified"] == before["response"]["lastModified"]
        coding = after["response"]["outcome"]["issue"][0]["details"]["coding"][0]
        assert coding["code"] == "unchanged"
    with server.database.read() as session:
        assert (
            session.scalar(select(func.count()).where(Change.facility_code == station.facility))
            == 3
        )


def test_order_of_keys_and_server_meta_do_not_make_a_version(station):
    station.put(patient("p1"))
    stored = station.get("Patient/p1").json()
    turned = dict(reversed(list(stored.items())))
    answer = station.put(turned)
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"1"')


def test_another_precision_is_another_content(station):
    text = (
        '{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},'
        '"valueQuantity":{"value":%s}}'
    )
    first = station.call("PUT", "Observation/o1", text % "1.5", content_type="application/json")
    assert first.status_code == 201
    second = station.call("PUT", "Observation/o1", text % "1.50", content_type="application/json")
    assert second.headers["ETag"] == 'W/"2"'
    assert '"value":1.50' in station.get("Observation/o1").text


def test_a_replay_with_the_old_if_match_is_accepted(station):
    station.put(patient("p1"))
    changed = patient("p1", name="Trần Văn Mẫu")
    assert station.put(changed, if_match='W/"1"').headers["ETag"] == 'W/"2"'
    replay = station.put(changed, if_match='W/"1"')
    assert (replay.status_code, replay.headers["ETag"]) == (200, 'W/"2"')
    other = station.put(patient("p1", name="Lê Văn Mẫu"), if_match='W/"1"')
    assert other.status_code == 412
    assert other.headers["ETag"] == 'W/"2"'


def test_if_match_on_a_missing_resource_is_refused(station):
    assert station.put(patient("p1"), if_match='W/"1"').status_code == 412
    assert station.put(patient("p1"), if_none_match="*").status_code == 201
    changed = patient("p1", name="Khác")
    assert station.put(changed, if_none_match="*").status_code == 412


def test_a_replay_of_a_first_write_is_accepted(station):
    assert station.put(patient("p1"), if_none_match="*").status_code == 201
    replay = station.put(patient("p1"), if_none_match="*")
    assert (replay.status_code, replay.headers["ETag"]) == (200, 'W/"1"')


def test_full_urls_become_references(station):
    person = "urn:uuid:01900000-0000-7000-8000-000000000001"
    new_patient = patient("x")
    del new_patient["id"]
    visit = encounter("e1", "x")
    visit["subject"]["reference"] = person
    sent = bundle(
        {
            "fullUrl": person,
            "resource": new_patient,
            "request": {"method": "POST", "url": "Patient"},
        },
        entry(visit),
    )
    answer = station.send(sent).json()
    location = answer["entry"][0]["response"]["location"]
    reference = station.get("Encounter/e1").json()["subject"]["reference"]
    assert location.startswith(f"{reference}/_history/")
    assert station.get(reference).status_code == 200


def test_one_resource_twice_is_refused(station):
    sent = bundle(entry(patient("p1")), entry(patient("p1", name="Khác")))
    answer = station.send(sent)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].request.url"]
    assert station.count("Patient") == 0


def test_a_visit_without_its_patient_is_refused(station):
    answer = station.send(bundle(entry(encounter("e1", "nobody"))))
    assert answer.status_code == 422
    issue = answer.json()["issue"][0]
    assert issue["code"] == "not-found"
    assert issue["expression"] == ["Bundle.entry[0].resource.subject.reference"]


def test_conditional_create_and_update_by_identifier(station):
    condition = f"identifier={CCCD}|064099100001"
    body = patient("mine", cccd="064099100001")
    first = station.call("PUT", f"Patient?{condition}", body)
    assert first.status_code == 201
    assert station.get("Patient/mine").status_code == 200
    again = station.call("PUT", f"Patient?{condition}", body)
    assert (again.status_code, again.headers["ETag"]) == (200, 'W/"1"')
    foreign_id = patient("other-id", cccd="064099100001")
    assert station.call("PUT", f"Patient?{condition}", foreign_id).status_code == 400

    create = {
        "resource": body,
        "request": {"method": "POST", "url": "Patient", "ifNoneExist": condition},
    }
    answer = station.send(bundle(create)).json()["entry"][0]["response"]
    assert answer["status"] == "200 OK"
    assert answer["location"] == "Patient/mine/_history/1"
    assert station.count("Patient") == 1


def test_two_matches_are_never_chosen_from(station):
    for number in (1, 2):
        station.put(patient(f"p{number}", cccd="064099100009"))
    body = patient("p3", cccd="064099100009")
    answer = station.call("PUT", f"Patient?identifier={CCCD}|064099100009", body)
    assert answer.status_code == 412
    assert answer.json()["issue"][0]["code"] == "multiple-matches"


def test_an_identifier_that_was_removed_no_longer_matches(station):
    station.put(patient("p1", cccd="064099100001"))
    station.put(patient("p1", cccd="064099100002"))
    assert station.get(f"Patient?identifier={CCCD}|064099100001").json()["total"] == 0
    assert station.get(f"Patient?identifier={CCCD}|064099100002").json()["total"] == 1


def test_batch_entries_succeed_and_fail_alone(server, station):
    bad = observation("o1", "p1", "e1")
    sent = bundle(
        entry(patient("p1")),
        entry(bad | {"status": "nonsense"}),
        {"request": {"method": "DELETE", "url": "Patient/p1"}},
        entry(encounter("e1", "p1")),
        entry(encounter("e2", "nobody")),
        kind="batch",
    )
    body = station.send(sent).json()
    assert body["type"] == "batch-response"
    statuses = [item["response"]["status"][:3] for item in body["entry"]]
    assert statuses == ["201", "422", "400", "201", "422"]
    assert body["entry"][1]["response"]["outcome"]["issue"][0]["code"] == "code-invalid"
    assert station.count("Encounter") == 1


def test_representation_on_request(station):
    body = station.send(unit(), prefer="return=representation").json()
    assert body["entry"][0]["resource"]["meta"]["versionId"] == "1"
    minimal = station.put(patient("p9"), prefer="return=minimal")
    assert (minimal.status_code, minimal.content) == (201, b"")
    outcome = station.put(patient("p9"), prefer="return=OperationOutcome").json()
    assert outcome["issue"][0]["details"]["coding"][0]["code"] == "unchanged"


@pytest.mark.parametrize(
    ("request_part", "status"),
    [
        ({"method": "DELETE", "url": "Patient/p1"}, 400),
        ({"method": "PUT", "url": "Patient"}, 400),
        ({"method": "PUT", "url": "Patient/p1?identifier=a|b"}, 400),
        ({"method": "PUT", "url": "http://elsewhere.example/Patient/p1"}, 400),
        ({"method": "PUT", "url": "Patient/p1/_history/1"}, 400),
        ({"method": "PUT", "url": "Bundle/p1"}, 400),
        ({"method": "PUT", "url": 5}, 400),
        ({"method": "PUT"}, 400),
        ({"method": "POST", "url": "Patient", "ifNoneExist": "name=a"}, 400),
        ({"method": "PUT", "url": "Patient/other"}, 400),
    ],
)
def test_strange_requests_are_refused(station, request_part, status):
    answer = station.send(bundle({"resource": patient("p1"), "request": request_part}))
    assert answer.status_code == status
    assert answer.json()["issue"][0]["expression"][0].startswith("Bundle.entry[0]")
    assert station.count("Patient") == 0


def test_a_bundle_is_not_stored_inside_a_bundle(station):
    inner = copy.deepcopy(unit()) | {"id": "b1"}
    sent = bundle({"resource": inner, "request": {"method": "PUT", "url": "Bundle/b1"}})
    assert station.send(sent).status_code == 400
