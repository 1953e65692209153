"""What a password must be. Without a second factor TCVN 14423 asks for 14 characters of 4 kinds."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from station_emr.domain.errors import Problem
from station_emr.domain.text import fold_words

_KIND_NAMES: Final = ("chữ thường", "chữ hoa", "chữ số", "ký hiệu")
_FEWEST_DIFFERENT: Final = 6
_NUMERALS: Final = ("không", "một", "hai", "ba", "bốn")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """The figures of the law, so that a station with a second factor may lower them (8 then)."""

    min_length: int = 14
    kinds: int = 4


DEFAULT_POLICY: Final = PasswordPolicy()
WITH_SECOND_FACTOR: Final = PasswordPolicy(min_length=8)
"""Eight characters are enough beside a second factor; the four kinds stay (QĐ 326/QĐ-BYT)."""


def _kinds_in(password: str) -> tuple[bool, ...]:
    return (
        any(c.islower() for c in password),
        any(c.isupper() for c in password),
        any(c.isdecimal() for c in password),
        any(not c.isalnum() for c in password),
    )


def password_problems(
    password: str,
    username: str = "",
    full_name: str = "",
    policy: PasswordPolicy = DEFAULT_POLICY,
    *,
    field: str = "password",
) -> tuple[Problem, ...]:
    """Every reason why this password may not be used; empty when it may."""
    password = unicodedata.normalize("NFC", password)
    found: list[tuple[str, str]] = []
    if len(password) < policy.min_length:
        found.append(
            (
                "password-short",
                f"Mật khẩu phải có ít nhất {policy.min_length} ký tự, đang có {len(password)}.",
            )
        )
    present = _kinds_in(password)
    if sum(present) < policy.kinds:
        missing = [name for name, has in zip(_KIND_NAMES, present, strict=True) if not has]
        wanted = policy.kinds - sum(present)
        if wanted == len(missing):
            text = f"Mật khẩu còn thiếu {', '.join(missing)}."
        else:
            text = f"Mật khẩu cần thêm {_NUMERALS[wanted]} loại trong số: {', '.join(missing)}."
        found.append(("password-kinds", text))
    if _holds_name(password, username, full_name):
        found.append(
            ("password-name", "Mật khẩu không được chứa tên đăng nhập hay tên của người dùng.")
        )
    if len(password) >= policy.min_length and len(set(password.lower())) < _FEWEST_DIFFERENT:
        found.append(
            ("password-repeats", "Mật khẩu lặp lại quá ít ký tự khác nhau. Hãy chọn câu khác.")
        )
    return tuple(Problem(field=field, code=code, message=message) for code, message in found)


def _holds_name(password: str, username: str, full_name: str) -> bool:
    """Two-letter names such as "An" are everywhere by chance; from four letters it is no accident."""
    squeezed = "".join(fold_words(password))
    whole_name = "".join(fold_words(full_name))
    names = {"".join(fold_words(username)), whole_name, *fold_words(full_name)}
    return any(len(name) >= 4 and name in squeezed for name in names)
