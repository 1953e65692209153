"""Versions as evidence: their hashes, and every row held against what was written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from station_emr.db.codec import decode, digest, encode, moment
from station_emr.db.lines import unpack
from station_emr.db.models import table_of
from station_emr.db.statements import text
from station_emr.domain.record import RecordKind, StationProfile
from station_emr.domain.user import User
from station_emr.services.version_ports import HeadFault, KeptVersion

from .bills import BillRepository
from .certificates import CertificateRepository
from .encounters import EncounterRepository
from .feedback import FeedbackRepository
from .links import PatientLinkRepository
from .notifications import NotificationRepository
from .papers import AppointmentRepository, PrescriptionRepository, ReferralRepository
from .patients import PatientRepository
from .privacy import BreachRepository, ConsentRepository, RequestRepository
from .records import RecordRepository
from .signatures import SignatureRepository
from .station_rights import RightsRepository, StandingRepository

KINDS: Final[tuple[type[RecordRepository[Any]], ...]] = (
    PatientRepository,
    EncounterRepository,
    PrescriptionRepository,
    ReferralRepository,
    AppointmentRepository,
    PatientLinkRepository,
    FeedbackRepository,
    SignatureRepository,
    ConsentRepository,
    CertificateRepository,
    NotificationRepository,
    BillRepository,
    RightsRepository,
    StandingRepository,
    RequestRepository,
    BreachRepository,
)
_TYPES: Final[dict[str, type[Any]]] = {
    RecordKind.PRACTITIONER.value: User,
    RecordKind.FACILITY.value: StationProfile,
    **{one.kind.value: one.record_type for one in KINDS},
}
_MOVES: Final = frozenset({"stage"})  # changes in the queue without a version
_DIGESTS: Final = text(
    "SELECT version, content_sha256, restores FROM record_version "
    "WHERE kind = :kind AND record_id = :id"
)
_WALK: Final = text("""
SELECT v.*, coalesce(o.op_id, '') AS op_id, o.line,
  (SELECT group_concat(e.content_sha256) FROM signing_evidence AS e
     WHERE e.kind = v.kind AND e.record_id = v.record_id AND e.version = v.version) AS evidence
FROM record_version AS v
LEFT JOIN operation AS o ON o.kind = v.kind AND o.record_id = v.record_id
  AND o.version = v.version AND o.version > 0
WHERE v.seq > :after ORDER BY v.seq LIMIT :limit
""")
# Every record has a head, the head names a version that is there, and none between is missing.
_CHAIN: Final = """
SELECT k.record_id, k.top, k.number, h.version, h.status, v.status AS written FROM
  (SELECT record_id, max(version) AS top, count(*) AS number FROM record_version
     WHERE kind = '{kind}' GROUP BY record_id) AS k
LEFT JOIN "{table}" AS h ON h.id = k.record_id
LEFT JOIN record_version AS v ON v.kind = '{kind}' AND v.record_id = k.record_id
  AND v.version = h.version
WHERE k.top <> k.number OR h.version IS NULL OR v.status IS NULL OR v.status <> h.status
  OR (h.version < k.top AND NOT EXISTS (SELECT 1 FROM record_version AS w
    WHERE w.kind = '{kind}' AND w.record_id = k.record_id AND w.version > h.version
      AND w.origin <> 'here'))
UNION ALL
SELECT h.id, h.version, 0, h.version, h.status, NULL FROM "{table}" AS h
WHERE h.version > 0 AND NOT EXISTS (SELECT 1 FROM record_version AS v
  WHERE v.kind = '{kind}' AND v.record_id = h.id)
"""
_PERSON: Final = text("""
SELECT h.username, h.version, h.status, v.version AS written, v.status AS said, v.content,
  v.content_sha256, v.origin,
  (SELECT max(version) FROM record_version WHERE kind = 'practitioner' AND record_id = :id
     AND origin = 'here') AS top,
  (SELECT coalesce(json_extract(a.detail, '$.role'), '*') FROM audit_entry AS a
    WHERE (a.record_id = :id AND a.action IN ('user.add', 'user.update'))
      OR (a.action = 'station.create' AND a.user_id = :id)
    ORDER BY a.seq DESC LIMIT 1) AS logged, o.op_id, o.line
FROM "user" AS h LEFT JOIN record_version AS v ON v.kind = 'practitioner'
  AND v.record_id = h.id AND v.version = h.version
LEFT JOIN operation AS o ON o.kind = 'practitioner' AND o.record_id = h.id
  AND o.version = h.version AND o.version > 0
WHERE h.id = :id
""")


class _Coding(msgspec.Struct):
    code: str = ""


class _Concept(msgspec.Struct):
    coding: tuple[_Coding, ...] = ()


class _StaffResource(msgspec.Struct, rename={"resource_type": "resourceType"}):
    resource_type: str = ""
    code: tuple[_Concept, ...] = ()


class _StaffLine(msgspec.Struct):
    """As much of a colleague's line as tells the role."""

    resources: tuple[_StaffResource, ...] = ()


class VersionRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def digests(self, kind: RecordKind, record_id: str) -> dict[int, tuple[str, int | None]]:
        rows = self._connection.execute(_DIGESTS, {"kind": kind.value, "id": record_id})
        return {row.version: (row.content_sha256, row.restores) for row in rows}

    def count(self) -> int:
        found: int = self._connection.execute(
            text("SELECT count(*) FROM record_version")
        ).scalar_one()
        return found

    def walk(self, after: int, limit: int) -> tuple[KeptVersion, ...]:
        rows = self._connection.execute(_WALK, {"after": after, "limit": limit})
        return tuple(_kept(row) for row in rows)

    def head_faults(self, limit: int) -> tuple[HeadFault, ...]:
        found: list[HeadFault] = []
        for one in KINDS:
            for fault in (*self._missing(one.kind, one.head.__tablename__), *self._shown(one)):
                found.append(fault)
                if len(found) >= limit:
                    return tuple(found)
        for kind, name in ((RecordKind.PRACTITIONER, "user"), (RecordKind.FACILITY, "facility")):
            found += self._missing(kind, name)
        return tuple(found[:limit])

    def _missing(self, kind: RecordKind, table: str) -> Iterator[HeadFault]:
        statement = _CHAIN.format(kind=kind.value, table=table)
        for row in self._connection.execute(text(statement)):
            yield HeadFault(kind=kind.value, record_id=row.record_id, version=row.version or 0)

    def _shown(self, repository: type[RecordRepository[Any]]) -> Iterator[HeadFault]:
        """Columns that lists show, against those that the version would give."""
        store = repository(self._connection)
        table = table_of(repository.head)
        contents = text(
            f'SELECT h.id, v.content FROM "{table.name}" AS h JOIN record_version AS v '  # noqa: S608  # fixed names
            "ON v.kind = :kind AND v.record_id = h.id AND v.version = h.version"
        )
        written = {
            row.id: row.content
            for row in self._connection.execute(contents, {"kind": repository.kind.value})
        }
        for head in self._connection.execute(select(table).where(table.c.version > 0)):
            try:
                record = decode(written[head.id], repository.record_type)
            except (KeyError, msgspec.DecodeError):
                continue  # the version itself is at fault, and is named as that
            expected = store.columns(record)
            wrong = tuple(
                name
                for name, value in expected.items()
                if name not in _MOVES and getattr(head, name) != value
            )
            if wrong:
                yield HeadFault(
                    kind=repository.kind.value,
                    record_id=head.id,
                    version=head.version,
                    fields=wrong,
                )

    def person_fault(self, user_id: str) -> str:
        row = self._connection.execute(_PERSON, {"id": user_id}).one_or_none()
        if row is None or row.content is None:
            return "missing"
        try:
            user = decode(row.content, User)
        except msgspec.DecodeError:
            return "content"
        wrong = (fault for fault, holds in _PERSON_FAULTS if not holds(row, user, user_id))
        return next(wrong, "")


def _hash_holds(row: Any, _user: User, _user_id: str) -> bool:
    return digest(row.content) == str(row.content_sha256)


def _name_holds(row: Any, user: User, user_id: str) -> bool:
    return user.id == user_id and user.username.strip().lower() == str(row.username)


def _is_newest(row: Any, _user: User, _user_id: str) -> bool:
    return bool(row.status == row.said and (row.top or 0) <= row.version)


def _is_logged(row: Any, user: User, _user_id: str) -> bool:
    """What was written on another PC is known by the line it came as instead."""
    if row.origin == "here":
        return row.logged in {"*", user.role.value}
    return row.line is not None


def _line_holds(row: Any, user: User, _user_id: str) -> bool:
    """The line stands under the id of its bytes, and gives the same role."""
    if row.origin == "here":
        return True
    if row.line is None:
        return False
    line = unpack(row.line)
    name = hashlib.sha256(line).digest()[:16].hex()
    return name == str(row.op_id) and _roles_in(line) == {user.role.value}


def _roles_in(line: bytes) -> set[str]:
    try:
        resources = msgspec.json.decode(line, type=_StaffLine).resources
    except msgspec.DecodeError:
        return set()
    roles = (one for one in resources if one.resource_type == "PractitionerRole")
    return {coding.code for role in roles for code in role.code for coding in code.coding}


_PERSON_FAULTS: tuple[tuple[str, Callable[[Any, User, str], bool]], ...] = (
    ("content", _hash_holds),
    ("name", _name_holds),
    ("version", _is_newest),
    ("unlogged", _is_logged),
    ("line", _line_holds),
)
"""What must hold of a person's row, and what is said when it does not."""


def _kept(row: Any) -> KeptVersion:
    shape = _TYPES.get(row.kind)
    record, canonical = None, ""
    if shape is not None:
        try:
            record = decode(row.content, shape)
            canonical = encode(record)
        except msgspec.DecodeError:
            record = None
    return KeptVersion(
        seq=row.seq,
        kind=row.kind,
        record_id=row.record_id,
        version=row.version,
        status=row.status,
        content=row.content,
        canonical=canonical,
        content_sha256=row.content_sha256,
        author_id=row.author_id,
        author_name=row.author_name,
        at=moment(row.at_utc, row.at_offset),
        reason=row.reason,
        origin=row.origin,
        device=row.device,
        skew=row.skew,
        open_fields=decode(row.open_fields, tuple[str, ...]),
        record=record,
        signed=tuple((row.evidence or "").split(",")) if row.evidence else (),
        op_id=row.op_id,
        line=unpack(row.line) if row.line is not None else b"",
    )
