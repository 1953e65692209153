"""The signing key of a PKCS#12 file (.p12, .pfx)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from station_emr.domain.sign_fault import SignFault, SigningFailure

from . import certificates
from .open_key import OpenKey, in_memory

_LARGEST: Final = 1024 * 1024


def open_file(path: str, password: str, fingerprint: str = "") -> OpenKey:
    """Raises SigningFailure: unreadable, wrong password, no key, another certificate than chosen."""
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError):
        raise SigningFailure(SignFault.FILE) from None
    if not data or len(data) > _LARGEST:
        raise SigningFailure(SignFault.FILE)
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(data, password.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningFailure(SignFault.FILE) from None
    if certificate is None or not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise SigningFailure(SignFault.NO_CERTIFICATE)
    facts = certificates.facts(certificates.der_of(certificate))
    if fingerprint and facts.fingerprint != fingerprint:
        raise SigningFailure(SignFault.NO_CERTIFICATE)
    return OpenKey(facts, certificates.chain_of(certificate, others), in_memory(key))
