"""The password rule: 14 characters of four kinds without a second factor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.security.passwords import PasswordPolicy, password_problems


def codes(password: str, **kwargs) -> set[str]:
    return {problem.code for problem in password_problems(password, **kwargs)}


@pytest.mark.parametrize("password", ["Suối mát-2026 xanh", "Rừng Khộp, 7 voi con"])
def test_good_passwords(password):
    assert codes(password, username="nga.yt", full_name="Nguyễn Thị Mẫu") == set()


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", {"password-short", "password-kinds"}),
        ("Ngắn-1", {"password-short"}),
        ("suối mát-2026 xanh", {"password-kinds"}),
        ("SuoiMat2026Xanhh", {"password-kinds"}),
        ("Aa1!Aa1!Aa1!Aa1!", {"password-repeats"}),
        ("Nga.YT-2026 xanh", {"password-name"}),
        ("nguyen thi mau-2026A", {"password-name"}),
        ("Nguyễn-2026 Xanh", {"password-name"}),
    ],
)
def test_each_fault_is_named(password, expected):
    assert codes(password, username="nga.yt", full_name="Nguyễn Thị Mẫu") == expected


def test_short_name_parts_are_no_fault():
    assert codes("Suối mát-2026 xanh", username="an", full_name="Ma Ó") == set()


def test_missing_kinds_are_named():
    (problem,) = password_problems("suối mát xanh rờn")
    assert problem.message == "Mật khẩu còn thiếu chữ hoa, chữ số."
    assert problem.field == "password"


def test_policy_with_a_second_factor():
    policy = PasswordPolicy(min_length=8, kinds=3)
    assert codes("Suối 2026", policy=policy) == set()
    (problem,) = password_problems("suốimátxanh", policy=policy)
    assert problem.message == "Mật khẩu cần thêm hai loại trong số: chữ hoa, chữ số, ký hiệu."


@given(st.text())
def test_no_message_repeats_the_password(password):
    for problem in password_problems(password):
        assert len(password) < 8 or password not in problem.message
