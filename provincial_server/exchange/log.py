"""Writes operations: the one place where they get their numbers and tallies.

The caller holds the facility's lock (`lock_facility`), so numbers are without a gap and in the order
of commits: a reader that has seen a number has seen all smaller ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from provincial_server.exchange.current import CurrentVersions, Record
from provincial_server.exchange.tables import (
    MERGE,
    Incarnation,
    Operation,
    OperationBucket,
    OperationRecord,
    among,
    as_signed,
    as_unsigned,
    bucket_of,
    pack_line,
    table_of,
    weight,
)
from provincial_server.store import Facility

_SET_TALLY = text(
    "INSERT INTO operation_bucket (facility_code, bucket, count, total) "
    "VALUES (:code, :bucket, :count, :total) "
    "ON CONFLICT (facility_code, bucket) DO UPDATE SET count = excluded.count, total = excluded.total"
)


@dataclass(slots=True)
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
    wanted = set(op_ids)
    if not wanted:
        return {}
    rows = session.execute(
        select(Operation.op_id, Operation.kind, Operation.record_id).where(
            Operation.facility_code == facility_code, among(session, Operation.op_id, wanted)
        )
    )
    return {op_id: (kind, record_id) for op_id, kind, record_id in rows}


def known_records(session: Session, facility_code: str, records: Collection[Record]) -> set[Record]:
    """Those of which the facility has an operation."""
    if not records:
        return set()
    rows = session.execute(
        select(OperationRecord.kind, OperationRecord.record_id).where(
            OperationRecord.facility_code == facility_code,
            among(session, OperationRecord.record_id, {record_id for _, record_id in records}),
        )
    )
    return {(kind, record_id) for kind, record_id in rows}.intersection(records)


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
    counts: Counter[int] = Counter()
    totals: Counter[int] = Counter()
    for op_id in op_ids:
        bucket = bucket_of(op_id)
        counts[bucket] += 1
        totals[bucket] += weight(op_id)
    before = {
        bucket: (count, total)
        for bucket, count, total in session.execute(
            select(OperationBucket.bucket, OperationBucket.count, OperationBucket.total).where(
                OperationBucket.facility_code == code
            )
        )
    }
    rows = []
    for bucket, added in counts.items():
        count, total = before.get(bucket, (0, 0))
        whole = as_signed(as_unsigned(total + totals[bucket]))  # SQL has no numbers that wrap
        rows.append({"code": code, "bucket": bucket, "count": count + added, "total": whole})
    session.execute(_SET_TALLY, rows)


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
