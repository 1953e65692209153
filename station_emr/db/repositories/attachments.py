"""Printed forms that follow their records to the province in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import Connection

from station_emr.db.codec import moment, stamp
from station_emr.db.statements import text
from station_emr.domain.record import RecordKind
from station_emr.services.sync_ports import Attachment, AttachmentState

_NAMES: Final = uuid5(NAMESPACE_OID, "station-emr attachment")
_COLUMNS: Final = (
    "id, kind, record_id, version, title, content_type, sha256, size, sent, state, created_utc, "
    "created_offset"
)


class AttachmentRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def queue(
        self,
        kind: RecordKind,
        record_id: str,
        version: int,
        at: datetime,
        *,
        title: str = "",
        content_type: str = "application/pdf",
    ) -> str:
        attachment_id = str(uuid5(_NAMES, f"{kind.value}/{record_id}/{version}"))
        self._connection.execute(
            text(
                "INSERT INTO attachment (id, kind, record_id, version, title, content_type, "
                "sha256, size, sent, created_utc, created_offset) VALUES (:id, :kind, :record, "
                ":version, :title, :type, '', 0, 0, :created_utc, :created_offset) "
                "ON CONFLICT (id) DO NOTHING"
            ),
            {
                "id": attachment_id,
                "kind": kind.value,
                "record": record_id,
                "version": version,
                "title": title,
                "type": content_type,
                **stamp("created", at),
            },
        )
        return attachment_id

    def due(self, limit: int) -> tuple[Attachment, ...]:
        rows = self._connection.execute(
            text(
                f"SELECT {_COLUMNS} FROM attachment WHERE state <> 'done' "  # noqa: S608  # fixed
                "ORDER BY created_utc, row_id LIMIT :limit"
            ),
            {"limit": limit},
        )
        return tuple(_attachment(row) for row in rows)

    def content(self, attachment_id: str) -> bytes | None:
        found: bytes | None = self._connection.execute(
            text("SELECT content FROM attachment WHERE id = :id"), {"id": attachment_id}
        ).scalar_one_or_none()
        return found

    def fill(self, attachment_id: str, content: bytes, sha256: str) -> None:
        self._connection.execute(
            text(
                "UPDATE attachment SET content = :content, sha256 = :sha256, size = :size, "
                "sent = 0, state = 'ready' WHERE id = :id AND state <> 'done'"
            ),
            {"id": attachment_id, "content": content, "sha256": sha256, "size": len(content)},
        )

    def progress(self, attachment_id: str, sent: int) -> None:
        self._connection.execute(
            text("UPDATE attachment SET sent = :sent WHERE id = :id AND state = 'ready'"),
            {"id": attachment_id, "sent": sent},
        )

    def done(self, attachment_id: str) -> None:
        self._connection.execute(
            text(
                "UPDATE attachment SET state = 'done', sent = size, content = NULL WHERE id = :id"
            ),
            {"id": attachment_id},
        )

    def drop(self, kind: RecordKind, record_id: str) -> None:
        self._connection.execute(
            text(
                "DELETE FROM attachment WHERE kind = :kind AND record_id = :record "
                "AND state <> 'done'"
            ),
            {"kind": kind.value, "record": record_id},
        )

    def offer_signed(self, kind: RecordKind, record_id: str, version: int) -> None:
        self._connection.execute(
            text(
                "UPDATE attachment SET state = 'empty', sent = 0, size = 0, content = NULL "
                "WHERE kind = :kind AND record_id = :record AND version = :version"
            ),
            {"kind": kind.value, "record": record_id, "version": version},
        )

    def offer_again(self, since: datetime) -> int:
        changed = self._connection.execute(
            text(
                "UPDATE attachment SET state = 'empty', sent = 0, size = 0 "
                "WHERE state = 'done' AND created_utc >= :created_utc"
            ),
            {"created_utc": stamp("created", since)["created_utc"]},
        )
        return changed.rowcount

    def confirmed(self, since: datetime) -> tuple[Attachment, ...]:
        rows = self._connection.execute(
            text(
                f"SELECT {_COLUMNS} FROM attachment WHERE state = 'done' "  # noqa: S608  # fixed
                "AND created_utc >= :created_utc ORDER BY row_id"
            ),
            {"created_utc": stamp("created", since)["created_utc"]},
        )
        return tuple(_attachment(row) for row in rows)

    def offer_these(self, ids: Iterable[str]) -> None:
        for one in ids:
            self._connection.execute(
                text(
                    "UPDATE attachment SET state = 'empty', sent = 0, size = 0 "
                    "WHERE state = 'done' AND id = :id"
                ),
                {"id": one},
            )

    def counts(self) -> tuple[int, int]:
        row = self._connection.execute(
            text(
                "SELECT count(*), coalesce(sum(size - sent), 0) FROM attachment "
                "WHERE state <> 'done'"
            )
        ).one()
        return row[0], row[1]


def _attachment(row: Any) -> Attachment:
    return Attachment(
        id=row.id,
        kind=RecordKind(row.kind),
        record_id=row.record_id,
        version=row.version,
        title=row.title,
        content_type=row.content_type,
        sha256=row.sha256,
        size=row.size,
        sent=row.sent,
        state=AttachmentState(row.state),
        created_at=moment(row.created_utc, row.created_offset),
    )
