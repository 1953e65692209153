"""Small things on the desk: number counters, settings, unfinished forms, the print log."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class Counter(Base):
    __tablename__ = "counter"
    __table_args__ = {**STRICT, "sqlite_with_rowid": False}  # noqa: RUF012  # read by SQLAlchemy

    name: Mapped[str] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int]


class Setting(Base):
    __tablename__ = "setting"
    __table_args__ = {**STRICT, "sqlite_with_rowid": False}  # noqa: RUF012  # read by SQLAlchemy

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class FormDraft(Base):
    __tablename__ = "form_draft"
    __table_args__ = STRICT

    row_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[str]
    content: Mapped[str]
    saved_utc: Mapped[str]
    saved_offset: Mapped[int]


class PrintEntry(Base):
    __tablename__ = "print_log"
    __table_args__ = (Index("print_record", "kind", "record_id", "copy", unique=True), STRICT)

    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    record_id: Mapped[str]
    version: Mapped[int]
    copy: Mapped[int]
    at_utc: Mapped[str]
    at_offset: Mapped[int]
    user_id: Mapped[str]
    user_name: Mapped[str]
    sha256: Mapped[str]
