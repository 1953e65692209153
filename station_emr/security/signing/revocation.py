"""Asking the issuer whether a certificate still counts: OCSP first, then its list (CRL).

An answer is believed only when the issuer, or a responder that the issuer appointed, signed it and it
is fresh. Anything else leaves the standing unknown, never good.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from station_emr.domain.errors import NetworkFailure
from station_emr.domain.signature import CertificateStanding, StandingReport

from . import certificates
from .fetching import Fetch

_SKEW: Final = timedelta(minutes=10)  # clocks of stations are not exact
_OLDEST: Final = timedelta(days=10)  # of an answer that names no end of its own
_MOST_ADDRESSES: Final = 3


def standing(
    certificate: x509.Certificate,
    issuers: Sequence[x509.Certificate],
    at: datetime,
    fetch: Fetch,
) -> StandingReport:
    """What the issuer says at this moment; UNKNOWN when nobody could be asked."""
    issuer = next(iter(certificates.chain_of(certificate, issuers)), None)
    if issuer is not None:
        for url in _responders(certificate):
            report = _by_ocsp(certificate, issuer, url, at, fetch)
            if report is not None:
                return report
        for url in _lists(certificate):
            report = _by_list(certificate, issuer, url, at, fetch)
            if report is not None:
                return report
    return StandingReport(standing=CertificateStanding.UNKNOWN, checked_at=at)


def _responders(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [
        one.access_location.value
        for one in found.value
        if one.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(one.access_location, x509.UniformResourceIdentifier)
    ][:_MOST_ADDRESSES]


def _lists(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [
        name.value
        for point in found.value
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    ][:_MOST_ADDRESSES]


def _by_ocsp(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    url: str,
    at: datetime,
    fetch: Fetch,
) -> StandingReport | None:
    question = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1()).build()  # noqa: S303  names the issuer, as RFC 6960 wants
    try:
        data = fetch(
            url,
            question.public_bytes(serialization.Encoding.DER),
            "application/ocsp-request",
        )
        answer = ocsp.load_der_ocsp_response(data)
    except (NetworkFailure, ValueError):
        return None
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return None
    if not _appointed(answer, issuer, at):
        return None
    for one in answer.responses:
        if one.serial_number != certificate.serial_number or not _same_issuer(one, question):
            continue
        if not _fresh(one.this_update_utc, one.next_update_utc, at):
            return None
        if one.certificate_status is ocsp.OCSPCertStatus.GOOD:
            return _report(CertificateStanding.GOOD, at, "ocsp", data)
        if one.certificate_status is ocsp.OCSPCertStatus.REVOKED:
            return _report(CertificateStanding.REVOKED, at, "ocsp", data, one.revocation_time_utc)
    return None


def _same_issuer(one: ocsp.OCSPSingleResponse, question: ocsp.OCSPRequest) -> bool:
    """The same hashes of the issuer as asked for; a responder may use another digest then asked."""
    if one.hash_algorithm.name != question.hash_algorithm.name:
        return False
    return (
        one.issuer_key_hash == question.issuer_key_hash
        and one.issuer_name_hash == question.issuer_name_hash
    )


def _appointed(answer: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime) -> bool:
    """Signed by the issuer, or by a certificate that the issuer gave out for exactly this."""
    for signer in _signers(answer, issuer, at):
        if _verifies(
            signer, answer.signature, answer.tbs_response_bytes, answer.signature_hash_algorithm
        ):
            return True
    return False


def _signers(
    answer: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime
) -> Iterator[x509.Certificate]:
    yield issuer
    for one in answer.certificates:
        try:
            usage = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (x509.ExtensionNotFound, ValueError):
            continue
        inside = one.not_valid_before_utc <= at <= one.not_valid_after_utc
        appointed = ExtendedKeyUsageOID.OCSP_SIGNING in usage
        if appointed and inside and certificates.issued_by(one, issuer):
            yield one


def _verifies(
    signer: x509.Certificate,
    signature: bytes,
    data: bytes,
    algorithm: hashes.HashAlgorithm | None,
) -> bool:
    key = signer.public_key()
    if algorithm is None or algorithm.digest_size < hashes.SHA256.digest_size:
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _fresh(since: datetime, until: datetime | None, at: datetime) -> bool:
    if since > at + _SKEW:
        return False
    return at <= (until if until is not None else since + _OLDEST) + _SKEW


def _by_list(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    url: str,
    at: datetime,
    fetch: Fetch,
) -> StandingReport | None:
    try:
        data = fetch(url)
        found = x509.load_der_x509_crl(data)
        genuine = found.issuer == issuer.subject and found.is_signature_valid(_plain_key(issuer))
    except (NetworkFailure, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not genuine or not _fresh(found.last_update_utc, found.next_update_utc, at):
        return None
    entry = found.get_revoked_certificate_by_serial_number(certificate.serial_number)
    if entry is None:
        return _report(CertificateStanding.GOOD, at, "crl", data)
    return _report(CertificateStanding.REVOKED, at, "crl", data, entry.revocation_date_utc)


def _plain_key(issuer: x509.Certificate) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    key = issuer.public_key()
    if isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        return key
    raise TypeError("an issuer's key of another kind")


def _report(
    found: CertificateStanding,
    at: datetime,
    source: str,
    evidence: bytes,
    revoked_at: datetime | None = None,
) -> StandingReport:
    return StandingReport(
        standing=found, checked_at=at, source=source, evidence=evidence, revoked_at=revoked_at
    )
