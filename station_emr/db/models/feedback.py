"""What receiving hospitals answered, and whether somebody of this machine has read it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Head


class FeedbackHead(Head):
    __tablename__ = "feedback"

    referral_id: Mapped[str] = mapped_column(ForeignKey("referral.id"))
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    state: Mapped[str]
    reason: Mapped[str]
    read_version: Mapped[int] = mapped_column(server_default="0")

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (
            Index("feedback_referral", "referral_id"),
            Index("feedback_unread", "referral_id", sqlite_where=text("read_version < version")),
        )
