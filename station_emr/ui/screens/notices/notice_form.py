"""The fields of a notice, in the order of the paper."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.domain.errors import Problem
from station_emr.domain.notification import (
    CaseClass,
    CaseState,
    CommunicableDiseaseNotification,
    NotificationRules,
    SpecimenResult,
    YesNo,
)
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    ChoiceField,
    DateField,
    Form,
    LineField,
    NumberField,
    Option,
    PhoneField,
    TextField,
    hbox,
    named,
    quiet,
)
from station_emr.ui.kit.text_fields import ParsedField
from station_emr.ui.models.moments import parse_day, parse_moment, show_day, show_moment

E = TypeVar("E", bound=StrEnum)
_TEXTS = (
    "phone",
    "home_address",
    "onset_address",
    "workplace",
    "occupation",
    "underlying",
    "test_name",
    "contacts",
    "measures",
    "note",
)
_DAYS = ("onset_on", "specimen_on", "last_vaccine_on")
_CHOICES: dict[str, type[StrEnum]] = {
    "case_class": CaseClass,
    "state": CaseState,
    "pregnant": YesNo,
    "vaccinated": YesNo,
    "specimen_taken": YesNo,
    "test_result": SpecimenResult,
}


def _options(values: Iterable[StrEnum]) -> list[Option]:
    return [Option(one, _(str(getattr(one, "label", one)))) for one in values]


class NoticeForm(QWidget):
    """``edited`` follows every change by the person."""

    edited = Signal()

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        named(self, "notice.form")
        self._now = now
        self.form = Form("notice")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        self._case()
        self._person()
        self._tests()
        self._around()
        column.addStretch(1)
        self.form.changed.connect(lambda _key: self.edited.emit())

    def _day(self) -> DateField[date]:
        return DateField(
            lambda text: parse_day(text, self._now().date()),
            show_day,
            refusal=_("Ghi ngày, ví dụ 22/11/2026"),
        )

    def _choice(self, values: Iterable[StrEnum]) -> ChoiceField:
        return ChoiceField(_options(values), placeholder=_("Chọn"))

    def _case(self) -> None:
        form = self.form
        form.add_heading(_("Ca bệnh"))
        self.disease = ChoiceField([], placeholder=_("Chọn bệnh"))
        self.grade = ChoiceField([], placeholder=_("Chọn phân độ"))
        self.died: ParsedField[datetime] = ParsedField(
            lambda text: parse_moment(text, self._now()),
            show_moment,
            refusal=_("Ghi giờ và ngày, ví dụ 8h25 22/11"),
        )
        form.add_row(
            ("disease_code", _("&Bệnh cần báo"), self.disease),
            ("grade", _("&Phân độ"), self.grade),
            ("died_at", _("Giờ tử &vong (nếu có)"), self.died),
            stretch=(3, 3, 2),
            required=("disease_code",),
        )
        form.add_row(
            ("onset_on", _("Ngày &khởi phát"), self._day()),
            ("case_class", _("Phân &loại chẩn đoán"), self._choice(CaseClass)),
            ("state", _("&Tình trạng hiện tại"), self._choice(CaseState)),
            stretch=(2, 3, 3),
            required=("onset_on", "case_class", "state"),
        )
        self.disease.changed.connect(self._fit_grades)
        form.field("state").changed.connect(self._fit_death)

    def _person(self) -> None:
        form = self.form
        form.add_heading(_("Người bệnh"))
        form.add_row(
            ("phone", _("Điện t&hoại liên hệ"), PhoneField()),
            ("occupation", _("N&ghề nghiệp"), LineField()),
            ("workplace", _("Nơi là&m việc, học"), LineField()),
            required=("phone",),
        )
        form.add("home_address", _("Nơi ở hiệ&n nay"), LineField(), required=True)
        form.add("onset_address", _("Nơ&i khởi phát"), LineField(), required=True)
        self.same = quiet(_("Như nơi ở hiện nay"), "notice.same_address")
        self.same.clicked.connect(self._same_address)
        beside = QWidget()
        hbox(self.same, None, parent=beside)
        form.add_widget(beside)
        form.add_row(
            ("pregnant", _("&Có thai"), self._choice(YesNo)),
            ("underlying", _("Bệnh nền"), LineField()),
            stretch=(1, 3),
        )

    def _tests(self) -> None:
        form = self.form
        form.add_heading(_("Xét nghiệm"))
        self.specimen = ChoiceField([], placeholder=_("Chọn"))
        form.add_row(
            ("specimen_taken", _("Lấ&y mẫu"), self._choice(YesNo)),
            ("specimen", _("L&oại bệnh phẩm"), self.specimen),
            ("specimen_on", _("Ngày lấy mẫ&u"), self._day()),
        )
        form.add_row(
            ("test_name", _("&Xét nghiệm"), LineField()),
            ("test_result", _("Kết &quả"), self._choice(SpecimenResult)),
        )

    def _around(self) -> None:
        form = self.form
        form.add_heading(_("Tiêm chủng, dịch tễ, xử lý"))
        self.doses = NumberField(unit=_("mũi"), digits=2)
        form.add_row(
            ("vaccinated", _("Đã tiêm chủng bệnh này"), self._choice(YesNo)),
            ("vaccine_doses", _("&Số mũi"), self.doses),
            ("last_vaccine_on", _("Mũi cuối ngày"), self._day()),
        )
        form.add("contacts", _("Yếu tố &dịch tễ, người tiếp xúc"), TextField(least=2))
        form.add("measures", _("Xử lý b&an đầu"), TextField(least=2))
        form.add("note", _("Ghi chú"), LineField())

    # -- showing -------------------------------------------------------------------------------

    def show_notice(
        self,
        notice: CommunicableDiseaseNotification,
        rules: NotificationRules,
        *,
        read_only: bool,
        pregnancy: bool,
    ) -> None:
        self._rules = rules
        self.disease.set_options([Option(one.code, _(one.name)) for one in rules.diseases])
        self.specimen.set_options([Option(one, _(one)) for one in rules.specimens])
        self.form.clear_problems()
        names = ("disease_code", "died_at", "specimen", "vaccine_doses", *_TEXTS, *_DAYS, *_CHOICES)
        self.form.set_values({name: getattr(notice, name) for name in names})
        self._fit_grades()
        with self.grade.quietly():
            self.grade.set_value(notice.grade or None)
        self.form.set_read_only(read_only)
        self.same.setVisible(not read_only)
        self.form.field("pregnant").setEnabled(pregnancy)
        self._fit_death()

    def _fit_grades(self) -> None:
        disease = self._rules.by_code(str(self.disease.value() or ""))
        grades = disease.grades if disease is not None else ()
        chosen = self.grade.value()
        with self.grade.quietly():
            self.grade.set_options([Option(one, _(one)) for one in grades])
            self.grade.set_value(chosen if chosen in grades else None)
        self.grade.setEnabled(bool(grades))

    def _fit_death(self) -> None:
        self.died.setEnabled(self.form.field("state").value() is CaseState.DIED)

    def _same_address(self) -> None:
        self.form.field("onset_address").set_value(self.form.field("home_address").value())
        self.edited.emit()

    def set_problems(self, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        return self.form.set_problems(problems)

    # -- typing --------------------------------------------------------------------------------

    def notice(self, base: CommunicableDiseaseNotification) -> CommunicableDiseaseNotification:
        """``base`` with what stands in the fields."""
        field = self.form.field
        disease = self._rules.by_code(str(self.disease.value() or ""))
        found: dict[str, Any] = {name: str(field(name).value() or "") for name in _TEXTS}
        found |= {name: field(name).value() for name in (*_DAYS, *_CHOICES)}
        if disease is not None and disease.code != base.disease_code:
            found |= {
                "disease_code": disease.code,
                "disease_name": disease.name,
                "hours": min(base.hours, disease.hours),
            }
        died = found["state"] is CaseState.DIED
        return replace(
            base,
            grade=str(self.grade.value() or ""),
            specimen=str(self.specimen.value() or ""),
            died_at=self.died.value() if died else None,
            vaccine_doses=self.doses.whole(),
            **found,
        )
