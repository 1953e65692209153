from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Head


class AppointmentHead(Head):
    __tablename__ = "appointment"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    encounter_id: Mapped[str] = mapped_column(ForeignKey("encounter.id"))
    number: Mapped[str]
    on_day: Mapped[str | None]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (
            Index("appointment_encounter", "encounter_id"),
            Index("appointment_patient", "patient_id"),
            Index("appointment_day", "on_day"),
            Index("appointment_open", "saved_utc", sqlite_where=text("version = 0")),
        )
