"""What is known of a person whose charts were joined: no allergy of any chart may be missed."""

from __future__ import annotations

from dataclasses import replace

from station_emr.domain.merge import union
from station_emr.domain.patient import Patient

from .ports import Work


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
