"""Rows of the official code lists, with the dates between which each row is in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class CatalogKind(StrEnum):
    """One kind = one list; the value is the name used in files, tables and the command line."""

    ICD10 = "icd10"
    DRUG = "drug"
    PROVINCE = "province"
    COMMUNE = "commune"
    COMMUNE_MAP = "commune_map"
    ETHNIC_GROUP = "ethnic_group"
    OCCUPATION = "occupation"
    NATIONALITY = "nationality"
    ROUTE = "route"
    FACILITY = "facility"
    PROCEDURE = "procedure"
    RAPID_TEST = "rapid_test"
    ONE_YEAR_REFERRAL = "one_year_referral"
    LONG_PRESCRIPTION = "long_prescription"
    TREATMENT_RESULT = "treatment_result"
    DISCHARGE_KIND = "discharge_kind"
    CARE_KIND = "care_kind"
    VISIT_OBJECT = "visit_object"
    REFERRAL_REASON = "referral_reason"
    ACCIDENT = "accident"
    LIVING_AREA = "living_area"
    DEPARTMENT = "department"
    SEX = "sex"
    CARD_OBJECT = "card_object"
    TRANSPORT = "transport"
    APPROVED_SERVICE = "approved_service"
    APPROVED_DRUG = "approved_drug"
    APPROVED_MATERIAL = "approved_material"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogRow:
    """One row of any list. ``valid_to`` is the last day in force, None while open.

    ``attributes`` holds what only this list has, as text, numbers or booleans (see the typed
    views below for the keys of ICD-10 and drugs).
    """

    kind: CatalogKind
    code: str
    name: str
    valid_from: date = date(1900, 1, 1)
    valid_to: date | None = None
    source: str = ""
    attributes: dict[str, str | int | float | bool | None] = field(default_factory=dict)

    def in_force(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class IcdCode:
    """An ICD-10 code with the flags of TT 06/2026/TT-BYT (columns 24 to 29 of its list)."""

    code: str
    title: str
    title_en: str = ""
    mark: str = ""  # "†" aetiology, "*" manifestation
    not_main: bool = False
    discouraged_main: bool = False
    more_specific_exists: bool = False
    death_only: bool = False
    female_only: bool = False
    male_only: bool = False

    @property
    def label(self) -> str:
        return f"{self.code} {self.title}"


class DrugControl(StrEnum):
    """Control class of TT 26/2025/TT-BYT; it decides the last letter of a prescription code."""

    NARCOTIC = "narcotic"
    PSYCHOTROPIC = "psychotropic"
    ORDINARY = "ordinary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug:
    """One medicinal product form as prescribed at a station.

    ``ingredients`` are INN names in lower case, used by the allergy and duplicate checks;
    ``groups`` are pharmacological families that share allergies (``penicillin``, ``sulfonamide``).
    ``bhyt_code`` is the active-ingredient code of the insurance list, empty where not certain.
    ``max_daily`` is in ``unit`` per day for an adult, None where no limit is recorded.
    """

    code: str
    inn: str
    strength: str
    form: str
    unit: str
    route_code: str
    route: str
    brand: str = ""
    bhyt_code: str = ""
    ingredients: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    control: DrugControl = DrugControl.ORDINARY
    toxic: bool = False
    max_daily: float | None = None

    @property
    def label(self) -> str:
        """INN, the trade name in brackets for a single ingredient (TT 26/2025 art. 6), strength."""
        name = self.inn
        if self.brand:
            name = self.brand if len(self.ingredients) > 1 else f"{self.inn} ({self.brand})"
        return f"{name} {self.strength}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogHit:
    """One answer of a catalogue search. ``rank`` is smaller for better."""

    row: CatalogRow
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """A row of an imported file that was not taken, with the reason in Vietnamese."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPreview:
    """What an import would change, before anything is written."""

    kind: CatalogKind
    source: str
    effective_from: date
    added: tuple[CatalogRow, ...]
    changed: tuple[tuple[CatalogRow, CatalogRow], ...]  # (old, new)
    closed: tuple[CatalogRow, ...]  # in force now, absent from the file
    unchanged: int
    refused: tuple[RefusedRow, ...]


def icd_of(row: CatalogRow) -> IcdCode:
    """The typed view of a row of the ICD-10 list."""
    flag = row.attributes.get
    return IcdCode(
        code=row.code,
        title=row.name,
        title_en=str(flag("title_en") or ""),
        mark=str(flag("mark") or ""),
        not_main=bool(flag("not_main")),
        discouraged_main=bool(flag("discouraged_main")),
        more_specific_exists=bool(flag("more_specific_exists")),
        death_only=bool(flag("death_only")),
        female_only=bool(flag("female_only")),
        male_only=bool(flag("male_only")),
    )


def drug_of(row: CatalogRow) -> Drug:
    """The typed view of a row of the drug list; words of a list are separated by ``;``."""
    value = row.attributes.get
    limit = value("max_daily")
    return Drug(
        code=row.code,
        inn=str(value("inn") or row.name),
        strength=str(value("strength") or ""),
        form=str(value("form") or ""),
        unit=str(value("unit") or "viên"),
        route_code=str(value("route_code") or ""),
        route=str(value("route") or "Uống"),
        brand=str(value("brand") or ""),
        bhyt_code=str(value("bhyt_code") or ""),
        ingredients=_words(value("ingredients")),
        groups=_words(value("groups")),
        control=DrugControl(str(value("control") or DrugControl.ORDINARY.value)),
        toxic=bool(value("toxic")),
        max_daily=float(limit) if limit not in (None, "") else None,
    )


def _words(value: object) -> tuple[str, ...]:
    return tuple(word.strip() for word in str(value or "").split(";") if word.strip())
