"""Sick leave and notices of a restricted visit are kept from who may not read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.notification import CaseClass, CaseState
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.domain.sensitive import RESTRICTED

from .visit_samples import sign, visit


@pytest.fixture
def papers(station):
    """A signed visit with schizophrenia and measles, its certificate and its notice."""
    encounter = visit(station, station.register(birth=BirthDate(1990, 1, 2)))
    encounter = replace(
        encounter,
        diagnoses=(
            Diagnosis(icd_code="F20.0", title="Mẫu", role=DiagnosisRole.MAIN),
            Diagnosis(icd_code="B05.9", title="Sởi"),
        ),
    )
    station.services.encounters.save_draft(station.doctor, encounter)
    notices = station.services.notifications
    draft = replace(
        notices.prepare(station.doctor, encounter.id),
        phone="0900000001",
        onset_address="Làng Mẫu",
        onset_on=encounter.arrived_at.date(),
        case_class=CaseClass.SUSPECTED,
        state=CaseState.OUTPATIENT,
    )
    notice = notices.submit(station.doctor, draft).id_of(RecordKind.NOTIFICATION)
    sign(station, encounter)
    leave = station.services.certificates.prepare(station.doctor, encounter.id)
    leave = replace(
        leave,
        social_insurance_no="0000000001",
        workplace="Công ty Mẫu",
        days=2,
        last_day=leave.first_day + timedelta(days=1),
    )
    signed = station.services.certificates.sign(station.doctor, leave)
    return encounter.id, signed.id_of(RecordKind.CERTIFICATE), notice


def test_who_may_not_read_the_visit_reads_none_of_its_papers(station, papers) -> None:
    visit_id, leave, notice = papers
    services, pharmacist = station.services, station.actor(Role.PHARMACIST)
    asked = (
        lambda: services.certificates.get(pharmacist, leave),
        lambda: services.certificates.of_encounter(pharmacist, visit_id),
        lambda: services.notifications.get(pharmacist, notice),
        lambda: services.notifications.of_encounter(pharmacist, visit_id),
        lambda: services.prints.preview(pharmacist, RecordKind.CERTIFICATE, leave),
        lambda: services.prints.preview(pharmacist, RecordKind.NOTIFICATION, notice),
        lambda: services.visit_forms.preview(
            pharmacist, RecordKind.ENCOUNTER, visit_id, "record-17-bv1"
        ),
    )
    for question in asked:
        with pytest.raises(PermissionDenied):
            question()


def test_the_list_keeps_the_line_without_its_words(station, papers) -> None:
    _visit, _leave, notice = papers
    (row,) = station.services.notifications.rows(station.actor(Role.PHARMACIST))
    assert (row.notification_id, row.disease, row.icd_code) == (notice, RESTRICTED, "")
    (open_row,) = station.services.notifications.rows(station.doctor)
    assert open_row.disease == "Sởi"
