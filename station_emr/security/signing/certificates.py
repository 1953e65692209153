"""Reading X.509 certificates: names, dates, usage, chain; checking a bare signature."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from station_emr.domain.sign_fault import SignFault, SigningFailure
from station_emr.domain.signature import CertificateFacts

RSA_SHA256: Final = "rsa-sha256"
ECDSA_SHA256: Final = "ecdsa-sha256"
_LONGEST_CHAIN: Final = 8
# Usages of a certificate that was issued for something else than documents of people.
_OTHER_PURPOSES: Final = frozenset(
    {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.OCSP_SIGNING,
        ExtendedKeyUsageOID.TIME_STAMPING,
        ExtendedKeyUsageOID.CODE_SIGNING,
    }
)


def load(der: bytes) -> x509.Certificate:
    """Raises SigningFailure for bytes that are no certificate."""
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        raise SigningFailure(SignFault.NO_CERTIFICATE) from None


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def facts(der: bytes) -> CertificateFacts:
    found = load(der)
    return CertificateFacts(
        der=der,
        subject=_name(found.subject),
        issuer=_name(found.issuer),
        serial=f"{found.serial_number:x}",
        not_before=found.not_valid_before_utc,
        not_after=found.not_valid_after_utc,
        fingerprint=hashlib.sha256(der).hexdigest(),
        may_sign=may_sign_documents(found),
    )


def _name(name: x509.Name) -> str:
    """The person or body, as people call it."""
    for attribute in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        found = name.get_attributes_for_oid(attribute)
        if found:
            return str(found[0].value)
    return name.rfc4514_string()


def may_sign_documents(certificate: x509.Certificate) -> bool:
    """Not an authority, and issued for signatures (a missing usage restricts nothing)."""
    try:
        extensions = certificate.extensions
    except ValueError:  # extensions that cannot be read allow nothing
        return False
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            return False
        if isinstance(value, x509.KeyUsage) and not (
            value.digital_signature or value.content_commitment
        ):
            return False
        if isinstance(value, x509.ExtendedKeyUsage) and {*value} <= _OTHER_PURPOSES:
            return False
    return isinstance(certificate.public_key(), (rsa.RSAPublicKey, ec.EllipticCurvePublicKey))


def algorithm_of(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    return ECDSA_SHA256 if isinstance(key, ec.EllipticCurvePublicKey) else RSA_SHA256


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def chain_of(
    certificate: x509.Certificate, others: Iterable[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """The issuers among ``others``, nearest first, as far as they are there."""
    pool = list(others)
    found: list[x509.Certificate] = []
    current = certificate
    while len(found) < _LONGEST_CHAIN and current.issuer != current.subject:
        issuer = next((one for one in pool if issued_by(current, one)), None)
        if issuer is None or issuer in found:
            break
        found.append(issuer)
        current = issuer
    return tuple(found)


def signature_holds(certificate_der: bytes, data: bytes, signature: bytes) -> bool:
    """Whether the certificate's key made ``signature`` over ``data``; never raises."""
    try:
        key = load(certificate_der).public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, SigningFailure):
        return False
    return True


def choose(certificates: Sequence[CertificateFacts], fingerprint: str) -> CertificateFacts:
    """The chosen one, or the only one that may sign. Raises SigningFailure."""
    if fingerprint:
        usable = [one for one in certificates if one.fingerprint == fingerprint]
    else:
        usable = [one for one in certificates if one.may_sign]
        if not usable and certificates:
            raise SigningFailure(SignFault.KEY_USAGE)
    if len(usable) != 1:
        raise SigningFailure(SignFault.NO_CERTIFICATE)
    return usable[0]
