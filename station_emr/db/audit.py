"""The chain of who did what: each line carries the hash of everything before it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select, text

from station_emr.domain.user import Actor
from station_emr.services.views import AuditRow

from .codec import decode, encode, moment, offset_of, utc_text
from .models import AuditEntry, table_of

_LAST: Final = select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)
_APPEND: Final = insert(table_of(AuditEntry))
_CHAINED: Final = (
    "at_utc",
    "at_offset",
    "user_id",
    "user_name",
    "role",
    "device",
    "action",
    "kind",
    "record_id",
    "patient_id",
    "detail",
)


def chain_hash(prev_hash: str, seq: int, line: Mapping[str, Any]) -> str:
    """sha256 over the previous hash and the canonical JSON of this line."""
    canonical = encode([seq, *(line[name] for name in _CHAINED)])
    return hashlib.sha256((prev_hash + canonical).encode()).hexdigest()


class AuditRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(
        self,
        actor: Actor | None,
        action: str,
        at: datetime,
        *,
        kind: str = "",
        record_id: str = "",
        patient_id: str = "",
        detail: Mapping[str, str] | None = None,
    ) -> None:
        last = self._connection.execute(_LAST).one_or_none()
        seq, prev_hash = (1, "") if last is None else (last.seq + 1, last.hash)
        line: dict[str, Any] = {
            "at_utc": utc_text(at),
            "at_offset": offset_of(at),
            "user_id": actor.user.id if actor else "",
            "user_name": actor.user.full_name if actor else "",
            "role": actor.role.value if actor else "",
            "device": actor.device if actor else "",
            "action": action,
            "kind": str(kind),
            "record_id": record_id,
            "patient_id": patient_id,
            "detail": encode(dict(detail or {})),
        }
        self._connection.execute(
            _APPEND,
            {
                "seq": seq,
                "prev_hash": prev_hash,
                "hash": chain_hash(prev_hash, seq, line),
                **line,
            },
        )

    def rows(self, limit: int, before: int | None = None) -> tuple[AuditRow, ...]:
        query = select(AuditEntry.__table__).order_by(AuditEntry.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(AuditEntry.seq < before)
        return tuple(_audit_row(row) for row in self._connection.execute(query))

    def verify(self) -> int | None:
        prev_hash, expected = "", 1
        for row in self._connection.execute(
            select(AuditEntry.__table__).order_by(AuditEntry.seq)
        ).yield_per(1000):
            broken = (
                row.seq != expected
                or row.prev_hash != prev_hash
                or row.hash != chain_hash(prev_hash, row.seq, row._asdict())
            )
            if broken:
                return expected
            prev_hash, expected = row.hash, expected + 1
        # A chain cut at its end is whole in itself; SQLite's own counter remembers how long it was.
        counted = self._connection.execute(
            text("SELECT seq FROM sqlite_sequence WHERE name = 'audit_entry'")
        ).scalar_one_or_none()
        return expected if (counted or 0) >= expected else None


def _audit_row(row: Any) -> AuditRow:
    detail = decode(row.detail, dict[str, str])
    return AuditRow(
        seq=row.seq,
        at=moment(row.at_utc, row.at_offset),
        user_name=row.user_name,
        role=row.role,
        action=row.action,
        kind=row.kind,
        record_id=row.record_id,
        patient_id=row.patient_id,
        detail=", ".join(f"{key}: {value}" for key, value in detail.items()),
        hash=row.hash,
    )
