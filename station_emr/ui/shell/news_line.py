"""One quiet line above the status line, such as word of a newer program. Nothing waits for it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit import hbox, icon_button, named, theme, with_role
from station_emr.ui.kit.icons import IconLabel
from station_emr.ui.kit.tips import plain_tip

_HEIGHT: Final = 32


class NewsLine(QFrame):
    """Takes a line of its own at the foot and leaves it when it is put away: ``put_away()``.
    ``wanted(text)`` follows a click on a sentence that may have been cut.
    """

    put_away = Signal()
    wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        with_role(self, "status-bar")
        self.setFixedHeight(_HEIGHT)
        self.words = _Words()
        self.words.clicked.connect(lambda: self.wanted.emit(self.text))
        self.close_button = icon_button("x", "news.close", _("Cất dòng báo này"))
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.close_button.clicked.connect(self.put_away)
        row = hbox(IconLabel("megaphone", "info"), self.words, self.close_button, parent=self)
        row.setStretch(1, 1)
        row.setContentsMargins(theme.GAP_L, 0, theme.GAP_S, 0)
        self.hide()

    @property
    def text(self) -> str:
        """What is told; empty when nothing is."""
        return self.words.text() if not self.isHidden() else ""

    def tell(self, text: str) -> None:
        """Show a sentence, or nothing. The focus stays where it is."""
        self.words.say(text)
        self.setVisible(bool(text))


class _Words(QAbstractButton):
    """A sentence, cut with an ellipsis where it is longer than the line."""

    def __init__(self) -> None:
        super().__init__()
        named(self, "news.words", _("Tin của tỉnh"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, text: str) -> None:
        self.setText(text)
        self.setToolTip(plain_tip(text))
        self.setAccessibleName(text or _("Tin của tỉnh"))
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, _HEIGHT - 6)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = theme.font(theme.DENSE_PT)
        painter.setFont(font)
        painter.setPen(QColor(theme.tokens().text))
        room = self.rect().adjusted(theme.GAP_XS, 0, -theme.GAP_XS, 0)
        shown = QFontMetrics(font).elidedText(
            self.text(), Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        if self.hasFocus():
            theme.paint_focus(painter, self.rect())
        painter.end()
