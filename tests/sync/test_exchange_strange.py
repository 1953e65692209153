"""Lines and answers that no server of ours would send, and lines that wait for a newer program."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station_emr.db.repositories.patients import PatientRepository
from station_emr.domain.record import RecordKind
from station_emr.sync.exchange_engine import CURSOR
from station_emr.sync.exchange_peer import ExchangeReply
from station_emr.sync.operation_line import op_id
from station_emr.sync.portions import Portions
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine, second_device

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
    one, other = make(running), make(second_device(running))
    assert [one.sync().outcome, other.sync().outcome] == ["complete", "complete"]
    return one, other


def line_of(machine: Machine, kind: RecordKind, record_id: str, version: int = 1) -> bytes:
    with machine.store.read() as work:
        name = work.operations.op_id_of(kind, record_id, version)
        return work.operations.line(name) or b""


def parked(machine: Machine) -> int:
    with machine.store.read() as work:
        return work.operations.parked()


def test_what_waited_for_an_unreadable_line_follows_it_after_an_update(
    pair: tuple[Machine, Machine],
) -> None:
    one, other = pair
    one.work_a_day()
    one.sync()
    engine = other.engine()
    applier = engine._exchange._applier
    whole = applier._read

    def reads_no_person(resources: Any) -> Any:
        if resources[0]["resourceType"] == "Patient":
            raise ValueError("a person of next year")
        return whole(resources)

    applier._read = reads_no_person
    run = engine.run_once()
    assert (run.verified, other.shown(sample.ENCOUNTER)) == (False, None)
    assert parked(other)

    run = other.sync(program="station-emr 0.2.0")

    assert other.shown(sample.PATIENT) == sample.PATIENT
    for record in (sample.ENCOUNTER, sample.PRESCRIPTION, sample.REFERRAL, sample.APPOINTMENT):
        assert other.graph(record) == one.graph(record)
    assert (parked(other), run.verified) == (0, True)


def test_a_line_from_elsewhere_is_not_held_because_the_province_gave_its_person(
    pair: tuple[Machine, Machine],
) -> None:
    one, other = pair
    one.sign(sample.PATIENT)
    one.sign(sample.ENCOUNTER)
    one.sync()
    person = line_of(one, RecordKind.PATIENT, sample.PATIENT_ID)
    visit = line_of(one, RecordKind.ENCOUNTER, sample.ENCOUNTER_ID)
    applier = other.engine()._exchange._applier
    with other.store.write() as work:
        applier.page(work, [visit], held=False)
    with other.store.write() as work:
        applier.page(work, [person], held=True)

    with other.store.read() as work:
        name = work.operations.op_id_of(RecordKind.ENCOUNTER, sample.ENCOUNTER_ID, 1)
        assert name
        assert not work.operations.is_held(name)


def answered_with(engine: Any, change: Callable[[Any, ExchangeReply], ExchangeReply]) -> list[Any]:
    """Every request of this engine, whose answers ``change`` spoils. More than 20 are too many."""
    peer, requests = engine._exchange.peer, []
    whole = peer.exchange

    def exchange(request: Any) -> ExchangeReply:
        requests.append(request)
        assert len(requests) <= 20, "it asks again and again"
        return change(request, whole(request))

    peer.exchange = exchange
    return requests


def test_other_bytes_than_were_wanted_are_not_asked_for_for_ever(
    pair: tuple[Machine, Machine],
) -> None:
    one, _ = pair
    with one.store.write() as work:
        work.operations.want(["0" * 32])
    engine = one.engine()
    answered_with(engine, lambda _request, reply: replace(reply, lines=(*reply.lines, b"rot")))

    run = engine.run_once()

    assert (run.outcome, run.verified) == ("partial", False)


@pytest.mark.parametrize("change", [{"more": True}, {"cursor": 0}], ids=["nowhere", "back"])
def test_an_answer_that_leads_nowhere_or_back_is_none(
    pair: tuple[Machine, Machine], change: dict[str, Any]
) -> None:
    one, other = pair
    one.patient()
    one.sync()
    other.sync()
    engine, before = other.engine(), other.setting(CURSOR)
    requests = answered_with(engine, lambda _request, reply: replace(reply, **change))

    run = engine.run_once()

    assert (run.outcome, run.verified, len(requests)) == ("offline", False, 1)
    assert other.setting(CURSOR) == before


def test_a_page_is_written_in_portions_and_the_cursor_goes_with_the_last(
    pair: tuple[Machine, Machine],
) -> None:
    one, other = pair
    people = [one.patient(number) for number in range(1, 6)]
    one.sync()
    engine, before, told = other.engine(), other.setting(CURSOR), []
    engine.watch_changes(told.append)
    exchange = engine._exchange
    exchange._intake._portions._size = 1  # one line, one transaction
    exchange._intake._portions.took = lambda *_: None
    whole, cursors = exchange._applier.page, []

    def page(work: Any, lines: Any, **named: Any) -> Any:
        cursors.append(other.setting(CURSOR))
        if len(cursors) == 4:
            raise KeyboardInterrupt
        return whole(work, lines, **named)

    exchange._applier.page = page
    with pytest.raises(KeyboardInterrupt):
        engine.run_once()

    assert cursors == [before] * 4  # a reader never sees a cursor before what it covers
    assert other.setting(CURSOR) == before
    assert [bool(other.shown(person)) for person in people] == [True] * 3 + [False] * 2
    assert [len(changes.items) for changes in told] == [1, 1, 1]
    run = other.sync()
    assert (run.received, run.verified) == (2, True)
    assert [other.shown(person) for person in people] == people
    assert all(other.graph(person) == one.graph(person) for person in people)


def test_a_portion_is_what_a_machine_writes_in_a_moment() -> None:
    portions, line = Portions(), b"x" * 1024
    lines = deque([line] * 4000)
    fast = [len(portions.next(lines))]
    for _ in range(4):
        portions.took([line] * 100, 0.01)
        fast.append(len(portions.next(lines)))
    assert fast == sorted(fast)
    assert fast[-1] == 800  # what 0.08 s carry
    portions.took([line] * 100, 10.0)
    assert len(portions.next(lines)) == 8
    assert portions.next(deque([b"y" * 10**6, b"z"])) == [b"y" * 10**6]  # one at least
    assert portions.next(deque()) == []


def changed(line: bytes, base: bytes, *changes: tuple[str, str]) -> bytes:
    """A next version that somebody else's program wrote."""
    text = line.decode().replace('"status":"signed"', '"status":"amended"')
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.replace('"by":', f'"base":["{op_id(base)}"],"by":', 1).encode()


def test_a_visit_that_moved_to_a_person_who_is_not_here_waits(
    pair: tuple[Machine, Machine],
) -> None:
    one, other = pair
    one.work_a_day()
    one.sync()
    other.sync()
    visit = line_of(one, RecordKind.ENCOUNTER, sample.ENCOUNTER_ID)
    stranger = sample.made_id(4242)
    moved = changed(visit, visit, (f"Patient/{sample.PATIENT_ID}", f"Patient/{stranger}"))
    applier = other.engine()._exchange._applier

    with other.store.write() as work:
        outcome = applier.page(work, [moved], held=True)

    assert (outcome.parked, other.shown(sample.ENCOUNTER).patient_id) == (1, sample.PATIENT_ID)
    person = line_of(one, RecordKind.PATIENT, sample.PATIENT_ID)
    arrived = person.replace(sample.PATIENT_ID.encode(), stranger.encode())
    with other.store.write() as work:
        applier.page(work, [arrived], held=True)
    assert other.shown(sample.ENCOUNTER).patient_id == stranger


def test_a_line_that_the_database_refuses_stops_nobody(
    pair: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    bad, good = one.another(1), one.another(2)
    one.sync()
    columns = PatientRepository.columns
    monkeypatch.setattr(
        PatientRepository,
        "columns",
        lambda self, record: columns(self, record) | ({"sex": None} if record.id == bad.id else {}),
    )

    run = other.sync()

    assert run.received == 2
    assert (other.shown(bad), other.shown(good)) == (None, good)
