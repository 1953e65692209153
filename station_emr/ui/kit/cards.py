"""Cards: raised boxes that group things, plain or to be chosen."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget
from typing_extensions import override

from station_emr.ui.kit import theme
from station_emr.ui.kit.layout import label
from station_emr.ui.kit.names import named, with_role


class Card(QFrame):
    """A raised box. Put things into ``body``; ``sunken`` is for a preview's ground."""

    def __init__(self, title: str = "", *, sunken: bool = False, margin: int = theme.GAP_M) -> None:
        super().__init__()
        with_role(self, "well" if sunken else "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(margin, margin, margin, margin)
        self.body.setSpacing(theme.GAP_S)
        self.title: QLabel | None = None
        if title:
            self.title = label(title, "heading")
            self.body.addWidget(self.title)

    def add(self, widget: QWidget, stretch: int = 0) -> None:
        self.body.addWidget(widget, stretch)


class ChoiceCard(Card):
    """A card that can be chosen: a click or the focus selects it, Enter or a double click opens it."""

    selected = Signal()
    opened = Signal()

    def __init__(self, name: str, spoken: str) -> None:
        super().__init__()
        named(self, name, spoken)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._selected = False

    @property
    def is_selected(self) -> bool:
        return self._selected

    def set_selected(self, selected: bool) -> None:
        self._selected = selected
        self.update()

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.selected.emit()
        self.update()

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.opened.emit()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.opened.emit()
            return
        super().keyPressEvent(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._selected or self.hasFocus():
            painter = QPainter(self)
            theme.paint_focus(painter, self.rect())
            painter.end()
