"""One run over the exchange (docs/sync.md): send what waits, take in what came, compare, repair."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol

from station_emr.domain.errors import EnvironmentFailure, NetworkFailure
from station_emr.domain.record import Changes
from station_emr.services.ports import Clock, Store, Work

from .allowance import Allowance
from .applying import Applier, Outcome
from .exchange_peer import ExchangePeer, ExchangeReply, ExchangeRequest, PageRefused, RefusalKind
from .intake import Intake
from .isolation import Isolation, Step
from .meanwhile import meanwhile
from .needed import offer_unsent
from .next_page import NextPage
from .pacing import Pacing
from .peer import Busy, Refused, Traffic
from .place import CURSOR, EPOCH
from .queueing import Batch, Sending
from .repair import differing, portions
from .running import Progress, Run
from .sealing import Sealer
from .self_report import SelfReport
from .updates import after_update
from .verdicts import COME_BACK, PARENT_FIRST, UNREADABLE

_WANTS_AT_ONCE: Final = 2000
_REPAIRS: Final = 3
_LIVES: Final = 3

CONFUSED: Final = (
    "Máy chủ tỉnh nhiều lần không nhận ra máy này. Dữ liệu vẫn an toàn ở trạm. "
    "Hãy báo người quản trị của tỉnh."
)
NOT_YET_EQUAL: Final = (
    "Số hồ sơ ở trạm và ở tỉnh chưa khớp; chương trình sẽ tự đối chiếu lại lần sau."
)


class _Isolated(Exception):
    """A page was refused as a whole, and what that calls for has been done."""


class MeasuredPeer(ExchangePeer, Protocol):
    """The other end with what the engine wants to know of the line to it."""

    level: int

    @property
    def traffic(self) -> Traffic: ...
    @property
    def software(self) -> str: ...
    @property
    def offered(self) -> bool: ...
    def is_fresh(self, now: datetime) -> bool: ...
    def get_ready(self, request: ExchangeRequest) -> None: ...


class Exchange:
    """Joins the parts of the two-way way. Used by the thread of the run alone."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        peer: MeasuredPeer,
        sealer: Sealer,
        applier: Applier,
        *,
        program: str,
        metered: Callable[[], bool] = lambda: False,
        relay: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.peer = peer
        self._store = store
        self._clock = clock
        self._sealer = sealer
        self._applier = applier
        self._program = program
        self._allowance = Allowance(store, clock, metered)
        self._monotonic = monotonic
        self._relay = relay
        # Where a relay stands in its own log is remembered beside, under its name.
        self._epoch = f"{EPOCH}.{relay}" if relay else EPOCH
        self._cursor = f"{CURSOR}.{relay}" if relay else CURSOR
        self._intake = Intake(
            store, clock, sealer, applier, (self._epoch, self._cursor), monotonic=monotonic
        )
        self._sending = Sending(store, clock, sealer)
        self._next = NextPage(self._sending, peer)
        self._pacing = Pacing()
        self._isolation = Isolation()
        self._wanted: Sequence[str] = ()
        self._self_report = SelfReport(clock, program, monotonic)
        self._unwritten: tuple[ExchangeRequest, ExchangeReply, Batch] | None = None
        self._progress: Callable[[Progress], None] = lambda _progress: None
        self._stopping = threading.Event()

    def join(
        self,
        progress: Callable[[Progress], None],
        stopping: threading.Event,
        tell: Callable[[Changes], None],
    ) -> None:
        """Called by the engine whose part this is."""
        self._progress = progress
        self._intake.join(tell, stopping)
        self._stopping = stopping

    def may_run(self, run: Run) -> bool:
        """False when the budget or a paid link leaves nothing to do now; the run then says so."""
        reason = self._allowance.reason_to_rest(0)
        if not reason:
            return True
        run.outcome, run.detail = "waiting", reason
        return self._sending.has_urgent()

    def run(self, run: Run) -> None:
        """Raises NetworkFailure, Refused, Busy, EnvironmentFailure; what was done by then stays."""
        self._begin()
        self._sending.start(run)
        self._self_report.next_run()
        try:
            self._until_done(run)
        finally:
            self._next.forget()
            self._write_down()
        if self._sending.held_back(run) and not run.detail:
            run.detail = PARENT_FIRST
        self._tidy()

    def _until_done(self, run: Run) -> None:
        repairs = lives = 0
        while not self._stopping.is_set():
            try:
                reply, batch = self._round(run)
            except _Isolated:
                continue
            if reply.stale:
                lives += 1
                if lives >= _LIVES:
                    raise Refused(CONFUSED)
                continue
            self._end_if_unwell(batch, reply)
            if run.outcome == "waiting":
                if not self._sending.has_more(run, urgent_only=True):
                    break
                continue
            if reply.more or self._next or self._sending.has_more(run) or self._wants(reply):
                continue
            if not reply.held_by_province:
                break  # whether all is there, the province alone can say
            if self._agrees(reply):
                if offer_unsent(self._store):
                    continue
                run.verified = self._whole()
                break
            repairs += 1
            if repairs > _REPAIRS:
                run.detail = run.detail or NOT_YET_EQUAL
                break
            self._repair(run)

    def _tidy(self) -> None:
        with self._store.read() as work:
            overtaken = work.outbox.overtaken()
        if overtaken:
            with self._store.write() as work:
                work.outbox.drop(overtaken)

    def _begin(self) -> None:
        if not self._relay:  # what a relay runs says nothing of what the province takes
            after_update(self._store, f"{self._program}|{self.peer.software}", self._applier)
        with self._store.read() as work:
            if self._sealer.incarnation.current(work):
                return
        with self._store.write() as work:
            self._sealer.incarnation.renew(work)

    # --- one round trip ----------------------------------------------------------------------

    def _round(self, run: Run) -> tuple[ExchangeReply, Batch]:
        """Seal, send, take in. Only what is urgent when the day's bytes are spent."""
        spent = sum(run.spent(self.peer.traffic))
        reason = self._allowance.reason_to_rest(spent)
        if reason:
            run.outcome, run.detail = "waiting", reason
            self._next.drop()
        request, batch = self._next.take() or self._page(run, urgent_only=bool(reason))
        try:
            reply = self._ask(run, request, batch)
        except PageRefused as refusal:
            self._next.drop()
            self._isolate(run, batch, refusal)
            raise _Isolated from refusal
        self._isolation.passed(len(batch.lines))
        return reply, batch

    def _page(self, run: Run, *, urgent_only: bool) -> tuple[ExchangeRequest, Batch]:
        batch = Batch()
        with self._store.read() as work:
            met = bool(work.settings.get(self._epoch))
        if met:  # else it fetches first: what the province has of the first release's records is
            # then known before anything is built on them
            batch = self._sending.next(
                run, self._pacing.lines_up, most=self._isolation.most, urgent_only=urgent_only
            )
        room = 1 if urgent_only else self._pacing.room
        with self._store.read() as work:
            self._wanted = () if urgent_only else work.operations.wanted(_WANTS_AT_ONCE)
            return self._request(work, batch, room=room, want=self._wanted), batch

    def _page_ahead(self, batch: Batch) -> ExchangeRequest:
        with self._store.read() as work:
            return self._request(work, batch, room=self._pacing.room)

    def _isolate(self, run: Run, batch: Batch, refusal: PageRefused) -> None:
        step = self._isolation.refused(batch, refusal)
        if step is Step.END:
            raise refusal.end
        if step is Step.AGAIN:
            self._sending.give_back(batch)
        else:
            nothing = Batch()
            with self._store.read() as work:
                request = self._request(work, nothing, room=self._pacing.room)
            self._ask(run, request, nothing)
            self._sending.leave(run, batch, refusal)
            if not refusal.lasting:
                run.detail = COME_BACK

    def _request(self, work: Work, batch: Batch, **more: Any) -> ExchangeRequest:
        return ExchangeRequest(
            incarnation=self._sealer.incarnation.current(work),
            number=work.outbox.last_number(),
            epoch=work.settings.get(self._epoch) or "",
            cursor=int(work.settings.get(self._cursor) or 0),
            state=self._self_report.when_due(work),
            lines=batch.lines,
            **more,
        )

    def _ask(self, run: Run, request: ExchangeRequest, batch: Batch) -> ExchangeReply:
        traffic, began = self.peer.traffic, self._monotonic()
        before = traffic.up + traffic.down
        self.peer.level = self._pacing.level
        try:
            reply = self._exchange(run, request)
            _goes_on(request, reply)
        except NetworkFailure:
            self._pacing = self._pacing.after_failure()
            raise
        came = sum(map(len, reply.lines))
        self._pacing = self._pacing.after(
            came + batch.size, traffic.up + traffic.down - before, self._monotonic() - began
        )
        only_taken = _says_only_taken(request, reply)
        if not only_taken:
            self._next.drop()
        if only_taken and (self._next or self._sending.is_long):
            # Written down while the next page is on its way. Killed before that, the program sends
            # the page again, and the server knows it.
            self._unwritten = request, reply, batch
            self._sending.answered(run, batch, reply)
        else:
            self._take_in(run, request, reply, batch)
        done = len(run.tried)
        kind = batch.items[-1].kind if batch.items else None
        self._progress(Progress(done, max(done, run.total), kind))
        return reply

    def _exchange(self, run: Run, request: ExchangeRequest) -> ExchangeReply:
        if not self._sending.is_long:
            self._write_down()
            return self.peer.exchange(request)
        return meanwhile(lambda: self.peer.exchange(request), lambda: self._prepare(run))

    def _write_down(self) -> None:
        """The verdicts of the page before, if that was left for now."""
        if self._unwritten is not None:
            request, reply, batch = self._unwritten
            self._unwritten = None
            self._commit(request, reply, batch)

    def _prepare(self, run: Run) -> None:
        self._write_down()
        # A full disk stays for the page's own sealing to meet and to tell.
        with suppress(EnvironmentFailure):
            self._sending.prepare(run, self._pacing.lines_up)
            if self._pacing.is_quick and self._isolation.is_off and not self._wanted:
                self._next.make(self._pacing.lines_up, self._page_ahead)

    def at_save(self, work: Work, after: int) -> None:
        """What this transaction wrote gets its lines in it; see :meth:`while_away` for before the
        first contact. Called by whoever writes, on any thread.
        """
        if self.peer.offered and work.settings.get(EPOCH):
            self._sending.seal_fresh(work, after)

    def while_away(self) -> None:
        """The line did not answer: what waits is sealed meanwhile. Nothing before the first contact,
        because what the province has of the first release's records is not known yet.
        """
        with self._store.read() as work:
            met = bool(work.settings.get(EPOCH))
        if met:
            self._sending.seal_waiting(self._stopping)

    # --- the answer, in short transactions ---------------------------------------------------

    def _take_in(
        self, run: Run, request: ExchangeRequest, reply: ExchangeReply, batch: Batch
    ) -> None:
        same = (reply.epoch, reply.cursor) == (request.epoch, request.cursor)
        if same and not (batch.items or reply.lines or reply.stale or reply.listed):
            return
        began = self._monotonic()
        outcome = self._commit(request, reply, batch)
        size = sum(map(len, reply.lines))
        self._pacing = self._pacing.after_applying(size, self._monotonic() - began)
        run.received += outcome.received
        run.conflicts += outcome.conflicts
        run.unreadable += outcome.unreadable
        run.quarantined += outcome.stranded
        self._sending.answered(run, batch, reply)

    def _commit(self, request: ExchangeRequest, reply: ExchangeReply, batch: Batch) -> Outcome:
        return self._intake.commit(request, reply, batch)

    # --- is it all there? --------------------------------------------------------------------

    def _wants(self, reply: ExchangeReply) -> bool:
        """Whether asking again for what is wanted brings something: the last answer did. A server
        that gives other bytes than were asked for is not asked again and again.
        """
        if not reply.lines:
            return False
        with self._store.read() as work:
            wanted = work.operations.wanted(_WANTS_AT_ONCE)
        return bool(wanted) and wanted != self._wanted

    def _agrees(self, reply: ExchangeReply) -> bool:
        with self._store.read() as work:
            return reply.tally is not None and work.operations.tally() == reply.tally

    def _repair(self, run: Run) -> None:
        """Ask for the table of buckets, then for the ids in those that differ."""
        table = self._compare(run, True)
        with self._store.read() as work:
            mine = work.operations.buckets()
        theirs = table.buckets
        if theirs is None:
            raise NetworkFailure(NOT_YET_EQUAL)
        for group in portions(differing(mine, theirs), theirs):
            self._compare(run, group)

    def _compare(self, run: Run, asked: bool | Sequence[int]) -> ExchangeReply:
        nothing = Batch()
        with self._store.read() as work:
            request = self._request(work, nothing, buckets=asked, room=self._pacing.room)
        return self._ask(run, request, nothing)

    def _whole(self) -> bool:
        """Whether nothing is kept back here either."""
        with self._store.read() as work:
            return not (work.operations.parked(held=True) or work.operations.wanted(1))

    @staticmethod
    def _end_if_unwell(batch: Batch, reply: ExchangeReply) -> None:
        """A server that is too busy, says so or takes nothing, is left alone for a while."""
        if reply.pause is not None:
            raise Busy(COME_BACK, reply.pause)
        busy = [one for one in reply.refused if one.kind is RefusalKind.BUSY]
        if busy and len(busy) == len(batch.items):
            raise Busy(COME_BACK)


def _says_only_taken(request: ExchangeRequest, reply: ExchangeReply) -> bool:
    """Whether nothing but verdicts came, and none of them sends anything back."""
    silent = not (reply.lines or reply.refused or reply.listed or reply.stale or reply.held)
    return silent and reply.pause is None and reply.epoch == request.epoch


def _goes_on(request: ExchangeRequest, reply: ExchangeReply) -> None:
    """An answer that leads back, or nowhere, is none: a cursor never shrinks, and a run always ends."""
    if reply.epoch != request.epoch:
        return
    nowhere = reply.more and not reply.lines and reply.cursor == request.cursor
    if nowhere or reply.cursor < request.cursor:
        raise NetworkFailure(UNREADABLE)
