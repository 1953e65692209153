"""Rows of many new records, written together: the driver binds them one after another to statements
that were built once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, select

from station_emr.db.chunks import chunks
from station_emr.db.codec import digest, encode, offset_of, utc_text
from station_emr.db.models import RecordVersion, table_of
from station_emr.domain.operation import Operation, Origin
from station_emr.domain.record import Changed, RecordKind

from . import replicas


def _insert(table: Table, columns: Sequence[str]) -> str:
    marks = ", ".join("?" * len(columns))
    return f'INSERT INTO "{table.name}" ({", ".join(columns)}) VALUES ({marks})'  # noqa: S608  # names of the models


_VERSION: Final = tuple(column.name for column in table_of(RecordVersion).c if column.name != "seq")
_WRITE: Final = _insert(table_of(RecordVersion), _VERSION)


class FirstHeads:
    """What one head table is asked and given for records that nobody here may know."""

    def __init__(self, table: Table) -> None:
        self._columns = tuple(
            column.name for column in table.c if column.name not in {"row_id", "draft"}
        )
        self._insert = _insert(table, self._columns)
        self._known = select(table.c.id, table.c.version).where(
            table.c.id.in_(bindparam("ids", expanding=True))
        )

    def known(self, connection: Connection, record_ids: Iterable[str]) -> dict[str, int]:
        """The version that each of those that are here shows; 0 of a draft."""
        return {
            row.id: row.version
            for ids in chunks(record_ids)
            for row in connection.execute(self._known, {"ids": ids})
        }

    def write(self, connection: Connection, heads: Sequence[Mapping[str, Any]]) -> None:
        rows = [tuple(head.get(column) for column in self._columns) for head in heads]
        connection.exec_driver_sql(self._insert, rows)


def add(
    connection: Connection,
    kind: RecordKind,
    heads: FirstHeads,
    columns: Callable[[Any], Mapping[str, Any]],
    operations: Sequence[Operation],
) -> tuple[Changed, ...]:
    """Version and head of each. The versions come first, as every trigger demands."""
    changed = [Changed(kind, one.envelope.record_id, 1, one.envelope.status) for one in operations]
    connection.exec_driver_sql(_WRITE, [_version(one) for one in operations])
    heads.write(connection, [{**_head(one), **columns(one.record)} for one in operations])
    return tuple(changed)


def _head(operation: Operation) -> dict[str, Any]:
    envelope = operation.envelope
    return {
        "id": envelope.record_id,
        "version": 1,
        "status": envelope.status.value,
        "saved_utc": utc_text(envelope.at),
        "saved_offset": offset_of(envelope.at),
    }


def _version(operation: Operation) -> tuple[Any, ...]:
    envelope = operation.envelope
    content = encode(operation.record)
    row = {
        "kind": envelope.kind.value,
        "record_id": envelope.record_id,
        "version": 1,
        "status": envelope.status.value,
        "content": content,
        "content_sha256": digest(content),
        "author_id": envelope.author_id,
        "author_name": envelope.author_name,
        "at_utc": utc_text(envelope.at),
        "at_offset": offset_of(envelope.at),
        "reason": envelope.reason,
        "parents": "[]",
        "origin": Origin.REPLICA.value,
        "open_fields": replicas.as_list(envelope.open_fields),
        "device": envelope.device,
        "skew": envelope.skew,
        "restores": None,
    }
    return tuple(row[column] for column in _VERSION)
