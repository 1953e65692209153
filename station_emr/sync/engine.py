"""One pass over the outbox: send what waits, believe each answer, remember what happened.

Threading: :meth:`SyncEngine.run_once` may be called from any one thread at a time (a second caller
waits); :meth:`SyncEngine.stop` and :meth:`SyncEngine.link` from any thread at any time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from station_emr.domain.errors import EnvironmentFailure, NetworkFailure, NotFound
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import LinkState, OutboxItem, SyncRun, UnitState
from station_emr.services.ports import Clock, Store
from station_emr.services.timekeeping import note_server_clock

from .conflicts import CONFLICT, Unsettled, forget, remember, settle
from .loading import Loaded, load, newest_version
from .peer import Busy, Peer, Refused, Verdict, VerdictKind
from .unit import BuildUnit, Resource, Unit

_log = logging.getLogger(__name__)

FACTS_KEY: Final = "sync.server_facts"
NOT_CONFIGURED: Final = "Chưa khai báo máy chủ tỉnh. Mọi thứ đã lưu trên máy này."
ELSEWHERE: Final = "Một cửa sổ hoặc lệnh khác của chương trình đang gửi dữ liệu của trạm này. Không cần làm gì thêm."
CANNOT_BUILD: Final = (
    "Không chuyển được hồ sơ này sang dạng gửi đi. Hồ sơ vẫn an toàn ở trạm. "
    "Hãy báo bộ phận hỗ trợ phần mềm."
)
_OUR_FAULTS: Final = (
    NotFound,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
)
_BATCH: Final = 50
_TWO_IN_A_ROW: Final = 2
_NEWS_AFTER: Final = timedelta(minutes=15)
_FRESH: Final = timedelta(seconds=5)


Turn = Callable[[], AbstractContextManager[bool]]


def _alone() -> AbstractContextManager[bool]:
    return nullcontext(True)


def _not_run(at: datetime, outcome: str, detail: str) -> SyncRun:
    return SyncRun(started_at=at, ended_at=at, outcome=outcome, detail=detail)


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` units of this run have an answer."""

    done: int
    total: int
    kind: RecordKind | None = None


@dataclass(slots=True)
class _Run:
    """What one run has done so far."""

    started_at: datetime
    up_before: int
    down_before: int
    total: int = 0
    outcome: str = "complete"
    detail: str = ""
    sent: int = 0
    changed: int = 0
    quarantined: int = 0
    failed_in_a_row: int = 0
    tried: set[tuple[str, int]] = field(default_factory=set)
    waiting_for_parent: set[tuple[str, int]] = field(default_factory=set)


class SyncEngine:
    """Carries the outbox to one peer. Nothing leaves the outbox without that peer's own word.

    ``turn`` says whether no other process sends from the same database meanwhile: two senders could
    put an older version over a newer one.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        build_unit: BuildUnit,
        peer: Peer | None,
        *,
        batch: int = _BATCH,
        on_progress: Callable[[Progress], None] | None = None,
        turn: Turn = _alone,
    ) -> None:
        self._store = store
        self._clock = clock
        self._build = build_unit
        self._peer = peer
        self._batch = batch
        self._on_progress = on_progress or (lambda _progress: None)
        self._link = LinkState.UNCONFIGURED if peer is None else LinkState.UNKNOWN
        self._turn = turn
        self._greeted = False
        self._stopping = threading.Event()
        self._running = threading.Lock()
        self._remembered = ""
        self._offered: set[str] = set()
        self.retry_after: float | None = None
        """Seconds the server asked to be left alone for, after the last run."""

    def watch(self, on_progress: Callable[[Progress], None]) -> None:
        """Tell ``on_progress`` after every answered unit, on the thread of the run."""
        self._on_progress = on_progress

    def link(self) -> LinkState:
        return self._link

    @property
    def server(self) -> str:
        return self._peer.name if self._peer is not None else ""

    @property
    def clock_skew(self) -> timedelta | None:
        """How far the server's clock is ahead of this machine's."""
        return self._peer.clock_skew if self._peer is not None else None

    def stop(self) -> None:
        """End a run under way after the unit it is sending, and start no other: for good."""
        self._stopping.set()
        abort = getattr(self._peer, "abort", None)
        if abort is not None:
            abort()

    def count_on_server(self, kinds: Iterable[str]) -> dict[str, int]:
        """What the server says it holds, by resource type. Raises NetworkFailure, Refused, Busy."""
        if self._peer is None:
            raise NetworkFailure(NOT_CONFIGURED)
        return self._peer.count(kinds)

    def run_once(self) -> SyncRun:
        """Send everything that can be sent. Never raises for the network, the server or the disk:
        the run says what happened.
        """
        with self._running:
            started = self._clock.now()
            try:
                with self._turn() as mine:
                    return self._run(started) if mine else _not_run(started, "elsewhere", ELSEWHERE)
            except EnvironmentFailure as error:  # the folder refuses even the claim
                return _not_run(started, "partial", str(error))

    def _run(self, started: datetime) -> SyncRun:
        if self._peer is None:
            return _not_run(started, "offline", NOT_CONFIGURED)
        traffic = self._peer.traffic
        run = _Run(started, traffic.up, traffic.down)
        self.retry_after = None
        try:
            self._greet(self._peer)
            self._send_all(self._peer, run)
            self._link = LinkState.ONLINE
        except Refused as error:
            self._link = LinkState.REFUSED
            self._greeted = False
            run.outcome, run.detail = "refused", str(error)
        except (NetworkFailure, Busy) as error:
            self._link = LinkState.OFFLINE
            self.retry_after = getattr(error, "retry_after", None)
            run.outcome, run.detail = ("partial" if run.sent else "offline"), str(error)
        except EnvironmentFailure as error:
            # The disk, not the line. What the server has accepted is sent again: harmless.
            run.outcome, run.detail = "partial", str(error)
        return self._finish(self._peer, run)

    def _greet(self, peer: Peer) -> None:
        if self._greeted:
            return
        with self._store.read() as work:
            self._remembered = work.settings.get(FACTS_KEY) or ""
        peer.recall(self._remembered)
        peer.greet()
        self._greeted = True

    def _send_all(self, peer: Peer, run: _Run) -> None:
        limit = self._batch
        with self._store.read() as work:
            run.total = work.outbox.count(UnitState.WAITING)
        while not self._stopping.is_set():
            with self._store.read() as work:
                items = work.outbox.waiting(limit)
            fresh = [item for item in items if (item.record_id, item.seq) not in run.tried]
            if not fresh and len(items) == limit:
                limit *= 2  # what stands at the head cannot go now; look behind it
                continue
            if not fresh:
                break
            self._send_pass(peer, run, fresh)
        if not run.tried and not self._stopping.is_set():
            peer.probe()

    def _send_pass(self, peer: Peer, run: _Run, items: list[OutboxItem]) -> None:
        sent_before = run.sent
        began = self._clock.now()
        for item in items:
            run.tried.add((item.record_id, item.seq))
            self._send_item(peer, run, item)
            done = len(run.tried) - len(run.waiting_for_parent)
            self._on_progress(Progress(done, max(done, run.total), item.kind))
            if self._stopping.is_set() or abs(self._clock.now() - began) > _FRESH:
                break  # on a slow line a new referral must not wait behind an old list
        if run.sent > sent_before:
            # A parent may have arrived behind its child.
            run.tried -= run.waiting_for_parent
            run.waiting_for_parent.clear()

    def _send_item(self, peer: Peer, run: _Run, item: OutboxItem) -> None:
        try:
            with self._store.read() as work:
                loaded = load(work, item)
            if not loaded.parents_held:
                run.waiting_for_parent.add((item.record_id, item.seq))
                return
            resources = self._build(item.kind, loaded.record, item.status, loaded.earlier)
        except _OUR_FAULTS as error:
            # One record must not stop the others. The message may quote the record: not logged.
            _log.warning("cannot build a %s: %s", item.kind.value, type(error).__name__)
            self._quarantine(run, item, CANNOT_BUILD)
            return
        unit = Unit(tuple(resources), loaded.etags)
        verdict = peer.send(unit)
        if verdict.kind in {VerdictKind.CONFLICT, VerdictKind.GONE}:
            try:
                unit = settle(peer, item.kind, unit, self._earlier_resources(item, loaded))
            except Unsettled as conflict:
                self._quarantine(run, item, CONFLICT, conflict)
                return
            verdict = peer.send(unit)
        self._apply(run, item, unit, verdict)

    def _earlier_resources(self, item: OutboxItem, loaded: Loaded) -> list[Resource]:
        """Every resource this station may have sent for the record before it became this version."""
        found: list[Resource] = []
        for place, record in enumerate(loaded.earlier):
            found.extend(
                self._build(item.kind, record, RecordStatus.SIGNED, loaded.earlier[:place])
            )
        return found

    def _apply(self, run: _Run, item: OutboxItem, unit: Unit, verdict: Verdict) -> None:
        kind = verdict.kind
        if kind is VerdictKind.ACCEPTED:
            with self._store.write() as work:
                work.outbox.acknowledge(item, {**unit.etags, **verdict.etags}, self._clock.now())
                forget(work, item)
            run.sent += 1
            run.changed += verdict.changed
            run.failed_in_a_row = 0
            self._link = LinkState.ONLINE
        elif kind is VerdictKind.POISON:
            self._quarantine(run, item, verdict.reason)
        elif kind is VerdictKind.PARENT_MISSING:
            self._count_attempt(item)
            run.detail = verdict.reason
            self._offer_again(run, item)
        elif kind in {VerdictKind.REFUSED, VerdictKind.WRONG_MODE}:
            raise Refused(verdict.reason)
        elif kind is VerdictKind.BUSY:
            self._count_attempt(item)
            raise Busy(verdict.reason, verdict.retry_after)
        else:
            self._hold(run, item, verdict)

    def _offer_again(self, run: _Run, item: OutboxItem) -> None:
        """The server lost what it had acknowledged, so it was restored from a backup: everything of
        this person goes once more, before the item itself. Once per start of the program.
        """
        if item.patient_id not in self._offered:
            self._offered.add(item.patient_id)
            with self._store.write() as work:
                work.outbox.requeue_person(item.patient_id)
            run.waiting_for_parent.add((item.record_id, item.seq))

    def _hold(self, run: _Run, item: OutboxItem, verdict: Verdict) -> None:
        """One unit failed for no fault of its content: it waits, the others pass. Two in a row
        mean that the server itself is unwell.
        """
        self._count_attempt(item)
        run.failed_in_a_row += 1
        if run.failed_in_a_row >= _TWO_IN_A_ROW:
            raise Busy(verdict.reason, verdict.retry_after)

    def _count_attempt(self, item: OutboxItem) -> None:
        with self._store.write() as work:
            work.outbox.count_attempt([item])

    def _quarantine(
        self, run: _Run, item: OutboxItem, reason: str, conflict: Unsettled | None = None
    ) -> None:
        with self._store.write() as work:
            work.outbox.quarantine(item, reason, self._clock.now())
            if conflict is not None:
                remember(work, item, conflict.etags, newest_version(work, item))
        run.quarantined += 1
        run.failed_in_a_row = 0

    def _finish(self, peer: Peer, run: _Run) -> SyncRun:
        try:
            return self._record(peer, run)
        except EnvironmentFailure as error:
            _log.warning("the run could not be recorded: %s", type(error).__name__)
            return self._summary(peer, run)

    def _record(self, peer: Peer, run: _Run) -> SyncRun:
        with self._store.read() as work:
            if run.outcome == "complete" and (work.outbox.waiting(1) or work.outbox.quarantined()):
                run.outcome = "partial"
            last = next(iter(work.outbox.runs(1)), None)
        summary = self._summary(peer, run)
        facts = peer.facts
        news = run.sent or run.quarantined or last is None or last.outcome != summary.outcome
        if news or (last is not None and summary.ended_at - last.ended_at >= _NEWS_AFTER):
            with self._store.write() as work:
                work.outbox.add_run(summary)
                if facts != self._remembered:
                    work.settings.put(FACTS_KEY, facts)
                    self._remembered = facts
                if peer.clock_skew is not None:
                    note_server_clock(work, self._clock.now(), peer.clock_skew)
        return summary

    def _summary(self, peer: Peer, run: _Run) -> SyncRun:
        return SyncRun(
            started_at=run.started_at,
            ended_at=self._clock.now(),
            outcome=run.outcome,
            sent=run.sent,
            changed=run.changed,
            quarantined=run.quarantined,
            bytes_up=peer.traffic.up - run.up_before,
            bytes_down=peer.traffic.down - run.down_before,
            detail=run.detail,
        )
