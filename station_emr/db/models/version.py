from __future__ import annotations

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class RecordVersion(Base):
    """Everything that was ever signed, written once. Triggers refuse UPDATE and DELETE."""

    __tablename__ = "record_version"
    __table_args__ = (UniqueConstraint("kind", "record_id", "version"), STRICT)

    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    record_id: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    content: Mapped[str]  # JSON of the domain record
    content_sha256: Mapped[str]
    author_id: Mapped[str]
    author_name: Mapped[str]
    at_utc: Mapped[str]
    at_offset: Mapped[int]
    reason: Mapped[str]
