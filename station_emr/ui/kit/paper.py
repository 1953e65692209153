"""Pages of a printed form on the screen. Not part of the kit's front door: it loads QtPdf.

Threading: :func:`render_pages` and :func:`render_page` may run in any thread (each call opens its
own document); :class:`PaperView` lives on the GUI thread and only ever paints finished pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtPdf import QPdfDocument
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget
from typing_extensions import override

from station_emr.domain.pdf_bounds import refuse_hostile
from station_emr.ui.kit import theme
from station_emr.ui.kit.names import named, with_role

A4_WIDTH: Final = 794  # 210 mm at 96 dots per inch, the size of "100 %"
_MARGIN: Final = 14
_POINT: Final = 72.0
MOST_PAGES: Final = 200  # of a paper from elsewhere; the longest of our own has a dozen
_TALLEST: Final = 8  # times its width: no paper is taller
_MOST_PIXELS: Final = 120_000_000  # A3 at 600 dots per inch is 70 million


def render_pages(pdf: bytes, width: int, ratio: float = 1.0) -> tuple[QImage, ...]:
    """Every page as a picture ``width`` logical pixels wide; ``ratio`` is the screen's."""
    document, _buffer = _open(pdf)
    pages = []
    for number in range(min(document.pageCount(), MOST_PAGES)):
        size = document.pagePointSize(number)
        pixels = max(1, round(width * ratio))
        tall = pixels * size.height() / max(size.width(), 1.0)
        picture = _draw(document, number, QSize(pixels, round(min(tall, pixels * _TALLEST))))
        picture.setDevicePixelRatio(ratio)
        pages.append(picture)
    return tuple(pages)


def render_page(pdf: bytes, number: int, dots_per_inch: int) -> QImage:
    """One page for the printer, at the size it has on paper."""
    document, _buffer = _open(pdf)
    size = document.pagePointSize(number)
    scale = dots_per_inch / _POINT
    wide, tall = size.width() * scale, size.height() * scale
    smaller = min(1.0, (_MOST_PIXELS / max(wide * tall, 1.0)) ** 0.5)
    return _draw(
        document, number, QSize(max(1, round(wide * smaller)), max(1, round(tall * smaller)))
    )


def page_sizes(pdf: bytes) -> tuple[tuple[float, float], ...]:
    """Width and height of each page in millimetres."""
    document, _buffer = _open(pdf)
    sizes = [document.pagePointSize(number) for number in range(document.pageCount())]
    millimetres = 25.4 / _POINT
    return tuple((size.width() * millimetres, size.height() * millimetres) for size in sizes)


def _open(pdf: bytes) -> tuple[QPdfDocument, QBuffer]:
    """The document with the buffer it reads from, which has to live as long. Raises UserError for a
    file that would stop the program.
    """
    refuse_hostile(pdf)
    buffer = QBuffer()
    buffer.setData(QByteArray(pdf))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    document = QPdfDocument()
    document.load(buffer)
    return document, buffer


def _draw(document: QPdfDocument, number: int, size: QSize) -> QImage:
    page = QImage(size, QImage.Format.Format_RGB32)
    page.fill(QColor("white"))
    painter = QPainter(page)
    painter.drawImage(0, 0, document.render(number, size))
    painter.end()
    return page


class PaperView(QScrollArea):
    """Pages beneath one another on a sunken ground; the arrow and page keys scroll.

    ``width_changed`` asks for new pictures, ``page_width()`` wide; ``page_changed(number)``
    follows the page at the top. New pictures of the same paper keep the place.
    """

    width_changed = Signal()
    page_changed = Signal(int)

    def __init__(self, name: str, spoken: str) -> None:
        super().__init__()
        named(self, name, spoken)
        with_role(self, "well")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.viewport().setAutoFillBackground(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._zoom: float | None = None
        self._page = 0
        self._sheets = _Sheets(self)
        self.setWidget(self._sheets)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)

    # -- pages -----------------------------------------------------------------------------------

    def set_pages(self, pages: Sequence[QImage]) -> None:
        self._sheets.set_pages(tuple(pages))
        self._scrolled()

    def set_note(self, text: str) -> None:
        """A sentence instead of the pages, such as why there are none."""
        self._sheets.set_note(text)

    @property
    def page_count(self) -> int:
        return len(self._sheets.pages)

    @property
    def pages(self) -> tuple[QImage, ...]:
        return self._sheets.pages

    @property
    def page(self) -> int:
        """The page at the top, counted from 0."""
        return self._page

    def go_to(self, page: int) -> None:
        if 0 <= page < self.page_count:
            self.verticalScrollBar().setValue(self._sheets.top_of(page) - _MARGIN)

    def _scrolled(self) -> None:
        page = self._sheets.page_at(self.verticalScrollBar().value() + self.height() // 3)
        if page != self._page:
            self._page = page
            self.page_changed.emit(page)

    # -- size ------------------------------------------------------------------------------------

    def set_zoom(self, zoom: float | None) -> None:
        """1.0 is the size on paper; None fits the width there is."""
        self._zoom = zoom
        off, needed = Qt.ScrollBarPolicy.ScrollBarAlwaysOff, Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.setHorizontalScrollBarPolicy(off if zoom is None else needed)
        self.width_changed.emit()

    def page_width(self) -> int:
        """How wide a page is shown, in logical pixels."""
        if self._zoom is not None:
            return round(A4_WIDTH * self._zoom)
        bar = self.verticalScrollBar().sizeHint().width()
        return max(120, min(A4_WIDTH, self.width() - 2 * _MARGIN - bar))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._sheets.fit()
        if event.size().width() != event.oldSize().width() and self._zoom is None:
            self.width_changed.emit()


class _Sheets(QWidget):
    """The pages themselves."""

    def __init__(self, area: QScrollArea) -> None:
        super().__init__()
        self._area = area
        self.pages: tuple[QImage, ...] = ()
        self._note = ""

    def set_pages(self, pages: tuple[QImage, ...]) -> None:
        self.pages, self._note = pages, ""
        self.fit()

    def set_note(self, text: str) -> None:
        self.pages, self._note = (), text
        self.fit()

    def fit(self) -> None:
        wide = max((_size(page).width() for page in self.pages), default=0) + 2 * _MARGIN
        high = sum(_size(page).height() + _MARGIN for page in self.pages) + _MARGIN
        room = self._area.viewport().size()
        self.setFixedSize(max(wide, room.width()), max(high, room.height()))
        self.update()

    def top_of(self, page: int) -> int:
        return _MARGIN + sum(_size(p).height() + _MARGIN for p in self.pages[:page])

    def page_at(self, height: int) -> int:
        for number in reversed(range(len(self.pages))):
            if self.top_of(number) <= height:
                return number
        return 0

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(t.sunken))
        if self._note:
            painter.setFont(theme.font())
            painter.setPen(QColor(t.muted))
            box = self.rect().adjusted(24, 24, -24, -24)
            wrap = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter
            painter.drawText(box, wrap, self._note)
        for number, page in enumerate(self.pages):
            size = _size(page)
            spot = QRect((self.width() - size.width()) // 2, self.top_of(number), 0, 0)
            spot.setSize(size)
            if spot.intersects(event.rect()):
                painter.drawImage(spot, page)
                painter.setPen(QColor(t.line_strong))
                painter.drawRect(spot.adjusted(-1, -1, 0, 0))
        painter.end()


def _size(page: QImage) -> QSize:
    ratio = page.devicePixelRatio()
    return QSize(round(page.width() / ratio), round(page.height() / ratio))
