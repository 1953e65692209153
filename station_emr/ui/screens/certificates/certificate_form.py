"""The fields of a sick-leave certificate, in the order of form 07."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.domain.birth import age_on
from station_emr.domain.certificate import SickLeave, last_day_of
from station_emr.domain.errors import Problem
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    CheckField,
    ChoiceField,
    DateField,
    Form,
    LineField,
    NumberField,
    Option,
    TextField,
    named,
)
from station_emr.ui.models.moments import parse_day, show_day
from station_emr.ui.screens.certificates.desk import Opened


class CertificateForm(QWidget):
    """``edited`` follows every change by the person."""

    edited = Signal()

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        named(self, "certificate.form")
        self._now = now
        self.form = Form("certificate")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        self.form.add_row(
            ("social_insurance_no", _("&Mã số BHXH (10 số)"), LineField(max_length=10)),
            ("identity_issued_on", _("Ngày cấp căn &cước"), self._day()),
            required=("social_insurance_no",),
        )
        self.form.add(
            "workplace",
            _("Đơn &vị làm việc, nơi đóng BHXH"),
            LineField(placeholder=_("Trẻ ốm thì ghi đơn vị của cha hoặc mẹ")),
            required=True,
        )
        self.diagnosis = TextField()
        self.form.add("diagnoses", _("Chẩn đ&oán (lấy từ lượt khám)"), self.diagnosis)
        self.treatment = self.form.add(
            "treatment", _("&Phương pháp điều trị"), ChoiceField([]), required=True
        )
        self.days = NumberField(unit=_("ngày"), digits=3)
        self.first = self._day()
        self.last = self._day()
        self.form.add_row(
            ("days", _("&Số ngày nghỉ"), self.days),
            ("first_day", _("&Từ ngày"), self.first),
            ("last_day", _("Đến &hết ngày"), self.last),
            required=("days", "first_day"),
        )
        self.ended = CheckField(_("Đì&nh chỉ thai nghén (sảy, phá thai, thai chết)"))
        self.form.add("pregnancy_ended", "", self.ended)
        self.cause = LineField()
        self.weeks = NumberField(unit=_("tuần"), digits=2)
        self.form.add_row(
            ("termination_cause", _("N&guyên nhân đình chỉ"), self.cause),
            ("gestation_weeks", _("T&uổi thai"), self.weeks),
            stretch=(3, 1),
        )
        self.form.add_row(
            ("father_name", _("Họ tên ch&a (trẻ dưới 7 tuổi)"), LineField()),
            ("mother_name", _("Họ tên mẹ"), LineField()),
        )
        self.form.add_row(
            ("head_name", _("Người đại &diện đơn vị ký"), LineField()),
            ("head_code", _("Mã của người đó (MA_TTDV)"), LineField()),
        )
        column.addStretch(1)
        self.form.changed.connect(self._changed)

    def _day(self) -> DateField[date]:
        return DateField(
            lambda text: parse_day(text, self._now().date()),
            show_day,
            refusal=_("Ghi ngày, ví dụ 22/11/2026"),
        )

    # -- showing -------------------------------------------------------------------------------

    def show_certificate(self, opened: Opened, *, read_only: bool) -> None:
        one = opened.certificate
        self.treatment.set_options([Option(text, _(text)) for text in opened.rules.treatments])
        self.form.clear_problems()
        self.form.set_values(
            {
                "social_insurance_no": one.social_insurance_no,
                "identity_issued_on": one.identity_issued_on,
                "workplace": one.workplace,
                "diagnoses": one.diagnosis_text,
                "treatment": one.treatment,
                "days": one.days,
                "first_day": one.first_day,
                "last_day": one.last_day,
                "pregnancy_ended": one.pregnancy_ended,
                "termination_cause": one.termination_cause,
                "gestation_weeks": one.gestation_weeks,
                "father_name": one.father_name,
                "mother_name": one.mother_name,
                "head_name": one.head_name,
                "head_code": one.head_code,
            }
        )
        self.form.set_read_only(read_only)
        self.diagnosis.set_read_only(True)
        self.last.set_read_only(True)  # it follows from the days
        self._fit(opened)

    def _fit(self, opened: Opened) -> None:
        """Only what can apply to this person is asked for."""
        one, person = opened.certificate, opened.patient
        day = one.visited_on or self._now().date()
        child = age_on(person.birth, day) < opened.rules.parents_under
        self.ended.setVisible(person.sex.value != "male" and not child)
        for key in ("father_name", "mother_name"):
            self.form.field(key).setEnabled(child)
        self._show_pregnancy()

    def _show_pregnancy(self) -> None:
        on = self.ended.value()
        self.cause.setEnabled(on)
        self.weeks.setEnabled(on)

    def show_limit(self, text: str) -> None:
        self.days.set_hint(text)

    def set_problems(self, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        return self.form.set_problems(problems)

    # -- typing --------------------------------------------------------------------------------

    def _changed(self, key: str) -> None:
        if key in {"days", "first_day"}:
            days, first = self.days.whole(), self.first.value()
            with self.last.quietly():
                self.last.set_value(last_day_of(first, days) if days and first else None)
        if key == "pregnancy_ended":
            self._show_pregnancy()
        self.edited.emit()

    def certificate(self, base: SickLeave) -> SickLeave:
        """``base`` with what stands in the fields."""
        ended = self.ended.value()
        return replace(
            base,
            social_insurance_no=self._text("social_insurance_no"),
            identity_issued_on=self._as_day("identity_issued_on"),
            workplace=self._text("workplace"),
            treatment=str(self.treatment.value() or ""),
            days=self.days.whole(),
            first_day=self._as_day("first_day"),
            last_day=self._as_day("last_day"),
            pregnancy_ended=ended,
            termination_cause=self._text("termination_cause") if ended else "",
            gestation_weeks=self.weeks.whole() if ended else None,
            father_name=self._text("father_name"),
            mother_name=self._text("mother_name"),
            head_name=self._text("head_name"),
            head_code=self._text("head_code"),
        )

    def _text(self, key: str) -> str:
        return str(self.form.field(key).value() or "").strip()

    def _as_day(self, key: str) -> date | None:
        found = self.form.field(key).value()
        return found if isinstance(found, date) else None
