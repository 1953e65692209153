"""A director appoints another one, or hands the office over; rights for a time by command."""

from __future__ import annotations

import pytest

from station_emr.domain.errors import (
    InvalidRecord,
    NotFound,
    PermissionDenied,
    StateError,
    WrongPassword,
)
from station_emr.domain.permissions import Role

PASSWORD = "mat khau"
REASON = "Quyết định số 12 của xã Mẫu"


@pytest.fixture
def doctor(station) -> str:
    return station.doctor.user.username


def role_of(station, username) -> Role:
    with station.store.read() as work:
        return work.users.by_username(username).role


def newest(station):
    with station.store.read() as work:
        return work.audit.rows(6, None)


def test_another_director_stands_beside_the_first(station, doctor) -> None:
    station.services.people.directors.appoint(station.director, doctor, PASSWORD, REASON)
    assert role_of(station, doctor) is Role.DIRECTOR
    assert role_of(station, station.director.user.username) is Role.DIRECTOR
    line = next(row for row in newest(station) if row.action == "user.appoint_director")
    assert REASON in line.detail
    assert doctor in line.detail
    assert station.keys.described[-1][0] == doctor


def test_the_office_is_handed_over_in_one_step(station, doctor) -> None:
    before = station.director.user.username
    station.services.people.directors.hand_over(
        station.director, doctor, PASSWORD, REASON, Role.DOCTOR
    )
    assert (role_of(station, doctor), role_of(station, before)) == (Role.DIRECTOR, Role.DOCTOR)
    assert any(row.action == "user.hand_over" for row in newest(station))
    with station.store.read() as work:  # a log-in is let in by the lines that stand behind it
        for name in (doctor, before):
            assert not work.versions.person_fault(work.users.by_username(name).id)


def test_a_window_of_before_appoints_nobody_any_more(station, doctor) -> None:
    stale, nurse = station.director, station.nurse.user.username
    directors = station.services.people.directors
    directors.hand_over(stale, doctor, PASSWORD, REASON, Role.DOCTOR)
    with pytest.raises(PermissionDenied, match="không còn là giám đốc"):
        directors.appoint(stale, nurse, PASSWORD, REASON)
    assert role_of(station, nurse) is Role.NURSE


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.NURSE, Role.ADMINISTRATOR])
def test_only_a_director_appoints(station, doctor, role) -> None:
    with pytest.raises(PermissionDenied):
        station.services.people.directors.appoint(station.actor(role), doctor, PASSWORD, REASON)
    assert role_of(station, doctor) is Role.DOCTOR


@pytest.mark.parametrize(
    ("password", "reason", "refusal"),
    [("khong phai", REASON, WrongPassword), (PASSWORD, "  ", InvalidRecord)],
)
def test_the_own_password_and_a_reason_are_asked(
    station, doctor, password, reason, refusal
) -> None:
    with pytest.raises(refusal):
        station.services.people.directors.appoint(station.director, doctor, password, reason)
    assert role_of(station, doctor) is Role.DOCTOR


def test_nobody_becomes_one_who_cannot_come_in_for_good(station, doctor) -> None:
    directors, access = station.services.people.directors, station.services.people.access
    day = station.clock.now().date().replace(year=2031)

    def refused(pattern: str, username: str = doctor) -> None:
        with pytest.raises((StateError, NotFound), match=pattern):
            directors.hand_over(station.director, username, PASSWORD, REASON, Role.DOCTOR)
        assert role_of(station, station.director.user.username) is Role.DIRECTOR

    access.suspend(station.director, doctor)
    refused("đang dùng")
    access.reopen(station.director, doctor)
    access.limit(station.director, doctor, None, day)
    refused("không thời hạn")
    refused("đã là giám đốc", station.director.user.username)
    refused("Không có tài khoản", "khongco")
    access.limit(station.director, doctor, None, None)
    with pytest.raises(StateError, match="vai trò mới"):
        directors.hand_over(station.director, doctor, PASSWORD, REASON, Role.DIRECTOR)
