"""The way back from a server without the exchange: ours with the exchange left aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import requests

from station_emr.domain.record import RecordKind, RecordStatus
from tests.interop import fhir_records as sample
from tests.sync.closing import said
from tests.sync.conftest import Server
from tests.sync.exchange_machines import second_device
from tests.sync.faults import Fault, FaultyLine
from tests.sync.fresh import fresh_store
from tests.sync.plain_machines import FEW, PlainMachine


@pytest.fixture
def pair(
    tmp_path: Path, running: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[PlainMachine, PlainMachine]]:
    monkeypatch.setattr("station_emr.sync.plain_pull.GROUPS", FEW)
    made = [
        PlainMachine(fresh_store(tmp_path / f"{name}.db"), to)
        for name, to in (("one", running), ("other", second_device(running)))
    ]
    for machine in made:
        machine.belong()
        assert machine.sync().outcome == "complete"
    yield made[0], made[1]
    for machine in made:
        machine.store.close()


def settle(*machines: PlainMachine) -> None:
    for _ in range(5):
        runs = [machine.sync() for machine in machines]
        assert [run.detail for run in runs] == [""] * len(runs)
        if not any(run.sent or run.received for run in runs):
            assert all(machine.waiting() == [] for machine in machines)
            return
    raise AssertionError(f"it does not come to rest: {runs}")


def test_a_hospitals_answer_is_no_part_of_a_letter(
    pair: tuple[PlainMachine, PlainMachine], running: Server
) -> None:
    one, other = pair
    one.work_a_day()
    one.sync()
    running.put(
        {
            "resourceType": "Task",
            "id": sample.made_id(78),
            "status": "accepted",
            "intent": "order",
            "focus": {"reference": f"ServiceRequest/{sample.REFERRAL.id}"},
            "for": {"reference": f"Patient/{sample.PATIENT_ID}"},
            "requester": {"reference": f"Organization/{sample.STATION.facility_id}"},
        }
    )

    run = other.sync()

    assert (run.outcome, run.detail) == ("complete", "")
    assert other.shown(sample.REFERRAL) == sample.REFERRAL
    with other.store.read() as work:
        assert work.operations.unreadables(9) == ()


def test_what_one_machine_wrote_comes_to_the_other(
    pair: tuple[PlainMachine, PlainMachine],
) -> None:
    one, other = pair
    one.work_a_day()
    one.sync()

    run = other.sync()

    assert (run.outcome, run.received, run.sent) == ("complete", 5, 0)
    for record in (
        sample.PATIENT,
        sample.ENCOUNTER,
        sample.PRESCRIPTION,
        sample.REFERRAL,
        sample.APPOINTMENT,
    ):
        assert said(other.shown(record)) == said(record)
    assert other.waiting() == []
    again = other.sync()
    assert (again.received, again.sent) == (0, 0)
    assert one.sync().received == 0  # what is ours is not taken for somebody else's


def test_changes_travel_both_ways(pair: tuple[PlainMachine, PlainMachine]) -> None:
    one, other = pair
    person = one.another(1)
    settle(one, other)
    there = other.amend(person, phone="0900000021")
    settle(other, one)
    assert one.shown(person) == there
    back = one.amend(person, coverages=sample.PATIENT.coverages[:1])

    settle(one, other)

    assert other.shown(person) == one.shown(person) == back
    assert len(one.graph(person)) == 3


def test_different_fields_are_merged_and_the_same_field_waits_for_a_person(
    pair: tuple[PlainMachine, PlainMachine],
) -> None:
    one, other = pair
    alike, unlike = one.another(1), one.another(2)
    settle(one, other)
    one.amend(alike, phone="0900000021")
    other.amend(alike, note="Nhà ở cuối làng.")
    one.amend(unlike, phone="0900000031")
    other.amend(unlike, phone="0900000032")

    settle(one, other)

    for machine in pair:
        shown = machine.shown(alike)
        assert (shown.phone, shown.note) == ("0900000021", "Nhà ở cuối làng.")
    assert one.shown(unlike) == other.shown(unlike)
    assert other.conflicts() == [(RecordKind.PATIENT, unlike.id)]  # the later one has to decide
    with other.store.read() as work:
        phones = {
            work.patients.at_version(unlike.id, node.version).phone
            for node in work.patients.lineage(unlike.id)
        }
    assert {"0900000031", "0900000032"} <= phones


def test_a_correction_made_on_the_server_arrives_and_its_additions_stay(
    pair: tuple[PlainMachine, PlainMachine], running: Server
) -> None:
    one, _ = pair
    person = one.another(1)
    settle(one)
    held = running.read(f"Patient/{person.id}")
    corrected = held.json() | {"birthDate": "1990-05-04", "maritalStatus": {"text": "Đã kết hôn"}}
    put(running, corrected)

    run = one.sync()

    assert (run.received, run.sent) == (1, 0)
    assert one.shown(person) == replace(person, birth=replace(person.birth, day=4))
    one.amend(person, phone="0900000041")
    settle(one)
    after = running.read(f"Patient/{person.id}").json()
    assert after["telecom"][0]["value"] == "0900000041"
    assert after["maritalStatus"] == {"text": "Đã kết hôn"}
    assert after["birthDate"] == "1990-05-04"


def test_a_voided_visit_is_voided_at_the_other(pair: tuple[PlainMachine, PlainMachine]) -> None:
    one, other = pair
    one.sign(sample.PATIENT)
    one.sign(sample.ENCOUNTER)
    settle(one, other)
    one.sign(sample.ENCOUNTER, RecordStatus.VOIDED, version=2)

    settle(one, other)

    with other.store.read() as work:
        assert work.encounters.get(sample.ENCOUNTER_ID).status is RecordStatus.VOIDED


def test_absence_deletes_nothing(
    pair: tuple[PlainMachine, PlainMachine], running: Server, line: FaultyLine
) -> None:
    one, _ = pair
    person = one.another(1)
    settle(one)
    line.always = empty
    one.sync(line)

    assert one.shown(person) == person
    settle(one)
    assert running.read(f"Patient/{person.id}").ok


def empty(request: bytes) -> bytes | None:
    if not request.startswith(b"GET /fhir/") or b"/metadata" in request.split(b"\r\n")[0]:
        return None
    return bundle('{"resourceType":"Bundle","type":"searchset","total":0}')


# --- pages and marks -----------------------------------------------------------------------------


def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("station_emr.sync.plain_pull._PAGE", "2")


@pytest.mark.parametrize("page", [1, 2])
def test_cut_between_two_pages(
    pair: tuple[PlainMachine, PlainMachine],
    line: FaultyLine,
    monkeypatch: pytest.MonkeyPatch,
    page: int,
) -> None:
    """The mark has not moved: the next run reads from where the last whole one began."""
    small_pages(monkeypatch)
    one, other = pair
    monkeypatch.setattr("station_emr.sync.plain_pull.OVERLAP", timedelta())
    people = [one.another(number) for number in range(5)]
    one.sync()
    line.plan = [None] + [None] * page + [Fault(drop_reply=True)]

    cut = other.sync(line)

    assert cut.outcome == "offline"
    healed = other.sync(line)
    assert (healed.outcome, healed.received) == ("complete", 5)
    assert [other.shown(person) for person in people] == people


def test_a_change_dated_before_what_was_shown_already(
    pair: tuple[PlainMachine, PlainMachine], running: Server
) -> None:
    """A server gives its dates before it commits: the overlap brings what came late, and what is
    read twice for it is not taken in twice.
    """
    one, other = pair
    first = one.another(1)
    settle(one, other)
    key = f"sync.pull.{other.to.url}"
    marks = msgspec.json.decode((other.setting(key) or "").encode())
    later = datetime.fromisoformat(marks["moments"]["patient/Patient"]) + timedelta(minutes=4)
    marks["moments"] = dict.fromkeys(marks["moments"], later.isoformat())
    other.put(key, msgspec.json.encode(marks).decode())
    late = one.another(2)
    one.sync()

    run = other.sync()

    assert (run.received, other.shown(late)) == (1, late)
    assert other.shown(first) == first
    assert len(other.graph(first)) == 1


def test_a_next_link_to_another_server_is_not_followed(
    pair: tuple[PlainMachine, PlainMachine], line: FaultyLine
) -> None:
    """Neither the token nor a question about anybody goes there; nothing half-read is applied."""
    one, other = pair
    people = [one.another(number) for number in range(3)]
    one.sync()

    with FaultyLine(line.server_port, line.token) as elsewhere:
        line.always = lambda request: led_to(elsewhere.url, request)
        run = other.sync(line)

        assert (run.outcome, run.received, elsewhere.requests) == ("complete", 0, [])
    line.always = None
    assert other.sync(line).received == 3
    assert [other.shown(person) for person in people] == people


def test_what_other_stations_keep_on_the_server_is_not_fetched(
    pair: tuple[PlainMachine, PlainMachine],
) -> None:
    one, other = pair
    guest = one.another(1)
    strange = replace(guest, id=sample.made_id(77), chart_number="DEMO9.A.000001")
    one.sign(strange)
    settle(one)

    other.sync()

    assert (other.shown(guest), other.shown(strange)) == (guest, None)


def test_a_server_put_back_to_a_backup_is_read_and_given_everything_anew(
    pair: tuple[PlainMachine, PlainMachine], line: FaultyLine, running: Server
) -> None:
    """Fewer than there were: the count tells."""
    one, _ = pair
    people = [one.another(number) for number in range(3)]
    settle(one)
    line.always = fewer

    one.sync(line)

    line.always = None
    assert len(one.waiting()) == 0  # offered again in the same run, and taken as unchanged
    assert running.count("Patient") == 3
    assert one.sync().received == 0
    assert [one.shown(person) for person in people] == people


def led_to(url: str, request: bytes) -> bytes | None:
    if not request.startswith(b"GET /fhir/Patient?_sort"):
        return None
    link = f'[{{"relation":"next","url":"{url}/Patient?page=2"}}]'
    meta = '{"versionId":"1","lastUpdated":"2031-01-01T00:00:00Z"}'
    told = f'[{{"resource":{{"resourceType":"Patient","id":"{sample.made_id(9)}","meta":{meta}}}}}]'
    return bundle(f'{{"resourceType":"Bundle","type":"searchset","link":{link},"entry":{told}}}')


def bundle(body: str) -> bytes:
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def fewer(request: bytes) -> bytes | None:
    if b"_summary=count" not in request.split(b"\r\n")[0]:
        return None
    return bundle('{"resourceType":"Bundle","type":"searchset","total":1}')


def put(server: Server, resource: dict[str, object]) -> None:
    version = resource["meta"]["versionId"]  # type: ignore[index]
    with requests.Session() as session:
        session.trust_env = False
        answer = session.put(
            f"{server.url}/{resource['resourceType']}/{resource['id']}",
            json=resource,
            headers={
                "Authorization": f"Bearer {server.token}",
                "Content-Type": "application/fhir+json",
                "If-Match": f'W/"{version}"',
            },
            timeout=30,
        )
    assert answer.ok, answer.text
