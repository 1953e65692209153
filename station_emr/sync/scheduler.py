"""When to sync: soon after something was signed, again with patience while the line is away.

Threading: one thread of its own runs the engine; every public method may be called from any
thread and returns at once, except :meth:`SyncScheduler.stop`. Listeners are called on that thread.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from station_emr.domain.backoff import full_jitter
from station_emr.domain.errors import StationError
from station_emr.domain.outages import EARLIEST_RUN, is_believable
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import DAILY_BYTES, LinkState, SyncStatus, UnitState
from station_emr.services.chart_likeness import open_pairs
from station_emr.services.ports import Clock, Store
from station_emr.services.timekeeping import SKEW

from .allowance import budget_of
from .engine import NOT_CONFIGURED, VERIFIED_KEY, Progress, SyncEngine
from .retry_after import bounded

_log = logging.getLogger(__name__)

_LISTED: Final = 200
_TEST_NET: Final = ("192.0.2.1", 9)  # RFC 5737: never in use; a UDP connect sends nothing
_FAILED: Final = frozenset({"offline", "refused"})

Listener = Callable[[SyncStatus], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds. ``settle``: let a burst of commands end; ``idle``: between looks while all is sent;
    ``first``/``longest``: back-off; ``watch``: how often the network card is looked at while away;
    ``tell``: how often a long run says how far it is; ``knock``: how long a server that asked for a
    pause is left alone before a person or a new letter may ask it again.
    """

    settle: float = 1.0
    idle: float = 300.0
    first: float = 5.0
    longest: float = 300.0
    watch: float = 5.0
    tell: float = 2.0
    knock: float = 60.0


def local_address() -> str:
    """The address this machine has towards the world, empty without a route. Sends no packet."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(_TEST_NET)
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def read_status(store: Store, engine: SyncEngine) -> SyncStatus:
    """The status as the database tells it: what waits, what was refused, when all was last sent."""
    with store.read() as work:
        waiting = work.outbox.count(UnitState.WAITING)
        quarantined = work.outbox.count(UnitState.QUARANTINED)
        first = work.outbox.oldest_waiting_at()
        oldest = work.outbox.oldest_waiting_at(EARLIEST_RUN)
        complete = work.outbox.last_complete()
        offline_since = work.outbox.away_since()
        verified = work.settings.get(VERIFIED_KEY)
        skew = work.settings.get(SKEW)
        today = work.outbox.traffic_on(engine.today())
        budget = budget_of(work.settings.get(DAILY_BYTES))
        conflicts = len(work.operations.conflicts()) + work.drafts.count_displaced()
        doubles = len(open_pairs(work))
        parked = work.operations.parked()
        unreadable = len(work.operations.unreadables(_LISTED))
        forms, form_bytes = work.attachments.counts()
    return SyncStatus(
        link=engine.link(),
        trouble=engine.trouble,
        server=engine.server,
        waiting=waiting,
        oldest_waiting_at=oldest,
        undated=first is not None and not is_believable(first),
        quarantined=quarantined,
        last_complete_at=complete.ended_at if complete else None,
        last_verified=complete.verified if complete else False,
        offline_since=offline_since,
        detail=NOT_CONFIGURED if engine.link() is LinkState.UNCONFIGURED else "",
        verified_at=datetime.fromisoformat(verified) if verified else None,
        conflicts=conflicts,
        doubles=doubles,
        bytes_today=sum(today),
        budget=budget,
        metered=engine.metered,
        skew_seconds=_number(skew),
        revoked=engine.revoked,
        parked=parked,
        unreadable=unreadable,
        forms=forms,
        form_bytes=form_bytes,
        forms_stay=bool(forms) and engine.forms_stay,
        kinds_stay=engine.kinds_stay,
    )


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _waiting_letters(store: Store) -> int:
    """How many referral letters wait; they stand near the head of what is listed."""
    with store.read() as work:
        items = work.outbox.waiting(_LISTED)
    return sum(item.kind is RecordKind.REFERRAL for item in items)


def _outline(error: BaseException) -> str:
    """Type and places of a fault without its message, which may quote a record."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = (f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {' < '.join(places)}"


class SyncScheduler:
    """Runs the engine in the background; see the module for threads."""

    def __init__(
        self,
        engine: SyncEngine,
        store: Store,
        clock: Clock,
        *,
        pace: Pace | None = None,
        address: Callable[[], str] = local_address,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._pace = pace or Pace()
        self._address = address
        self._monotonic = monotonic
        self._listeners: list[Listener] = []
        self._guard = threading.Condition()
        self._stopping = False
        self._news = False
        self._urgent = False
        self._failures = 0
        self._status: SyncStatus | None = None
        self._thread: threading.Thread | None = None
        self._told_at = self._monotonic()
        self._letters = 0
        self._tried_at = self._monotonic()
        self._knocked = False
        self._afterwards: Callable[[], None] = lambda: None
        engine.watch(self._progressed)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` after every change of the status; returns what ends that."""
        with self._guard:
            self._listeners.append(listener)
        return lambda: self._forget(listener)

    def start(self) -> None:
        if self._thread is not None:
            raise RuntimeError("already started")
        self._thread = threading.Thread(target=self._loop, name="sync", daemon=True)
        self._thread.start()

    def stop(self, patience: float = 10.0) -> bool:
        """End the thread after the unit under way. False when it still hangs in the network; it
        then dies with the process, which loses nothing.
        """
        with self._guard:
            self._stopping = True
            self._guard.notify_all()
        self._engine.stop()
        if self._thread is None:
            return True
        self._thread.join(patience)
        return not self._thread.is_alive()

    def do_after_runs(self, work: Callable[[], None]) -> None:
        """``work`` is done after every run, on its thread; its faults stop nothing."""
        self._afterwards = work

    def notify(self) -> None:
        """Something was committed: refresh the status and send soon, but respect a back-off."""
        with self._guard:
            self._news = True
            self._guard.notify_all()

    def wake(self) -> datetime | None:
        """Try now, whatever the back-off says: a person asked, or the link changed. Where the server
        asked for a pause, the first wish is granted at once and any other a minute after the last try;
        then that time is returned, or the time at which it would be tried anyway.
        """
        with self._guard:
            self._urgent = True
            self._guard.notify_all()
            if self._called():
                return None
            left = self._tried_at + self._pace.knock - self._monotonic()
            planned = self._status.next_try_at if self._status is not None else None
            knock = self._clock.now() + timedelta(seconds=max(left, 0.0))
            return min(knock, planned) if planned is not None else knock

    def status(self) -> SyncStatus:
        """As last seen by the background thread; read from the database before it ever ran."""
        with self._guard:
            known = self._status
        return known if known is not None else read_status(self._store, self._engine)

    def _forget(self, listener: Listener) -> None:
        with self._guard:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _loop(self) -> None:
        while not self._is_stopping():
            try:
                delay = self._attempt()
                if delay is not None:
                    self._rest(delay)
            except Exception as error:  # noqa: BLE001 - this thread must outlive every fault but stop
                _log.error("the thread of the sync met a fault: %s", _outline(error))
                with self._guard:
                    self._guard.wait_for(self._called, self._pace.longest)

    def _called(self) -> bool:
        """Whether the wait is over at once; asked under the guard."""
        return self._stopping or (self._urgent and (not self._knocked or self._may_knock()))

    def _may_knock(self) -> bool:
        """Whether the server may be asked before the time it named, if it named one."""
        return not self._is_paused() or self._monotonic() >= self._tried_at + self._pace.knock

    def _is_paused(self) -> bool:
        return self._failures > 0 and bool(self._engine.retry_after)

    def _is_stopping(self) -> bool:
        with self._guard:
            return self._stopping

    def _attempt(self) -> float | None:
        """One run; the seconds until the next one, None when it is time to end."""
        with self._guard:
            self._knocked = self._urgent and self._is_paused()
            self._news = self._urgent = False
        self._publish(running=True)
        try:
            self._letters = _waiting_letters(self._store)
            run = self._engine.run_once()
        except Exception as error:  # noqa: BLE001 - the last place: a bug must not end sync for the day
            _log.error("a sync run failed: %s", _outline(error))
            run = None
        if self._is_stopping():
            return None
        self._look_after()
        failed = run is None or run.outcome in _FAILED or self._engine.link() is LinkState.OFFLINE
        self._failures = self._failures + 1 if failed else 0
        self._tried_at = self._monotonic()
        delay = self._delay(failed=failed)
        self._publish(running=False, delay=delay, detail=run.detail if run is not None else "")
        return delay

    def _look_after(self) -> None:
        try:
            self._afterwards()
        except Exception as error:  # noqa: BLE001 - as in a run: a bug must not end sync for the day
            _log.error("the work after a run failed: %s", _outline(error))

    def _progressed(self, _progress: Progress) -> None:
        """A long run keeps the number of waiting units true while it goes on."""
        if self._monotonic() - self._told_at >= self._pace.tell:
            self._told_at = self._monotonic()
            self._publish(running=True)

    def _delay(self, *, failed: bool) -> float:
        """Full jitter: any time up to a limit that doubles, so that stations do not come back in
        step; never before the server's own Retry-After, as far as that is believed.
        """
        if not failed:
            return self._pace.idle
        wait = full_jitter(
            self._clock.random(4),
            self._failures,
            first=self._pace.first,
            longest=self._pace.longest,
        )
        return max(wait, bounded(self._engine.retry_after) or 0.0)

    def _rest(self, delay: float) -> None:
        """Wait for the time, for news (while the line is up), for a wish, or for a new network."""
        until = self._monotonic() + delay
        away = self._failures > 0
        before = self._address() if away else ""
        letter = False
        while True:
            with self._guard:
                left = until - self._monotonic()
                if left <= 0 or self._called():
                    return
                if not self._news:
                    self._guard.wait(min(left, self._pace.watch) if away else left)
                news, self._news = self._news, False
                if self._called():
                    return
            if news:
                self._publish(running=False, delay=max(until - self._monotonic(), 0.0))
                letter = letter or self._has_new_letter()
                if away and not (letter and self._may_knock()):
                    self._prepare()
            if (news and not away) or (letter and self._may_knock()):
                self._settle()
                return
            if not news and away and self._address() != before:
                return

    def _prepare(self) -> None:
        try:
            self._engine.prepare()
        except Exception as error:  # noqa: BLE001 - as in a run: a bug must not end sync for the day
            _log.error("nothing could be prepared: %s", _outline(error))

    def _has_new_letter(self) -> bool:
        """A referral letter written while the line is away is worth one more try: at once, or a
        minute after the last one where the server asked to be left alone.
        """
        try:
            return _waiting_letters(self._store) > self._letters
        except StationError:
            return False

    def _settle(self) -> None:
        """Let the commands of one click end before sending."""
        until = self._monotonic() + self._pace.settle
        with self._guard:
            while not self._called():
                left = until - self._monotonic()
                if left <= 0:
                    return
                self._guard.wait(left)

    def _publish(
        self, *, running: bool, delay: float | None = None, detail: str | None = None
    ) -> None:
        try:
            fresh = read_status(self._store, self._engine)
        except StationError:
            _log.warning("the sync status could not be read")
            return
        with self._guard:
            before = self._status
            kept = before.detail if before is not None and detail is None else detail
            self._status = replace(
                fresh,
                running=running,
                next_try_at=None if delay is None else self._clock.now() + timedelta(seconds=delay),
                detail=fresh.detail or kept or "",
            )
            status, listeners = self._status, tuple(self._listeners)
        for listener in listeners:
            try:
                listener(status)
            except Exception as error:  # noqa: BLE001 - a screen's bug must not stop the records
                _log.error("a sync listener failed: %s", _outline(error))
