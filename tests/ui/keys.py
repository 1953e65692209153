"""Typing as a person or a scanner does; QTest itself aborts on a letter beyond Latin-1."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget


def press(
    widget: QWidget,
    text: str = "",
    key: int = Qt.Key.Key_unknown,
    *,
    at_ms: int = 0,
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    """One key, first offered as a shortcut as Qt does, at a moment of the system's clock."""
    for kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        event = QKeyEvent(kind, key, modifiers, text)
        if at_ms:
            event.setTimestamp(at_ms)
        event.ignore()
        QApplication.sendEvent(widget, event)


def type_text(widget: QWidget, text: str, *, start_ms: int = 0, every_ms: int = 0) -> int:
    """Type ``text`` letter by letter; returns the moment after the last key."""
    now = start_ms
    for letter in text:
        press(widget, letter, at_ms=now)
        now += every_ms
    return now
