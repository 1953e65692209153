"""Months of the registers that were locked: written once, kept also when opened again."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class RegisterClosingRow(Base):
    """``content`` is the JSON of the lines, packed; ``content_sha256`` that of the JSON itself."""

    __tablename__ = "register_closing"
    __table_args__ = (UniqueConstraint("month", "times"), STRICT)

    row_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    month: Mapped[str]
    times: Mapped[int]
    closed_utc: Mapped[str]
    closed_offset: Mapped[int]
    user_id: Mapped[str]
    user_name: Mapped[str]
    method: Mapped[str]
    lines: Mapped[int]
    unsigned: Mapped[int]
    marks: Mapped[int]
    content_sha256: Mapped[str]
    content: Mapped[bytes]  # last, so that its length never slows the columns


class RegisterReopeningRow(Base):
    __tablename__ = "register_reopening"
    __table_args__ = STRICT

    row_id: Mapped[int] = mapped_column(primary_key=True)
    closing_id: Mapped[str] = mapped_column(unique=True)
    at_utc: Mapped[str]
    at_offset: Mapped[int]
    user_id: Mapped[str]
    user_name: Mapped[str]
    reason: Mapped[str]
