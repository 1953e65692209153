"""Freeze who the papers are about, at the moment of signing."""

from __future__ import annotations

from datetime import date

from station_emr.domain.encounter import Encounter, PatientSnapshot
from station_emr.domain.patient import Patient


def patient_snapshot(
    patient: Patient, day: date, encounter: Encounter | None = None
) -> PatientSnapshot:
    """The person as printed on ``day``; the weight comes from the visit when it was taken."""
    measured = encounter.vitals if encounter is not None else ()
    # The newest set that has a weight: a second temperature must not lose it.
    weight = next((f"{v.weight:f}" for v in reversed(measured) if v.weight is not None), "")
    coverage = patient.coverage_on(day)
    if encounter is not None and encounter.coverage_number:
        coverage = next(
            (c for c in patient.coverages if c.number == encounter.coverage_number), coverage
        )
    guardian = patient.guardian
    return PatientSnapshot(
        patient_id=patient.id,
        full_name=patient.full_name,
        birth=patient.birth,
        sex=patient.sex,
        chart_number=patient.chart_number,
        national_id=patient.national_id,
        phone=patient.phone,
        address=patient.address.text,
        ethnic_name=patient.ethnic_name,
        nationality_name=patient.nationality_name,
        occupation_name=patient.occupation_name,
        workplace=patient.workplace,
        guardian_name=guardian.full_name if guardian else "",
        guardian_relationship=guardian.relationship if guardian else "",
        coverage=coverage,
        allergies=tuple(allergy.substance for allergy in patient.allergies),
        weight_kg=weight.replace(".", ","),
    )
