"""What is written while nothing goes is sealed at once, so that only sending is left to be done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from station_emr.domain.errors import NetworkFailure
from station_emr.domain.sync import LinkState, SyncStatus
from station_emr.sync.exchange_fhir_peer import ExchangeOverHttp
from station_emr.sync.scheduler import Pace, SyncScheduler
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine

_PATIENT = 60.0
_NEVER = 3600.0
_PACE = Pace(settle=0.0, idle=_NEVER, first=_NEVER, longest=_NEVER, watch=0.01)


@pytest.fixture
def machine(tmp_path: Path, running: Server) -> Iterator[Machine]:
    made = new_machine(tmp_path, running)
    made.patient(1)
    assert made.sync().verified
    yield made
    made.store.close()


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def cut(*_: Any) -> Any:
        raise NetworkFailure("away")

    return lambda: monkeypatch.setattr(ExchangeOverHttp, "exchange", cut)


def _unsealed(machine: Machine) -> int:
    with machine.store.read() as work:
        waiting = work.outbox.operations(1000, machine.clock.now().date())
    return sum(not item.op_id for item in waiting)


class _Watch:
    """Lets a test wait for what the scheduler says, not for a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._last: SyncStatus | None = None

    def __call__(self, status: SyncStatus) -> None:
        with self._changed:
            self._last = status
            self._changed.notify_all()

    def until(self, wanted: Callable[[SyncStatus], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(
                lambda: self._last is not None and wanted(self._last), _PATIENT
            )


def test_news_are_sealed_although_the_next_try_is_far(
    machine: Machine, away: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    away()
    engine, watch, prepared = machine.engine(), _Watch(), threading.Semaphore(0)
    honest = engine.prepare

    def prepare() -> None:
        honest()
        prepared.release()

    monkeypatch.setattr(engine, "prepare", prepare)
    scheduler = SyncScheduler(
        engine, machine.store, machine.clock, pace=_PACE, address=lambda: "127.0.0.1"
    )
    scheduler.listen(watch)
    scheduler.start()
    try:
        watch.until(lambda s: s.link is LinkState.OFFLINE and not s.running)
        machine.patient(2)
        machine.patient(3)
        assert _unsealed(machine) == 2
        scheduler.notify()
        assert prepared.acquire(timeout=_PATIENT)
        assert _unsealed(machine) == 0
    finally:
        assert scheduler.stop(_PATIENT)
    monkeypatch.undo()
    run = machine.sync()
    assert (run.outcome, run.verified, run.sent) == ("complete", True, 2)


def test_nothing_is_prepared_while_the_line_is_there(machine: Machine) -> None:
    engine = machine.engine()
    assert engine.run_once().outcome == "complete"
    machine.patient(2)
    engine.prepare()
    assert _unsealed(machine) == 1


def test_what_rests_for_a_paid_link_is_sealed(machine: Machine) -> None:
    machine.put("sync.not_on_metered", "1")
    machine.patient(2)
    run = machine.sync(metered=lambda: True)
    assert run.outcome == "waiting"
    assert _unsealed(machine) == 0
    run = machine.sync(metered=lambda: False)
    assert (run.outcome, run.verified) == ("complete", True)
