"""Search, history, versions, and paging while others write."""

from __future__ import annotations

import json

import pytest

from provincial_server import wire
from provincial_server.dates import interval
from tests.server.samples import CCCD, bundle, encounter, entry, observation, patient, unit


def ids(answer) -> list[str]:
    return [item["resource"]["id"] for item in answer.json().get("entry", [])]


def next_link(answer) -> str | None:
    links = answer.json()["link"]
    return next((link["url"] for link in links if link["relation"] == "next"), None)


def all_pages(station, path, between=lambda: None):
    seen = []
    following = path
    while following:
        answer = station.get(following)
        seen += ids(answer)
        following = next_link(answer)
        between()
    return seen


def test_read_and_versions(station):
    station.put(patient("p1"))
    station.put(patient("p1", name="Trần Văn Mẫu"))
    current = station.get("Patient/p1")
    assert current.headers["ETag"] == 'W/"2"'
    assert current.json()["meta"]["versionId"] == "2"
    first = station.get("Patient/p1/_history/1")
    assert first.json()["name"][0]["text"] == "Nguyễn Thị Mẫu"
    assert station.get("Patient/p1/_history/3").status_code == 404
    assert station.get("Patient/p1", if_none_match='W/"2"').status_code == 304
    assert current.headers["Cache-Control"] == "no-store"
    assert station.get("Patient/p1", if_none_match='W/"1"').status_code == 200


def test_history_is_complete_and_paged(station):
    for number in range(5):
        station.put(patient("p1", name=f"Mẫu {number}"))
    whole = station.get("Patient/p1/_history").json()
    assert whole["total"] == 5
    assert [item["resource"]["meta"]["versionId"] for item in whole["entry"]] == list("54321")
    assert [item["response"]["etag"] for item in whole["entry"]][-1] == 'W/"1"'
    page = station.get("Patient/p1/_history?_count=2")
    seen = page.json()["entry"]
    while following := next_link(page):
        page = station.get(following)
        seen += page.json()["entry"]
    assert seen == whole["entry"]


def test_a_facility_device_can_reread_exactly_what_it_sent(station):
    sent = observation("o1", "p1", "e1") | {
        "meta": {"profile": ["http://example.org/profile"], "tag": [{"code": "x"}]},
        "note": [{"text": 'dấu " và \\ và </script>'}],
    }
    station.send(bundle(entry(patient("p1")), entry(encounter("e1", "p1")), entry(sent)))
    got = station.get("Observation/o1").json()
    assert got["meta"].pop("versionId") == "1"
    assert got["meta"].pop("lastUpdated")
    assert got == sent


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Patient?_id=p1,p2,nobody", ["p1", "p2"]),
        (f"Patient?identifier={CCCD}|1", ["p1"]),
        ("Patient?identifier=1", ["p1"]),
        ("Patient?identifier=|1", []),
        (f"Patient?identifier={CCCD}|", ["p1", "p2"]),
        ("Encounter?patient=Patient/p1", ["e1"]),
        ("Encounter?subject=p2", ["e2"]),
        ("Encounter?status=finished,planned", ["e1", "e2"]),
        ("Encounter?status=planned", []),
        ("Encounter?date=2026-11-20", ["e1", "e2"]),
        ("Encounter?date=ge2026-11-21", []),
        ("Encounter?date=lt2026-11-20", []),
        ("Encounter?date=ge2026-11-20&date=lt2026-11-21&patient=p1", ["e1"]),
        ("Encounter?date=2026-11-20T01:10:00Z", []),
        ("Observation?date=eq2026-11-20T08:05:00%2B07:00&patient=p1", ["o1"]),
        ("Observation?date=2026-11-20T08:05:00+07:00&patient=p1", ["o1"]),
        ("Patient?birthdate=1990", ["p1", "p2"]),
        ("Patient?active=true", []),
    ],
)
def test_filters(station, query, found):
    station.send(
        bundle(
            entry(patient("p1", cccd="1")),
            entry(patient("p2", cccd="2")),
            entry(encounter("e1", "p1")),
            entry(encounter("e2", "p2")),
            entry(observation("o1", "p1", "e1")),
        )
    )
    answer = station.get(query)
    assert answer.status_code == 200
    assert ids(answer) == found
    assert answer.json()["total"] == len(found)


def test_last_updated_to_the_millisecond(station):
    stamps = [station.put(patient(f"p{n}")).json()["meta"]["lastUpdated"] for n in range(3)]
    assert len(set(stamps)) == 3
    middle = stamps[1]
    assert ids(station.get(f"Patient?_lastUpdated=ge{middle}")) == ["p1", "p2"]
    assert ids(station.get(f"Patient?_lastUpdated=gt{middle}")) == ["p2"]
    assert ids(station.get(f"Patient?_lastUpdated=lt{middle}")) == ["p0"]
    assert ids(station.get(f"Patient?_lastUpdated=le{middle}")) == ["p0", "p1"]
    assert ids(station.get(f"Patient?_lastUpdated=gt{stamps[0]}&_lastUpdated=lt{stamps[2]}")) == [
        "p1"
    ]
    # A whole second is an interval: `ge` includes its rows, as readers with a watermark need.
    assert "p1" in ids(station.get(f"Patient?_lastUpdated=ge{middle[:19]}Z"))


def test_counts_and_ids_only(station):
    station.send(unit())
    counted = station.get("Patient?_summary=count").json()
    assert (counted["total"], "entry" in counted) == (1, False)
    assert station.get("Patient?_count=0").json()["total"] == 1
    short = station.get("Patient?_elements=id").json()["entry"][0]["resource"]
    assert set(short) == {"resourceType", "id", "meta"}
    assert short["meta"]["tag"][0]["code"] == "SUBSETTED"


@pytest.mark.parametrize(
    "query",
    [
        "Patient?given=Mau",
        "Patient?name:exact=Mau",
        "Patient?_sort=-_lastUpdated",
        "Patient?_sort=name",
        "Patient?_summary=text",
        "Patient?_count=x",
        "Patient?_count=-1",
        "Patient?_count=%D9%A3",
        "Patient?_lastUpdated=yesterday",
        "Patient?_lastUpdated=ge2026-02-30",
        "Patient?_lastUpdated=ge0000",
        "Patient?_cursor=1",
        "Patient?_cursor=99999999999999999999~a",
        "Patient?identifier=",
        "Patient?identifier=%00",
        "Patient?_id=a,,b",
        "Encounter?patient=Group/1",
        "Encounter?patient=a%20b",
        "Patient?%ff=%ff",
        "Patient?" + "&".join(["_id=a"] * 80),
        "Patient?_id=" + ",".join(["a"] * 101),
        "Binary?identifier=1",
    ],
)
def test_what_is_not_understood_is_refused_not_ignored(station, query):
    answer = station.get(query)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_the_last_year_of_the_calendar_can_be_asked_for(station):
    assert station.get("Patient?_lastUpdated=le9999").status_code == 200


def test_pages_lose_nothing_while_rows_come_and_move(station):
    """Rows are added and updated between the pages; offset paging would skip some."""
    for number in range(20):
        station.put(patient(f"p{number:02d}"))
    turn = iter(range(100))

    def disturb():
        number = next(turn)
        if number < 6:
            station.put(patient(f"new{number}"))
            station.put(patient(f"p{number:02d}", name=f"Đã sửa {number}"))

    seen = all_pages(station, "Patient?_count=4&_sort=_lastUpdated", disturb)
    everyone = {f"p{number:02d}" for number in range(20)} | {f"new{number}" for number in range(6)}
    assert set(seen) == everyone
    moved = [name for name in seen if seen.count(name) > 1]
    assert set(moved) <= {f"p{number:02d}" for number in range(6)}


def test_rows_of_one_transaction_are_paged_by_id(station):
    station.send(bundle(*(entry(patient(f"p{number:02d}")) for number in range(30))))
    assert all_pages(station, "Patient?_count=7") == [f"p{number:02d}" for number in range(30)]


def test_the_clock_may_be_set_back(server, station):
    """Times of update grow with every commit, whatever the server's clock does."""
    station.put(patient("p1"))
    first = station.get("Patient/p1").json()["meta"]["lastUpdated"]
    with server.database.write() as session:
        from provincial_server.store import Facility

        session.get_one(Facility, station.facility).last_write_at += 3_600_000
    station.put(patient("p2"))
    second = station.get("Patient/p2").json()["meta"]["lastUpdated"]
    ahead = interval(second)[0] - interval(first)[0]
    assert ahead > 3_599_000
    assert second == wire.instant(interval(second)[0])


def test_capabilities_promise_what_works(station):
    statement = station.get("metadata").json()
    assert statement["fhirVersion"] == "4.0.1"
    rest = statement["rest"][0]
    system = {item["code"] for item in rest["interaction"]}
    assert system == {"transaction", "batch", "history-system"}
    values = {"string": "x", "token": "x", "date": "2026-01-01", "reference": "Patient/x"}
    for resource in rest["resource"]:
        assert resource["updateCreate"] is True
        for parameter in resource["searchParam"]:
            path = f"{resource['type']}?{parameter['name']}={values[parameter['type']]}"
            assert station.get(path).status_code == 200, path
    assert station.get("Bundle").status_code == 404
    assert station.get("Patient/p1", accept="application/fhir+xml").status_code == 406
    assert station.get("Patient?_format=xml").status_code == 406
    assert station.call("DELETE", "Patient/p1").status_code == 405


def test_large_answers_are_compressed(station):
    station.send(bundle(*(entry(patient(f"p{number:02d}")) for number in range(30))))
    answer = station.get("Patient")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(json.loads(answer.content)["entry"]) == 30
