"""The column of cards at the left of the settings: some open a panel, some another page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget
from typing_extensions import override

from station_emr.ui.kit import named, paint_icon, theme, vbox

_HEIGHT: Final = 58
_LEAST_HEIGHT: Final = 52
_WIDTH: Final = 296
_NARROW_WIDTH: Final = 228
_WIDE_PAGE: Final = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """``page`` names another screen; without it the entry opens a panel beside the column."""

    key: str
    icon: str
    title: str
    detail: str
    page: str = ""


class _EntryButton(QAbstractButton):
    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry
        named(self, f"settings.{entry.key}", f"{entry.title}: {entry.detail}")
        self.setText(entry.title)
        self.setCheckable(not entry.page)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setMinimumHeight(_LEAST_HEIGHT)

    @override
    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, _HEIGHT)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        painter = QPainter(self)
        on = self.isChecked()
        fill = t.primary_soft if on else t.hover if self.underMouse() else t.raised
        theme.paint_box(painter, self.rect(), fill, t.primary if on else t.line)
        if self.hasFocus():
            theme.paint_focus(painter, self.rect())
        tone = QColor(t.primary_text if on else t.muted)
        paint_icon(painter, QRect(12, 0, 22, self.height()), self.entry.icon, tone, 22)
        above = (self.height() - _LEAST_HEIGHT) // 2 + 6
        room = self.rect().adjusted(46, above, -12 - (20 if self.entry.page else 0), 1 - above)
        left = Qt.AlignmentFlag.AlignLeft
        painter.setFont(theme.font(theme.BODY_PT, 600))
        painter.setPen(QColor(t.text))
        painter.drawText(room, left | Qt.AlignmentFlag.AlignTop, self.entry.title)
        painter.setFont(theme.font(theme.DENSE_PT))
        painter.setPen(QColor(t.muted))
        metrics = QFontMetrics(painter.font())
        detail = metrics.elidedText(self.entry.detail, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, left | Qt.AlignmentFlag.AlignBottom, detail)
        if self.entry.page:
            spot = QRect(self.width() - 30, 0, 18, self.height())
            paint_icon(painter, spot, "caret-right", QColor(t.muted), 16)
        painter.end()


class Hub(QWidget):
    """``panel_wanted(key)`` and ``page_wanted(screen)`` follow a click or Space."""

    panel_wanted = Signal(str)
    page_wanted = Signal(str)

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        super().__init__()
        named(self, "settings.hub")
        self.setFixedWidth(_WIDTH)
        self.buttons = {entry.key: _EntryButton(entry) for entry in entries}
        for button in self.buttons.values():
            button.clicked.connect(lambda _on=False, entry=button.entry: self._clicked(entry))
        vbox(*self.buttons.values(), None, gap=theme.GAP_S, parent=self)

    def _clicked(self, entry: Entry) -> None:
        if entry.page:
            self.page_wanted.emit(entry.page)
        else:
            self.select(entry.key)
            self.panel_wanted.emit(entry.key)

    def give_room(self, page_width: int) -> None:
        """A narrow page keeps more of its width for the panel."""
        self.setFixedWidth(_WIDTH if page_width >= _WIDE_PAGE else _NARROW_WIDTH)

    def select(self, key: str) -> None:
        for name, button in self.buttons.items():
            button.setChecked(name == key)
