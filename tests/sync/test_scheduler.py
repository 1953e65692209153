"""The background thread: notices the line by itself, waits with patience, stops when told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from station_emr.domain.record import RecordStatus
from station_emr.domain.sync import LinkState, SyncRun, SyncStatus
from station_emr.sync.engine import SyncEngine
from station_emr.sync.scheduler import Pace, SyncScheduler, read_status
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server, Station
from tests.sync.faults import Fault, FaultyLine

PATIENT = 60.0  # longest a test waits for something that must come
NEVER = 3600.0


@dataclass
class Watcher:
    """Collects what the scheduler says and lets a test wait for a state, not for a time."""

    seen: list[SyncStatus] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, status: SyncStatus) -> None:
        with self._changed:
            self.seen.append(status)
            self._changed.notify_all()

    def until(self, wanted: Callable[[SyncStatus], bool]) -> SyncStatus:
        """The first status, from the last one seen on, that is as wanted."""
        with self._changed:
            place = max(len(self.seen) - 1, 0)
            while True:
                for status in self.seen[place:]:
                    if wanted(status):
                        return status
                place = len(self.seen)
                if not self._changed.wait(PATIENT):
                    raise AssertionError(f"never happened; last: {self.seen[-1:]}")


@contextmanager
def background(
    station: Station, engine: SyncEngine, watcher: Watcher, **options: Any
) -> Iterator[SyncScheduler]:
    options.setdefault("pace", Pace(settle=0.0, idle=NEVER, first=0.02, longest=0.05, watch=0.01))
    options.setdefault("address", lambda: "127.0.0.1")
    scheduler = SyncScheduler(engine, station.store, station.clock, **options)
    scheduler.listen(watcher)
    scheduler.start()
    try:
        yield scheduler
    finally:
        assert scheduler.stop(PATIENT)


def idle(status: SyncStatus) -> bool:
    return not status.running and status.next_try_at is not None


def test_the_line_comes_back_and_the_record_travels_by_itself(
    station: Station, running: Server, line: FaultyLine
) -> None:
    station.work_a_day()
    line.down = True
    watcher = Watcher()

    with background(station, station.engine(line), watcher):
        away = watcher.until(lambda s: s.link is LinkState.OFFLINE and idle(s))
        line.down = False
        back = watcher.until(lambda s: s.link is LinkState.ONLINE and s.waiting == 0 and idle(s))

    assert away.waiting == 7
    assert away.oldest_waiting_at is not None
    assert away.offline_since is not None
    assert back.offline_since is None
    assert back.last_complete_at is not None
    assert running.count("Encounter") == 1


def test_a_commit_is_sent_soon(station: Station, running: Server) -> None:
    watcher = Watcher()
    with background(station, station.engine(running), watcher) as scheduler:
        watcher.until(idle)
        station.sign(sample.PATIENT)
        scheduler.notify()
        watcher.until(lambda s: s.waiting == 1)
        watcher.until(lambda s: s.waiting == 0 and idle(s))

    assert running.count("Patient") == 1


def test_news_refresh_the_status_but_respect_the_back_off(
    station: Station, line: FaultyLine
) -> None:
    line.down = True
    watcher = Watcher()
    pace = Pace(settle=0.0, idle=NEVER, first=NEVER, longest=NEVER, watch=0.01)
    with background(station, station.engine(line), watcher, pace=pace) as scheduler:
        watcher.until(lambda s: s.link is LinkState.OFFLINE and idle(s))
        line.down = False
        station.sign(sample.PATIENT)
        scheduler.notify()
        watcher.until(lambda s: s.waiting == 1)
        station.another(1)
        scheduler.notify()
        held = watcher.until(lambda s: s.waiting == 2)
        assert held.next_try_at is not None
        assert line.requests == []

        scheduler.wake()
        watcher.until(lambda s: s.waiting == 0 and idle(s))


def test_a_new_network_ends_the_back_off(station: Station, line: FaultyLine) -> None:
    station.sign(sample.PATIENT)
    line.down = True
    watcher = Watcher()
    address = ["127.0.0.1"]
    pace = Pace(settle=0.0, idle=NEVER, first=NEVER, longest=NEVER, watch=0.01)
    with background(station, station.engine(line), watcher, pace=pace, address=lambda: address[0]):
        watcher.until(lambda s: s.link is LinkState.OFFLINE and idle(s))
        line.down = False
        address[0] = "10.0.0.2"
        watcher.until(lambda s: s.waiting == 0 and idle(s))


def test_stop_ends_with_the_patience_of_the_request_under_way(
    station: Station, line: FaultyLine
) -> None:
    station.sign(sample.PATIENT)
    line.plan = [Fault(silent=True)]
    once = Pace(settle=0.0, idle=NEVER, first=NEVER, longest=NEVER, watch=0.01)
    watcher = Watcher()
    with background(station, station.engine(line, stall=0.3), watcher, pace=once):
        assert line.asked.wait(PATIENT)
        assert any(status.running for status in watcher.seen)

    assert not [thread for thread in threading.enumerate() if thread.name == "sync"]
    assert len(line.requests) == 1


def test_a_faulty_listener_and_a_faulty_engine_end_nothing_and_quote_nobody(
    station: Station, running: Server, caplog: pytest.LogCaptureFixture
) -> None:
    station.sign(sample.PATIENT)
    engine = station.engine(running)
    whole = engine.run_once
    faults = [RuntimeError(sample.PATIENT.full_name)]

    def run_once() -> SyncRun:
        if faults:
            raise faults.pop()
        return whole()

    engine.run_once = run_once  # type: ignore[method-assign]
    watcher = Watcher()
    pace = Pace(settle=0.0, idle=NEVER, first=0.02, longest=0.05, watch=0.01)
    scheduler = SyncScheduler(
        engine, station.store, station.clock, pace=pace, address=lambda: "127.0.0.1"
    )

    def faulty(status: SyncStatus) -> None:
        raise ValueError(sample.PATIENT.full_name)

    scheduler.listen(faulty)
    scheduler.listen(watcher)
    scheduler.start()
    try:
        watcher.until(lambda s: s.waiting == 0 and idle(s))
    finally:
        assert scheduler.stop(PATIENT)
    assert "RuntimeError at test_scheduler.py:" in caplog.text
    assert "ValueError at test_scheduler.py:" in caplog.text
    assert sample.PATIENT.full_name not in caplog.text


class Chance:
    """A clock whose chance is what the test says."""

    def __init__(self, station: Station, share: float) -> None:
        self._clock = station.clock
        self._share = share

    def now(self) -> Any:
        return self._clock.now()

    def new_id(self) -> str:
        return self._clock.new_id()

    def random(self, count: int) -> bytes:
        return int(self._share * (2 ** (8 * count) - 1)).to_bytes(count, "big")


@pytest.mark.parametrize(
    ("failures", "share", "seconds"),
    [(1, 1.0, 5), (2, 1.0, 10), (4, 1.0, 40), (7, 1.0, 300), (500, 1.0, 300), (7, 0.0, 0)],
)
def test_back_off_doubles_to_a_limit_with_full_jitter(
    station: Station, failures: int, share: float, seconds: float
) -> None:
    engine = SyncEngine(station.store, station.clock, lambda *_: (), None)
    scheduler = SyncScheduler(engine, station.store, Chance(station, share))
    scheduler._failures = failures

    assert scheduler._delay(failed=True) == pytest.approx(seconds, abs=0.001)


def test_the_servers_retry_after_is_a_floor(station: Station) -> None:
    engine = SyncEngine(station.store, station.clock, lambda *_: (), None)
    engine.retry_after = 90.0
    scheduler = SyncScheduler(engine, station.store, Chance(station, 0.0))
    scheduler._failures = 1

    assert scheduler._delay(failed=True) == 90.0


def test_the_status_is_there_before_the_thread_ever_ran(station: Station) -> None:
    station.sign(sample.PATIENT)
    engine = SyncEngine(station.store, station.clock, lambda *_: (), None)
    scheduler = SyncScheduler(engine, station.store, station.clock)

    status = scheduler.status()

    assert (status.link, status.waiting) == (LinkState.UNCONFIGURED, 1)
    assert "chưa ghi danh" in status.detail
    assert scheduler.stop()


def test_the_outage_is_as_long_as_the_unbroken_row_of_failures(station: Station) -> None:
    at = sample.AT
    outcomes = ["offline", "complete", "offline", "refused", "offline"]
    with station.store.write() as work:
        for hour, outcome in enumerate(outcomes):
            start = at + timedelta(hours=hour)
            run = SyncRun(started_at=start, ended_at=start + timedelta(minutes=1), outcome=outcome)
            work.outbox.add_run(run)
    engine = SyncEngine(station.store, station.clock, lambda *_: (), None)

    status = read_status(station.store, engine)

    assert status.offline_since == at + timedelta(hours=4)  # who refuses has answered
    assert status.last_complete_at == at + timedelta(hours=1, minutes=1)


def test_a_quarantined_record_is_counted_apart(
    station: Station, running: Server, refuse: Callable[..., Any]
) -> None:
    station.sign(sample.PATIENT)
    engine = station.engine(running, build=refuse(sample.PATIENT_ID, gender="mẫu"))
    engine.run_once()

    status = read_status(station.store, engine)

    assert (status.waiting, status.quarantined) == (0, 1)
    assert status.last_complete_at is None
    station.sign(replace(sample.PATIENT, phone=""), RecordStatus.AMENDED, version=2)
    assert read_status(station.store, engine).quarantined == 0


def test_a_long_run_says_how_much_is_left_while_it_goes_on(
    station: Station, running: Server, line: FaultyLine
) -> None:
    station.work_a_day()
    watcher = Watcher()
    pace = Pace(settle=0.0, idle=NEVER, first=0.02, longest=0.05, watch=0.01, tell=0.0)

    with background(station, station.engine(line), watcher, pace=pace):
        watcher.until(lambda s: s.waiting == 0 and idle(s))

    left = [status.waiting for status in watcher.seen if status.running]
    assert len(set(left)) > 2
    assert left == sorted(left, reverse=True)
