"""What breaks lines, disks and machines while an exchange is under way; nothing of it loses a record."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from station_emr.db.store import EncryptedStore
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import LinkState
from station_emr.sync.engine import SyncEngine
from station_emr.sync.exchange_engine import CURSOR, EPOCH
from station_emr.sync.exchange_wire import MEDIA_TYPE
from tests import databases
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server
from tests.sync.exchange_machines import KEY, Machine, new_machine, second_device
from tests.sync.faults import PORTAL, Fault, FaultyLine, canned

Make = Callable[..., Machine]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Machine] = []

    def machine(to: Any, copy_of: Path | None = None) -> Machine:
        name = f"station{len(made)}"
        if copy_of is None:
            made.append(new_machine(tmp_path, to, name))
        else:
            path = shutil.copy(copy_of, tmp_path / f"{name}.db")
            made.append(Machine(EncryptedStore.open(path, KEY), to))
        return made[-1]

    yield machine
    for one in made:
        one.store.close()


@pytest.fixture
def met(make: Make, line: FaultyLine) -> Machine:
    """A machine whose next run begins with the exchange itself."""
    station = make(line)
    assert station.sync().outcome == "complete"
    return station


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(cut_request=300), id="cut-request"),
        pytest.param(Fault(drop_reply=True), id="lost-reply"),
        pytest.param(Fault(cut_reply=260), id="cut-in-the-headers"),
        pytest.param(Fault(cut_reply=-20), id="cut-in-the-body"),
        pytest.param(PORTAL, id="portal"),
        pytest.param(canned("302 Found", headers={"Location": "http://x.example/"}), id="redirect"),
        pytest.param(canned("200 OK", "{}"), id="json-of-somebody-else"),
        pytest.param(canned("200 OK", "{}", MEDIA_TYPE), id="empty-header"),
        pytest.param(
            canned("200 OK", '{"v":1,"rid":"x","epoch":"e","cursor":9}', MEDIA_TYPE),
            id="answer-to-another-request",
        ),
        pytest.param(
            canned("200 OK", "x", MEDIA_TYPE, {"Content-Encoding": "zstd"}), id="not-zstd"
        ),
        pytest.param(canned("503 Busy", headers={"Retry-After": "7"}), id="busy"),
        pytest.param(canned("500 Oops"), id="fault"),
    ],
)
def test_an_answer_that_is_none_changes_nothing_and_the_lines_go_again(
    met: Machine, line: FaultyLine, running: Server, fault: Fault
) -> None:
    met.sign(sample.PATIENT)
    cursor = met.setting(CURSOR)
    engine = met.engine()
    line.plan = [fault]

    broken = engine.run_once()

    assert (broken.outcome, broken.sent) == ("offline", 0)
    assert engine.link() is LinkState.OFFLINE
    assert met.setting(CURSOR) == cursor
    assert met.waiting() == [(RecordKind.PATIENT, sample.PATIENT_ID)]
    healed = engine.run_once()
    assert (healed.outcome, healed.sent, healed.verified) == ("complete", 1, True)
    version = running.read(f"Patient/{sample.PATIENT_ID}").json()["meta"]["versionId"]
    assert version == "1"


@pytest.mark.parametrize("status", ["404 Not Found", "405 No", "401 Who", "403 No"])
def test_a_server_that_refuses_is_asked_for_its_statement_again(
    met: Machine, line: FaultyLine, status: str
) -> None:
    met.sign(sample.PATIENT)
    engine = met.engine()
    line.plan = [canned(status)]

    refused = engine.run_once()
    line.requests.clear()
    healed = engine.run_once()

    assert refused.outcome == "refused"
    assert met.quarantined() == {}
    assert (healed.outcome, healed.sent) == ("complete", 1)
    if status.startswith("40") and status[2] in "45":
        assert line.requests[0] == "GET /fhir/metadata"


def test_a_server_without_the_dictionary_gets_gzip_and_that_is_remembered(
    met: Machine, line: FaultyLine
) -> None:
    met.sign(sample.PATIENT)
    line.plan = [canned("415 Unsupported Media Type")]
    assert (met.sync().sent, len(line.requests)) == (1, 4)
    line.requests.clear()
    met.another(5)

    run = met.sync()

    assert (run.sent, line.requests) == (1, ["POST /fhir/$exchange"])


def test_an_amendment_made_in_flight_stays_queued(met: Machine, line: FaultyLine) -> None:
    """Acknowledged by number: the answer to version 1 says nothing about version 2."""
    met.sign(sample.PATIENT)
    engine = met.engine()
    seen: list[int] = []
    engine.watch(lambda _: seen.append(len(met.waiting())))
    line.plan = [Fault(after=lambda: met.amend(sample.PATIENT, phone="0900000009"))]

    run = engine.run_once()

    assert seen == [1, 0]
    assert (run.sent, run.outcome, run.verified) == (2, "complete", True)


def test_a_full_disk_leaves_the_old_cursor_with_the_old_record(make: Make, running: Server) -> None:
    one, other = make(running), make(second_device(running))
    other.sync()
    for number in range(25):
        one.another(number)
    one.sync()
    before = other.setting(CURSOR)

    def pages(more: int) -> None:
        with other.store.write() as work:
            used = work._connection.execute(text("PRAGMA page_count")).scalar_one()
            work._connection.execute(text(f"PRAGMA max_page_count = {used + more}")).scalar_one()

    pages(3)
    full = other.sync()
    shown = [other.shown(replace(sample.PATIENT, id=sample.made_id(1000 + n))) for n in range(25)]
    cursor = other.setting(CURSOR)
    pages(10_000)
    healed = other.sync()

    assert (full.outcome, full.received) == ("partial", 0)
    assert "Ổ đĩa đã hết chỗ" in full.detail
    assert shown == [None] * 25
    assert cursor == before
    assert (healed.outcome, healed.received, healed.verified) == ("complete", 25, True)


def test_killed_while_a_page_is_applied(
    make: Make, running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends between the record and the end of its transaction, at every line of a page."""
    one, other = make(running), make(second_device(running))
    other.sync()
    people = [one.another(number) for number in range(4)]
    one.sync()
    before = other.setting(CURSOR)
    engine = other.engine()
    applier = engine._exchange._applier
    whole = applier._apply_firsts
    for stop_at in range(1, 4):

        def dies(work: Any, operations: Any, *, held: bool, stop_at: int = stop_at) -> Any:
            whole(work, operations[:stop_at], held=held)
            raise KeyboardInterrupt

        monkeypatch.setattr(applier, "_apply_firsts", dies)
        with pytest.raises(KeyboardInterrupt):
            engine.run_once()
        assert other.setting(CURSOR) == before
        assert [other.shown(person) for person in people] == [None] * 4
    monkeypatch.undo()

    run = other.sync()

    assert (run.received, run.verified) == (4, True)
    assert [other.shown(person) for person in people] == people


def test_a_line_that_trips_the_program_is_set_aside(
    make: Make, running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = make(running), make(second_device(running))
    other.sync()
    bad, good = one.another(1), one.another(2)
    one.sync()
    engine = other.engine()
    applier = engine._exchange._applier
    whole, together = applier._apply, applier._apply_firsts

    def trips(work: Any, operation: Any, *args: Any, **named: Any) -> Any:
        result = whole(work, operation, *args, **named)
        if operation.record.id == bad.id:
            raise KeyError("a bug of ours")
        return result

    def trips_together(work: Any, operations: Any, *, held: bool) -> Any:
        changed = together(work, operations, held=held)
        if any(operation.record.id == bad.id for operation in operations):
            raise KeyError("a bug of ours")
        return changed

    monkeypatch.setattr(applier, "_apply", trips)
    monkeypatch.setattr(applier, "_apply_firsts", trips_together)
    run = engine.run_once()

    assert (run.received, run.outcome) == (2, "complete")
    assert (other.shown(good), other.shown(bad)) == (good, None)
    monkeypatch.undo()
    other.sync(program="station-emr 0.2.0")  # an update tries it again
    assert other.shown(bad) == bad


def test_a_cut_push_sends_one_page_again_at_most(
    make: Make, line: FaultyLine, running: Server
) -> None:
    def pushing(to: Any) -> SyncEngine:
        station = make(to)
        station.sync()
        for number in range(24):
            station.another(number)
        engine = station.engine()
        engine._exchange._pacing = SmallPages()
        return engine

    # The same people at another facility, undisturbed: how many go with each request.
    clean = pushing(running.for_another_facility())
    done: list[int] = [0]
    clean.watch(lambda progress: done.append(progress.done))
    undisturbed = clean.run_once()
    assert len(done) > 5

    for share in (25, 50, 75):
        cut_at = (len(done) - 1) * share // 100
        line.token = running.for_another_facility().token
        engine = pushing(line)
        line.plan = [None] * cut_at + [Fault(drop_reply=True)]
        cut, rest = engine.run_once(), engine.run_once()

        assert (cut.outcome, cut.sent) == ("partial", done[cut_at])
        assert (rest.outcome, rest.sent, rest.verified) == ("complete", 24 - cut.sent, True)
        again = cut.bytes_up + rest.bytes_up - undisturbed.bytes_up
        assert again < 1.5 * undisturbed.bytes_up / (len(done) - 1) + 200


class SmallPages:
    """A line on which ten seconds carry a few people."""

    lines_up, room, level = 26_500, 64_000, 3

    def after(self, *_: Any) -> SmallPages:
        return self

    after_applying = after

    def after_failure(self) -> SmallPages:
        return self


def test_a_server_restored_from_a_backup_gets_back_what_it_lost(
    make: Make, server: Server, tmp_path: Path
) -> None:
    server.start()
    one, other = make(server), make(second_device(server))
    early = one.another(1)
    one.sync()
    other.sync()
    backup = tmp_path / "backup.db"
    databases.back_up(server.folder / "province.db", backup)
    mine, theirs = one.another(2), other.another(3)
    one.sync()
    other.sync()
    one.sync()
    epoch = one.setting(EPOCH)

    server.stop()
    databases.put_back(server.folder / "province.db", backup)
    database = databases.open_database(server.folder / "province.db")
    with database.write() as session:
        database.new_epoch(session)
    database.close()
    server.start()
    one.to.port = other.to.port = server.port
    runs = [one.sync(), other.sync(), one.sync()]

    assert one.setting(EPOCH) != epoch
    assert [run.outcome for run in runs] == ["complete"] * 3
    assert [run.verified for run in runs] == [True] * 3
    for person in (early, mine, theirs):
        assert server.read(f"Patient/{person.id}").ok
        assert one.shown(person) == other.shown(person) == person
    assert one.tally() == other.tally()


def test_a_station_restored_from_a_backup_fetches_what_it_lost(
    make: Make, running: Server, tmp_path: Path
) -> None:
    station = make(running)
    early = station.another(1)
    station.sync()
    backup = tmp_path / "backup.db"
    station.store.backup(str(backup))
    late = station.another(2)
    station.sync()

    restored = make(running, copy_of=backup)
    fresh = restored.another(3)  # its number was given once before, to another operation
    before = restored.setting("sync.incarnation")
    run = restored.sync()

    assert restored.setting("sync.incarnation") != before
    assert (run.outcome, run.verified) == ("complete", True)
    assert [restored.shown(person) for person in (early, late, fresh)] == [early, late, fresh]
    assert running.count("Patient") == 3
    again = restored.sync()
    assert (again.requests, again.sent, again.received, again.verified) == (1, 0, 0, True)


def test_a_database_copied_to_a_second_machine_becomes_its_own(
    make: Make, running: Server, tmp_path: Path
) -> None:
    one = make(running)
    one.another(1)
    one.sync()
    copy = tmp_path / "copy.db"
    one.store.backup(str(copy))
    other = make(second_device(running), copy_of=copy)
    mine, theirs = one.another(2), other.another(3)

    runs = [one.sync(), other.sync(), one.sync(), other.sync()]

    assert one.setting("sync.incarnation") != other.setting("sync.incarnation")
    assert all(run.outcome == "complete" for run in runs)
    assert all(run.verified for run in runs[2:])
    for machine in (one, other):
        assert [machine.shown(person) for person in (mine, theirs)] == [mine, theirs]
    assert running.count("Patient") == 3


def test_what_the_station_lost_alone_comes_back_by_buckets(make: Make, running: Server) -> None:
    """A page that another machine's fault kept from being written down: only the sums tell."""
    one, other = make(running), make(second_device(running))
    people = [one.another(number) for number in range(3)]
    one.sync()
    other.sync()
    late = one.another(9)
    one.sync()
    other.put(CURSOR, str(int(one.setting(CURSOR) or 0)))  # passed over, not applied

    run = other.sync()

    assert (run.received, run.verified) == (1, True)
    assert other.shown(late) == late
    assert [other.shown(person) for person in people] == people


def test_papers_that_arrive_before_their_person_wait_for_it(make: Make, running: Server) -> None:
    one, other = make(running), make(second_device(running))
    other.sync()
    one.sign(sample.PATIENT)
    one.sign(sample.ENCOUNTER)
    one.sync()
    with one.store.read() as work:
        names = [
            work.operations.op_id_of(kind, name, 1)
            for kind, name in (
                (RecordKind.PATIENT, sample.PATIENT_ID),
                (RecordKind.ENCOUNTER, sample.ENCOUNTER_ID),
            )
        ]
        person, visit = (work.operations.line(name) or b"" for name in names)
    applier = other.engine()._exchange._applier
    with other.store.write() as work:
        early = applier.page(work, [visit], held=True)
    assert (early.received, early.parked) == (1, 1)
    assert other.shown(sample.ENCOUNTER) is None
    with other.store.write() as work:
        applier.page(work, [person, person], held=True)

    assert other.shown(sample.PATIENT) == sample.PATIENT
    assert other.shown(sample.ENCOUNTER).id == sample.ENCOUNTER_ID
    run = other.sync()
    assert run.verified


def test_the_same_page_twice_and_backwards_changes_nothing(make: Make, running: Server) -> None:
    one, other = make(running), make(second_device(running))
    one.work_a_day()
    one.amend(sample.PATIENT, phone="0900000008")
    one.sign(replace(sample.APPOINTMENT, note="Nhớ mang sổ"), RecordStatus.AMENDED, version=2)
    one.sync()
    with one.store.read() as work:
        lines = [line for _, line in work.operations.all_lines("", 99)]
    applier = other.engine()._exchange._applier
    for page in (reversed(lines), lines):
        with other.store.write() as work:
            applier.page(work, page, held=True)

    assert other.tally() == one.tally()
    for record in (sample.PATIENT, sample.ENCOUNTER, sample.APPOINTMENT):
        assert other.graph(record) == one.graph(record)
    assert other.shown(sample.PATIENT).phone == "0900000008"
    with other.store.read() as work:
        assert work.operations.parked() == 0
