"""The plain way: one transaction of FHIR resources per record, for servers without the exchange."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from station_emr.domain.record import RecordStatus
from station_emr.domain.sync import OutboxItem, UnitState
from station_emr.services.ports import Store

from .conflicts import CONFLICT, Unsettled, forget, remember, settle
from .loading import Loaded, load, newest_version
from .peer import Busy, Peer, Refused, Verdict, VerdictKind
from .plain_pull import PlainPull
from .running import CANNOT_BUILD, OUR_FAULTS, Progress, Run
from .unit import BuildUnit, Resource, Unit

_log = logging.getLogger(__name__)

_TWO_IN_A_ROW: Final = 2
_FRESH: Final = timedelta(seconds=5)


class PlainSender:
    """Carries the outbox to a FHIR server, the newest version of each record only."""

    def __init__(
        self,
        store: Store,
        build_unit: BuildUnit,
        *,
        batch: int,
        now: Callable[[], datetime],
        progress: Callable[[Progress], None],
        stopping: threading.Event,
        pull: PlainPull | None = None,
    ) -> None:
        self._store = store
        self._build = build_unit
        self._batch = batch
        self._now = now
        self._progress = progress
        self._stopping = stopping
        self._pull = pull
        self._offered: set[str] = set()

    def send_all(self, peer: Peer, run: Run) -> None:
        if self._pull is not None:
            self._pull.run(run)  # first, so that what is sent is built on what others wrote
        limit, stays = self._batch, peer.stays
        with self._store.read() as work:
            run.total = work.outbox.count(UnitState.WAITING)
        while not self._stopping.is_set():
            with self._store.read() as work:
                items = work.outbox.waiting(limit)
            fresh = [
                item
                for item in items
                if (item.record_id, item.seq) not in run.tried and item.kind not in stays
            ]
            if not fresh and len(items) == limit:
                limit *= 2  # what stands at the head cannot go now; look behind it
                continue
            if not fresh:
                break
            self._send_pass(peer, run, fresh)
        if run.tried <= run.waiting_for_parent and not self._stopping.is_set():
            peer.probe()

    def _send_pass(self, peer: Peer, run: Run, items: list[OutboxItem]) -> None:
        sent_before = run.sent
        began = self._now()
        for item in items:
            run.tried.add((item.record_id, item.seq))
            self._send_item(peer, run, item)
            done = len(run.tried) - len(run.waiting_for_parent)
            self._progress(Progress(done, max(done, run.total), item.kind))
            if self._stopping.is_set() or abs(self._now() - began) > _FRESH:
                break  # on a slow line a new referral must not wait behind an old list
        if run.sent > sent_before:
            # A parent may have arrived behind its child.
            run.tried -= run.waiting_for_parent
            run.waiting_for_parent.clear()

    def _send_item(self, peer: Peer, run: Run, item: OutboxItem) -> None:
        try:
            with self._store.read() as work:
                loaded = load(work, item)
            if not loaded.parents_held:
                run.waiting_for_parent.add((item.record_id, item.seq))
                return
            resources = self._build(item.kind, loaded.record, item.status, loaded.earlier)
            if self._pull is not None:
                with self._store.read() as work:
                    resources = self._pull.dress(work, item, resources)
        except OUR_FAULTS as error:
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

    def _apply(self, run: Run, item: OutboxItem, unit: Unit, verdict: Verdict) -> None:
        kind = verdict.kind
        if kind is VerdictKind.ACCEPTED:
            with self._store.write() as work:
                work.outbox.acknowledge(item, {**unit.etags, **verdict.etags}, self._now())
                forget(work, item)
            run.sent += 1
            run.changed += verdict.changed
            run.failed_in_a_row = 0
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

    def _offer_again(self, run: Run, item: OutboxItem) -> None:
        """The server lost what it had acknowledged, so it was restored from a backup: everything of
        this person goes once more, before the item itself. Once per start of the program.
        """
        if item.patient_id not in self._offered:
            self._offered.add(item.patient_id)
            with self._store.write() as work:
                work.outbox.requeue_person(item.patient_id)
            run.waiting_for_parent.add((item.record_id, item.seq))

    def _hold(self, run: Run, item: OutboxItem, verdict: Verdict) -> None:
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
        self, run: Run, item: OutboxItem, reason: str, conflict: Unsettled | None = None
    ) -> None:
        with self._store.write() as work:
            work.outbox.quarantine(item, reason, self._now())
            if conflict is not None:
                remember(work, item, conflict.etags, newest_version(work, item))
        run.quarantined += 1
        run.failed_in_a_row = 0
