"""Many rows in one statement.

SQLite takes rows one by one as fast as it can write them. With a server each row would be a message of
its own, and preparing it costs more than writing it: there they travel as one text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Insert, LargeBinary, Table, TextClause, insert, text
from sqlalchemy.orm import Session

from provincial_server import ready

_ENCODER = msgspec.json.Encoder()


def insert_many(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """All rows name the same columns."""
    if not rows:
        return
    if session.get_bind().dialect.name == "sqlite":
        ready.change_each(session, _one_by_one(table), rows)
        return
    statement = _at_once(table, tuple(rows[0]))
    ready.change(session, statement, {"rows": _ENCODER.encode(rows).decode()})


@cache
def _one_by_one(table: Table) -> Insert:
    return insert(table)


@cache
def _at_once(table: Table, names: tuple[str, ...]) -> TextClause:
    """Names and types are those of the table: nothing in the statement came from outside."""
    values, shapes = [], []
    for name in names:
        kind = table.c[name].type
        packed = isinstance(kind, LargeBinary)  # bytes stand in JSON as base64
        values.append(f"decode({name}, 'base64')" if packed else name)
        shapes.append(f"{name} {'text' if packed else kind.compile()}")
    return text(
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(values)} "  # noqa: S608 -- names of ours
        f"FROM json_to_recordset(CAST(:rows AS json)) AS rows({', '.join(shapes)})"
    )
