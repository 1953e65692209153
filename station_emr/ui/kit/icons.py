"""Icons: one family (Phosphor), drawn from a bundled subset of its font.

``charmap.json`` beside the font lists the names that can be used.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Final

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from station_emr.services.resources import resource_path
from station_emr.ui.kit import theme

_FAMILY: Final = "Phosphor Station"
_RATIOS: Final = (1.0, 1.5, 2.0)


@cache
def _glyphs() -> dict[str, str]:
    folder = resource_path("icons", "phosphor")
    QFontDatabase.addApplicationFont(str(folder / "phosphor-subset.ttf"))
    listed = json.loads((folder / "charmap.json").read_text(encoding="utf-8"))
    return {name: chr(point) for name, point in listed.items()}


def icon_names() -> tuple[str, ...]:
    """Every icon that can be drawn."""
    return tuple(_glyphs())


def paint_icon(
    painter: QPainter, rect: QRect, name: str, color: QColor, size: int = theme.ICON_SIZE
) -> None:
    """Draw an icon centred in ``rect``; an unknown name is a mistake of the caller (KeyError)."""
    glyph = _glyphs()[name]
    drawn = QFont(_FAMILY)
    drawn.setPixelSize(size)
    painter.save()
    painter.setFont(drawn)
    painter.setPen(color)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, glyph)
    painter.restore()


def icon(name: str, tone: str = "text", size: int = theme.ICON_SIZE) -> QIcon:
    """An icon for an action or a table cell, in the colour of a token of the present theme."""
    made = QIcon()
    for ratio in _RATIOS:
        pixmap = QPixmap(QSize(size, size) * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_icon(painter, QRect(0, 0, size, size), name, theme.colour(tone), size)
        painter.end()
        made.addPixmap(pixmap)
    return made


class IconLabel(QWidget):
    """A still icon; it has no words, so it is never alone and takes no focus."""

    def __init__(
        self,
        name: str,
        tone: str = "muted",
        size: int = theme.ICON_SIZE,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._name = name
        self._tone = tone
        self._size = size
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def set_icon(self, name: str, tone: str | None = None) -> None:
        self._name = name
        self._tone = tone or self._tone
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(self._size, self._size)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._name:
            paint_icon(painter, self.rect(), self._name, theme.colour(self._tone), self._size)
        painter.end()
