from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Head


class NotificationHead(Head):
    """A case may be told of before its visit is signed, and may arrive here before its visit does."""

    __tablename__ = "notification"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    encounter_id: Mapped[str]
    number: Mapped[str]
    disease_code: Mapped[str]
    detected_utc: Mapped[str | None]
    due_utc: Mapped[str | None]
    reported: Mapped[int]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (
            Index("notification_encounter", "encounter_id"),
            Index("notification_patient", "patient_id"),
            Index("notification_detected", "detected_utc"),
            Index(
                "notification_open",
                "due_utc",
                sqlite_where=text("reported = 0 AND status <> 'voided'"),
            ),
        )
