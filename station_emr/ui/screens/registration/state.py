"""The registration form as it stands, before it is a person: text as typed, kept through a crash.

No widgets here. :func:`read_state` and :func:`write_state` are the draft's JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any, Final

from station_emr.domain.encounter import Priority
from station_emr.domain.patient import (
    AllergyCategory,
    Coverage,
    Guardian,
    Patient,
)
from station_emr.domain.text import clean
from station_emr.services.i18n import _

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
    copay_exempt_on: str = ""


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
        copay_exempt_on=_day(card.copay_exempt_on),
    )
