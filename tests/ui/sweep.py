"""Sweeps over a whole page, reused by the tests of every screen."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QWidget


def tab_stops(root: QWidget) -> list[QWidget]:
    """Every descendant that the Tab key reaches."""
    return [
        widget
        for widget in root.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.focusProxy() is None
        and not _inner(widget)
        and not widget.objectName().startswith("qt_")
    ]


def _inner(widget: QWidget) -> bool:
    """Qt's own parts of a view or a scroll area, which speak through their owner."""
    parent = widget.parentWidget()
    return isinstance(parent, QAbstractScrollArea) and parent.viewport() is widget


def unnamed(root: QWidget) -> list[str]:
    """The tab stops that a screen reader could not name; empty when all is well."""
    missing = []
    for widget in tab_stops(root):
        spoken = QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)
        if not spoken.strip():
            missing.append(f"{type(widget).__name__} {widget.objectName()!r}")
    return missing


def without_object_name(root: QWidget) -> list[str]:
    """The tab stops that a test could not find."""
    return [type(w).__name__ for w in tab_stops(root) if not w.objectName()]


def duplicate_mnemonics(root: QWidget) -> list[str]:
    """Alt letters given twice among the visible labels and buttons of a page."""
    seen: dict[str, str] = {}
    twice = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisibleTo(root):
            continue
        text = _text(widget)
        letter = _mnemonic(text)
        if not letter:
            continue
        if letter in seen:
            twice.append(f"Alt+{letter}: {seen[letter]!r} and {text!r}")
        seen.setdefault(letter, text)
    return twice


def _text(widget: QWidget) -> str:
    reader = getattr(widget, "text", None)
    if reader is None or not callable(reader):
        return ""
    try:
        found = reader()
    except TypeError:
        return ""
    has_buddy = getattr(widget, "buddy", None)
    if has_buddy is not None and has_buddy() is None:
        return ""
    return found if isinstance(found, str) else ""


def _mnemonic(text: str) -> str:
    place = text.replace("&&", "  ").find("&")
    return text[place + 1].upper() if 0 <= place < len(text) - 1 else ""


def clipped(root: QWidget) -> list[str]:
    """Visible widgets that are narrower than they need or stand outside their parent."""
    faults = []
    for widget in root.findChildren(QWidget):
        parent = widget.parentWidget()
        if parent is None or not widget.isVisibleTo(root) or not widget.objectName():
            continue
        if isinstance(parent.parentWidget(), QAbstractScrollArea):
            continue
        if widget.width() < widget.minimumSizeHint().width():
            faults.append(f"{widget.objectName()} is {widget.width()} wide")
    return faults


def settle(app: QApplication) -> None:
    """Deliver what is queued, once, for a grab."""
    app.sendPostedEvents()
