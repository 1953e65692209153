"""A panel of 1366 by 768 at 150 %: everything can be reached and nothing lies over anything."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QSize
from PySide6.QtWidgets import QLabel, QWidget

from station_emr.domain.permissions import Role
from station_emr.ui.kit.cover import CoverPage
from station_emr.ui.screens.settings import SettingsScreen
from station_emr.ui.shell import ScreenSpec
from station_emr.ui.shell.room import LEAST
from tests.ui.test_shell import IDENTITY, Frame, Page, specs, window

__all__ = ["window"]

SMALL = QSize(911, 512)
USUAL = QSize(1366, 768)


class Tall(Page):
    least_height = 640

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.page.insertStretch(0, 1)


def in_sight(widget: QWidget, frame: Frame) -> bool:
    room = frame._room.viewport()
    top = widget.mapTo(frame, QPoint(0, 0)).y()
    edge = room.mapTo(frame, QPoint(0, 0)).y()
    return edge <= top and top + widget.height() <= edge + room.height()


def sized(qtbot, frame: Frame, size: QSize) -> None:
    frame.resize(size)
    qtbot.waitUntil(lambda: frame.size() == size)


def test_the_column_keeps_only_its_pictures(qtbot, window: Frame) -> None:
    sized(qtbot, window, SMALL)
    item = window.navigation.items["today"]

    assert window.navigation.width() < 80
    assert item.toolTip() == "Hôm nay (F2)"
    assert item.accessibleName() == "Hôm nay"
    qtbot.waitUntil(lambda: window._room.horizontalScrollBar().maximum() == 0)

    sized(qtbot, window, USUAL)
    assert window.navigation.width() > 150


def test_a_page_is_never_squeezed_below_what_it_needs(qtbot) -> None:
    frame = Frame()
    qtbot.addWidget(frame)
    frame.open(IDENTITY, [*specs(), ScreenSpec(key="tall", build=lambda: Tall("tall"))])
    frame.show()
    qtbot.waitActive(frame)
    sized(qtbot, frame, SMALL)

    assert frame.page("today").height() == LEAST.height()
    frame.go("tall")
    tall = frame.page("tall")
    qtbot.waitUntil(lambda: tall.height() == Tall.least_height)
    assert not in_sight(tall.call, frame)

    tall.call.setFocus()

    qtbot.waitUntil(lambda: in_sight(tall.call, frame))
    frame.go("today")
    assert frame._room.verticalScrollBar().value() == 0
    sized(qtbot, frame, USUAL)
    qtbot.waitUntil(lambda: frame._room.verticalScrollBar().maximum() == 0)


def test_a_cover_page_scrolls_to_its_buttons(qtbot) -> None:
    page = CoverPage("cover", "Thiết lập", "Làm một lần")
    lines = [QLabel(f"Dòng {number}") for number in range(40)]
    for line in lines:
        page.card.add(line)
    qtbot.addWidget(page)
    page.resize(SMALL)
    page.show()
    qtbot.waitExposed(page)

    qtbot.waitUntil(lambda: all(one.height() >= one.sizeHint().height() for one in lines))


@pytest.mark.parametrize("panel", ["server", "files", "station"])
def test_the_settings_are_whole(qtbot, session_of, panel) -> None:
    screen = SettingsScreen(session_of(Role.DIRECTOR))
    qtbot.addWidget(screen)
    screen.resize(LEAST.width(), SettingsScreen.least_height)
    screen.show()
    qtbot.waitExposed(screen)
    shown = screen.open_panel(panel)

    assert shown.minimumSizeHint().width() <= screen._stack.width()
    buttons = sorted(screen.hub.buttons.values(), key=lambda button: button.y())
    for above, below in pairwise(buttons):
        assert above.y() + above.height() <= below.y()
        assert below.height() >= 52
