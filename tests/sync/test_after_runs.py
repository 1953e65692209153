"""What is done after a run, on its thread: it is told at once, and its faults stop nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.services.duplicate_watch import DuplicateWatch
from station_emr.services.matching import NameMatcher
from station_emr.sync.scheduler import SyncScheduler
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server, Station
from tests.sync.test_scheduler import NEVER, PATIENT, Pace, Watcher, idle


def started(station: Station, running: Server, watcher: Watcher) -> SyncScheduler:
    pace = Pace(settle=0.0, idle=NEVER, first=0.02, longest=0.05, watch=0.01)
    scheduler = SyncScheduler(
        station.engine(running),
        station.store,
        station.clock,
        pace=pace,
        address=lambda: "127.0.0.1",
    )
    scheduler.listen(watcher)
    return scheduler


def test_who_may_be_registered_twice_is_counted_after_the_run(
    station: Station, running: Server
) -> None:
    station.sign(sample.PATIENT)
    station.sign(replace(sample.PATIENT, id=sample.made_id(77), chart_number="DEMO-77"))
    watcher = Watcher()
    scheduler = started(station, running, watcher)
    scheduler.do_after_runs(DuplicateWatch(station.store, NameMatcher()).look)
    scheduler.start()
    try:
        told = watcher.until(lambda status: idle(status) and status.waiting == 0)
    finally:
        assert scheduler.stop(PATIENT)

    assert told.doubles == 1


def test_its_fault_stops_nothing_and_quotes_nobody(
    station: Station, running: Server, caplog: pytest.LogCaptureFixture
) -> None:
    station.sign(sample.PATIENT)
    watcher = Watcher()
    scheduler = started(station, running, watcher)

    def faulty() -> None:
        raise ValueError(sample.PATIENT.full_name)

    scheduler.do_after_runs(faulty)
    scheduler.start()
    try:
        watcher.until(lambda status: idle(status) and status.waiting == 0)
    finally:
        assert scheduler.stop(PATIENT)

    assert "the work after a run failed: ValueError" in caplog.text
    assert sample.PATIENT.full_name not in caplog.text
