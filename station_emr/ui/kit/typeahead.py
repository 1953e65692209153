"""Answers while typing: a list under a line editor that never blocks and never takes the focus.

The owner is asked through ``wanted(text)`` a moment after the last key and answers, whenever it
can, with ``set_results(results, for_text)``. An answer to an older text is thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit.field import Field, InputFrame
from station_emr.ui.kit.suggestions import MOST_ROWS, Suggestion, SuggestionList
from station_emr.ui.kit.text_fields import bare_line

DEBOUNCE_MS: Final = 70


class Typeahead(QObject):
    """Gives any line editor its list of answers.

    ``wanted(text)`` asks, ``set_results`` answers, ``chosen(Suggestion)`` tells what was taken.
    ``inline=True`` leaves the list to be laid out by the owner (``self.list``). ``preselect``
    chooses the first row. ``waits``: Enter before the answer waits for it, so that a row of an
    older question is never taken, and takes it when it is the only one or the exact code.
    """

    wanted = Signal(str)
    chosen = Signal(object)
    dismissed = Signal()

    def __init__(
        self,
        line: QLineEdit,
        name: str,
        spoken: str,
        *,
        two_lines: bool = False,
        inline: bool = False,
        anchor: QWidget | None = None,
        least: int = 1,
        preselect: bool = True,
        waits: bool = True,
    ) -> None:
        super().__init__(line)
        self._preselect = preselect
        self._waits = waits
        self._take_first = False
        self._shown_for = ""
        self.line = line
        self._anchor = anchor if anchor is not None else line
        self._inline = inline
        self._least = least
        self.list = SuggestionList(name, spoken, two_lines=two_lines)
        self.list.picked.connect(self._take)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self._ask)
        self._asked = ""
        line.textEdited.connect(self._edited)
        line.installEventFilter(self)
        line.destroyed.connect(self.list.deleteLater)

    @property
    def is_open(self) -> bool:
        return not self.list.isHidden()

    @property
    def pending(self) -> bool:
        """True between a key and the question that follows it."""
        return self._timer.isActive()

    @property
    def stale(self) -> bool:
        """True while the rows shown answer an older text than the one in the line."""
        return self.line.text().strip() != self._shown_for

    def _edited(self) -> None:
        self._take_first = False
        text = self.line.text().strip()
        if len(text) < self._least:
            self._timer.stop()
            self._asked = self._shown_for = ""
            self.close()
        else:
            self._timer.start()

    def _ask(self) -> None:
        self._asked = self.line.text().strip()
        self.wanted.emit(self._asked)

    def ask_now(self) -> None:
        """Ask without waiting, as after a scan or the Down key in an empty field."""
        self._timer.stop()
        self._ask()

    def set_results(
        self, results: Sequence[Suggestion], for_text: str | None = None, foot: str = ""
    ) -> None:
        """Show the answers; one for an older text than the last asked is thrown away."""
        if for_text is not None and for_text != self._asked:
            return
        self._shown_for = self._asked
        take_first, self._take_first = self._take_first, False
        if take_first and results and (len(results) == 1 or self._is_exact(results[0])):
            self._take(results[0])
            return
        self.list.replace(results, foot, preselect=self._preselect)
        if not results and not foot:
            self.close()
            return
        if not self._inline:
            self._float()
        self.list.show()
        self.list.raise_()

    def _is_exact(self, suggestion: Suggestion) -> bool:
        return bool(suggestion.lead) and suggestion.lead.casefold() == self._asked.casefold()

    def close(self) -> None:
        if self.is_open:
            self.list.hide()
            self.dismissed.emit()

    def _float(self) -> None:
        window = self._anchor.window()
        if self.list.parentWidget() is not window:
            self.list.setParent(window)
        spot = self._anchor.mapTo(window, QPoint(0, self._anchor.height() + 4))
        height = self.list.wanted_height()
        if spot.y() + height > window.height():
            above = self._anchor.mapTo(window, QPoint(0, 0)).y() - height - 4
            spot.setY(above if above > 0 else max(0, window.height() - height))
        self.list.setFixedWidth(max(self._anchor.width(), 320))
        self.list.setGeometry(QRect(spot, QSize(self.list.width(), height)))

    def _take(self, suggestion: Suggestion) -> None:
        self._timer.stop()
        self.close()
        self.chosen.emit(suggestion)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.FocusOut:
            self._timer.stop()
            if not self._take_first:
                self._asked = ""  # an answer still on its way must not open over another field
            if not self._inline or not self.list.underMouse():
                self.close()
        elif kind in (QEvent.Type.Hide, QEvent.Type.Resize) and not self._inline:
            self.close()
        elif kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if self.is_open and event.key() == Qt.Key.Key_Escape:
                event.accept()
        elif kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(event)
        return False

    def _key(self, event: QKeyEvent) -> bool:
        key, typed = Qt.Key(event.key()), self.line.text().strip()
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain:
            return self._enter(typed)
        if not self.is_open:
            if key == Qt.Key.Key_Down and len(typed) >= self._least:
                self.ask_now()
                return True
            return False
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: MOST_ROWS,
            Qt.Key.Key_PageUp: -MOST_ROWS,
        }
        if key in steps:
            self.list.step(steps[key])
            return True
        if key == Qt.Key.Key_Escape:
            self.close()
            return True
        return False

    def _enter(self, typed: str) -> bool:
        if not self.stale:
            return self.is_open and self.list.pick()
        if not self._waits or not self.line.isModified() or len(typed) < self._least:
            return False
        self._take_first = True
        self.ask_now()
        return True


class TypeaheadField(Field):
    """A field whose value is one answer of a provider, optionally free text.

    ``wanted(text)`` asks the owner, who calls ``set_results``. ``value()`` is the payload taken,
    or the text itself when ``free_text``. ``chosen(Suggestion)`` follows a choice.
    """

    wanted = Signal(str)
    chosen = Signal(object)

    def __init__(
        self,
        *,
        placeholder: str = "",
        icon: str = "",
        two_lines: bool = False,
        inline: bool = False,
        free_text: bool = False,
        clear_on_choice: bool = False,
        least: int = 1,
        spoken: str = "",
    ) -> None:
        super().__init__()
        self._free_text = free_text
        self._clear = clear_on_choice
        self._payload: object = None
        self._unchosen = False
        self.line = bare_line()
        self.line.setPlaceholderText(placeholder)
        frame = InputFrame(self.line, icon=icon)
        self._place(frame, self.line)
        self.typeahead = Typeahead(
            self.line,
            "suggestions",
            spoken or placeholder,
            two_lines=two_lines,
            inline=inline,
            anchor=frame,
            least=least,
            preselect=not free_text,
            waits=not free_text,
        )
        if inline:
            self._column.addWidget(self.typeahead.list)
        # The list hears a key before the field, so that Enter takes the row and only then moves on.
        self.line.removeEventFilter(self.typeahead)
        self.line.installEventFilter(self.typeahead)
        self.typeahead.wanted.connect(self.wanted)
        self.typeahead.chosen.connect(self._taken)
        self.line.textEdited.connect(self._typed)
        self.left.connect(self._check)

    @override
    def set_spoken(self, text: str) -> None:
        super().set_spoken(text)
        self.typeahead.list.view.setAccessibleName(self.line.accessibleName())

    def set_results(
        self, results: Sequence[Suggestion], for_text: str | None = None, foot: str = ""
    ) -> None:
        """Answer ``wanted``; without answers the list says so, unless free text is welcome."""
        nothing = "" if results or self._free_text else _("Không tìm thấy")
        self.typeahead.set_results(results, for_text, foot or nothing)

    def _check(self) -> None:
        """Words that name nothing are not lost, but they are not a value either."""
        if not self._free_text and self._payload is None and self.text():
            self._unchosen = True
            self.set_problem(_("Chọn một dòng trong danh sách gợi ý"))

    def _chosen_now(self) -> None:
        if self._unchosen:
            self._unchosen = False
            self.set_problem(None)

    def _typed(self) -> None:
        self._payload = None
        self._chosen_now()
        self._announce()

    def _taken(self, suggestion: object) -> None:
        if not isinstance(suggestion, Suggestion):
            return
        self._chosen_now()
        if self._clear:
            self.line.clear()
        else:
            self._payload = suggestion.payload
            self.line.setText(f"{suggestion.lead} {suggestion.title}".strip())
            self.line.setCursorPosition(0)
        self.chosen.emit(suggestion)
        self._announce()
        if self.moves_on is False and not self._clear:
            self.entered.emit()
        elif not self._clear:
            self.focusNextChild()

    @override
    def value(self) -> object:
        if self._payload is None and self._free_text:
            return self.text()
        return self._payload

    def text(self) -> str:
        """What stands in the field."""
        return self.line.text().strip()

    @override
    def set_value(self, value: object) -> None:
        """Clear with ``None``; a payload with its words is set by :meth:`set_choice`."""
        self.set_choice(value, "" if value is None else str(value))

    def set_choice(self, payload: object, text: str) -> None:
        """Set the value together with the words that stand for it."""
        self._payload = payload
        self._chosen_now()
        self.line.setText(text)
        self.line.setCursorPosition(0)
