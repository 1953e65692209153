"""Conditions of creates and updates: what is no condition is refused by itself, never a 500."""

from __future__ import annotations

import pytest

from tests import databases
from tests.server.samples import CCCD, bundle, entry, patient

DATABASES = databases.BOTH
MANY = "&".join([f"identifier={CCCD}%7C1"] * 21)
NO_CONDITION = [MANY, f"http://[?x={CCCD}|1", f"identifier={CCCD}|%00", "", "?", "[?&="]


def test_a_batch_keeps_the_neighbour_of_an_entry_with_an_odd_condition(station):
    odd = [
        {
            "resource": patient(f"odd{place}"),
            "request": {"method": "POST", "url": "Patient", "ifNoneExist": condition},
        }
        for place, condition in enumerate(NO_CONDITION)
    ]
    update = {
        "resource": patient("odd"),
        "request": {"method": "PUT", "url": f"Patient?{MANY}"},
    }
    sent = bundle(entry(patient("good")), *odd, update, kind="batch")
    answer = station.send(sent)
    assert answer.status_code == 200
    replies = [item["response"] for item in answer.json()["entry"]]
    assert [reply["status"][:3] for reply in replies] == ["201", *["400"] * (len(odd) + 1)]
    for place, reply in enumerate(replies[1:-1], 1):
        assert reply["outcome"]["issue"][0]["expression"] == [
            f"Bundle.entry[{place}].request.ifNoneExist"
        ]
    assert station.get("Patient/good").status_code == 200
    assert station.count("Patient") == 1


@pytest.mark.parametrize("condition", [MANY, f"identifier={CCCD}|%00"])
def test_an_odd_condition_of_a_single_write_is_refused(station, condition):
    update = station.call("PUT", f"Patient?{condition}", patient("p1"))
    create = station.call("POST", "Patient", patient("p1"), if_none_exist=condition)
    for answer, place in ((update, "http.identifier"), (create, "http.if-none-exist")):
        assert answer.status_code == 400
        assert answer.json()["issue"][0]["expression"] == [place]


def test_general_parameters_say_nothing_of_what_is_meant(station):
    address = f"Patient?identifier={CCCD}%7C1"
    body = patient("p1", cccd="1")
    assert station.call("PUT", f"{address}&_format=json", body).status_code == 201
    assert station.call("PUT", f"{address}&_pretty=true", body).status_code == 200
    assert station.call("PUT", f"{address}&_format=xml", body).status_code == 406


def test_a_condition_that_fits_nothing_never_overwrites_the_record_of_that_id(station):
    station.put(patient("p1", cccd="1"))
    address = f"Patient?identifier={CCCD}%7C777"
    other = patient("p1", cccd="777", name="Người Mẫu Khác")
    single = station.call("PUT", address, other)
    assert single.status_code == 409
    assert single.json()["issue"][0]["expression"] == ["Patient.id"]
    whole = {"resource": other, "request": {"method": "PUT", "url": address}}
    assert station.send(bundle(whole)).status_code == 409
    [reply] = station.send(bundle(whole, kind="batch")).json()["entry"]
    assert reply["response"]["status"] == "409"
    kept = station.get("Patient/p1").json()
    assert (kept["meta"]["versionId"], kept["identifier"][0]["value"]) == ("1", "1")
    assert station.get(f"Patient?identifier={CCCD}%7C777").json()["total"] == 0
    stale = station.call("PUT", address, other, if_match='W/"1"')
    assert stale.status_code == 412


def test_a_conditional_update_without_its_own_identifier_may_be_repeated(station):
    address = f"Patient?identifier={CCCD}%7C777"
    assert station.call("PUT", address, patient("p1")).status_code == 201
    replay = station.call("PUT", address, patient("p1"))
    assert (replay.status_code, replay.headers["ETag"]) == (200, 'W/"1"')
    assert station.call("PUT", address, patient("p1", name="Khác")).status_code == 409
