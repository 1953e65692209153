"""What the province does not have yet, and what it answered."""

from __future__ import annotations

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class OutboxEvent(Base):
    """One committed version on its way. AUTOINCREMENT: a number once acknowledged never returns."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_record", "kind", "record_id", "seq"),
        Index("outbox_patient", "patient_id"),
        {**STRICT, "sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(primary_key=True)
    op_id: Mapped[str]
    kind: Mapped[str]
    record_id: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    patient_id: Mapped[str]
    created_utc: Mapped[str]
    created_offset: Mapped[int]
    state: Mapped[str] = mapped_column(Text, server_default=text("'waiting'"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    reason: Mapped[str] = mapped_column(Text, server_default=text("''"))


class SyncedRecord(Base):
    """The newest version of a record that the server has confirmed."""

    __tablename__ = "synced_record"
    __table_args__ = {**STRICT, "sqlite_with_rowid": False}  # noqa: RUF012  # read by SQLAlchemy

    kind: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    at_utc: Mapped[str]
    at_offset: Mapped[int]


class SyncedResource(Base):
    """The ETag the server gave for one resource of a record."""

    __tablename__ = "synced_resource"
    __table_args__ = {**STRICT, "sqlite_with_rowid": False}  # noqa: RUF012  # read by SQLAlchemy

    record_id: Mapped[str] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    etag: Mapped[str]


class SyncRunRow(Base):
    __tablename__ = "sync_run"
    __table_args__ = (Index("sync_run_outcome", "outcome"), STRICT)

    seq: Mapped[int] = mapped_column(primary_key=True)
    started_utc: Mapped[str]
    started_offset: Mapped[int]
    ended_utc: Mapped[str]
    ended_offset: Mapped[int]
    outcome: Mapped[str]
    sent: Mapped[int]
    changed: Mapped[int]
    quarantined: Mapped[int]
    bytes_up: Mapped[int]
    bytes_down: Mapped[int]
    detail: Mapped[str]
    verified: Mapped[int]


class TrafficDay(Base):
    """Bytes on the line per day of this machine, for the daily budget."""

    __tablename__ = "traffic_day"
    __table_args__ = {**STRICT, "sqlite_with_rowid": False}  # noqa: RUF012  # read by SQLAlchemy

    day: Mapped[str] = mapped_column(primary_key=True)
    up: Mapped[int]
    down: Mapped[int]
