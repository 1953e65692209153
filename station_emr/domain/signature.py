"""Signatures under documents: by which method, with which certificate, bound to which content.

TT 13/2025 art. 3 names the methods. A signature is written once and never changed; what is found
out about its certificate afterwards stands beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from .record import RecordKind
from .sign_fault import SignFault


class SignMethod(StrEnum):
    """TT 13/2025 art. 3, and the pen for papers that are signed by hand."""

    DIGITAL_CERT = "digital_cert"
    E_CONFIRM = "e_confirm"
    BIOMETRIC = "biometric"
    PAPER = "paper"

    @property
    def label(self) -> str:
        return {
            "digital_cert": "Chữ ký số",
            "e_confirm": "Xác nhận điện tử",
            "biometric": "Sinh trắc học",
            "paper": "Ký tay trên giấy",
        }[self.value]


class SignerKind(StrEnum):
    """Whose signature it is."""

    STAFF = "staff"
    PATIENT = "patient"
    REPRESENTATIVE = "representative"

    @property
    def label(self) -> str:
        return {
            "staff": "Nhân viên trạm",
            "patient": "Người bệnh",
            "representative": "Người đại diện",
        }[self.value]


class CertificateStanding(StrEnum):
    """What the authority that issued a certificate said of it."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        return {
            "good": "Chứng thư còn hiệu lực",
            "revoked": "Chứng thư đã bị thu hồi",
            "unknown": "Chưa hỏi được nơi cấp chứng thư",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What a person needs to know of a certificate, and the certificate itself (DER)."""

    der: bytes
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    fingerprint: str  # SHA-256 of the certificate, hexadecimal
    may_sign: bool = True

    def fault_at(self, at: datetime) -> SignFault | None:
        """Why it cannot sign at this moment, as far as the certificate itself says."""
        if not self.may_sign:
            return SignFault.KEY_USAGE
        if at < self.not_before:
            return SignFault.NOT_YET_VALID
        return SignFault.EXPIRED if at > self.not_after else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingReport:
    """What was found out about a certificate, when, from whom; ``evidence`` is the answer as it
    came (an OCSP response or a CRL).
    """

    standing: CertificateStanding
    checked_at: datetime
    source: str = ""  # "ocsp", "crl" or empty
    revoked_at: datetime | None = None
    evidence: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSignature:
    """One signature under one version of a record; a record of its own that travels.

    ``target_version`` counts on the machine that signed; elsewhere the version is found by
    ``content_sha256``, the hash of its canonical bytes. ``seal`` is the certificate's signature over
    :func:`statement`, so that neither the binding nor the time can be altered afterwards.
    ``clock_skew`` is how many seconds the province's clock was ahead when last compared.
    """

    id: str
    patient_id: str
    target_kind: RecordKind
    target_id: str
    target_version: int
    content_sha256: str
    method: SignMethod
    signed_at: datetime
    signer_kind: SignerKind = SignerKind.STAFF
    signer_id: str = ""
    signer_name: str = ""
    recorded_by_id: str = ""
    recorded_by_name: str = ""
    clock_skew: int | None = None
    device: str = ""
    session: str = ""
    media_type: str = ""
    document_sha256: str = ""
    certificate: str = ""  # base64 of DER
    certificate_subject: str = ""
    certificate_issuer: str = ""
    certificate_serial: str = ""
    algorithm: str = ""
    seal: str = ""  # base64
    standing: CertificateStanding = CertificateStanding.UNKNOWN
    standing_at: datetime | None = None
    standing_source: str = ""
    witness: str = ""  # who saw a hand or a finger sign
    evidence_number: str = ""  # number of the paper, or of the device that compared the finger
    relation: str = ""  # of a representative to the patient
    note: str = ""


_SEALED: Final = (
    "id",
    "patient_id",
    "target_kind",
    "target_id",
    "content_sha256",
    "method",
    "signed_at",
    "signer_kind",
    "signer_id",
    "signer_name",
    "media_type",
    "document_sha256",
)


def statement(signature: DocumentSignature) -> bytes:
    """What the seal is made over: who signed which content when. Line by line, moments in UTC."""
    lines = ["station-emr signature 1"]
    for name in _SEALED:
        value = getattr(signature, name)
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat(timespec="microseconds")
        lines.append(f"{name}={str(value).replace(chr(10), ' ')}")
    return "\n".join(lines).encode()


assert {*_SEALED} <= {one.name for one in fields(DocumentSignature)}  # noqa: S101  a slip of the pen


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class SignatureState(StrEnum):
    """What may be said of a stored signature."""

    VALID = "valid"
    UNCHECKED = "unchecked"  # content and seal hold; nobody could ask about the certificate
    RECORDED = "recorded"  # evidence without a certificate
    REVOKED = "revoked"  # the certificate was revoked before the signature was made
    OLDER = "older"  # it holds for a version that was amended since
    FOREIGN = "foreign"  # the version it signs is not on this machine
    INVALID = "invalid"

    @property
    def label(self) -> str:
        return {
            "valid": "Hợp lệ",
            "unchecked": "Hợp lệ, chưa kiểm tra được thu hồi",
            "recorded": "Đã ghi nhận",
            "revoked": "Chứng thư đã bị thu hồi trước khi ký",
            "older": "Hợp lệ cho phiên bản trước",
            "foreign": "Máy này chưa có phiên bản đã ký",
            "invalid": "Không hợp lệ: nội dung đã bị thay đổi",
        }[self.value]


class Reentry(StrEnum):
    """When the password has to be entered again before an electronic confirmation."""

    LOG_IN = "log_in"
    QUARTER_HOUR = "quarter_hour"
    EACH_TIME = "each_time"

    @property
    def label(self) -> str:
        return {
            "log_in": "Mật khẩu lúc đăng nhập là đủ",
            "quarter_hour": "Nhập lại mật khẩu sau mỗi 15 phút",
            "each_time": "Nhập lại mật khẩu mỗi lần ký",
        }[self.value]


SIGNED_KINDS: Final = (
    RecordKind.ENCOUNTER,
    RecordKind.PRESCRIPTION,
    RecordKind.REFERRAL,
    RecordKind.APPOINTMENT,
    RecordKind.CERTIFICATE,
    RecordKind.BILL,
)
"""Kinds of documents that a person signs."""

LEAVES_THE_STATION: Final = frozenset(
    {
        RecordKind.PRESCRIPTION,
        RecordKind.REFERRAL,
        RecordKind.APPOINTMENT,
        RecordKind.CERTIFICATE,
        RecordKind.BILL,
    }
)
"""Papers that are handed out: only a digital signature equals the pen there (Luật GDĐT art. 23)."""

_DEFAULT_METHODS: Final[Mapping[RecordKind, SignMethod]] = MappingProxyType(
    {
        kind: SignMethod.DIGITAL_CERT if kind in LEAVES_THE_STATION else SignMethod.E_CONFIRM
        for kind in SIGNED_KINDS
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPolicy:
    """The station's own rule (quy chế): which method a kind of document needs.

    With ``digital_cert`` demanded and no key on the machine, the electronic confirmation stands in
    and the paper is signed by hand; the digital signature can follow later.
    """

    methods: Mapping[RecordKind, SignMethod]
    reentry: Reentry = Reentry.LOG_IN

    def method(self, kind: RecordKind) -> SignMethod:
        return self.methods.get(kind, SignMethod.E_CONFIRM)


DEFAULT_POLICY: Final = SigningPolicy(methods=_DEFAULT_METHODS)


class KeySourceKind(StrEnum):
    TOKEN = "token"  # noqa: S105  no secret
    FILE = "file"

    @property
    def label(self) -> str:
        return {"token": "USB token (PKCS#11)", "file": "Tệp chứng thư (.p12, .pfx)"}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """Where this machine finds the signing key. ``path`` is the vendor's library or the PKCS#12
    file; ``certificate`` the SHA-256 of the one that was chosen, empty while there is only one.
    """

    kind: KeySourceKind
    path: str
    certificate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """What can be said of a signed file. ``reason`` is a sentence for the person."""

    state: SignatureState
    reason: str
    signer: str = ""
    issuer: str = ""
    signed_at: datetime | None = None
    standing: CertificateStanding = CertificateStanding.UNKNOWN
    trusted: bool = False


class RequestState(StrEnum):
    """A document that waits for its digital signature."""

    WAITING = "waiting"
    SIGNED = "signed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRequest:
    """One line of the list "Chờ ký số"."""

    kind: RecordKind
    record_id: str
    version: int
    patient_id: str
    content_sha256: str
    user_id: str
    user_name: str
    number: str
    created_at: datetime
    patient_name: str = ""
    attempts: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningEvidence:
    """What is kept of an electronic confirmation: what was shown, to whom, on which machine.

    ``proof`` says how the person was known: ``log_in`` (the password that opened the session) or
    ``password`` (entered again at ``proven_at``).
    """

    kind: RecordKind
    record_id: str
    version: int
    content_sha256: str
    method: SignMethod
    proof: str
    proven_at: datetime | None
    user_id: str
    user_name: str
    role: str
    device: str
    session: str
    at: datetime
    skew: int | None = None
