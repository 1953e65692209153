"""A QR code on the screen, to be read by a telephone: black on white in either theme."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.ui.kit.names import named
from station_emr.ui.kit.theme import SCAN_DARK, SCAN_LIGHT

_QUIET: Final = 4  # white squares around the code that cameras need
_SIDE: Final = 184


class QrPicture(QWidget):
    """Rows of squares; 0 is a dark one."""

    def __init__(self, name: str, spoken: str) -> None:
        super().__init__()
        named(self, name, spoken)
        self._rows: tuple[bytes, ...] = ()
        self.setFixedSize(_SIDE, _SIDE)

    def show_rows(self, rows: tuple[bytes, ...]) -> None:
        self._rows = rows
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(SCAN_LIGHT))
        count = len(self._rows) + 2 * _QUIET
        square = max(1, _SIDE // count)
        edge = (_SIDE - square * len(self._rows)) // 2
        for y, row in enumerate(self._rows):
            for x, value in enumerate(row):
                if value == 0:
                    place = QRect(edge + x * square, edge + y * square, square, square)
                    painter.fillRect(place, QColor(SCAN_DARK))
        painter.end()
