"""The fields of a referral letter, in the order of the printed form's items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.catalog import CatalogHit
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.errors import Problem
from station_emr.domain.referral import PriorCare, Referral, ReferralReason
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    CheckField,
    Chip,
    ChipRow,
    ChoiceField,
    DateField,
    Form,
    LineField,
    ParsedField,
    SegmentedField,
    Suggestion,
    TextField,
    TypeaheadField,
    match_spans,
    vbox,
)
from station_emr.ui.models.moments import parse_day, parse_moment, show_day, show_moment

LEVELS: Final = {"1": "Cấp ban đầu", "2": "Cấp cơ bản", "3": "Cấp chuyên sâu"}
_LEVEL_CHOICES: Final = [("", "Chưa rõ"), *((name, name) for name in LEVELS.values())]
_PLAIN: Final = (
    "clinical_signs",
    "test_results",
    "procedures",
    "procedures_start",
    "procedures_end",
    "treatment",
    "condition_on_transfer",
    "reason",
    "plan",
    "transfer_at",
    "escort",
    "emergency",
    "one_year",
)
PRIOR_ROWS: Final = 2  # item 8 prints two lines


class LetterForm(QWidget):
    """``edited`` follows every change by the person; ``main_changed`` one of the main diagnosis.

    ``facility_wanted`` and ``icd_wanted(text)`` ask for answers, ``icd_wanted`` with the field
    that asked.
    """

    edited = Signal()
    main_changed = Signal()
    facility_wanted = Signal(str)
    icd_wanted = Signal(object, str)

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now
        self._secondary: tuple[Diagnosis, ...] = ()
        self._facility_code = ""
        self.form = Form("referral")
        self._receiver_and_reason()
        self._summary()
        self._journey()
        self._prior_care()
        vbox(self.form, parent=self)
        self.form.changed.connect(self._changed)

    # -- fields ----------------------------------------------------------------------------------

    def _receiver_and_reason(self) -> None:
        self.receiver = TypeaheadField(
            placeholder=_("Gõ tên hoặc mã bệnh viện"), two_lines=True, free_text=True
        )
        self.level = ChoiceField(_LEVEL_CHOICES)
        self.form.add_row(
            ("to_facility_name", _("&Nơi nhận"), self.receiver),
            ("to_facility_level", _("Cấp của nơi nhận"), self.level),
            stretch=(7, 3),
            required=("to_facility_name",),
        )
        self.receiver.wanted.connect(self.facility_wanted)
        self.receiver.chosen.connect(self._receiver_chosen)
        self.receiver.changed.connect(self._receiver_typed)

    def _summary(self) -> None:
        form = self.form
        form.add("clinical_signs", _("&Dấu hiệu lâm sàng"), TextField(), required=True)
        form.add("test_results", _("&Xét nghiệm, cận lâm sàng chính"), TextField())
        self.main = TypeaheadField(placeholder=_("Mã hoặc tên bệnh"))
        self.more = TypeaheadField(placeholder=_("Thêm mã"), clear_on_choice=True)
        form.add_row(
            ("diagnoses", _("&Chẩn đoán chính"), self.main),
            ("secondary", _("&Kèm theo"), self.more),
            stretch=(2, 1),
            required=("diagnoses",),
        )
        self.chips = ChipRow()
        self.chips.hide()
        form.add_widget(self.chips)
        self.main.wanted.connect(lambda text: self.icd_wanted.emit(self.main, text))
        self.more.wanted.connect(lambda text: self.icd_wanted.emit(self.more, text))
        self.main.changed.connect(self.main_changed)
        self.more.chosen.connect(self._add_secondary)
        form.add_row(
            ("procedures", _("&Phương pháp, thủ thuật"), TextField()),
            ("procedures_start", _("Bắt đầu"), self._moment()),
            ("procedures_end", _("Kết thúc"), self._moment()),
            stretch=(2, 1, 1),
        )
        form.add(
            "treatment", _("&Thuốc, kỹ thuật đã dùng (lấy từ lượt khám, sửa được)"), TextField()
        )
        form.add("condition_on_transfer", _("Tình trạng lúc chu&yển"), TextField(), required=True)
        form.add(
            "reason",
            _("&Lý do chuyển"),
            SegmentedField(
                [
                    (ReferralReason.LEVEL_APPROPRIATE, _("Phù hợp cấp chuyên môn")),
                    (ReferralReason.BEYOND_CAPACITY, _("Vượt khả năng của trạm")),
                    (ReferralReason.PATIENT_REQUEST, _("Theo yêu cầu")),
                ]
            ),
            required=True,
        )

    def _journey(self) -> None:
        form = self.form
        form.add("plan", _("Hướn&g điều trị đề nghị"), TextField(), required=True)
        self.transport = TypeaheadField(free_text=True, least=0)
        form.add_row(
            ("transfer_at", _("Giờ ch&uyển"), self._moment()),
            ("transport", _("Phương t&iện"), self.transport),
            (
                "escort",
                _("Người &hộ tống"),
                LineField(placeholder=_("Họ tên, chức danh, trình độ")),
            ),
            stretch=(3, 4, 5),
            required=("transfer_at", "transport"),
        )
        self.one_year = SegmentedField([(False, _("Không")), (True, _("Có"))])
        self.emergency = CheckField(_("Chuyển cấp cứu"))
        form.add_row(
            ("one_year", _("Giá trị 0&1 năm"), self.one_year),
            ("emergency", _("Mức khẩn"), self.emergency),
            stretch=(3, 2),
        )

    def _prior_care(self) -> None:
        for row in range(PRIOR_ROWS):
            title = _("Đã khám, điều trị tại") if row == 0 else _("Và tại")
            self.form.add_row(
                (f"prior_care.{row}.facility", title, LineField()),
                (f"prior_care.{row}.level", _("Cấp"), ChoiceField(_LEVEL_CHOICES)),
                (f"prior_care.{row}.start", _("Từ ngày"), self._day()),
                (f"prior_care.{row}.end", _("Đến ngày"), self._day()),
                stretch=(5, 3, 2, 2),
            )

    def _moment(self) -> ParsedField[datetime]:
        return ParsedField(
            lambda text: parse_moment(text, self._now()),
            show_moment,
            refusal=_("Ghi giờ, ví dụ 8h25 hoặc 8h25 22/11"),
            placeholder=_("8h25"),
        )

    def _day(self) -> DateField[date]:
        return DateField(
            lambda text: parse_day(text, self._now().date()),
            show_day,
            refusal=_("Ghi ngày, ví dụ 22/11/2026"),
        )

    # -- what the person does --------------------------------------------------------------------

    def _changed(self, key: str) -> None:
        field = self.form.field(key)
        if key != "secondary" and field.problem and key not in _TIMES:
            field.set_problem(None)
        self.edited.emit()

    def _receiver_typed(self) -> None:
        if self.receiver.text() != self._receiver_name():
            self._facility_code = ""

    def _receiver_name(self) -> str:
        found = self.receiver.value()
        return found.row.name if isinstance(found, CatalogHit) else self.receiver.text()

    def _receiver_chosen(self, suggestion: object) -> None:
        if not isinstance(suggestion, Suggestion) or not isinstance(suggestion.payload, CatalogHit):
            return
        row = suggestion.payload.row
        self._facility_code = row.code
        level = LEVELS.get(str(row.attributes.get("level") or ""), "")
        if level:
            self.form.set_values({"to_facility_level": level})

    def _add_secondary(self, suggestion: object) -> None:
        if isinstance(suggestion, Suggestion) and isinstance(suggestion.payload, Diagnosis):
            known = {d.icd_code for d in self.diagnoses}
            if suggestion.payload.icd_code not in known:
                self._set_secondary((*self._secondary, suggestion.payload))

    def _drop_secondary(self, code: str) -> None:
        self._set_secondary(tuple(d for d in self._secondary if d.icd_code != code))
        self.more.editor.setFocus()
        self.edited.emit()

    def _set_secondary(self, diagnoses: Sequence[Diagnosis], *, removable: bool = True) -> None:
        self._secondary = tuple(diagnoses)
        self.chips.set_chips([])
        for diagnosis in self._secondary:
            chip = Chip(
                diagnosis.title,
                lead=diagnosis.icd_code,
                removable=removable,
                name=f"referral.secondary.{diagnosis.icd_code}",
            )
            chip.removed.connect(lambda code=diagnosis.icd_code: self._drop_secondary(code))
            self.chips.add(chip)
        self.chips.setVisible(bool(self._secondary))

    # -- answers ---------------------------------------------------------------------------------

    def set_facilities(self, hits: Sequence[CatalogHit], text: str) -> None:
        self.receiver.set_results(
            [
                Suggestion(
                    title=hit.row.name,
                    payload=hit,
                    detail=f"{LEVELS.get(str(hit.row.attributes.get('level') or ''), '')} · "
                    + _("mã {code}").format(code=hit.row.code),
                    matches=match_spans(hit.row.name, text),
                )
                for hit in hits
            ],
            text,
        )

    def set_icd(self, field: TypeaheadField, hits: Sequence[CatalogHit], text: str) -> None:
        role = DiagnosisRole.MAIN if field is self.main else DiagnosisRole.SECONDARY
        field.set_results(
            [
                Suggestion(
                    lead=hit.row.code,
                    title=hit.row.name,
                    payload=Diagnosis(icd_code=hit.row.code, title=hit.row.name, role=role),
                    matches=match_spans(hit.row.name, text),
                )
                for hit in hits
            ],
            text,
        )

    def set_transports(self, names: Sequence[str], text: str) -> None:
        self.transport.set_results(
            [Suggestion(title=n, payload=n, matches=match_spans(n, text)) for n in names], text
        )

    def set_problems(self, problems: Sequence[Problem]) -> tuple[Problem, ...]:
        return self.form.set_problems(problems)

    def go_to(self, key: str) -> None:
        """Put the person into a field of the letter; one that the form does not show is passed over."""
        if key in self.form.keys:
            self.form.field(key).editor.setFocus()

    # -- the record ------------------------------------------------------------------------------

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        main = self.main.value()
        return (*((main,) if isinstance(main, Diagnosis) else ()), *self._secondary)

    def show_letter(self, referral: Referral, *, read_only: bool) -> None:
        self.form.clear()
        self._facility_code = referral.to_facility_code
        values: dict[str, object] = {name: getattr(referral, name) for name in _PLAIN}
        values["to_facility_level"] = referral.to_facility_level
        self._offer_level(referral.to_facility_level)
        for row in range(PRIOR_ROWS):
            care = referral.prior_care[row] if row < len(referral.prior_care) else None
            for part in ("facility", "level", "start", "end"):
                values[f"prior_care.{row}.{part}"] = getattr(care, part) if care else None
        self.form.set_values(values)
        self.receiver.set_choice(None, referral.to_facility_name)
        self.transport.set_choice(None, referral.transport)
        main = referral.main_diagnosis
        self.main.set_choice(main, main.label if main else "")
        self.form.set_read_only(read_only)
        self._set_secondary(referral.diagnoses[1:], removable=not read_only)

    def _offer_level(self, level: str) -> None:
        """A letter keeps the words of its level, also those of another edition of the list."""
        if level and level not in LEVELS.values():
            self.level.set_options([*_LEVEL_CHOICES, (level, level)])

    def letter(self, base: Referral) -> Referral:
        """``base`` with what stands in the fields now."""
        values = self.form.values()
        plain = {name: values[name] for name in _PLAIN}
        receiver = self.receiver.value()
        care = [self._care(values, row) for row in range(PRIOR_ROWS)]
        return replace(
            base,
            **plain,  # type: ignore[arg-type]
            to_facility_code=self._facility_code,
            to_facility_name=receiver.row.name
            if isinstance(receiver, CatalogHit)
            else self.receiver.text(),
            to_facility_level=str(values["to_facility_level"] or ""),
            transport=self.transport.text(),
            diagnoses=self.diagnoses,
            prior_care=tuple(row for row in care if row is not None),
        )

    def _care(self, values: dict[str, object], row: int) -> PriorCare | None:
        facility = str(values[f"prior_care.{row}.facility"] or "")
        if not facility:
            return None
        start, end = values[f"prior_care.{row}.start"], values[f"prior_care.{row}.end"]
        return PriorCare(
            facility=facility,
            level=str(values[f"prior_care.{row}.level"] or ""),
            start=start if isinstance(start, date) else None,
            end=end if isinstance(end, date) else None,
        )


_TIMES: Final = {"transfer_at", "procedures_start", "procedures_end"}
