"""The column of the settings: its titles are whole in a narrow window."""

from __future__ import annotations

from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractButton

from station_emr.domain.permissions import Role
from station_emr.ui.kit import theme
from station_emr.ui.screens.settings import SettingsScreen

_NARROW = 860
_AROUND, _ARROW = 58, 20  # icon and margins; the arrow of an entry that opens a screen


def test_no_title_of_an_entry_is_cut_in_a_narrow_window(qtbot, session_of) -> None:
    screen = SettingsScreen(session_of(Role.DIRECTOR))
    qtbot.addWidget(screen)
    screen.on_enter()
    screen.hub.give_room(_NARROW)
    letters = QFontMetrics(theme.font(theme.BODY_PT, 600))
    buttons = screen.hub.findChildren(QAbstractButton)
    assert len(buttons) > 10
    for button in buttons:
        room = screen.hub.width() - _AROUND - (_ARROW if button.entry.page else 0)
        assert letters.horizontalAdvance(button.text()) <= room, button.text()
