"""The lines as they travel, and what is known of where they are."""

from __future__ import annotations

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class OperationRow(Base):
    """One line, packed. Triggers refuse another line under the same id, and any DELETE."""

    __tablename__ = "operation"
    __table_args__ = (
        Index(
            "operation_version",
            "kind",
            "record_id",
            "version",
            unique=True,
            sqlite_where=text("version > 0"),
        ),
        Index("operation_kept", "kind", "record_id", sqlite_where=text("version = 0")),
        Index("operation_held", text("substr(op_id, 1, 2)"), sqlite_where=text("held = 1")),
        Index("operation_unheld", "held", sqlite_where=text("held = 0")),
        STRICT,
    )

    row_id: Mapped[int] = mapped_column(primary_key=True)
    op_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    record_id: Mapped[str]
    version: Mapped[int]  # 0 while the line wrote no version here
    size: Mapped[int]  # bytes of the line before packing
    held: Mapped[int]  # 1 when the province said so
    note: Mapped[str] = mapped_column(Text, server_default=text("''"))  # why it cannot be shown
    line: Mapped[bytes]  # last, so that its length never slows the columns


class HeldBucket(Base):
    """Count and sum of what is held, by the first byte of the id; kept by triggers.

    The sum is a number of 64 bits without sign, kept as two halves of 32.
    """

    __tablename__ = "held_bucket"
    __table_args__ = STRICT

    bucket: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]
    high: Mapped[int]
    low: Mapped[int]


class WantedOperation(Base):
    """Held by the province and not here."""

    __tablename__ = "wanted_operation"
    __table_args__ = {**STRICT, "sqlite_with_rowid": False}  # noqa: RUF012  # read by SQLAlchemy

    op_id: Mapped[str] = mapped_column(primary_key=True)


class ParkedOperation(Base):
    """A kept line and one thing it waits for: an operation, or a record as ``kind/id``."""

    __tablename__ = "parked_operation"
    __table_args__ = (Index("parked_needs", "needs"), {**STRICT, "sqlite_with_rowid": False})

    op_id: Mapped[str] = mapped_column(primary_key=True)
    needs: Mapped[str] = mapped_column(primary_key=True)
