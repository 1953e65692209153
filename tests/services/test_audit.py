"""Every command and every look at a record leaves its line, and none tells a patient's secret."""

from dataclasses import replace
from datetime import date

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Stage
from station_emr.domain.errors import DiskFull
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind

from .visit_samples import appointment, prescription, referral, sign, visit

PERSON = {
    "birth": BirthDate(1970),
    "national_id": "",
    "allergies": (),
    "coverages": (),
    "conditions": (),
}


def lines(station, limit=200):
    return station.services.accounts.audit(station.director, limit)


def actions_since(station, seq):
    return [row.action for row in reversed(lines(station)) if row.seq > seq]


def test_every_command_of_a_day_leaves_its_line_in_order(station):
    start = lines(station)[0].seq
    services = station.services
    person = station.register(**PERSON)
    encounter = visit(station, person)
    papers = {
        "prescription": prescription(station, encounter),
        "appointment": appointment(station, encounter),
        "referral": referral(station, encounter),
    }
    sign(station, encounter, **papers)
    services.prints.print(station.nurse, RecordKind.REFERRAL, papers["referral"].id)
    services.encounters.set_stage(station.doctor, encounter.id, Stage.FINISHED)
    signed = services.appointments.get(station.doctor, papers["appointment"].id).record
    services.appointments.amend(
        station.doctor, replace(signed, on=date(2026, 12, 21)), 1, "Đổi ngày"
    )
    services.referrals.void(station.doctor, papers["referral"].id, "Người bệnh không đi")
    services.encounters.void(station.doctor, encounter.id, "Nhầm người")
    done = [name for name in actions_since(station, start) if not name.endswith(".view")]
    assert done == [
        "patient.register",
        "encounter.check_in",
        "encounter.vitals",
        "encounter.start",
        "encounter.sign",
        "prescription.sign",
        "appointment.sign",
        "referral.sign",
        "referral.print",
        "encounter.stage",
        "appointment.amend",
        "referral.void",
        "prescription.void",
        "appointment.void",
        "encounter.void",
    ]
    for row in lines(station):
        assert person.full_name not in row.detail
    assert services.accounts.verify_audit(station.director) is None


@pytest.mark.parametrize(
    ("look", "action"),
    [
        (lambda s, who, e, p: s.encounters.get(who, e.id), "encounter.view"),
        (lambda s, who, e, p: s.prescriptions.get(who, p.id), "prescription.view"),
        (lambda s, who, e, p: s.patients.get(who, e.patient_id), "patient.view"),
        (lambda s, who, e, p: s.patients.card(who, e.patient_id), "patient.view"),
        (
            lambda s, who, e, p: s.prints.preview(who, RecordKind.PRESCRIPTION, p.id),
            "prescription.view",
        ),
    ],
)
def test_an_inspectors_look_is_logged_with_whose_record_it_was(station, look, action):
    encounter = visit(station, station.register(**PERSON))
    paper = prescription(station, encounter)
    sign(station, encounter, prescription=paper)
    look(station.services, station.actor(Role.INSPECTOR), encounter, paper)
    row = lines(station)[0]
    assert (row.action, row.patient_id, row.role) == (action, encounter.patient_id, "inspector")


def test_working_on_one_record_is_one_line_an_hour_for_each_person(station):
    encounter = visit(station, station.register(**PERSON))
    inspector = station.actor(Role.INSPECTOR)
    start = lines(station)[0].seq
    for _ in range(3):
        station.services.encounters.get(inspector, encounter.id)
    assert actions_since(station, start) == ["encounter.view"]
    station.services.encounters.get(station.actor(Role.PHARMACIST), encounter.id)
    station.clock.forward(hours=1)
    station.services.encounters.get(inspector, encounter.id)
    assert actions_since(station, start) == ["encounter.view"] * 3


def test_a_full_disk_keeps_nobody_from_reading(station, monkeypatch):
    encounter = visit(station, station.register(**PERSON))

    def full():
        raise DiskFull("Ổ đĩa đã đầy.")

    monkeypatch.setattr(station.store, "write", full)
    held = station.services.encounters.get(station.actor(Role.INSPECTOR), encounter.id)
    assert held.record == encounter


@pytest.mark.parametrize(("code", "expected"), [("J45.9", True), ("I10", False), ("J06.9", False)])
def test_one_year_is_proposed_only_for_a_disease_without_a_condition(station, code, expected):
    encounter = visit(station, station.register(**PERSON))
    diagnosis = Diagnosis(icd_code=code, title=code, role=DiagnosisRole.MAIN)
    station.services.encounters.save_draft(
        station.doctor, replace(encounter, diagnoses=(diagnosis,))
    )
    assert station.services.referrals.prepare(station.doctor, encounter.id).one_year is expected
