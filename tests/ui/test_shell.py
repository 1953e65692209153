"""The frame driven by keys: going round, staying for a draft, locking and closing, what it shows."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from station_emr.ui.kit import Message, Severity, dialogs
from station_emr.ui.shell import Identity, Link, ScreenSpec, StatusModel
from station_emr.ui.shell.window import IDLE_MINUTES, IDLE_MINUTES_ADMIN
from tests.ui.frame import IDENTITY, Frame, Page, key, specs, window
from tests.ui.sweep import unnamed

__all__ = ["window"]


# -- going round ---------------------------------------------------------------------------------


def test_starts_at_the_first_screen_with_its_entry_lit(window: Frame) -> None:
    assert window.screen_key == "today"
    assert window.navigation.items["today"].isChecked()
    assert window.page("today").log == [("enter", None)]


@pytest.mark.parametrize(
    ("code", "target"),
    [(Qt.Key.Key_F3, "patients"), (Qt.Key.Key_F8, "sync"), (Qt.Key.Key_F9, "admin")],
)
def test_function_keys_change_the_screen_even_from_a_field(
    window: Frame, qtbot: QtBot, code: Qt.Key, target: str
) -> None:
    window.page("today").field.editor.setFocus()
    key(window, qtbot, code)
    assert window.screen_key == target
    assert [k for k, item in window.navigation.items.items() if item.isChecked()] == [target]


def test_screens_are_built_when_first_opened(qtbot: QtBot) -> None:
    built: list[str] = []

    def build() -> Page:
        built.append("x")
        return Page("x")

    window = Frame()
    qtbot.addWidget(window)
    lazy = ScreenSpec(key="x", title="X", icon="house", build=build)
    window.open(IDENTITY, [specs()[0], lazy])
    assert built == []
    window.go("x")
    window.go("today")
    window.go("x")
    assert built == ["x"]


def test_screen_with_a_reason_stays(window: Frame, qtbot: QtBot) -> None:
    window.page("today").stays = True
    qtbot.mouseClick(window.navigation.items["patients"], Qt.MouseButton.LeftButton)
    assert window.screen_key == "today"
    assert window.navigation.items["today"].isChecked()
    assert not window.navigation.items["patients"].isChecked()


def test_a_paper_leaves_the_light_where_one_came_from(window: Frame, qtbot: QtBot) -> None:
    for before in ("patients", "sync"):
        window.go(before)
        window.go("paper")
        assert [k for k, i in window.navigation.items.items() if i.isChecked()] == [before]
        key(window, qtbot, Qt.Key.Key_Escape)
        assert window.screen_key == before
        assert window.navigation.items[before].isChecked()


def test_page_without_entry_lights_its_parent_and_escape_goes_back(
    window: Frame, qtbot: QtBot
) -> None:
    window.page("today").go("registration", {"id": 1})
    assert window.page("registration").log == [("enter", {"id": 1})]
    assert window.navigation.items["today"].isChecked()
    key(window, qtbot, Qt.Key.Key_Escape)
    assert window.screen_key == "today"


def test_save_and_print_reach_the_screen(window: Frame, qtbot: QtBot) -> None:
    window.page("today").field.editor.setFocus()
    key(window, qtbot, Qt.Key.Key_S, ctrl=True)
    key(window, qtbot, Qt.Key.Key_P, ctrl=True)
    assert window.page("today").log[-2:] == ["save", "print"]


def test_f1_and_the_status_line_ask(window: Frame, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.help_wanted):
        key(window, qtbot, Qt.Key.Key_F1)
    with qtbot.waitSignal(window.status_asked) as asked:
        qtbot.mouseClick(window.status.link, Qt.MouseButton.LeftButton)
    assert asked.args == ["link"]


def test_everything_has_a_spoken_name(window: Frame) -> None:
    assert unnamed(window) == []


def test_badge_is_spoken(window: Frame) -> None:
    item = window.navigation.items["sync"]
    item.set_badge(2)
    assert item.accessibleName() == "Đồng bộ, 2 mục cần xem"
    item.set_badge(0)
    assert item.accessibleName() == "Đồng bộ"


# -- lock and close ------------------------------------------------------------------------------


def test_lock_keeps_the_draft_and_hides_everything(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    with qtbot.waitSignal(window.lock_wanted):
        key(window, qtbot, Qt.Key.Key_L, ctrl=True)
    assert page.log[-1] == "leave"
    cover = QLineEdit()
    window.cover(cover)
    assert not page.isVisible()
    assert not window.navigation.isVisible()
    key(window, qtbot, Qt.Key.Key_F3)
    assert window.screen_key == "today"
    with qtbot.assertNotEmitted(window.lock_wanted):
        window.lock()
    window.uncover()
    assert page.isVisible()
    assert not window.covered


def test_lock_answers_an_open_dialog_with_back(window: Frame, qtbot: QtBot) -> None:
    QTimer.singleShot(0, window.lock)
    with qtbot.waitSignal(window.lock_wanted):
        answer = dialogs.confirm(window, "Hủy phiếu?", "Siu Mẫu, 61 tuổi", yes="Hủy phiếu")
    assert answer is False
    assert QApplication.activeModalWidget() is None


def test_unlocking_returns_to_the_field(window: Frame) -> None:
    editor = window.page("today").field.editor
    editor.setFocus()
    window.cover(QLineEdit())
    assert not editor.hasFocus()
    window.uncover()
    assert editor.hasFocus()


def test_idle_time_by_role(window: Frame) -> None:
    assert window._watch.idle_milliseconds == IDLE_MINUTES * 60_000
    window.open(Identity(station="T", place="", user="Q", administrator=True), specs())
    assert window._watch.idle_milliseconds == IDLE_MINUTES_ADMIN * 60_000


def test_idle_locks(window: Frame, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.lock_wanted):
        window._watch.start(0.0005)


def test_a_key_renews_the_idle_time_but_not_a_thousand_times(window: Frame, qtbot: QtBot) -> None:
    window._watch._renewed = -10.0
    key(window, qtbot, Qt.Key.Key_Shift)
    renewed = window._watch._renewed
    assert renewed > 0
    key(window, qtbot, Qt.Key.Key_Shift)
    assert window._watch._renewed == renewed


def test_closing_asks_the_screen(window: Frame, qtbot: QtBot) -> None:
    window.page("today").stays = True
    with qtbot.assertNotEmitted(window.closing):
        window.close()
    assert window.isVisible()
    window.page("today").stays = False
    with qtbot.waitSignal(window.closing):
        window.close()
    assert not window.isVisible()


def test_a_new_person_gets_new_screens(window: Frame) -> None:
    window.page("today").field.set_value("bí mật của người trước")
    window.open(IDENTITY, specs())
    assert window.page("today").field.value() == ""


# -- what it shows ------------------------------------------------------------------------------


def test_status_line_shows_and_speaks(window: Frame) -> None:
    window.set_status(StatusModel(link=Link.OFFLINE, since="08:40", waiting=3))
    assert window.status.link.accessibleName().startswith("Mất mạng từ 08:40")
    assert window.status.link.severity is Severity.WARNING


def test_message_of_a_screen_floats(window: Frame) -> None:
    window.page("today").say("Đã lưu", Severity.SUCCESS)
    assert window.toast.message == Message(text="Đã lưu", severity=Severity.SUCCESS)
    assert window.toast.isVisible()
