"""One line of the outbox: how it is written and read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import Connection, insert

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import OutboxItem, UnitState

from .codec import moment, stamp
from .models import OutboxEvent, table_of

_OPERATIONS: Final = uuid5(NAMESPACE_OID, "station-emr outbox")
_KINDS: Final = frozenset(kind.value for kind in RecordKind)

ENQUEUE: Final = insert(table_of(OutboxEvent))

ITEM: Final = (
    "o.seq, o.op_id, o.kind, o.record_id, o.version, o.status, o.patient_id, o.created_utc, "
    "o.created_offset, o.state, o.attempts, o.reason"
)


def event_id(kind: RecordKind, record_id: str, version: int) -> str:
    """What stands in ``op_id`` until the version is sealed: the same for the same version."""
    return str(uuid5(_OPERATIONS, f"{kind.value}/{record_id}/{version}"))


def enqueue(
    connection: Connection,
    kind: RecordKind,
    record_id: str,
    version: int,
    status: RecordStatus,
    patient_id: str,
    at: datetime,
) -> None:
    """Queue one written version, in the transaction that writes it."""
    connection.execute(
        ENQUEUE,
        {
            "op_id": event_id(kind, record_id, version),
            "kind": kind.value,
            "record_id": record_id,
            "version": version,
            "status": status.value,
            "patient_id": patient_id,
            **stamp("created", at),
        },
    )


def item(row: Any, *, op_id: str | None = None, size: int = 0) -> OutboxItem:
    """A row of ``ITEM``. A kept line may be of a kind this program does not know: such a one has
    version 0 and is sent as it is, so that any kind does; ``link`` is the one that goes last.
    """
    return OutboxItem(
        seq=row.seq,
        op_id=row.op_id if op_id is None else op_id,
        kind=RecordKind(row.kind) if row.kind in _KINDS else RecordKind.LINK,
        record_id=row.record_id,
        version=row.version,
        status=RecordStatus(row.status),
        patient_id=row.patient_id,
        created_at=moment(row.created_utc, row.created_offset),
        state=UnitState(row.state),
        attempts=row.attempts,
        reason=row.reason,
        size=size,
    )
