"""XML signatures, enveloped: XMLDSig, or XAdES that names certificate and time as well.

Documents come from us or from other programs, so they are read without entities, without a DTD and
without the network.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.exceptions import InvalidInput, InvalidSignature
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier
from signxml.xades.xades import XAdESSigner

from station_emr.domain.sign_fault import SignFault, SigningFailure
from station_emr.domain.signature import FileVerdict, SignatureState

from . import certificates
from .open_key import OpenKey

DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
_LARGEST: Final = 64 * 1024 * 1024
_NO_SIGNATURE = "Tệp XML này không có chữ ký số nào."
_BROKEN = "Không đọc được tệp XML này, hoặc tệp không đúng dạng."
_CHANGED = "Nội dung tệp đã bị thay đổi sau khi ký. Không dùng bản này; hãy xin lại bản gốc."
_TRUSTED = "Chữ ký đúng và chứng thư do nơi cấp được tin cậy cấp."
_UNTRUSTED = (
    "Nội dung chưa bị thay đổi từ khi ký, nhưng nơi cấp chứng thư chưa có trong danh sách tin cậy "
    "của máy này."
)


class _TokenKey:
    """The two calls that signxml makes of a private key."""

    def __init__(self, key: OpenKey) -> None:
        self._key = key
        self.key_size: int = getattr(key.certificate.public_key(), "key_size", 0)

    def sign(
        self,
        data: bytes,
        padding: AsymmetricPadding | None = None,
        algorithm: Any = None,
        signature_algorithm: Any = None,
    ) -> bytes:
        del padding  # PKCS#1 v1.5 is the only one that the methods below name
        chosen = algorithm or signature_algorithm.algorithm
        return self._key.raw(data, chosen.name)


def sign_xml(document: bytes, key: OpenKey, *, into: str = "", xades: bool = True) -> bytes:
    """The whole document signed; the signature stands inside the element ``into`` (its local name),
    or last in the root. Raises SigningFailure: DOCUMENT when it cannot be read, or when the element
    is not there exactly once or holds something already.
    """
    root = _parse(document)
    place = _place(root, into) if into else root
    etree.SubElement(place, f"{{{DSIG}}}Signature", {"Id": "placeholder"}, nsmap={"ds": DSIG})
    elliptic = key.algorithm == certificates.ECDSA_SHA256
    method = SignatureMethod.ECDSA_SHA256 if elliptic else SignatureMethod.RSA_SHA256
    make = XAdESSigner if xades else XMLSigner
    signer = make(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=method,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    token: Any = _TokenKey(key)
    chain = [key.certificate, *key.chain]
    try:
        signed = signer.sign(root, key=token, cert=chain, always_add_key_value=False)
    except (InvalidInput, etree.LxmlError, ValueError):
        raise SigningFailure(SignFault.DOCUMENT) from None
    return bytes(etree.tostring(signed, xml_declaration=True, encoding="UTF-8"))


def _parse(document: bytes) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    if len(document) > _LARGEST:
        raise SigningFailure(SignFault.DOCUMENT)
    try:
        root = etree.fromstring(document, parser)
    except (etree.LxmlError, ValueError):
        raise SigningFailure(SignFault.DOCUMENT) from None
    if _is_declared(root):
        raise SigningFailure(SignFault.DOCUMENT)
    return root


def _is_declared(root: Any) -> bool:
    """Whether the document brings a type, and with it entities, of its own."""
    return bool(root.getroottree().docinfo.doctype)


def _place(root: Any, name: str) -> Any:
    found = [one for one in root.iter(f"{{*}}{name}") if isinstance(one.tag, str)]
    if len(found) != 1 or len(found[0]) or (found[0].text or "").strip():
        raise SigningFailure(SignFault.DOCUMENT)
    return found[0]


def check_xml(document: bytes, roots: Sequence[x509.Certificate]) -> FileVerdict:
    """Whether the one signature of the document covers the whole of it. Asks nobody over the network."""
    try:
        root = _parse(document)
    except SigningFailure:
        return FileVerdict(state=SignatureState.INVALID, reason=_BROKEN)
    signatures = root.findall(f".//{{{DSIG}}}Signature")
    if len(signatures) != 1:
        return FileVerdict(state=SignatureState.INVALID, reason=_NO_SIGNATURE)
    held = _certificates(signatures[0])
    if not held:
        return FileVerdict(state=SignatureState.INVALID, reason=_CHANGED)
    signer, *others = held
    references = _references(signatures[0])
    if references.count("") != 1:  # a part was signed, not the document
        return FileVerdict(state=SignatureState.INVALID, reason=_CHANGED)
    try:
        # Trust is judged below: here the signer's own key is what the bytes are held against.
        XMLVerifier().verify(
            document,
            x509_cert=signer,
            expect_config=SignatureConfiguration(
                require_x509=True,
                expect_references=len(references),
                signature_methods=frozenset(
                    {SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256}
                ),
            ),
            id_attribute="Id",
        )
    except (InvalidSignature, InvalidInput, etree.LxmlError, ValueError, TypeError, KeyError):
        return FileVerdict(state=SignatureState.INVALID, reason=_CHANGED)
    facts = certificates.facts(certificates.der_of(signer))
    chain = certificates.chain_of(signer, [*others, *roots])
    trusted = any(root_certificate in roots for root_certificate in chain)
    return FileVerdict(
        state=SignatureState.VALID if trusted else SignatureState.UNCHECKED,
        reason=_TRUSTED if trusted else _UNTRUSTED,
        signer=facts.subject,
        issuer=facts.issuer,
        trusted=trusted,
    )


def _references(signature: Any) -> list[str]:
    found = signature.findall(f"{{{DSIG}}}SignedInfo/{{{DSIG}}}Reference")
    return [str(one.get("URI", "-")) for one in found]


def _certificates(signature: Any) -> list[x509.Certificate]:
    found: list[x509.Certificate] = []
    for one in signature.findall(f"{{{DSIG}}}KeyInfo/{{{DSIG}}}X509Data/{{{DSIG}}}X509Certificate"):
        try:
            found.append(x509.load_der_x509_certificate(base64.b64decode(one.text or "")))
        except (ValueError, binascii.Error):
            return []
    return found
