"""The next page is packed while the answer to the present one is awaited; it goes only if that answer
is nothing but "taken" (docs/sync.md, "One run over the exchange", 4).
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from station_emr.domain.errors import NetworkFailure
from station_emr.domain.sync import UnitState
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.units import build_unit
from station_emr.sync import queueing
from station_emr.sync.exchange_fhir_peer import ExchangeOverHttp
from station_emr.sync.exchange_peer import ExchangeReply, ExchangeRequest, Refusal, RefusalKind
from station_emr.sync.next_page import NextPage
from station_emr.sync.pacing import Pacing
from station_emr.sync.queueing import Sending
from station_emr.sync.running import Run
from station_emr.sync.sealing import Sealer, StoredIncarnation
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine, second_device

MANY = 150


@pytest.fixture
def machine(tmp_path: Path, running: Server) -> Any:
    made = new_machine(tmp_path, running)
    made.sync()
    for number in range(MANY):
        made.patient(number)
    yield made
    made.store.close()


class Line:
    """What went over it, and the pages that were made ahead of their turn."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.requests: list[ExchangeRequest] = []
        self.ahead: list[ExchangeRequest] = []
        self.dropped = 0
        self._exchange, self._drop = ExchangeOverHttp.exchange, NextPage.drop
        get_ready = ExchangeOverHttp.get_ready

        def exchange(peer: ExchangeOverHttp, request: ExchangeRequest) -> ExchangeReply:
            self.requests.append(request)
            return self.answer(self._exchange(peer, request))

        def spied(peer: ExchangeOverHttp, request: ExchangeRequest) -> None:
            self.ahead.append(request)
            get_ready(peer, request)

        def drop(page: NextPage) -> None:
            self.dropped += bool(page)
            self._drop(page)

        patch.setattr(Pacing, "lines_up", 48 * 1024)
        patch.setattr(Pacing, "is_quick", True)
        patch.setattr(ExchangeOverHttp, "exchange", exchange)
        patch.setattr(ExchangeOverHttp, "get_ready", spied)
        patch.setattr(NextPage, "drop", drop)

    def answer(self, reply: ExchangeReply) -> ExchangeReply:
        return reply

    @property
    def lines(self) -> list[bytes]:
        return [line for request in self.requests for line in request.lines]

    @property
    def went_ahead(self) -> list[ExchangeRequest]:
        return [request for request in self.requests if any(request is one for one in self.ahead)]


def test_pages_made_ahead_go_and_all_of_it_goes_once(
    machine: Machine, running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(monkeypatch)
    run = machine.sync()
    assert (run.outcome, run.sent, run.verified) == ("complete", MANY, True)
    assert len(line.went_ahead) >= 2
    assert line.dropped == 0
    assert len(line.lines) == len({*line.lines}) == MANY
    assert (running.count("Patient"), machine.count(UnitState.WAITING)) == (MANY, 0)


def test_a_page_made_ahead_does_not_go_when_something_came_back(
    machine: Machine, running: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_machine(tmp_path, second_device(running), "other")
    theirs: list[Any] = []

    class Meanwhile(Line):
        def answer(self, reply: ExchangeReply) -> ExchangeReply:
            if len(self.requests) == 2:
                with monkeypatch.context() as unspied:
                    unspied.setattr(ExchangeOverHttp, "exchange", self._exchange)
                    theirs.append(other.patient(MANY + 1))
                    other.sync()
            return reply

    line = Meanwhile(monkeypatch)
    run = machine.sync()
    other.store.close()
    assert line.dropped >= 1
    assert len(line.lines) == len({*line.lines}) == MANY
    assert (run.outcome, run.sent, run.verified) == ("complete", MANY, True)
    assert machine.shown(theirs[0]) == theirs[0]
    assert running.count("Patient") == MANY + 1


def test_a_line_that_was_sent_back_holds_up_the_page_made_ahead_and_loses_nothing(
    machine: Machine, running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hesitant(Line):
        def answer(self, reply: ExchangeReply) -> ExchangeReply:
            if len(self.requests) != 1:
                return reply
            first = min(reply.taken)
            busy = Refusal(at=first, kind=RefusalKind.BUSY, issues=())
            return replace(reply, taken=[n for n in reply.taken if n != first], refused=(busy,))

    line = Hesitant(monkeypatch)
    run = machine.sync()
    assert line.dropped == 1
    assert (run.sent, machine.count(UnitState.WAITING)) == (MANY - 1, 1)
    machine.sync()
    assert machine.count(UnitState.WAITING) == 0
    assert running.count("Patient") == MANY
    assert machine.tally().count == MANY


def test_a_cut_line_forgets_the_page_made_ahead_and_the_next_run_sends_it(
    machine: Machine, running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cut(Line):
        def answer(self, reply: ExchangeReply) -> ExchangeReply:
            if len(self.requests) == 2:
                raise NetworkFailure("cut")
            return reply

    with monkeypatch.context() as cutting:
        line = Cut(cutting)
        assert machine.sync().outcome == "partial"
        assert len(line.ahead) > len(line.went_ahead)  # one was packed and did not go
    run = machine.sync()
    assert (run.outcome, run.verified) == ("complete", True)
    assert (running.count("Patient"), machine.count(UnitState.WAITING)) == (MANY, 0)


def test_nothing_is_made_ahead_of_an_old_list(machine: Machine) -> None:
    """A letter written meanwhile must not wait behind it."""
    sealer = Sealer(build_unit, carry_over, StoredIncarnation(machine.clock.random))
    sending, run = Sending(machine.store, machine.clock, sealer), Run(machine.clock.now(), 0, 0)
    sending.start(run)
    sending.prepare(run, 1)
    listed = sending._listed_at
    assert listed is not None
    sending._listed_at = listed - timedelta(seconds=6)
    assert len(sending.ready(1_000_000).lines) == 0
    sending._listed_at = listed
    assert len(sending.ready(1_000_000).lines) > 0


_TWO_THREADS = """
import os, threading
from station_emr.sync.exchange_wire import Packing, pack, unpack

faults = []

def work(seed):
    for turn in range(60):
        plain = (b"%d-%d " % (seed, turn)) * 20_000
        packed = pack(plain, Packing(), level=19)
        if unpack(packed.content, "zstd", Packing().dictionary) != plain:
            faults.append((seed, turn))

threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
raise SystemExit(bool(faults))
"""


def test_pages_are_packed_by_several_threads_at_once() -> None:
    """In a process of its own: two threads in one compressor end the program."""
    done = subprocess.run(
        [sys.executable, "-c", _TWO_THREADS], check=False, capture_output=True, timeout=120
    )
    assert (done.returncode, done.stderr[-500:]) == (0, b"")


def test_the_end_of_one_list_and_the_start_of_the_next_hold_no_page_up(
    machine: Machine, running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"_LIST": 60, "_LONG": 20, "_RUNS_LOW": 45}.items():
        monkeypatch.setattr(queueing, name, value)
    line = Line(monkeypatch)
    monkeypatch.setattr(Pacing, "lines_up", 32 * 1024)
    run = machine.sync()
    assert (run.sent, running.count("Patient")) == (MANY, MANY)
    assert len(line.lines) == len({*line.lines}) == MANY
    pages = [request for request in line.requests if request.lines]
    late = [place for place, page in enumerate(pages) if page not in line.went_ahead]
    held_up = [place for place in late if sum(len(page.lines) for page in pages[place:]) > 30]
    assert held_up == [0]  # and those of the end, when hardly anything waits
