"""A facility cannot see, touch, count or guess what another one has."""

from __future__ import annotations

import pytest
import requests

from provincial_server import auth
from tests import databases
from tests.server.samples import CCCD, bundle, encounter, entry, patient, unit

DATABASES = databases.BOTH

NUMBER = "064099100001"


@pytest.fixture
def filled(station):
    station.send(unit())
    station.put(patient("p1", cccd=NUMBER))
    return station


@pytest.mark.parametrize(
    "path",
    ["Patient/p1", "Patient/p1/_history", "Patient/p1/_history/1", "Encounter/e1"],
)
def test_reading_answers_as_if_it_did_not_exist(filled, other, path):
    foreign, missing = other.get(path), other.get(path.replace("p1", "p0").replace("e1", "e0"))
    assert filled.get(path).status_code == 200
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json() == missing.json()


@pytest.mark.parametrize(
    "query",
    [
        "Patient",
        "Patient?_summary=count",
        "Patient?_id=p1",
        f"Patient?identifier={CCCD}|{NUMBER}",
        f"Patient?identifier={NUMBER}",
        "Encounter?patient=p1",
        "Encounter?status=finished",
        "Patient?_lastUpdated=gt2000",
    ],
)
def test_searching_finds_nothing(filled, other, query):
    assert filled.get(query).json()["total"] == 1
    answer = other.get(query).json()
    assert answer["total"] == 0
    assert "entry" not in answer


def test_a_foreign_cursor_shows_nothing(filled, other):
    for number in range(3):
        filled.put(patient(f"more{number}"))
    links = filled.get("Patient?_count=2").json()["link"]
    following = next(link["url"] for link in links if link["relation"] == "next")
    assert filled.get(following).json()["entry"]
    assert "entry" not in other.get(following).json()


def test_writing_a_known_id_does_not_reach_the_other_facility(filled, other):
    """Ids are a facility's own: the answer is the same whether another one uses the id or not."""
    taken = other.put(patient("p1", name="Người khác"))
    free = other.put(patient("p0", name="Người khác"))
    assert (taken.status_code, taken.headers["ETag"]) == (free.status_code, free.headers["ETag"])
    assert filled.get("Patient/p1").json()["name"][0]["text"] == "Nguyễn Thị Mẫu"
    assert filled.get("Patient/p1/_history").json()["total"] == 2
    assert other.get("Patient/p1/_history").json()["total"] == 1


def test_if_match_with_a_foreign_version_is_refused(filled, other):
    answer = other.put(patient("p1"), if_match='W/"2"')
    assert answer.status_code == 412
    assert "ETag" not in answer.headers


def test_conditions_do_not_match_foreign_records(filled, other):
    body = patient("own", cccd=NUMBER)
    answer = other.call("PUT", f"Patient?identifier={CCCD}|{NUMBER}", body)
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith("/Patient/own/_history/1")
    assert filled.get(f"Patient?identifier={NUMBER}").json()["total"] == 1


def test_a_transaction_cannot_point_at_a_foreign_patient(filled, other):
    foreign = other.send(bundle(entry(encounter("e9", "p1"))))
    missing = other.send(bundle(entry(encounter("e9", "p0"))))
    assert foreign.status_code == missing.status_code == 422
    assert foreign.json() == missing.json()
    assert other.count("Encounter") == 0


def test_every_facility_counts_its_own_changes(server, filled, other):
    other.put(patient("p1"))
    overview = requests.get(
        f"{server.root}/overview",
        headers={"Authorization": f"Bearer {server.admin_token}"},
        timeout=30,
    ).json()
    changes = {item["code"]: item["changes"] for item in overview["facilities"]}
    assert (changes[filled.facility], changes[other.facility]) == (4, 1)
    counts = {item["code"]: item["resources"] for item in overview["facilities"]}
    assert counts[filled.facility] == {"Encounter": 1, "Observation": 1, "Patient": 1}
    contacts = {item["code"]: item["last_contact"] for item in overview["facilities"]}
    assert contacts[filled.facility]


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic dG9rOnRvaw==",
        "Bearer \u00ff\u00fe",
        "x" * 9000,
    ],
)
@pytest.mark.parametrize("path", ["Patient", "Patient/p1", "Patient/p1/_history"])
@databases.once
def test_no_entry_without_a_token(filled, authorization, path):
    header = authorization.encode("latin-1")
    answer = filled.get(path, authorization=header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["issue"][0]["code"] == "login"


def test_writing_without_a_token_is_refused_before_the_body_is_read(filled):
    answer = filled.call("POST", "", b"{" * 1000, authorization="Bearer wrong")
    assert answer.status_code == 401


def test_a_device_token_is_no_administrator(server, station):
    answer = station.get(f"{server.root}/overview")
    assert answer.status_code == 401


def test_a_revoked_device_is_out_at_once(server, station):
    assert station.get("Patient").status_code == 200
    with server.database.write() as session:
        device = auth.authenticate(session, station.token, 0).device_id
        assert auth.revoke_device(session, device, 1)
    assert station.get("Patient").status_code == 401


def test_tokens_and_codes_are_not_stored(server, station):
    with server.database.write() as session:
        code = auth.new_enrolment_code(session, station.facility, 0, 1)
    stored = databases.all_stored(server.folder / "server.db")
    assert station.facility.encode() in stored
    for secret in (station.token, code, server.admin_token):
        assert secret.encode() not in stored
        assert secret.encode().hex().encode() not in stored


def test_a_code_enrols_one_device_once(server, station):
    now = 10**13
    with server.database.write() as session:
        code = auth.new_enrolment_code(session, station.facility, now, 1)
        expired = auth.new_enrolment_code(session, station.facility, 0, 1)
    address = f"{server.root}/enrol"

    def enrol(text, name="Máy 2"):
        return requests.post(address, json={"code": text, "device_name": name}, timeout=30)

    answer = enrol(code.lower())
    assert answer.status_code == 201
    granted = answer.json()
    assert granted["facility"]["code"] == station.facility
    assert granted["epoch"] == server.database.epoch
    station.send(unit())
    headers = {"Authorization": f"Bearer {granted['token']}"}
    found = requests.get(f"{granted['fhir_base']}/Patient/p1", headers=headers, timeout=30)
    assert found.status_code == 200
    refused = [enrol(text) for text in (code, expired, "ABCD-EFGH")]
    assert {answer.status_code for answer in refused} == {403}
    assert len({answer.text for answer in refused}) == 1
    for body in ({}, [], {"code": code}, {"code": 1, "device_name": "x"}, "x", None):
        assert requests.post(address, json=body, timeout=30).status_code == 400
