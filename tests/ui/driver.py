"""Shows one screen as the frame does and drives it by keys; answers dialogs from a list."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtPdf import QPdfDocument
from PySide6.QtWidgets import QApplication, QCheckBox, QWidget

from station_emr.ui.kit import dialogs
from tests.ui.keys import press, type_text
from tests.ui.sweep import clipped, unnamed, without_object_name

# The room the frame leaves for a screen on the smallest panel, 1366 by 768.
ROOM = QSize(1178, 682)


class ScreenDriver:
    """``went`` are the wishes to see another screen, ``said`` the passing messages."""

    def __init__(self, qtbot, screen) -> None:
        self.qtbot = qtbot
        self.screen = screen
        qtbot.addWidget(screen)
        self.went: list[tuple[str, object]] = []
        self.messages: list[object] = []
        screen.navigate.connect(lambda key, context: self.went.append((key, context)))
        screen.message.connect(self.messages.append)
        screen.resize(ROOM)
        screen.show()
        qtbot.waitActive(screen)

    @property
    def said(self) -> list[str]:
        return [message.text for message in self.messages]

    def find(self, name: str) -> QWidget:
        found = self.screen.findChild(QWidget, name)
        assert found is not None, name
        return found

    def until(self, check) -> None:
        self.qtbot.waitUntil(check)

    def until_said(self, words: str) -> None:
        self.qtbot.waitUntil(lambda: any(words in text for text in self.said))

    def focus(self, name: str) -> QWidget:
        """Looks for it at every try: what is drawn anew meanwhile are other widgets."""

        def has_it() -> bool:
            widget = self.find(name)
            widget.setFocus()
            return widget.hasFocus()

        self.qtbot.waitUntil(has_it)
        return self.find(name)

    def type(self, name: str, text: str) -> None:
        """Go to a field, select what stands there and type over it."""
        widget = self.focus(name)
        select = getattr(widget, "selectAll", None)
        if select is not None:
            select()
        type_text(widget, text)

    def key(self, key: Qt.Key) -> None:
        press(QApplication.focusWidget() or self.screen, key=key)

    def shortcut(self, key: Qt.Key) -> None:
        """Ctrl and a key, as the frame's shortcuts hear it."""
        target = QApplication.focusWidget() or self.screen
        self.qtbot.keyClick(target, key, Qt.KeyboardModifier.ControlModifier)

    def press_button(self, name: str) -> None:
        """Tab to a button or an option and press Space."""
        widget = self.focus(name)
        self.qtbot.keyClick(widget, Qt.Key.Key_Space)

    def tick(self, box: QCheckBox) -> None:
        box.setFocus()
        self.qtbot.keyClick(box, Qt.Key.Key_Space)

    def sweep(self) -> None:
        """What holds for every screen: names for the reader and the tests, nothing cut off."""
        mute = unnamed(self.screen)
        assert mute == [], mute
        nameless = without_object_name(self.screen)
        assert nameless == [], nameless
        self.qtbot.waitUntil(lambda: clipped(self.screen) == [])  # once laid out
        assert self.screen.width() <= ROOM.width()


class Answers(dialogs.Dialogs):
    """Gives the answers it was told, in order; an unexpected dialog fails the test."""

    def __init__(self) -> None:
        self.next: list[object] = []
        self.asked: list[str] = []
        self.offered: list[str] = []  # what the button for yes said

    def _answer(self, title: str):
        self.asked.append(title)
        assert self.next, f"a dialog nobody expected: {title}"
        return self.next.pop(0)

    def ask_text(self, parent, title, text, *, label, start, lines):
        return self._answer(title)

    def ask_password(self, parent, title, text, *, label):
        return self._answer(title)

    def confirm(self, parent, title, text, *, yes, no, danger):
        self.offered.append(yes)
        return self._answer(title)

    def choose(self, parent, title, text, options):
        return self._answer(title)

    def show_problem(self, parent, title, text, detail):
        self._answer(title)

    def open_file(self, parent, title, pattern):
        return self._answer(title)

    def save_file(self, parent, title, proposed, pattern):
        return self._answer(title)

    def choose_folder(self, parent, title):
        return self._answer(title)

    def run(self, dialog):
        return self._answer(dialog.windowTitle())


@pytest.fixture
def answers():
    """The dialogs of this test: ``answers.next = [...]``."""
    made = Answers()
    before = dialogs.use_dialogs(made)
    yield made
    dialogs.use_dialogs(before)


def pdf_text(path) -> str:
    """The words of a PDF file."""
    document = QPdfDocument()
    document.load(str(path))
    pages = range(document.pageCount())
    return "\n".join(document.getAllText(page).text() for page in pages)
