"""The graph of a record's versions: what each was written on, where, and by which machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, bindparam
from sqlalchemy.exc import IntegrityError

from station_emr.db.codec import decode, encode, moment
from station_emr.db.lines import unpack
from station_emr.db.statements import text
from station_emr.domain.operation import Origin, VersionNode
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.services.sync_ports import REFUSED, REFUSED_OPERATION, SEALED_ON_OTHERS


class _Based(msgspec.Struct):
    base: tuple[str, ...] = ()


_based = msgspec.json.Decoder(_Based)
_HERE: Final = "written here"  # the key of what a transaction knows of this machine

_STATION: Final = """
SELECT
  (SELECT json_extract(v.content, '$.device_name') FROM setting AS s
     JOIN facility AS f ON f.id = s.value
     JOIN record_version AS v ON v.kind = 'facility' AND v.record_id = f.id
       AND v.version = f.version
     WHERE s.key = 'station.facility_id'),
  (SELECT value FROM setting WHERE key = 'sync.clock_skew_seconds')
"""
_COLUMNS: Final = f"""
SELECT v.version, v.status, v.parents, v.origin, v.author_id, v.author_name, v.at_utc, v.at_offset,
  v.reason, v.device, v.skew, v.open_fields, coalesce(o.op_id, '') AS op_id,
  coalesce(o.held, 1) = 0 AND EXISTS (
    SELECT 1 FROM setting WHERE key = '{REFUSED_OPERATION}' || o.op_id AND value = '{REFUSED}') AS refused"""  # noqa: S608  # fixed names
_ROWS: Final = """
FROM record_version AS v
LEFT JOIN operation AS o ON o.kind = v.kind AND o.record_id = v.record_id
  AND o.version = v.version AND o.version > 0
WHERE v.kind = :kind AND v.record_id"""
_NODES: Final = f"{_COLUMNS} {_ROWS} = :id"
_FIRST: Final = text(
    f"{_COLUMNS}, v.record_id, v.content {_ROWS} IN :ids AND v.version = 1"
).bindparams(bindparam("ids", expanding=True))
_ONE: Final = text(f"{_NODES} AND v.version = :version")
_ALL: Final = text(f"{_NODES} ORDER BY v.version")
# Among versions of which one was refused at some time, or has a line that was made in an earlier life.
_BASES: Final = text(f"""
SELECT o.op_id, o.version, o.line FROM operation AS o
WHERE o.kind = :kind AND o.record_id = :id AND o.version > 0 AND EXISTS (
  SELECT 1 FROM operation AS r JOIN setting AS s
    ON s.key IN ('{REFUSED_OPERATION}' || r.op_id, '{SEALED_ON_OTHERS}' || r.op_id)
  WHERE r.kind = :kind AND r.record_id = :id)
""")  # noqa: S608  # fixed names
_LAST: Final = text(
    "SELECT coalesce(max(version), 0) FROM record_version "
    "WHERE kind = :kind AND record_id = :id AND version > 0"
)
_DECISION: Final = text("""
SELECT v.open_fields <> '[]' AS open, EXISTS (
  SELECT 1 FROM json_each(v.parents) AS p JOIN record_version AS d
    ON d.kind = v.kind AND d.record_id = v.record_id AND d.version = p.value
  WHERE d.open_fields <> '[]') AS decided
FROM record_version AS v WHERE v.kind = :kind AND v.record_id = :id AND v.version = :version
""")
_DISPLACE: Final = text(
    "INSERT INTO form_draft (key, user_id, content, saved_utc, saved_offset) "
    "VALUES (:key, '', :content, :utc, :offset)"
)


def written_here(connection: Connection) -> tuple[str, int | None]:
    """Name of this machine and how far its clock is behind, asked once per transaction."""
    known: tuple[str, int | None] | None = connection.info.get(_HERE)
    if known is None:
        device, skew = connection.exec_driver_sql(_STATION).one()
        known = connection.info[_HERE] = (device or "", _seconds(skew))
    return known


def forget_here(connection: Connection) -> None:
    """The transaction is new, or has changed what :func:`written_here` tells."""
    connection.info.pop(_HERE, None)


def _seconds(value: str | None) -> int | None:
    try:
        return None if value is None else round(float(value))
    except (ValueError, OverflowError):
        return None


def last_version(connection: Connection, kind: RecordKind, record_id: str) -> int:
    """The newest version that was written, which the head need not show; 0 when there is none."""
    found: int = connection.execute(_LAST, {"kind": kind.value, "id": record_id}).scalar_one()
    return found


def may_follow_voided(
    connection: Connection, kind: RecordKind, record_id: str, version: int, *, opens: bool
) -> bool:
    """A voided version is the end, unless people disagree about it: its conflict is being decided,
    or that decision is being undone, which opens the fields again.
    """
    row = connection.execute(
        _DECISION, {"kind": kind.value, "id": record_id, "version": version}
    ).one()
    return bool(row.open or (opens and row.decided))


@contextmanager
def must_fit() -> Iterator[None]:
    """One arrived version that the database refuses must not stop those that came with it: the
    caller hears of it as of any other content that cannot be.
    """
    try:
        yield
    except IntegrityError as error:
        raise ValueError("the version does not fit what is here") from error


def keep_displaced(connection: Connection, kind: RecordKind, row: Any) -> None:
    """Put the content of a draft head aside, as an unfinished form of nobody: the record was signed
    elsewhere under the same id, and what was typed here must not be lost.
    """
    connection.execute(
        _DISPLACE,
        {
            "key": f"displaced/{kind.value}/{row.id}",
            "content": row.draft,
            "utc": row.saved_utc,
            "offset": row.saved_offset,
        },
    )


def lineage(connection: Connection, kind: RecordKind, record_id: str) -> tuple[VersionNode, ...]:
    """Every local version with what it was based on, oldest first."""
    of = {"kind": kind.value, "id": record_id}
    nodes = tuple(_node(row) for row in connection.execute(_ALL, of))
    if len(nodes) < 2:
        return nodes
    lines = connection.execute(_BASES, of).all()
    return _as_sealed(nodes, lines) if lines else nodes


def _as_sealed(nodes: Iterable[VersionNode], lines: Sequence[Any]) -> tuple[VersionNode, ...]:
    """What was sealed while a version before it was refused, in this life or in an earlier one, stands
    for everybody where its line says.
    """
    version_of = {row.op_id: row.version for row in lines}
    base_of = {row.op_id: _based.decode(unpack(row.line)).base for row in lines}
    found = []
    for one in nodes:
        if one.origin is Origin.HERE and one.op_id in base_of:
            base = base_of[one.op_id]
            stands_on = tuple(sorted({version_of[name] for name in base if name in version_of}))
            if stands_on != one.parents:
                one = replace(one, stands_on=stands_on)  # noqa: PLW2901
        found.append(one)
    return tuple(found)


def node(
    connection: Connection, kind: RecordKind, record_id: str, version: int
) -> VersionNode | None:
    row = connection.execute(
        _ONE, {"kind": kind.value, "id": record_id, "version": version}
    ).one_or_none()
    return None if row is None else _node(row)


def first_versions(
    connection: Connection, kind: RecordKind, record_ids: Sequence[str]
) -> Iterator[tuple[str, VersionNode, str]]:
    """Record, node and content of the first version of each of some hundred records."""
    for row in connection.execute(_FIRST, {"kind": kind.value, "ids": record_ids}):
        yield row.record_id, _node(row), row.content


def _node(row: Any) -> VersionNode:
    return VersionNode(
        version=row.version,
        status=RecordStatus(row.status),
        parents=decode(row.parents, tuple[int, ...]),
        op_id=row.op_id,
        origin=Origin(row.origin),
        author_id=row.author_id,
        author_name=row.author_name,
        at=moment(row.at_utc, row.at_offset),
        reason=row.reason,
        device=row.device,
        skew=row.skew,
        open_fields=decode(row.open_fields, tuple[str, ...]),
        refused=bool(row.refused),
    )


def as_list(values: Any) -> str:
    """A list column."""
    return encode(list(values)) if values else "[]"
