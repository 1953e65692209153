"""The province's public keys, as its key file and its server give them (docs/courier.md)."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from station_emr.services.courier import PROVINCE_KEY
from station_emr.services.ports import Work

from .courier_file import grouped, verifies
from .courier_writing import recipient_of

SIGNED_NEXT: Final = b"station-emr courier key\x00"
_MOST_BEFORE: Final = 8
_SIGNATURE: Final = 96
KEY_FORMAT: Final = "station-emr-courier-key"


@dataclass(frozen=True, slots=True)
class ProvinceKey:
    """``encrypt`` is an age key, ``sign`` a SubjectPublicKeyInfo. ``before`` are the signing keys that
    led to this one: answers that are still on their way are signed with them.
    """

    encrypt: str
    sign: bytes
    before: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, text: str) -> ProvinceKey | None:
        try:
            said = json.loads(text)
            if said["format"] != KEY_FORMAT:
                return None
            recipient_of(said["encrypt"])
            return cls(said["encrypt"], base64.b64decode(said["sign"], validate=True))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    @classmethod
    def kept(cls, text: str) -> ProvinceKey | None:
        """What :meth:`keep` gave. A file from elsewhere never says what came before."""
        found = cls.parse(text)
        if found is None:
            return None
        try:
            before = tuple(base64.b64decode(one) for one in json.loads(text).get("before", ()))
        except (ValueError, TypeError):
            return found
        return replace(found, before=before)

    def keep(self) -> str:
        sign = base64.b64encode(self.sign).decode("ascii")
        before = [base64.b64encode(one).decode("ascii") for one in self.before]
        said = {"format": KEY_FORMAT, "encrypt": self.encrypt, "sign": sign}
        return json.dumps(said | ({"before": before} if before else {}))

    @property
    def signers(self) -> tuple[bytes, ...]:
        """Whose signature under a file is the province's."""
        return self.sign, *self.before

    def follow(self, said: Any) -> ProvinceKey | None:
        """The province's present key as ``said``, if this one and those after it gave their word for
        it one after another; None for this key itself and for one that it never led to.
        """
        new = ProvinceKey.parse(json.dumps(said))
        if new is None or new.sign in self.signers:
            return None
        try:
            words = {
                base64.b64decode(one["sign"], validate=True): (
                    base64.b64decode(one["next_sign"], validate=True),
                    str(one["next_encrypt"]),
                    base64.b64decode(one["signature"], validate=True),
                )
                for one in said["succession"]
            }
        except (ValueError, KeyError, TypeError):
            return None
        passed: list[bytes] = []
        sign, encrypt = self.sign, self.encrypt
        while sign != new.sign:
            if sign in passed or sign not in words:
                return None
            passed.insert(0, sign)
            following, encrypt, signature = words[sign]
            message = SIGNED_NEXT + following + b"\x00" + encrypt.encode("utf-8")
            if len(signature) != _SIGNATURE or not verifies(sign, signature, message):
                return None
            sign = following
        if encrypt != new.encrypt:
            return None
        return replace(new, before=(*passed, *self.before)[:_MOST_BEFORE])

    @property
    def fingerprint(self) -> str:
        both = self.sign + b"\x00" + self.encrypt.encode("ascii")
        return hashlib.sha256(both).hexdigest()[:32]


def adopt(work: Work, key: ProvinceKey, at: datetime) -> None:
    """The province has replaced its key, and the one that was known here gave its word for it."""
    work.settings.put(PROVINCE_KEY, key.keep())
    detail = {"key": PROVINCE_KEY, "fingerprint": grouped(key.fingerprint)}
    work.audit.append(None, "setting.update", at, detail=detail)
