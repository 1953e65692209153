"""SMART Backend Services: a device proves with its key who it is, and gets a token of a few minutes.

The assertion is a JWT that the device signed (ES384). It is good for this server's token address
only, for at most five minutes, and once: its `jti` is remembered as long as it could be shown again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from provincial_server.auth import hash_secret
from provincial_server.records import UUID
from provincial_server.store import AccessToken, Device, UsedAssertion

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHM = "ES384"
SCOPE = "system/*.cruds"
TOKEN_SECONDS = 300
LONGEST_ASSERTION = 300
TOLERANCE = 60
_LONGEST_JTI = 256
_LATEST = 1 << 53
_SECOND = 1000
_FORGET_AT_ONCE = 100


class TokenRefused(Exception):
    """An OAuth error. `invalid_client` is said only when the device itself is not accepted: then the
    station stops; anything else it tries once more with a fresh assertion and a corrected clock.
    """

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


def _unknown(description: str) -> TokenRefused:
    return TokenRefused(401, "invalid_client", description)


def _unusable(description: str) -> TokenRefused:
    return TokenRefused(400, "invalid_request", description)


@dataclass(frozen=True)
class Assertion:
    """What a device signed, checked but not yet used up."""

    device_id: str
    jti: str
    expires_at: int


def public_key_text(given: object) -> str | None:
    """The public half of an ES384 key as PEM, from PEM or JWK; None for anything else."""
    try:
        if isinstance(given, Mapping):
            if "d" in given:
                return None
            key: Any = jwt.PyJWK(dict(given), algorithm=ALGORITHM).key
        elif isinstance(given, str) and len(given) <= 4000:
            key = serialization.load_pem_public_key(given.encode("ascii"))
        else:
            return None
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm, jwt.PyJWTError):
        return None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        return None
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode("ascii")


def assertion_of(form: Mapping[str, str]) -> str:
    """The assertion in a token request; refuses every other way of asking."""
    if form.get("grant_type") != "client_credentials":
        raise TokenRefused(400, "unsupported_grant_type", "only client_credentials is supported")
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise _unusable("client_assertion_type must be jwt-bearer")
    assertion = form.get("client_assertion", "")
    if not assertion:
        raise _unusable("client_assertion is missing")
    return assertion


def claimed_device(assertion: str) -> str:
    """Who the assertion says it is from, believed for the access log alone; empty for no device's id."""
    try:
        claimed = jwt.decode(assertion, options={"verify_signature": False}).get("sub")
    except jwt.PyJWTError:
        return ""
    return claimed if isinstance(claimed, str) and UUID.fullmatch(claimed) else ""


def check_assertion(session: Session, assertion: str, token_url: str, now: int) -> Assertion:
    """Who signed it, if it is good here and now. Raises TokenRefused."""
    try:
        claimed = jwt.decode(assertion, options={"verify_signature": False}).get("sub")
    except jwt.PyJWTError:
        raise _unusable("the assertion is not a JWT") from None
    # No text with a NUL can be asked for, let alone be a device.
    known = isinstance(claimed, str) and UUID.fullmatch(claimed)
    device = session.get(Device, claimed) if known else None
    if device is None or device.revoked_at is not None or device.public_key is None:
        raise _unknown("the device is unknown or has been revoked")
    try:
        claims = jwt.decode(
            assertion,
            device.public_key,
            algorithms=[ALGORITHM],
            options={
                "require": ["iss", "sub", "aud", "exp", "jti"],
                # Times and audience are judged below, by the server's own clock and exactly.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
            },
        )
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        raise _unknown("the assertion is not signed with the device's key") from None
    except jwt.PyJWTError:
        raise _unusable("the assertion lacks a claim or holds a wrong one") from None
    if claims["iss"] != device.id:
        raise _unknown("iss and sub must both be the device")
    if claims["aud"] not in (token_url, [token_url]):
        raise _unusable(f"aud must be {token_url}")
    jti = claims["jti"]
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        raise _unusable("jti has 1 to 256 letters")
    return Assertion(device.id, jti, _expiry(claims, now))


def _expiry(claims: Mapping[str, Any], now: int) -> int:
    """Milliseconds. The answer's Date header tells the device how far its clock is off."""
    times = {name: claims.get(name) for name in ("exp", "iat", "nbf")}
    for name, value in times.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise _unusable(f"{name} must be a number")
    seconds = now / _SECOND
    if any(isinstance(value, int) and abs(value) > _LATEST for value in times.values()):
        raise _unusable("a time is out of range")
    expires = float(times["exp"] or 0)
    if not expires > seconds - TOLERANCE:
        raise _unusable("the assertion's time has run out")
    if not expires <= seconds + LONGEST_ASSERTION:
        raise _unusable("the assertion is good for longer than five minutes")
    for name in ("iat", "nbf"):
        if times[name] is not None and not float(times[name] or 0) <= seconds + TOLERANCE:
            raise _unusable(f"{name} lies in the future")
    return int((expires + TOLERANCE) * _SECOND) + 1


def grant(session: Session, assertion: Assertion, now: int) -> str:
    """Uses the assertion up and gives a token. From here on a fixed token of the first release is
    no longer good. Raises TokenRefused.
    """
    _forget_expired(session, now)
    # Locked before anything points at it: two that come at once would else wait for each other.
    device = session.scalars(
        select(Device)
        .where(Device.id == assertion.device_id, Device.revoked_at.is_(None))
        .with_for_update()
    ).first()
    if device is None:
        raise _unknown("the device is unknown or has been revoked")
    hashed = hashlib.sha256(assertion.jti.encode("utf-8", "surrogatepass")).digest()
    session.add(
        UsedAssertion(device_id=device.id, jti_hash=hashed, expires_at=assertion.expires_at)
    )
    try:
        session.flush()
    except IntegrityError:
        raise _unusable("the assertion was used before") from None
    token = secrets.token_urlsafe(32)
    session.add(
        AccessToken(
            token_hash=hash_secret(token),
            device_id=device.id,
            expires_at=now + TOKEN_SECONDS * _SECOND,
        )
    )
    device.token_hash = secrets.token_bytes(32)
    return token


def _forget_expired(session: Session, now: int) -> None:
    """Passes over what another transaction is forgetting already."""
    for table in (UsedAssertion, AccessToken):
        keys = list(table.__table__.primary_key)
        gone = session.execute(
            select(*keys)
            .where(table.expires_at <= now)
            .limit(_FORGET_AT_ONCE)
            .with_for_update(skip_locked=True)
        ).all()
        if gone:
            session.execute(delete(table).where(tuple_(*keys).in_([tuple(row) for row in gone])))


def configuration(fhir_base: str, token_url: str) -> dict[str, Any]:
    """What a SMART client looks for."""
    return {
        "issuer": fhir_base,
        "token_endpoint": token_url,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": [SCOPE],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }
