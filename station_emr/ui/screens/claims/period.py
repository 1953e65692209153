"""Which day or month is shown."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    DateField,
    SegmentedField,
    fixed_width,
    hbox,
    icon_button,
    named,
)
from station_emr.ui.models.moments import parse_day, show_day

DAY, MONTH = "day", "month"
_FIELD_WIDTH: Final = 10


class Period(QWidget):
    """``changed`` follows every whole choice."""

    changed = Signal()

    def __init__(self, today: date) -> None:
        super().__init__()
        self.kind = SegmentedField([(DAY, _("Ngày")), (MONTH, _("Tháng"))])
        self.kind.set_spoken(_("Xem theo"))
        for place, button in enumerate(self.kind.buttons):
            named(button, f"claims.period.{place}")
        self.before = icon_button("caret-left", "claims.before", _("Trước"))
        self.after = icon_button("caret-right", "claims.after", _("Sau"))
        self.day: DateField[date] = DateField(
            lambda text: parse_day(text, today),
            show_day,
            refusal=_("Chưa phải là ngày"),
            placeholder=_("Ngày"),
        )
        named(self.day.editor, "claims.day")
        self.day.set_spoken(_("Ngày"))
        self.kind.set_value(DAY)
        self.day.set_value(today)
        self._chosen = today
        shown = fixed_width(self.day, _FIELD_WIDTH)
        shown.setMinimumWidth(shown.maximumWidth())
        hbox(
            self.kind,
            self.before,
            shown,
            self.after,
            gap=GAP_S,
            parent=self,
        )
        self.kind.changed.connect(self.changed.emit)
        self.before.clicked.connect(lambda: self._step(-1))
        self.after.clicked.connect(lambda: self._step(1))
        self.day.changed.connect(self._typed)

    def show_day(self, day: date) -> None:
        self._chosen = day
        self.day.set_value(day)

    def bounds(self) -> tuple[date, date]:
        """The first and the last day."""
        day = self._chosen
        if self.kind.value() == DAY:
            return day, day
        last = calendar.monthrange(day.year, day.month)[1]
        return day.replace(day=1), day.replace(day=last)

    def words(self) -> str:
        first, last = self.bounds()
        if first == last:
            return f"{first:%d/%m/%Y}"
        return _("tháng {month}").format(month=f"{first:%m/%Y}")

    def _typed(self) -> None:
        value = self.day.value()
        if isinstance(value, date) and value != self._chosen:
            self._chosen = value
            self.changed.emit()

    def _step(self, by: int) -> None:
        first, last = self.bounds()
        if self.kind.value() == DAY:
            day = first + timedelta(days=by)
        else:
            day = (first - timedelta(days=1) if by < 0 else last + timedelta(days=1)).replace(day=1)
        self.show_day(day)
        self.changed.emit()
