"""Two machines of one facility over the exchange, against the real server over real sockets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import DAILY_BYTES, NOT_ON_METERED, LinkState, UnitState
from station_emr.services.clock import SystemClock
from station_emr.sync.exchange_engine import CURSOR
from station_emr.sync.queueing import Batch
from station_emr.sync.scheduler import Pace, SyncScheduler
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server, Station
from tests.sync.exchange_machines import Machine, new_machine, second_device
from tests.sync.faults import FaultyLine, canned

Make = Callable[..., Machine]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Machine] = []

    def machine(to: Any) -> Machine:
        made.append(new_machine(tmp_path, to, f"station{len(made)}"))
        return made[-1]

    yield machine
    for one in made:
        one.store.close()


@pytest.fixture
def pair(make: Make, running: Server) -> tuple[Machine, Machine]:
    """Two PCs of one facility that have met the server."""
    one, other = make(running), make(second_device(running))
    assert [one.sync().outcome, other.sync().outcome] == ["complete", "complete"]
    return one, other


def settle(*machines: Machine) -> None:
    """Until nobody has anything to say any more."""
    for _ in range(4):
        runs = [machine.sync() for machine in machines]
        if not any(run.sent or run.received for run in runs):
            assert all(run.verified for run in runs), runs
            return
    raise AssertionError("it does not come to rest")


def test_a_second_machine_shows_the_same_record(pair: tuple[Machine, Machine]) -> None:
    one, other = pair
    one.work_a_day()

    sent, got = one.sync(), other.sync()

    assert (sent.outcome, sent.sent, sent.verified) == ("complete", 7, True)
    assert (got.received, got.conflicts, got.verified) == (7, 0, True)
    for record in (sample.PATIENT, sample.PRESCRIPTION, sample.REFERRAL, sample.APPOINTMENT):
        assert other.shown(record) == record
    assert replace(other.shown(sample.ENCOUNTER), stage=sample.ENCOUNTER.stage) == sample.ENCOUNTER
    for record in (sample.PATIENT, sample.ENCOUNTER, sample.REFERRAL):
        assert other.graph(record) == one.graph(record)
    assert other.tally() == one.tally()
    assert other.waiting() == []  # what came from the province is not sent back to it


def test_what_arrives_is_counted_in_the_log(pair: tuple[Machine, Machine]) -> None:
    one, other = pair
    one.work_a_day()
    one.sync()
    other.sync()
    other.sync()  # brings nothing

    with other.store.read() as work:
        log = [row for row in work.audit.rows(100) if row.action == "sync.received"]
        assert work.audit.verify() is None
    counts = [part for row in log for part in row.detail.split(", ")]  # a line for each portion
    assert {"encounter: 1", "patient: 1", "prescription: 1"} <= set(counts)
    assert sum(int(part.split(": ")[1]) for part in counts) == 7


def test_nothing_to_do_is_one_small_request(make: Make, running: Server, line: FaultyLine) -> None:
    station = make(line)
    station.work_a_day()
    station.sync()
    line.requests.clear()

    run = station.sync()  # a fresh start of the program: the server's statement is remembered

    assert line.requests == ["POST /fhir/$exchange"]
    assert (run.outcome, run.requests, run.verified) == ("complete", 1, True)
    assert run.bytes_up + run.bytes_down < 500


def test_one_visit_is_one_request(make: Make, line: FaultyLine) -> None:
    station = make(line)
    station.work_a_day()
    station.sync()
    line.requests.clear()
    station.sign(replace(sample.ENCOUNTER, id=sample.made_id(77), number="2026.A.77"))

    run = station.sync()

    assert line.requests == ["POST /fhir/$exchange"]
    assert (run.sent, run.verified) == (1, True)
    assert run.bytes_up + run.bytes_down < 1536


def test_changes_of_different_fields_are_merged(pair: tuple[Machine, Machine]) -> None:
    one, other = pair
    person = one.patient()
    settle(one, other)
    one.amend(person, phone="0900000111")
    other.amend(person, note="Nhà ở cuối làng.")

    settle(one, other)

    for machine in pair:
        shown = machine.shown(person)
        assert (shown.phone, shown.note) == ("0900000111", "Nhà ở cuối làng.")
        assert machine.conflicts() == []
    assert one.graph(person) == other.graph(person)
    assert len(one.graph(person)) == 4


def test_changes_of_the_same_field_wait_for_a_person(pair: tuple[Machine, Machine]) -> None:
    one, other = pair
    person = one.patient()
    settle(one, other)
    one.amend(person, phone="0900000111")
    other.amend(person, phone="0900000222")

    settle(one, other)

    assert one.conflicts() == other.conflicts() == [(RecordKind.PATIENT, person.id)]
    assert one.shown(person) == other.shown(person)
    assert one.graph(person) == other.graph(person)
    with other.store.read() as work:
        history = [work.patients.at_version(person.id, v).phone for v in (1, 2, 3)]
    assert sorted(history) == ["0900000001", "0900000111", "0900000222"]


def test_the_same_visit_signed_twice_keeps_both(pair: tuple[Machine, Machine]) -> None:
    one, other = pair
    one.sign(sample.PATIENT)
    one.sign(sample.ENCOUNTER)
    settle(one, other)
    one.amend(sample.ENCOUNTER, advice="Uống nhiều nước ấm")
    other.amend(sample.ENCOUNTER, advice="Nghỉ ngơi")

    settle(one, other)

    assert one.conflicts() == other.conflicts() == [(RecordKind.ENCOUNTER, sample.ENCOUNTER_ID)]
    assert one.graph(sample.ENCOUNTER) == other.graph(sample.ENCOUNTER)
    with one.store.read() as work:
        written = {
            work.encounters.at_version(sample.ENCOUNTER_ID, node.version).advice
            for node in work.encounters.lineage(sample.ENCOUNTER_ID)
        }
    assert {"Uống nhiều nước ấm", "Nghỉ ngơi"} <= written


def test_a_poisoned_record_is_set_aside_and_the_others_pass(
    make: Make, running: Server, refuse: Callable[..., Any]
) -> None:
    station = make(running)
    station.work_a_day()
    bad, good = station.another(1), station.another(2)

    run = station.sync(build=refuse(bad.id, gender="mẫu"))

    assert (run.outcome, run.quarantined, run.sent) == ("partial", 1, 8)
    assert station.waiting() == []
    reason = station.quarantined()[bad.id]
    assert reason.startswith("Máy chủ tỉnh không nhận người bệnh: ")
    assert "giới tính" in reason
    assert running.read(f"Patient/{good.id}").ok
    assert not run.verified


def test_a_corrected_record_leaves_by_itself_and_its_papers_follow(
    make: Make, running: Server, refuse: Callable[..., Any], line: FaultyLine
) -> None:
    station = make(line)
    station.work_a_day()
    spoiled = station.engine(build=refuse(sample.PATIENT_ID, gender="mẫu"))
    run = spoiled.run_once()
    assert list(station.quarantined()) == [sample.PATIENT_ID]
    assert (run.outcome, len(station.waiting())) == ("partial", 4)
    before = run.bytes_up
    again = spoiled.run_once()
    assert (again.sent, again.requests) == (0, 1)
    assert again.bytes_up < before / 4  # what waits for the person is not sent every time

    station.amend(sample.PATIENT, phone="")
    healed = station.sync()

    assert (healed.outcome, healed.sent, healed.verified) == ("complete", 5, True)
    assert station.quarantined() == {}
    assert station.waiting() == []
    assert running.read(f"Encounter/{sample.ENCOUNTER_ID}").ok


def test_several_versions_arrive_in_their_order(make: Make, running: Server) -> None:
    station = make(running)
    person = station.patient()
    station.amend(person, phone="0900000002")
    station.amend(person, phone="0900000003")

    run = station.sync()

    assert (run.outcome, run.sent, run.verified) == ("complete", 3, True)
    shown = running.read(f"Patient/{person.id}").json()
    assert shown["telecom"][0]["value"] == "0900000003"


def test_what_was_refused_is_offered_once_after_an_update(
    make: Make, running: Server, refuse: Callable[..., Any]
) -> None:
    station = make(running)
    bad = station.patient()
    station.sync(build=refuse(bad.id, gender="mẫu"))
    same, _ = station.sync(), station.quarantined()
    newer = station.sync(program="station-emr 0.2.0")
    again = station.sync(program="station-emr 0.2.0")

    assert same.quarantined == 0
    assert newer.quarantined == 1  # its line stays as it was sealed, so it is refused again
    assert again.quarantined == 0


def test_a_station_of_the_first_release_goes_on_without_doubling(
    make: Make, running: Server
) -> None:
    station = make(running)
    station.work_a_day()
    plain = Station.engine(station, running)
    assert plain.run_once().outcome == "complete"
    before = running.held()

    first = station.sync()
    station.amend(sample.PATIENT, phone="0900000009")
    second = station.sync()
    other = make(second_device(running))
    settle(station, other)

    assert (first.outcome, first.sent, first.verified) == ("complete", 0, True)
    assert (second.sent, second.verified) == (1, True)
    assert set(running.held()) == set(before)
    assert station.conflicts() == other.conflicts() == []
    assert other.shown(sample.PATIENT).phone == "0900000009"
    with station.store.read() as work:
        assert [info.version for info in work.patients.versions(sample.PATIENT_ID)] == [1, 2]


def test_a_kind_of_a_newer_program_is_kept_and_passed_over(pair: tuple[Machine, Machine]) -> None:
    one, other = pair
    person = one.patient()
    one.sync()
    with one.store.read() as work:
        name = work.operations.op_id_of(RecordKind.PATIENT, person.id, 1)
        known = work.operations.line(name)
    foreign = known.replace(b'"kind":"patient"', b'"kind":"tomorrow"').replace(
        person.id.encode(), sample.made_id(4711).encode()
    )
    exchange = one.engine()._exchange
    with one.store.read() as work:
        request = exchange._request(work, Batch(lines=(foreign,)))
    assert exchange.peer.exchange(request).taken == {0}

    run = other.sync()

    assert (run.received, run.outcome, run.verified) == (2, "complete", True)
    assert other.shown(person) == person
    with other.store.read() as work:
        assert [kind for _, kind, _ in work.operations.unreadables(9)] == ["tomorrow"]


def test_letters_go_when_the_days_bytes_are_spent(make: Make, running: Server) -> None:
    station = make(running)
    station.sync()
    station.put(DAILY_BYTES, "1")
    station.another(1)
    engine = station.engine()

    resting = engine.run_once()
    for record in (sample.PATIENT, sample.ENCOUNTER, sample.REFERRAL):
        station.sign(record)
    urgent = engine.run_once()

    assert (resting.outcome, resting.requests) == ("waiting", 0)
    assert "giấy chuyển tuyến" in resting.detail
    assert (urgent.outcome, urgent.sent) == ("waiting", 3)
    assert running.read(f"ServiceRequest/{sample.REFERRAL.id}").ok
    assert len(station.waiting()) == 1


def test_a_paid_link_is_left_alone_where_the_station_says_so(make: Make, running: Server) -> None:
    station = make(running)
    station.put(NOT_ON_METERED, "1")
    station.another(1)

    resting = station.sync(metered=lambda: True)
    going = station.sync(metered=lambda: False)

    assert (resting.outcome, resting.requests) == ("waiting", 0)
    assert (going.outcome, going.sent) == ("complete", 1)


def test_a_voided_visit_is_voided_everywhere(pair: tuple[Machine, Machine]) -> None:
    one, other = pair
    one.sign(sample.PATIENT)
    one.sign(sample.ENCOUNTER)
    settle(one, other)
    one.sign(sample.ENCOUNTER, RecordStatus.VOIDED, version=2)

    settle(one, other)

    with other.store.read() as work:
        assert work.encounters.get(sample.ENCOUNTER_ID).status is RecordStatus.VOIDED


def test_a_revoked_or_unknown_device_stops_and_says_so(make: Make, running: Server) -> None:
    station = make(Server(running.folder, running.port, "no-such-token"))
    station.another(1)
    engine = station.engine()

    run = engine.run_once()

    assert (run.outcome, engine.link()) == ("refused", LinkState.REFUSED)
    assert station.count(UnitState.WAITING) == 1


def test_pages_are_checkpoints(make: Make, running: Server) -> None:
    """A new machine takes a record in pages; each stays, whatever happens to the next."""
    one = make(running)
    for number in range(30):
        one.another(number)
    one.sync()
    other = make(second_device(running))
    engine = other.engine()
    engine._exchange._pacing = SmallPages()
    cursors: list[int] = []
    engine.watch(lambda _: cursors.append(int(other.setting(CURSOR) or 0)))

    run = engine.run_once()

    assert (run.received, run.verified) == (30, True)
    assert len(cursors) > 2
    assert cursors == sorted(cursors)


class SmallPages:
    """A line on which ten seconds carry next to nothing."""

    lines_up = room = 20_000
    level = 1

    def after(self, *_: Any) -> SmallPages:
        return self

    after_applying = after
    after_failure = after


class LongestWait(SystemClock):
    """Chance always says: wait as long as you may."""

    def random(self, count: int) -> bytes:
        return b"\xff" * count


def test_a_new_letter_does_not_wait_for_the_back_off(make: Make, line: FaultyLine) -> None:
    station = make(line)
    station.sync()
    station.sign(sample.PATIENT)
    station.sign(sample.ENCOUNTER)
    line.plan = [canned("500 Oops"), canned("500 Oops")]
    pace = Pace(settle=0, first=1000, longest=1000)
    engine = station.engine()
    scheduler = SyncScheduler(
        engine, station.store, LongestWait(), pace=pace, address=lambda: "192.0.2.7"
    )
    waiting = threading.Event()
    line.asked.clear()
    scheduler.listen(lambda status: waiting.set() if status.next_try_at else None)
    scheduler.start()
    try:
        assert line.asked.wait(60)
        assert waiting.wait(60)
        line.asked.clear()
        station.sign(sample.REFERRAL)
        scheduler.notify()
        assert line.asked.wait(60)
    finally:
        assert scheduler.stop()
