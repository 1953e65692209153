"""What the queue and the timeline show of a visit without opening it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Head


class EncounterHead(Head):
    __tablename__ = "encounter"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    day: Mapped[str]  # local date of arrival
    arrived_utc: Mapped[str]
    arrived_offset: Mapped[int]
    started_utc: Mapped[str | None]
    started_offset: Mapped[int | None]
    ended_utc: Mapped[str | None]
    ended_offset: Mapped[int | None]
    stage: Mapped[str]
    priority: Mapped[str]
    reason: Mapped[str]
    practitioner: Mapped[str]
    diagnoses: Mapped[str]  # JSON list of labels
    vitals: Mapped[str]  # JSON list of the sets measured
    blood_pressure: Mapped[str]
    weight: Mapped[str]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (
            Index("encounter_patient", "patient_id", "arrived_utc"),
            Index("encounter_day", "day"),
            Index("encounter_open", "day", sqlite_where=text("version = 0")),
        )
