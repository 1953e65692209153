"""Charts of one person that somebody joined, and pairs that somebody said are two people."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base, Head


class LinkHead(Head):
    __tablename__ = "link"

    survivor_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    duplicate_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (Index("link_survivor", "survivor_id"), Index("link_duplicate", "duplicate_id"))


class PatientIdentity(Base):
    """Every chart that is in a group, with the one that lists show; follows from the links."""

    __tablename__ = "patient_identity"
    __table_args__ = (
        Index("identity_survivor", "survivor_id"),
        {**STRICT, "sqlite_with_rowid": False},
    )

    patient_id: Mapped[str] = mapped_column(primary_key=True)
    survivor_id: Mapped[str]


class NotDuplicate(Base):
    """A pair, the smaller id first, that is not proposed again."""

    __tablename__ = "not_duplicate"
    __table_args__ = {**STRICT, "sqlite_with_rowid": False}  # noqa: RUF012  # read by SQLAlchemy

    one: Mapped[str] = mapped_column(primary_key=True)
    other: Mapped[str] = mapped_column(primary_key=True)
