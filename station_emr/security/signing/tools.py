"""The port of digital signatures, joined: keys, files, issuers.

The libraries behind it take 0.6 s and 40 MB to load, so they come with the first signature.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from station_emr.domain.errors import UserError
from station_emr.domain.signature import (
    CertificateFacts,
    FileVerdict,
    KeySource,
    KeySourceKind,
    SignatureState,
    StandingReport,
)
from station_emr.services.signing_ports import Stamp

if TYPE_CHECKING:
    from .fetching import Fetch
    from .open_key import OpenKey

_LARGEST: Final = 2 * 1024 * 1024
_NO_AUTHORITY: Final = (
    "Tệp này không có chứng thư nào đọc được. Danh sách tin cậy vẫn như cũ. "
    "Hãy chọn tệp chứng thư gốc dạng PEM hoặc CER của nơi cấp."
)
_UNKNOWN_FILE: Final = "Tệp này không phải PDF hay XML nên không kiểm tra chữ ký được."


class LocalSigningTools:
    """Implements :class:`station_emr.services.signing_ports.SigningTools`."""

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch

    def certificates(self, source: KeySource, secret: str) -> tuple[CertificateFacts, ...]:
        if source.kind is KeySourceKind.TOKEN:
            from . import token

            return token.list_certificates(source.path)
        from . import pkcs12

        return (pkcs12.open_file(source.path, secret).facts,)

    @contextmanager
    def open(self, source: KeySource, secret: str) -> Iterator[OpenKey]:
        if source.kind is KeySourceKind.TOKEN:
            from . import token

            with token.open_token(source.path, secret, source.certificate) as key:
                yield key
            return
        from . import pkcs12

        yield pkcs12.open_file(source.path, secret, source.certificate)

    def sign_pdf(
        self,
        key: OpenKey,
        pdf: bytes,
        *,
        reason: str,
        location: str,
        at: datetime,
        stamp: Stamp | None,
        report: StandingReport | None,
    ) -> bytes:
        from . import pdf as pdf_files

        told = pdf_files.Told(reason=reason, location=location, at=at)
        return pdf_files.sign_pdf(pdf, key, told, stamp, report)

    def sign_xml(self, key: OpenKey, document: bytes, *, into: str, xades: bool) -> bytes:
        from . import xml

        return xml.sign_xml(document, key, into=into, xades=xades)

    def seal(self, key: OpenKey, statement: bytes) -> bytes:
        return key.raw(statement, "sha256")

    def seal_holds(self, certificate: bytes, statement: bytes, seal: bytes) -> bool:
        from . import certificates

        return certificates.signature_holds(certificate, statement, seal)

    def facts(self, certificate: bytes) -> CertificateFacts:
        from . import certificates

        return certificates.facts(certificate)

    def standing(self, certificate: bytes, chain: Sequence[bytes], at: datetime) -> StandingReport:
        from . import certificates, fetching, revocation

        return revocation.standing(
            certificates.load(certificate),
            [certificates.load(one) for one in chain],
            at,
            self._fetch or fetching.fetch,
        )

    def check_file(self, data: bytes, roots: str) -> FileVerdict:
        from cryptography import x509

        trusted = x509.load_pem_x509_certificates(roots.encode()) if roots else []
        if data.lstrip()[:5] == b"%PDF-":
            from . import pdf as pdf_files

            return pdf_files.check_pdf(data, trusted)
        if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
            from . import xml

            return xml.check_xml(data, trusted)
        return FileVerdict(state=SignatureState.INVALID, reason=_UNKNOWN_FILE)

    def authorities(self, path: str) -> str:
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding

        try:
            data = Path(path).read_bytes()
            if len(data) > _LARGEST:
                raise UserError(_NO_AUTHORITY)
            if b"-----BEGIN" in data:
                found = x509.load_pem_x509_certificates(data)
            else:
                found = [x509.load_der_x509_certificate(data)]
        except (OSError, ValueError):
            raise UserError(_NO_AUTHORITY) from None
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)
