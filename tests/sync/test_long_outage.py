"""What the status says after weeks without a line, when the last runs say nothing of better days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from station_emr.domain.outages import LineRun
from station_emr.domain.sync import SyncRun, SyncStatus
from station_emr.sync.engine import SyncEngine
from station_emr.sync.scheduler import read_status
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server, Station
from tests.sync.faults import FaultyLine

QUARTER = timedelta(minutes=15)
LONG = 230  # quarters of an hour: more than any list of runs shows
DEAD_BATTERY = datetime(2000, 1, 1, tzinfo=UTC)


def at(quarter: int) -> datetime:
    return sample.AT + QUARTER * quarter


def keep(station: Station, runs: Iterable[SyncRun]) -> None:
    with station.store.write() as work:
        for run in runs:
            work.outbox.add_run(run)


def made(quarter: int, outcome: str, *, verified: bool = False, down: int = 0) -> SyncRun:
    begin = at(quarter)
    return SyncRun(
        started_at=begin,
        ended_at=begin + timedelta(seconds=9),
        outcome=outcome,
        verified=verified,
        bytes_down=down,
    )


def status_of(station: Station) -> SyncStatus:
    engine = SyncEngine(station.store, station.clock, lambda *_: (), None)
    return read_status(station.store, engine)


@pytest.mark.parametrize("outcome", ["offline", "partial", "refused", "waiting"])
def test_the_last_whole_sync_is_known_however_long_ago(station: Station, outcome: str) -> None:
    long = [made(n, outcome) for n in range(2, LONG)]
    keep(station, [made(0, "complete"), made(1, "complete", verified=True), *long])

    status = status_of(station)

    assert status.last_complete_at == at(1) + timedelta(seconds=9)
    assert status.last_verified
    assert status.offline_since == (at(2) if outcome == "offline" else None)


def test_rests_neither_end_nor_begin_the_time_without_a_line(station: Station) -> None:
    away = [made(n, "offline" if n % 2 else "waiting") for n in range(2, LONG)]
    keep(station, [made(0, "offline"), made(1, "complete"), *away])
    assert status_of(station).offline_since == at(3)

    keep(station, [made(LONG, "waiting", down=900)])  # something was fetched before it rested
    assert status_of(station).offline_since is None


def test_a_dead_battery_does_not_begin_the_time_without_a_line(station: Station) -> None:
    dead = SyncRun(started_at=DEAD_BATTERY, ended_at=DEAD_BATTERY, outcome="offline")
    keep(station, [made(0, "complete"), dead, made(1, "offline"), made(2, "offline")])

    assert status_of(station).offline_since == at(1)


def test_what_runs_say_of_the_line_comes_whole_and_in_order(station: Station) -> None:
    dead = SyncRun(started_at=DEAD_BATTERY, ended_at=DEAD_BATTERY, outcome="offline")
    keep(station, [made(n, "offline") for n in range(LONG)])
    keep(station, [dead, made(LONG, "waiting", down=1)])

    with station.store.read() as work:
        runs = work.outbox.line_runs()

    assert len(runs) == LONG + 2
    assert runs[0] == LineRun(at(0), "offline", answered=False)
    assert runs[-2:] == (LineRun(DEAD_BATTERY, "offline"), LineRun(at(LONG), "waiting", True))


def test_no_run_is_read_that_need_not_be(station: Station) -> None:
    with station.store.read() as work:
        plan = work.outbox._connection.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT seq FROM sync_run WHERE outcome = 'complete' "
                "ORDER BY seq DESC LIMIT 1"
            )
        ).all()
    assert "sync_run_outcome" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_a_clock_that_was_ahead_does_not_silence_the_runs_after_it(
    station: Station, line: FaultyLine
) -> None:
    keep(station, [made(40_000, "offline")])
    line.down = True

    station.engine(line).run_once()

    with station.store.read() as work:
        assert len(work.outbox.line_runs()) == 2


def test_a_dead_battery_does_not_make_what_waits_old(station: Station) -> None:
    station.sign(sample.PATIENT)
    assert not status_of(station).undated
    with station.store.write() as work:
        work.outbox._connection.execute(
            text("UPDATE outbox SET created_utc = '2000-01-01T00:00:00.000000Z'")
        )

    status = status_of(station)

    assert (status.waiting, status.oldest_waiting_at, status.undated) == (1, None, True)
    station.another(1)
    assert status_of(station).oldest_waiting_at is not None


def test_the_bytes_of_a_day_are_with_their_headers(station: Station, running: Server) -> None:
    station.sign(sample.PATIENT)

    run = station.engine(running).run_once()

    with station.store.read() as work:
        up, down = work.outbox.traffic_on(station.clock.now().date())
    assert run.outcome == "complete"
    assert up - run.bytes_up > 200  # headers of three requests and more
    assert down - run.bytes_down > 200
