"""Codes of a telephone: the published vectors, an independent library, replays and wrong clocks."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from station_emr.domain import one_time_code as otp

SECRET = b"12345678901234567890"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_rfc_6238(seconds, code) -> None:
    assert otp.code_at(SECRET, seconds // 30) == code


def test_another_library_makes_the_same_codes() -> None:
    other = TOTP(SECRET, 6, SHA1(), 30)  # what telephones do
    for hours in range(0, 200, 7):
        moment = NOON + timedelta(hours=hours)
        theirs = other.generate(int(moment.timestamp())).decode()
        assert otp.code_at(SECRET, otp.step_at(moment)) == theirs


def test_a_code_is_good_once_and_for_a_short_while() -> None:
    step = otp.step_at(NOON)
    code = otp.code_at(SECRET, step)
    assert otp.matching_step(SECRET, f"{code[:3]} {code[3:]}", NOON, drift=0, after=0) == step
    assert otp.matching_step(SECRET, code, NOON, drift=0, after=step) is None
    late = NOON + timedelta(seconds=30 * (otp.WINDOW + 1))
    assert otp.matching_step(SECRET, code, late, drift=0, after=0) is None
    assert otp.matching_step(SECRET, "", NOON, drift=0, after=0) is None


def test_a_clock_that_is_minutes_off_is_followed() -> None:
    telephone = otp.code_at(SECRET, otp.step_at(NOON + timedelta(minutes=6)))
    assert otp.matching_step(SECRET, telephone, NOON, drift=0, after=0) is None
    assert otp.matching_step(SECRET, telephone, NOON, drift=12, after=0) is not None


def test_recovery_codes_forgive_how_they_are_typed() -> None:
    code = otp.recovery_code(bytes(range(8)))
    kept = otp.recovery_hash(code, "nguoi-1")
    assert otp.recovery_hash(code.lower().replace("-", " "), "nguoi-1") == kept
    assert otp.recovery_hash(code, "nguoi-2") != kept
    assert otp.looks_like_recovery(code)
    assert not otp.looks_like_recovery("123 456")


def test_the_picture_holds_the_secret_that_is_shown() -> None:
    address = otp.enrolment_address(SECRET, "admin")
    assert f"secret={otp.shown_secret(SECRET).replace(' ', '')}&" in address
    assert address.startswith("otpauth://totp/StationEMR:admin?")
