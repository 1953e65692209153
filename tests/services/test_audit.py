"""Every command and every look at a record leaves its line, and none tells a patient's secret."""

from dataclasses import replace
from datetime import date

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Stage
from station_emr.domain.errors import DiskFull, PermissionDenied
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
LOOKED = (".view", ".list", ".search", ".draft")


def lines(station, limit=200):
    """Read past the use case, which would itself leave a line."""
    with station.store.read() as work:
        return work.audit.rows(limit)


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
    done = [name for name in actions_since(station, start) if not name.endswith(LOOKED)]
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


def test_working_on_one_record_is_one_look_of_each_person(station):
    encounter = visit(station, station.register(**PERSON))
    inspector = station.actor(Role.INSPECTOR)
    start = lines(station)[0].seq
    for _ in range(3):
        station.services.encounters.get(inspector, encounter.id)
    assert actions_since(station, start) == ["encounter.view"]
    station.services.encounters.get(station.actor(Role.PHARMACIST), encounter.id)
    station.clock.forward(minutes=6)
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


def test_commands_on_people_and_settings_leave_their_lines(station):
    accounts, director = station.services.accounts, station.director
    start = lines(station)[0].seq
    person = station.register(**PERSON)
    station.services.patients.update(station.nurse, replace(person, note="Đã hẹn"), 1)
    accounts.unlock(director, "ddmai")
    accounts.reset_password(director, "ddmai", "x")
    accounts.change_password(station.nurse, "x", "y")
    accounts.save_station(director, replace(accounts.station(), phone="0900000003"))
    accounts.save_setting(director, "sync.server_url", "https://tinh.example/fhir")
    accounts.update_user(director, replace(station.nurse.user, phone="0900000004"))
    accounts.new_recovery_code(director)
    station.services.sync.requeue_all(director)
    accounts.log_out(station.nurse)
    done = [name for name in actions_since(station, start) if not name.endswith(LOOKED)]
    assert done == [
        "patient.register",
        "patient.update",
        "account.unlock",
        "account.reset_password",
        "account.change_password",
        "station.update",
        "setting.update",
        "user.update",
        "account.new_recovery_code",
        "sync.requeue_all",
        "account.log_out",
    ]


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.NURSE, Role.PHARMACIST, Role.INSPECTOR])
def test_running_the_station_is_for_those_in_charge(station, role):
    who, accounts = station.actor(role), station.services.accounts
    for forbidden in (
        lambda: accounts.unlock(who, "ddmai"),
        lambda: accounts.reset_password(who, "ddmai", "x"),
        lambda: accounts.locked(who, "ddmai"),
        lambda: accounts.update_user(who, who.user),
        lambda: accounts.save_setting(who, "sync.server_url", "x"),
        lambda: accounts.accept_clock(who),
        lambda: accounts.new_recovery_code(who),
        lambda: station.services.prints.recovery_sheet(who, "MAUA"),
        lambda: station.services.sync.requeue_all(who),
        lambda: station.services.catalogs.preview_import(who, CatalogKind.ICD10, "x.csv"),
        lambda: station.services.catalogs.apply_import(who, None),
    ):
        with pytest.raises(PermissionDenied):
            forbidden()


def test_who_reads_the_audit_and_who_sends(station):
    with pytest.raises(PermissionDenied):
        station.services.accounts.audit(station.doctor)
    with pytest.raises(PermissionDenied):
        station.services.accounts.verify_audit(station.nurse)
    with pytest.raises(PermissionDenied):
        station.services.sync.send_now(station.actor(Role.INSPECTOR))
    assert station.sync.wakes == 0
    station.services.sync.send_now(station.nurse)
    assert station.sync.wakes == 1


def test_the_recovery_code_is_the_directors_alone(station):
    admin = station.actor(Role.ADMINISTRATOR)
    for forbidden in (
        lambda: station.services.accounts.new_recovery_code(admin),
        lambda: station.services.prints.recovery_sheet(admin, "MAUA"),
    ):
        with pytest.raises(PermissionDenied, match="giám đốc"):
            forbidden()
    assert station.keys.codes == 0
    code = station.services.accounts.new_recovery_code(station.director)
    assert station.services.prints.recovery_sheet(station.director, code).startswith(b"%PDF")
    assert all(code not in row.detail for row in lines(station))


def test_everything_signed_is_queued_again_once_and_sent_at_once(station):
    station.register(**PERSON)
    with station.store.write() as work:
        for item in work.outbox.waiting(500):
            work.outbox.acknowledge(item, {}, station.clock.now())
        assert work.outbox.waiting(500) == ()
    count = station.services.sync.requeue_all(station.actor(Role.ADMINISTRATOR))
    assert count == len(station.services.sync.waiting(station.director, 500)) > 1
    assert station.sync.wakes == 1
    done = [row for row in lines(station) if row.action == "sync.requeue_all"]
    assert [row.detail for row in done] == [f"count: {count}"]
    assert station.services.sync.requeue_all(station.director) == 0
