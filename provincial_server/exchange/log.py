"""Writes operations: the one place where they get their numbers and tallies.

The caller holds the facility's lock (`lock_facility`), so numbers are without a gap and in the order
of commits: a reader that has seen a number has seen all smaller ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, tuple_
from sqlalchemy.orm import Session

from provincial_server.exchange.current import CurrentVersions, Record
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
    portions,
    table_of,
    weight,
)
from provincial_server.store import Facility


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
    is_shown: bool = False
    """The resources are stored already: it came through plain FHIR."""


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


def known_records(session: Session, facility_code: str, records: Iterable[Record]) -> set[Record]:
    """Those of which the facility has an operation."""
    found: set[Record] = set()
    for some in portions(sorted({(record_id, kind) for kind, record_id in records})):
        rows = session.execute(
            select(OperationRecord.kind, OperationRecord.record_id).where(
                OperationRecord.facility_code == facility_code,
                tuple_(OperationRecord.record_id, OperationRecord.kind).in_(some),
            )
        )
        found.update((kind, record_id) for kind, record_id in rows)
    return found


def append(
    session: Session, facility: Facility, operations: Sequence[NewOperation], now: int
) -> None:
    """Numbers the operations in their order and writes all that follows from them."""
    if not operations:
        return
    code = facility.code
    records = CurrentVersions(session, code, {(item.kind, item.record_id) for item in operations})
    rows: list[dict[str, Any]] = []
    sequence = facility.operation_sequence
    for item in operations:
        sequence += 1
        shown = records.add(
            (item.kind, item.record_id),
            item.op_id,
            sequence,
            item.line,
            base=item.base,
            by_rule=item.incarnation == MERGE,
            is_shown=item.is_shown,
        )
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
                "shown_sequence": shown,
                "size": len(item.line),
                "line": pack_line(item.line),
            }
        )
    facility.operation_sequence = sequence
    session.flush()
    session.execute(insert(table_of(Operation)), rows)
    records.write()
    _write_tally(session, code, [item.op_id for item in operations])
    _write_numbers(session, code, operations, now)


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
