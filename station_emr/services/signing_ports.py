"""What signing needs of the outside world: keys, forms with room for a stamp, rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from station_emr.domain.record import RecordKind
from station_emr.domain.signature import (
    CertificateFacts,
    DocumentSignature,
    FileVerdict,
    KeySource,
    SigningEvidence,
    SignRequest,
    StandingReport,
)

from .record_ports import RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The visible mark of a signature: a one-page PDF drawn into ``box`` of ``page`` (0 = first)."""

    page: int
    box: tuple[int, int, int, int]
    drawing: bytes


class SigningKey(Protocol):
    """A key that is open for the time of one batch."""

    @property
    def facts(self) -> CertificateFacts: ...
    @property
    def chain_ders(self) -> tuple[bytes, ...]: ...
    @property
    def algorithm(self) -> str: ...


class SigningTools(Protocol):
    """Certificates, tokens, signed files. Raises SigningFailure with what to do."""

    def certificates(self, source: KeySource, secret: str) -> tuple[CertificateFacts, ...]:
        """Those the source offers; a token shows them without its PIN."""

    def open(self, source: KeySource, secret: str) -> AbstractContextManager[Any]:
        """The :class:`SigningKey` of the source, for the time of the block."""

    def sign_pdf(
        self,
        key: Any,
        pdf: bytes,
        *,
        reason: str,
        location: str,
        at: datetime,
        stamp: Stamp | None,
        report: StandingReport | None,
    ) -> bytes: ...
    def sign_xml(self, key: Any, document: bytes, *, into: str, xades: bool) -> bytes: ...
    def seal(self, key: Any, statement: bytes) -> bytes: ...
    def seal_holds(self, certificate: bytes, statement: bytes, seal: bytes) -> bool: ...
    def facts(self, certificate: bytes) -> CertificateFacts: ...
    def standing(self, certificate: bytes, chain: Sequence[bytes], at: datetime) -> StandingReport:
        """What the issuer says now: over the network, with time-outs; UNKNOWN when it cannot be
        asked. Never called from the window's thread or inside a transaction.
        """

    def check_file(self, data: bytes, roots: str) -> FileVerdict:
        """A signed PDF or XML. ``roots`` are the trusted authorities as PEM."""

    def authorities(self, path: str) -> str:
        """The certificates of a file as PEM. Raises UserError."""


class StampedForms(Protocol):
    """The form that is signed, and where on it there is room for the stamp."""

    def form(self, kind: RecordKind, record: Any, signed_at: datetime, version: int) -> bytes: ...
    def stamp(
        self,
        kind: RecordKind,
        record: Any,
        version: int,
        *,
        signer: str,
        issuer: str,
        signed_at: datetime,
    ) -> Stamp | None: ...


class SignatureStore(RecordStore[DocumentSignature], Protocol):
    """Signatures, their documents, what waits, and what was found out afterwards. Rows of
    signatures, documents, findings and evidence are never changed.
    """

    def of(self, kind: RecordKind, record_id: str) -> tuple[DocumentSignature, ...]:
        """Every signature under any version of this record, oldest first."""

    def content_sha256(self, kind: RecordKind, record_id: str, version: int) -> str | None:
        """The hash of the canonical bytes, computed anew from the bytes. None when unknown here."""

    def versions_with(self, kind: RecordKind, record_id: str, sha256: str) -> tuple[int, ...]:
        """Versions on this machine whose canonical bytes have this hash, computed anew."""

    def keep_document(self, signature_id: str, media_type: str, content: bytes) -> None: ...
    def document(self, signature_id: str) -> tuple[str, bytes] | None:
        """Media type and bytes of the signed file; None on machines that did not make it."""

    def document_of(self, kind: RecordKind, record_id: str, version: int) -> bytes | None:
        """The signed file of this version that was made on this machine."""

    def keep_standing(
        self, signature_id: str, report: StandingReport, chain: Sequence[bytes] = ()
    ) -> None: ...
    def latest_standing(self, signature_id: str) -> StandingReport | None: ...
    def chain(self, signature_id: str) -> tuple[bytes, ...]: ...
    def to_check(self, limit: int, before: datetime) -> tuple[str, ...]:
        """Digital signatures made here whose certificate has no good or bad word yet, and was not
        asked about since ``before``; oldest question first.
        """

    def revoked(self) -> tuple[str, ...]:
        """Signatures whose certificate an issuer has called revoked, whenever that was."""

    def request(self, wanted: SignRequest) -> None: ...
    def requests(self, limit: int) -> tuple[SignRequest, ...]:
        """What waits and still stands as it was signed, oldest first."""

    def find_request(self, kind: RecordKind, record_id: str, version: int) -> SignRequest | None:
        """Only while it waits."""

    def count_requests(self) -> int: ...
    def note_failure(self, kind: RecordKind, record_id: str, version: int, reason: str) -> None: ...
    def close_request(
        self, kind: RecordKind, record_id: str, version: int, *, signed: bool
    ) -> None: ...
    def unsigned_since(
        self, kinds: Sequence[RecordKind], since: datetime, limit: int
    ) -> tuple[tuple[RecordKind, str, int], ...]:
        """Records written on this machine, standing, without a digital signature and not waiting."""

    def keep_evidence(self, evidence: SigningEvidence) -> None: ...
    def evidence_of(self, kind: RecordKind, record_id: str) -> tuple[SigningEvidence, ...]: ...
