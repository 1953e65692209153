"""What a scanner types into the frame is taken whole, wherever the cursor is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.frame import Frame, window
from tests.ui.keys import press, type_text

__all__ = ["window"]

CCCD = "064099100001|231234567|Rơ Châm Mẫu|01011990|Nữ|Làng Mẫu, Xã Mẫu|01072021"


def scan(widget: QWidget, text: str, *, every_ms: int = 4) -> None:
    end = type_text(widget, text, start_ms=1_000_000, every_ms=every_ms)
    press(widget, "\r", Qt.Key.Key_Return, at_ms=end)


def test_scan_outside_a_field_is_taken_whole(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    page.setFocus()
    with qtbot.waitSignal(window.scan_received) as got:
        scan(page, CCCD)
    assert got.args == [CCCD]
    assert page.log[-1] == ("scan", CCCD)
    assert "call" not in page.log  # the spaces of the name did not call the next person


def test_screen_may_keep_a_scan(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    page.takes_scan = True
    page.setFocus()
    with qtbot.assertNotEmitted(window.scan_received):
        scan(page, CCCD)
    assert page.log[-1] == ("scan", CCCD)


def test_scan_into_a_text_field_gives_the_field_its_text_back(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    page.field.set_value("đau đầu")
    page.field.editor.setFocus()
    with qtbot.waitSignal(window.scan_received) as got:
        scan(page.field.editor, CCCD)
    assert got.args == [CCCD]
    assert page.field.value() == "đau đầu"


def test_scan_does_not_change_a_choice(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    page.choice.set_value("g")
    page.choice.editor.setFocus()
    with qtbot.waitSignal(window.scan_received):
        scan(page.choice.editor, "DN4640991000001|4e6775|")
    assert page.choice.value() == "g"


def test_hands_are_not_a_scanner(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    page.setFocus()
    with qtbot.assertNotEmitted(window.scan_received):
        scan(page, "064099100001", every_ms=90)
    page.field.editor.setFocus()
    with qtbot.assertNotEmitted(window.scan_received):
        scan(page.field.editor, "uong nhieu nuoc")
    assert page.field.value() == "uong nhieu nuoc"


def test_field_that_wants_raw_scans_keeps_them(window: Frame, qtbot: QtBot) -> None:
    editor = window.page("today").field.editor
    editor.setProperty("takesScan", True)
    editor.setFocus()
    with qtbot.assertNotEmitted(window.scan_received):
        scan(editor, CCCD)
    assert window.page("today").field.value() == CCCD


def test_scan_in_the_search_field(window: Frame, qtbot: QtBot) -> None:
    window.search.activate()
    with qtbot.waitSignal(window.scan_received) as got:
        scan(window.search.line, CCCD)
    assert got.args == [CCCD]
    assert window.search.line.text() == ""


def test_no_scan_while_covered(window: Frame, qtbot: QtBot) -> None:
    cover = QLineEdit()
    window.cover(cover)
    cover.setFocus()
    with qtbot.assertNotEmitted(window.scan_received):
        scan(cover, CCCD)
