from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Head


class ReferralHead(Head):
    __tablename__ = "referral"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    encounter_id: Mapped[str] = mapped_column(ForeignKey("encounter.id"))
    number: Mapped[str]
    to_facility: Mapped[str]
    diagnosis: Mapped[str]
    reason: Mapped[str | None]
    emergency: Mapped[int]
    signed_utc: Mapped[str | None]
    signed_offset: Mapped[int | None]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (
            Index("referral_encounter", "encounter_id"),
            Index("referral_patient", "patient_id"),
            Index("referral_written", text("coalesce(signed_utc, saved_utc)")),
            Index("referral_open", "saved_utc", sqlite_where=text("version = 0")),
        )
