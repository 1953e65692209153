"""The staff by keys: adding, changing, locking out, passwords."""

from __future__ import annotations

from PySide6.QtCore import Qt

from station_emr.domain.errors import Problem
from station_emr.domain.permissions import Role
from station_emr.ui.models import routes
from station_emr.ui.screens.users import UsersScreen
from tests.ui.driver import ScreenDriver
from tests.ui.sweep import duplicate_mnemonics


class Page(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, UsersScreen(session))
        self.screen.on_enter()
        self.until(lambda: len(self.screen.table.rows) == 7)
        self.until(lambda: self.screen._chosen is not None)

    @property
    def form(self):
        return self.screen.form

    def choose(self, username: str) -> None:
        row = next(r for r in self.screen.table.rows if r.user.username == username)
        self.screen.table.setFocus()
        self.screen.table.choose(row)
        self.until(lambda: self.form.username.value() == username)

    def save(self) -> None:
        self.shortcut(Qt.Key.Key_S)


def user_of(station, username):
    return next(
        u for u in station.services.accounts.users(station.director) if u.username == username
    )


def test_a_new_person_is_added_by_keys(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.screen.table.setFocus()

    page.shortcut(Qt.Key.Key_N)
    page.until(page.form.full_name.editor.hasFocus)
    page.type("user.full_name", "Siu H'Mẫu")
    page.type("user.username", "hmau")
    page.type("user.password", "Mau-Dai-2026-X!")
    page.save()

    page.until_said("Đã lưu người dùng.")
    page.until(lambda: len(page.screen.table.rows) == 8)
    added = user_of(station, "hmau")
    assert (added.full_name, added.role) == ("Siu H'Mẫu", Role.NURSE)
    assert station.keys.added[-1] == ("hmau", "Siu H'Mẫu", "Điều dưỡng", "Mau-Dai-2026-X!")
    page.until(lambda: page.screen.table.current().user.username == "hmau")


def test_refusals_stand_beside_their_fields(qtbot, session_of, station, monkeypatch) -> None:
    monkeypatch.setattr(station.keys, "password_problems", always_short)
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.screen.table.setFocus()

    page.shortcut(Qt.Key.Key_N)
    page.type("user.username", "bshoa")
    page.type("user.password", "ngan")
    assert page.form.password.problem == "Ngắn quá."
    page.save()

    page.until(lambda: page.form.full_name.problem is not None)
    assert "đã có người dùng" in page.form.username.problem
    assert page.form.password.problem == "Ngắn quá."
    assert len(station.services.accounts.users(station.director)) == 7


def test_role_and_licence_change_and_the_password_stays(qtbot, session_of, station) -> None:
    resets = []
    station.keys.reset_password = lambda *given: resets.append(given)
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.choose("ysi")
    assert page.find("user.username").isReadOnly()
    assert "không ký được" in page.form.licence.note

    page.type("user.licence_no", "000009/MẪU-GPHN")
    page.save()

    page.until(lambda: user_of(station, "ysi").licence_no == "000009/MẪU-GPHN")
    page.until_said("Đã lưu người dùng.")
    assert resets == []
    assert page.screen._chosen.user.username == "ysi"


def test_a_password_is_reset(qtbot, session_of, station) -> None:
    resets = []
    station.keys.reset_password = lambda *given: resets.append(given)
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.choose("ddmai")

    page.type("user.password", "Moi-Dai-2026-X!")
    page.save()

    page.until_said("Đã lưu người dùng.")
    assert resets == [("ddmai", "ĐD. Trần Thị Mai", "Điều dưỡng", "Moi-Dai-2026-X!")]
    page.until(lambda: page.form.password.value() == "")


def test_who_left_needs_a_new_password_to_come_back(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.choose("ddmai")
    page.tick(page.form.active.box)
    page.save()
    page.until(lambda: station.keys.removed == ["ddmai"])
    page.until(lambda: not page.screen._chosen.user.active)

    page.tick(page.form.active.box)
    page.save()

    assert "cần mật khẩu mới" in page.form.password.problem
    assert not user_of(station, "ddmai").active


def test_the_last_director_stays(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.choose("giamdoc")

    page.tick(page.form.active.box)
    page.save()

    page.until(lambda: page.form.role.problem is not None)
    assert "ít nhất một tài khoản giám đốc" in page.form.role.problem
    assert user_of(station, "giamdoc").active


def test_a_locked_account_is_unlocked(qtbot, session_of, station, monkeypatch) -> None:
    monkeypatch.setattr(station.keys, "is_locked", lambda name: name == "ddmai")
    page = Page(qtbot, session_of(Role.DIRECTOR))
    assert not page.screen.unlock.isEnabled() or page.form.username.value() == "ddmai"
    page.choose("ddmai")

    page.press_button("users.unlock")

    page.until_said("Đã mở khóa.")
    assert station.keys.unlocked == ["ddmai"]


def test_the_way_back_and_the_whole_page(qtbot, session_of) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.sweep()
    assert duplicate_mnemonics(page.screen) == []

    page.press_button("users.back")

    assert page.went == [(routes.SETTINGS, None)]


def test_who_may_not_manage_people_is_told(qtbot, session_of) -> None:
    driver = ScreenDriver(qtbot, UsersScreen(session_of(Role.NURSE)))

    driver.screen.on_enter()

    driver.until_said("không được quản lý người dùng")
    assert driver.screen.table.rows == ()


def always_short(password, username, full_name):
    return (Problem(field="password", code="short", message="Ngắn quá."),)
