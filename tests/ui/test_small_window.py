"""A panel of 1366 by 768 at 150 %: everything can be reached and nothing lies over anything."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QLabel, QWidget

from station_emr.domain.permissions import Role
from station_emr.ui.kit import Column, ScreenHeader, Table, primary, theme, vbox
from station_emr.ui.kit.cover import CoverPage
from station_emr.ui.kit.memory import memory
from station_emr.ui.screens.registration import RegistrationScreen
from station_emr.ui.screens.settings import SettingsScreen
from station_emr.ui.shell import Link, Saving, ScreenSpec, StatusModel
from station_emr.ui.shell.room import LEAST
from station_emr.ui.shell.status import StatusBar, link_words
from tests.ui.encounter_desk import drug
from tests.ui.frame import IDENTITY, Frame, Page, specs, window
from tests.ui.sweep import clipped

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


LONG = StatusModel(
    link=Link.OFFLINE,
    since="17:02 ngày 18/11",
    waiting=1234,
    attention=12,
    conflicts=12,
    backup="17:02 ngày 18/11",
    backup_late=True,
)


@pytest.mark.parametrize(
    "status",
    [
        LONG,
        StatusModel(link=Link.ONLINE, last_sync="17:02 ngày 18/11", attention=12, conflicts=12),
        StatusModel(link=Link.NONE, waiting=1234, conflicts=3),
        StatusModel(saving=Saving.FAILED, link=Link.SENDING, waiting=1234, attention=3),
    ],
)
def test_the_status_line_leaves_words_out_rather_than_cut_them(qtbot, status) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.show_status(status)
    bar.resize(900 - 60, bar.height())
    bar.show()
    qtbot.waitExposed(bar)
    items = (bar.saving, bar.link, bar.conflicts, bar.backup, bar.help)

    def whole() -> bool:
        return all(one.width() >= one.sizeHint().width() for one in items if one.isVisible())

    qtbot.waitUntil(whole)
    assert bar.link.text() == "".join(text for text, _strong in link_words(status)[1])
    assert bar.link.accessibleName() == bar.link.text()
    assert all(one.toolTip() == (one.text() if one.shown != one.text() else "") for one in items)
    bar.resize(1366, bar.height())
    qtbot.waitUntil(lambda: bar.saving.shown == bar.saving.text())


def test_the_gravest_words_are_shortened_last(qtbot) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.show_status(LONG)
    bar.resize(1100, bar.height())
    bar.show()
    qtbot.waitUntil(lambda: bar.help.is_brief)
    assert bar.saving.shown == "Đã lưu"
    assert not bar.link.is_brief
    bar.resize(840, bar.height())
    qtbot.waitUntil(lambda: bar.link.is_brief)


@pytest.mark.parametrize("width", [700, 1200])
def test_actions_go_below_a_title_that_needs_the_room(qtbot, width) -> None:
    action, save = primary("Ký và gửi", "x.sign"), primary("Lưu nháp", "x.save")
    header = ScreenHeader("Phiếu chuyển: " + "Rơ Châm H'Mẫu " * 3, "Chi tiết", (save, action))
    holder = QWidget()
    vbox(header, None, parent=holder)
    qtbot.addWidget(holder)
    holder.resize(width, 90)
    holder.show()
    title = next(one for one in header.findChildren(QLabel) if "Phiếu" in one.text())

    qtbot.waitUntil(lambda: title.width() >= title.sizeHint().width())

    below = action.mapTo(header, QPoint(0, 0)).y() >= title.mapTo(header, QPoint(0, 0)).y() + 20
    assert below == (width == 700)
    assert action.mapTo(header, QPoint(0, 0)).x() + action.width() <= width


def test_spare_columns_leave_their_room_to_names(qtbot) -> None:
    table: Table[str] = Table(
        "t",
        "Bảng",
        [
            Column(title="Tên", text=str, stretch=True),
            Column(title="Số", text=str, width=120, spare=2),
            Column(title="In", text=str, width=80, spare=1),
            Column(title="Gửi", text=str, width=100),
        ],
    )
    qtbot.addWidget(table)
    table.resize(440, 200)
    table.show()

    def shown() -> list[bool]:
        return [not table.isColumnHidden(place) for place in range(4)]

    qtbot.waitUntil(lambda: shown() == [True, True, True, True])
    table.resize(380, 200)
    qtbot.waitUntil(lambda: shown() == [True, True, False, True])
    table.resize(300, 200)
    qtbot.waitUntil(lambda: shown() == [True, False, False, True])
    table.setColumnHidden(3, True)
    assert shown() == [True, True, False, False]
    table.resize(600, 200)
    qtbot.waitUntil(lambda: shown() == [True, True, True, False])
    assert json.loads(memory().get("columns/t") or "{}").get("In", 80) == 80


def test_a_drug_in_a_narrow_form_has_its_name_on_a_line_of_its_own(qtbot, desk, visit_id) -> None:
    desk.screen.resize(LEAST.width(), 900)
    drug(desk, "losartan 50", "1", "2", "5")
    [row] = desk.form.prescription.rows
    form = desk.form
    qtbot.waitUntil(lambda: form._inside.width() <= form.area.viewport().width())
    assert row.dose.mapTo(row, QPoint(0, 0)).y() >= row._drug.height()
    desk.screen.resize(1178, 900)
    qtbot.waitUntil(lambda: row.dose.mapTo(row, QPoint(0, 0)).y() < row._drug.height())


def test_the_hub_says_its_lines_in_full(qtbot, session_of) -> None:
    screen = SettingsScreen(session_of(Role.DIRECTOR))
    qtbot.addWidget(screen)
    screen.resize(LEAST.width(), SettingsScreen.least_height)
    screen.show()
    metrics = QFontMetrics(theme.font(theme.DENSE_PT))
    for button in screen.hub.buttons.values():
        room = button.width() - 46 - 12 - (20 if button.entry.page else 0)
        assert metrics.horizontalAdvance(button.entry.detail) <= room, button.entry.detail


def test_the_registration_form_stands_beside_its_side_column(qtbot, session_of) -> None:
    screen = RegistrationScreen(session_of())
    qtbot.addWidget(screen)
    screen.resize(LEAST.width(), 600)
    screen.show()
    area = screen.form.area
    qtbot.waitUntil(lambda: 0 < area.widget().width() <= area.viewport().width())
    assert clipped(screen) == []
