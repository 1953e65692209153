"""One run: by the exchange where the server offers it, else by plain transactions; believe each
answer, remember what happened.

Threading: :meth:`SyncEngine.run_once` may be called from any one thread at a time (a second caller
waits); :meth:`SyncEngine.stop` and :meth:`SyncEngine.link` from any thread at any time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import date, datetime, timedelta
from typing import Any, Final

from station_emr.domain.errors import EnvironmentFailure, NetworkFailure
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.domain.sync import LinkState, LinkTrouble, SyncRun
from station_emr.services.ports import Clock, Store, Work
from station_emr.services.timekeeping import note_server_clock

from .allowance import LinkCost
from .attachments import FormSender
from .catalog_fetching import CatalogFetcher
from .exchange_engine import Exchange
from .line_trouble import trouble_of
from .peer import Busy, Peer, Refused
from .plain_engine import PlainSender
from .plain_pull import PlainPull
from .running import ELSEWHERE, METERED_LINK, NOT_CONFIGURED, Progress, Run, Turn, not_run
from .unit import BuildUnit, Resource
from .updates import release_refused

__all__ = ["NOT_CONFIGURED", "Progress", "SyncEngine"]

_log = logging.getLogger(__name__)

FACTS_KEY: Final = "sync.server_facts"
VERIFIED_KEY: Final = "sync.verified_at"
_BATCH: Final = 50
_NEWS_AFTER: Final = timedelta(minutes=15)


def _alone() -> AbstractContextManager[bool]:
    return nullcontext(True)


class SyncEngine:
    """Carries the outbox to one peer. Nothing leaves the outbox without that peer's own word.

    ``turn`` says whether no other process sends from the same database meanwhile: two senders could
    put an older version over a newer one. Without ``exchange`` everything goes the plain way, and
    comes back by ``pull``.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        build_unit: BuildUnit,
        peer: Peer | None,
        *,
        exchange: Exchange | None = None,
        pull: PlainPull | None = None,
        batch: int = _BATCH,
        on_progress: Callable[[Progress], None] | None = None,
        turn: Turn = _alone,
        program: str = "",
        link_cost: LinkCost | None = None,
        forms: FormSender | None = None,
        catalogs: CatalogFetcher | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._build = build_unit
        self._peer = peer
        self._on_progress = on_progress or (lambda _progress: None)
        self._on_changes: Callable[[Changes], None] = lambda _changes: None
        self._link = LinkState.UNCONFIGURED if peer is None else LinkState.UNKNOWN
        self._turn = turn
        self._greeted = False
        self._stopping = threading.Event()
        self._running = threading.Lock()
        self._remembered = ""
        self._program = program
        self.link_cost = link_cost or LinkCost()
        """To be told how to ask whether the link is paid by the megabyte."""
        self._forms = forms
        if forms is not None:
            forms.join(self._tell, self._stopping)
        self._catalogs = catalogs
        if catalogs is not None:
            catalogs.join(self._stopping)
        self._chores: Callable[[], object] = lambda: None
        self._last_of_all: Callable[[], object] = lambda: None
        self._exchange = exchange
        if exchange is not None:
            exchange.join(self._tell, self._stopping, self._tell_changes)
        self._plain = PlainSender(
            store,
            self._built,
            batch=batch,
            now=self._now,
            progress=self._tell,
            stopping=self._stopping,
            pull=pull,
        )
        self.retry_after: float | None = None
        """Seconds the server asked to be left alone for, after the last run."""
        self.trouble = LinkTrouble.NONE
        """Why the last run did not reach the province."""
        self.metered = False
        """The last run rested because the link is paid by what it carries."""

    def _built(
        self, kind: RecordKind, record: Any, status: RecordStatus, earlier: Sequence[Any] = ()
    ) -> tuple[Resource, ...]:
        return self._build(kind, record, status, earlier)

    def _now(self) -> datetime:
        return self._clock.now()

    def _tell(self, progress: Progress) -> None:
        self._on_progress(progress)

    def _tell_changes(self, changes: Changes) -> None:
        self._on_changes(changes)

    def watch(self, on_progress: Callable[[Progress], None]) -> None:
        """Tell ``on_progress`` after every answer, on the thread of the run."""
        self._on_progress = on_progress

    def watch_changes(self, on_changes: Callable[[Changes], None]) -> None:
        """Tell ``on_changes`` what each page brought from elsewhere, on the thread of the run."""
        self._on_changes = on_changes

    def link(self) -> LinkState:
        return self._link

    @property
    def server(self) -> str:
        return self._peer.name if self._peer is not None else ""

    @property
    def clock_skew(self) -> timedelta | None:
        """How far the server's clock is ahead of this machine's."""
        return self._peer.clock_skew if self._peer is not None else None

    def today(self) -> date:
        """The day that the byte budget counts."""
        return self._clock.now().date()

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
        """Send and fetch everything that can be. Never raises for the network, the server or the
        disk: the run says what happened.
        """
        with self._running:
            self._do_chores()
            started = self._clock.now()
            try:
                with self._turn() as mine:
                    return self._run(started) if mine else not_run(started, "elsewhere", ELSEWHERE)
            except EnvironmentFailure as error:  # the folder refuses even the claim
                return not_run(started, "partial", str(error))

    def do_before_runs(self, chores: Callable[[], object]) -> None:
        """``chores`` are done before every run, with a line or without, on its thread."""
        self._chores = chores

    def do_after_runs(self, work: Callable[[], object]) -> None:
        """``work`` is done over the line after every run that our server completed, on its thread."""
        self._last_of_all = work

    def _do_chores(self) -> None:
        try:
            self._chores()
        except EnvironmentFailure as error:
            _log.warning("chores wait: %s", type(error).__name__)

    def _run(self, started: datetime) -> SyncRun:
        if self._peer is None:
            return not_run(started, "offline", NOT_CONFIGURED)
        traffic = self._peer.traffic
        run = Run(started, traffic.up, traffic.down, traffic.requests)
        run.headers_before = traffic.header_up, traffic.header_down
        self.retry_after = None
        try:
            self._recall(self._peer)
            if self._exchange is None or self._exchange.may_run(run):
                self._greet(self._peer)
                self._carry_all(self._peer, run)
        except Refused as error:
            self._link, self.trouble = LinkState.REFUSED, trouble_of(error)
            self._greeted = False
            run.outcome, run.detail = "refused", str(error)
        except (NetworkFailure, Busy) as error:
            self._link, self.trouble = LinkState.OFFLINE, trouble_of(error)
            self.retry_after = getattr(error, "retry_after", None)
            moved = run.sent or run.received
            run.outcome, run.detail = ("partial" if moved else "offline"), str(error)
            self._use_the_wait()
        except EnvironmentFailure as error:
            # The disk, not the line. What the server has accepted is sent again: harmless.
            run.outcome, run.detail = "partial", str(error)
        self.metered = run.detail == METERED_LINK
        if run.outcome == "waiting":
            self._use_the_wait()
        return self._finish(self._peer, run)

    def at_save(self, work: Work, after: int) -> None:
        """To be called in every transaction that writes, before its commit; ``after`` is the number
        of the last version from before it.
        """
        if self._exchange is not None:
            self._exchange.at_save(work, after)

    def prepare(self) -> None:
        """While the line is away: what was written since the last try gets its lines now, so that
        nothing but sending is left for when it is back.
        """
        if self._link is not LinkState.OFFLINE:
            return
        with self._running, suppress(EnvironmentFailure), self._turn() as mine:
            if mine:
                self._use_the_wait()

    def _use_the_wait(self) -> None:
        if self._exchange is not None and self._exchange.peer.offered:
            with suppress(EnvironmentFailure):  # a full disk is told by what has to be written
                self._exchange.while_away()

    def _recall(self, peer: Peer) -> None:
        if not self._remembered:
            with self._store.read() as work:
                self._remembered = work.settings.get(FACTS_KEY) or ""
            peer.recall(self._remembered)

    def _greet(self, peer: Peer) -> None:
        """Read the statement once per start, or once a day where a remembered one names the
        exchange: its every answer proves that the right server is there.
        """
        if self._exchange is not None and self._exchange.peer.offered:
            if not self._exchange.peer.is_fresh(self._clock.now()):
                peer.greet()
        elif not self._greeted:
            peer.greet()
        self._greeted = True

    def _carry_all(self, peer: Peer, run: Run) -> None:
        """Records, then printed forms; records that were written meanwhile go first again."""
        while True:
            mark = self._forms.mark() if self._forms is not None else 0
            self._carry(peer, run)
            self._link, self.trouble = LinkState.ONLINE, LinkTrouble.NONE
            if run.outcome != "complete" or not self._send_forms(run, mark):
                break
        if run.outcome == "complete" and self._exchange is not None:
            self._fetch_catalogs(run)
            self._finish_over_line()

    def _finish_over_line(self) -> None:
        """What stops it does not undo the run of the records; it is tried again after the next."""
        if self._exchange is None or not self._exchange.peer.offered:
            return
        try:
            self._last_of_all()
        except (EnvironmentFailure, Refused) as error:
            _log.warning("work after the run waits: %s", type(error).__name__)

    def _fetch_catalogs(self, run: Run) -> None:
        """Last of all; what stops the lists does not undo the run of the records."""
        if self._catalogs is None or self._exchange is None or not self._exchange.peer.offered:
            return
        try:
            self._catalogs.fetch(run)
        except (NetworkFailure, Busy) as error:
            self.retry_after = getattr(error, "retry_after", None)
        except Refused:
            pass  # the records were taken; whether lists are is the server's affair
        self._do_chores()  # a version that is in force already need not wait for the next run

    def _send_forms(self, run: Run, mark: int) -> bool:
        """True when records wait again. What stops the forms does not undo the run of the records."""
        if self._forms is None:
            return False
        try:
            return self._forms.send(run, mark)
        except (NetworkFailure, Busy) as error:
            self._link, self.trouble = LinkState.OFFLINE, trouble_of(error)
            self.retry_after = getattr(error, "retry_after", None)
            run.detail = run.detail or str(error)
        except Refused as error:
            run.detail = run.detail or str(error)
        return False

    @property
    def revoked(self) -> bool:
        """The province no longer lets this machine in."""
        return self.trouble is LinkTrouble.REVOKED

    @property
    def forms_stay(self) -> bool:
        """Whether the server is known to take no printed forms."""
        return self._forms is not None and self._forms.stays

    @property
    def kinds_stay(self) -> tuple[RecordKind, ...]:
        """Kinds of records that the server is known not to take."""
        stays = self._peer.stays if self._peer is not None else frozenset()
        return tuple(kind for kind in RecordKind if kind in stays)

    def _carry(self, peer: Peer, run: Run) -> None:
        if self._exchange is not None and self._exchange.peer.offered:
            self._exchange.run(run)
        else:
            programs = f"{self._program}|{peer.software}"
            release_refused(self._store, programs, known=bool(self._remembered))
            self._plain.send_all(peer, run)

    def _finish(self, peer: Peer, run: Run) -> SyncRun:
        try:
            summary = self._record(peer, run)
        except EnvironmentFailure as error:
            _log.warning("the run could not be recorded: %s", type(error).__name__)
            summary = self._summary(peer, run)
        if run.changes.items:
            self._on_changes(run.changes)
        return summary

    def _record(self, peer: Peer, run: Run) -> SyncRun:
        with self._store.read() as work:
            if run.outcome == "complete" and (work.outbox.waiting(1) or work.outbox.quarantined()):
                run.outcome = "partial"
            last = next(iter(work.outbox.runs(1)), None)
        summary = self._summary(peer, run)
        facts = peer.facts
        told = run.sent or run.quarantined or run.received or run.forms
        news = told or last is None or last.outcome != summary.outcome
        # Either way: a clock that was far ahead once must not silence the runs until that day.
        if news or (last is not None and abs(summary.ended_at - last.ended_at) >= _NEWS_AFTER):
            with self._store.write() as work:
                work.outbox.add_run(summary)
        with self._store.write() as work:
            today = summary.ended_at.date()
            up, down = run.spent(peer.traffic)
            if up or down:
                work.outbox.add_traffic(today, up, down)
            if facts != self._remembered:
                work.settings.put(FACTS_KEY, facts)
                self._remembered = facts
            if peer.clock_skew is not None:
                note_server_clock(work, summary.ended_at, peer.clock_skew)
            if summary.verified:
                work.settings.put(VERIFIED_KEY, summary.ended_at.isoformat())
        return summary

    def _summary(self, peer: Peer, run: Run) -> SyncRun:
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
            verified=run.verified and run.outcome == "complete",
            received=run.received,
            conflicts=run.conflicts,
            requests=peer.traffic.requests - run.requests_before,
        )
