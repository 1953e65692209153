"""PDF signatures (PAdES): making them, and judging those of a file.

The signature is added as an increment, so the bytes of the form stay what they were. With fresh word
of the issuer the evidence goes into the file too (B-LT's store of certificates and answers); offline
it is B-B.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asn1crypto.crl
import asn1crypto.ocsp
from asn1crypto import algos
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from pyhanko.pdf_utils.content import PdfContent
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, BoxConstraints, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import ValidationError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from station_emr.domain.sign_fault import SignFault, SigningFailure
from station_emr.domain.signature import (
    CertificateStanding,
    FileVerdict,
    SignatureState,
    StandingReport,
)
from station_emr.services.signing_ports import Stamp

from . import certificates
from .open_key import OpenKey

# They log names of certificates with every path they cannot build.
for _library in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_library).setLevel(logging.CRITICAL + 1)

_WHOLE_BOX = SimpleBoxLayoutRule(
    x_align=AxisAlignment.ALIGN_MID,
    y_align=AxisAlignment.ALIGN_MID,
    margins=Margins(left=0, right=0, top=0, bottom=0),
)
_NO_SIGNATURE = "Tệp PDF này không có chữ ký số nào."
_BROKEN = "Không đọc được tệp PDF này, hoặc tệp đã bị hỏng."
_CHANGED = "Nội dung tệp đã bị thay đổi sau khi ký. Không dùng bản này; hãy xin lại bản gốc."
_TRUSTED = "Chữ ký đúng và chứng thư do nơi cấp được tin cậy cấp."
_UNTRUSTED = (
    "Nội dung chưa bị thay đổi từ khi ký, nhưng nơi cấp chứng thư chưa có trong danh sách tin cậy "
    "của máy này."
)
_REVOKED = "Chứng thư của người ký đã bị thu hồi. Không dùng bản này trước khi hỏi lại nơi gửi."


class _KeySigner(Signer):
    """pyHanko's view of an open key."""

    def __init__(self, key: OpenKey) -> None:
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple([_asn1(der) for der in key.chain_ders])
        super().__init__(signing_cert=_asn1(key.facts.der), cert_registry=store)
        self._key = key
        if key.algorithm == certificates.ECDSA_SHA256:
            self._signature_mechanism = algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        if dry_run:
            return bytes(1024)
        return self._key.raw(data, digest_algorithm)


class _Drawing(PdfContent):
    """A page made by us as the look of the stamp; nothing is written to a temporary file."""

    def __init__(self, pdf: bytes) -> None:
        super().__init__()
        self._pdf = pdf

    def render(self) -> bytes:
        writer: Any = self._ensure_writer
        page = writer.import_page_as_xobject(PdfFileReader(io.BytesIO(self._pdf)), page_ix=0)
        name = "/Stamp" + hashlib.sha256(self._pdf).hexdigest()[:16]
        self.resources.xobject[name] = page
        left, low, right, high = page.get_object()["/BBox"]
        self.box = BoxConstraints(width=abs(right - left), height=abs(high - low))
        return f"{name} Do".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a signature says beside the bytes: why, where, when by this machine's clock."""

    reason: str
    location: str
    at: datetime


def sign_pdf(
    pdf: bytes, key: OpenKey, told: Told, stamp: Stamp | None, report: StandingReport | None
) -> bytes:
    """The signed file. Raises SigningFailure; a file that is no PDF is DOCUMENT."""
    context = _context(key, report, told.at)
    meta = PdfSignatureMetadata(
        field_name=f"Signature-{hashlib.sha256(pdf).hexdigest()[:12]}",
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        reason=told.reason,
        location=told.location,
        name=key.facts.subject,
        embed_validation_info=context is not None,
        validation_context=context,
        app_build_props=None,
    )
    field = SigFieldSpec(meta.field_name or "")
    style = None
    if stamp is not None:
        field = SigFieldSpec(meta.field_name or "", on_page=stamp.page, box=stamp.box)
        style = StaticStampStyle(
            background=_Drawing(stamp.drawing), background_layout=_WHOLE_BOX, border_width=0
        )
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        signer = PdfSigner(meta, _KeySigner(key), stamp_style=style, new_field_spec=field)
        signed = signer.sign_pdf(writer)
    except (PdfError, SigningError, ValidationError, ValueError):
        raise SigningFailure(SignFault.DOCUMENT) from None
    return bytes(signed.getvalue())


def _asn1(der: bytes) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(der)


def _context(key: OpenKey, report: StandingReport | None, at: datetime) -> ValidationContext | None:
    """Only what can be proven goes into the file: good word of the issuer, and its whole chain."""
    if report is None or report.standing is not CertificateStanding.GOOD or not key.chain:
        return None
    top = key.chain[-1]
    if top.issuer != top.subject:
        return None
    found: dict[str, Any] = {}
    if report.source == "ocsp":
        found["ocsps"] = [asn1crypto.ocsp.OCSPResponse.load(report.evidence)]
    elif report.source == "crl":
        found["crls"] = [asn1crypto.crl.CertificateList.load(report.evidence)]
    return ValidationContext(
        trust_roots=[_asn1(certificates.der_of(top))],
        other_certs=[_asn1(der) for der in key.chain_ders],
        allow_fetching=False,
        revocation_mode="soft-fail",
        moment=at.astimezone(UTC),
        **found,
    )


def check_pdf(pdf: bytes, roots: Sequence[x509.Certificate]) -> FileVerdict:
    """Every signature of the file, the worst of them told. Asks nobody over the network."""
    try:
        reader = PdfFileReader(io.BytesIO(pdf))
        embedded = list(reader.embedded_regular_signatures)
    except (PdfError, ValueError, TypeError, KeyError, RecursionError):
        return FileVerdict(state=SignatureState.INVALID, reason=_BROKEN)
    if not embedded:
        return FileVerdict(state=SignatureState.INVALID, reason=_NO_SIGNATURE)
    context = ValidationContext(
        trust_roots=[_asn1(certificates.der_of(one)) for one in roots],
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    verdicts = [_judged(one, context) for one in embedded]
    order = list(_WORST)
    return min(verdicts, key=lambda verdict: order.index(verdict.state))


_WORST = (
    SignatureState.INVALID,
    SignatureState.REVOKED,
    SignatureState.UNCHECKED,
    SignatureState.VALID,
)


def _judged(embedded: Any, context: ValidationContext) -> FileVerdict:
    try:
        status: PdfSignatureStatus = validate_pdf_signature(
            embedded, signer_validation_context=context
        )
    except (PdfError, SignatureValidationError, ValueError, TypeError, KeyError):
        return FileVerdict(state=SignatureState.INVALID, reason=_CHANGED)
    facts = certificates.facts(status.signing_cert.dump())
    told: dict[str, Any] = {
        "signer": facts.subject,
        "issuer": facts.issuer,
        "signed_at": status.signer_reported_dt,
    }
    covered = (
        status.coverage is not None and status.coverage >= SignatureCoverageLevel.ENTIRE_REVISION
    )
    if not (status.intact and status.valid and status.docmdp_ok and covered):
        return FileVerdict(state=SignatureState.INVALID, reason=_CHANGED, **told)
    if status.revoked:
        return FileVerdict(
            state=SignatureState.REVOKED,
            reason=_REVOKED,
            standing=CertificateStanding.REVOKED,
            **told,
        )
    if status.trusted:
        return FileVerdict(state=SignatureState.VALID, reason=_TRUSTED, trusted=True, **told)
    return FileVerdict(state=SignatureState.UNCHECKED, reason=_UNTRUSTED, **told)
