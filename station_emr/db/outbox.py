"""What waits for the province, in the order it must arrive, acknowledged by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select

from station_emr.domain.outages import EARLIEST_RUN, LineRun
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import OutboxItem, SyncRun, UnitState

from .codec import moment, stamp, utc_text
from .exchange_queue import ExchangeQueue, note_synced
from .models import SyncedResource, SyncRunRow
from .outbox_events import ENQUEUE, ITEM, event_id
from .outbox_events import item as read_item
from .overtaken import OvertakenEvents
from .statements import text

# The newest event of each record decides; older ones are covered by it. An event of version 0 is
# a kept line without a version here: it stands for itself, and only an exchange can carry it.
_NEWEST: Final = """
WITH newest AS (
  SELECT kind, record_id, max(seq) AS seq, min(seq) AS first_seq
  FROM outbox WHERE version > 0 GROUP BY kind, record_id
)
"""
# Staff and the station are referenced by everything. A person with a waiting referral comes next,
# and within that person the letter comes after what it refers to.
_WAITING: Final = f"""
{_NEWEST}, urgent AS (
  SELECT o.patient_id, min(n.first_seq) AS first_seq
  FROM newest AS n JOIN outbox AS o ON o.seq = n.seq
  WHERE o.kind = 'referral' AND o.state = 'waiting' GROUP BY o.patient_id
)
SELECT {ITEM}
FROM newest AS n JOIN outbox AS o ON o.seq = n.seq
LEFT JOIN urgent AS u ON u.patient_id = o.patient_id AND o.patient_id <> ''
WHERE o.state = 'waiting'
ORDER BY
  CASE o.kind WHEN 'facility' THEN 0 WHEN 'practitioner' THEN 1 WHEN 'rights' THEN 1
    WHEN 'standing' THEN 1 WHEN 'link' THEN 3 ELSE 2 END,
  u.first_seq IS NULL,
  u.first_seq,
  CASE WHEN u.first_seq IS NULL THEN 0 ELSE
    CASE o.kind WHEN 'patient' THEN 0 WHEN 'encounter' THEN 1 WHEN 'prescription' THEN 2
      WHEN 'referral' THEN 3 ELSE 4 END END,
  n.first_seq
LIMIT :limit
"""  # noqa: S608  # fixed texts only
_SIZE: Final = text(
    "SELECT coalesce(max(length(CAST(content AS BLOB))), 0) FROM record_version "
    "WHERE kind = :kind AND record_id = :id AND version = :version"
)
_BY_STATE: Final = (
    f"{_NEWEST} SELECT {ITEM} FROM outbox AS o WHERE o.state = :state "  # noqa: S608
    "AND (o.version = 0 OR o.seq IN (SELECT seq FROM newest)) ORDER BY o.seq"
)
_COUNT: Final = (
    f"{_NEWEST} SELECT count(*) FROM outbox AS o WHERE o.state = :state "  # noqa: S608
    "AND (o.version = 0 OR o.seq IN (SELECT seq FROM newest))"
)
# One step into the index for each, however long the history is.
_AWAY_SINCE: Final = text(
    "SELECT started_utc, started_offset FROM sync_run WHERE outcome = 'offline' AND seq > max("
    "coalesce((SELECT max(seq) FROM sync_run WHERE outcome = 'complete'), 0), "
    "coalesce((SELECT max(seq) FROM sync_run WHERE outcome = 'partial'), 0), "
    "coalesce((SELECT max(seq) FROM sync_run WHERE outcome = 'refused'), 0), "
    "coalesce((SELECT seq FROM sync_run WHERE outcome = 'waiting' AND bytes_down > 0 "
    "ORDER BY seq DESC LIMIT 1), 0)) AND started_utc >= :earliest ORDER BY seq LIMIT 1"
)
_LINE_RUNS: Final = text(
    "SELECT started_utc, started_offset, outcome, bytes_down > 0 FROM sync_run ORDER BY seq"
)
_KIND_ORDER: Final = (
    RecordKind.FACILITY,
    RecordKind.PRACTITIONER,
    RecordKind.RIGHTS,
    RecordKind.STANDING,
    RecordKind.PATIENT,
    RecordKind.ENCOUNTER,
    RecordKind.PRESCRIPTION,
    RecordKind.REFERRAL,
    RecordKind.APPOINTMENT,
    RecordKind.LINK,
    RecordKind.FEEDBACK,
    RecordKind.SIGNATURE,
    RecordKind.CONSENT,
    RecordKind.CERTIFICATE,
    RecordKind.NOTIFICATION,
    RecordKind.BILL,
    RecordKind.REQUEST,
    RecordKind.BREACH,
)


class OutboxRepository(ExchangeQueue, OvertakenEvents):
    """The queue, the server's answers and the evidence of each attempt."""

    def waiting(self, limit: int) -> tuple[OutboxItem, ...]:
        rows = self._connection.execute(text(_WAITING), {"limit": limit}).all()
        return tuple(replace(read_item(row), size=self._size(row)) for row in rows)

    def _size(self, row: Any) -> int:
        """Bytes of the version as it is kept here; what travels is packed and smaller."""
        of = {"kind": row.kind, "id": row.record_id, "version": row.version}
        found: int = self._connection.execute(_SIZE, of).scalar_one()
        return found

    def quarantined(self) -> tuple[OutboxItem, ...]:
        rows = self._connection.execute(text(_BY_STATE), {"state": UnitState.QUARANTINED.value})
        return tuple(read_item(row) for row in rows)

    def count(self, state: UnitState) -> int:
        """Records whose newest event is in ``state``."""
        found: int = self._connection.execute(text(_COUNT), {"state": state.value}).scalar_one()
        return found

    def acknowledge(self, item: OutboxItem, etags: Mapping[str, str], at: datetime) -> None:
        self._connection.execute(
            text(
                "DELETE FROM outbox WHERE kind = :kind AND record_id = :id AND seq <= :seq "
                "AND version > 0"
            ),
            {"kind": item.kind.value, "id": item.record_id, "seq": item.seq},
        )
        note_synced(self._connection, item.kind, item.record_id, item.version, at)
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

    def quarantine(
        self, item: OutboxItem, reason: str, at: datetime, *, alone: bool = False
    ) -> None:
        del at  # the audit line of the caller holds the moment
        self._connection.execute(
            text(
                "UPDATE outbox SET state = 'quarantined', reason = :reason "
                "WHERE seq = :seq OR (:version > 0 AND version > 0 AND kind = :kind "
                "AND record_id = :id AND seq <= :seq)"
            ),
            {
                "reason": reason,
                "kind": item.kind.value,
                "id": item.record_id,
                "version": 0 if alone else item.version,
                "seq": item.seq,
            },
        )

    def count_attempt(self, items: Sequence[OutboxItem]) -> None:
        if items:
            self._connection.execute(
                text("UPDATE outbox SET attempts = attempts + 1 WHERE seq = :seq"),
                [{"seq": item.seq} for item in items],
            )

    def oldest_waiting_at(self, since: datetime | None = None) -> datetime | None:
        row = self._connection.execute(
            text(
                "SELECT created_utc, created_offset FROM outbox WHERE state = 'waiting' "
                "AND created_utc >= :since ORDER BY created_utc LIMIT 1"
            ),
            {"since": utc_text(since) if since is not None else ""},
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
                    ENQUEUE,
                    [
                        {
                            "op_id": row.sealed or event_id(kind, row.id, row.version),
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
        newest_first = select(SyncRunRow.__table__).order_by(SyncRunRow.seq.desc())
        return tuple(map(_run, self._connection.execute(newest_first.limit(limit))))

    def last_complete(self) -> SyncRun | None:
        newest_first = select(SyncRunRow.__table__).order_by(SyncRunRow.seq.desc())
        row = self._connection.execute(
            newest_first.where(SyncRunRow.outcome == "complete").limit(1)
        ).one_or_none()
        return None if row is None else _run(row)

    def away_since(self) -> datetime | None:
        row = self._connection.execute(
            _AWAY_SINCE, {"earliest": utc_text(EARLIEST_RUN)}
        ).one_or_none()
        return None if row is None else moment(row[0], row[1])

    def line_runs(self) -> tuple[LineRun, ...]:
        return tuple(
            LineRun(moment(utc, offset), outcome, bool(answered))
            for utc, offset, outcome, answered in self._connection.execute(_LINE_RUNS)
        )


def _run(row: Any) -> SyncRun:
    return SyncRun(
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


_TABLES: Final = {RecordKind.PRACTITIONER: "user"}


def _current_sql(kind: RecordKind) -> str:
    """Signed records of a kind whose current version is not queued already."""
    table = _TABLES.get(kind, kind.value)
    patient = {
        RecordKind.FACILITY: "''",
        RecordKind.BREACH: "''",
        RecordKind.PRACTITIONER: "''",
        RecordKind.RIGHTS: "''",
        RecordKind.STANDING: "''",
        RecordKind.PATIENT: "h.id",
        RecordKind.LINK: "h.survivor_id",
    }.get(kind, "h.patient_id")
    return (
        f"SELECT h.row_id, h.id, h.version, h.status, {patient} AS patient_id, h.saved_utc, h.saved_offset, "  # noqa: S608  # fixed names only
        "(SELECT w.op_id FROM operation AS w WHERE w.kind = :kind AND w.record_id = h.id "
        "AND w.version = h.version AND w.version > 0) AS sealed "
        f'FROM "{table}" AS h WHERE h.version > 0 AND NOT EXISTS (SELECT 1 FROM outbox AS o '
        "WHERE o.kind = :kind AND o.record_id = h.id AND o.version = h.version)"
    )
