from __future__ import annotations

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class AuditEntry(Base):
    """One line of the hash chain. AUTOINCREMENT: lines cut off the end leave a trace.

    ``form`` says which columns the hash covers: those up to ``detail`` in lines of the first releases
    (1), all of them since (2). ``skew`` is how many seconds the server's clock was ahead.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("audit_action", "action"),
        Index("audit_at", "at_utc"),
        Index("audit_patient", "patient_id", sqlite_where=text("patient_id <> ''")),
        Index("audit_result", "result", sqlite_where=text("result <> 'ok'")),
        Index("audit_user", "user_id"),
        {**STRICT, "sqlite_autoincrement": True},
    )

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
    form: Mapped[int] = mapped_column(server_default=text("1"))
    source: Mapped[str] = mapped_column(Text, server_default=text("''"))
    account: Mapped[str] = mapped_column(Text, server_default=text("''"))
    purpose: Mapped[str] = mapped_column(Text, server_default=text("''"))
    result: Mapped[str] = mapped_column(Text, server_default=text("'ok'"))
    skew: Mapped[int | None]


class AuditAnchor(Base):
    """A moment at which the chain's end was shown to somebody outside: the province, or a print."""

    __tablename__ = "audit_anchor"
    __table_args__ = {**STRICT, "sqlite_autoincrement": True}  # noqa: RUF012  # read by SQLAlchemy

    row_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    seq: Mapped[int]
    hash: Mapped[str]
    incarnation: Mapped[str]
    at_utc: Mapped[str]
    at_offset: Mapped[int]
