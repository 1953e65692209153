"""A person → Patient, one Coverage per card, AllergyIntolerance, problem-list Condition."""

from __future__ import annotations

from station_emr.domain.patient import (
    Address,
    Allergy,
    AllergyCategory,
    ChronicCondition,
    Coverage,
    Guardian,
    Patient,
)

from .datatypes import (
    Json,
    Resource,
    coding,
    concept,
    day,
    extension,
    facility_by_code,
    filled,
    identifier,
    present,
    reference,
    resource,
    terminology,
)
from .own_extensions import OwnFields
from .uris import ICD10, NATIONALITY, SNOMED, UriTable, own_extension

CATEGORY = {
    AllergyCategory.DRUG: ["medication"],
    AllergyCategory.FOOD: ["food"],
    AllergyCategory.CHEMICAL: ["environment"],
    AllergyCategory.OTHER: [],
}
_NO_KNOWN_ALLERGY = "716186003"
_INSURER = "Bảo hiểm xã hội Việt Nam"
GUARDIAN_ID = own_extension("guardian-national-id")
UNNAMED_GUARDIAN = own_extension("unnamed-guardian")
DETAILS = OwnFields(
    "patient-details",
    Patient,
    ("workplace", "blood_type", "note", "card_extra", "national_id_issued_on"),
)
COVERAGE = OwnFields(
    "coverage-details", Coverage, ("living_area", "five_year_on", "copay_exempt_on")
)
ALLERGY = OwnFields("allergy-details", Allergy, ("ingredient", "group"))


def patient_resources(patient: Patient, uris: UriTable) -> list[Resource]:
    """The person first, then what hangs on them; ids of the children follow their order."""
    made = [_patient(patient, uris)]
    for number, card in enumerate(patient.coverages, 1):
        made.append(_coverage(patient.id, f"{patient.id}-c{number}", card, uris))
    for number, allergy in enumerate(patient.allergies, 1):
        made.append(_allergy(patient.id, f"{patient.id}-a{number}", allergy))
    if patient.no_known_allergy:
        made.append(_no_known_allergy(patient.id))
    for number, condition in enumerate(patient.conditions, 1):
        made.append(_problem(patient.id, f"{patient.id}-p{number}", condition))
    return made


def address(value: Address, uris: UriTable) -> Json:
    """Two levels since 1/7/2025 (QĐ 19/2025/QĐ-TTg): commune and province, each with its code."""
    return filled(
        extension=present(
            extension(
                uris.province,
                valueCoding=coding(uris.province_codes, value.province_code, value.province_name),
            ),
            extension(
                uris.commune,
                valueCoding=coding(uris.commune_codes, value.commune_code, value.commune_name),
            ),
        ),
        text=value.text,
        line=[value.line] if value.line else [],
        city=value.commune_name,
        state=value.province_name,
    )


def _patient(patient: Patient, uris: UriTable) -> Resource:
    return resource(
        "Patient",
        patient.id,
        extension=present(
            extension(
                uris.ethnicity,
                valueCodeableConcept=concept(
                    coding(uris.ethnicity_codes, patient.ethnic_code, patient.ethnic_name),
                    text=patient.ethnic_name,
                ),
            ),
            extension(
                uris.occupation,
                valueCodeableConcept=concept(
                    coding(uris.occupation_codes, patient.occupation_code, patient.occupation_name),
                    text=patient.occupation_name,
                ),
            ),
            _nationality(patient, uris),
            # The day of issue has its place beside the number, where there is a number.
            DETAILS.write(patient, "national_id_issued_on" if patient.national_id else ""),
        ),
        identifier=present(
            identifier(uris.record, patient.id),
            identifier(
                uris.national_id,
                patient.national_id,
                "NI",
                period=filled(start=day(patient.national_id_issued_on)),
            ),
            identifier(uris.old_national_id, patient.old_national_id, "NI", use="old"),
            *(identifier(uris.insurance_number, card.number, "SB") for card in patient.coverages),
            identifier(uris.chart_number, patient.chart_number, "MR"),
        ),
        active=True,
        # One field as on the card: minority names have no family part, and nobody may guess one.
        name=present(filled(text=patient.full_name)),
        telecom=_phone(patient.phone),
        gender=patient.sex.value,
        birthDate=patient.birth.to_iso(),
        address=present(address(patient.address, uris)),
        contact=[_guardian(patient.guardian, uris)] if patient.guardian else [],
    )


def _nationality(patient: Patient, uris: UriTable) -> Json:
    named = concept(
        coding(uris.nationality_codes, patient.nationality_code, patient.nationality_name),
        text=patient.nationality_name,
    )
    inside = extension("code", valueCodeableConcept=named)
    return {"url": NATIONALITY, "extension": [inside]} if inside else {}


def _phone(number: str) -> list[Json]:
    return [{"system": "phone", "value": number}] if number else []


def _guardian(guardian: Guardian, uris: UriTable) -> Json:
    return filled(
        extension=present(
            extension(
                GUARDIAN_ID,
                valueIdentifier=identifier(uris.national_id, guardian.national_id, "NI"),
            ),
            extension(UNNAMED_GUARDIAN, valueBoolean=None if guardian.full_name else True),
        ),
        relationship=present(concept(text=guardian.relationship)),
        name=filled(text=guardian.full_name),
        telecom=_phone(guardian.phone),
    )


def _coverage(patient_id: str, resource_id: str, card: Coverage, uris: UriTable) -> Resource:
    return resource(
        "Coverage",
        resource_id,
        extension=present(
            extension(
                uris.initial_facility,
                valueReference=facility_by_code(
                    uris, card.initial_facility, card.initial_facility_name
                ),
            ),
            COVERAGE.write(card),
        ),
        identifier=present(identifier(uris.insurance_number, card.number, "SB")),
        status="active",
        subscriberId=card.number,
        beneficiary=reference("Patient", patient_id),
        period=filled(start=day(card.valid_from), end=day(card.valid_to)),
        payor=[{"display": _INSURER}],
    )


def _allergy(patient_id: str, resource_id: str, allergy: Allergy) -> Resource:
    reaction = filled(
        manifestation=[{"text": allergy.reaction}] if allergy.reaction else [],
        severity="severe" if allergy.severe and allergy.reaction else None,
    )
    return resource(
        "AllergyIntolerance",
        resource_id,
        extension=present(ALLERGY.write(allergy)),
        clinicalStatus=terminology("allergyintolerance-clinical", "active"),
        verificationStatus=terminology("allergyintolerance-verification", "confirmed"),
        category=CATEGORY[allergy.category],
        criticality="high" if allergy.severe else None,
        code=concept(text=allergy.substance),
        patient=reference("Patient", patient_id),
        recordedDate=day(allergy.noted_on),
        reaction=present(reaction),
    )


def _no_known_allergy(patient_id: str) -> Resource:
    """Asked and none known: a statement of its own, not the mere absence of a list."""
    return resource(
        "AllergyIntolerance",
        f"{patient_id}-a0",
        clinicalStatus=terminology("allergyintolerance-clinical", "active"),
        verificationStatus=terminology("allergyintolerance-verification", "confirmed"),
        code=concept(coding(SNOMED, _NO_KNOWN_ALLERGY), text="Không có dị ứng đã biết"),
        patient=reference("Patient", patient_id),
    )


def _problem(patient_id: str, resource_id: str, condition: ChronicCondition) -> Resource:
    return resource(
        "Condition",
        resource_id,
        clinicalStatus=terminology("condition-clinical", "active"),
        verificationStatus=terminology("condition-ver-status", "confirmed"),
        category=[terminology("condition-category", "problem-list-item")],
        code=concept(coding(ICD10, condition.icd_code, condition.title), text=condition.title),
        subject=reference("Patient", patient_id),
        onsetDateTime=f"{condition.since_year:04d}" if condition.since_year else None,
    )
