"""Who is calling: devices with opaque tokens, the administrator, and one-time enrolment codes.

A device that enrolled a key gets a token of a few minutes for each session (`tokens.py`); one of the
first release holds a fixed token until it enrols a key.

Only SHA-256 hashes are stored: tokens and codes are random with at least 100 bits, so a slow hash
would add nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from provincial_server import ready
from provincial_server.faults import FhirFault, Issue, refuse
from provincial_server.store import AccessToken, Device, EnrolmentCode, Facility, ServerFact

_ADMIN = "admin_token_hash"
_CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0/O and 1/I, for reading aloud
_CODE_GROUPS, _GROUP_LENGTH = 5, 4
_CONTACT_EVERY = 60_000
_HOUR = 3_600_000


_HELD = select(AccessToken.device_id).where(
    AccessToken.token_hash == bindparam("hashed"), AccessToken.expires_at > bindparam("now")
)
_HOLDER = (
    select(Device.id, Device.name, Device.last_contact_at, Facility.code, Facility.name)
    .join(Facility, Facility.code == Device.facility_code)
    .where(
        or_(Device.token_hash == bindparam("hashed"), Device.id.in_(_HELD)),
        Device.revoked_at.is_(None),
    )
)


_STANDING = select(Device.id).where(Device.id == bindparam("device"), Device.revoked_at.is_(None))


@dataclass(frozen=True)
class Caller:
    """An enrolled device, acting for its facility."""

    device_id: str
    facility_code: str
    facility_name: str
    device_name: str = ""
    """Empty where it has to be looked up."""
    remembered_by: bytes = field(default=b"", repr=False)
    """The hash of its token where it was not looked up for this request: whoever writes for it has to
    see to it that it still may."""


@dataclass(frozen=True, repr=False)
class Enrolment:
    """`token` is empty for a device with a key."""

    device_id: str
    token: str
    facility_code: str
    facility_name: str


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header; 401 without one."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorised("a bearer token is required")
    return token.strip()


def _unauthorised(diagnostics: str) -> FhirFault:
    return FhirFault(401, Issue("login", diagnostics), {"WWW-Authenticate": "Bearer"})


def authenticate(session: Session, token: str, now: int) -> Caller:
    """The device that holds the token; 401 when unknown, run out or revoked, without saying which.

    The device's own row is read for every request, so a revocation bites at once.
    """
    return found(ready.ask(session, *holder(token, now)), now)[0]


def holder(token: str, now: int) -> ready.Question:
    """Who holds the token; `found` understands the rows."""
    return holder_by(hash_secret(token), now)


def holder_by(token_hash: bytes, now: int) -> ready.Question:
    """The same, where the token's hash is known."""
    return _HOLDER, {"hashed": token_hash, "now": now}


def found(rows: Sequence[Any], now: int) -> tuple[Caller, bool]:
    """The device, and whether its contact is to be noted; 401 without one."""
    if not rows:
        raise _unauthorised("the token is unknown, has run out or has been revoked")
    device_id, device_name, last_contact_at, code, name = rows[0]
    due = last_contact_at is None or now - last_contact_at >= _CONTACT_EVERY
    return Caller(device_id, code, name, device_name), due


def standing(device_id: str) -> ready.Question:
    """A row while the device is not revoked, whatever became of its token meanwhile."""
    return _STANDING, {"device": device_id}


def refuse_revoked(rows: Sequence[Any]) -> None:
    if not rows:
        raise _unauthorised("the token is unknown, has run out or has been revoked")


def former_holder(session: Session, token: str) -> tuple[str, str] | None:
    """Device and facility whose token this is or was; it may be revoked, and its time run out."""
    hashed = hash_secret(token)
    given = select(AccessToken.device_id).where(AccessToken.token_hash == hashed)
    row = session.execute(
        select(Device.id, Device.facility_code).where(
            or_(Device.token_hash == hashed, Device.id.in_(given))
        )
    ).first()
    return (row[0], row[1]) if row else None


def add_key(session: Session, token: str, public_key: str) -> Enrolment:
    """Gives a device of the first release a key. Its fixed token, which alone may do this, ends with
    the first token that the key gets: a lost answer here locks nobody out.
    """
    row = session.execute(
        select(Device, Facility)
        .join(Facility, Facility.code == Device.facility_code)
        .where(Device.token_hash == hash_secret(token), Device.revoked_at.is_(None))
    ).first()
    if row is None:
        raise _unauthorised("the token is unknown or has been revoked")
    device, facility = row
    device.public_key = public_key
    return Enrolment(device.id, "", facility.code, facility.name)


def note_contact(session: Session, device_id: str, now: int, program: str | None) -> None:
    shown = program[:100] if program and program.isprintable() else None
    session.execute(
        update(Device).where(Device.id == device_id).values(last_contact_at=now, program=shown)
    )


def add_facility(session: Session, code: str, name: str, now: int) -> None:
    if session.get(Facility, code) is None:
        session.add(Facility(code=code, name=name, added_at=now))
        session.flush()


def new_enrolment_code(session: Session, facility_code: str, now: int, hours: int) -> str:
    if session.get(Facility, facility_code) is None:
        raise LookupError(facility_code)
    groups = (
        "".join(secrets.choice(_CODE_LETTERS) for _ in range(_GROUP_LENGTH))
        for _ in range(_CODE_GROUPS)
    )
    code = "-".join(groups)
    session.add(
        EnrolmentCode(
            code_hash=hash_secret(code),
            facility_code=facility_code,
            expires_at=now + hours * _HOUR,
        )
    )
    return code


def enrol_device(
    session: Session,
    facility_code: str,
    name: str,
    now: int,
    *,
    public_key: str | None = None,
    token: str | None = None,
) -> Enrolment:
    """Adds a device to a facility. Its token is not stored and shown only now; one with a key has
    none.
    """
    facility = session.get_one(Facility, facility_code)
    chosen = "" if public_key else token or secrets.token_urlsafe(32)
    # The token of a device with a key is one that nobody ever knew.
    hashed = hash_secret(chosen) if chosen else secrets.token_bytes(32)
    known = session.scalars(select(Device).where(Device.token_hash == hashed)).first()
    if known is not None:  # the demo station starts its server again with the same token
        if known.facility_code != facility_code:
            raise LookupError(facility_code)
        return Enrolment(known.id, chosen, facility.code, facility.name)
    device = Device(
        id=str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)),
        facility_code=facility_code,
        name=name,
        token_hash=hashed,
        public_key=public_key,
        enrolled_at=now,
    )
    session.add(device)
    session.flush()
    return Enrolment(device.id, chosen, facility.code, facility.name)


def redeem_code(
    session: Session, code: str, name: str, now: int, public_key: str | None
) -> Enrolment:
    """Trades a one-time code for a token, or for the enrolment of a key; one answer for unknown,
    used and expired codes.

    The same code with the same key is the same enrolment once more, after a lost answer: nothing
    secret is in it.
    """
    hashed = hash_secret(code.strip().upper())
    facility_code = session.scalar(
        update(EnrolmentCode)
        .where(
            EnrolmentCode.code_hash == hashed,
            EnrolmentCode.used_at.is_(None),
            EnrolmentCode.expires_at > now,
        )
        .values(used_at=now)
        .returning(EnrolmentCode.facility_code)
    )
    if facility_code is not None:
        return enrol_device(session, facility_code, name, now, public_key=public_key)
    again = session.execute(
        select(Device, Facility)
        .join(EnrolmentCode, EnrolmentCode.facility_code == Device.facility_code)
        .join(Facility, Facility.code == Device.facility_code)
        .where(
            EnrolmentCode.code_hash == hashed,
            EnrolmentCode.used_at == Device.enrolled_at,
            EnrolmentCode.expires_at > now,
            Device.public_key == public_key,
            Device.public_key.is_not(None),
            Device.revoked_at.is_(None),
        )
    ).first()
    if again is None:
        text = "Mã ghi danh sai, đã dùng hoặc đã hết hạn. Hãy xin mã mới từ quản trị của tỉnh."
        raise refuse(403, "forbidden", "the enrolment code is not valid", text=text)
    device, facility = again
    return Enrolment(device.id, "", facility.code, facility.name)


def revoke_device(session: Session, device_id: str, now: int) -> bool:
    """True when the device was active until now."""
    found = session.scalar(
        update(Device)
        .where(Device.id == device_id, Device.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(Device.id)
    )
    return found is not None


def new_admin_token(session: Session) -> str:
    token = secrets.token_urlsafe(32)
    session.merge(ServerFact(name=_ADMIN, value=hash_secret(token).hex()))
    return token


def has_admin_token(session: Session) -> bool:
    return session.get(ServerFact, _ADMIN) is not None


def check_admin(session: Session, token: str) -> None:
    fact = session.get(ServerFact, _ADMIN)
    if fact is None or not hmac.compare_digest(fact.value, hash_secret(token).hex()):
        raise _unauthorised("this is not the administrator's token")
