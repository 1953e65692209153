"""The sheet belongs to the windows: what stands in one wears it, and is dressed once, not per box."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QMainWindow, QWidget
from typing_extensions import override

from station_emr.ui.kit import Card, apply_theme, dress, label, tokens, vbox
from station_emr.ui.kit.dialogs import Box
from station_emr.ui.shell import MainWindow

DEEP = 8


class Dressings(QObject):
    """Counts how often a widget is given its style."""

    def __init__(self) -> None:
        super().__init__()
        self.times: Counter[str] = Counter()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.StyleChange:
            self.times[watched.objectName()] += 1
        return False


@pytest.fixture
def light(qapp: QApplication):
    yield
    apply_theme(qapp, "light")


def colour_of(words: QLabel) -> str:
    words.ensurePolished()
    return words.palette().windowText().color().name().upper()


@pytest.mark.parametrize("made", [MainWindow, lambda: Box(None, "Có lỗi", "Hồ sơ vẫn an toàn")])
def test_a_window_of_the_program_wears_the_sheet(qtbot, made) -> None:
    window = made()
    qtbot.addWidget(window)
    words = label("Đã lưu", "danger")
    words.setParent(window)
    assert colour_of(words) == tokens().danger
    assert words.font().pointSizeF() == pytest.approx(9.5)


def test_a_dialog_and_its_words_follow_the_window_they_belong_to(qtbot) -> None:
    window = MainWindow()
    qtbot.addWidget(window)
    box = Box(window, "Hủy phiếu?")
    words = label("Không lấy lại được", "danger")
    box.content.addWidget(words)
    assert colour_of(words) == tokens().danger


def test_another_theme_reaches_what_is_open(qtbot, qapp, light) -> None:
    window = MainWindow()
    qtbot.addWidget(window)
    box = Box(window, "Hủy phiếu?")
    words = [label("a", "danger"), label("b", "danger")]
    window.setCentralWidget(words[0])
    box.content.addWidget(words[1])
    before = [colour_of(one) for one in words]
    apply_theme(qapp, "dark")
    assert [colour_of(one) for one in words] == [tokens().danger] * 2
    assert tokens().danger not in before


def test_a_part_is_dressed_once_however_deep_it_stands(qtbot) -> None:
    counted = Dressings()
    deepest = label("Đã lưu", "danger")
    deepest.setObjectName("deepest")
    deepest.installEventFilter(counted)
    page: QWidget = deepest
    for _level in range(DEEP):
        card = Card()
        card.add(page)
        outer = QFrame()
        vbox(card, parent=outer)
        page = outer
    window = dress(QMainWindow())
    qtbot.addWidget(window)
    window.setCentralWidget(page)
    assert colour_of(deepest) == tokens().danger
    assert counted.times["deepest"] == 1
