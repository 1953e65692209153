"""What a whole export reads beside the versions: records as they stand, drafts, signed documents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection

from station_emr.db.codec import decode, utc_text
from station_emr.db.statements import text
from station_emr.domain.record import RecordKind
from station_emr.services.export_ports import BookLine, DraftRecord, StandingRecord

from .export_books import read_books
from .histories import KINDS

_VISITS: Final = text(
    "SELECT id FROM encounter WHERE version > 0 AND status IN ('signed', 'amended') "
    "AND arrived_utc >= :since AND arrived_utc < :until ORDER BY arrived_utc, id"
)
_STANDING: Final = """
SELECT h.id, h.status, v.content FROM "{table}" AS h
JOIN record_version AS v ON v.kind = :kind AND v.record_id = h.id AND v.version = h.version
WHERE h.version > 0 ORDER BY h.id
"""
_DRAFTS: Final = 'SELECT id, draft FROM "{table}" WHERE draft IS NOT NULL ORDER BY id'
_DOCUMENTS: Final = text(
    "SELECT signature_id, media_type, content FROM signed_document ORDER BY signature_id"
)
_LATER: Final = frozenset({RecordKind.SIGNATURE})  # nothing of it is ever a draft


class ExportRepository:
    """Implements :class:`station_emr.services.export_ports.ExportSource`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def visits(self, since: datetime, until: datetime) -> tuple[str, ...]:
        rows = self._connection.execute(
            _VISITS, {"since": utc_text(since), "until": utc_text(until)}
        )
        return tuple(row.id for row in rows)

    def standing(self) -> Iterator[StandingRecord]:
        for one in KINDS:
            statement = text(_STANDING.format(table=one.head.__tablename__))
            for row in self._connection.execute(statement, {"kind": one.kind.value}):
                try:
                    record = decode(row.content, one.record_type)
                except msgspec.DecodeError:
                    record = None
                yield StandingRecord(
                    kind=one.kind, record_id=row.id, status=row.status, record=record
                )

    def drafts(self) -> Iterator[DraftRecord]:
        for one in KINDS:
            if one.kind in _LATER:
                continue
            statement = text(_DRAFTS.format(table=one.head.__tablename__))
            for row in self._connection.execute(statement):
                yield DraftRecord(kind=one.kind, record_id=row.id, content=row.draft)

    def documents(self) -> Iterator[tuple[str, str, bytes]]:
        for row in self._connection.execute(_DOCUMENTS):
            yield row.signature_id, row.media_type, row.content

    def books(self) -> Iterator[BookLine]:
        return read_books(self._connection)
