"""The signing key of a USB token, through the vendor's PKCS#11 library.

The digest is made here and the token signs it with the plainest mechanism (RSA over a DigestInfo,
or ECDSA), which every token has. A library is loaded once per process, as the standard demands.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import pkcs11
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import utils
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, TokenFlag
from pkcs11 import exceptions as faults

from station_emr.domain.sign_fault import SignFault, SigningFailure
from station_emr.domain.signature import CertificateFacts

from . import certificates
from .open_key import OpenKey

_DIGEST_INFO: Final = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
_ABSENT: Final = (
    faults.NoSuchToken,
    faults.TokenNotPresent,
    faults.TokenNotRecognised,
    faults.SlotIDInvalid,
)
_GONE: Final = (
    faults.DeviceRemoved,
    faults.TokenNotPresent,
    faults.SessionHandleInvalid,
    faults.SessionClosed,
    faults.KeyHandleInvalid,
    faults.ObjectHandleInvalid,
    faults.UserNotLoggedIn,
    faults.DeviceError,
)
_WRONG_PIN: Final = (faults.PinIncorrect, faults.PinInvalid, faults.PinLenRange)
_LOW: Final = "Token báo đã có lần nhập sai trước đó: số lần thử còn lại không nhiều."
_LAST: Final = "Token báo chỉ còn một lần thử trước khi bị khóa."

_using = threading.Lock()  # most vendors' libraries are not made for two threads at once


@contextmanager
def open_token(library: str, pin: str, fingerprint: str = "") -> Iterator[OpenKey]:
    """Log in to the token that holds the chosen certificate, for the time of the block.

    Raises SigningFailure with what to do. The PIN goes to the token and is kept nowhere here.
    """
    with _using:
        token, facts = _find(library, fingerprint)
        with _session(token, pin) as session:
            certificate = certificates.load(facts.der)
            others = [x509.load_der_x509_certificate(der) for der, _ in _certificates(session)]
            key = _private_key(session, facts)
            ec_key = key.key_type == KeyType.EC

            def raw(data: bytes, digest: str) -> bytes:
                return _signed(key, data, digest, elliptic=ec_key)

            yield OpenKey(facts, certificates.chain_of(certificate, others), raw)


def list_certificates(library: str) -> tuple[CertificateFacts, ...]:
    """Certificates of every token that is plugged in; no PIN is needed to read them."""
    with _using:
        return tuple(facts for _, facts in _offered(library))


def _loaded(library: str) -> Any:
    try:
        return pkcs11.lib(library)
    except (RuntimeError, OSError, pkcs11.PKCS11Error):
        raise SigningFailure(SignFault.LIBRARY) from None


def _tokens(library: str) -> list[Any]:
    """What is plugged in. Some libraries see a token that came later only after a new start."""
    loaded = _loaded(library)
    for again in (False, True):
        with suppress(pkcs11.PKCS11Error):
            if again:
                loaded.reinitialize()
            found = [
                token for token in loaded.get_tokens() if TokenFlag.TOKEN_INITIALIZED in token.flags
            ]
            if found:
                return found
    raise SigningFailure(SignFault.TOKEN_ABSENT)


def _offered(library: str) -> list[tuple[Any, CertificateFacts]]:
    found: list[tuple[Any, CertificateFacts]] = []
    for token in _tokens(library):
        with suppress(pkcs11.PKCS11Error), token.open() as session:  # one that is just pulled out
            found += [
                (token, certificates.facts(der))
                for der, _ in _certificates(session)
                if not _is_authority(der)
            ]
    return found


def _find(library: str, fingerprint: str) -> tuple[Any, CertificateFacts]:
    offered = _offered(library)
    chosen = certificates.choose([facts for _, facts in offered], fingerprint)
    return next((token, facts) for token, facts in offered if facts is chosen)


@contextmanager
def _session(token: Any, pin: str) -> Iterator[Any]:
    try:
        session = token.open(user_pin=pin)
    except _WRONG_PIN:
        raise SigningFailure(SignFault.WRONG_PIN, _tries_left(token)) from None
    except faults.PinLocked:
        raise SigningFailure(SignFault.PIN_LOCKED) from None
    except _ABSENT:
        raise SigningFailure(SignFault.TOKEN_ABSENT) from None
    except pkcs11.PKCS11Error:
        raise SigningFailure(SignFault.DEVICE) from None
    try:
        yield session
    finally:
        with suppress(pkcs11.PKCS11Error):  # pulled out meanwhile: nothing is left to close
            session.close()


def _tries_left(token: Any) -> str:
    try:
        flags = token.slot.get_token().flags  # as they stand after the wrong PIN
    except pkcs11.PKCS11Error:
        return ""
    if TokenFlag.USER_PIN_LOCKED in flags:
        raise SigningFailure(SignFault.PIN_LOCKED) from None
    if TokenFlag.USER_PIN_FINAL_TRY in flags:
        return _LAST
    return _LOW if TokenFlag.USER_PIN_COUNT_LOW in flags else ""


def _certificates(session: Any) -> list[tuple[bytes, bytes]]:
    """DER and id of each certificate that this program can read."""
    found: list[tuple[bytes, bytes]] = []
    for one in session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE}):
        der = bytes(one[Attribute.VALUE])
        with suppress(SigningFailure):
            certificates.load(der)
            found.append((der, bytes(one[Attribute.ID])))
    return found


def _is_authority(der: bytes) -> bool:
    try:
        found = certificates.load(der).extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return bool(found.value.ca)


def _private_key(session: Any, facts: CertificateFacts) -> Any:
    ids = [key_id for der, key_id in _certificates(session) if der == facts.der]
    for key in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}):
        if bytes(key[Attribute.ID]) in ids:
            return key
    raise SigningFailure(SignFault.NO_CERTIFICATE)


def _signed(key: Any, data: bytes, digest: str, *, elliptic: bool) -> bytes:
    digested = hashlib.new(digest, data).digest()
    try:
        if not elliptic:
            return bytes(key.sign(_DIGEST_INFO[digest] + digested, mechanism=Mechanism.RSA_PKCS))
        pair = bytes(key.sign(digested, mechanism=Mechanism.ECDSA))
    except _GONE:
        raise SigningFailure(SignFault.TOKEN_REMOVED) from None
    except pkcs11.PKCS11Error:
        raise SigningFailure(SignFault.DEVICE) from None
    half = len(pair) // 2
    return utils.encode_dss_signature(
        int.from_bytes(pair[:half], "big"), int.from_bytes(pair[half:], "big")
    )
