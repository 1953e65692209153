"""Writes operations: the one place where they get their numbers and tallies.

The caller holds the facility's lock (`lock_facility`), so numbers are without a gap and in the order
of commits: a reader that has seen a number has seen all smaller ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import bindparam, case, func, insert, text, update
from sqlalchemy.orm import Session

from provincial_server import ready
from provincial_server.exchange.current import CurrentVersions, Record
from provincial_server.exchange.tables import (
    MERGE,
    REST,
    Among,
    Incarnation,
    Operation,
    OperationBucket,
    as_signed,
    as_unsigned,
    bucket_of,
    pack_line,
    table_of,
    weight,
)

# Made once: a visit that comes by itself waits as long for its statements as for the database.
_BUCKET, _INCARNATION = table_of(OperationBucket), table_of(Incarnation)
_ADD_OPERATIONS = insert(table_of(Operation))
_THIS_INCARNATION = (
    _INCARNATION.c.facility_code == bindparam("of_facility"),
    _INCARNATION.c.id == bindparam("of_incarnation"),
)
_HIGHEST = _INCARNATION.c.highest_number
_AT_LEAST = bindparam("at_least", type_=_HIGHEST.type)
_CHANGE_INCARNATION = (
    update(_INCARNATION)
    .where(*_THIS_INCARNATION)
    .values(
        highest_number=case((_HIGHEST < _AT_LEAST, _AT_LEAST), else_=_HIGHEST),
        device_id=func.coalesce(
            _INCARNATION.c.device_id, bindparam("device", type_=_INCARNATION.c.device_id.type)
        ),
    )
)
_KNOWN_OPERATIONS = Among(
    "SELECT op_id, kind, record_id FROM operation WHERE facility_code = :code AND op_id {among}"
)
_KNOWN_RECORDS = Among(
    "SELECT kind, record_id FROM operation_record WHERE facility_code = :code AND record_id {among}"
)
_ADD_INCARNATION = insert(_INCARNATION)
TAKE_NUMBERS = (
    update(_INCARNATION)
    .where(*_THIS_INCARNATION)
    .values(highest_number=_HIGHEST + bindparam("more", type_=_HIGHEST.type))
    .returning(_HIGHEST)
)
_LARGEST = "9223372036854775807"


def _add_tally(source: str) -> str:
    """SQL has no numbers that wrap: a sum that would be too large, or too small, is moved by 2 to the
    64th."""
    return (
        "INSERT INTO operation_bucket AS kept (facility_code, bucket, count, total) "
        f"{source} "
        "ON CONFLICT (facility_code, bucket) DO UPDATE SET count = kept.count + excluded.count, total = "
        f"CASE WHEN excluded.total > 0 AND kept.total > {_LARGEST} - excluded.total "
        f"THEN (kept.total - {_LARGEST} - 1) + (excluded.total - {_LARGEST} - 1) "
        f"WHEN excluded.total < 0 AND kept.total < -{_LARGEST} - 1 - excluded.total "
        f"THEN (kept.total + {_LARGEST} + 1) + (excluded.total + {_LARGEST} + 1) "
        "ELSE kept.total + excluded.total END"
    )


_ADD_TALLY = text(_add_tally("VALUES (:code, :bucket, :count, :total)"))


def line_with_all(*, before: str = "", source: str = "") -> str:
    """PostgreSQL: what `append` says of one new record, with the counters, in one statement. Each
    statement is a message to make and an answer to read, which costs more than writing one visit.
    `before` are tables to be made first; it is all written only where the table `source` has a row."""
    texts = ("facility_code", "kind", "record_id", "op_id", "incarnation")
    of = {name: f"CAST(:{name} AS varchar)" for name in texts}
    numbers = ("number", "sequence", "received_at", "bucket", "count", "total")
    of |= {name: f"CAST(:{name} AS bigint)" for name in numbers}
    of |= {
        "before": f"{before}, " if before else "",
        "from_source": f" FROM {source}" if source else "",
        "where_source": f" AND EXISTS (SELECT 1 FROM {source})" if source else "",  # noqa: S608 -- a name of ours
    }
    return (
        "WITH {before}added AS (INSERT INTO operation (facility_code, sequence, op_id, kind, record_id, "
        "incarnation, number, sender, device_id, received_at, shown_sequence, size, line) SELECT "
        "{facility_code}, {sequence}, {op_id}, {kind}, {record_id}, {incarnation}, {number}, "
        ":sender, :device_id, {received_at}, {sequence}, :size, :line{from_source}), "
        "shown AS (INSERT INTO operation_record (facility_code, kind, record_id, shown_op_id, "
        "is_newest) SELECT {facility_code}, {kind}, {record_id}, {op_id}, true{from_source}), "
        "numbered AS (UPDATE incarnation SET highest_number = {number} "
        "WHERE facility_code = {facility_code} AND id = {incarnation}{where_source}), "
        "counted AS (UPDATE facility SET operation_sequence = {sequence}, "
        "last_write_at = {received_at} WHERE code = {facility_code}{where_source}) "
    ).format_map(of) + _add_tally(
        "SELECT {facility_code}, {bucket}, {count}, {total}{from_source}".format_map(of)
    )


_LINE_WITH_ALL = text(line_with_all())


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
    is_numbered: bool = False
    """Its number was taken here, in this transaction."""
    received_at: int | None = None
    """Its own time, where that is not the transaction's."""


def known_operations(
    session: Session, facility_code: str, op_ids: Iterable[str]
) -> dict[str, tuple[str, str]]:
    """Kind and record of those that the facility has."""
    rows = _KNOWN_OPERATIONS.ask(session, set(op_ids), code=facility_code)
    return {op_id: (kind, record_id) for op_id, kind, record_id in rows}


def known_records(session: Session, facility_code: str, records: Collection[Record]) -> set[Record]:
    """Those of which the facility has an operation."""
    names = {record_id for _, record_id in records}
    rows = _KNOWN_RECORDS.ask(session, names, code=facility_code)
    return {(kind, record_id) for kind, record_id in rows}.intersection(records)


class Counted(Protocol):
    """The facility, with the number of its last operation, which grows."""

    @property
    def code(self) -> str: ...

    operation_sequence: int


def append(
    session: Session,
    facility: Counted,
    operations: Sequence[NewOperation],
    now: int,
    records: CurrentVersions | None = None,
) -> None:
    """Numbers the operations in their order and writes all that follows from them. `records`: as
    they stand, where the caller has looked already."""
    if not operations:
        return
    code = facility.code
    if records is None:
        records = CurrentVersions(session, code, {item.record_id for item in operations})
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
        at = now if item.received_at is None else item.received_at
        rows.append({**_row(code, sequence, item, at), "shown_sequence": shown})
    facility.operation_sequence = sequence
    session.flush()
    with ready.together(session):
        ready.change_each(session, _ADD_OPERATIONS, rows)
        records.write()
        _write_tally(session, code, [item.op_id for item in operations])
    _write_numbers(session, code, operations, now)


def _row(code: str, sequence: int, item: NewOperation, received_at: int | None) -> dict[str, Any]:
    return {
        "facility_code": code,
        "sequence": sequence,
        "op_id": item.op_id,
        "kind": item.kind,
        "record_id": item.record_id,
        "incarnation": item.incarnation,
        "number": item.number,
        "sender": item.sender,
        "device_id": item.device_id,
        "received_at": received_at,
        "size": len(item.line),
        "line": pack_line(item.line),
    }


def append_one(session: Session, code: str, sequence: int, item: NewOperation) -> None:
    """PostgreSQL: as `append`, for the only operation of a transaction and a record that certainly is
    new. The number, the facility's sequence and the time of its last write are moved up to these."""
    ready.change(session, _LINE_WITH_ALL, values_of(code, sequence, item))


def values_of(code: str, sequence: int, item: NewOperation) -> dict[str, Any]:
    """Of `line_with_all`."""
    (tally,) = _tally(code, [item.op_id])
    del tally["code"]
    return {**_row(code, sequence, item, item.received_at), **tally}


def _write_tally(session: Session, code: str, op_ids: Sequence[str]) -> None:
    ready.change_each(session, _ADD_TALLY, _tally(code, op_ids))


def _tally(code: str, op_ids: Sequence[str]) -> list[dict[str, Any]]:
    counts: Counter[int] = Counter()
    totals: Counter[int] = Counter()
    for op_id in op_ids:
        bucket = bucket_of(op_id)
        counts[bucket] += 1
        totals[bucket] += weight(op_id)
    return [
        {
            "code": code,
            "bucket": bucket,
            "count": added,
            "total": as_signed(as_unsigned(totals[bucket])),
        }
        for bucket, added in sorted(counts.items())
    ]


def _write_numbers(
    session: Session, code: str, operations: Sequence[NewOperation], now: int
) -> None:
    highest: dict[str, int] = {}
    for item in operations:
        if item.incarnation != MERGE and not item.is_numbered:
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
    named = {"of_facility": code, "of_incarnation": incarnation}
    said = {**named, "at_least": number, "device": device_id}
    if not ready.change(session, _CHANGE_INCARNATION, said):
        row = {"facility_code": code, "id": incarnation, "first_seen": now}
        ready.change(
            session, _ADD_INCARNATION, {**row, "device_id": device_id, "highest_number": number}
        )


def take_numbers(session: Session, code: str, count: int, now: int) -> int:
    """So many numbers of the server's own incarnation; the first of them."""
    taken = {"of_facility": code, "of_incarnation": REST, "more": count}
    return numbers_taken(session, code, ready.ask(session, TAKE_NUMBERS, taken), count, now)


def numbers_taken(session: Session, code: str, last: list[Any], count: int, now: int) -> int:
    """The same, where `TAKE_NUMBERS` has been asked already and answered `last`."""
    if not last:
        note_number(session, code, REST, count, None, now)
        return 1
    return int(last[0][0]) - count + 1
