"""Signatures: written once, found by what they sign."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import insert, text

from station_emr.db.codec import decode, moment, stamp, utc_text
from station_emr.db.models import (
    SignatureFinding,
    SignatureHead,
    SignedDocument,
    SigningEvidenceRow,
    table_of,
)
from station_emr.domain.record import RecordKind
from station_emr.domain.signature import (
    SIGNED_KINDS,
    CertificateStanding,
    DocumentSignature,
    SigningEvidence,
    SignMethod,
    SignRequest,
    StandingReport,
)

from .records import RecordRepository

_OF: Final = text(
    "SELECT v.content FROM signature AS s JOIN record_version AS v "
    "ON v.kind = 'signature' AND v.record_id = s.id AND v.version = s.version "
    "WHERE s.target_kind = :kind AND s.target_id = :id AND s.version > 0 ORDER BY s.row_id"
)
_CONTENT: Final = text(
    "SELECT content FROM record_version "
    "WHERE kind = :kind AND record_id = :id AND version = :version"
)
_CONTENTS: Final = text(
    "SELECT version, content FROM record_version WHERE kind = :kind AND record_id = :id "
    "ORDER BY version"
)
_DOCUMENT: Final = text("SELECT media_type, content FROM signed_document WHERE signature_id = :id")
_DOCUMENT_OF: Final = text(
    "SELECT d.content FROM signature AS s JOIN signed_document AS d ON d.signature_id = s.id "
    "JOIN record_version AS v ON v.kind = s.target_kind AND v.record_id = s.target_id "
    "AND v.content_sha256 = s.content_sha256 WHERE s.target_kind = :kind AND s.target_id = :id "
    "AND v.version = :version ORDER BY s.row_id DESC LIMIT 1"
)
_FINDING: Final = text(
    "SELECT standing, source, checked_utc, checked_offset, revoked_utc, evidence "
    "FROM signature_finding WHERE signature_id = :id ORDER BY seq DESC LIMIT 1"
)
_CHAIN: Final = text(
    "SELECT chain FROM signature_finding WHERE signature_id = :id AND chain <> '[]' "
    "ORDER BY seq LIMIT 1"
)
# Every signature made here has a first finding, of the moment it was made.
_TO_CHECK: Final = text(
    "SELECT f.signature_id FROM signature_finding AS f WHERE f.standing = 'unknown' "
    "AND f.checked_utc < :before AND NOT EXISTS (SELECT 1 FROM signature_finding AS later "
    "WHERE later.signature_id = f.signature_id AND later.seq > f.seq) ORDER BY f.seq LIMIT :limit"
)
_REVOKED: Final = text(
    "SELECT DISTINCT signature_id FROM signature_finding WHERE standing = 'revoked' "
    "ORDER BY signature_id"
)
_REQUEST: Final = text(
    "INSERT INTO sign_request (kind, record_id, version, patient_id, content_sha256, user_id, "
    "user_name, number, created_utc, created_offset) VALUES (:kind, :id, :version, :patient, "
    ":sha256, :user_id, :user_name, :number, :created_utc, :created_offset) "
    "ON CONFLICT (kind, record_id, version) DO NOTHING"
)
# What was amended or voided meanwhile, here or elsewhere, does not wait any more.
_STANDS: Final = " OR ".join(
    f"(r.kind = '{kind}' AND EXISTS (SELECT 1 FROM {kind} AS h WHERE h.id = r.record_id "  # noqa: S608  # fixed names
    "AND h.version = r.version AND h.status <> 'voided'))"
    for kind in ("encounter", "prescription", "referral", "appointment", "certificate", "bill")
)
_WAITING: Final = f"FROM sign_request AS r WHERE r.state = 'waiting' AND ({_STANDS})"
_REQUESTS: Final = text(
    "SELECT r.*, (SELECT json_extract(v.content, '$.full_name') FROM patient AS p "  # noqa: S608  # fixed texts
    "JOIN record_version AS v ON v.kind = 'patient' AND v.record_id = p.id "
    f"AND v.version = p.version WHERE p.id = r.patient_id) AS patient_name {_WAITING} "
    "ORDER BY r.row_id LIMIT :limit"
)
_ONE_REQUEST: Final = text(
    f"SELECT r.*, '' AS patient_name {_WAITING} AND r.kind = :kind AND r.record_id = :id "  # fixed texts
    "AND r.version = :version"
)
_COUNT: Final = text(f"SELECT count(*) {_WAITING}")
_FAILED: Final = text(
    "UPDATE sign_request SET attempts = attempts + 1, reason = :reason "
    "WHERE kind = :kind AND record_id = :id AND version = :version AND state = 'waiting'"
)
_CLOSE: Final = text(
    "UPDATE sign_request SET state = :state, reason = '' "
    "WHERE kind = :kind AND record_id = :id AND version = :version AND state = 'waiting'"
)
_UNSIGNED: Final = {
    kind: text(
        f"SELECT h.id, h.version, v.seq FROM {kind} AS h JOIN record_version AS v "  # noqa: S608  # fixed names
        f"ON v.kind = '{kind}' AND v.record_id = h.id AND v.version = h.version "
        "WHERE h.version > 0 AND h.status <> 'voided' AND h.saved_utc >= :since "
        "AND v.origin = 'here' AND NOT EXISTS (SELECT 1 FROM signature AS s "
        "WHERE s.target_kind = v.kind AND s.target_id = h.id "
        "AND s.content_sha256 = v.content_sha256 AND s.method = 'digital_cert') "
        "AND NOT EXISTS (SELECT 1 FROM sign_request AS r WHERE r.kind = v.kind "
        "AND r.record_id = h.id AND r.version = h.version) ORDER BY v.seq LIMIT :limit"
    )
    for kind in SIGNED_KINDS
}
_EVIDENCE: Final = text(
    "SELECT * FROM signing_evidence WHERE kind = :kind AND record_id = :id ORDER BY seq"
)


class SignatureRepository(RecordRepository[DocumentSignature]):
    kind = RecordKind.SIGNATURE
    head = SignatureHead
    record_type = DocumentSignature

    def columns(self, record: DocumentSignature) -> dict[str, Any]:
        return {
            "patient_id": record.patient_id,
            "target_kind": record.target_kind.value,
            "target_id": record.target_id,
            "content_sha256": record.content_sha256,
            "method": record.method.value,
        }

    def patient_of(self, record: DocumentSignature) -> str:
        return record.patient_id

    def of(self, kind: RecordKind, record_id: str) -> tuple[DocumentSignature, ...]:
        rows = self._connection.execute(_OF, {"kind": kind.value, "id": record_id}).scalars()
        return tuple(decode(one, DocumentSignature) for one in rows)

    # What is signed

    def content_sha256(self, kind: RecordKind, record_id: str, version: int) -> str | None:
        found: str | None = self._connection.execute(
            _CONTENT, {"kind": kind.value, "id": record_id, "version": version}
        ).scalar_one_or_none()
        return None if found is None else hashlib.sha256(found.encode()).hexdigest()

    def versions_with(self, kind: RecordKind, record_id: str, sha256: str) -> tuple[int, ...]:
        rows = self._connection.execute(_CONTENTS, {"kind": kind.value, "id": record_id})
        return tuple(
            row.version
            for row in rows
            if hashlib.sha256(row.content.encode()).hexdigest() == sha256
        )

    def keep_document(self, signature_id: str, media_type: str, content: bytes) -> None:
        self._connection.execute(
            insert(table_of(SignedDocument)),
            {
                "signature_id": signature_id,
                "media_type": media_type,
                "sha256": hashlib.sha256(content).hexdigest(),
                "content": content,
            },
        )

    def document(self, signature_id: str) -> tuple[str, bytes] | None:
        row = self._connection.execute(_DOCUMENT, {"id": signature_id}).one_or_none()
        return None if row is None else (row.media_type, row.content)

    def document_of(self, kind: RecordKind, record_id: str, version: int) -> bytes | None:
        found: bytes | None = self._connection.execute(
            _DOCUMENT_OF, {"kind": kind.value, "id": record_id, "version": version}
        ).scalar_one_or_none()
        return found

    # What issuers said

    def keep_standing(
        self, signature_id: str, report: StandingReport, chain: Sequence[bytes] = ()
    ) -> None:
        revoked = report.revoked_at
        self._connection.execute(
            insert(table_of(SignatureFinding)),
            {
                "signature_id": signature_id,
                "standing": report.standing.value,
                "source": report.source,
                "revoked_utc": None if revoked is None else utc_text(revoked),
                "evidence": report.evidence,
                "chain": json.dumps([base64.b64encode(one).decode() for one in chain]),
                **stamp("checked", report.checked_at),
            },
        )

    def latest_standing(self, signature_id: str) -> StandingReport | None:
        row = self._connection.execute(_FINDING, {"id": signature_id}).one_or_none()
        if row is None:
            return None
        revoked = row.revoked_utc
        return StandingReport(
            standing=CertificateStanding(row.standing),
            checked_at=moment(row.checked_utc, row.checked_offset),
            source=row.source,
            revoked_at=None if revoked is None else datetime.fromisoformat(revoked).astimezone(UTC),
            evidence=row.evidence,
        )

    def chain(self, signature_id: str) -> tuple[bytes, ...]:
        found = self._connection.execute(_CHAIN, {"id": signature_id}).scalar_one_or_none()
        return tuple(base64.b64decode(one) for one in json.loads(found or "[]"))

    def to_check(self, limit: int, before: datetime) -> tuple[str, ...]:
        rows = self._connection.execute(_TO_CHECK, {"limit": limit, "before": utc_text(before)})
        return tuple(rows.scalars())

    def revoked(self) -> tuple[str, ...]:
        return tuple(self._connection.execute(_REVOKED).scalars())

    # What waits

    def request(self, wanted: SignRequest) -> None:
        self._connection.execute(
            _REQUEST,
            {
                "kind": wanted.kind.value,
                "id": wanted.record_id,
                "version": wanted.version,
                "patient": wanted.patient_id,
                "sha256": wanted.content_sha256,
                "user_id": wanted.user_id,
                "user_name": wanted.user_name,
                "number": wanted.number,
                **stamp("created", wanted.created_at),
            },
        )

    def requests(self, limit: int) -> tuple[SignRequest, ...]:
        rows = self._connection.execute(_REQUESTS, {"limit": limit})
        return tuple(_request(row) for row in rows)

    def find_request(self, kind: RecordKind, record_id: str, version: int) -> SignRequest | None:
        row = self._connection.execute(
            _ONE_REQUEST, {"kind": kind.value, "id": record_id, "version": version}
        ).one_or_none()
        return None if row is None else _request(row)

    def count_requests(self) -> int:
        found: int = self._connection.execute(_COUNT).scalar_one()
        return found

    def note_failure(self, kind: RecordKind, record_id: str, version: int, reason: str) -> None:
        self._connection.execute(
            _FAILED, {"kind": kind.value, "id": record_id, "version": version, "reason": reason}
        )

    def close_request(
        self, kind: RecordKind, record_id: str, version: int, *, signed: bool
    ) -> None:
        state = "signed" if signed else "dropped"
        self._connection.execute(
            _CLOSE, {"kind": kind.value, "id": record_id, "version": version, "state": state}
        )

    def unsigned_since(
        self, kinds: Sequence[RecordKind], since: datetime, limit: int
    ) -> tuple[tuple[RecordKind, str, int], ...]:
        given = {"since": utc_text(since), "limit": limit}
        found = [
            (row.seq, kind, row.id, row.version)
            for kind in kinds
            for row in self._connection.execute(_UNSIGNED[kind], given)
        ]
        return tuple((kind, record, version) for _, kind, record, version in sorted(found)[:limit])

    # Confirmations

    def keep_evidence(self, evidence: SigningEvidence) -> None:
        self._connection.execute(
            insert(table_of(SigningEvidenceRow)),
            {
                "kind": evidence.kind.value,
                "record_id": evidence.record_id,
                "version": evidence.version,
                "content_sha256": evidence.content_sha256,
                "method": evidence.method.value,
                "proof": evidence.proof,
                "user_id": evidence.user_id,
                "user_name": evidence.user_name,
                "role": evidence.role,
                "device": evidence.device,
                "session": evidence.session,
                "skew": evidence.skew,
                **stamp("proven", evidence.proven_at),
                **stamp("at", evidence.at),
            },
        )

    def evidence_of(self, kind: RecordKind, record_id: str) -> tuple[SigningEvidence, ...]:
        rows = self._connection.execute(_EVIDENCE, {"kind": kind.value, "id": record_id})
        return tuple(
            SigningEvidence(
                kind=RecordKind(row.kind),
                record_id=row.record_id,
                version=row.version,
                content_sha256=row.content_sha256,
                method=SignMethod(row.method),
                proof=row.proof,
                proven_at=(
                    None if row.proven_utc is None else moment(row.proven_utc, row.proven_offset)
                ),
                user_id=row.user_id,
                user_name=row.user_name,
                role=row.role,
                device=row.device,
                session=row.session,
                at=moment(row.at_utc, row.at_offset),
                skew=row.skew,
            )
            for row in rows
        )


def _request(row: Any) -> SignRequest:
    return SignRequest(
        kind=RecordKind(row.kind),
        record_id=row.record_id,
        version=row.version,
        patient_id=row.patient_id,
        content_sha256=row.content_sha256,
        user_id=row.user_id,
        user_name=row.user_name,
        number=row.number,
        created_at=moment(row.created_utc, row.created_offset),
        patient_name=row.patient_name or "",
        attempts=row.attempts,
        reason=row.reason,
    )
