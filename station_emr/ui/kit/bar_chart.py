"""A chart of counted rows. Every bar carries its words and its number, so that nothing hangs on colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from station_emr.ui.kit import theme
from station_emr.ui.kit.names import named

_ROW: Final = 24
_MOST_BARS: Final = 12
_NAMES: Final = 0.36  # of the width, for the words of bars
_LINE_HEIGHT: Final = 190
_STEP: Final = 56  # between two words below a line
_SPOKEN: Final = 5


@dataclass(frozen=True, slots=True)
class ChartBar:
    title: str
    value: float
    shown: str  # the number as people read it


class BarChart(QWidget):
    """Bars one below the other, or points over time joined by a line."""

    def __init__(self, name: str, spoken: str) -> None:
        super().__init__()
        named(self, name, spoken)
        self._spoken = spoken
        self._bars: tuple[ChartBar, ...] = ()
        self._line = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_data(self, bars: Sequence[ChartBar], *, line: bool = False) -> None:
        """With ``line`` the bars are moments in order; else the largest are shown, as they stand."""
        if not line and len(bars) > _MOST_BARS:
            largest = sorted(bars, key=lambda bar: -bar.value)[:_MOST_BARS]
            bars = [bar for bar in bars if bar in largest][:_MOST_BARS]
        self._bars = tuple(bars)
        self._line = line
        said = "; ".join(f"{bar.title}: {bar.shown}" for bar in self._bars[:_SPOKEN])
        self.setAccessibleName(f"{self._spoken}. {said}" if said else self._spoken)
        self.setVisible(bool(self._bars))
        self.updateGeometry()
        self.update()

    @property
    def bars(self) -> tuple[ChartBar, ...]:
        return self._bars

    @override
    def sizeHint(self) -> QSize:
        height = _LINE_HEIGHT if self._line else _ROW * len(self._bars) + theme.GAP_S
        return QSize(360, max(1, height))

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(240, self.sizeHint().height())

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._bars:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(theme.CAPTION_PT))
        most = max(bar.value for bar in self._bars) or 1.0
        if self._line:
            self._paint_line(painter, most)
        else:
            self._paint_bars(painter, most)
        painter.end()

    def _paint_bars(self, painter: QPainter, most: float) -> None:
        t = theme.tokens()
        metrics = painter.fontMetrics()
        names = self.width() * _NAMES
        numbers = max(metrics.horizontalAdvance(bar.shown) for bar in self._bars) + theme.GAP_S
        room = self.width() - names - numbers - theme.GAP_S
        middle = Qt.AlignmentFlag.AlignVCenter
        for place, bar in enumerate(self._bars):
            top = place * _ROW
            words = QRectF(0, top, names - theme.GAP_S, _ROW)
            shown = metrics.elidedText(bar.title, Qt.TextElideMode.ElideRight, int(words.width()))
            painter.setPen(QColor(t.text))
            painter.drawText(words, middle | Qt.AlignmentFlag.AlignRight, shown)
            long = max(2.0, room * bar.value / most) if bar.value else 0.0
            painter.fillRect(QRectF(names, top + 5, long, _ROW - 10), QColor(t.primary))
            beside = QRectF(names + long + 6, top, numbers, _ROW)
            painter.drawText(beside, middle | Qt.AlignmentFlag.AlignLeft, bar.shown)
        painter.setPen(QPen(QColor(t.line_strong), 1))
        painter.drawLine(QPointF(names, 0), QPointF(names, len(self._bars) * _ROW))

    def _paint_line(self, painter: QPainter, most: float) -> None:
        t = theme.tokens()
        metrics = QFontMetrics(painter.font())
        plot = QRectF(self.rect()).adjusted(8, 22, -24, -22)
        step = plot.width() / max(1, len(self._bars) - 1)
        points = [
            QPointF(plot.left() + place * step, plot.bottom() - plot.height() * bar.value / most)
            for place, bar in enumerate(self._bars)
        ]
        painter.setPen(QPen(QColor(t.line_strong), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.setPen(QPen(QColor(t.primary), 2))
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(QColor(t.primary))
        every = max(1, round(_STEP / step)) if step else 1
        largest = max(range(len(self._bars)), key=lambda place: self._bars[place].value)
        for place, (bar, point) in enumerate(zip(self._bars, points, strict=True)):
            painter.setPen(QPen(QColor(t.primary), 1))
            painter.drawEllipse(point, 2.5, 2.5)
            if place % every and place != largest:
                continue
            painter.setPen(QColor(t.text))
            if place % every == 0 or place == largest:
                wide = metrics.horizontalAdvance(bar.shown)
                painter.drawText(QPointF(point.x() - wide / 2, point.y() - 7), bar.shown)
            if place % every == 0:
                words = bar.title[:5]
                wide = metrics.horizontalAdvance(words)
                painter.setPen(QColor(t.muted))
                left = min(max(0.0, point.x() - wide / 2), self.width() - wide)
                painter.drawText(QPointF(left, self.height() - 6), words)
