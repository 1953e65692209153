"""Which passwords a person has used: kept only as slow hashes, inside the encrypted database."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from station_emr.domain.access import REMEMBERED_PASSWORDS, AccountState
from station_emr.domain.errors import Problem
from station_emr.domain.user import User

from .ports import Work
from .timekeeping import station_time

_SALT: Final = 16
_COST: Final = 2**13  # about 20 ms: ten of them are compared when somebody chooses a new one
_REUSED: Final = (
    "Mật khẩu này đã dùng trước đây. Hãy chọn mật khẩu khác với {count} mật khẩu gần nhất."
)


def remembered(kept: tuple[str, ...], password: str, salt: bytes) -> tuple[str, ...]:
    """The list with one more at its head."""
    line = f"{salt[:_SALT].hex()}:{_hash(password, salt[:_SALT]).hex()}"
    return (line, *kept)[:REMEMBERED_PASSWORDS]


def chosen_by_oneself(
    work: Work, user: User, password: str, now: datetime, random: Callable[[int], bytes]
) -> None:
    """A new age, and one more that is not used again."""
    state = work.access.state(user.id)
    used = remembered(state.used_passwords, password, random(_SALT))
    work.access.put_state(
        replace(
            state,
            must_change=False,
            password_at=station_time(work, now),
            used_passwords=used,
        )
    )


def set_by_another(
    work: Work, user: User, password: str, now: datetime, random: Callable[[int], bytes]
) -> None:
    """Somebody else knows it, so it opens once; the days without use begin here for a new person."""
    chosen_by_oneself(work, user, password, now, random)
    state = work.access.state(user.id)
    use = state.last_use or station_time(work, now)
    work.access.put_state(replace(state, must_change=True, last_use=use))


def reuse_problems(state: AccountState, password: str) -> tuple[Problem, ...]:
    """A password that was used before is refused."""
    if any(_is(line, password) for line in state.used_passwords):
        message = _REUSED.format(count=REMEMBERED_PASSWORDS)
        return (Problem(field="password", code="password-reused", message=message),)
    return ()


def _is(line: str, password: str) -> bool:
    salt, _colon, kept = line.partition(":")
    return hmac.compare_digest(_hash(password, bytes.fromhex(salt)).hex(), kept)


def _hash(password: str, salt: bytes) -> bytes:
    normal = unicodedata.normalize("NFC", password).encode()
    return hashlib.scrypt(normal, salt=salt, n=_COST, r=8, p=1, dklen=32)
