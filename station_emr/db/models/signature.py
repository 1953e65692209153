"""Signatures under records, the files that were signed, and what issuers said of certificates.

All but the list of what waits is written once; triggers see to it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base, Head


class SignatureHead(Head):
    __tablename__ = "signature"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    target_kind: Mapped[str]
    target_id: Mapped[str]
    content_sha256: Mapped[str]
    method: Mapped[str]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (Index("signature_target", "target_kind", "target_id"),)


class SignedDocument(Base):
    """The signed file as it left the key, on the machine where it was signed."""

    __tablename__ = "signed_document"
    __table_args__ = (STRICT,)

    row_id: Mapped[int] = mapped_column(primary_key=True)
    signature_id: Mapped[str] = mapped_column(ForeignKey("signature.id"), unique=True)
    media_type: Mapped[str]
    sha256: Mapped[str]
    content: Mapped[bytes]


class SignatureFinding(Base):
    """One answer about a signature's certificate. ``evidence`` is the answer as it came, ``chain``
    a JSON list of the issuers' certificates in base64.
    """

    __tablename__ = "signature_finding"
    __table_args__ = (
        Index("finding_signature", "signature_id"),
        Index("finding_revoked", "signature_id", sqlite_where=text("standing = 'revoked'")),
        Index("finding_unknown", "seq", sqlite_where=text("standing = 'unknown'")),
        STRICT,
    )

    seq: Mapped[int] = mapped_column(primary_key=True)
    signature_id: Mapped[str] = mapped_column(ForeignKey("signature.id"))
    standing: Mapped[str]
    source: Mapped[str]
    checked_utc: Mapped[str]
    checked_offset: Mapped[int]
    revoked_utc: Mapped[str | None]
    evidence: Mapped[bytes]
    chain: Mapped[str]


class SigningEvidenceRow(Base):
    """What stands behind an electronic confirmation: the content shown, the person, the machine."""

    __tablename__ = "signing_evidence"
    __table_args__ = (Index("evidence_record", "kind", "record_id"), STRICT)

    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    record_id: Mapped[str]
    version: Mapped[int]
    content_sha256: Mapped[str]
    method: Mapped[str]
    proof: Mapped[str]
    proven_utc: Mapped[str | None]
    proven_offset: Mapped[int | None]
    user_id: Mapped[str]
    user_name: Mapped[str]
    role: Mapped[str]
    device: Mapped[str]
    session: Mapped[str]
    at_utc: Mapped[str]
    at_offset: Mapped[int]
    skew: Mapped[int | None]


class SignRequestRow(Base):
    """A version that waits for its digital signature."""

    __tablename__ = "sign_request"
    __table_args__ = (
        UniqueConstraint("kind", "record_id", "version"),
        Index("request_waiting", "row_id", sqlite_where=text("state = 'waiting'")),
        STRICT,
    )

    row_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    record_id: Mapped[str]
    version: Mapped[int]
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.id"))
    content_sha256: Mapped[str]
    user_id: Mapped[str]
    user_name: Mapped[str]
    number: Mapped[str]
    created_utc: Mapped[str]
    created_offset: Mapped[int]
    attempts: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[str] = mapped_column(Text, server_default=text("''"))
    state: Mapped[str] = mapped_column(Text, server_default=text("'waiting'"))
