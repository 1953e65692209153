"""What the screens may know and ask about the link to the province."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from station_emr.domain.errors import NotFound
from station_emr.domain.permissions import Action, may
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import OutboxItem, SyncRun, SyncStatus
from station_emr.domain.user import Actor

from .guards import allow
from .ports import Clock, Store, Work
from .record_stores import record_store
from .refused_fields import RefusedField, Resources, field_of

_ON_THE_VISIT = (RecordKind.PRESCRIPTION, RecordKind.APPOINTMENT)


class SyncControl(Protocol):
    """The background engine as the rest of the program sees it."""

    def status(self) -> SyncStatus: ...
    def wake(self) -> None:
        """Try now; returns at once."""


class Synchronisation:
    def __init__(self, store: Store, clock: Clock, control: SyncControl) -> None:
        self._store = store
        self._clock = clock
        self._control = control

    def status(self) -> SyncStatus:
        """For the status line; anybody logged in may see it."""
        return self._control.status()

    def send_now(self, actor: Actor) -> None:
        allow(actor, Action.SYNC_RUN)
        self._control.wake()

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
            visit = ""
            if item.kind in _ON_THE_VISIT:
                found = record_store(work, item.kind).find(item.record_id)
                visit = found.record.encounter_id if found is not None else ""
        return RefusedField(encounter_id=visit, field=field)

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


def _sent(work: Work, item: OutboxItem) -> Resources:
    """The resources of what was refused; none when it was never sealed."""
    op_id = item.op_id or work.operations.op_id_of(item.kind, item.record_id, item.version)
    line = work.operations.line(op_id) if op_id else None
    if line is None:
        return ()
    found = json.loads(line).get("resources", ())
    return tuple(one for one in found if isinstance(one, dict))
