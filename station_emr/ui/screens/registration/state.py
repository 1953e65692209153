"""The registration form as it stands, before it is a person: text as typed, kept through a crash.

No widgets here. :func:`read_state` and :func:`write_state` are the draft's JSON,
:func:`patient_of` makes the person or says what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any, Final

from station_emr.domain.birth import BirthDate, parse_birth
from station_emr.domain.encounter import Priority
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
)
from station_emr.domain.record import Sex
from station_emr.domain.text import clean, clean_lines
from station_emr.services.i18n import _
from station_emr.ui.models.moments import parse_day

FORM: Final = 1  # raised when an older draft can no longer be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A choice of a list. ``typed`` holds words that name nothing yet."""

    code: str = ""
    name: str = ""
    parent_code: str = ""
    parent_name: str = ""
    typed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageEntry:
    number: str = ""
    valid_from: str = ""
    valid_to: str = ""
    facility: Coded = Coded()
    living_area: str = ""
    five_year_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllergyEntry:
    substance: str
    category: str = AllergyCategory.DRUG.value
    ingredient: str = ""
    group: str = ""
    reaction: str = ""
    severe: bool = False
    noted_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionEntry:
    icd_code: str
    title: str
    since_year: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationState:
    """Every field as typed; ``scanned`` names those that a card filled, ``confirmed`` the
    questions that were answered with yes.
    """

    patient_id: str = ""
    version: int = 0
    national_id: str = ""
    full_name: str = ""
    birth: str = ""
    sex: str = ""
    address_line: str = ""
    commune: Coded = Coded()
    old_national_id: str = ""
    issued_on: str = ""
    coverages: tuple[CoverageEntry, ...] = ()
    phone: str = ""
    ethnic: Coded = Coded(code="01", name="Kinh")
    occupation: Coded = Coded()
    workplace: str = ""
    guardian_name: str = ""
    guardian_relationship: str = ""
    guardian_phone: str = ""
    guardian_national_id: str = ""
    allergies: tuple[AllergyEntry, ...] = ()
    no_known_allergy: bool = False
    conditions: tuple[ConditionEntry, ...] = ()
    note: str = ""
    reason: str = ""
    priority: str = Priority.ROUTINE.value
    amendment_reason: str = ""
    card_extra: tuple[str, ...] = ()
    scanned: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    name_uncertain: bool = False

    @property
    def editing(self) -> bool:
        return bool(self.patient_id)

    @property
    def label(self) -> str:
        """How a message names this form."""
        return clean(self.full_name) or _("người chưa ghi tên")

    def same_content(self, other: RegistrationState) -> bool:
        """Equal in what the person entered, whatever was confirmed or scanned."""
        return _content(self) == _content(other)


def _content(state: RegistrationState) -> RegistrationState:
    return replace(state, confirmed=(), scanned=(), name_uncertain=False)


def merge(
    mine: RegistrationState, base: RegistrationState, theirs: RegistrationState
) -> tuple[RegistrationState, tuple[str, ...]]:
    """``theirs`` with what I changed since ``base``; names the fields that both changed."""
    kept: dict[str, Any] = {}
    clashes: list[str] = []
    for field in fields(RegistrationState):
        key = field.name
        ours, before, other = (getattr(state, key) for state in (mine, base, theirs))
        if key == "version" or ours == before:
            continue
        kept[key] = ours
        if other not in (before, ours):
            clashes.append(key)
    return replace(theirs, **kept), tuple(clashes)


# -- the draft ---------------------------------------------------------------------------------


def write_state(state: RegistrationState) -> str:
    return json.dumps({"form": FORM, "state": asdict(state)}, ensure_ascii=False)


def read_state(text: str) -> RegistrationState | None:
    """The draft again; None when it was written by a form that no longer exists."""
    try:
        found = json.loads(text)
        if found["form"] != FORM:
            return None
        return _state(found["state"])
    except (ValueError, KeyError, TypeError):
        return None


def _state(raw: Mapping[str, Any]) -> RegistrationState:
    known = {field.name for field in fields(RegistrationState)}
    values = {key: value for key, value in raw.items() if key in known}
    for key in ("commune", "ethnic", "occupation"):
        values[key] = Coded(**values[key])
    values["coverages"] = tuple(
        CoverageEntry(**{**card, "facility": Coded(**card["facility"])})
        for card in values["coverages"]
    )
    values["allergies"] = tuple(AllergyEntry(**entry) for entry in values["allergies"])
    values["conditions"] = tuple(ConditionEntry(**entry) for entry in values["conditions"])
    for key in ("card_extra", "scanned", "confirmed"):
        values[key] = tuple(values[key])
    return RegistrationState(**values)


# -- from a person -----------------------------------------------------------------------------


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day is not None else ""


def state_of(patient: Patient, version: int) -> RegistrationState:
    """The form of a known person."""
    guardian = patient.guardian or Guardian(full_name="")
    return RegistrationState(
        patient_id=patient.id,
        version=version,
        national_id=patient.national_id,
        full_name=patient.full_name,
        birth=patient.birth.display(),
        sex=patient.sex.value,
        address_line=patient.address.line,
        commune=Coded(
            code=patient.address.commune_code,
            name=patient.address.commune_name,
            parent_code=patient.address.province_code,
            parent_name=patient.address.province_name,
        ),
        old_national_id=patient.old_national_id,
        issued_on=_day(patient.national_id_issued_on),
        coverages=tuple(coverage_entry(card) for card in patient.coverages),
        phone=patient.phone,
        ethnic=Coded(code=patient.ethnic_code, name=patient.ethnic_name),
        occupation=Coded(code=patient.occupation_code, name=patient.occupation_name),
        workplace=patient.workplace,
        guardian_name=guardian.full_name,
        guardian_relationship=guardian.relationship,
        guardian_phone=guardian.phone,
        guardian_national_id=guardian.national_id,
        allergies=tuple(
            AllergyEntry(
                substance=allergy.substance,
                category=allergy.category.value,
                ingredient=allergy.ingredient,
                group=allergy.group,
                reaction=allergy.reaction,
                severe=allergy.severe,
                noted_on=_day(allergy.noted_on),
            )
            for allergy in patient.allergies
        ),
        no_known_allergy=patient.no_known_allergy,
        conditions=tuple(
            ConditionEntry(
                icd_code=condition.icd_code,
                title=condition.title,
                since_year=str(condition.since_year or ""),
            )
            for condition in patient.conditions
        ),
        note=patient.note,
        card_extra=patient.card_extra,
    )


def coverage_entry(card: Coverage) -> CoverageEntry:
    return CoverageEntry(
        number=card.number,
        valid_from=_day(card.valid_from),
        valid_to=_day(card.valid_to),
        facility=Coded(code=card.initial_facility, name=card.initial_facility_name),
        living_area=card.living_area,
        five_year_on=_day(card.five_year_on),
    )


# -- to a person -------------------------------------------------------------------------------


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
        return None, problems
    values |= {"birth": birth, "sex": Sex(state.sex)}
    if base is not None:
        return replace(base, **values), problems
    return Patient(id="", **values), problems


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


REFUSED_DAY: Final = "Không đọc được ngày này. Gõ như 03/05/2026 hoặc 030526."
