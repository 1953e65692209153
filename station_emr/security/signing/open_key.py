"""A signing key that is open for a moment: made for one batch and closed after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from station_emr.domain.signature import CertificateFacts

from . import certificates


class RawSigner(Protocol):
    def __call__(self, data: bytes, digest: str) -> bytes:
        """PKCS#1 v1.5 or a DER pair of ECDSA over ``digest`` (``sha256`` …) of ``data``."""


@dataclass(slots=True)
class OpenKey:
    """Facts of the certificate, its chain as far as the source holds it, and the key behind it."""

    facts: CertificateFacts
    chain: tuple[x509.Certificate, ...]
    raw: RawSigner

    @property
    def certificate(self) -> x509.Certificate:
        return certificates.load(self.facts.der)

    @property
    def algorithm(self) -> str:
        return certificates.algorithm_of(self.certificate)

    @property
    def chain_ders(self) -> tuple[bytes, ...]:
        return tuple(certificates.der_of(one) for one in self.chain)


def in_memory(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> RawSigner:
    """A key that is held by this process, as that of a PKCS#12 file."""

    def raw(data: bytes, digest: str) -> bytes:
        algorithm = HASHES[digest]()
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, padding.PKCS1v15(), algorithm)
        return key.sign(data, ec.ECDSA(algorithm))

    return raw


HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
