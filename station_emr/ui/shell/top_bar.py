"""The bar above the page: search, who is signed in, the lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QMenu, QSizePolicy
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Option,
    Shortcut,
    hbox,
    named,
    paint_icon,
    secondary,
    theme,
    with_role,
)
from station_emr.ui.shell.search import SearchBar

_AVATAR: Final = 28


class UserBadge(QAbstractButton):
    """A circle with the initial, the name, and a menu. ``picked(key)`` follows a choice in it."""

    picked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        named(self, "user")
        self._options: tuple[Option, ...] = ()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.clicked.connect(self._open)

    def set_user(self, name: str, options: Sequence[Option]) -> None:
        self.setText(name)
        self.setAccessibleName(_("Người dùng: {name}").format(name=name))
        self._options = tuple(options)
        self.updateGeometry()
        self.update()

    def _open(self) -> None:
        if not self._options:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for option in self._options:
            action = menu.addAction(option.text)
            action.triggered.connect(lambda _on=False, key=option.key: self.picked.emit(key))
        menu.popup(self.mapToGlobal(QPoint(0, self.height() + 4)))

    @override
    def sizeHint(self) -> QSize:
        words = QFontMetrics(theme.font()).horizontalAdvance(self.text())
        arrow = 18 if self._options else 0
        return QSize(_AVATAR + 8 + words + 8 + arrow, theme.CONTROL_HEIGHT)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.isDown():
            theme.paint_box(painter, self.rect(), t.hover, "")
        circle = QRect(2, (self.height() - _AVATAR) // 2, _AVATAR, _AVATAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.primary))
        painter.drawEllipse(circle)
        painter.setPen(QColor(t.on_primary))
        painter.setFont(theme.font(theme.DENSE_PT, 700))
        painter.drawText(circle, Qt.AlignmentFlag.AlignCenter, initial(self.text()))
        painter.setPen(QColor(t.text))
        painter.setFont(theme.font())
        words = self.rect().adjusted(_AVATAR + 10, 0, -18 if self._options else 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self._options:
            arrow = QRect(self.width() - 20, 0, 16, self.height())
            paint_icon(painter, arrow, "caret-down", QColor(t.muted), 12)
        if self.hasFocus():
            theme.paint_focus(painter, self.rect())
        painter.end()


def initial(name: str) -> str:
    """The letter of a Vietnamese given name, which stands last: ``BS. Nguyễn Thị Hoa`` → ``H``."""
    words = name.split()
    return words[-1][0].upper() if words else "?"


class TopBar(QFrame):
    def __init__(self) -> None:
        super().__init__()
        with_role(self, "top-bar")
        self.setFixedHeight(theme.TOP_HEIGHT)
        self.search = SearchBar()
        self.user = UserBadge()
        self.lock = secondary(_("Khóa"), "lock", Shortcut.LOCK)
        row = hbox(self.search, self.user, self.lock, parent=self)
        row.insertStretch(1, 0)
        row.setStretch(0, 1)
        row.setContentsMargins(theme.GAP_L, 0, theme.GAP_L, 1)
