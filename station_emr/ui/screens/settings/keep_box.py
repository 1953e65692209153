"""How long copies stay: three numbers, and what fewer of them costs."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.backup_plan import KeepPlan
from station_emr.services.i18n import _
from station_emr.ui.kit import Form, NumberField, dialogs, hbox, label, secondary, vbox


class KeepBox(QWidget):
    """``wanted(days, weeks, months)`` follows the button; the service judges the numbers."""

    wanted = Signal(int, int, int)

    def __init__(self, *, may_change: bool) -> None:
        super().__init__()
        self._plan = KeepPlan()
        self.told = label("", "muted", wrap=True)
        self.form = Form("keep")
        self.days = NumberField(unit=_("ngày"), digits=3)
        self.weeks = NumberField(unit=_("tuần"), digits=3)
        self.months = NumberField(unit=_("tháng"), digits=3)
        self.form.add_row(
            ("days", _("Mọi &bản của"), self.days),
            ("weeks", _("Mỗi t&uần một bản"), self.weeks),
            ("months", _("Mỗi thán&g một bản"), self.months),
        )
        self.keep = secondary(_("&Lưu thời gian giữ"), "settings.backup.keep", icon="check")
        self.keep.clicked.connect(self.ask)
        self.form.submitted.connect(self.ask)
        self._fields = QWidget()
        vbox(self.form, hbox(self.keep, None), parent=self._fields)
        vbox(self.told, self._fields, parent=self)
        if not may_change:
            self._fields.hide()

    def show_plan(self, plan: KeepPlan) -> None:
        self._plan = plan
        words = _(
            "Giữ mọi bản của {days} ngày, mỗi tuần một bản trong {weeks} tuần, mỗi tháng một bản "
            "trong {months} tháng. Bản tốt mới nhất không bao giờ bị xóa."
        )
        self.told.setText(words.format(days=plan.days, weeks=plan.weeks, months=plan.months))
        self.days.set_value(plan.days)
        self.weeks.set_value(plan.weeks)
        self.months.set_value(plan.months)

    def ask(self) -> None:
        """Fewer than now means that older copies go with the next one: that is said first."""
        numbers = tuple(field.whole() or 0 for field in (self.days, self.weeks, self.months))
        before = (self._plan.days, self._plan.weeks, self._plan.months)
        if numbers == before:
            return
        if any(
            now < then for now, then in zip(numbers, before, strict=True)
        ) and not dialogs.confirm(
            self,
            _("Giữ bản sao ngắn hơn?"),
            _(
                "Lần sao lưu sau, các bản cũ hơn thời gian mới sẽ bị xóa ở mọi nơi sao lưu. "
                "Hồ sơ trên máy không bị đụng tới."
            ),
            yes=_("Giữ ngắn hơn"),
        ):
            return
        self.wanted.emit(*numbers)
