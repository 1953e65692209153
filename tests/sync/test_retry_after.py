"""A pause that a server asks for is kept to, as far as it can be meant, and no word of it ends the sync."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from station_emr.domain.sync import LinkState
from station_emr.services.clock import SystemClock
from station_emr.sync.engine import SyncEngine
from station_emr.sync.exchange_peer import ExchangeReply
from station_emr.sync.exchange_wire import decode_reply, encode_reply
from station_emr.sync.retry_after import DAY, HOUR, pause_of
from station_emr.sync.scheduler import Pace, SyncScheduler
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server, Station
from tests.sync.faults import Fault, FaultyLine, canned
from tests.sync.test_scheduler import NEVER, PATIENT, Chance, Watcher, background, idle

DATE = "Mon, 23 Nov 2026 08:00:00 GMT"


def busy(**headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return canned("503 Service Unavailable", headers=named)


@pytest.mark.parametrize(
    ("said", "date", "seconds"),
    [
        ("7", None, 7.0),
        (" 120 ", None, 120.0),
        ("0", None, 0.0),
        ("3601", None, HOUR),
        ("31536000", None, HOUR),
        ("99999999999999", None, HOUR),
        ("1e300", None, HOUR),
        ("9" * 5000, None, HOUR),
        ("nan", None, None),
        ("inf", None, None),
        ("-5", None, None),
        ("", None, None),
        (None, DATE, None),
        ("Mon, 23 Nov 2026 08:02:00 GMT", DATE, 120.0),
        ("Tue, 23 Nov 2027 08:02:00 GMT", DATE, HOUR),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DATE, HOUR),
        ("Mon, 23 Nov 2026 07:00:00 GMT", DATE, 0.0),
        ("Mon, 23 Nov 2026 08:02:00 GMT", None, None),
        ("Mon, 23 Nov 2026 08:02:00 GMT", "yesterday", None),
        ("Mon, 99 Nov 2026 08:02:00 GMT", DATE, None),
        ("soon", DATE, None),
    ],
)
def test_what_is_believed(said: str | None, date: str | None, seconds: float | None) -> None:
    assert pause_of(said, date) == seconds


def test_a_national_gateway_is_believed_for_a_day() -> None:
    assert pause_of("7200", None, DAY) == 7200.0
    assert pause_of("31536000", None, DAY) == DAY


def test_the_pause_of_an_exchange_is_believed_as_far() -> None:
    said = ExchangeReply(
        epoch="e" * 16, taken=frozenset(), refused=(), cursor=0, more=False, lines=()
    )
    for pause, believed in ((7.0, 7.0), (1e300, HOUR), (-1.0, None)):
        plain = encode_reply(replace(said, pause=pause), "aa")
        assert decode_reply(plain, "aa", 0).pause == believed


def test_a_date_is_measured_by_the_servers_clock_alone(station: Station, line: FaultyLine) -> None:
    """The machine's own clock stands years before the answer's."""
    line.plan = [busy(Date=DATE, Retry_After="Mon, 23 Nov 2026 08:01:30 GMT")]
    engine = station.engine(line)

    engine.run_once()

    assert engine.retry_after == 90.0


@pytest.mark.parametrize("said", ["99999999999999", "1e300"])
def test_a_huge_pause_ends_neither_the_thread_nor_send_now(
    station: Station, running: Server, line: FaultyLine, said: str
) -> None:
    station.sign(sample.PATIENT)
    line.plan = [busy(Retry_After=said)]
    watcher = Watcher()

    with background(station, station.engine(line), watcher) as scheduler:
        away = watcher.until(lambda s: s.link is LinkState.OFFLINE and idle(s))
        scheduler.wake()
        watcher.until(lambda s: s.waiting == 0 and idle(s))

    assert away.next_try_at is not None
    assert (away.next_try_at - station.clock.now()).total_seconds() <= HOUR
    assert running.count("Patient") == 1


class Beat:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def paused(station: Station, **pace: Any) -> tuple[SyncScheduler, Beat]:
    """A scheduler that rests because the server asked for an hour; nothing of it runs yet."""
    engine = SyncEngine(station.store, station.clock, lambda *_: (), None)
    beat = Beat()
    scheduler = SyncScheduler(
        engine,
        station.store,
        Chance(station, 0.0),
        pace=Pace(settle=0.0, watch=0.001, **pace),
        address=lambda: "127.0.0.1",
        monotonic=beat,
    )
    scheduler._attempt()
    engine.retry_after = HOUR
    return scheduler, beat


def test_the_scheduler_keeps_to_the_bound_whatever_the_engine_says(station: Station) -> None:
    scheduler, _ = paused(station)
    scheduler._engine.retry_after = 1e300

    assert scheduler._delay(failed=True) == HOUR


class StoppedClock(SystemClock):
    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at


def test_send_now_is_tried_at_once_and_then_once_a_minute(station: Station) -> None:
    scheduler, beat = paused(station)

    assert scheduler.wake() is None
    assert scheduler._called()
    scheduler._attempt()
    scheduler._engine.retry_after = HOUR
    scheduler._publish(running=False, delay=HOUR)
    now = station.clock.now()
    scheduler._clock = StoppedClock(now)
    assert scheduler.wake() == now + timedelta(seconds=60)
    assert not scheduler._called()
    beat.now += 59.0
    assert not scheduler._called()
    assert scheduler.wake() == now + timedelta(seconds=1)
    scheduler._publish(running=False, delay=0.5)  # it is tried anyway before that
    assert scheduler.wake() == now + timedelta(seconds=0.5)
    beat.now += 1.0
    assert scheduler._called()
    assert scheduler.wake() is None


def test_without_a_pause_every_send_now_is_tried_at_once(station: Station) -> None:
    scheduler, _ = paused(station)
    scheduler._engine.retry_after = None

    for _ in range(3):
        scheduler.wake()
        assert scheduler._called()
        scheduler._attempt()


def test_a_new_letter_may_knock_a_minute_after_the_last_try(station: Station) -> None:
    """It is written ten seconds into the pause and is not forgotten until the minute is over."""
    scheduler, beat = paused(station)
    for record in (sample.PATIENT, sample.ENCOUNTER, sample.REFERRAL):
        station.sign(record)
    resting = threading.Thread(target=scheduler._rest, args=(HOUR,), daemon=True)
    watcher = Watcher()
    scheduler.listen(watcher)
    beat.now = 10.0
    resting.start()
    scheduler.notify()
    watcher.until(lambda s: s.waiting == 3)
    resting.join(0.05)
    assert resting.is_alive()

    beat.now = 60.0
    resting.join(PATIENT)
    assert not resting.is_alive()


def test_a_fault_beside_the_run_does_not_end_the_thread(
    station: Station, running: Server, caplog: pytest.LogCaptureFixture
) -> None:
    station.sign(sample.PATIENT)
    engine = station.engine(running)
    link, faults = engine.link, [ValueError(sample.PATIENT.full_name)]

    def faulty() -> LinkState:
        if faults:
            raise faults.pop()
        return link()

    engine.link = faulty  # type: ignore[method-assign]
    watcher = Watcher()
    pace = Pace(settle=0.0, idle=NEVER, first=0.02, longest=0.05, watch=0.01)
    with background(station, engine, watcher, pace=pace):
        watcher.until(lambda s: s.waiting == 0 and idle(s))

    assert "ValueError at " in caplog.text
    assert sample.PATIENT.full_name not in caplog.text
