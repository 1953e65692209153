from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Head


class BillHead(Head):
    """Amounts are in hundredths of a đồng, so that lists and reports add them up exactly."""

    __tablename__ = "bill"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    encounter_id: Mapped[str] = mapped_column(ForeignKey("encounter.id"))
    number: Mapped[str]
    card: Mapped[str]
    closed_on: Mapped[str | None]
    amount: Mapped[int]
    fund: Mapped[int]
    copay: Mapped[int]
    self_pay: Mapped[int]
    other: Mapped[int]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (
            Index("bill_encounter", "encounter_id"),
            Index("bill_number", "number"),
            Index("bill_patient", "patient_id"),
            Index("bill_closed", "closed_on"),
            Index("bill_open", "saved_utc", sqlite_where=text("version = 0")),
        )
