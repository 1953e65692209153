"""What is known of a person whose charts were joined: no allergy of any chart may be missed."""

from __future__ import annotations

from dataclasses import replace

from station_emr.domain.merge import union
from station_emr.domain.patient import Patient

from .ports import Work


def standing_person(work: Work, patient_id: str) -> Patient:
    """Whoever a chart is about, as the chart that stays knows them, with every known allergy.

    What is written and signed from now on says this, whichever of the joined charts it hangs on.
    """
    return with_all_allergies(work, work.patients.get(work.links.survivor_of(patient_id)).record)


def with_all_allergies(work: Work, patient: Patient) -> Patient:
    """The chart with the allergies of every chart of the same person, the shown chart's first.

    Joining may have left some behind, and another machine may add one to a chart already joined.
    """
    charts = work.links.group_of(patient.id)
    if len(charts) < 2:
        return patient
    known = [work.patients.get(chart).record.allergies for chart in charts]
    # What the caller holds may be newer than what is saved.
    allergies = union((*known, patient.allergies))
    return replace(
        patient,
        allergies=allergies,
        no_known_allergy=patient.no_known_allergy and not allergies,
    )
