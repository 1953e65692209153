"""The province's own keys: one to sign what it hands out, one that stations encrypt to.

Both are made once and lie in the database, so a restored backup keeps them: whoever holds the
database holds the record anyway.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass

import pyrage
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.orm import Session

from provincial_server.store import ServerFact, lock_facts

KEY_FORMAT = "station-emr-courier-key"
_SIGN, _OPEN, _COUNT = "courier_signing_key", "courier_identity", "courier_files"
_SCALAR = 48


@dataclass(frozen=True, repr=False)
class CourierKeys:
    """``identity`` is the secret age key that opens what stations bring."""

    private: ec.EllipticCurvePrivateKey
    identity: str

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

    def public(self) -> dict[str, str]:
        """What a station keeps of the province; nothing in it is secret."""
        return {
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
    private = ec.derive_private_key(int(sign.value, 16), ec.SECP384R1())
    return CourierKeys(private, opening.value)


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
