"""Restricted codes and the time copies stay, by keys on the pages of the settings."""

from __future__ import annotations

from PySide6.QtCore import Qt

from station_emr.domain.permissions import Role
from station_emr.domain.sensitive import DEFAULT_RANGES
from station_emr.ui.screens.settings import SettingsScreen
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]


class Page(ScreenDriver):
    def __init__(self, qtbot, session, panel: str) -> None:
        super().__init__(qtbot, SettingsScreen(session))
        self.screen.on_enter()
        self.press_button(f"settings.{panel}")

    @property
    def panel(self):
        return self.screen.panel

    def choose(self, name: str, text: str) -> None:
        field = self.focus(name)
        self.type(name, text)
        self.until(self.panel.first.typeahead.list.isVisible)
        self.key(Qt.Key.Key_Return)
        self.until(lambda: text in field.text())


def test_a_code_is_picked_from_the_list_added_and_dropped(
    qtbot, session_of, station, answers
) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR), "ranges")
    table = page.panel.table
    page.until(lambda: len(table.rows) == len(DEFAULT_RANGES))
    page.sweep()
    assert duplicate_mnemonics(page.screen) == []

    page.press_button("settings.ranges.add")
    page.until(lambda: page.panel.first.problem is not None)
    page.choose("range.first", "I10")
    page.type("range.what", "Mẫu")
    page.press_button("settings.ranges.add")
    page.until_said("Đã thêm")
    page.until(lambda: len(table.rows) == len(DEFAULT_RANGES) + 1)
    assert page.panel.first.text() == ""

    table.choose(table.rows[-1])
    answers.next = [False]
    page.press_button("settings.ranges.remove")
    assert len(station.services.privacy.ranges(station.director)) == len(table.rows)
    answers.next = [True]
    page.press_button("settings.ranges.remove")
    page.until_said("Đã bỏ")
    assert station.services.privacy.ranges(station.director) == DEFAULT_RANGES


def test_the_time_copies_stay_is_changed_on_the_page(qtbot, session_of, station, answers) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR), "backup")
    page.until(lambda: "36 tháng" in page.panel.keep.told.text())
    page.sweep()
    assert duplicate_mnemonics(page.screen) == []

    page.type("keep.months", "120")
    page.press_button("settings.backup.keep")
    page.until(lambda: "120 tháng" in page.panel.keep.told.text())
    assert answers.asked == []

    page.until(page.panel.keep.keep.isEnabled)
    page.type("keep.weeks", "3")
    answers.next = [True]
    page.press_button("settings.backup.keep")
    page.until(lambda: "ít nhất 7 ngày, 4 tuần" in page.panel.note.message.text)
    page.until(page.panel.keep.keep.isEnabled)
    page.type("keep.weeks", "8")
    answers.next = [False]
    page.press_button("settings.backup.keep")
    assert station.services.backups.plan().weeks == 13
    answers.next = [True]
    page.press_button("settings.backup.keep")
    page.until(lambda: station.services.backups.plan().weeks == 8)
    assert answers.asked == ["Giữ bản sao ngắn hơn?"] * 3


def test_who_may_not_change_settings_only_reads_how_long(qtbot, session_of) -> None:
    page = Page(qtbot, session_of(Role.DOCTOR), "backup")
    page.until(lambda: "36 tháng" in page.panel.keep.told.text())
    assert not page.panel.keep.keep.isVisible()
