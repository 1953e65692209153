from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Head


class CertificateHead(Head):
    __tablename__ = "certificate"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    encounter_id: Mapped[str] = mapped_column(ForeignKey("encounter.id"))
    number: Mapped[str]
    first_day: Mapped[str | None]
    last_day: Mapped[str | None]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (
            Index("certificate_encounter", "encounter_id"),
            Index("certificate_patient", "patient_id"),
            Index("certificate_day", "first_day"),
            Index("certificate_open", "saved_utc", sqlite_where=text("version = 0")),
        )
