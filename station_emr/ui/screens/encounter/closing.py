"""How the visit ends: advice, treatment, result, and when to come back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.appointment import Appointment
from station_emr.domain.errors import Problem
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Button,
    ChoiceField,
    DateField,
    Form,
    TextField,
    hbox,
    label,
    vbox,
)
from station_emr.ui.kit.questions import Questions
from station_emr.ui.screens.encounter.typed import follow_up_words, parse_follow_up

_ADVICE: Final = "Ăn uống, khi nào phải quay lại ngay"
_TREATMENT: Final = "Đã xử trí gì tại trạm"
_QUICK: Final = (7, 14, 28)


class ClosingPanel(QWidget):
    """The last block of the visit."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._today = date.min
        self.advice = TextField(least=2, most=5)
        self.treatment = TextField(least=2, most=5)
        self.result = ChoiceField(placeholder=_("Chọn kết quả"))
        self.discharge = ChoiceField(placeholder=_("Chọn"))
        self.follow_up: DateField[date] = DateField(
            self._parse,
            lambda day: f"{day:%d/%m/%Y}",
            refusal=_("Gõ như 18/12, 14 (ngày) hoặc 2 tuần"),
            placeholder=_("18/12 hoặc 14 ngày"),
        )
        self.form = Form("closing")
        self.form.add_row(
            ("advice", _("Lời &dặn"), self.advice), ("treatment", _("Xử t&rí"), self.treatment)
        )
        self.form.add_row(
            ("result", _("Kết &quả điều trị"), self.result),
            ("discharge", _("Loại ra &viện"), self.discharge),
            ("follow_up", _("Hẹn khám lại"), self.follow_up),
            required=("result",),
        )
        self.quick: list[Button] = []
        for days in _QUICK:
            words = _("Sau {count} tuần").format(count=days // 7)
            button = Button(words, f"closing.after{days}", dense=True)
            button.setAccessibleName(_("Hẹn khám lại sau {days} ngày").format(days=days))
            button.clicked.connect(lambda _on=False, after=days: self.set_after(after))
            self.quick.append(button)
        self._quick_label = label(_("Hẹn nhanh"), "label")
        self._quick_row = QWidget()
        quick = hbox(None, self._quick_label, *self.quick, gap=GAP_S, parent=self._quick_row)
        quick.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.questions = Questions("appointment.confirm", _("Trạm có làm việc ngày đó"))
        self.questions.answered.connect(self.changed)
        vbox(self.form, self._quick_row, self.questions, gap=GAP_M - 4, parent=self)
        self.form.changed.connect(self._edited)

    def _parse(self, text: str) -> date | None:
        return parse_follow_up(text, self._today)

    # -- in and out ----------------------------------------------------------------------------

    def fill_lists(
        self,
        results: tuple[tuple[str, str], ...],
        discharges: tuple[tuple[str, str], ...],
        today: date,
    ) -> None:
        self._today = today
        self.result.set_options(results)
        self.discharge.set_options(discharges)

    def fill(self, values: dict[str, object], on: date | None, confirmed: tuple[str, ...]) -> None:
        self.form.clear_problems()
        self.form.set_values({**values, "follow_up": on})
        self.questions.set_confirmed(
            key.removeprefix("appointment.") for key in confirmed if key.startswith("appointment.")
        )
        self.questions.show_problems(())
        self._hint()

    def text_of(self, key: str) -> str:
        return str(self.form.field(key).value() or "")

    @property
    def confirmed(self) -> tuple[str, ...]:
        return tuple(f"appointment.{key}" for key in self.questions.confirmed)

    def appointment(self, base: Appointment | None, make: Appointment) -> Appointment | None:
        """The slip to come out of this visit; None while no date is set."""
        on = self.follow_up.value()
        if on is None:
            return None
        return replace(base if base is not None else make, on=on)

    def set_read_only(self, *, visit: bool, appointment: bool) -> None:
        for key in ("advice", "treatment", "result", "discharge"):
            self.form.field(key).set_read_only(visit)
        for text, hint in ((self.advice, _ADVICE), (self.treatment, _TREATMENT)):
            text.text.setPlaceholderText(_("Không ghi") if visit else _(hint))
        empty = _("Không hẹn") if appointment else _("18/12 hoặc 14 ngày")
        self.follow_up.line.setPlaceholderText(empty)
        self.follow_up.set_read_only(appointment)
        self._quick_row.setVisible(not appointment)
        self.questions.set_read_only(appointment)

    def set_after(self, days: int) -> None:
        """A follow-up this many days from today; a Sunday becomes the Monday after."""
        on = self._today + timedelta(days=days)
        if on.weekday() == 6:
            on += timedelta(days=1)
        self.follow_up.set_value(on)
        self._edited("follow_up")

    # -- rules ---------------------------------------------------------------------------------

    def _edited(self, key: str) -> None:
        if key == "follow_up":
            self.questions.forget("on")
            self._hint()
        else:
            self.form.field(key).set_problem(None)
        self.changed.emit()

    def _hint(self) -> None:
        on = self.follow_up.value()
        self.follow_up.set_hint("" if on is None else follow_up_words(on, self._today))

    def show_problems(self, problems: Iterable[Problem]) -> None:
        found = list(problems)
        result = next((p for p in found if p.field == "result"), None)
        self.result.set_problem(result.message if result else None)
        own = [
            replace(p, field=p.field.removeprefix("appointment."))
            for p in found
            if p.field.startswith("appointment.")
        ]
        fault = next((p for p in own if p.severity == "error" and p.field == "on"), None)
        if fault is not None or self.follow_up.value() is not None:
            self.follow_up.set_problem(fault.message if fault else None)
        self.questions.show_problems(p for p in own if p.severity == "confirm")

    def focus_follow_up(self) -> None:
        self.follow_up.editor.setFocus()
        self.follow_up.line.selectAll()

    def focus_field(self, dotted: str) -> None:
        if dotted.startswith("appointment."):
            if not self.questions.focus_first():
                self.focus_follow_up()
            return
        self.form.field(dotted if dotted in self.form.keys else "result").editor.setFocus()
