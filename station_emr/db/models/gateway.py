"""What goes to the national gateways: files with their bytes, attempts, answers about cards."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class GatewayMessageRow(Base):
    """One file or document on its way; triggers keep its bytes and the order of its states."""

    __tablename__ = "gateway_message"
    __table_args__ = (
        Index("gateway_record", "kind", "record_id"),
        Index("gateway_visit", "encounter_id"),
        Index("gateway_state", "state"),
        Index("gateway_receipt", "receipt", sqlite_where=text("receipt <> ''")),
        STRICT,
    )

    row_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    encounter_id: Mapped[str]
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    record_id: Mapped[str]
    version: Mapped[int]
    name: Mapped[str]
    standard: Mapped[str]
    state: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    created_utc: Mapped[str]
    created_offset: Mapped[int]
    signed_utc: Mapped[str | None]
    signed_offset: Mapped[int | None]
    sent_utc: Mapped[str | None]
    sent_offset: Mapped[int | None]
    answered_utc: Mapped[str | None]
    answered_offset: Mapped[int | None]
    next_try_utc: Mapped[str | None]
    next_try_offset: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    code: Mapped[str] = mapped_column(Text, server_default=text("''"))
    receipt: Mapped[str] = mapped_column(Text, server_default=text("''"))
    received_at: Mapped[str] = mapped_column(Text, server_default=text("''"))
    reason: Mapped[str] = mapped_column(Text, server_default=text("''"))
    faults: Mapped[str] = mapped_column(Text, server_default=text("'[]'"))  # JSON
    due_on: Mapped[str | None]
    replaces: Mapped[str] = mapped_column(Text, server_default=text("''"))
    content: Mapped[bytes]


class GatewayAttemptRow(Base):
    __tablename__ = "gateway_attempt"
    __table_args__ = STRICT

    seq: Mapped[int] = mapped_column(primary_key=True)
    gateway: Mapped[str]
    kind: Mapped[str]
    message_id: Mapped[str]
    started_utc: Mapped[str]
    started_offset: Mapped[int]
    ended_utc: Mapped[str]
    ended_offset: Mapped[int]
    outcome: Mapped[str]
    code: Mapped[str]
    detail: Mapped[str]


class CardLookUpRow(Base):
    __tablename__ = "card_look_up"
    __table_args__ = (
        Index("card_patient", "patient_id", "card", "asked_utc"),
        Index("card_waiting", "asked_utc", sqlite_where=text("answered = 0")),
        STRICT,
    )

    row_id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    card: Mapped[str]
    asked_utc: Mapped[str]
    asked_offset: Mapped[int]
    answered: Mapped[int]
    content: Mapped[str]  # JSON
