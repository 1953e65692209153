"""Reads and writes resources of one facility.

A facility's ids are its own: `Patient/a` of one facility and `Patient/a` of another are different
rows, so nobody can overwrite, block or guess another's records by naming their ids.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam, delete, select, update
from sqlalchemy.orm import Session

from provincial_server import ready, wire
from provincial_server.auth import Caller
from provincial_server.database import lock_facility
from provincial_server.faults import FhirFault, Issue, refuse
from provincial_server.postgres.many import insert_many
from provincial_server.records import record_of
from provincial_server.search_values import SearchValues, read_values
from provincial_server.store import (
    Change,
    Facility,
    ResourceHead,
    ResourceIdentifier,
    ResourceVersion,
)
from provincial_server.validation import Checked, Parent

_ETAG = re.compile(r'(?:W/)?"([^"]*)"')
_RECORDS_AT_ONCE = 400
_FEW = 3
"""So many records are asked for one by one, with a statement that stands ready."""
Key = tuple[str, str]
"""Type and id."""


def _table(model: type[Any]) -> Table:
    table: Table = model.__table__
    return table


# Statements on the tables, not on the mapped classes: a visit writes some fifty rows, and the unit of
# work would cost more than the database.
_HEAD, _IDENTIFIER = _table(ResourceHead), _table(ResourceIdentifier)
_VERSION, _CHANGE = _table(ResourceVersion), _table(Change)
_FIND_HEADS = select(
    _HEAD.c.resource_type,
    _HEAD.c.resource_id,
    _HEAD.c.version,
    _HEAD.c.last_updated,
    _HEAD.c.content_hash,
    _HEAD.c.record_id,
).where(
    _HEAD.c.facility_code == bindparam("code"),
)
_FIND_MANY = _FIND_HEADS.where(_HEAD.c.record_id.in_(bindparam("records", expanding=True)))
_FIND_RECORD = _FIND_HEADS.where(_HEAD.c.record_id == bindparam("record"))
_CHANGE_HEADS = update(_HEAD).where(
    _HEAD.c.facility_code == bindparam("of_facility"),
    _HEAD.c.resource_type == bindparam("of_type"),
    _HEAD.c.resource_id == bindparam("of_id"),
)
_DROP_IDENTIFIERS = delete(_IDENTIFIER).where(
    _IDENTIFIER.c.facility_code == bindparam("of_facility"),
    _IDENTIFIER.c.resource_type == bindparam("of_type"),
    _IDENTIFIER.c.resource_id == bindparam("of_id"),
)


@dataclass(slots=True)
class _Head:
    """What is kept of a resource besides its versions; `values` only since it was written here."""

    version: int
    last_updated: int
    content_hash: bytes
    record_id: str
    values: SearchValues | None = None

    def row(self) -> dict[str, Any]:
        values = self.values
        assert values is not None  # noqa: S101 -- only what was written here is stored
        return {
            "version": self.version,
            "last_updated": self.last_updated,
            "content_hash": self.content_hash,
            "patient_id": values.patient_id,
            "status": values.status,
            "date_low": values.date_low,
            "date_high": values.date_high,
            "record_id": self.record_id,
        }


@dataclass(frozen=True, slots=True)
class Stored:
    """One version, ready to be sent."""

    resource_type: str
    resource_id: str
    version: int
    last_updated: int
    meta: str
    content: str

    def as_json(self) -> str:
        return wire.render(
            self.resource_type,
            self.resource_id,
            self.version,
            self.last_updated,
            self.meta,
            self.content,
        )


@dataclass(frozen=True, slots=True)
class Written:
    """The verdict on one write. `changed` is False when the store already held this content."""

    stored: Stored
    created: bool
    changed: bool


@dataclass(frozen=True)
class Preconditions:
    if_match: str | None = None
    if_none_match: str | None = None


def _by_record(key: Key) -> Key:
    return key[1], key[0]


def new_id() -> str:
    """An id for a resource that came without one."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


class Writer:
    """One write transaction of one device. Nothing reaches the tables before `flush`, so a refused
    entry of a batch leaves no trace; the session's rollback undoes the rest."""

    def __init__(
        self, session: Session, caller: Caller, now: int, facility: Facility | None = None
    ) -> None:
        """`facility`: as `lock_facility` gave it in this transaction, where it was locked already."""
        self._session = session
        self._caller = caller
        self._facility = facility or lock_facility(session, caller.facility_code)
        # Strictly growing per facility: a page of a search by _lastUpdated then never passes over
        # a row that a later commit adds, even when the server's clock is set back.
        self._now = max(now, self._facility.last_write_at + 1)
        self._heads: dict[Key, _Head] = {}
        self._looked_up: set[str] = set()
        """The records whose heads are known, all of them."""
        self._new: set[Key] = set()
        self._versions: list[dict[str, Any]] = []
        self._staged: dict[Key, _Head] = {}
        self.device_id = caller.device_id
        """On whose behalf the next resource is written."""
        self.promised_at: int | None = None
        """When it was written, where an answer has said so before."""
        self.changed: dict[Key, dict[str, Any]] = {}
        """Every resource that got a new version, with what was written, in the order in which they
        were first written."""

    @property
    def session(self) -> Session:
        """The transaction, for what has to be written together with the resources."""
        return self._session

    def prefetch(self, keys: Iterable[Key]) -> None:
        """Looks up, all at once, whatever stands in the records of these resources."""
        wanted = sorted({record_of(resource_id) for _, resource_id in keys} - self._looked_up)
        self._looked_up.update(wanted)
        for start in range(0, len(wanted), _RECORDS_AT_ONCE):
            some = wanted[start : start + _RECORDS_AT_ONCE]
            for resource_type, resource_id, *rest in self._rows_of(some):
                self._heads[resource_type, resource_id] = _Head(*rest)

    def _rows_of(self, records: Sequence[str]) -> Iterable[Any]:
        code = self._caller.facility_code
        if len(records) > _FEW:
            known = {"code": code, "records": records}
            return self._session.connection().execute(_FIND_MANY, known)
        asked = ({"code": code, "record": record} for record in records)
        return (row for one in asked for row in ready.ask(self._session, _FIND_RECORD, one))

    def _head(self, key: Key) -> _Head | None:
        if key not in self._heads:
            self.prefetch([key])
        return self._heads.get(key)

    def held(self) -> dict[str, set[Key]]:
        """Of every record that was looked at: what stands in it, with what was written here."""
        found: dict[str, set[Key]] = {}
        for key, head in self._heads.items():
            found.setdefault(head.record_id, set()).add(key)
        return found

    def missing_parents(self, parents: Sequence[Parent], coming: set[Key]) -> list[Issue]:
        keys = {(parent.resource_type, parent.resource_id) for parent in parents}
        self.prefetch(keys - coming)
        return [
            Issue(
                "not-found",
                f"the {parent.resource_type} this points at is not stored; send it first",
                parent.path,
                "Hồ sơ cha của mục này chưa có trên máy chủ.",
            )
            for parent in parents
            if (key := (parent.resource_type, parent.resource_id)) not in coming
            and key not in self._heads
        ]

    def find_by_identifier(
        self, resource_type: str, system: str, value: str, *, most: int = 2
    ) -> list[str]:
        """Ids that carry the identifier, counting what this transaction has already written."""
        self.flush()
        return list(
            self._session.scalars(
                select(ResourceIdentifier.resource_id)
                .where(
                    ResourceIdentifier.facility_code == self._caller.facility_code,
                    ResourceIdentifier.resource_type == resource_type,
                    ResourceIdentifier.system == system,
                    ResourceIdentifier.value == value,
                )
                .order_by(ResourceIdentifier.resource_id)
                .limit(most)
            )
        )

    def current(self, key: Key) -> Written:
        """The stored version as a verdict: it was there before, and nothing changed."""
        head = self._head(key)
        if head is None:
            raise refuse(404, "not-found", "no such resource")
        self.flush()
        stored = read(self._session, self._caller.facility_code, *key)
        return Written(stored, created=False, changed=False)

    def put(
        self, checked: Checked, resource_id: str, conditions: Preconditions | None = None
    ) -> Written:
        conditions = conditions or Preconditions()
        key = (checked.resource_type, resource_id)
        head = self._head(key)
        meta, content = wire.split(checked.resource)
        digest = hashlib.sha256(f"{meta}\n{content}".encode()).digest()
        unchanged = head is not None and head.content_hash == digest
        if not unchanged:
            # RFC 9110 §13.1.1: a stale condition may still succeed when the change has been applied
            # already. It is what makes a replay after a lost answer harmless.
            _check_conditions(conditions, head.version if head else None)
        if head is not None and unchanged:
            stored = Stored(*key, head.version, head.last_updated, meta, content)
            return Written(stored, created=False, changed=False)
        created = head is None
        if head is None:
            head = self._heads[key] = _Head(0, 0, b"", record_of(resource_id))
            self._new.add(key)
        head.version += 1
        head.last_updated = self._now if self.promised_at is None else self.promised_at
        head.content_hash = digest
        head.values = read_values(checked.resource)
        self._staged[key] = head
        self.changed[key] = checked.resource
        stored = Stored(*key, head.version, head.last_updated, meta, content)
        self._versions.append(
            {
                "facility_code": self._caller.facility_code,
                "resource_type": key[0],
                "resource_id": key[1],
                "version": head.version,
                "last_updated": head.last_updated,
                "device_id": self.device_id,
                "meta": meta,
                "content": content,
            }
        )
        return Written(stored, created=created, changed=True)

    def flush(self) -> None:
        """Sends what is staged to the database, inside the transaction."""
        if not self._versions:
            return
        session = self._session
        code = self._caller.facility_code
        if self._new:
            owned = {"facility_code": code}
            new = [
                {**owned, "resource_type": key[0], "resource_id": key[1], **self._heads[key].row()}
                for key in sorted(self._new, key=_by_record)
            ]
            insert_many(session, _HEAD, new)
        old = {
            key: {"of_facility": code, "of_type": key[0], "of_id": key[1]}
            for key in sorted(self._staged.keys() - self._new, key=_by_record)
        }
        if old:
            changes = [{**name, **self._staged[key].row()} for key, name in old.items()]
            ready.change_each(session, _CHANGE_HEADS, changes)
            ready.change_each(session, _DROP_IDENTIFIERS, list(old.values()))
        insert_many(session, _IDENTIFIER, self._identifiers())
        insert_many(session, _VERSION, self._versions)
        insert_many(session, _CHANGE, [self._change(row) for row in self._versions])
        self._facility.last_write_at = self._now  # written with the facility's other counters
        self._new.clear()
        self._versions.clear()
        self._staged.clear()

    def _identifiers(self) -> list[dict[str, Any]]:
        return [
            {
                "facility_code": self._caller.facility_code,
                "resource_type": key[0],
                "resource_id": key[1],
                "system": system,
                "value": value,
            }
            for key, head in self._staged.items()
            for system, value in (head.values.identifiers if head.values else ())
        ]

    def _change(self, row: dict[str, Any]) -> dict[str, Any]:
        self._facility.last_sequence += 1
        return {
            "facility_code": self._caller.facility_code,
            "sequence": self._facility.last_sequence,
            "owner_code": self._caller.facility_code,
            "resource_type": row["resource_type"],
            "resource_id": row["resource_id"],
            "version": row["version"],
            "origin_device_id": row["device_id"],
        }


def _check_conditions(conditions: Preconditions, current: int | None) -> None:
    if conditions.if_match is not None:
        tags = read_etags(conditions.if_match, "If-Match")
        if current is None or ("*" not in tags and str(current) not in tags):
            headers = {"ETag": wire.etag(current)} if current else {}
            issue = Issue("conflict", "If-Match does not name the current version")
            raise FhirFault(412, issue, headers)
    if conditions.if_none_match is not None and current is not None:
        tags = read_etags(conditions.if_none_match, "If-None-Match")
        if "*" in tags or str(current) in tags:
            raise refuse(412, "conflict", "If-None-Match forbids this update")


def read_etags(header: str, name: str) -> list[str]:
    """The tags inside If-Match or If-None-Match; `*` stands for any version."""
    if header.strip() == "*":
        return ["*"]
    tags = [match[1] for match in _ETAG.finditer(header)]
    if not tags:
        raise refuse(400, "value", f'{name} looks like W/"3"')
    return tags


def read(
    session: Session,
    facility_code: str,
    resource_type: str,
    resource_id: str,
    version: int | None = None,
) -> Stored:
    """The current or the named version; 404 for what is not there or not this facility's."""
    query = select(ResourceVersion).where(
        ResourceVersion.facility_code == facility_code,
        ResourceVersion.resource_type == resource_type,
        ResourceVersion.resource_id == resource_id,
    )
    if version is not None:
        query = query.where(ResourceVersion.version == version)
    row = session.scalars(query.order_by(ResourceVersion.version.desc()).limit(1)).first()
    if row is None:
        raise refuse(404, "not-found", "no such resource")
    return stored_of(row)


def stored_of(row: ResourceVersion) -> Stored:
    return Stored(
        row.resource_type, row.resource_id, row.version, row.last_updated, row.meta, row.content
    )
