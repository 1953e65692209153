"""Writes operations: the one place where they get their numbers, heads and tallies.

The caller holds the facility's lock (`lock_facility`), so numbers are without a gap and in the order
of commits: a reader that has seen a number has seen all smaller ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, insert, select, tuple_, update
from sqlalchemy.orm import Session

from provincial_server.exchange.tables import (
    MERGE,
    Incarnation,
    Operation,
    OperationBucket,
    OperationRecord,
    as_signed,
    as_unsigned,
    bucket_of,
    pack_line,
    weight,
)
from provincial_server.store import Facility

_AT_ONCE = 400
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class NewOperation:
    """A line that has been judged, ready to be numbered."""

    op_id: str
    kind: str
    record_id: str
    base: tuple[str, ...]
    incarnation: str
    number: int
    line: bytes
    device_id: str
    sender: str


def portions(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """As many as one statement may name."""
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]


def known_operations(
    session: Session, facility_code: str, op_ids: Iterable[str]
) -> dict[str, tuple[str, str]]:
    """Kind and record of those that the facility has."""
    found: dict[str, tuple[str, str]] = {}
    for some in portions(sorted(set(op_ids))):
        rows = session.execute(
            select(Operation.op_id, Operation.kind, Operation.record_id).where(
                Operation.facility_code == facility_code, Operation.op_id.in_(some)
            )
        )
        found.update({op_id: (kind, record_id) for op_id, kind, record_id in rows})
    return found


def heads_of(
    session: Session, facility_code: str, records: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Kind and record → its newest operation."""
    found: dict[tuple[str, str], str] = {}
    for some in portions(sorted(set(records))):
        rows = session.execute(
            select(
                OperationRecord.kind, OperationRecord.record_id, OperationRecord.head_op_id
            ).where(
                OperationRecord.facility_code == facility_code,
                tuple_(OperationRecord.record_id, OperationRecord.kind).in_(
                    [(record_id, kind) for kind, record_id in some]
                ),
            )
        )
        found.update({(kind, record_id): head for kind, record_id, head in rows})
    return found


def append(
    session: Session, facility: Facility, operations: Sequence[NewOperation], now: int
) -> None:
    """Numbers the operations in their order and writes all that follows from them."""
    if not operations:
        return
    code = facility.code
    before = heads_of(session, code, [(item.kind, item.record_id) for item in operations])
    heads = dict(before)
    rows: list[dict[str, Any]] = []
    sequence = facility.operation_sequence
    for item in operations:
        record = (item.kind, item.record_id)
        is_current = record not in heads or heads[record] in item.base
        if is_current:
            heads[record] = item.op_id
        sequence += 1
        rows.append(
            {
                "facility_code": code,
                "sequence": sequence,
                "op_id": item.op_id,
                "kind": item.kind,
                "record_id": item.record_id,
                "incarnation": item.incarnation,
                "number": item.number,
                "sender": item.sender,
                "device_id": item.device_id,
                "received_at": now,
                "is_current": is_current,
                "size": len(item.line),
                "line": pack_line(item.line),
            }
        )
    facility.operation_sequence = sequence
    session.flush()
    session.execute(insert(_table(Operation)), rows)
    _write_heads(session, code, before, heads)
    _write_tally(session, code, [item.op_id for item in operations])
    _write_numbers(session, code, operations, now)


def _table(model: type[Any]) -> Table:
    table: Table = model.__table__
    return table


def _write_heads(
    session: Session,
    code: str,
    before: dict[tuple[str, str], str],
    heads: dict[tuple[str, str], str],
) -> None:
    new = [
        {"facility_code": code, "kind": kind, "record_id": record_id, "head_op_id": head}
        for (kind, record_id), head in heads.items()
        if (kind, record_id) not in before
    ]
    moved = [
        {"of_kind": kind, "of_record": record_id, "head": heads[kind, record_id]}
        for (kind, record_id), head in before.items()
        if heads[kind, record_id] != head
    ]
    if new:
        session.execute(insert(_table(OperationRecord)), new)
    if moved:
        table = _table(OperationRecord)
        session.connection().execute(
            update(table)
            .where(
                table.c.facility_code == code,
                table.c.kind == bindparam("of_kind"),
                table.c.record_id == bindparam("of_record"),
            )
            .values(head_op_id=bindparam("head")),
            moved,
        )


def _write_tally(session: Session, code: str, op_ids: Sequence[str]) -> None:
    added: dict[int, tuple[int, int]] = {}
    for op_id in op_ids:
        count, total = added.get(bucket_of(op_id), (0, 0))
        added[bucket_of(op_id)] = (count + 1, total + weight(op_id))
    rows = {
        row.bucket: row
        for row in session.scalars(
            select(OperationBucket).where(
                OperationBucket.facility_code == code, OperationBucket.bucket.in_(list(added))
            )
        )
    }
    for bucket, (count, total) in added.items():
        row = rows.get(bucket)
        if row is None:
            row = OperationBucket(facility_code=code, bucket=bucket, count=0, total=0)
            session.add(row)
        row.count += count
        row.total = as_signed(as_unsigned(row.total + total))
    session.flush()


def _write_numbers(
    session: Session, code: str, operations: Sequence[NewOperation], now: int
) -> None:
    highest: dict[str, int] = {}
    for item in operations:
        if item.incarnation != MERGE:
            known = highest.get(item.incarnation, 0)
            highest[item.incarnation] = max(known, item.number)
    for incarnation, number in highest.items():
        note_number(session, code, incarnation, number, None, now)


def note_number(
    session: Session,
    code: str,
    incarnation: str,
    number: int,
    device_id: str | None,
    now: int,
) -> None:
    """Remembers the highest number of an incarnation, and whose it is once that is known."""
    row = session.get(Incarnation, (code, incarnation))
    if row is None:
        row = Incarnation(
            facility_code=code, id=incarnation, device_id=None, highest_number=0, first_seen=now
        )
        session.add(row)
    row.highest_number = max(row.highest_number, number)
    row.device_id = row.device_id or device_id
    session.flush()
