"""First versions are sealed together, and the next page while an answer is awaited."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from station_emr.domain.errors import NetworkFailure
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import UnitState
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.units import build_unit
from station_emr.sync import queueing
from station_emr.sync.exchange_engine import Exchange
from station_emr.sync.exchange_fhir_peer import ExchangeOverHttp
from station_emr.sync.exchange_peer import ExchangeReply, ExchangeRequest
from station_emr.sync.meanwhile import meanwhile
from station_emr.sync.pacing import Pacing
from station_emr.sync.queueing import Sending
from station_emr.sync.running import Run
from station_emr.sync.sealing import Sealer, StoredIncarnation, key_of_item
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine

MANY = 220


class _Undone(Exception):
    """Ends a transaction that only looks."""


@pytest.fixture
def machine(tmp_path: Path, running: Server) -> Any:
    made = new_machine(tmp_path, running)
    yield made
    made.store.close()


def _sealed(machine: Machine, *, together: bool) -> dict[Any, tuple[str, bytes]]:
    """What sealing everything would make; nothing stays."""
    sealer = Sealer(build_unit, carry_over, StoredIncarnation(machine.clock.random))
    found: dict[Any, tuple[str, bytes]] = {}
    with suppress(_Undone), machine.store.write() as work:
        items = work.outbox.operations(1000, machine.clock.now().date())
        numbers = {key_of_item(item): item.seq for item in items}
        if together:
            found = sealer.seal_firsts(work, items, numbers)
        else:
            found = {key_of_item(item): sealer.seal_item(work, item, numbers) for item in items}
        for name, line in found.values():
            assert work.operations.line(name) == line
        raise _Undone
    return found


def test_sealing_together_gives_the_lines_of_sealing_one_by_one(machine: Machine) -> None:
    machine.work_a_day()
    machine.another(1)
    with machine.store.write() as work:
        work.settings.put("sync.incarnation", "00ff00ff00ff00ff")
    alone = _sealed(machine, together=False)
    together = _sealed(machine, together=True)
    papers = {key for key in alone if key[0] not in {RecordKind.PRACTITIONER, RecordKind.FACILITY}}
    assert set(together) == papers
    assert {key: alone[key] for key in papers} == together


def test_an_amendment_is_not_a_first_version(machine: Machine) -> None:
    person = machine.patient(1)
    machine.amend(person, full_name="Người Mẫu Đổi Tên")
    assert [key[2] for key in _sealed(machine, together=True)] == [1]


def test_a_record_that_cannot_be_built_is_told_and_the_others_leave(
    machine: Machine, running: Server
) -> None:
    people = [machine.patient(number) for number in range(3)]

    def build(kind: Any, record: Any, status: Any, earlier: Any = ()) -> Any:
        if getattr(record, "id", "") == people[1].id:
            raise ValueError("a fault of the mapping")
        return build_unit(kind, record, status, earlier)

    machine.sync(build=build)
    assert list(machine.quarantined()) == [people[1].id]
    assert running.count("Patient") == 2


def test_a_long_queue_leaves_whole(
    machine: Machine, running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def spied(sending: Sending, run: Run, room: int) -> None:
        original(sending, run, room)
        made.append(len(sending._ahead))

    original = Sending.prepare
    monkeypatch.setattr(Sending, "prepare", spied)
    monkeypatch.setattr(Pacing, "lines_up", 64 * 1024)
    machine.sync()
    for number in range(MANY):
        machine.patient(number)
    run = machine.sync()
    assert made
    assert all(made)  # each time some lines were ready before their turn
    assert (run.outcome, run.sent, run.verified) == ("complete", MANY, True)
    assert machine.count(UnitState.WAITING) == 0
    assert running.count("Patient") == MANY
    assert machine.tally().count == MANY


def test_verdicts_are_written_down_though_the_next_page_is_cut(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[ExchangeRequest] = []

    def exchange(peer: ExchangeOverHttp, request: ExchangeRequest) -> ExchangeReply:
        requests.append(request)
        if len(requests) == 3:
            raise NetworkFailure("cut")
        return original(peer, request)

    original = ExchangeOverHttp.exchange
    machine.sync()
    for number in range(MANY):
        machine.patient(number)
    monkeypatch.setattr(Pacing, "lines_up", 64 * 1024)
    monkeypatch.setattr(ExchangeOverHttp, "exchange", exchange)
    run = machine.sync()
    answered = sum(len(request.lines) for request in requests[:2])
    assert (run.outcome, run.sent) == ("partial", answered)
    assert machine.count(UnitState.WAITING) == MANY - answered
    # The first page's verdicts were still being written down when the second went.
    assert requests[1].cursor == requests[0].cursor
    assert not {*requests[0].lines} & {*requests[1].lines}
    # What the province shows of the station goes with the first request of a run.
    assert [bool(request.state) for request in requests] == [True, False, False]
    del requests[:]
    monkeypatch.setattr(ExchangeOverHttp, "exchange", original)
    run = machine.sync()
    assert (run.outcome, run.sent, run.changed) == ("complete", MANY - answered, MANY - answered)


def test_a_program_killed_before_that_sends_the_page_again(
    machine: Machine, running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.sync()
    for number in range(MANY):
        machine.patient(number)
    monkeypatch.setattr(Pacing, "lines_up", 64 * 1024)
    with monkeypatch.context() as dying:
        dying.setattr(Exchange, "_write_down", lambda _self: None)
        machine.sync()
    left = machine.count(UnitState.WAITING)
    assert left
    run = machine.sync()
    assert (run.outcome, run.sent, run.changed) == ("complete", left, 0)
    assert (machine.count(UnitState.WAITING), running.count("Patient")) == (0, MANY)


def test_what_waits_is_sealed_while_the_line_is_away(
    machine: Machine, running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_peer: ExchangeOverHttp, _request: Any) -> Any:
        raise NetworkFailure("cut")

    machine.sync()
    first = machine.patient(1)
    machine.amend(first, full_name="Người Mẫu Đổi Tên")
    monkeypatch.setattr(Pacing, "lines_up", 1)  # the run itself seals one
    monkeypatch.setattr(queueing, "_LIST", 20)  # less than what waits
    for number in range(2, 70):
        machine.patient(number)
    with monkeypatch.context() as away:
        away.setattr(ExchangeOverHttp, "exchange", cut)
        assert machine.sync().outcome == "offline"
    with machine.store.read() as work:
        items = work.outbox.operations(1000, machine.clock.now().date())
    assert [item.version for item in items if not item.op_id] == [2]  # its base has no answer yet
    monkeypatch.undo()
    run = machine.sync()
    assert (run.outcome, run.verified) == ("complete", True)
    assert running.count("Patient") == 69


def test_the_work_is_done_while_the_call_waits() -> None:
    worked = threading.Event()

    def call() -> str:
        assert worked.wait(60)
        return "answer"

    assert meanwhile(call, worked.set) == "answer"


def test_a_fault_of_the_line_is_raised_where_it_was_asked() -> None:
    def call() -> None:
        raise NetworkFailure("cut")

    def work() -> None:
        raise ValueError("second")

    with pytest.raises(NetworkFailure):
        meanwhile(call, work)
    with pytest.raises(ValueError, match="second"):
        meanwhile(lambda: None, work)
