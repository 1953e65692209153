"""The small pages at the left of the preview."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit import clear, named, scrolled, theme, vbox

THUMB_WIDTH: Final = 84
_PAD: Final = 8
_CAPTION: Final = 20


class _Thumb(QAbstractButton):
    def __init__(self, number: int, page: QImage) -> None:
        super().__init__()
        named(self, f"preview.thumb.{number}", _("Trang {page}").format(page=number + 1))
        self._page = page
        self._text = str(number + 1)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        height = round(page.height() / page.devicePixelRatio())
        self.setFixedSize(QSize(THUMB_WIDTH + 2 * _PAD, height + _PAD + _CAPTION))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        painter = QPainter(self)
        if self.isChecked():
            theme.paint_box(painter, self.rect(), t.primary_soft, "")
        if self.hasFocus():
            theme.paint_focus(painter, self.rect())
        painter.drawImage(QPoint(_PAD, _PAD), self._page)
        painter.setPen(QColor(t.primary if self.isChecked() else t.line_strong))
        height = self.height() - _PAD - _CAPTION
        painter.drawRect(QRect(_PAD - 1, _PAD - 1, THUMB_WIDTH + 1, height + 1))
        painter.setFont(theme.font(theme.CAPTION_PT, 600 if self.isChecked() else 400))
        painter.setPen(QColor(t.primary_text if self.isChecked() else t.muted))
        box = QRect(0, self.height() - _CAPTION, self.width(), _CAPTION)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._text)
        painter.end()


class Thumbs(QWidget):
    """``picked(page)`` follows a click or Space."""

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        named(self, "preview.thumbs")
        self.setFixedWidth(THUMB_WIDTH + 2 * _PAD + 2 * theme.GAP_S + 8)
        inner = QWidget()
        self._column = vbox(gap=theme.GAP_S, parent=inner)
        self._column.setContentsMargins(theme.GAP_S, theme.GAP_M, theme.GAP_S, theme.GAP_M)
        self._buttons: list[_Thumb] = []
        vbox(scrolled(inner), parent=self)

    def set_pages(self, pages: Sequence[QImage]) -> None:
        clear(self._column)
        self._buttons = [_Thumb(number, page) for number, page in enumerate(pages)]
        for number, button in enumerate(self._buttons):
            button.clicked.connect(lambda _on=False, page=number: self._pick(page))
            self._column.addWidget(button)
        self._column.addStretch(1)

    def _pick(self, page: int) -> None:
        self.mark(page)
        self.picked.emit(page)

    def mark(self, page: int) -> None:
        for number, button in enumerate(self._buttons):
            button.setChecked(number == page)
