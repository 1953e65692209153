"""The column at the left: where one is and where one can go, each with its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy, QVBoxLayout
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit import Screen, Shortcut, label, named, paint_icon, theme, with_role

_HEIGHT: Final = 38
_NARROW_WIDTH: Final = 60
_BADGE_AND_KEY: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenSpec:
    """A page that the frame can show; it is built when it is first opened.

    ``under`` names the page whose entry lights up for a page without an entry of its own; without
    that too, such as a paper that many pages lead to, the entry stays that was lit.
    ``at_foot`` puts the entry at the bottom.
    """

    key: str
    build: Callable[[], Screen]
    title: str = ""
    icon: str = ""
    shortcut: Shortcut | None = None
    under: str = ""
    at_foot: bool = False

    @property
    def has_entry(self) -> bool:
        return bool(self.icon)


class NavigationItem(QAbstractButton):
    """One entry: icon, words, key; the entry of the present page is tinted."""

    def __init__(self, spec: ScreenSpec) -> None:
        super().__init__()
        self._icon = spec.icon
        self._key = spec.shortcut.text if spec.shortcut else ""
        self._badge = 0
        self._narrow = False
        named(self, f"nav.{spec.key}", spec.title)
        self.setText(spec.title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setToolTip(f"{spec.title} ({self._key})" if self._key else spec.title)

    def set_badge(self, count: int) -> None:
        """A number that asks for a look, such as conflicts waiting; 0 hides it."""
        self._badge = count
        extra = _(", {count} mục cần xem").format(count=count) if count else ""
        self.setAccessibleName(self.text() + extra)
        self.update()

    def set_narrow(self, *, narrow: bool) -> None:
        """Only the picture with its key; the words are in the tooltip and read aloud."""
        self._narrow = narrow
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(160, _HEIGHT)

    @override
    def nextCheckState(self) -> None:
        """Only the frame decides which entry is lit."""

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        on = self.isChecked()
        painter = QPainter(self)
        if on:
            theme.paint_box(painter, self.rect(), t.primary_soft, "")
        elif self.underMouse():
            theme.paint_box(painter, self.rect(), t.hover, "")
        if self.hasFocus():
            theme.paint_focus(painter, self.rect())
        words = QColor(t.primary_text if on else t.text)
        if self._narrow:
            self._paint_narrow(painter, words)
            painter.end()
            return
        paint_icon(painter, QRect(10, 0, theme.ICON_SIZE, self.height()), self._icon, words)
        inner = self.rect().adjusted(10 + theme.ICON_SIZE + 10, 0, -10, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        key_font = theme.font(theme.CAPTION_PT, 600 if on else 400)
        right = inner.right()
        # Beside a count the key may find no room; it is in the tooltip, the words are not cut for it.
        body = QFontMetrics(theme.font(theme.BODY_PT, 600)).horizontalAdvance(self.text())
        if not self._badge or body + _BADGE_AND_KEY <= inner.width():
            painter.setFont(key_font)
            painter.setPen(QColor(t.muted))
            painter.drawText(inner, middle | Qt.AlignmentFlag.AlignRight, self._key)
            right -= QFontMetrics(key_font).horizontalAdvance(self._key) + 4
        if self._badge:
            right = self._paint_badge(painter, right)
        painter.setFont(theme.font(theme.BODY_PT, 600 if on else 400))
        painter.setPen(words)
        room = QRect(inner.left(), 0, right - inner.left(), self.height())
        shown = painter.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawText(room, middle | Qt.AlignmentFlag.AlignLeft, shown)
        painter.end()

    def _paint_narrow(self, painter: QPainter, words: QColor) -> None:
        t = theme.tokens()
        left = (self.width() - theme.ICON_SIZE) // 2
        paint_icon(painter, QRect(left, 4, theme.ICON_SIZE, theme.ICON_SIZE), self._icon, words)
        painter.setFont(theme.font(theme.CAPTION_PT, 600 if self.isChecked() else 400))
        painter.setPen(QColor(t.warning if self._badge else t.muted))
        told = f"{self._key} ({min(self._badge, 99)})" if self._badge else self._key
        foot = self.rect().adjusted(0, 4 + theme.ICON_SIZE, 0, 0)
        painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, told)

    def _paint_badge(self, painter: QPainter, right: int) -> int:
        t = theme.tokens()
        text = str(self._badge) if self._badge < 100 else "99+"
        font = theme.font(theme.CAPTION_PT, 600)
        width = max(18, QFontMetrics(font).horizontalAdvance(text) + 10)
        box = QRect(right - width, (self.height() - 18) // 2, width, 18)
        theme.paint_box(painter, box, t.warning_soft, t.warning_line)
        painter.setFont(font)
        painter.setPen(QColor(t.warning))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return box.left() - 4


class Navigation(QFrame):
    """The whole column. ``wanted(key)`` follows a click on an entry."""

    wanted = Signal(str)

    def __init__(self, station: str, place: str, specs: tuple[ScreenSpec, ...]) -> None:
        super().__init__()
        with_role(self, "nav")
        self.setFixedWidth(theme.NAV_WIDTH)
        self._narrow = False
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GAP_S, theme.GAP_L, theme.GAP_S + 1, theme.GAP_M)
        column.setSpacing(2)
        self._station = label(station.upper(), "brand", wrap=True)
        self._place = label(place, "caption", wrap=True)
        for words in (self._station, self._place):
            words.setContentsMargins(10, 0, 0, 0)
            column.addWidget(words)
        column.addSpacing(theme.GAP_M)
        self.items: dict[str, NavigationItem] = {}
        listed = [spec for spec in specs if spec.has_entry]
        for spec in [s for s in listed if not s.at_foot]:
            column.addWidget(self._entry(spec))
        column.addStretch(1)
        for spec in [s for s in listed if s.at_foot]:
            column.addWidget(self._entry(spec))

    def _entry(self, spec: ScreenSpec) -> NavigationItem:
        item = NavigationItem(spec)
        item.clicked.connect(lambda _on=False: self.wanted.emit(spec.key))
        self.items[spec.key] = item
        return item

    def set_narrow(self, *, narrow: bool) -> None:
        """Without the words, for a window that has no room for them."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        self.setFixedWidth(_NARROW_WIDTH if narrow else theme.NAV_WIDTH)
        for words in (self._station, self._place):
            words.setVisible(not narrow)
        for item in self.items.values():
            item.set_narrow(narrow=narrow)

    def select(self, key: str) -> None:
        for name, item in self.items.items():
            item.setChecked(name == key)

    def set_station(self, station: str, place: str) -> None:
        self._station.setText(station.upper())
        self._place.setText(place)
