"""Answers while typing: keys, stale answers, nothing taken by accident."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from station_emr.ui.kit import Suggestion, TypeaheadField, match_spans
from tests.ui.keys import type_text

ICD = [
    Suggestion(lead="R51", title="Đau đầu", payload="R51"),
    Suggestion(lead="G44.2", title="Đau đầu kiểu căng thẳng", payload="G44.2"),
    Suggestion(lead="G43", title="Đau nửa đầu", payload="G43"),
]


class Page(QWidget):
    def __init__(self, field: TypeaheadField) -> None:
        super().__init__()
        self.field = field
        self.other = QLineEdit()
        column = QVBoxLayout(self)
        column.addWidget(field)
        column.addWidget(self.other)
        column.addStretch(1)
        self.asked: list[str] = []
        self.taken: list[object] = []
        field.wanted.connect(self.asked.append)
        field.chosen.connect(lambda s: self.taken.append(s.payload))


def show(qtbot: QtBot, field: TypeaheadField) -> Page:
    page = Page(field)
    qtbot.addWidget(page)
    page.resize(500, 400)
    with qtbot.waitExposed(page):
        page.show()
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    field.editor.setFocus()
    return page


@pytest.fixture
def page(qtbot: QtBot) -> Page:
    return show(qtbot, TypeaheadField())


def ask(page: Page, qtbot: QtBot, text: str) -> None:
    type_text(page.field.editor, text)
    qtbot.waitUntil(lambda: bool(page.asked) and page.asked[-1] == page.field.text())


def test_asks_once_after_the_last_key(page: Page, qtbot: QtBot) -> None:
    ask(page, qtbot, "dau dau")
    assert page.asked == ["dau dau"]


def test_down_and_enter_take_a_row_and_move_on(page: Page, qtbot: QtBot) -> None:
    ask(page, qtbot, "dau")
    page.field.set_results(ICD, "dau")
    assert page.field.typeahead.is_open
    assert page.field.editor.hasFocus()
    qtbot.keyClick(page.field.editor, Qt.Key.Key_Down)
    qtbot.keyClick(page.field.editor, Qt.Key.Key_Return)
    assert page.taken == ["G44.2"]
    assert page.field.value() == "G44.2"
    assert page.field.text() == "G44.2 Đau đầu kiểu căng thẳng"
    assert not page.field.typeahead.is_open
    assert page.other.hasFocus()


def test_up_from_the_first_row_goes_round(page: Page, qtbot: QtBot) -> None:
    ask(page, qtbot, "dau")
    page.field.set_results(ICD, "dau")
    qtbot.keyClick(page.field.editor, Qt.Key.Key_Up)
    qtbot.keyClick(page.field.editor, Qt.Key.Key_Return)
    assert page.taken == ["G43"]


def test_escape_closes_and_keeps_the_text(page: Page, qtbot: QtBot) -> None:
    ask(page, qtbot, "dau")
    page.field.set_results(ICD, "dau")
    qtbot.keyClick(page.field.editor, Qt.Key.Key_Escape)
    assert not page.field.typeahead.is_open
    assert page.field.text() == "dau"
    assert page.taken == []


def test_late_answer_to_an_older_text_is_thrown_away(page: Page, qtbot: QtBot) -> None:
    ask(page, qtbot, "da")
    ask(page, qtbot, "u")
    page.field.set_results(ICD, "da")
    assert not page.field.typeahead.is_open
    page.field.set_results(ICD[:1], "dau")
    assert page.field.typeahead.list.items == tuple(ICD[:1])


def test_enter_never_takes_a_row_of_an_older_text(page: Page, qtbot: QtBot) -> None:
    ask(page, qtbot, "dau")
    page.field.set_results(ICD, "dau")
    qtbot.keyClicks(page.field.editor, " nua")
    qtbot.keyClick(page.field.editor, Qt.Key.Key_Return)
    assert page.taken == []
    assert page.asked[-1] == "dau nua"
    page.field.set_results([ICD[2]], "dau nua")
    assert page.taken == ["G43"]


def test_typed_code_and_enter_need_no_wait(page: Page, qtbot: QtBot) -> None:
    qtbot.keyClicks(page.field.editor, "r51")
    qtbot.keyClick(page.field.editor, Qt.Key.Key_Return)
    page.field.set_results(ICD, "r51")
    assert page.taken == ["R51"]


def test_ambiguous_enter_shows_the_list_instead_of_guessing(page: Page, qtbot: QtBot) -> None:
    qtbot.keyClicks(page.field.editor, "dau")
    qtbot.keyClick(page.field.editor, Qt.Key.Key_Return)
    page.field.set_results(ICD, "dau")
    assert page.taken == []
    assert page.field.typeahead.is_open


def test_words_that_name_nothing_are_no_value(page: Page, qtbot: QtBot) -> None:
    ask(page, qtbot, "zzz")
    page.field.set_results([], "zzz")
    assert page.field.typeahead.is_open
    page.other.setFocus()
    assert not page.field.typeahead.is_open
    assert page.field.value() is None
    assert page.field.problem
    page.field.set_choice("R51", "R51 Đau đầu")
    assert page.field.problem is None


def test_typing_after_a_choice_takes_the_value_away(page: Page, qtbot: QtBot) -> None:
    page.field.set_choice("R51", "R51 Đau đầu")
    qtbot.keyClicks(page.field.editor, "x")
    assert page.field.value() is None


def test_free_text_is_kept_when_no_row_is_chosen(qtbot: QtBot) -> None:
    page = show(qtbot, TypeaheadField(free_text=True))
    ask(page, qtbot, "đau")
    page.field.set_results(ICD, "đau")
    qtbot.keyClick(page.field.editor, Qt.Key.Key_Return)
    assert page.taken == []
    assert page.field.value() == "đau"
    assert page.other.hasFocus()


def test_field_for_many_empties_itself_after_each_choice(qtbot: QtBot) -> None:
    page = show(qtbot, TypeaheadField(clear_on_choice=True))
    ask(page, qtbot, "dau")
    page.field.set_results(ICD, "dau")
    qtbot.keyClick(page.field.editor, Qt.Key.Key_Return)
    assert page.taken == ["R51"]
    assert page.field.text() == ""
    assert page.field.editor.hasFocus()


def test_click_takes_a_row_without_taking_the_focus(page: Page, qtbot: QtBot) -> None:
    ask(page, qtbot, "dau")
    page.field.set_results(ICD, "dau")
    view = page.field.typeahead.list.view
    spot = view.visualRect(view.model().index(1, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert page.taken == ["G44.2"]


def test_list_lies_under_the_field_inside_the_window(page: Page, qtbot: QtBot) -> None:
    ask(page, qtbot, "dau")
    page.field.set_results(ICD, "dau")
    shown = page.field.typeahead.list
    assert shown.parentWidget() is page
    assert shown.geometry().top() >= page.field.geometry().top() + 30
    assert page.rect().contains(shown.geometry())


@pytest.mark.parametrize(
    ("text", "typed", "marked"),
    [
        ("Đau đầu", "dau dau", ["Đau", "đầu"]),
        ("Đau nửa đầu", "dau", ["Đau"]),
        ("Rơ Châm H'Bĕ\u0306", "cham hbe", ["Châm", "H'Bĕ\u0306"]),
        ("Siu H'Blơi", "bl", ["Bl"]),
        ("Nguyễn Văn Mẫu", "guy", []),
        ("Nguyễn Văn Mẫu", "", []),
    ],
)
def test_typed_letters_are_found(text: str, typed: str, marked: list[str]) -> None:
    spans = match_spans(text, typed)
    assert [text[start : start + length] for start, length in spans] == marked
