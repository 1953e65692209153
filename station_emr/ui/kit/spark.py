"""A small chart of a measurement over the last visits, with its normal band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from station_emr.ui.kit import theme
from station_emr.ui.kit.names import named


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart, oldest first; a gap is None. ``main`` is drawn in the main colour."""

    values: tuple[float | None, ...]
    main: bool = True


class TrendChart(QWidget):
    """Lines over visits. ``band`` is the normal range shaded behind; ``last`` is written out."""

    def __init__(self, name: str, spoken: str) -> None:
        super().__init__()
        named(self, name, spoken)
        self._spoken = spoken
        self._lines: tuple[Line, ...] = ()
        self._band: tuple[float, float] | None = None
        self._last = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_data(
        self, lines: Sequence[Line], *, band: tuple[float, float] | None = None, last: str = ""
    ) -> None:
        """``last`` is the newest value as read, such as ``168/95``."""
        self._lines = tuple(lines)
        self._band = band
        self._last = last
        self.setAccessibleName(f"{self._spoken}: {last}" if last else self._spoken)
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, 64)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        values = [v for line in self._lines for v in line.values if v is not None]
        if not values:
            return
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plot = QRectF(self.rect()).adjusted(4, 18 if self._last else 6, -6, -6)
        low = min([*values, *(self._band or ())])
        high = max([*values, *(self._band or ())])
        span = (high - low) or 1.0

        def y(value: float) -> float:
            return float(plot.bottom() - (value - low) / span * plot.height())

        if self._band is not None:
            top, bottom = y(self._band[1]), y(self._band[0])
            shade = QRectF(0, top, self.width(), max(2.0, bottom - top))
            painter.fillRect(shade, QColor(t.success_soft))
        last_point: QPointF | None = None
        for line in self._lines:
            points: list[QPointF] = []
            step = plot.width() / max(1, len(line.values) - 1)
            for place, value in enumerate(line.values):
                if value is not None:
                    points.append(QPointF(plot.left() + place * step, y(value)))
            colour = QColor(t.primary if line.main else t.muted)
            painter.setPen(QPen(colour, 2 if line.main else 1.5))
            painter.drawPolyline(QPolygonF(points))
            if points:
                end = points[-1]
                painter.setBrush(colour)
                painter.drawEllipse(end, 2.5, 2.5)
                if line.main and last_point is None:
                    last_point = end
        if self._last and last_point is not None:
            painter.setFont(theme.font(theme.CAPTION_PT, 600))
            painter.setPen(QColor(t.text))
            box = QRectF(0, max(0.0, last_point.y() - 20), self.width() - 2, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight, self._last)
        painter.end()
