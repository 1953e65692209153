"""The rules of accounts: a usable name, who may come in, and a director who is always there."""

from __future__ import annotations

import re

from station_emr.domain.errors import InvalidRecord, PermissionDenied, Problem
from station_emr.domain.permissions import Role
from station_emr.domain.text import fold
from station_emr.domain.user import User

from .ports import Work

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")


def active_user(work: Work, username: str) -> User:
    """The person with this name. Raises PermissionDenied when unknown or no longer in use."""
    user = work.users.by_username(username)
    if user is None or not user.active:
        raise PermissionDenied(
            "Tài khoản này đã ngừng sử dụng. Hãy báo giám đốc trạm hoặc người quản trị."
        )
    if work.versions.person_fault(user.id):
        raise PermissionDenied(
            "Dòng tài khoản này trong dữ liệu đã bị sửa ngoài chương trình nên không đăng nhập được. "
            "Hồ sơ vẫn còn nguyên. Hãy báo giám đốc trạm; giám đốc chạy station-emr verify-records "
            "để biết chỗ bị sửa và khôi phục từ bản sao lưu."
        )
    return user


def check_user(user: User) -> tuple[Problem, ...]:
    """A usable log-in name and the person's name."""
    problems: list[Problem] = []
    if not _USERNAME.fullmatch(user.username):
        problems.append(
            Problem(
                field="username",
                code="username-form",
                message="Tên đăng nhập gồm 2 đến 32 chữ thường không dấu, chữ số, dấu chấm, gạch dưới hoặc gạch nối.",
            )
        )
    if not fold(user.full_name):
        problems.append(
            Problem(field="full_name", code="name-required", message="Chưa có họ tên người dùng.")
        )
    return tuple(problems)


def keep_one_director(users: tuple[User, ...], leaving: User) -> None:
    """Raises InvalidRecord when nobody would be left in charge."""
    others = [u for u in users if u.role is Role.DIRECTOR and u.active and u.id != leaving.id]
    if not others:
        raise InvalidRecord(
            (
                Problem(
                    field="role",
                    code="last-director",
                    message="Trạm phải còn ít nhất một tài khoản giám đốc đang dùng. Hãy thêm giám đốc khác trước.",
                ),
            )
        )
