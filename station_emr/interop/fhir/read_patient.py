"""Patient, Coverage, AllergyIntolerance and problem-list Condition → a person."""

from __future__ import annotations

from typing import Any

from station_emr.domain.birth import BirthDate
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

from .datatypes import Json, Resource
from .patient import ALLERGY, CATEGORY, COVERAGE, DETAILS, GUARDIAN_ID
from .reading import (
    Parts,
    by_url,
    coded,
    first,
    first_text,
    identified,
    maybe_date,
    must_refer,
    phone_in,
    text_in,
    whole_text,
)
from .uris import ICD10, NATIONALITY, UriTable

_CATEGORY = {said[0] if said else "": category for category, said in CATEGORY.items()}


def read_patient(parts: Parts, uris: UriTable) -> Patient:
    person, mine = parts.root, f"Patient/{parts.record_id}"
    extensions = by_url(person)
    ethnic_code, ethnic_name = _named(extensions, uris.ethnicity, uris.ethnicity_codes)
    work_code, work_name = _named(extensions, uris.occupation, uris.occupation_codes)
    nation_code, nation_name = _nationality(extensions, uris)
    national_id = identified(person, uris.national_id)
    fields: dict[str, Any] = DETAILS.read(extensions)
    issued_on = maybe_date(national_id.get("period", {}), "start")
    if issued_on is not None:
        fields["national_id_issued_on"] = issued_on
    return Patient(
        id=parts.record_id,
        full_name=text_in(first(person, "name"), "text"),
        birth=BirthDate.from_iso(person["birthDate"]),
        sex=Sex(person["gender"]),
        chart_number=text_in(identified(person, uris.chart_number), "value"),
        national_id=text_in(national_id, "value"),
        old_national_id=text_in(identified(person, uris.old_national_id), "value"),
        phone=phone_in(person),
        address=read_address(first(person, "address"), uris),
        ethnic_code=ethnic_code,
        ethnic_name=ethnic_name,
        nationality_code=nation_code,
        nationality_name=nation_name,
        occupation_code=work_code,
        occupation_name=work_name,
        guardian=_guardian(person["contact"][0]) if person.get("contact") else None,
        coverages=tuple(
            _coverage(card, mine, uris) for _, card in parts.numbered({"c": "Coverage"})
        ),
        allergies=tuple(
            _allergy(allergy, mine) for _, allergy in parts.numbered({"a": "AllergyIntolerance"})
        ),
        no_known_allergy="a0" in parts.live,
        conditions=tuple(
            _problem(problem, mine) for _, problem in parts.numbered({"p": "Condition"})
        ),
        **fields,
    )


def read_address(held: Json, uris: UriTable) -> Address:
    extensions = by_url(held)
    return Address(
        line=first_text(held, "line"),
        commune_code=_value_code(extensions, uris.commune, uris.commune_codes),
        commune_name=text_in(held, "city"),
        province_code=_value_code(extensions, uris.province, uris.province_codes),
        province_name=text_in(held, "state"),
    )


def _value_code(extensions: dict[str, Json], url: str, system: str) -> str:
    held = extensions.get(url)
    return "" if held is None else coded({"coding": [held["valueCoding"]]}, system)[0]


def _named(extensions: dict[str, Json], url: str, system: str) -> tuple[str, str]:
    """Code and name; both are empty when nothing was said, whatever the defaults are."""
    held = extensions.get(url)
    return ("", "") if held is None else _code_and_text(held["valueCodeableConcept"], system)


def _code_and_text(concept: Json, system: str) -> tuple[str, str]:
    code, display = coded(concept, system)
    return code, text_in(concept, "text") if "text" in concept else display


def _nationality(extensions: dict[str, Json], uris: UriTable) -> tuple[str, str]:
    held = extensions.get(NATIONALITY)
    return ("", "") if held is None else _named(by_url(held), "code", uris.nationality_codes)


def _guardian(contact: Json) -> Guardian:
    number = by_url(contact).get(GUARDIAN_ID, {}).get("valueIdentifier", {})
    return Guardian(
        full_name=text_in(contact.get("name", {}), "text"),
        relationship=text_in(first(contact, "relationship"), "text"),
        phone=phone_in(contact),
        national_id=text_in(number, "value"),
    )


def _coverage(card: Resource, patient: str, uris: UriTable) -> Coverage:
    must_refer(card, "beneficiary", patient)
    extensions = by_url(card)
    code, name = read_facility_by_code(
        extensions.get(uris.initial_facility, {}).get("valueReference", {})
    )
    valid = card.get("period", {})
    return Coverage(
        number=text_in(card, "subscriberId"),
        valid_from=maybe_date(valid, "start"),
        valid_to=maybe_date(valid, "end"),
        initial_facility=code,
        initial_facility_name=name,
        **COVERAGE.read(extensions),
    )


def read_facility_by_code(reference: Json) -> tuple[str, str]:
    """Code and name of a facility that we hold no record of."""
    return text_in(reference.get("identifier", {}), "value"), text_in(reference, "display")


def _allergy(allergy: Resource, patient: str) -> Allergy:
    must_refer(allergy, "patient", patient)
    return Allergy(
        substance=text_in(allergy["code"], "text") if "code" in allergy else "",
        category=_category(allergy),
        reaction=text_in(first(first(allergy, "reaction"), "manifestation"), "text"),
        severe=allergy.get("criticality") == "high",
        noted_on=maybe_date(allergy, "recordedDate"),
        **ALLERGY.read(by_url(allergy)),
    )


def _category(allergy: Resource) -> AllergyCategory:
    """A category of another program (``biologic``) is none of ours."""
    said = first_text(allergy, "category")
    return _CATEGORY.get(said, AllergyCategory.OTHER)


def _problem(problem: Resource, patient: str) -> ChronicCondition:
    must_refer(problem, "subject", patient)
    code, title = read_icd(problem.get("code", {}))
    since = problem.get("onsetDateTime")
    return ChronicCondition(
        icd_code=code,
        title=title,
        since_year=None if since is None else int(whole_text(since)[:4]),
    )


def read_icd(concept: Json) -> tuple[str, str]:
    code, title = coded(concept, ICD10)
    return code, title or ("" if code else text_in(concept, "text"))
