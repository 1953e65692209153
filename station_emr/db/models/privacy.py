"""What people agreed to, what they asked of their record, and leaks that must be reported."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from .base import Head


class ConsentHead(Head):
    __tablename__ = "consent"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    purpose: Mapped[str]
    withdrawn: Mapped[int]
    answered: Mapped[int]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (Index("consent_patient", "patient_id"),)


class RequestHead(Head):
    __tablename__ = "request"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    state: Mapped[str]
    received_utc: Mapped[str]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (Index("request_patient", "patient_id"),)


class BreachHead(Head):
    __tablename__ = "breach"

    noticed_utc: Mapped[str]
    reported: Mapped[int]
