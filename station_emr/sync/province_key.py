"""The province's public keys, as its key file and its server give them (docs/courier.md)."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Final

from .courier_writing import recipient_of

KEY_FORMAT: Final = "station-emr-courier-key"


@dataclass(frozen=True, slots=True)
class ProvinceKey:
    """``encrypt`` is an age key, ``sign`` a SubjectPublicKeyInfo."""

    encrypt: str
    sign: bytes

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

    def keep(self) -> str:
        sign = base64.b64encode(self.sign).decode("ascii")
        return json.dumps({"format": KEY_FORMAT, "encrypt": self.encrypt, "sign": sign})

    @property
    def fingerprint(self) -> str:
        both = self.sign + b"\x00" + self.encrypt.encode("ascii")
        return hashlib.sha256(both).hexdigest()[:32]
