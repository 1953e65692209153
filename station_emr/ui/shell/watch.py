"""One watch over the program's keys and clicks: scans from anywhere, and the idle lock.

It stands at the widget with the focus, where every key begins its way, and at the windows, where
every hand first arrives. At the whole application it would be asked about each of the tens of
thousands of events that building and painting pages takes.

A keyboard-wedge scanner is a keyboard that types very fast and ends with Enter. A burst is taken
as a scan when its keys follow one another faster than hands can: outside text fields any such
burst, inside a text field only one with the bars of a card's QR code, and then the field gets its
own text back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QWindow
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)
from shiboken6 import isValid
from typing_extensions import override

from station_emr.ui.kit import Shortcut

GAP_SECONDS: Final = 0.05
LEAST_KEYS: Final = 8
_HELD_FROM: Final = 4
_TEXT_WIDGETS: Final = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
_ENTER: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_SIGNS_OF_LIFE: Final = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseMove,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
    }
)
_KEYS: Final = frozenset({QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride})


class ScanBurst:
    """Recognises a burst from the keys and the time between them; knows nothing of widgets."""

    def __init__(self) -> None:
        self._text = ""
        self._last = float("-inf")

    @property
    def text(self) -> str:
        return self._text

    def open_at(self, now: float) -> bool:
        """True while so many keys have come so fast that only a scanner can be typing."""
        return len(self._text) >= _HELD_FROM and now - self._last <= GAP_SECONDS

    def add(self, text: str, now: float) -> bool:
        """One printable key. True when it is the first of a new burst."""
        fresh = not self._text or now - self._last > GAP_SECONDS
        self._text = text if fresh else self._text + text
        self._last = now
        return fresh

    def finish(self, now: float) -> str:
        """Enter: the scanned text, or nothing when it was typed by hand."""
        text, fast = self._text, now - self._last <= GAP_SECONDS
        self.forget()
        return text if fast and len(text) >= LEAST_KEYS else ""

    def forget(self) -> None:
        self._text = ""
        self._last = float("-inf")


def key_time(event: QKeyEvent) -> float:
    """When the key was hit by the system's clock, so that a busy program cannot stretch a burst."""
    return event.timestamp() / 1000 if event.timestamp() else time.monotonic()


class InputWatch(QObject):
    """``scanned(text)`` follows a scan made anywhere; ``idle`` follows minutes without a hand.

    ``host`` is a window. A text field that wants raw scans itself (a drug's bar code) sets the property ``takesScan``.
    """

    scanned = Signal(str)
    idle = Signal()

    def __init__(self, host: QWidget, *, clock: Callable[[QKeyEvent], float] = key_time) -> None:
        super().__init__(host)
        self._host = host
        self._clock = clock
        self._burst = ScanBurst()
        self._undo: Callable[[], None] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.idle)
        self._renewed = 0.0
        self._on = False
        self._focused: QObject | None = None
        # Of the window system, on which somebody has worked; held, as Python makes itself a new name
        # for one that it forgot, and one that is going away bears that badly.
        self._windows: list[QObject] = []
        self.reserved: tuple[QKeySequence, ...] = (
            Shortcut.SEARCH.key,
            Shortcut.LOCK.key,
            Shortcut.SWITCH.key,
        )

    def start(self, idle_minutes: float) -> None:
        """Begin watching; ``idle`` comes after so many minutes."""
        self._timer.setInterval(round(idle_minutes * 60_000))
        self._timer.start()
        if not self._on:
            self._on = True
            self._host.installEventFilter(self)  # keys while nothing has the focus
            _application().focusChanged.connect(self._follow_focus)
            _application().focusWindowChanged.connect(self._follow_window)
            self._follow_focus()
            self._follow_window()

    def stop(self) -> None:
        """Stop watching, as while locked."""
        self._timer.stop()
        self._burst.forget()
        if self._on:
            self._on = False
            _application().focusChanged.disconnect(self._follow_focus)
            _application().focusWindowChanged.disconnect(self._follow_window)
            for left in (self._host, self._focused, *self._windows):
                if left is not None and isValid(left):
                    left.removeEventFilter(self)
            self._focused = None
            self._windows.clear()

    def _follow_focus(self) -> None:
        """The widget that keys now begin at; asked before its own field and its own page."""
        before, self._focused = self._focused, QApplication.focusWidget()
        if before is not None and before is not self._host and isValid(before):
            before.removeEventFilter(self)
        if self._focused is not None:
            self._focused.installEventFilter(self)

    def _follow_window(self) -> None:
        """Dialogs have windows of their own; each is heard from when it first comes to the front."""
        window: QWindow | None = QGuiApplication.focusWindow()
        self._windows = [known for known in self._windows if isValid(known)]
        if window is not None and window not in self._windows:
            self._windows.append(window)
            window.installEventFilter(self)

    @property
    def idle_milliseconds(self) -> int:
        return self._timer.interval()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in _SIGNS_OF_LIFE:
            self._renew()
        if kind in _KEYS and isinstance(event, QKeyEvent) and self._is_target(watched):
            return self._key(watched, event)
        return False

    def _renew(self) -> None:
        # Once a second is enough; a moving mouse sends hundreds of events.
        now = time.monotonic()
        if now - self._renewed > 1 and self._timer.isActive():
            self._renewed = now
            self._timer.start()

    def _is_target(self, watched: QObject) -> bool:
        """A key walks up from the focused widget through its parents; count it once."""
        focused = QApplication.focusWidget()
        if focused is not None:
            return watched is focused and focused.window() is self._host.window()
        return watched is self._host.window()

    def _key(self, watched: QObject, event: QKeyEvent) -> bool:
        now = self._clock(event)
        in_text = isinstance(watched, _TEXT_WIDGETS)
        if event.type() == QEvent.Type.ShortcutOverride:
            if QKeySequence(event.keyCombination()) in self.reserved:
                event.ignore()  # a text field may not keep Ctrl+K for itself
                return True
            # A space or letter inside a scan must not fire a key of the screen.
            if not in_text and self._burst.open_at(now):
                event.accept()
                return True
            return False
        if event.key() in _ENTER:
            return self._enter(watched, now, in_text=in_text)
        text = event.text()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier or (
            text and not text.isprintable()
        ):
            self._burst.forget()
            return False
        if not text:
            return False
        if self._burst.add(text, now):
            self._undo = _restorer(watched)
        return not in_text and self._burst.open_at(now)

    def _enter(self, watched: QObject, now: float, *, in_text: bool) -> bool:
        text = self._burst.finish(now)
        undo, self._undo = self._undo, None
        if not text or watched.property("takesScan"):
            return False
        if in_text and (text.count("|") < 2 or watched.objectName() == "search"):
            return False
        if undo is not None:
            undo()
        self.scanned.emit(text)
        return True


def _application() -> QApplication:
    """The one application, which outlives every watch."""
    found = QApplication.instance()
    if not isinstance(found, QApplication):
        raise TypeError("no application to watch")
    return found


def _restorer(widget: QObject) -> Callable[[], None] | None:
    """What gives a widget back the content it had before a scan ran into it."""
    if isinstance(widget, QLineEdit):
        text, place = widget.text(), widget.cursorPosition()

        def line_back() -> None:
            widget.setText(text)
            widget.setCursorPosition(place)
            widget.textEdited.emit(text)

        return line_back
    if isinstance(widget, QPlainTextEdit):
        whole = widget.toPlainText()
        return lambda: widget.setPlainText(whole)
    if isinstance(widget, QComboBox):
        index = widget.currentIndex()

        def combo_back() -> None:
            if widget.currentIndex() != index:
                widget.setCurrentIndex(index)
                widget.activated.emit(index)

        return combo_back
    return None
