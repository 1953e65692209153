"""Ends of the stations' logs as they were shown, and what did not fit. Nothing here ever changes."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from provincial_server.store import FACILITY_CODE, Base, append_only

DEVICE_ID = String(36)
INCARNATION = String(80)
HASH = String(64)


class AuditAnchor(Base):
    """The end of one device's log at one moment. `incarnation` is the life of its database: a
    database that was put back from a copy begins a new one (docs/sync.md). `restored` says that the
    log of a new life does not hold the newest end of the life before."""

    __tablename__ = "audit_anchor"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    device_id: Mapped[str] = mapped_column(DEVICE_ID, ForeignKey("device.id"), primary_key=True)
    incarnation: Mapped[str] = mapped_column(INCARNATION, primary_key=True)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[str] = mapped_column(HASH)
    told_at: Mapped[int] = mapped_column(BigInteger)
    """By the station's clock."""
    received_at: Mapped[int] = mapped_column(BigInteger)
    restored: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (Index(None, "received_at"),)


class RefusedAnchor(Base):
    """An end that cannot follow what this device showed before: lines are gone, or are others."""

    __tablename__ = "refused_anchor"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    device_id: Mapped[str] = mapped_column(DEVICE_ID, ForeignKey("device.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    incarnation: Mapped[str] = mapped_column(INCARNATION)
    line: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(HASH)
    reason: Mapped[str] = mapped_column(String(20))
    received_at: Mapped[int] = mapped_column(BigInteger)


append_only(AuditAnchor)
append_only(RefusedAnchor)
