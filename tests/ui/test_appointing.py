"""A director appoints another one on the page of the staff."""

from __future__ import annotations

import pytest

from station_emr.domain.permissions import Role
from station_emr.ui.kit import dialogs
from station_emr.ui.screens.users import UsersScreen
from tests.ui.driver import Answers, ScreenDriver
from tests.ui.test_people_screens import chosen, opened

REASON = "Quyết định số 12 của xã Mẫu"


@pytest.fixture
def answers():
    mine = Answers()
    before = dialogs.use_dialogs(mine)
    yield mine
    dialogs.use_dialogs(before)


def page_of(qtbot, session) -> ScreenDriver:
    page = opened(qtbot, UsersScreen(session))
    chosen(page, "bshoa")
    return page


def role_of(station, username) -> Role:
    users = station.services.accounts.users(station.director)
    return next(user.role for user in users if user.username == username)


def test_a_second_director_is_appointed(qtbot, session_of, station, answers) -> None:
    page = page_of(qtbot, session_of(Role.DIRECTOR))
    answers.next = [Role.DIRECTOR, REASON, station.keys.password]
    page.press_button("account.director")
    page.until_said("đã là giám đốc trạm")
    assert role_of(station, "bshoa") is Role.DIRECTOR
    page.until(lambda: not page.screen.account.director.isVisibleTo(page.screen))


def test_the_office_is_handed_over(qtbot, session_of, station, answers) -> None:
    page = page_of(qtbot, session_of(Role.DIRECTOR))
    answers.next = [Role.DOCTOR, REASON, station.keys.password]
    page.press_button("account.director")
    page.until_said("Hãy đăng xuất")
    with station.store.read() as work:
        roles = {user.username: user.role for user in work.users.all()}
    assert (roles["bshoa"], roles["giamdoc"]) == (Role.DIRECTOR, Role.DOCTOR)


def test_a_wrong_password_or_a_second_thought_changes_nothing(
    qtbot, session_of, station, answers
) -> None:
    page = page_of(qtbot, session_of(Role.DIRECTOR))
    answers.next = [Role.DIRECTOR, REASON, "khong phai"]
    page.press_button("account.director")
    page.until_said("Sai mật khẩu")
    answers.next = [Role.DIRECTOR, None]
    page.press_button("account.director")
    assert role_of(station, "bshoa") is Role.DOCTOR


def test_nobody_else_appoints_and_no_list_makes_a_director(qtbot, session_of) -> None:
    page = page_of(qtbot, session_of(Role.ADMINISTRATOR))
    assert not page.screen.account.director.isVisibleTo(page.screen)
    options = page.screen.form.role
    options.set_value(Role.DIRECTOR)
    assert options.value() is not Role.DIRECTOR
