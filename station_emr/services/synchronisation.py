"""What the screens may know and ask about the link to the province."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from station_emr.domain.errors import NotFound
from station_emr.domain.outages import LineHistory, line_history
from station_emr.domain.permissions import Action, may
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import OutboxItem, SyncRun, SyncStatus
from station_emr.domain.user import Actor

from .guards import allow
from .ports import Clock, Store, Work
from .record_stores import record_store
from .refused_fields import RefusedField, Resources, field_of

_ON_THE_VISIT = (RecordKind.PRESCRIPTION, RecordKind.APPOINTMENT, RecordKind.CERTIFICATE)


class SyncControl(Protocol):
    """The background engine as the rest of the program sees it."""

    def status(self) -> SyncStatus: ...
    def wake(self) -> datetime | None:
        """Try now; returns at once: when that will be, None where nothing stands in the way."""


class Synchronisation:
    def __init__(self, store: Store, clock: Clock, control: SyncControl) -> None:
        self._store = store
        self._clock = clock
        self._control = control

    def status(self) -> SyncStatus:
        """For the status line; anybody logged in may see it."""
        return self._control.status()

    def send_now(self, actor: Actor) -> datetime | None:
        """When the next try is, where the server asked to be left alone; None: at once."""
        allow(actor, Action.SYNC_RUN)
        return self._control.wake()

    def waiting(self, actor: Actor, limit: int = 200) -> tuple[OutboxItem, ...]:
        allow(actor, Action.SYNC_VIEW)
        with self._store.read() as work:
            return work.outbox.waiting(limit)

    def names(self, actor: Actor, patient_ids: Iterable[str]) -> dict[str, str]:
        """Whose these records are; empty for those who may see no patients."""
        if not may(actor.role, Action.PATIENT_VIEW):
            return {}
        found = {}
        with self._store.read() as work:
            for patient_id in patient_ids:
                with suppress(NotFound):  # a visit whose person has not arrived yet
                    found[patient_id] = work.patients.row(patient_id).full_name
        return found

    def quarantined(self, actor: Actor) -> tuple[OutboxItem, ...]:
        allow(actor, Action.SYNC_VIEW)
        with self._store.read() as work:
            return work.outbox.quarantined()

    def refused_field(self, actor: Actor, item: OutboxItem) -> RefusedField:
        """Which page and which field the refusal of a record is about; nothing is logged, because
        nothing of the record is shown.
        """
        allow(actor, Action.SYNC_VIEW)
        with self._store.read() as work:
            field = field_of(item.kind, item.record_id, item.reason, _sent(work, item))
            about = _about(work, item.kind, item.record_id)
            visit = _visit_of(work, *(about or (item.kind, item.record_id)))
        return RefusedField(encounter_id=visit, field=field, about=about)

    def retry_quarantined(self, actor: Actor) -> int:
        allow(actor, Action.SYNC_RUN)
        with self._store.write() as work:
            count = work.outbox.release_quarantined()
        self._control.wake()
        return count

    def requeue_all(self, actor: Actor) -> int:
        """Send everything signed again, as when the province went back to a backup of its own.

        For those in charge: it may take a slow line for hours. What the province has already is
        recognised by its operation id, so nothing is doubled. Gives how many records were queued.
        """
        allow(actor, Action.SETTINGS_EDIT)
        allow(actor, Action.SYNC_RUN)
        with self._store.write() as work:
            count = work.outbox.requeue_all()
            work.audit.append(
                actor, "sync.requeue_all", self._clock.now(), detail={"count": str(count)}
            )
        self._control.wake()
        return count

    def runs(self, actor: Actor, limit: int = 100) -> tuple[SyncRun, ...]:
        allow(actor, Action.SYNC_VIEW)
        with self._store.read() as work:
            return work.outbox.runs(limit)

    def line_history(self, actor: Actor) -> LineHistory:
        """When nothing could be sent, as far back as runs are kept; evidence, so never cut short."""
        allow(actor, Action.SYNC_VIEW)
        with self._store.read() as work:
            runs = work.outbox.line_runs()
        return line_history(runs)


def _about(work: Work, kind: RecordKind, record_id: str) -> tuple[RecordKind, str] | None:
    """The record on whose page one of that kind is shown; None where it has a page of its own."""
    if kind is RecordKind.FEEDBACK:
        answer = work.feedback.find(record_id)
        return (RecordKind.REFERRAL, answer.record.referral_id) if answer is not None else None
    if kind is RecordKind.SIGNATURE:
        signature = work.signatures.find(record_id)
        if signature is None:
            return None
        return signature.record.target_kind, signature.record.target_id
    if kind is RecordKind.STANDING:
        standing = work.standings.find(record_id)
        return (RecordKind.PRACTITIONER, standing.record.user_id) if standing is not None else None
    return None


def _visit_of(work: Work, kind: RecordKind, record_id: str) -> str:
    if kind not in _ON_THE_VISIT:
        return ""
    found = record_store(work, kind).find(record_id)
    return found.record.encounter_id if found is not None else ""


def _sent(work: Work, item: OutboxItem) -> Resources:
    """The resources of what was refused; none when it was never sealed."""
    op_id = item.op_id or work.operations.op_id_of(item.kind, item.record_id, item.version)
    line = work.operations.line(op_id) if op_id else None
    if line is None:
        return ()
    found = json.loads(line).get("resources", ())
    return tuple(one for one in found if isinstance(one, dict))
