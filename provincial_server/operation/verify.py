"""Checks a whole database and names the first thing that is not as it must be.

What is checked stands in docs/server.md: numbers without a gap, every line's hash, tallies, heads
that point at stored versions, printed forms, guards.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import zstandard
from sqlalchemy import and_, exists, func, select, text
from sqlalchemy.orm import Session, aliased

from provincial_server.binaries import Binary
from provincial_server.catalogs.publishing import first_fault
from provincial_server.exchange.tables import (
    Incarnation,
    Operation,
    OperationBucket,
    OperationRecord,
    as_unsigned,
    bucket_of,
    unpack_line,
    weight,
)
from provincial_server.store import (
    APPEND_ONLY,
    Change,
    Facility,
    ResourceHead,
    ResourceVersion,
)

_ROWS_AT_ONCE = 500
_WHOLE = 1 << 64
_PG_UPDATE, _PG_DELETE = 16, 8


class Unsound(Exception):
    """The database is not as it must be; the text says where."""


@dataclass
class Checked:
    """How much was looked at."""

    facilities: int = 0
    operations: int = 0
    changes: int = 0
    forms: int = 0
    guards: int = 0


Check = Callable[[Session, Facility, Checked], None]


def verify(session: Session, facility_code: str | None = None) -> Checked:
    """Everything, or one facility. Raises Unsound at the first fault. Reads only, and the caller's
    transaction sees one moment."""
    done = Checked()
    if facility_code is None:
        _check_file(session)
    _check_guards(session, done)
    handed_out = first_fault(session)
    if handed_out is not None:
        raise Unsound(handed_out)
    query = select(Facility).order_by(Facility.code)
    if facility_code is not None:
        query = query.where(Facility.code == facility_code)
    for facility in session.scalars(query).all():
        done.facilities += 1
        for check in _OF_FACILITY:
            check(session, facility, done)
    if facility_code is not None and not done.facilities:
        raise Unsound(f"Không có cơ sở {facility_code}.")
    return done


def _check_file(session: Session) -> None:
    """What no other check reads lies in the same file."""
    if session.get_bind().dialect.name != "sqlite":
        return
    if session.scalar(text("PRAGMA integrity_check(1)")) != "ok":
        raise Unsound("Tệp cơ sở dữ liệu bị hỏng: SQLite không đọc trọn vẹn được.")


# --- the log of operations ---------------------------------------------------------------------


def _check_operations(session: Session, facility: Facility, done: Checked) -> None:
    code, expected = facility.code, 0
    tally: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    highest: dict[str, int] = defaultdict(int)
    rows = session.execute(
        select(
            Operation.sequence,
            Operation.op_id,
            Operation.size,
            Operation.line,
            Operation.incarnation,
            Operation.number,
        )
        .where(Operation.facility_code == code)
        .order_by(Operation.sequence)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )
    for sequence, op_id, size, packed, incarnation, number in rows:
        expected += 1
        if sequence != expected:
            raise Unsound(f"Cơ sở {code}: nhật ký thiếu số {expected}, sau đó là số {sequence}.")
        try:
            line = unpack_line(packed)
        except (zstandard.ZstdError, LookupError):
            raise Unsound(f"Cơ sở {code}: dòng số {sequence} không giải nén được.") from None
        if hashlib.sha256(line).hexdigest()[:32] != op_id or len(line) != size:
            raise Unsound(f"Cơ sở {code}: nội dung dòng số {sequence} không khớp mã băm của nó.")
        count, total = tally[bucket_of(op_id)]
        tally[bucket_of(op_id)] = (count + 1, (total + weight(op_id)) % _WHOLE)
        highest[incarnation] = max(highest[incarnation], number)
    if expected != facility.operation_sequence:
        raise Unsound(
            f"Cơ sở {code}: nhật ký có {expected} dòng nhưng cơ sở ghi "
            f"{facility.operation_sequence}."
        )
    done.operations += expected
    if not 0 <= facility.indexed_sequence <= facility.operation_sequence:
        raise Unsound(f"Cơ sở {code}: chỉ mục đi trước nhật ký.")
    _check_tally(session, code, dict(tally))
    _check_numbers(session, code, highest)


def _check_tally(session: Session, code: str, tally: dict[int, tuple[int, int]]) -> None:
    kept = {
        bucket: (count, as_unsigned(total))
        for bucket, count, total in session.execute(
            select(OperationBucket.bucket, OperationBucket.count, OperationBucket.total).where(
                OperationBucket.facility_code == code
            )
        )
    }
    for bucket in sorted(tally.keys() | kept.keys()):
        if tally.get(bucket, (0, 0)) != kept.get(bucket, (0, 0)):
            raise Unsound(
                f"Cơ sở {code}: số đếm hoặc tổng của ngăn {bucket} không khớp với nhật ký."
            )


def _check_numbers(session: Session, code: str, highest: dict[str, int]) -> None:
    kept = dict(
        session.execute(
            select(Incarnation.id, Incarnation.highest_number).where(
                Incarnation.facility_code == code
            )
        ).all()
    )
    for incarnation, number in sorted(highest.items()):
        if number and kept.get(incarnation, 0) < number:
            raise Unsound(
                f"Cơ sở {code}: số lớn nhất của máy {incarnation} nhỏ hơn số trong nhật ký."
            )


def _check_shown(session: Session, facility: Facility, _done: Checked) -> None:
    """What a record shows is an operation that is here."""
    code = facility.code
    lost = session.scalar(
        select(OperationRecord.shown_op_id)
        .where(
            OperationRecord.facility_code == code,
            ~exists().where(
                Operation.facility_code == OperationRecord.facility_code,
                Operation.op_id == OperationRecord.shown_op_id,
            ),
        )
        .limit(1)
    )
    if lost is not None:
        raise Unsound(f"Cơ sở {code}: một hồ sơ trỏ đến dòng {lost}, dòng này không có.")
    shown = aliased(Operation)
    loose = session.scalar(
        select(Operation.sequence)
        .where(
            Operation.facility_code == code,
            Operation.shown_sequence.is_not(None),
            ~exists().where(
                shown.facility_code == Operation.facility_code,
                shown.sequence == Operation.shown_sequence,
            ),
        )
        .limit(1)
    )
    if loose is not None:
        raise Unsound(f"Cơ sở {code}: dòng số {loose} cho hiện một dòng không có.")


# --- resources, feed, forms ----------------------------------------------------------------------


def _check_heads(session: Session, facility: Facility, _done: Checked) -> None:
    code = facility.code
    newest = (
        select(
            ResourceVersion.resource_type,
            ResourceVersion.resource_id,
            func.max(ResourceVersion.version).label("newest"),
            func.count().label("held"),
        )
        .where(ResourceVersion.facility_code == code)
        .group_by(ResourceVersion.resource_id, ResourceVersion.resource_type)
        .subquery()
    )
    row = session.execute(
        select(ResourceHead.resource_type, ResourceHead.version, newest.c.newest, newest.c.held)
        .outerjoin(
            newest,
            and_(
                newest.c.resource_type == ResourceHead.resource_type,
                newest.c.resource_id == ResourceHead.resource_id,
            ),
        )
        .where(
            ResourceHead.facility_code == code,
            newest.c.newest.is_(None)
            | (newest.c.newest != ResourceHead.version)
            | (newest.c.held != ResourceHead.version),
        )
        .order_by(ResourceHead.resource_type, ResourceHead.resource_id)
        .limit(1)
    ).first()
    if row is not None:
        raise Unsound(
            f"Cơ sở {code}: một {row[0]} ghi phiên bản {row[1]} nhưng kho có {row[3] or 0} "
            f"phiên bản, mới nhất là {row[2] or 0}."
        )


def _check_changes(session: Session, facility: Facility, done: Checked) -> None:
    code, own = facility.code, Change.facility_code == facility.code
    counted = session.execute(
        select(func.count(), func.min(Change.sequence), func.max(Change.sequence)).where(own)
    ).one()
    count, first, last = counted[0], counted[1] or 0, counted[2] or 0
    if last != facility.last_sequence:
        raise Unsound(
            f"Cơ sở {code}: dòng thay đổi kết thúc ở số {last}, cơ sở ghi {facility.last_sequence}."
        )
    if count != last or (count and first != 1):
        before = aliased(Change)
        gap = session.scalar(
            select(func.min(Change.sequence)).where(
                own,
                Change.sequence > 1,
                ~exists().where(
                    before.facility_code == Change.facility_code,
                    before.sequence == Change.sequence - 1,
                ),
            )
        )
        raise Unsound(f"Cơ sở {code}: dòng thay đổi thiếu số {(gap or 2) - 1}.")
    done.changes += count


def _check_forms(session: Session, facility: Facility, done: Checked) -> None:
    rows = session.execute(
        select(Binary.id, Binary.sha256, Binary.size, Binary.content)
        .where(Binary.facility_code == facility.code)
        .order_by(Binary.id)
        .execution_options(yield_per=10)
    )
    for name, sha256, size, content in rows:
        if hashlib.sha256(content).digest() != sha256 or len(content) != size:
            raise Unsound(f"Cơ sở {facility.code}: bản in {name} không khớp mã băm của nó.")
        done.forms += 1


# --- guards --------------------------------------------------------------------------------------


def _check_guards(session: Session, done: Checked) -> None:
    find = _sqlite_guards if session.get_bind().dialect.name == "sqlite" else _postgres_guards
    guarded = find(session)
    for table in APPEND_ONLY:
        for action in ("UPDATE", "DELETE"):
            if (table, action) not in guarded:
                raise Unsound(
                    f"Bảng {table} không còn khóa chống "
                    f"{'sửa' if action == 'UPDATE' else 'xóa'} dữ liệu."
                )
            done.guards += 1


def _sqlite_guards(session: Session) -> set[tuple[str, str]]:
    rows: Any = session.execute(
        text("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'")
    )
    return {
        (table, action)
        for table, name, sql in rows
        for action in ("UPDATE", "DELETE")
        if name == f"{table}_refuse_{action.lower()}"
        and f"BEFORE {action} ON {table}" in sql
        and "RAISE(ABORT" in sql
        and " WHEN " not in sql
    }


def _postgres_guards(session: Session) -> set[tuple[str, str]]:
    rows = session.execute(
        text(
            "SELECT c.relname, t.tgtype FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND n.nspname = current_schema()"
        )
    )
    found: set[tuple[str, str]] = set()
    for table, kinds in rows:
        if kinds & _PG_UPDATE:
            found.add((table, "UPDATE"))
        if kinds & _PG_DELETE:
            found.add((table, "DELETE"))
    return found


_OF_FACILITY: tuple[Check, ...] = (
    _check_operations,
    _check_shown,
    _check_heads,
    _check_changes,
    _check_forms,
)
