"""Vital signs in one row: normal ranges by age, the impossible refused, the unusual asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import Problem
from station_emr.domain.vitals import VitalSigns, check_vitals, normal_text
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    GAP_XS,
    Form,
    NumberField,
    PressureField,
    Severity,
    font,
    hbox,
    label,
    number_text,
    quiet,
    vbox,
)
from station_emr.ui.kit.questions import Questions

_SINGLE: Final = ("pulse", "temperature", "respiratory_rate", "spo2", "weight", "height")
_HOME: Final = {"systolic": "pressure", "diastolic": "pressure"}
_FIGURES: Final = 28
_NARROW: Final = 55
_WHOLE: Final = ("pulse", "respiratory_rate", "spo2")


class SignField(NumberField):
    """A number that may be narrow: seven of them stand in one row of a small screen."""

    def __init__(self, *, unit: str = "", decimals: int = 0, digits: int = 3) -> None:
        super().__init__(unit=unit, decimals=decimals, digits=digits)
        self.line.setMinimumWidth(_FIGURES)
        self._widest = "88,8" if decimals else "188"

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where both do not fit, the figures stay whole and the unit goes to the tooltip."""
        super().resizeEvent(event)
        frame = self._frame
        if frame is not None:
            figures = QFontMetrics(font(weight=600)).horizontalAdvance(self._widest)
            needed = figures + frame.unit.sizeHint().width() + 2 * GAP_M
            frame.unit.setVisible(bool(frame.unit.text()) and self.width() >= needed)
            self.line.setToolTip(frame.unit.text())

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(_NARROW, super().minimumSizeHint().height())


class VitalsPanel(QWidget):
    """The current set of measurements and the earlier ones of this visit."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._age_months = 0
        self._loaded = VitalSigns()
        self._earlier: tuple[VitalSigns, ...] = ()
        self._touched = False
        self._locked = False
        self._needed: Problem | None = None
        self.form = Form("vitals")
        self.pressure = PressureField()
        self.fields = {
            "pulse": SignField(unit=_("/phút")),
            "temperature": SignField(unit="°C", decimals=1, digits=2),
            "respiratory_rate": SignField(unit=_("/phút")),
            "spo2": SignField(unit="%"),
            "weight": SignField(unit="kg", decimals=1),
            "height": SignField(unit="cm", decimals=1),
        }
        self.form.add_row(
            ("pulse", _("&Mạch"), self.fields["pulse"]),
            ("pressure", _("&Huyết áp"), self.pressure),
            ("temperature", _("&Nhiệt độ"), self.fields["temperature"]),
            ("respiratory_rate", _("Nhị&p thở"), self.fields["respiratory_rate"]),
            ("spo2", _("&SpO₂"), self.fields["spo2"]),
            ("weight", _("&Cân nặng"), self.fields["weight"]),
            ("height", _("Chiều ca&o"), self.fields["height"]),
            stretch=(157, 200, 133, 157, 120, 140, 132),
            gap=GAP_XS,
        )
        self.questions = Questions("vitals.confirm", _("Đã đo lại, đúng"))
        self.questions.answered.connect(self.changed)
        self.history = label("", "muted", wrap=True)
        self.again = quiet(_("Đo lạ&i"), "vitals.again", "arrow-counter-clockwise")
        self.again.setToolTip(_("Giữ lần đo này và ghi thêm một lần đo mới (Alt+I)"))
        # Enter walks from field to field: it must not begin a new set of measurements on its way.
        self.again.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.again.clicked.connect(self.start_again)
        foot = hbox(self.history, self.again, gap=GAP_S)
        foot.setStretch(0, 1)
        vbox(self.form, self.questions, foot, gap=4, parent=self)
        self.form.changed.connect(self._edited)
        for key in self.form.keys:
            field = self.form.field(key)
            field.left.connect(self.check)
            field.entered.connect(self.check)

    # -- in and out ----------------------------------------------------------------------------

    def fill(
        self, sets: tuple[VitalSigns, ...], age_months: int, confirmed: tuple[str, ...]
    ) -> None:
        self._age_months = age_months
        self._earlier, self._loaded = sets[:-1], sets[-1] if sets else VitalSigns()
        self._touched = False
        self._needed = None
        self.questions.set_confirmed(k for k in confirmed if k.startswith("vitals."))
        self._show()

    def sets(self, now: datetime, who: str) -> tuple[VitalSigns, ...]:
        """All measurements; a set that was typed or corrected here bears this time and name."""
        typed = self._typed()
        if typed.empty:
            return self._earlier
        same = replace(typed, measured_at=None, measured_by="") == replace(
            self._loaded, measured_at=None, measured_by=""
        )
        if same and self._loaded.measured_at is not None:
            return (*self._earlier, self._loaded)
        if not self._touched:
            return (*self._earlier, typed)
        # The time of a set is when its last number was typed; the draft keeps it from then on.
        self._loaded = replace(typed, measured_at=now, measured_by=who)
        return (*self._earlier, self._loaded)

    def set_read_only(self, read_only: bool) -> None:
        self._locked = read_only
        self.form.set_read_only(read_only)
        self.questions.set_read_only(read_only)
        self._offer_again()

    def _offer_again(self) -> None:
        self.again.setVisible(not self._locked and not self._typed().empty)

    def _typed(self) -> VitalSigns:
        values = {key: self.fields[key].value() for key in _SINGLE}
        pair = self.pressure.value()
        systolic, diastolic = pair if pair is not None else (self._lone(), None)
        whole = {key: None if values[key] is None else int(values[key] or 0) for key in _WHOLE}
        return replace(
            self._loaded,
            pulse=whole["pulse"],
            systolic=systolic,
            diastolic=diastolic,
            temperature=values["temperature"],
            respiratory_rate=whole["respiratory_rate"],
            spo2=whole["spo2"],
            weight=values["weight"],
            height=values["height"],
        )

    def _lone(self) -> int | None:
        """Half a blood pressure is kept in the draft, though nobody can sign it."""
        text = self.pressure.line.text().strip().rstrip("/")
        return int(text) if text.isdigit() else None

    def _show(self) -> None:
        taken = self._loaded
        self.form.clear_problems()
        self.form.set_values({key: getattr(taken, key) for key in _SINGLE})
        self.pressure.set_value((taken.systolic, taken.diastolic))
        if taken.systolic is not None and taken.diastolic is None:
            self.pressure.line.setText(str(taken.systolic))
        self._show_normals()
        self._show_history()
        self._offer_again()
        self.check()

    def _show_normals(self) -> None:
        for key in _SINGLE:
            self.fields[key].set_normal(normal_text(key, self._age_months))
        self.pressure.set_normal(normal_text("blood_pressure", self._age_months))
        bmi = self._typed().bmi
        self.fields["weight"].set_normal(
            "" if bmi is None else _("BMI {value}").format(value=number_text(bmi))
        )

    def _show_history(self) -> None:
        lines = [_set_text(taken) for taken in self._earlier]
        taken = self._loaded
        if taken.measured_at is not None and not lines:
            lines = [f"{taken.measured_at:%H:%M} {taken.measured_by}".strip()]
            self.history.setText(_("Đo lúc {what}").format(what=lines[0]))
            return
        self.history.setText(
            _("Lần đo trước: {sets}").format(sets="; ".join(lines)) if lines else ""
        )

    # -- rules ---------------------------------------------------------------------------------

    def _edited(self, key: str) -> None:
        self._touched = True
        if key == "weight":
            self._needed = None
        signs = [sign for sign, home in _HOME.items() if home == key] or [key]
        for sign in signs:
            self.questions.forget(f"vitals.{sign}")
        field = self.form.field(key)
        if field.problem:
            field.set_problem(None)
        self.questions.show_problems(
            p for p in self.questions.problems if p.field.removeprefix("vitals.") not in signs
        )
        self._offer_again()
        self.changed.emit()

    def check(self) -> tuple[Problem, ...]:
        """Judge what stands in the row: a word under the field, the sentence under the row."""
        typed = self._typed()
        problems = check_vitals(typed, self._age_months)
        if self._needed is not None:
            problems = (*problems, self._needed)
        homes: dict[str, tuple[str, Severity]] = {}
        for problem in problems:
            sign = problem.field.removeprefix("vitals.")
            severity = Severity.WARNING if problem.severity == "confirm" else Severity.DANGER
            home = _HOME.get(sign, sign)
            if home not in homes or severity is Severity.DANGER:
                homes[home] = (_word(problem, wide=home == "pressure"), severity)
        for key in self.form.keys:
            found = homes.get(key)
            field = self.form.field(key)
            field.set_problem(found[0] if found else None, found[1] if found else Severity.DANGER)
        if not problems:
            self._show_normals()
        self.questions.show_problems(problems)
        return problems

    def show_needed_weight(self, problem: Problem | None) -> None:
        """The prescription of a small child asks for the weight: said beside the weight."""
        needed = None if problem is None else replace(problem, field="vitals.weight")
        if needed != self._needed:
            self._needed = needed
            self.check()

    def start_again(self) -> None:
        """Keep the present set and begin another."""
        taken = self._typed()
        if taken.empty:
            self.focus_first()
            return
        self._earlier = (*self._earlier, taken)
        self._loaded = VitalSigns(
            weight=taken.weight, height=taken.height, waist=taken.waist, glucose=taken.glucose
        )
        self._touched = True
        self.questions.set_confirmed(())
        self._show()
        self.fields["pulse"].editor.setFocus()
        self.changed.emit()

    def focus_first(self) -> None:
        self.form.focus_first()

    def focus_field(self, dotted: str) -> None:
        """Go to the sign at fault; a question goes to its tick."""
        if self.questions.focus_first():
            return
        sign = dotted.removeprefix("vitals.")
        key = _HOME.get(sign, sign)
        if key in self.form.keys:
            self.form.field(key).editor.setFocus()
        else:
            self.focus_first()


def _word(problem: Problem, *, wide: bool) -> str:
    """What fits under a narrow field; the whole sentence stands below the row."""
    if problem.code == "child-weight-required":
        return _("Cần cân")
    if problem.code == "impossible":
        return _("Sai số")
    if problem.code == "unusual":
        word = _("Thấp") if " thấp " in problem.message else _("Cao")
        return _("{word}, đo lại").format(word=word) if wide else word
    return _("Xem lại")


def _set_text(taken: VitalSigns) -> str:
    parts = []
    if taken.measured_at is not None:
        parts.append(f"{taken.measured_at:%H:%M}")
    if taken.systolic is not None:
        parts.append(f"{taken.systolic}/{taken.diastolic or '?'} mmHg")
    if taken.pulse is not None:
        parts.append(_("mạch {value}").format(value=taken.pulse))
    if taken.temperature is not None:
        parts.append(f"{number_text(Decimal(taken.temperature))} °C")
    return " ".join(parts)
