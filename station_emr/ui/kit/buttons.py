"""Buttons: one primary per screen, secondary for the rest, quiet in dense places."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QShortcut,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget
from typing_extensions import override

from station_emr.ui.kit import theme
from station_emr.ui.kit.icons import paint_icon
from station_emr.ui.kit.names import named, plain
from station_emr.ui.kit.shortcuts import Shortcut

_PAD: Final = 12
_ICON_GAP: Final = theme.GAP_XS + 2


class ButtonKind(StrEnum):
    PRIMARY = "primary"
    SECONDARY = "secondary"
    QUIET = "quiet"
    DANGER = "danger"


class Button(QPushButton):
    """A push button that shows its key at the right edge.

    The key works wherever the button is visible in its window. ``Alt``+mnemonic works as well.
    """

    def __init__(
        self,
        text: str,
        name: str,
        *,
        kind: ButtonKind = ButtonKind.SECONDARY,
        icon: str = "",
        shortcut: Shortcut | None = None,
        dense: bool = False,
        key_text: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._kind = kind
        self._glyph = icon
        self._dense = dense
        self._key_text = shortcut.text if shortcut else key_text
        named(self, name, text)
        self.setAutoDefault(False)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._key: QShortcut | None = None
        if shortcut is not None:
            self._key = QShortcut(shortcut.key, self)
            self._key.setContext(Qt.ShortcutContext.WindowShortcut)
            self._key.activated.connect(self.click)
            self.setToolTip(f"{plain(text)} ({shortcut.text})")

    def set_kind(self, kind: ButtonKind) -> None:
        self._kind = kind
        self.update()

    def set_label(self, text: str) -> None:
        """Change the words, also for the screen reader."""
        self.setText(text)
        self.setAccessibleName(plain(text))
        self.updateGeometry()

    @property
    def kind(self) -> ButtonKind:
        return self._kind

    @override
    def event(self, event: QEvent) -> bool:
        # Space presses the focused button even where Space is also a screen's key.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and event.modifiers() == Qt.KeyboardModifier.NoModifier
        ):
            event.accept()
            return True
        return super().event(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.click()
            return
        super().keyPressEvent(event)

    @override
    def sizeHint(self) -> QSize:
        height = theme.DENSE_HEIGHT if self._dense else theme.CONTROL_HEIGHT
        width = 2 * (theme.GAP_S if self._dense else _PAD)
        width += QFontMetrics(self._font()).horizontalAdvance(plain(self.text()))
        if self._glyph:
            width += theme.ICON_SIZE + (_ICON_GAP if self.text() else -theme.GAP_S)
        if self._key_text:
            key = QFontMetrics(self._key_font()).horizontalAdvance(self._key_text)
            width += theme.GAP_S + key
        return QSize(max(width, height), height)

    @override
    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _font(self) -> QFont:
        size = theme.DENSE_PT if self._dense else theme.BODY_PT
        bold = self._kind in (ButtonKind.PRIMARY, ButtonKind.DANGER)
        return theme.font(size, 600 if bold else 400)

    def _key_font(self) -> QFont:
        bold = self._kind is ButtonKind.PRIMARY
        return theme.font(theme.CAPTION_PT, 600 if bold else 400)

    def _colours(self) -> tuple[str, str, str, str]:
        """Fill, edge, words, key."""
        t = theme.tokens()
        hover, down = self.underMouse(), self.isDown() or self.isChecked()
        if not self.isEnabled() and self._kind is ButtonKind.QUIET:
            return "", "", t.disabled, t.disabled
        if not self.isEnabled():
            return t.sunken, t.line, t.disabled, t.disabled
        if self._kind is ButtonKind.PRIMARY:
            fill = t.primary_pressed if down else t.primary_hover if hover else t.primary
            return fill, fill, t.on_primary, t.on_primary_muted
        if self._kind is ButtonKind.DANGER:
            return t.danger_soft if hover or down else t.raised, t.danger, t.danger, t.danger
        fill = t.primary_soft if down else t.hover if hover else t.raised
        if self._kind is ButtonKind.QUIET:
            return (fill if hover or down else "", "", t.text, t.muted)
        return fill, t.line_strong if hover else t.line, t.text, t.muted

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        fill, edge, words, key = self._colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme.paint_box(painter, self.rect(), fill, edge)
        if self.hasFocus():
            theme.paint_focus(painter, self.rect(), inset=self._kind is ButtonKind.PRIMARY)
        pad = theme.GAP_S if self._dense else _PAD
        inner = self.rect().adjusted(pad, 0, -pad, 0)
        if self._key_text:
            inner = self._paint_key(painter, inner, key)
        self._paint_words(painter, inner, words)
        painter.end()

    def _paint_key(self, painter: QPainter, inner: QRect, key: str) -> QRect:
        font = self._key_font()
        painter.setFont(font)
        painter.setPen(QPen(QColor(key)))
        painter.drawText(
            inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._key_text
        )
        width = QFontMetrics(font).horizontalAdvance(self._key_text)
        return inner.adjusted(0, 0, -width - theme.GAP_S, 0)

    def _paint_words(self, painter: QPainter, inner: QRect, words: str) -> None:
        font = self._font()
        metrics = QFontMetrics(font)
        width = metrics.horizontalAdvance(plain(self.text()))
        glyph = theme.ICON_SIZE if self._glyph else 0
        gap = _ICON_GAP if self._glyph and self.text() else 0
        left = inner.left()
        if not self._key_text:
            left += max(0, (inner.width() - width - glyph - gap) // 2)
        if glyph:
            box = QRect(left, inner.top(), glyph, inner.height())
            paint_icon(painter, box, self._glyph, QColor(words))
        painter.setFont(font)
        painter.setPen(QColor(words))
        painter.drawText(
            QRect(left + glyph + gap, inner.top(), inner.right() - left, inner.height()),
            Qt.AlignmentFlag.AlignVCenter
            | Qt.AlignmentFlag.AlignLeft
            | Qt.TextFlag.TextShowMnemonic
            | Qt.TextFlag.TextDontClip,
            self.text(),
        )


def primary(text: str, name: str, shortcut: Shortcut | None = None, icon: str = "") -> Button:
    """The one main action of a screen."""
    return Button(text, name, kind=ButtonKind.PRIMARY, shortcut=shortcut, icon=icon)


def secondary(text: str, name: str, shortcut: Shortcut | None = None, icon: str = "") -> Button:
    return Button(text, name, shortcut=shortcut, icon=icon)


def quiet(text: str, name: str, icon: str = "", shortcut: Shortcut | None = None) -> Button:
    """A borderless button for dense places; with ``text=""`` give ``named`` a spoken name."""
    return Button(text, name, kind=ButtonKind.QUIET, icon=icon, shortcut=shortcut, dense=True)


def icon_button(icon: str, name: str, spoken: str) -> Button:
    """A square button with only an icon; ``spoken`` is its tooltip and accessible name."""
    made = Button("", name, kind=ButtonKind.QUIET, icon=icon, dense=True)
    made.setAccessibleName(spoken)
    made.setToolTip(spoken)
    return made
