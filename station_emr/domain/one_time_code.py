"""Codes of a telephone's authenticator (TOTP, RFC 6238): six digits that change every 30 seconds.

They need no network: the telephone and this machine share a secret and a clock. A station's clock may
be minutes off for months, so the difference is learnt when the telephone is joined and followed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Final

_ISSUER: Final = "StationEMR"
SECRET_BYTES: Final = 20
STEP_SECONDS: Final = 30
DIGITS: Final = 6
RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 8
WINDOW: Final = 3
"""Steps around the expected one that are forgiven."""
JOINING_WINDOW: Final = 20
"""The same when the telephone is joined and the clocks have never been compared."""


def step_at(moment: datetime) -> int:
    return int(moment.timestamp()) // STEP_SECONDS


def code_at(secret: bytes, step: int) -> str:
    """The six digits of one step."""
    mac = hmac.new(secret, step.to_bytes(8, "big", signed=False), hashlib.sha1).digest()
    place = mac[-1] & 0x0F
    number = int.from_bytes(mac[place : place + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_step(
    secret: bytes, code: str, moment: datetime, *, drift: int, after: int, window: int = WINDOW
) -> int | None:
    """The step that this code belongs to, None when it is none that may still be used.

    ``after`` is the newest step that was used: a code seen over a shoulder opens nothing again.
    """
    typed = digits_of(code)
    middle = step_at(moment) + drift
    found = None
    for step in range(middle - window, middle + window + 1):
        # Every step is compared, so that the time taken tells nothing.
        if step > after and step >= 0 and hmac.compare_digest(code_at(secret, step), typed):
            found = step
    return found


def digits_of(code: str) -> str:
    """The code without the spaces that telephones show."""
    return "".join(one for one in code if one.isascii() and one.isdigit())


def looks_like_recovery(code: str) -> bool:
    return len(_bare(code)) > DIGITS


def recovery_code(random: bytes) -> str:
    """Sixteen letters and digits in groups of four, none of which looks like another."""
    text = base64.b32encode(random).decode("ascii").rstrip("=").translate(_PLAIN)
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


_PLAIN: Final = str.maketrans("IO", "89")


def _bare(code: str) -> str:
    return "".join(one for one in code.upper() if one.isascii() and one.isalnum())


def recovery_hash(code: str, user_id: str) -> str:
    """What is kept of a recovery code; 64 random bits need no slow hash."""
    return hashlib.sha256(f"{user_id}:{_bare(code).translate(_PLAIN)}".encode()).hexdigest()


def shown_secret(secret: bytes) -> str:
    """To be typed where the picture cannot be scanned."""
    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def enrolment_address(secret: bytes, account: str) -> str:
    """What the picture holds, as authenticators read it: short, so that its squares are large. The
    kind of hash, the digits and the seconds are those that every authenticator takes for granted. Log-in names are plain letters, so nothing is escaped.
    """
    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return f"otpauth://totp/{_ISSUER}:{account}?secret={text}&issuer={_ISSUER}"
