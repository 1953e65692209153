"""A month, a quarter or a year: typed, stepped through by buttons or by PageUp and PageDown."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget
from typing_extensions import override

from station_emr.domain.errors import InvalidRecord
from station_emr.domain.period import Period, PeriodKind
from station_emr.services.i18n import _
from station_emr.ui.kit import theme
from station_emr.ui.kit.buttons import icon_button
from station_emr.ui.kit.choice_fields import SegmentedField, fixed_width
from station_emr.ui.kit.names import named
from station_emr.ui.kit.text_fields import ParsedField

_WIDE: Final = 11


class PeriodPicker(QWidget):
    """``changed`` follows every choice of a period that there is."""

    changed = Signal()

    def __init__(self, name: str, start: Period) -> None:
        super().__init__()
        named(self, name)
        self._period = start
        self.kind = SegmentedField([(kind.value, _(kind.label)) for kind in PeriodKind])
        for place, button in enumerate(self.kind.buttons):
            named(button, f"{name}.kind.{place}")
        self.kind.set_spoken(_("Loại kỳ"))
        self.earlier = icon_button("caret-left", f"{name}.earlier", _("Kỳ trước (PageUp)"))
        self.later = icon_button("caret-right", f"{name}.later", _("Kỳ sau (PageDown)"))
        self.field: ParsedField[Period] = ParsedField(
            _parsed, short, refusal=_("Gõ như 11/2026, Q4/2026 hoặc 2026"), placeholder="11/2026"
        )
        named(self.field.editor, f"{name}.period")
        self.field.set_spoken(_("Kỳ báo cáo"))
        self.field.editor.installEventFilter(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP_XS)
        row.addWidget(self.kind)
        row.addWidget(self.earlier)
        row.addWidget(fixed_width(self.field, _WIDE))
        row.addWidget(self.later)
        self._show()
        self.kind.changed.connect(self._kind_chosen)
        self.earlier.clicked.connect(lambda: self.set_period(self._period.previous))
        self.later.clicked.connect(lambda: self.set_period(self._period.next))
        self.field.entered.connect(self._typed)
        self.field.left.connect(self._typed)

    @property
    def period(self) -> Period:
        return self._period

    def set_period(self, period: Period) -> None:
        """Show another period, and tell when it is one."""
        if period == self._period:
            return
        self._period = period
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        self.field.set_value(self._period)
        if self.kind.value() != self._period.kind.value:
            self.kind.set_value(self._period.kind.value)

    def _kind_chosen(self) -> None:
        kind = PeriodKind(str(self.kind.value()))
        if kind is not self._period.kind:
            # The end of a year or quarter is what people look at, not its beginning.
            self.set_period(Period.of(self._period.last_day, kind))

    def _typed(self) -> None:
        found = self.field.value()
        if found is not None:
            self.set_period(found)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_PageUp:
                self.set_period(self._period.previous)
                return True
            if event.key() == Qt.Key.Key_PageDown:
                self.set_period(self._period.next)
                return True
        return super().eventFilter(watched, event)


def _parsed(text: str) -> Period | None:
    try:
        return Period.parse(text)
    except InvalidRecord:
        return None


def short(period: Period) -> str:
    """``11/2026``, ``Q4/2026`` or ``2026``."""
    if period.kind is PeriodKind.MONTH:
        return f"{period.number:02d}/{period.year}"
    return f"Q{period.number}/{period.year}" if period.kind is PeriodKind.QUARTER else period.key
