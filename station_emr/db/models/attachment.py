from __future__ import annotations

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class AttachmentRow(Base):
    """A printed form on its way to the province in pieces; its content goes once it has arrived."""

    __tablename__ = "attachment"
    __table_args__ = (
        Index("attachment_due", "created_utc", sqlite_where=text("state <> 'done'")),
        STRICT,
    )

    row_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    record_id: Mapped[str]
    version: Mapped[int]
    title: Mapped[str]
    content_type: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    sent: Mapped[int]
    state: Mapped[str] = mapped_column(Text, server_default=text("'empty'"))
    created_utc: Mapped[str]
    created_offset: Mapped[int]
    content: Mapped[bytes | None]
