"""A visit → Encounter, vital-sign Observations, diagnosis Conditions, Procedures, rapid tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from station_emr.domain.encounter import (
    Diagnosis,
    DiagnosisRole,
    Encounter,
    Priority,
    Procedure,
)
from station_emr.domain.vitals import VitalSigns

from .datatypes import (
    Json,
    Resource,
    coding,
    concept,
    extension,
    filled,
    identifier,
    moment,
    organization,
    performer,
    period,
    present,
    quantity,
    reference,
    resource,
    staff,
    terminology,
)
from .own_extensions import AsSigned, OwnFields
from .uris import ICD10, LOINC, TERMINOLOGY, UriTable

PRIORITY = {Priority.ROUTINE: "R", Priority.PRIORITY: "UR", Priority.EMERGENCY: "EM"}
_NOTES = (
    "history",
    "past_history",
    "examination",
    "treatment",
    "advice",
    "coverage_number",
    "confirmed",
    "accident",
    "came_from",
    "came_with",
    "admitted_at",
    "admission_reason",
    "preliminary_diagnosis",
    "progress",
)
_ORDERED = ("ordered_at", "unit", "indicator", "conclusion", "performer_licence")


DETAILS = OwnFields("visit-details", Encounter, _NOTES)
SIGNED = AsSigned(Encounter, ("station", "patient", "practitioner", "signature"))
DIAGNOSIS = OwnFields("diagnosis", Diagnosis, ("role", "note"))
PROCEDURE = OwnFields("procedure-details", Procedure, ("result", "abnormal", *_ORDERED))
RAPID_TEST = OwnFields("test-details", Procedure, _ORDERED)
WITHOUT_SIGNS = OwnFields("vitals-without-signs", VitalSigns, ("measured_at", "measured_by"))


class _Sign(NamedTuple):
    field: str
    suffix: str
    loinc: str
    text: str
    unit: str
    ucum: str
    category: str = "vital-signs"


# Codes of the base vital-sign profiles of R4; glucose is a bedside test, so it is laboratory.
SIGNS: Final = (
    _Sign("pulse", "hr", "8867-4", "Mạch", "lần/phút", "/min"),
    _Sign("temperature", "temp", "8310-5", "Nhiệt độ", "°C", "Cel"),
    _Sign("respiratory_rate", "rr", "9279-1", "Nhịp thở", "lần/phút", "/min"),
    _Sign("spo2", "spo2", "2708-6", "SpO₂", "%", "%"),
    _Sign("weight", "wt", "29463-7", "Cân nặng", "kg", "kg"),
    _Sign("height", "ht", "8302-2", "Chiều cao", "cm", "cm"),
    _Sign("waist", "waist", "8280-0", "Vòng bụng", "cm", "cm"),
    _Sign("glucose", "glu", "14743-9", "Đường huyết mao mạch", "mmol/L", "mmol/L", "laboratory"),
)
_BLOOD_PRESSURE: Final = "85354-9"
BLOOD_PRESSURE_END: Final = "bp"
COMPONENTS: Final = (
    ("systolic", "8480-6", "Huyết áp tối đa"),
    ("diastolic", "8462-4", "Huyết áp tối thiểu"),
)
# Said once for all resources that say it.
_CATEGORIES: Final = {
    name: [terminology("observation-category", name)] for name in ("vital-signs", "laboratory")
}
_PRESSURE_CODE: Final = concept(coding(LOINC, _BLOOD_PRESSURE), text="Huyết áp")
_SIGN_CODES: Final = tuple(
    (sign, concept(coding(LOINC, sign.loinc), text=sign.text)) for sign in SIGNS
)


def encounter_resources(encounter: Encounter, uris: UriTable) -> list[Resource]:
    """The visit first; ids of the children follow their order in the record."""
    made = [_encounter(encounter, uris)]
    for number, vitals in enumerate(encounter.vitals, 1):
        made.extend(_vital_signs(encounter, vitals, f"{encounter.id}-v{number}"))
    for number, diagnosis in enumerate(encounter.diagnoses, 1):
        made.append(_diagnosis(encounter, diagnosis, f"{encounter.id}-d{number}"))
    for number, procedure in enumerate(encounter.procedures, 1):
        if procedure.is_test:
            made.append(_rapid_test(encounter, procedure, f"{encounter.id}-t{number}", uris))
        else:
            made.append(_procedure(encounter, procedure, f"{encounter.id}-p{number}", uris))
    return made


def icd_concept(diagnosis: Diagnosis) -> Json:
    """``text`` is the whole label, so a reader without our list still sees the clinician's note."""
    return concept(coding(ICD10, diagnosis.icd_code, diagnosis.title), text=diagnosis.label)


def reason_concept(diagnosis: Diagnosis) -> Json:
    """A diagnosis where FHIR has room for a code only; role and note ride along."""
    kept = present(DIAGNOSIS.write(diagnosis))
    return {**filled(extension=kept), **icd_concept(diagnosis)}


def _encounter(encounter: Encounter, uris: UriTable) -> Resource:
    return resource(
        "Encounter",
        encounter.id,
        extension=present(
            extension(
                uris.visit_type,
                valueCodeableConcept=concept(
                    coding(uris.visit_object_codes, encounter.visit_object)
                ),
            ),
            extension(
                uris.treatment_outcome,
                valueCodeableConcept=concept(coding(uris.treatment_result_codes, encounter.result)),
            ),
            DETAILS.write(encounter),
            SIGNED.write(encounter),
            *_without_signs(encounter),
        ),
        identifier=present(
            identifier(uris.record, encounter.id),
            identifier(uris.encounter_number, encounter.number, "VN"),
        ),
        status="finished",
        statusHistory=_history(encounter),
        class_=coding(f"{TERMINOLOGY}/v3-ActCode", "AMB"),
        type=present(concept(coding(uris.care_kind_codes, encounter.care_kind))),
        priority=terminology("v3-ActPriority", PRIORITY[encounter.priority]),
        subject=reference("Patient", encounter.patient_id),
        participant=present(filled(individual=staff(encounter.practitioner))),
        period=period(encounter.arrived_at, encounter.ended_at),
        reasonCode=present(concept(text=encounter.reason)),
        diagnosis=_ranked(encounter),
        hospitalization=filled(
            dischargeDisposition=concept(coding(uris.discharge_codes, encounter.discharge))
        ),
        serviceProvider=organization(encounter.station),
    )


def _without_signs(encounter: Encounter) -> list[Json]:
    """A set of vital signs that holds none has no Observation to say who looked and when."""
    return [
        {
            "url": WITHOUT_SIGNS.url,
            "extension": [
                {"url": "place", "valueInteger": place},
                *WITHOUT_SIGNS.write(vitals).get("extension", ()),
            ],
        }
        for place, vitals in enumerate(encounter.vitals, 1)
        if vitals.empty
    ]


def _history(encounter: Encounter) -> list[Json]:
    """How long the person waited, and how long the visit took."""
    if encounter.started_at is None:
        return []
    return [
        {"status": "arrived", "period": period(encounter.arrived_at, encounter.started_at)},
        {"status": "in-progress", "period": period(encounter.started_at, encounter.ended_at)},
    ]


def _ranked(encounter: Encounter) -> list[Json]:
    """Rank 1 is the main diagnosis; the others keep their order from 2."""
    ranked: list[Json] = []
    after = 1
    for number, diagnosis in enumerate(encounter.diagnoses, 1):
        main = diagnosis.role is DiagnosisRole.MAIN
        after += not main
        ranked.append(
            {
                "condition": reference("Condition", f"{encounter.id}-d{number}"),
                "rank": 1 if main else after,
            }
        )
    return ranked


def _diagnosis(encounter: Encounter, diagnosis: Diagnosis, resource_id: str) -> Resource:
    return resource(
        "Condition",
        resource_id,
        clinicalStatus=terminology("condition-clinical", "active"),
        verificationStatus=terminology("condition-ver-status", "confirmed"),
        category=[terminology("condition-category", "encounter-diagnosis")],
        code=icd_concept(diagnosis),
        subject=reference("Patient", encounter.patient_id),
        encounter=reference("Encounter", encounter.id),
        note=[{"text": diagnosis.note}] if diagnosis.note else [],
    )


def _vital_signs(encounter: Encounter, vitals: VitalSigns, prefix: str) -> list[Resource]:
    """Without a time of its own a measurement was made some time during the visit."""
    measured = moment(vitals.measured_at)
    common = filled(
        resourceType="Observation",
        status="final",
        subject=reference("Patient", encounter.patient_id),
        encounter=reference("Encounter", encounter.id),
        effectiveDateTime=measured,
        effectivePeriod=None if measured else period(encounter.arrived_at, encounter.ended_at),
        performer=performer(vitals.measured_by),
    )
    made: list[Resource] = []
    if vitals.systolic is not None or vitals.diastolic is not None:
        made.append(
            {
                **common,
                "id": f"{prefix}-{BLOOD_PRESSURE_END}",
                "category": _CATEGORIES["vital-signs"],
                "code": _PRESSURE_CODE,
                "component": [
                    _component(getattr(vitals, field), loinc, text)
                    for field, loinc, text in COMPONENTS
                ],
            }
        )
    for sign, code in _SIGN_CODES:
        value: Decimal | int | None = getattr(vitals, sign.field)
        if value is not None:
            made.append(
                {
                    **common,
                    "id": f"{prefix}-{sign.suffix}",
                    "category": _CATEGORIES[sign.category],
                    "code": code,
                    "valueQuantity": quantity(value, sign.unit, sign.ucum),
                }
            )
    return made


def _component(value: int | None, loinc: str, text: str) -> Json:
    named = concept(coding(LOINC, loinc), text=text)
    if value is None:
        return {"code": named, "dataAbsentReason": terminology("data-absent-reason", "unknown")}
    return {"code": named, "valueQuantity": quantity(value, "mmHg", "mm[Hg]")}


def _procedure(
    encounter: Encounter, procedure: Procedure, resource_id: str, uris: UriTable
) -> Resource:
    return resource(
        "Procedure",
        resource_id,
        extension=present(PROCEDURE.write(procedure)),
        status="completed",
        code=concept(
            coding(uris.procedure_codes, procedure.code, procedure.name), text=procedure.name
        ),
        subject=reference("Patient", encounter.patient_id),
        encounter=reference("Encounter", encounter.id),
        performedPeriod=period(procedure.started_at, procedure.ended_at),
        performer=[{"actor": actor} for actor in performer(procedure.performed_by)],
        note=[{"text": procedure.note}] if procedure.note else [],
    )


def _rapid_test(
    encounter: Encounter, test: Procedure, resource_id: str, uris: UriTable
) -> Resource:
    return resource(
        "Observation",
        resource_id,
        extension=present(RAPID_TEST.write(test)),
        status="final",
        category=_CATEGORIES["laboratory"],
        code=concept(coding(uris.procedure_codes, test.code, test.name), text=test.name),
        subject=reference("Patient", encounter.patient_id),
        encounter=reference("Encounter", encounter.id),
        effectivePeriod=period(test.started_at, test.ended_at),
        performer=performer(test.performed_by),
        valueString=test.result,
        dataAbsentReason=None if test.result else terminology("data-absent-reason", "unknown"),
        interpretation=(
            [terminology("v3-ObservationInterpretation", "A")] if test.abnormal else []
        ),
        note=[{"text": test.note}] if test.note else [],
    )
