"""The tables. Every clinical row begins with its facility: the key of isolation, and later of
distribution over several machines.

A resource is a head (what search needs) and its versions (what was received, never changed). Their
keys name the id before the type, and a patient's index the time before the type: so the dozen
resources of a visit stand side by side, and writing them touches few pages. The change table is the
feed that stations pull: one row per reader and change, numbered without a gap.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    event,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

SCHEMA_VERSION = 2
EVERY_FACILITY = "*"
"""For whom a transaction works that looks across facilities: signing in, the index, the overview,
the operator. No facility can have this code."""
FACILITY_CODE = String(32)
RESOURCE_TYPE = String(64)
RESOURCE_ID = String(64)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class ServerFact(Base):
    """What the server knows of itself: schema version, epoch, hash of the administrator's token.

    The epoch is random and belongs to this database; a server restored from a backup takes a new
    one, so that stations offer again what it may have forgotten. What stations are told is this one
    with their facility's own part behind it.
    """

    __tablename__ = "server_fact"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))


def lock_facts(session: Session) -> None:
    """Until the transaction ends nobody else changes what is counted or made once."""
    session.get_one(ServerFact, "schema_version", with_for_update=True)


class Facility(Base):
    """A health facility by its code. Its row is locked by every write of that facility, so its
    counters grow without a gap and in the order of commits.

    Operations up to `indexed_sequence` can be found as resources; `skipped_operations` counts the
    records of which that could not be done and has not been since (`UnreadRecord`), which is a fault of
    this program. `epoch_part` is given anew when a device of the facility is ahead of this database.
    """

    __tablename__ = "facility"
    code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    added_at: Mapped[int] = mapped_column(BigInteger)
    last_sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    last_write_at: Mapped[int] = mapped_column(BigInteger, default=0)
    operation_sequence: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    indexed_sequence: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    skipped_operations: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    epoch_part: Mapped[str] = mapped_column(String(16), default="", server_default="")


class Device(Base):
    __tablename__ = "device"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    facility_code: Mapped[str] = mapped_column(FACILITY_CODE, ForeignKey("facility.code"))
    name: Mapped[str] = mapped_column(String(120))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    public_key: Mapped[str | None] = mapped_column(Text)
    enrolled_at: Mapped[int] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)
    last_contact_at: Mapped[int | None] = mapped_column(BigInteger)
    program: Mapped[str | None] = mapped_column(String(100))
    __table_args__ = (Index(None, "facility_code"),)


class EnrolmentCode(Base):
    """A one-time code; only its hash is kept."""

    __tablename__ = "enrolment_code"
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    facility_code: Mapped[str] = mapped_column(FACILITY_CODE, ForeignKey("facility.code"))
    expires_at: Mapped[int] = mapped_column(BigInteger)
    used_at: Mapped[int | None] = mapped_column(BigInteger)


class AccessToken(Base):
    """A token of a few minutes, for the holder of an enrolled key; only its hash is kept."""

    __tablename__ = "access_token"
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("device.id"))
    expires_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "expires_at"),)


class UsedAssertion(Base):
    """The `jti` of an assertion that was taken, kept as long as the assertion could be shown again."""

    __tablename__ = "used_assertion"
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("device.id"), primary_key=True)
    jti_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "expires_at"),)


class ResourceHead(Base):
    """The current version of a resource, with the values that search looks at."""

    __tablename__ = "resource"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    resource_type: Mapped[str] = mapped_column(RESOURCE_TYPE, primary_key=True)
    resource_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    version: Mapped[int] = mapped_column()
    last_updated: Mapped[int] = mapped_column(BigInteger)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    patient_id: Mapped[str | None] = mapped_column(RESOURCE_ID)
    status: Mapped[str | None] = mapped_column(String(64))
    date_low: Mapped[int | None] = mapped_column(BigInteger)
    date_high: Mapped[int | None] = mapped_column(BigInteger)
    record_id: Mapped[str] = mapped_column(RESOURCE_ID, default="", server_default="")
    """The record whose unit it is part of (records.py)."""
    __table_args__ = (
        PrimaryKeyConstraint("facility_code", "resource_id", "resource_type"),
        Index(None, "facility_code", "record_id"),
        Index(None, "facility_code", "resource_type", "last_updated", "resource_id"),
        Index(None, "facility_code", "patient_id", "last_updated", "resource_id"),
        Index(None, "facility_code", "resource_type", "date_low"),
    )


class ResourceIdentifier(Base):
    __tablename__ = "resource_identifier"
    facility_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    resource_type: Mapped[str] = mapped_column(RESOURCE_TYPE, primary_key=True)
    value: Mapped[str] = mapped_column(String(200), primary_key=True)
    system: Mapped[str] = mapped_column(String(300), primary_key=True)
    resource_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    __table_args__ = (
        ForeignKeyConstraint(
            ["facility_code", "resource_type", "resource_id"],
            ["resource.facility_code", "resource.resource_type", "resource.resource_id"],
        ),
        Index(None, "facility_code", "resource_id", "resource_type"),
    )


class ResourceVersion(Base):
    """One version as it was received. Append-only: triggers refuse anything else."""

    __tablename__ = "resource_version"
    facility_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    resource_type: Mapped[str] = mapped_column(RESOURCE_TYPE, primary_key=True)
    resource_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    last_updated: Mapped[int] = mapped_column(BigInteger)
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("device.id"))
    meta: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        PrimaryKeyConstraint("facility_code", "resource_id", "resource_type", "version"),
        ForeignKeyConstraint(
            ["facility_code", "resource_type", "resource_id"],
            ["resource.facility_code", "resource.resource_type", "resource.resource_id"],
        ),
    )


class Change(Base):
    """The feed of one reading facility. `origin_device_id` keeps a device from getting its own
    work back; owner and reader differ once a letter is addressed to another facility."""

    __tablename__ = "change"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    owner_code: Mapped[str] = mapped_column(FACILITY_CODE)
    resource_type: Mapped[str] = mapped_column(RESOURCE_TYPE)
    resource_id: Mapped[str] = mapped_column(RESOURCE_ID)
    version: Mapped[int] = mapped_column()
    origin_device_id: Mapped[str] = mapped_column(String(36))
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner_code", "resource_type", "resource_id", "version"],
            [
                "resource_version.facility_code",
                "resource_version.resource_type",
                "resource_version.resource_id",
                "resource_version.version",
            ],
        ),
    )


def _guard(table: str, action: str) -> DDL:
    statement = (
        f"CREATE TRIGGER {table}_refuse_{action.lower()} BEFORE {action} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )
    return DDL(statement)  # type: ignore[no-untyped-call]


APPEND_ONLY: list[str] = []
"""The tables whose guards `provincial-server verify` looks for."""


def append_only(model: type[Base]) -> None:
    """Rows of this table are never changed nor deleted, whatever the code does."""
    table: Any = model.__table__
    assert isinstance(table, Table)  # noqa: S101 -- a mapped class always has one
    APPEND_ONLY.append(table.name)  # PostgreSQL's guards are built by postgres/wall.py
    for action in ("UPDATE", "DELETE"):
        event.listen(
            table,
            "after_create",
            _guard(table.name, action).execute_if(dialect="sqlite"),
        )


def is_append_only(table: Table) -> bool:
    return table.name in APPEND_ONLY


append_only(ResourceVersion)
append_only(Change)
