"""From the form as typed to a person, or to what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Final

from station_emr.domain.birth import BirthDate, parse_birth
from station_emr.domain.errors import InvalidRecord, Problem
from station_emr.domain.identity import parse_national_id, parse_phone
from station_emr.domain.patient import (
    Address,
    Allergy,
    AllergyCategory,
    ChronicCondition,
    Coverage,
    Guardian,
    Patient,
    check_patient,
)
from station_emr.domain.record import Sex
from station_emr.domain.text import clean, clean_lines
from station_emr.services.i18n import _
from station_emr.ui.models.moments import parse_day

from .state import AllergyEntry, Coded, ConditionEntry, CoverageEntry, RegistrationState

REFUSED_DAY: Final = "Không đọc được ngày này. Gõ như 03/05/2026 hoặc 030526."


def patient_of(
    state: RegistrationState, base: Patient | None, today: date
) -> tuple[Patient | None, tuple[Problem, ...]]:
    """The person as typed. Without a birth date or sex there is none, only problems.

    ``base`` is the person as stored, for what the form does not show.
    """
    reader = _Reader(today)
    birth = reader.birth(state.birth)
    if state.sex not in {sex.value for sex in Sex}:
        reader.refuse(
            "sex", "sex-required", _("Chưa chọn giới tính. Hãy chọn Nam, Nữ hoặc Chưa xác định.")
        )
    coverages = tuple(
        reader.coverage(entry, f"coverages.{place}") for place, entry in enumerate(state.coverages)
    )
    values: dict[str, Any] = {
        "full_name": clean(state.full_name),
        "national_id": "".join(state.national_id.split()),
        "old_national_id": "".join(state.old_national_id.split()),
        "national_id_issued_on": reader.day("issued_on", state.issued_on),
        "phone": state.phone,
        "address": reader.address(state),
        "ethnic_code": reader.coded("ethnic", state.ethnic).code,
        "ethnic_name": state.ethnic.name,
        "occupation_code": reader.coded("occupation", state.occupation).code,
        "occupation_name": state.occupation.name,
        "workplace": clean(state.workplace),
        "guardian": reader.guardian(state),
        "coverages": coverages,
        "allergies": tuple(_allergy(entry, today) for entry in state.allergies),
        "no_known_allergy": state.no_known_allergy and not state.allergies,
        "conditions": tuple(
            reader.condition(entry, place) for place, entry in enumerate(state.conditions)
        ),
        "note": clean_lines(state.note),
        "card_extra": state.card_extra,
    }
    problems = tuple(reader.problems)
    if birth is None or "sex" in {problem.field for problem in problems}:
        return None, problems + _wrong_besides(values, today)
    values |= {"birth": birth, "sex": Sex(state.sex)}
    if base is not None:
        return replace(base, **values), problems
    return Patient(id="", **values), problems


def _wrong_besides(values: dict[str, Any], today: date) -> tuple[Problem, ...]:
    """What else is refused, so that everything at fault is told at once."""
    grown_up = BirthDate(today.year - 40)
    stand_in = Patient(id="", birth=grown_up, sex=Sex.UNKNOWN, **values)
    found = check_patient(stand_in, today)
    return tuple(problem for problem in found if problem.severity == "error")


def _allergy(entry: AllergyEntry, today: date) -> Allergy:
    return Allergy(
        substance=clean(entry.substance),
        category=AllergyCategory(entry.category),
        ingredient=entry.ingredient,
        group=entry.group,
        reaction=clean(entry.reaction),
        severe=entry.severe,
        noted_on=parse_day(entry.noted_on, today) if entry.noted_on else None,
    )


class _Reader:
    """Reads typed text and remembers what it could not read."""

    def __init__(self, today: date) -> None:
        self._today = today
        self.problems: list[Problem] = []

    def refuse(self, field: str, code: str, message: str) -> None:
        self.problems.append(Problem(field=field, code=code, message=message))

    def birth(self, text: str) -> BirthDate | None:
        try:
            return parse_birth(text, self._today)
        except InvalidRecord as refused:
            self.problems.extend(refused.problems)
            return None

    def day(self, field: str, text: str) -> date | None:
        if not text.strip():
            return None
        found = parse_day(text, self._today)
        if found is None:
            self.refuse(field, "day-form", REFUSED_DAY)
        return found

    def coded(self, field: str, value: Coded) -> Coded:
        if value.typed and not value.name:
            self.refuse(
                field,
                "not-in-list",
                _(
                    "“{words}” không có trong danh mục. Hãy chọn một dòng gợi ý hoặc xóa ô này."
                ).format(words=value.typed),
            )
        return value

    def address(self, state: RegistrationState) -> Address:
        place = self.coded("commune", state.commune)
        return Address(
            line=clean(state.address_line),
            commune_code=place.code,
            commune_name=place.name,
            province_code=place.parent_code,
            province_name=place.parent_name,
        )

    def coverage(self, entry: CoverageEntry, where: str) -> Coverage:
        facility = entry.facility
        code = facility.code or facility.typed.upper()
        return Coverage(
            number=entry.number,
            valid_from=self.day(f"{where}.valid_from", entry.valid_from),
            valid_to=self.day(f"{where}.valid_to", entry.valid_to),
            initial_facility=code,
            initial_facility_name=facility.name if facility.code else "",
            living_area=entry.living_area,
            five_year_on=self.day(f"{where}.five_year_on", entry.five_year_on),
            copay_exempt_on=self.day(f"{where}.copay_exempt_on", entry.copay_exempt_on),
        )

    def guardian(self, state: RegistrationState) -> Guardian | None:
        name = clean(state.guardian_name)
        rest = (state.guardian_relationship, state.guardian_phone, state.guardian_national_id)
        if not name:
            if any(text.strip() for text in rest):
                self.refuse(
                    "guardian_name",
                    "guardian-name",
                    _("Chưa có họ tên người đưa đến. Hãy ghi họ tên hoặc xóa các ô bên cạnh."),
                )
            return None
        return Guardian(
            full_name=name,
            relationship=clean(state.guardian_relationship),
            phone=self._phone(state.guardian_phone),
            national_id=self._national_id(state.guardian_national_id),
        )

    def _phone(self, text: str) -> str:
        try:
            return parse_phone(text, field="guardian_phone") if text.strip() else ""
        except InvalidRecord as refused:
            self.problems.extend(refused.problems)
            return ""

    def _national_id(self, text: str) -> str:
        field = "guardian_national_id"
        try:
            return parse_national_id(text, field=field) if text.strip() else ""
        except InvalidRecord as refused:
            self.problems.extend(refused.problems)
            return ""

    def condition(self, entry: ConditionEntry, place: int) -> ChronicCondition:
        year = int(entry.since_year) if entry.since_year.isdecimal() else None
        if year is not None and not self._today.year - 130 <= year <= self._today.year:
            self.refuse(
                f"conditions.{place}.since_year",
                "since-year",
                _("Năm phát hiện phải từ {first} đến {last}.").format(
                    first=self._today.year - 130, last=self._today.year
                ),
            )
        return ChronicCondition(icd_code=entry.icd_code, title=entry.title, since_year=year)
