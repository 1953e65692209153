"""What waits for the province, in the order it must arrive, acknowledged by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import Connection, insert, select, text

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import OutboxItem, SyncRun, UnitState

from .codec import moment, offset_of, stamp, utc_text
from .models import OutboxEvent, SyncedResource, SyncRunRow, table_of

_OPERATIONS: Final = uuid5(NAMESPACE_OID, "station-emr outbox")

_ENQUEUE: Final = insert(table_of(OutboxEvent))

# The newest event of each record decides; older ones are covered by it.
_NEWEST: Final = """
WITH newest AS (
  SELECT kind, record_id, max(seq) AS seq, min(seq) AS first_seq
  FROM outbox GROUP BY kind, record_id
)
"""
_ITEM: Final = (
    "o.seq, o.op_id, o.kind, o.record_id, o.version, o.status, o.patient_id, o.created_utc, "
    "o.created_offset, o.state, o.attempts, o.reason"
)
# Staff and the station are referenced by everything. A person with a waiting referral comes next,
# and within that person the letter comes after what it refers to.
_WAITING: Final = f"""
{_NEWEST}, urgent AS (
  SELECT o.patient_id, min(n.first_seq) AS first_seq
  FROM newest AS n JOIN outbox AS o ON o.seq = n.seq
  WHERE o.kind = 'referral' AND o.state = 'waiting' GROUP BY o.patient_id
)
SELECT {_ITEM}
FROM newest AS n JOIN outbox AS o ON o.seq = n.seq
LEFT JOIN urgent AS u ON u.patient_id = o.patient_id AND o.patient_id <> ''
WHERE o.state = 'waiting'
ORDER BY
  CASE o.kind WHEN 'facility' THEN 0 WHEN 'practitioner' THEN 1 ELSE 2 END,
  u.first_seq IS NULL,
  u.first_seq,
  CASE WHEN u.first_seq IS NULL THEN 0 ELSE
    CASE o.kind WHEN 'patient' THEN 0 WHEN 'encounter' THEN 1 WHEN 'prescription' THEN 2
      WHEN 'referral' THEN 3 ELSE 4 END END,
  n.first_seq
LIMIT :limit
"""  # noqa: S608  # fixed texts only
_BY_STATE: Final = (
    f"{_NEWEST} SELECT {_ITEM} FROM newest AS n JOIN outbox AS o ON o.seq = n.seq "  # noqa: S608
    "WHERE o.state = :state ORDER BY o.seq"
)
_COUNT: Final = (
    f"{_NEWEST} SELECT count(*) FROM newest AS n JOIN outbox AS o ON o.seq = n.seq "  # noqa: S608
    "WHERE o.state = :state"
)
_KIND_ORDER: Final = (
    RecordKind.FACILITY,
    RecordKind.PRACTITIONER,
    RecordKind.PATIENT,
    RecordKind.ENCOUNTER,
    RecordKind.PRESCRIPTION,
    RecordKind.REFERRAL,
    RecordKind.APPOINTMENT,
)


def operation_id(kind: RecordKind, record_id: str, version: int) -> str:
    """The same version always travels under the same operation id, so a replay is harmless."""
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
        _ENQUEUE,
        {
            "op_id": operation_id(kind, record_id, version),
            "kind": kind.value,
            "record_id": record_id,
            "version": version,
            "status": status.value,
            "patient_id": patient_id,
            **stamp("created", at),
        },
    )


def _item(row: Any) -> OutboxItem:
    return OutboxItem(
        seq=row.seq,
        op_id=row.op_id,
        kind=RecordKind(row.kind),
        record_id=row.record_id,
        version=row.version,
        status=RecordStatus(row.status),
        patient_id=row.patient_id,
        created_at=moment(row.created_utc, row.created_offset),
        state=UnitState(row.state),
        attempts=row.attempts,
        reason=row.reason,
    )


class OutboxRepository:
    """The queue, the server's answers and the evidence of each attempt."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def waiting(self, limit: int) -> tuple[OutboxItem, ...]:
        rows = self._connection.execute(text(_WAITING), {"limit": limit})
        return tuple(_item(row) for row in rows)

    def quarantined(self) -> tuple[OutboxItem, ...]:
        rows = self._connection.execute(text(_BY_STATE), {"state": UnitState.QUARANTINED.value})
        return tuple(_item(row) for row in rows)

    def count(self, state: UnitState) -> int:
        """Records whose newest event is in ``state``."""
        found: int = self._connection.execute(text(_COUNT), {"state": state.value}).scalar_one()
        return found

    def acknowledge(self, item: OutboxItem, etags: Mapping[str, str], at: datetime) -> None:
        record = {"kind": item.kind.value, "id": item.record_id}
        self._connection.execute(
            text("DELETE FROM outbox WHERE kind = :kind AND record_id = :id AND seq <= :seq"),
            {**record, "seq": item.seq},
        )
        self._connection.execute(
            text(
                "INSERT INTO synced_record (kind, record_id, version, at_utc, at_offset) "
                "VALUES (:kind, :id, :version, :utc, :offset) "
                "ON CONFLICT (kind, record_id) DO UPDATE SET version = excluded.version, "
                "at_utc = excluded.at_utc, at_offset = excluded.at_offset "
                "WHERE excluded.version >= version"
            ),
            {**record, "version": item.version, "utc": utc_text(at), "offset": offset_of(at)},
        )
        if etags:
            self._connection.execute(
                text(
                    "INSERT INTO synced_resource (record_id, resource, etag) "
                    "VALUES (:id, :resource, :etag) "
                    "ON CONFLICT (record_id, resource) DO UPDATE SET etag = excluded.etag"
                ),
                [
                    {"id": item.record_id, "resource": resource, "etag": etag}
                    for resource, etag in etags.items()
                ],
            )

    def quarantine(self, item: OutboxItem, reason: str, at: datetime) -> None:
        del at  # the audit line of the caller holds the moment
        self._connection.execute(
            text(
                "UPDATE outbox SET state = 'quarantined', reason = :reason "
                "WHERE kind = :kind AND record_id = :id AND seq <= :seq"
            ),
            {
                "reason": reason,
                "kind": item.kind.value,
                "id": item.record_id,
                "seq": item.seq,
            },
        )

    def release_quarantined(self) -> int:
        released = len(self.quarantined())
        self._connection.execute(
            text(
                "UPDATE outbox SET state = 'waiting', reason = '', attempts = 0 "
                "WHERE state = 'quarantined'"
            )
        )
        return released

    def count_attempt(self, items: Sequence[OutboxItem]) -> None:
        if items:
            self._connection.execute(
                text("UPDATE outbox SET attempts = attempts + 1 WHERE seq = :seq"),
                [{"seq": item.seq} for item in items],
            )

    def oldest_waiting_at(self) -> datetime | None:
        row = self._connection.execute(
            text(
                "SELECT created_utc, created_offset FROM outbox WHERE state = 'waiting' "
                "ORDER BY created_utc LIMIT 1"
            )
        ).one_or_none()
        return None if row is None else moment(row[0], row[1])

    def requeue_all(self) -> int:
        return self._requeue("", "")

    def requeue_person(self, patient_id: str) -> int:
        return self._requeue(" AND patient_id IN ('', :patient)", patient_id)

    def _requeue(self, which: str, patient_id: str) -> int:
        queued = 0
        for kind in _KIND_ORDER:
            rows = self._connection.execute(
                text(f"SELECT * FROM ({_current_sql(kind)}) WHERE true{which} ORDER BY row_id"),  # noqa: S608  # fixed texts only
                {"kind": kind.value, "patient": patient_id},
            ).all()
            queued += len(rows)
            if rows:
                self._connection.execute(
                    _ENQUEUE,
                    [
                        {
                            "op_id": operation_id(kind, row.id, row.version),
                            "kind": kind.value,
                            "record_id": row.id,
                            "version": row.version,
                            "status": row.status,
                            "patient_id": row.patient_id,
                            "created_utc": row.saved_utc,
                            "created_offset": row.saved_offset,
                        }
                        for row in rows
                    ],
                )
        return queued

    def etags(self, record_id: str) -> Mapping[str, str]:
        rows = self._connection.execute(
            select(SyncedResource.resource, SyncedResource.etag).where(
                SyncedResource.record_id == record_id
            )
        )
        return {row.resource: row.etag for row in rows}

    def add_run(self, run: SyncRun) -> None:
        self._connection.execute(
            insert(SyncRunRow).values(
                outcome=run.outcome,
                sent=run.sent,
                changed=run.changed,
                quarantined=run.quarantined,
                bytes_up=run.bytes_up,
                bytes_down=run.bytes_down,
                detail=run.detail,
                verified=int(run.verified),
                **stamp("started", run.started_at),
                **stamp("ended", run.ended_at),
            )
        )

    def runs(self, limit: int) -> tuple[SyncRun, ...]:
        rows = self._connection.execute(
            select(SyncRunRow.__table__).order_by(SyncRunRow.seq.desc()).limit(limit)
        )
        return tuple(
            SyncRun(
                started_at=moment(row.started_utc, row.started_offset),
                ended_at=moment(row.ended_utc, row.ended_offset),
                outcome=row.outcome,
                sent=row.sent,
                changed=row.changed,
                quarantined=row.quarantined,
                bytes_up=row.bytes_up,
                bytes_down=row.bytes_down,
                detail=row.detail,
                verified=bool(row.verified),
            )
            for row in rows
        )


_TABLES: Final = {RecordKind.PRACTITIONER: "user"}


def _current_sql(kind: RecordKind) -> str:
    """Signed records of a kind whose current version is not queued already."""
    table = _TABLES.get(kind, kind.value)
    patient = {
        RecordKind.FACILITY: "''",
        RecordKind.PRACTITIONER: "''",
        RecordKind.PATIENT: "h.id",
    }.get(kind, "h.patient_id")
    return (
        f"SELECT h.row_id, h.id, h.version, h.status, {patient} AS patient_id, h.saved_utc, h.saved_offset "  # noqa: S608  # fixed names only
        f'FROM "{table}" AS h WHERE h.version > 0 AND NOT EXISTS (SELECT 1 FROM outbox AS o '
        "WHERE o.kind = :kind AND o.record_id = h.id AND o.version = h.version)"
    )
