"""Fields that are chosen rather than typed: a list, a row of options, a tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QStandardItem,
    QStandardItemModel,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QRadioButton,
    QSizePolicy,
    QWidget,
)
from typing_extensions import override

from station_emr.domain.text import fold
from station_emr.ui.kit import theme
from station_emr.ui.kit.field import Field
from station_emr.ui.kit.icons import paint_icon
from station_emr.ui.kit.names import named, plain
from station_emr.ui.kit.severity import Severity

_BOX: Final = 18


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: ``key`` is stored, ``text`` is read."""

    key: object
    text: str


def options_of(items: Sequence[Option | tuple[object, str]]) -> tuple[Option, ...]:
    return tuple(item if isinstance(item, Option) else Option(*item) for item in items)


class _Combo(QComboBox):
    """A combo box in the theme's box that finds an entry by letters typed without marks."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Severity | None = None
        self._typed = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMaxVisibleItems(12)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    @override
    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width() + theme.GAP_L, theme.CONTROL_HEIGHT)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), theme.CONTROL_HEIGHT)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        # A wheel that scrolls the page must not change a record on its way.
        event.ignore()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        text = event.text()
        if text and text.isprintable() and not text.isspace():
            self._seek(text)
            return
        self._typed = ""
        super().keyPressEvent(event)

    def _seek(self, letter: str) -> None:
        self._typed += letter
        for typed in (self._typed, letter):
            wanted = fold(typed)
            if wanted and (row := self._row_of(wanted)) is not None:
                self._typed = typed
                if row != self.currentIndex():
                    self.setCurrentIndex(row)
                    self.activated.emit(row)
                return
        self._typed = ""

    def _row_of(self, wanted: str) -> int | None:
        texts = [fold(self.itemText(row)) for row in range(self.count())]
        for row, text in enumerate(texts):
            if text.startswith(wanted):
                return row
        for row, text in enumerate(texts):
            if any(word.startswith(wanted) for word in text.split()):
                return row
        return None

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        painter = QPainter(self)
        enabled = self.isEnabled()
        edge = t.line_strong if enabled else t.line
        if self.state in (Severity.WARNING, Severity.DANGER):
            edge = getattr(t, self.state.value)
        elif self.hasFocus():
            edge = t.primary
        width = theme.FOCUS_WIDTH if self.hasFocus() else 1
        theme.paint_box(painter, self.rect(), t.raised if enabled else t.sunken, edge, width)
        inner = self.rect().adjusted(theme.GAP_M - 2, 0, -theme.GAP_XL - 6, 0)
        empty = self.currentIndex() < 0 or not self.currentText()
        text = self.placeholderText() if empty else self.currentText()
        painter.setFont(self.font())
        painter.setPen(QColor(t.disabled if not enabled else t.muted if empty else t.text))
        shown = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        arrow = QRect(self.width() - theme.GAP_XL - 4, 0, theme.GAP_XL, self.height())
        paint_icon(painter, arrow, "caret-down", QColor(t.muted if enabled else t.disabled), 14)
        painter.end()


class ChoiceField(Field):
    """One of a list; typing letters without marks finds the entry, F4 or Alt+Down opens the list."""

    def __init__(
        self, options: Sequence[Option | tuple[object, str]] = (), *, placeholder: str = ""
    ) -> None:
        super().__init__()
        self.combo = _Combo()
        self.combo.setPlaceholderText(placeholder)
        self._options: tuple[Option, ...] = ()
        self._place(self.combo, self.combo)
        self.set_options(options)
        self.combo.activated.connect(self._announce)

    def set_options(self, options: Sequence[Option | tuple[object, str]]) -> None:
        """Replace the list; the chosen value stays when it is still there."""
        before = self.value()
        self._options = options_of(options)
        model = QStandardItemModel(self.combo)
        for option in self._options:
            model.appendRow(QStandardItem(option.text))
        self.combo.setModel(model)
        self.set_value(before)

    @override
    def value(self) -> object:
        index = self.combo.currentIndex()
        return self._options[index].key if 0 <= index < len(self._options) else None

    @override
    def set_value(self, value: object) -> None:
        keys = [option.key for option in self._options]
        self.combo.setCurrentIndex(keys.index(value) if value in keys else -1)

    @override
    def set_spoken(self, text: str) -> None:
        super().set_spoken(text)
        self.combo.view().setAccessibleName(plain(text))
        self.combo.view().setObjectName(f"{self.combo.objectName()}.list")

    @override
    def set_problem(self, message: str | None, severity: Severity = Severity.DANGER) -> None:
        super().set_problem(message, severity)
        self.combo.state = self.severity
        self.combo.update()


class _Segment(QRadioButton):
    """One option of a row, drawn as a box with its circle."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    @override
    def sizeHint(self) -> QSize:
        width = QFontMetrics(theme.font()).horizontalAdvance(plain(self.text()))
        return QSize(width + 2 * theme.GAP_M + _BOX + 4, theme.CONTROL_HEIGHT)

    @override
    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @override
    def hitButton(self, pos: object) -> bool:
        return True

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        on, enabled = self.isChecked(), self.isEnabled()
        painter = QPainter(self)
        fill = t.sunken if not enabled else t.primary_soft if on else t.raised
        edge = t.primary if on and enabled else t.line_strong if enabled else t.line
        if self.underMouse() and enabled and not on:
            fill = t.hover
        width = theme.FOCUS_WIDTH if self.hasFocus() else 1
        theme.paint_box(
            painter, self.rect(), fill, edge if not self.hasFocus() else t.primary, width
        )
        circle = QRect(theme.GAP_M - 3, 0, _BOX, self.height())
        tone = t.disabled if not enabled else t.primary_text if on else t.muted
        paint_icon(painter, circle, "radio-button" if on else "circle", QColor(tone), 16)
        painter.setFont(theme.font(theme.BODY_PT, 600 if on else 400))
        painter.setPen(QColor(t.text if enabled else t.disabled))
        words = self.rect().adjusted(theme.GAP_M + _BOX, 0, -4, 0)
        painter.drawText(words, _LEFT | Qt.TextFlag.TextShowMnemonic, self.text())
        painter.end()


_LEFT: Final = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


class SegmentedField(Field):
    """A few options side by side; arrow keys move, a second click may clear when ``optional``."""

    def __init__(
        self, options: Sequence[Option | tuple[object, str]], *, optional: bool = False
    ) -> None:
        super().__init__()
        self._options = options_of(options)
        self._optional = optional
        body = QFrame()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP_S)
        self._group = QButtonGroup(self)
        self.buttons: list[QRadioButton] = []
        for index, option in enumerate(self._options):
            button = _Segment(option.text)
            button.setAccessibleName(plain(option.text))
            self._group.addButton(button, index)
            self.buttons.append(button)
            row.addWidget(button, 1)
            button.installEventFilter(self)
        self._place(body, self.buttons[0])
        self._group.idToggled.connect(self._toggled)

    def _toggled(self, index: int, on: bool) -> None:
        if on:
            self.setFocusProxy(self.buttons[index])
            self._announce()

    @override
    def set_spoken(self, text: str) -> None:
        name = self.buttons[0].objectName()
        for place, button in enumerate(self.buttons):
            button.setAccessibleName(f"{plain(text)}: {plain(self._options[place].text)}")
            if place and name and not button.objectName():
                button.setObjectName(f"{name}.{place}")

    @override
    def value(self) -> object:
        index = self._group.checkedId()
        return self._options[index].key if index >= 0 else None

    @override
    def set_value(self, value: object) -> None:
        with self.quietly():
            for option, button in zip(self._options, self.buttons, strict=True):
                if option.key == value:
                    button.setChecked(True)
                    return
            self.clear()

    def clear(self) -> None:
        """No option chosen."""
        self._group.setExclusive(False)
        for button in self.buttons:
            button.setChecked(False)
        self._group.setExclusive(True)
        self.setFocusProxy(self.buttons[0])

    @override
    def set_read_only(self, read_only: bool) -> None:
        for button in self.buttons:
            button.setEnabled(not read_only)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            self._optional
            and event.type() == QEvent.Type.MouseButtonPress
            and isinstance(watched, QAbstractButton)
            and watched.isChecked()
        ):
            self.clear()
            self._announce()
            return True
        return super().eventFilter(watched, event)


class _Tick(QCheckBox):
    """A check box in the theme's colours."""

    @override
    def sizeHint(self) -> QSize:
        width = QFontMetrics(theme.font()).horizontalAdvance(plain(self.text()))
        return QSize(width + _BOX + theme.GAP_L, theme.DENSE_HEIGHT)

    @override
    def hitButton(self, pos: object) -> bool:
        return True

    @override
    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
        ):
            event.accept()
            return True
        return super().event(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        on, enabled = self.isChecked(), self.isEnabled()
        painter = QPainter(self)
        box = QRect(4, (self.height() - _BOX) // 2, _BOX, _BOX)  # room for the focus ring
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(t.primary if on and enabled else t.line_strong), 1.5))
        painter.setBrush(QColor(t.primary if on and enabled else t.raised if enabled else t.sunken))
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 4, 4)
        if on:
            paint_icon(painter, box, "check", QColor(t.on_primary if enabled else t.disabled), 14)
        painter.setFont(theme.font())
        painter.setPen(QColor(t.text if enabled else t.disabled))
        words = self.rect().adjusted(box.right() + theme.GAP_S, 0, 0, 0)
        painter.drawText(words, _LEFT | Qt.TextFlag.TextShowMnemonic, self.text())
        if self.hasFocus():
            theme.paint_focus(painter, self.rect())
        painter.end()


class CheckField(Field):
    """A yes or no with its own words; Space ticks it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.box = _Tick(text)
        self.box.setAccessibleName(plain(text))
        self._place(self.box, self.box)
        self.box.clicked.connect(self._announce)

    @override
    def set_spoken(self, text: str) -> None:
        if text:
            super().set_spoken(text)

    @override
    def value(self) -> bool:
        return self.box.isChecked()

    @override
    def set_value(self, value: object) -> None:
        self.box.setChecked(bool(value))


def combo(
    options: Sequence[Option | tuple[object, str]], name: str, spoken: str, *, dense: bool = False
) -> ChoiceField:
    """A choice that stands outside a form, such as a filter above a table."""
    made = ChoiceField(options)
    named(made.combo, name)
    made.set_spoken(spoken)
    if dense:
        made.combo.setFixedHeight(theme.DENSE_HEIGHT)
    return made


def fixed_width(widget: QWidget, characters: int) -> QWidget:
    """Limit a field to about so many characters."""
    widget.setMaximumWidth(characters * QFontMetrics(theme.font()).averageCharWidth() + 40)
    return widget
