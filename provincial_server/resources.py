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

from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.auth import Caller
from provincial_server.database import lock_facility
from provincial_server.faults import FhirFault, Issue, refuse
from provincial_server.records import record_of
from provincial_server.search_values import SearchValues, read_values
from provincial_server.store import Change, ResourceHead, ResourceIdentifier, ResourceVersion
from provincial_server.validation import Checked, Parent

_ETAG = re.compile(r'(?:W/)?"([^"]*)"')
Key = tuple[str, str]
"""Type and id."""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Written:
    """The verdict on one write. `changed` is False when the store already held this content."""

    stored: Stored
    created: bool
    changed: bool


@dataclass(frozen=True)
class Preconditions:
    if_match: str | None = None
    if_none_match: str | None = None


def new_id() -> str:
    """An id for a resource that came without one."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


class Writer:
    """One write transaction of one device. Nothing reaches the tables before `flush`, so a refused
    entry of a batch leaves no trace; the session's rollback undoes the rest."""

    def __init__(self, session: Session, caller: Caller, now: int) -> None:
        self._session = session
        self._caller = caller
        self._facility = lock_facility(session, caller.facility_code)
        # Strictly growing per facility: a page of a search by _lastUpdated then never passes over
        # a row that a later commit adds, even when the server's clock is set back.
        self._now = max(now, self._facility.last_write_at + 1)
        self._heads: dict[Key, ResourceHead | None] = {}
        self._new: set[Key] = set()
        self._versions: list[dict[str, Any]] = []
        self._identifiers: dict[Key, frozenset[tuple[str, str]]] = {}
        self.device_id = caller.device_id
        """On whose behalf the next resource is written."""
        self.changed: list[Key] = []
        """Every resource that got a new version, in the order in which they were written."""

    @property
    def session(self) -> Session:
        """The transaction, for what has to be written together with the resources."""
        return self._session

    def prefetch(self, keys: Iterable[Key]) -> None:
        wanted = sorted(set(keys) - self._heads.keys())
        self._heads.update(dict.fromkeys(wanted))
        for start in range(0, len(wanted), 200):
            for head in self._session.scalars(
                select(ResourceHead).where(
                    ResourceHead.facility_code == self._caller.facility_code,
                    tuple_(ResourceHead.resource_type, ResourceHead.resource_id).in_(
                        wanted[start : start + 200]
                    ),
                )
            ):
                self._heads[head.resource_type, head.resource_id] = head

    def _head(self, key: Key) -> ResourceHead | None:
        if key not in self._heads:
            self.prefetch([key])
        return self._heads[key]

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
            and self._heads[key] is None
        ]

    def find_by_identifier(self, resource_type: str, system: str, value: str) -> list[str]:
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
                .limit(2)
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
        values = read_values(checked.resource)
        created = head is None
        if head is None:
            head = ResourceHead(
                facility_code=self._caller.facility_code,
                resource_type=key[0],
                resource_id=key[1],
                record_id=record_of(key[1]),
                version=0,
            )
            self._heads[key] = head
            self._new.add(key)
        self._stage(head, values, digest)
        self.changed.append(key)
        stored = Stored(*key, head.version, self._now, meta, content)
        self._versions.append(
            {
                "facility_code": self._caller.facility_code,
                "resource_type": key[0],
                "resource_id": key[1],
                "version": head.version,
                "last_updated": self._now,
                "device_id": self.device_id,
                "meta": meta,
                "content": content,
            }
        )
        return Written(stored, created=created, changed=True)

    def _stage(self, head: ResourceHead, values: SearchValues, digest: bytes) -> None:
        head.version += 1
        head.last_updated = self._now
        head.content_hash = digest
        head.patient_id = values.patient_id
        head.status = values.status
        head.date_low = values.date_low
        head.date_high = values.date_high
        self._identifiers[head.resource_type, head.resource_id] = values.identifiers

    def flush(self) -> None:
        """Sends what is staged to the database, inside the transaction."""
        if not self._versions:
            return
        session, code = self._session, self._caller.facility_code
        session.add_all(head for key in sorted(self._new) if (head := self._heads[key]))
        session.flush()
        for key in self._identifiers.keys() - self._new:
            session.execute(
                delete(ResourceIdentifier).where(
                    ResourceIdentifier.facility_code == code,
                    ResourceIdentifier.resource_type == key[0],
                    ResourceIdentifier.resource_id == key[1],
                )
            )
        identifiers = [
            {
                "facility_code": code,
                "resource_type": key[0],
                "resource_id": key[1],
                "system": system,
                "value": value,
            }
            for key, pairs in self._identifiers.items()
            for system, value in pairs
        ]
        if identifiers:
            session.execute(insert(ResourceIdentifier), identifiers)
        session.execute(insert(ResourceVersion), self._versions)
        session.execute(insert(Change), [self._change(row) for row in self._versions])
        self._facility.last_write_at = self._now
        session.flush()
        self._new.clear()
        self._versions.clear()
        self._identifiers.clear()

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
