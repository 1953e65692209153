"""Writes an answer of the exchange down, in transactions so short that nobody's own write waits long."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from station_emr.domain.record import Changes
from station_emr.services.ports import Clock, Store, Work

from . import queueing
from .applying import Applier, CannotApply, Outcome
from .exchange_peer import ExchangeReply, ExchangeRequest
from .opening import Opened
from .portions import BREATH, Portions
from .queueing import Batch
from .repair import settle
from .sealing import Sealer


class Intake:
    """``place`` names the two settings that keep how far this database is in the other end's log."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        sealer: Sealer,
        applier: Applier,
        place: tuple[str, str],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._clock = clock
        self._sealer = sealer
        self._applier = applier
        self._epoch, self._cursor = place
        self._monotonic = monotonic
        self._portions = Portions()
        self._tell: Callable[[Changes], None] = lambda _changes: None
        self._stopping = threading.Event()

    def join(self, tell: Callable[[Changes], None], stopping: threading.Event) -> None:
        """Who is told of what came in, and what ends the waiting between two portions."""
        self._tell = tell
        self._stopping = stopping

    def commit(self, request: ExchangeRequest, reply: ExchangeReply, batch: Batch) -> Outcome:
        """The verdicts with the first portion of the page, the cursor with the last. A full disk or
        a killed program leaves the old cursor: the page comes again, and what was taken in of it is
        known by its id. A line that trips the program is set aside, and its portion taken in anew.
        """
        outcome, lines = Outcome(), deque(reply.lines)
        aside: frozenset[str] = frozenset()
        verdicts: Batch | None = batch
        stranded = 0
        some = self._portions.next(lines)
        opened = self._opened(some)
        while True:
            began = self._monotonic()
            try:
                with self._store.write() as work:
                    if verdicts is not None:
                        stranded = queueing.settle(work, verdicts, reply, self._clock.now())
                    part = self._applier.page(
                        work, some, held=reply.held_by_province, aside=aside, opened=opened
                    )
                    if not lines:
                        self._close(work, request, reply)
                    part.changes += self._applier.take_late(work)
            except CannotApply as fault:
                aside |= {fault.name}
                continue
            self._portions.took(some, self._monotonic() - began)
            outcome.add(part)
            if part.changes.items:
                self._tell(part.changes)
            if not lines:
                outcome.stranded = stranded
                return outcome
            verdicts, some = None, self._portions.next(lines)
            opened = self._opened(some)
            self._stopping.wait(BREATH)

    def _opened(self, lines: Sequence[bytes]) -> Mapping[str, Opened]:
        """Reading what a line says takes a third of the time that laying it in takes, and needs
        nobody to wait.
        """
        if not lines:
            return {}
        with self._store.read() as work:
            return self._applier.open(work, lines)

    def _close(self, work: Work, request: ExchangeRequest, reply: ExchangeReply) -> None:
        """What is true only when the whole page is here."""
        if reply.held:
            work.operations.set_held(reply.held)
        if isinstance(request.buckets, Sequence):
            settle(work, reply.listed, request.buckets)
        if reply.epoch != request.epoch:
            work.settings.put(self._epoch, reply.epoch)
        if reply.cursor != request.cursor:
            work.settings.put(self._cursor, str(reply.cursor))
        if reply.stale:
            # The page of such an answer leaves nothing out, so the cursor may move with it.
            self._sealer.incarnation.renew(work)
