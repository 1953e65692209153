"""The page of the data key: changing it, trying the code, tying it to the PC."""

from __future__ import annotations

import pytest

from station_emr.domain.permissions import Role
from station_emr.ui.screens.settings import SettingsScreen
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]


class Page(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, SettingsScreen(session))
        self.screen.on_enter()
        self.panel = self.screen.open_panel("keys")


@pytest.fixture
def page(qtbot, session_of):
    return Page(qtbot, session_of(Role.DIRECTOR))


def test_the_key_is_changed_in_the_background(qtbot, page, station, answers) -> None:
    panel = page.panel
    qtbot.waitUntil(lambda: panel.about.text().startswith("Khóa đầu tiên"))
    answers.next = [False, True]
    page.press_button("settings.keys.rotate")
    assert station.keys.generation == 1
    page.press_button("settings.keys.rotate")
    qtbot.waitUntil(lambda: panel.about.text().startswith("Khóa thứ 2, đổi lúc"))
    assert panel.rotate.isEnabled()
    assert panel.bar.isHidden()
    assert station.store.is_under(station.keys.data_key)
    assert not duplicate_mnemonics(panel)


def test_the_code_is_tried_and_does_not_stay_on_the_screen(qtbot, page, station) -> None:
    panel = page.panel
    qtbot.waitUntil(lambda: "chưa được thử" in panel.tested.text())
    page.press_button("settings.keys.check")
    assert "24 ký tự" in panel.code.problem
    panel.code.set_value("SAI")
    page.press_button("settings.keys.check")
    qtbot.waitUntil(lambda: "không phải của trạm này" in panel.code.problem)
    panel.code.set_value(station.keys.recovery)
    page.press_button("settings.keys.check")
    qtbot.waitUntil(lambda: panel.tested.text().startswith("Thử đúng lần cuối"))
    assert panel.code.value() == ""


def test_tying_and_untying(qtbot, page, station, answers) -> None:
    answers.next = [True, True]
    panel = page.panel
    page.press_button("settings.keys.tie")
    qtbot.waitUntil(lambda: panel.tie.text().startswith("Bỏ gắn"))
    assert station.keys.tied
    page.press_button("settings.keys.tie")
    qtbot.waitUntil(lambda: panel.tie.text().startswith("Gắn hồ sơ"))
    assert not station.keys.tied


def test_an_administrator_changes_the_key_and_sees_no_more(qtbot, session_of) -> None:
    panel = Page(qtbot, session_of(Role.ADMINISTRATOR)).panel
    assert not panel.rotate.isHidden()
    for hidden in (panel.check, panel.code, panel.tie, panel.machine):
        assert hidden.isHidden()
