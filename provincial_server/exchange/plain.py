"""Writes through plain FHIR, turned into operations of the server's own incarnation.

A receiving hospital, or a station with the first release, writes resources. In the same transaction
each record that changed becomes one operation that holds its whole unit, so that it reaches the
stations like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from provincial_server import ready, wire
from provincial_server.auth import Caller
from provincial_server.current_versions import STANDS
from provincial_server.database import Database
from provincial_server.exchange import log
from provincial_server.exchange.current import CurrentVersions
from provincial_server.exchange.indexing import AT_ONCE, settle
from provincial_server.exchange.judge import operation_id
from provincial_server.exchange.tables import REST, Operation, table_of, unpack_line
from provincial_server.exchange.units import Resource, content_of, kind_of, moment
from provincial_server.exchange.unread import note_unread
from provincial_server.records import record_of
from provincial_server.referrals.addressing import note_letter
from provincial_server.resources import Key, Writer
from provincial_server.settings import Clock
from provincial_server.store import Device, Facility, ResourceHead, ResourceVersion

_REASON = "Sửa qua máy chủ tỉnh"
_T = TypeVar("_T")
_COUNTERS = (
    "last_sequence",
    "last_write_at",
    "operation_sequence",
    "indexed_sequence",
    "skipped_operations",
)
_FACILITY = table_of(Facility)
_FACILITY_COLUMNS = tuple(_FACILITY.columns.keys())
_LOCK_FACILITY = (
    select(_FACILITY)
    .where(_FACILITY.c.code == bindparam("of_facility"))
    .with_for_update(key_share=True)
)
_SAVE_FACILITY = update(_FACILITY).where(_FACILITY.c.code == bindparam("of_facility"))


@dataclass(frozen=True)
class Author:
    """Who wrote, where that is a person of another facility and not the device itself."""

    id: str
    name: str
    reason: str


class _Behind(Exception):
    """The index has to follow first, and that may take more than one transaction."""


def write_plainly(
    database: Database, clock: Clock, caller: Caller, work: Callable[[Writer], _T]
) -> _T:
    """As `plain_writer`, sharing its transaction with others where that saves time. `work` may be
    done twice, the first time undone."""

    def share(session: Session) -> _T:
        now = clock()
        facility = _locked(session, caller.facility_code)
        if facility.indexed_sequence < facility.operation_sequence:
            raise _Behind
        with _writing(session, facility, caller, now) as writer:
            return work(writer)

    if database.group_commit is not None:
        with suppress(_Behind):
            return database.group_commit.run(share)
    with plain_writer(database, clock, caller) as writer:
        return work(writer)


@contextmanager
def plain_writer(
    database: Database, clock: Clock, caller: Caller, *, author: Author | None = None
) -> Iterator[Writer]:
    """One write transaction of a client that speaks plain FHIR."""
    code = caller.facility_code
    while True:
        with database.write(code) as session:
            now = clock()
            facility = _locked(session, code)
            if facility.indexed_sequence < facility.operation_sequence:
                # In portions, each in a transaction of its own, so that nobody waits for long.
                if not settle(session, code, now, most=AT_ONCE):
                    continue
                facility = _locked(session, code)
            with _writing(session, facility, caller, now, author) as writer:
                yield writer
            return


@contextmanager
def _writing(
    session: Session, facility: Facility, caller: Caller, now: int, author: Author | None = None
) -> Iterator[Writer]:
    """Under the facility's lock; at the end everything is written, and the log has it."""
    before = _counters(facility)
    writer = Writer(session, caller, now, facility)
    yield writer
    writer.flush()
    _reflect(writer, facility, caller, now, author)
    if _counters(facility) != before:
        ready.change(session, _SAVE_FACILITY, {"of_facility": facility.code, **_counters(facility)})


def _locked(session: Session, code: str) -> Facility:
    """As `lock_facility`, but a copy of the row: its counters are written once, at the end."""
    (row,) = ready.ask(session, _LOCK_FACILITY, {"of_facility": code})
    return Facility(**dict(zip(_FACILITY_COLUMNS, row, strict=True)))


def _counters(facility: Facility) -> dict[str, int]:
    return {name: getattr(facility, name) for name in _COUNTERS}


def _reflect(
    writer: Writer, facility: Facility, caller: Caller, now: int, author: Author | None
) -> None:
    units = _units(writer, facility.code)
    if not units:
        return
    session, code = writer.session, facility.code
    records = CurrentVersions(session, code, units)
    heads = records.shown()
    number = log.take_numbers(session, code, len(units), now) - 1
    device_name = caller.device_name or session.get_one(Device, caller.device_id).name
    operations, contents = [], []
    for record_id, unit in units.items():
        number += 1
        content = _content(session, code, record_id, unit, heads.get(record_id))
        content |= {
            "at": moment(now),
            "by": {"id": author.id, "name": author.name}
            if author
            else {"id": caller.device_id, "name": device_name},
            "device": device_name,
            "inc": REST,
            "n": number,
        }
        if author and "reason" in content:
            content["reason"] = author.reason
        line = wire.canonical(content).encode()
        contents.append(content)
        operations.append(
            log.NewOperation(
                op_id=operation_id(line),
                kind=content["kind"],
                record_id=record_id,
                base=tuple(content.get("base", ())),
                incarnation=REST,
                number=number,
                line=line,
                device_id=caller.device_id,
                sender="",
                is_shown=True,
                is_numbered=True,
            )
        )
    facility.indexed_sequence = facility.operation_sequence + len(operations)
    log.append(session, facility, operations, now, records)
    if facility.skipped_operations:  # what stands of them now can be read
        note_unread(
            session, facility, {}, [(item.kind, item.record_id) for item in operations], now
        )
    with session.no_autoflush:  # a letter's row is written when it is whole
        for content in contents:
            note_letter(session, code, content, now)


def _units(writer: Writer, code: str) -> dict[str, dict[Key, Resource]]:
    """Each record that changed, as it stands now. What the transaction wrote itself is not read
    again, and mostly that is the whole record."""
    units: dict[str, dict[Key, Resource]] = {}
    for key, resource in writer.changed.items():
        units.setdefault(record_of(key[1]), {})[key] = _as_stored(key, resource)
    held = writer.held()
    for record_id, unit in units.items():
        if held[record_id] != unit.keys():
            units[record_id] = _stored_unit(writer.session, code, record_id)
    return units


def _as_stored(key: Key, resource: Resource) -> Resource:
    """Without what the server sets, as `wire.split` keeps it."""
    kept = {**resource, "resourceType": key[0], "id": key[1]}
    meta = kept.pop("meta", {})
    own = {name: item for name, item in meta.items() if name not in {"versionId", "lastUpdated"}}
    return {**kept, "meta": own} if own else kept


def _content(
    session: Session,
    code: str,
    record_id: str,
    unit: dict[Key, Resource],
    head: tuple[str, str] | None,
) -> dict[str, Any]:
    """What the line says of the record: its unit as it stands now, and what it is based on."""
    kind = head[0] if head else kind_of(unit, record_id)
    order = _order(session, code, head[1]) if head else ()
    content = content_of(record_id, unit, kind, order)
    if head and content["status"] == "signed":
        content["status"] = "amended"
    if head:
        content["base"] = [head[1]]
        content["reason"] = _REASON
    return content


def _stored_unit(session: Session, code: str, record_id: str) -> dict[Key, Resource]:
    rows = session.scalars(
        select(ResourceVersion)
        .join(ResourceHead, STANDS)
        .where(ResourceHead.facility_code == code, ResourceHead.record_id == record_id)
    )
    unit: dict[Key, Resource] = {}
    for row in rows:
        resource: Resource = wire.reread(row.content.encode())
        resource |= {"resourceType": row.resource_type, "id": row.resource_id}
        if meta := wire.reread(row.meta.encode()):
            resource["meta"] = meta
        unit[row.resource_type, row.resource_id] = resource
    return unit


def _order(session: Session, code: str, op_id: str) -> list[Key]:
    packed = session.scalars(
        select(Operation.line).where(Operation.facility_code == code, Operation.op_id == op_id)
    ).one()
    content = wire.reread(unpack_line(packed))
    return [(item["resourceType"], item["id"]) for item in content["resources"]]
