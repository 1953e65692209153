from __future__ import annotations

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class RecordVersion(Base):
    """Everything that was ever signed, written once. Triggers refuse UPDATE and DELETE.

    ``parents`` are the versions of the record that this one was written on; ``device`` and ``skew``
    (seconds the server's clock was ahead) belong to the machine that wrote it; only the machine that
    brought an older version back knows it as ``restores``, elsewhere the reason says so.
    """

    __tablename__ = "record_version"
    __table_args__ = (
        UniqueConstraint("kind", "record_id", "version"),
        Index(
            "version_open", "kind", "record_id", "version", sqlite_where=text("open_fields <> '[]'")
        ),
        Index("version_patient", "seq", "record_id", sqlite_where=text("kind = 'patient'")),
        STRICT,
    )

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
    parents: Mapped[str] = mapped_column(Text, server_default=text("'[]'"))  # JSON list
    origin: Mapped[str] = mapped_column(Text, server_default=text("'here'"))
    open_fields: Mapped[str] = mapped_column(Text, server_default=text("'[]'"))  # JSON list
    device: Mapped[str] = mapped_column(Text, server_default=text("''"))
    skew: Mapped[int | None]
    restores: Mapped[int | None]  # the earlier version that this one brings back
