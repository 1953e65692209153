"""The search field of the frame by keys: finding a person from anywhere, and going back."""

from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from station_emr.ui.kit import Suggestion
from tests.ui.frame import Frame, key, window
from tests.ui.keys import type_text

__all__ = ["window"]


def people(*names: str) -> list[Suggestion]:
    return [Suggestion(title=name, detail="Nữ, 34 tuổi", payload=name) for name in names]


def test_ctrl_k_from_a_field_finds_and_escape_returns(window: Frame, qtbot: QtBot) -> None:
    editor = window.page("today").field.editor
    editor.setFocus()
    type_text(editor, "sốt cao")
    key(window, qtbot, Qt.Key.Key_K, ctrl=True)
    assert window.search.line.hasFocus()
    assert window.page("today").field.value() == "sốt cao"
    with qtbot.waitSignal(window.search_wanted) as wanted:
        type_text(window.search.line, "siu")
    assert wanted.args == ["siu"]
    window.set_search_results(people("Siu Mẫu"), "siu")
    assert window.search.typeahead.is_open
    key(window, qtbot, Qt.Key.Key_Escape)
    assert not window.search.typeahead.is_open
    assert window.search.line.text() == "siu"
    key(window, qtbot, Qt.Key.Key_Escape)
    assert editor.hasFocus()
    assert window.search.line.text() == ""


def test_enter_opens_the_chosen_person(window: Frame, qtbot: QtBot) -> None:
    key(window, qtbot, Qt.Key.Key_K, ctrl=True)
    with qtbot.waitSignal(window.search_wanted):
        type_text(window.search.line, "siu")
    window.set_search_results(people("Siu Một", "Siu Hai"), "siu")
    key(window, qtbot, Qt.Key.Key_Down)
    with qtbot.waitSignal(window.person_chosen) as chosen:
        key(window, qtbot, Qt.Key.Key_Return)
    assert chosen.args == ["Siu Hai"]
    assert window.search.line.text() == ""


def test_enter_before_the_answer_opens_the_only_one(window: Frame, qtbot: QtBot) -> None:
    key(window, qtbot, Qt.Key.Key_K, ctrl=True)
    type_text(window.search.line, "siu mau")
    key(window, qtbot, Qt.Key.Key_Return)
    with qtbot.waitSignal(window.person_chosen) as chosen:
        window.set_search_results(people("Siu Mẫu"), "siu mau")
    assert chosen.args == ["Siu Mẫu"]


def test_enter_before_the_answer_never_guesses_among_many(window: Frame, qtbot: QtBot) -> None:
    key(window, qtbot, Qt.Key.Key_K, ctrl=True)
    with qtbot.waitSignal(window.search_wanted):
        type_text(window.search.line, "siu")
    window.set_search_results(people("Siu Một", "Siu Hai"), "siu")
    type_text(window.search.line, " h")
    with qtbot.assertNotEmitted(window.person_chosen):
        key(window, qtbot, Qt.Key.Key_Return)
        window.set_search_results(people("Siu Hai", "Siu Hoa"), "siu h")
    assert window.search.typeahead.is_open


def test_nobody_found_says_what_to_do(window: Frame, qtbot: QtBot) -> None:
    key(window, qtbot, Qt.Key.Key_K, ctrl=True)
    with qtbot.waitSignal(window.search_wanted):
        type_text(window.search.line, "zz")
    window.set_search_results([], "zz")
    assert "Ctrl+N" in window.search.typeahead.list._foot.text()
