"""The search field of the frame: answers while typing, takes a scan, never in the way."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit import InputFrame, Shortcut, Suggestion, Typeahead, bare_line, label, named
from station_emr.ui.kit.layout import vbox


def looks_scanned(text: str) -> bool:
    """A code of a card rather than a name: bars as in QR codes, or a long number."""
    compact = "".join(text.split())
    digits = sum(c.isdigit() for c in compact)
    return "|" in text or (len(compact) >= 10 and compact.isalnum() and digits >= 8)


class SearchBar(QWidget):
    """``wanted(text)`` asks for answers, ``chosen(payload)`` and ``scanned(text)`` tell the rest."""

    wanted = Signal(str)
    chosen = Signal(object)
    scanned = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        spoken = _("Tìm người bệnh, hoặc quét CCCD / thẻ BHYT")
        self.line = named(bare_line(), "search", spoken)
        self.line.setPlaceholderText(spoken)
        self.line.setMaxLength(1000)
        frame = InputFrame(self.line, icon="magnifying-glass")
        frame.set_ground("surface")
        frame.add_inside(label(Shortcut.SEARCH.text, "key"))
        vbox(frame, parent=self)
        self.setMaximumWidth(520)
        self.setFocusProxy(self.line)
        self.typeahead = Typeahead(
            self.line,
            "search.results",
            _("Người bệnh tìm thấy"),
            two_lines=True,
            anchor=frame,
            waits=False,
        )
        self.typeahead.wanted.connect(self._ask)
        self.typeahead.chosen.connect(self._take)
        self.line.removeEventFilter(self.typeahead)
        self.line.installEventFilter(self)
        self.line.installEventFilter(self.typeahead)
        self._before: QWidget | None = None
        self._asked = ""
        self._open_first = False

    def activate(self) -> None:
        """Ctrl+K: take the focus and remember where it was."""
        focused = QApplication.focusWidget()
        if focused is not self.line:
            self._before = focused
        self.line.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.line.selectAll()

    def set_results(self, results: Sequence[Suggestion], for_text: str) -> None:
        """Answer a question; one for an older text is thrown away."""
        if for_text != self._asked:
            return
        open_first, self._open_first = self._open_first, False
        if open_first and len(results) == 1:
            self._take(results[0])
            return
        if not self.line.hasFocus():
            return
        foot = "" if results else _("Không tìm thấy ai. Ctrl+N để tiếp đón người mới.")
        self.typeahead.set_results(results, for_text, foot)

    def clear(self) -> None:
        self.line.clear()
        self._asked = ""
        self._open_first = False
        self.typeahead.close()

    def _ask(self, text: str) -> None:
        self._asked = text
        self.wanted.emit(text)

    def _take(self, suggestion: object) -> None:
        self.clear()
        self._before = None
        if isinstance(suggestion, Suggestion):
            self.chosen.emit(suggestion.payload)

    def _enter(self) -> None:
        text = self.line.text().strip()
        if not text:
            return
        if looks_scanned(text):
            self.clear()
            self.scanned.emit(text)
        else:
            # Enter came before the answer: open it when it is the only one.
            self._open_first = True
            self.typeahead.ask_now()

    def _leave(self) -> None:
        self.clear()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus()
        else:
            self.line.clearFocus()
        self._before = None

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
            elif event.type() == QEvent.Type.KeyPress:
                self._leave()
                return True
        elif (
            event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        ):
            self._enter()
            return True
        return False
