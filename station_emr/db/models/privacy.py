"""What people agreed to, what they asked of their record, and leaks that must be reported.

Consents are records and travel; requests and breaches are the station's own register on this machine.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base, Head


class ConsentHead(Head):
    __tablename__ = "consent"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    purpose: Mapped[str]
    withdrawn: Mapped[int]
    answered: Mapped[int]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (Index("consent_patient", "patient_id"),)


class PrivacyRequestRow(Base):
    """``content`` is the request as JSON; each change is in the log."""

    __tablename__ = "privacy_request"
    __table_args__ = (Index("request_patient", "patient_id"), STRICT)

    row_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    state: Mapped[str]
    received_utc: Mapped[str]
    content: Mapped[str]


class DataBreachRow(Base):
    __tablename__ = "data_breach"
    __table_args__ = STRICT

    row_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    noticed_utc: Mapped[str]
    content: Mapped[str]
