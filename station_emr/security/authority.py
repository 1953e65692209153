"""A province's own certificate authority, read from the file that the province handed out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from station_emr.domain.errors import UserError

_LARGEST: Final = 256 * 1024
_NOT_ONE: Final = (
    "Tệp này không phải chứng chỉ của cơ quan cấp chứng chỉ (PEM hoặc DER). Chưa có gì thay đổi. "
    "Hãy dùng đúng tệp do Sở Y tế cấp."
)


def read_authority(path: str) -> str:
    """The certificates of the file as PEM. Raises UserError."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError:
        raise UserError(
            f"Không đọc được tệp {path}. Hãy kiểm tra đường dẫn và quyền đọc tệp."
        ) from None
    try:
        if b"-----BEGIN CERTIFICATE-----" in data:
            found = x509.load_pem_x509_certificates(data)
        else:
            found = [x509.load_der_x509_certificate(data)]
        authorities = [one for one in found if _may_vouch(one)]
    except ValueError:
        raise UserError(_NOT_ONE) from None
    if len(data) > _LARGEST or not authorities:
        raise UserError(_NOT_ONE)
    return "".join(one.public_bytes(Encoding.PEM).decode("ascii") for one in authorities)


def _may_vouch(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return found.value.ca
