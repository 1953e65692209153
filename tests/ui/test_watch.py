"""Whom the watch over keys and clicks hears, and how little it is asked about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from typing_extensions import override

from station_emr.ui.shell import InputWatch
from tests.ui.keys import press, type_text


class Counting(InputWatch):
    asked = 0

    @override
    def eventFilter(self, watched, event):
        self.asked += 1
        return super().eventFilter(watched, event)

    @property
    def heard(self) -> bool:
        """Whether a sign of life came since the last question."""
        came, self._renewed = self._renewed > 0, -10.0
        return came


def shown(qtbot: QtBot, window: QWidget) -> None:
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


class Host(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.column = QVBoxLayout(self)
        self.lines = [QLineEdit(), QLineEdit()]
        for line in self.lines:
            self.column.addWidget(line)


@pytest.fixture
def host(qtbot: QtBot) -> Host:
    made = Host()
    shown(qtbot, made)
    return made


@pytest.fixture
def watch(host: Host) -> Iterator[Counting]:
    made = Counting(host)
    made.start(15)
    made._renewed = -10.0
    yield made
    made.stop()


def test_a_hand_on_the_window_or_on_a_dialog_is_a_sign_of_life(
    host: Host, watch: Counting, qtbot: QtBot
) -> None:
    QTest.mouseMove(host.windowHandle(), QPoint(20, 20))
    qtbot.waitUntil(lambda: watch.heard)
    QTest.mouseClick(host.windowHandle(), Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    assert watch.heard
    dialog = QDialog(host)
    inside = QLineEdit(dialog)
    shown(qtbot, dialog)
    QTest.mouseMove(dialog.windowHandle(), QPoint(5, 5))
    qtbot.waitUntil(lambda: watch.heard)
    press(inside, "a")
    assert watch.heard
    dialog.close()
    assert not watch.heard


def test_a_scan_follows_the_focus_to_where_it_goes(
    host: Host, watch: Counting, qtbot: QtBot
) -> None:
    def scan(widget: QWidget) -> None:
        end = type_text(widget, "MAU|1234567|", start_ms=1_000_000, every_ms=4)
        press(widget, "\r", Qt.Key.Key_Return, at_ms=end)

    for line in (*host.lines, host.lines[0]):
        line.setFocus()
        with qtbot.waitSignal(watch.scanned):
            scan(line)
        assert line.text() == ""
    host.lines[0].clearFocus()
    with qtbot.waitSignal(watch.scanned):
        scan(host)
    host.lines[1].setFocus()
    with qtbot.assertNotEmitted(watch.scanned):
        scan(host.lines[0])  # keys begin at the focus; what has it not is on the way of another


def test_building_and_painting_a_page_asks_the_watch_nothing(host: Host, watch: Counting) -> None:
    host.lines[0].setFocus()
    before = watch.asked
    page = QWidget()
    inside = QVBoxLayout(page)
    for number in range(200):
        inside.addWidget(QLabel(str(number)))
    page.ensurePolished()
    page.grab()
    assert watch.asked == before
    page.deleteLater()


def test_after_the_stop_nothing_is_heard(host: Host, watch: Counting) -> None:
    host.lines[0].setFocus()
    watch.stop()
    before = watch.asked
    QTest.mouseMove(host.windowHandle(), QPoint(30, 30))
    QApplication.sendPostedEvents()
    press(host.lines[0], "a")
    host.lines[1].setFocus()
    press(host.lines[1], "b")
    QApplication.sendEvent(host, QEvent(QEvent.Type.WindowActivate))
    assert watch.asked == before
    assert not watch.heard
