from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class AuditEntry(Base):
    """One line of the hash chain. AUTOINCREMENT: lines cut off the end leave a trace."""

    __tablename__ = "audit_entry"
    __table_args__ = {**STRICT, "sqlite_autoincrement": True}  # noqa: RUF012  # read by SQLAlchemy

    seq: Mapped[int] = mapped_column(primary_key=True)
    at_utc: Mapped[str]
    at_offset: Mapped[int]
    user_id: Mapped[str]
    user_name: Mapped[str]
    role: Mapped[str]
    device: Mapped[str]
    action: Mapped[str]
    kind: Mapped[str]
    record_id: Mapped[str]
    patient_id: Mapped[str]
    detail: Mapped[str]  # JSON object of texts
    prev_hash: Mapped[str]
    hash: Mapped[str]
