"""The province's own keys: one to sign what it hands out, one that stations encrypt to.

Both lie in the database, so a restored backup keeps them: whoever holds the database holds the
record anyway. A pair that was replaced stays until it is forgotten, for files that were made for it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pyrage
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.orm import Session

from provincial_server.store import ServerFact, lock_facts

KEY_FORMAT = "station-emr-courier-key"
SIGNED_NEXT = b"station-emr courier key\x00"  # so that it is no signature of anything else
_SIGN, _OPEN, _COUNT = "courier_signing_key", "courier_identity", "courier_files"
# With a number behind it: what is kept of a replaced pair. Signature: its word for the next pair.
_OLD_SIGN, _OLD_OPEN = "courier_old_signing_key", "courier_old_identity"
_OLD_PUBLIC, _NEXT, _WORD = "courier_old_public", "courier_next_recipient", "courier_old_word"
_SCALAR = 48


@dataclass(frozen=True, repr=False)
class CourierKeys:
    """``identity`` is the secret age key that opens what stations bring. ``succession`` are the words
    of earlier pairs for the pair after them, ``earlier`` the public halves of all; ``leaked`` is a pair whose word counts no more.
    """

    private: ec.EllipticCurvePrivateKey
    identity: str
    succession: tuple[dict[str, str], ...] = ()
    earlier: tuple[bytes, ...] = ()
    leaked: bool = False

    @property
    def public_der(self) -> bytes:
        return self.private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def recipient(self) -> str:
        return str(pyrage.x25519.Identity.from_str(self.identity).to_public())

    def sign_message(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(SHA384())))
        return r.to_bytes(_SCALAR, "big") + s.to_bytes(_SCALAR, "big")

    def public(self) -> dict[str, Any]:
        """What a station keeps of the province; nothing in it is secret."""
        words = {"succession": list(self.succession)} if self.succession else {}
        return words | {
            "format": KEY_FORMAT,
            "encrypt": self.recipient,
            "sign": base64.b64encode(self.public_der).decode("ascii"),
            "fingerprint": fingerprint(self.public_der, self.recipient),
        }


def fingerprint(public_der: bytes, recipient: str) -> str:
    """What people compare by telephone; both keys are in it."""
    return hashlib.sha256(public_der + b"\x00" + recipient.encode("ascii")).hexdigest()[:32]


def courier_keys(session: Session) -> CourierKeys:
    """The keys of this database, made at the first call: that needs a write session."""
    sign, opening = session.get(ServerFact, _SIGN), session.get(ServerFact, _OPEN)
    if sign is None or opening is None:
        lock_facts(session)  # the first two who ask must not each make a pair
        sign, opening = session.get(ServerFact, _SIGN), session.get(ServerFact, _OPEN)
    if sign is None or opening is None:
        number = ec.generate_private_key(ec.SECP384R1()).private_numbers().private_value
        sign = ServerFact(name=_SIGN, value=f"{number:x}")
        opening = ServerFact(name=_OPEN, value=str(pyrage.x25519.Identity.generate()))
        session.add_all((sign, opening))
        session.flush()
    return CourierKeys(
        _private(sign.value),
        opening.value,
        _succession(session, sign.value),
        tuple(
            base64.b64decode(_fact(session, _OLD_PUBLIC, number))
            for number in range(1, _replaced(session) + 1)
        ),
    )


def replace_keys(session: Session, *, leaked: bool = False) -> CourierKeys:
    """A new pair from now on. The one before gives its word for it, unless it is in wrong hands."""
    lock_facts(session)
    old = courier_keys(session)
    number = _replaced(session) + 1
    private = ec.generate_private_key(ec.SECP384R1())
    new = CourierKeys(private, str(pyrage.x25519.Identity.generate()))
    word = b"" if leaked else old.sign_message(next_message(new.public_der, new.recipient))
    kept = {
        _OLD_SIGN: f"{old.private.private_numbers().private_value:x}",
        _OLD_OPEN: old.identity,
        _OLD_PUBLIC: base64.b64encode(old.public_der).decode("ascii"),
        _NEXT: new.recipient,
        _WORD: base64.b64encode(word).decode("ascii"),
    }
    session.add_all(ServerFact(name=f"{name}.{number}", value=kept[name]) for name in kept)
    present = {
        _SIGN: f"{private.private_numbers().private_value:x}",
        _OPEN: new.identity,
    }
    for name, value in present.items():
        fact = session.get(ServerFact, name)
        assert fact is not None  # noqa: S101 -- courier_keys has made both
        fact.value = value
    session.flush()
    return courier_keys(session)


def keys_for(session: Session, recipient: str) -> CourierKeys:
    """The pair that opens a file for ``recipient``; the present one for anything unknown."""
    present = courier_keys(session)
    if present.recipient == recipient:
        return present
    for number in range(_replaced(session), 0, -1):
        opening = _fact(session, _OLD_OPEN, number)
        if opening:
            leaked = not _fact(session, _WORD, number)
            old = CourierKeys(_private(_fact(session, _OLD_SIGN, number)), opening, leaked=leaked)
            if old.recipient == recipient:
                return old
    return present


def forget_replaced(session: Session) -> int:
    """The secrets of replaced pairs; files that were made for them can be opened no more. Their word
    for the pair after them stays. Gives how many there were.
    """
    lock_facts(session)
    gone = 0
    for number in range(1, _replaced(session) + 1):
        for name in (_OLD_SIGN, _OLD_OPEN):
            fact = session.get(ServerFact, f"{name}.{number}")
            if fact is not None:
                session.delete(fact)
                gone += name == _OLD_OPEN
    session.flush()
    return gone


def next_message(public_der: bytes, recipient: str) -> bytes:
    """What a pair signs to give its word for the next one."""
    return SIGNED_NEXT + public_der + b"\x00" + recipient.encode("ascii")


def _succession(session: Session, present: str) -> tuple[dict[str, str], ...]:
    count = _replaced(session)
    public = [_fact(session, _OLD_PUBLIC, number) for number in range(1, count + 1)]
    key = _private(present).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    public.append(base64.b64encode(der).decode("ascii"))
    return tuple(
        {
            "sign": public[number - 1],
            "next_sign": public[number],
            "next_encrypt": _fact(session, _NEXT, number),
            "signature": word,
        }
        for number in range(1, count + 1)
        if (word := _fact(session, _WORD, number))
    )


def _replaced(session: Session) -> int:
    number = 0
    while session.get(ServerFact, f"{_OLD_PUBLIC}.{number + 1}") is not None:
        number += 1
    return number


def _fact(session: Session, name: str, number: int) -> str:
    fact = session.get(ServerFact, f"{name}.{number}")
    return fact.value if fact is not None else ""


def _private(value: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int(value, 16), ec.SECP384R1())


def key_file(keys: CourierKeys) -> bytes:
    return json.dumps(keys.public(), indent=2, sort_keys=True).encode("ascii") + b"\n"


def next_number(session: Session) -> int:
    """Counts the files that the province writes."""
    lock_facts(session)
    fact = session.get(ServerFact, _COUNT, populate_existing=True)
    if fact is None:
        fact = ServerFact(name=_COUNT, value="0")
        session.add(fact)
    fact.value = str(int(fact.value) + 1)
    session.flush()
    return int(fact.value)


def find_keys(session: Session) -> CourierKeys | None:
    """The keys, None while nobody asked for them."""
    made = session.get(ServerFact, _SIGN) is not None
    return courier_keys(session) if made else None
