"""Pages over the whole window (log-in, set-up, trouble): a column in the middle."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit import theme
from station_emr.ui.kit.cards import Card
from station_emr.ui.kit.following import FollowingArea
from station_emr.ui.kit.icons import paint_icon
from station_emr.ui.kit.layout import label
from station_emr.ui.kit.names import named

COLUMN_WIDTH: Final = 620
_MARK: Final = 44


class Mark(QWidget):
    """The program's sign: a first-aid box in a field of the main colour."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(_MARK, _MARK)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme.paint_box(painter, self.rect(), theme.tokens().primary, "")
        paint_icon(painter, self.rect(), "first-aid-kit", theme.colour("on_primary"), 26)
        painter.end()


class CoverPage(QWidget):
    """A page over the whole window. Fill ``card``; ``foot`` stands at the bottom edge."""

    def __init__(self, name: str, title: str, detail: str, *, width: int = COLUMN_WIDTH) -> None:
        super().__init__()
        named(self, name, title)
        self.card = Card(margin=theme.GAP_XL)
        self.card.body.setSpacing(theme.GAP_M)
        self.card.setMaximumWidth(width)
        self.card.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        words = QVBoxLayout()
        words.setSpacing(0)
        self.title = label(title, "page-title", wrap=True)
        self.detail = label(detail, "muted", wrap=True)
        words.addWidget(self.title)
        words.addWidget(self.detail)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP_M)
        head.addWidget(Mark(), 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        self.column = QVBoxLayout()
        self.column.setSpacing(theme.GAP_L)
        self.column.addStretch(2)
        self.column.addLayout(head)
        self.column.addWidget(self.card)
        self.column.addStretch(3)
        self.foot = label(
            _("Dữ liệu trên máy này được mã hóa. Không ai đọc được khi chưa đăng nhập."), "caption"
        )
        self.foot.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.column.addWidget(self.foot)
        middle = QWidget()
        middle.setMaximumWidth(width)
        middle.setLayout(self.column)
        self.column.setContentsMargins(0, theme.GAP_L, 0, theme.GAP_L)
        inside = QWidget()
        row = QHBoxLayout(inside)
        row.setContentsMargins(theme.GAP_XL, 0, theme.GAP_XL, 0)
        row.addStretch(1)
        row.addWidget(middle, 8)
        row.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(FollowingArea(inside))
