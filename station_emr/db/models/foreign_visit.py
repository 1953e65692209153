"""Visits at other facilities that were taken over from a file; written once."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class ForeignVisitRow(Base):
    """``content`` is the visit as JSON; ``original`` its own file."""

    __tablename__ = "foreign_visit"
    __table_args__ = (
        UniqueConstraint("facility_code", "link_code"),
        Index("foreign_visit_patient", "patient_id"),
        STRICT,
    )

    row_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    facility_code: Mapped[str]
    link_code: Mapped[str]
    arrived_utc: Mapped[str]
    content: Mapped[str]
    original: Mapped[bytes]  # last, so that its length never slows the columns
