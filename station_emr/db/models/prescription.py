from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Head


class PrescriptionHead(Head):
    __tablename__ = "prescription"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    encounter_id: Mapped[str] = mapped_column(ForeignKey("encounter.id"))
    code: Mapped[str]
    written_on: Mapped[str]  # local date
    drugs: Mapped[str]  # JSON list of labels

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (
            Index("prescription_encounter", "encounter_id"),
            Index("prescription_patient", "patient_id", "written_on"),
            Index("prescription_open", "saved_utc", sqlite_where=text("version = 0")),
        )
