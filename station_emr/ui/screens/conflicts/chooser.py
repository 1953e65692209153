"""Choose between two values, field by field: 1 and 2, the arrows, or a click."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QWidget
from typing_extensions import override

from station_emr.services.desk_views import Choice, FieldDifference
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    GAP_XS,
    Chip,
    IconLabel,
    Severity,
    clear,
    hbox,
    label,
    named,
    rule,
    scrolled,
    theme,
    vbox,
)
from station_emr.ui.screens.conflicts.wording import (
    ONE_IS_HERE,
    as_read,
    marked,
    option_words,
    value_words,
)

_KEYS: Final = {
    Qt.Key.Key_1: Choice.ONE,
    Qt.Key.Key_2: Choice.OTHER,
    Qt.Key.Key_3: Choice.BOTH,
}
_SIDES: Final = (Choice.ONE, Choice.OTHER)
_NUMBERS: Final = {Choice.ONE: "1", Choice.OTHER: "2", Choice.BOTH: "3"}
_HEAD: Final = 22
_CLEAR: Final = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_0)


class Option(QFrame):
    """One value with its circle and its number. A click takes it."""

    taken = Signal()

    def __init__(self, choice: Choice, caption: str, text: str, *, shown: bool) -> None:
        super().__init__()
        self.choice = choice
        self._on = False
        self._off = False
        self._circle = IconLabel("circle", "muted", 16)
        head = hbox(self._circle, label(_NUMBERS[choice], "key"), label(caption, "label"), None)
        head.addStrut(_HEAD)  # with or without a chip, both sides stand level
        if shown:
            head.addWidget(Chip(_("Đang hiện"), Severity.INFO, icon="eye"))
        column = vbox(head, gap=GAP_XS, margin=GAP_S, parent=self)
        self.value: QLabel | None = None
        if text:
            self.value = label("", wrap=True)
            self.value.setTextFormat(Qt.TextFormat.RichText)
            self.value.setText(text)
            column.addWidget(self.value)
            column.addStretch(1)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_on(self, on: bool) -> None:
        self._on = on
        self._circle.set_icon("radio-button" if on else "circle", "primary_text" if on else "muted")
        self.update()

    def set_read_only(self, off: bool) -> None:
        self._off = off
        if off:
            self.unsetCursor()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._off:
            self.taken.emit()
        event.accept()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        fill = t.primary_soft if self._on else t.raised
        if self.underMouse() and not self._on and not self._off:
            fill = t.hover
        painter = QPainter(self)
        edge = t.primary if self._on else t.line_strong
        theme.paint_box(painter, self.rect(), fill, edge, 1.5 if self._on else 1.0)
        painter.end()


class FieldChooser(QWidget):
    """One field that differs. ``changed`` follows a choice, ``onward(step)`` Enter and the arrows."""

    changed = Signal()
    onward = Signal(int)

    def __init__(self, difference: FieldDifference, *, pair: bool, read_only: bool) -> None:
        super().__init__()
        self.difference = difference = as_read(difference)
        self._pair = pair
        self._read_only = read_only
        self._choice: Choice | None = None
        named(self, f"decide.{difference.path}")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.options = self._options()
        head = hbox(label(difference.label, "strong"))
        if difference.safety:
            head.addWidget(Chip(_("Liên quan an toàn"), Severity.DANGER))
        head.addStretch(1)
        column = vbox(head, gap=GAP_XS, margin=GAP_S, parent=self)
        if not pair:
            before = label("", "muted", wrap=True)
            before.setText(_("Trước đó: {text}").format(text=value_words(difference.base)))
            if difference.confirms:
                before.setText(_(ONE_IS_HERE))
            column.addWidget(before)
        sides = hbox(*(one for one in map(self.options.get, _SIDES) if one), gap=GAP_M)
        for place in range(sides.count()):
            sides.setStretch(place, 1)
        column.addLayout(sides)
        if Choice.BOTH in self.options:
            column.addWidget(self.options[Choice.BOTH])
        for option in self.options.values():
            option.set_read_only(read_only)
            option.taken.connect(lambda option=option: self._take(option.choice))
        self._say()

    def _options(self) -> dict[Choice, Option]:
        found = self.difference
        values = {
            Choice.ONE: marked(found.one, found.other),
            Choice.OTHER: marked(found.other, found.one),
        }
        made = {
            choice: Option(
                choice,
                option_words(choice, pair=self._pair),
                text,
                shown=not self._pair and found.shown in (choice, Choice.BOTH),
            )
            for choice, text in values.items()
        }
        if found.confirms:
            del made[Choice.OTHER]
        if found.may_keep_both:
            made[Choice.BOTH] = Option(
                Choice.BOTH, option_words(Choice.BOTH, pair=self._pair), "", shown=False
            )
        return made

    @property
    def choice(self) -> Choice | None:
        return self._choice

    def choose(self, choice: Choice | None) -> None:
        """Take one of the values, or none; silent when it is chosen already."""
        if choice is self._choice or (choice is not None and choice not in self.options):
            return
        self._choice = choice
        for key, option in self.options.items():
            option.set_on(key is choice)
        self._say()
        self.changed.emit()

    def _take(self, choice: Choice) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.choose(choice)

    def _say(self) -> None:
        found = self.difference
        one, other = value_words(found.one), value_words(found.other)
        chosen = _("chưa chọn")
        if self._choice is not None:
            chosen = _("đang chọn {what}").format(what=option_words(self._choice, pair=self._pair))
        self.setAccessibleName(
            _("{label}. 1: {one}. 2: {other}. {chosen}").format(
                label=found.label, one=one, other=other, chosen=chosen
            )
        )

    # -- keys ----------------------------------------------------------------------------------

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            super().keyPressEvent(event)
            return
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
            self.onward.emit(1)
        elif key == Qt.Key.Key_Up:
            self.onward.emit(-1)
        elif self._read_only or not self._choose_by(key):
            super().keyPressEvent(event)

    def _choose_by(self, key: Qt.Key) -> bool:
        if key in _KEYS:
            self.choose(_KEYS[key])
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            order = list(self.options)
            place = order.index(self._choice) if self._choice is not None else None
            step = 1 if key == Qt.Key.Key_Right else -1
            first = 0 if key == Qt.Key.Key_Left else 1
            first = min(first, len(order) - 1)
            after = first if place is None else min(max(place + step, 0), len(order) - 1)
            self.choose(order[after])
        elif key in _CLEAR:
            self.choose(None)
        else:
            return False
        return True

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        if self.hasFocus():
            painter = QPainter(self)
            theme.paint_focus(painter, self.rect())
            painter.end()


class ChoiceList(QWidget):
    """All fields that differ, one under the other. ``passed`` follows Enter in the last."""

    changed = Signal()
    passed = Signal()

    def __init__(self, *, pair: bool = False, above: QWidget | None = None) -> None:
        super().__init__()
        self._pair = pair
        self.choosers: tuple[FieldChooser, ...] = ()
        inside = QWidget()
        self._column = vbox(gap=GAP_S)
        whole = vbox(self._column, None, gap=GAP_S, parent=inside)
        if above is not None:  # scrolls away with the fields
            whole.insertWidget(0, above)
        self._area: QScrollArea = scrolled(inside)
        vbox(self._area, parent=self)

    def show_differences(
        self, differences: tuple[FieldDifference, ...], *, read_only: bool
    ) -> None:
        clear(self._column)
        made = []
        for place, difference in enumerate(differences):
            chooser = FieldChooser(difference, pair=self._pair, read_only=read_only)
            chooser.changed.connect(self.changed)
            chooser.onward.connect(lambda step, place=place: self._onward(place + step))
            if place:
                self._column.addWidget(rule())
            self._column.addWidget(chooser)
            chooser.show()  # now, not when the layout comes round to it: it may take the focus
            made.append(chooser)
        self.choosers = tuple(made)
        self._area.verticalScrollBar().setValue(0)

    def stand_between(self, before: QWidget, *after: QWidget) -> None:
        """Tab comes from ``before``, walks the fields and goes on to ``after``."""
        for widget in (*self.choosers, *after):
            QWidget.setTabOrder(before, widget)
            before = widget

    @property
    def choices(self) -> Mapping[str, Choice]:
        return {c.difference.path: c.choice for c in self.choosers if c.choice is not None}

    def take_all(self, choice: Choice) -> None:
        for chooser in self.choosers:
            chooser.choose(choice)

    def propose(self) -> None:
        """Begin with what the program would take; where a mistake may harm, nothing is chosen."""
        for chooser in self.choosers:
            if not chooser.difference.safety:
                chooser.choose(chooser.difference.shown)

    def focus_first(self) -> None:
        """To the first field that nobody has chosen yet."""
        left = [chooser for chooser in self.choosers if chooser.choice is None]
        for chooser in (left or list(self.choosers))[:1]:
            self._go_to(chooser)

    def _onward(self, place: int) -> None:
        if place >= len(self.choosers):
            self.passed.emit()
        elif place >= 0:
            self._go_to(self.choosers[place])

    def _go_to(self, chooser: FieldChooser) -> None:
        chooser.setFocus(Qt.FocusReason.OtherFocusReason)
        self._area.ensureWidgetVisible(chooser, 0, GAP_S)
