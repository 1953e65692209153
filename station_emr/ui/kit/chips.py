"""Chips: a short fact with its severity, as a widget or painted inside a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit import theme
from station_emr.ui.kit.icons import paint_icon
from station_emr.ui.kit.names import named
from station_emr.ui.kit.severity import Severity

_HEIGHT: Final = 22
_PAD: Final = 9
_ICON: Final = 14
_CLOSE: Final = 16


@dataclass(frozen=True, slots=True)
class ChipSpec:
    """What a chip says. ``lead`` is set bold before the text; ``icon`` overrides the severity's."""

    text: str
    severity: Severity = Severity.NEUTRAL
    lead: str = ""
    icon: str | None = None

    @property
    def glyph(self) -> str:
        return self.severity.icon if self.icon is None else self.icon

    @property
    def spoken(self) -> str:
        return f"{self.lead} {self.text}".strip()


def _fonts() -> tuple[QFont, QFont]:
    return theme.font(9.0), theme.font(9.0, 600)


def chip_size(spec: ChipSpec) -> QSize:
    """The room a chip wants."""
    plain_font, bold = _fonts()
    width = 2 * _PAD + QFontMetrics(plain_font).horizontalAdvance(spec.text)
    if spec.lead:
        width += QFontMetrics(bold).horizontalAdvance(spec.lead) + 5
    if spec.glyph:
        width += _ICON + 3
    return QSize(width, _HEIGHT)


def paint_chip(painter: QPainter, rect: QRect, spec: ChipSpec, room_right: int = 0) -> None:
    """Draw a chip in ``rect``, its text cut with an ellipsis where it does not fit."""
    t = theme.tokens()
    words, fill, edge = t.of(spec.severity)
    plain_font, bold = _fonts()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(edge), 1))
    painter.setBrush(QColor(fill))
    radius = rect.height() / 2
    painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
    painter.setPen(QColor(words))
    left = rect.left() + _PAD
    if spec.glyph:
        box = QRect(left - 2, rect.top(), _ICON, rect.height())
        paint_icon(painter, box, spec.glyph, QColor(words), _ICON)
        left += _ICON + 1
    align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
    right = rect.right() - _PAD - room_right
    if spec.lead:
        painter.setFont(bold)
        painter.drawText(QRect(left, rect.top(), right - left, rect.height()), align, spec.lead)
        left += QFontMetrics(bold).horizontalAdvance(spec.lead) + 5
    painter.setFont(plain_font)
    room = max(0, right - left + 2)
    shown = QFontMetrics(plain_font).elidedText(spec.text, Qt.TextElideMode.ElideRight, room)
    painter.drawText(QRect(left, rect.top(), room, rect.height()), align, shown)
    painter.restore()


class Chip(QWidget):
    """A chip as a widget. ``removable`` adds a cross, the Delete key and ``removed``."""

    removed = Signal()
    clicked = Signal()

    def __init__(
        self,
        text: str,
        severity: Severity = Severity.NEUTRAL,
        *,
        lead: str = "",
        icon: str | None = None,
        removable: bool = False,
        name: str = "",
    ) -> None:
        super().__init__()
        self._spec = ChipSpec(text, severity, lead, icon)
        self._removable = removable
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        if name:
            named(self, name)
        if removable:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self.setToolTip(_("Bấm Delete để bỏ"))
        self._say()

    @property
    def spec(self) -> ChipSpec:
        return self._spec

    @property
    def text(self) -> str:
        return self._spec.text

    def set(self, spec: ChipSpec) -> None:
        self._spec = spec
        self._say()
        self.updateGeometry()
        self.update()

    def _say(self) -> None:
        self.setAccessibleName(self._spec.spoken)
        if not self._removable:
            self.setToolTip("")

    @override
    def sizeHint(self) -> QSize:
        size = chip_size(self._spec)
        return size + QSize(_CLOSE, 0) if self._removable else size

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(min(48, self.sizeHint().width()), _HEIGHT)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = QRect(0, (self.height() - _HEIGHT) // 2, self.width(), _HEIGHT)
        paint_chip(painter, rect, self._spec, _CLOSE if self._removable else 0)
        if self._removable:
            colour = QColor(theme.tokens().of(self._spec.severity)[0])
            paint_icon(painter, self._cross(), "x", colour, 12)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.colour("primary"), theme.FOCUS_WIDTH))
            painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), 10, 10)
        painter.end()

    def _cross(self) -> QRect:
        return QRect(self.width() - _CLOSE - 6, 0, _CLOSE, self.height())

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._removable and event.position().x() >= self._cross().left():
            self.removed.emit()
        else:
            self.clicked.emit()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._removable and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
            return
        super().keyPressEvent(event)
