"""What must hold when visits and papers are signed, moved, voided or left behind."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Stage
from station_emr.domain.errors import InvalidRecord, NotFound, PermissionDenied, StateError
from station_emr.domain.patient import Coverage
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.security.letters import verify_letter
from station_emr.services.visits import VisitPapers

from .conftest import MORNING, Station
from .visit_samples import VITALS, appointment, prescription, referral, sign, visit

PERSON = {
    "birth": BirthDate(1970),
    "national_id": "",
    "allergies": (),
    "coverages": (),
    "conditions": (),
}
OTHER = {**PERSON, "full_name": "Người Khác Mẫu"}


@pytest.fixture
def person(station):
    return station.register(**PERSON)


@pytest.fixture
def encounter(station, person):
    return visit(station, person)


def everything(station, encounter):
    return {
        "prescription": prescription(station, encounter),
        "appointment": appointment(station, encounter),
        "referral": referral(station, encounter),
    }


def statuses(station, encounter):
    with station.store.read() as work:
        stores = (work.prescriptions, work.appointments, work.referrals)
        found = [store.of_encounter(encounter.id) for store in stores]
        visit_now = work.encounters.find(encounter.id)
    return [None if one is None else one.status for one in (visit_now, *found)]


def actions(station, limit=20):
    return [row.action for row in station.services.accounts.audit(station.director, limit)]


# Voiding and discarding ---------------------------------------------------------------------


def test_voiding_a_visit_voids_all_its_papers_in_one_go(station, encounter):
    sign(station, encounter, **everything(station, encounter))
    second = prescription(station, encounter, "oresol")
    station.services.prescriptions.sign(station.doctor, second)
    left = appointment(station, encounter)
    station.services.encounters.set_stage(station.doctor, encounter.id, Stage.FINISHED)
    changes = station.services.encounters.void(station.doctor, encounter.id, "Nhầm người")
    assert statuses(station, encounter) == [RecordStatus.VOIDED] * 4
    kinds = sorted(item.kind for item in changes.items)
    assert kinds == ["appointment", "encounter", "prescription", "prescription", "referral"]
    logged = actions(station)
    assert logged.count("prescription.void") == 2
    assert {"referral.void", "appointment.void", "encounter.void"} <= set(logged)
    with station.store.read() as work:
        history = work.referrals.versions(changes.id_of(RecordKind.REFERRAL))
        assert "Nhầm người" in {version.reason for version in history}
        waiting = {(i.record_id, i.status) for i in work.outbox.waiting(50)}
    assert all((item.record_id, RecordStatus.VOIDED) in waiting for item in changes.items)
    with pytest.raises(StateError):
        station.services.appointments.sign(station.doctor, left)


def test_discarding_a_visit_takes_its_draft_papers_along(station, encounter):
    papers = everything(station, encounter)
    station.services.prescriptions.save_draft(station.nurse, papers["prescription"])
    station.services.referrals.save_draft(station.nurse, papers["referral"])
    station.services.encounters.discard(station.nurse, encounter.id)
    assert statuses(station, encounter) == [None] * 4
    assert {"prescription.discard", "referral.discard", "encounter.discard"} <= set(
        actions(station)
    )


def test_a_dropped_draft_paper_is_logged(station, encounter):
    draft = prescription(station, encounter)
    station.services.prescriptions.save_draft(station.nurse, draft)
    station.services.prescriptions.discard(station.nurse, draft.id)
    assert actions(station)[0] == "prescription.discard"
    with pytest.raises(NotFound):
        station.services.prescriptions.discard(station.nurse, draft.id)


# Papers and their visit ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["prescription", "appointment", "referral"])
def test_a_paper_is_never_signed_before_its_visit(station, encounter, kind):
    paper = everything(station, encounter)[kind]
    service = getattr(station.services, f"{kind}s")
    with pytest.raises(StateError, match="cùng lượt khám"):
        service.sign(station.doctor, paper)
    sign(station, encounter)
    service.sign(station.doctor, paper)


@pytest.mark.parametrize("kind", ["prescription", "appointment", "referral"])
def test_a_paper_of_another_person_or_visit_is_refused(station, encounter, kind):
    other = visit(station, station.register(**OTHER))
    paper = everything(station, other)[kind]
    with pytest.raises(StateError):
        sign(station, encounter, **{kind: paper})
    moved = replace(paper, encounter_id=encounter.id)
    with pytest.raises(StateError):
        sign(station, encounter, **{kind: moved})
    assert statuses(station, encounter) == [RecordStatus.DRAFT, None, None, None]


def test_a_visit_cannot_be_signed_for_somebody_else(station, encounter):
    other = station.register(**OTHER)
    with pytest.raises(StateError):
        sign(station, replace(encounter, patient_id=other.id))


@pytest.mark.parametrize("kind", ["appointment", "referral"])
def test_one_slip_and_one_letter_for_a_visit(station, encounter, kind):
    first, second = (everything(station, encounter)[kind] for _ in range(2))
    service = getattr(station.services, f"{kind}s")
    service.save_draft(station.nurse, second)
    sign(station, encounter, **{kind: first})
    with pytest.raises(StateError, match="đã có"):
        service.sign(station.doctor, second)
    assert service.get(station.doctor, second.id).status is RecordStatus.DRAFT
    service.void(station.doctor, first.id, "Người bệnh không đi")
    service.sign(station.doctor, second)


@pytest.mark.parametrize("kind", ["appointment", "referral"])
def test_an_amended_paper_keeps_number_person_and_visit(station, encounter, kind):
    paper = everything(station, encounter)[kind]
    sign(station, encounter, **{kind: paper})
    other = visit(station, station.register(**OTHER))
    service = getattr(station.services, f"{kind}s")
    before = service.get(station.doctor, paper.id).record
    changed = replace(
        before, number="X", patient_id=other.patient_id, encounter_id=other.id, patient=None
    )
    if kind == "referral":
        changed = replace(changed, treatment="Oxy 2 lít/phút")
    service.amend(station.doctor, changed, 1, "Sửa")
    after = service.get(station.doctor, paper.id).record
    assert (after.number, after.patient, after.patient_id, after.encounter_id) == (
        before.number,
        before.patient,
        before.patient_id,
        before.encounter_id,
    )
    if kind == "referral":
        read = verify_letter(after.letter_code, {})
        assert read.content.treatment == "Oxy 2 lít/phút"
        assert read.content.letter_number == before.number
    with station.store.read() as work:
        assert getattr(work, f"{kind}s").at_version(paper.id, 1) == before


def test_a_visit_is_amended_by_the_age_the_child_had_then(station):
    child = station.register(**{**PERSON, "birth": BirthDate(2026, 11, 1)})
    newborn = replace(VITALS, systolic=None, diastolic=None, pulse=140, respiratory_rate=45)
    encounter = visit(station, child, newborn)
    sign(station, encounter)
    station.clock.forward(days=20 * 365)
    signed = station.services.encounters.get(station.doctor, encounter.id).record
    noted = replace(signed, advice="Bú mẹ hoàn toàn")
    station.services.encounters.amend(station.doctor, noted, 1, "Bổ sung lời dặn")
    kept = station.services.encounters.get(station.doctor, encounter.id)
    assert (kept.version, kept.record.advice) == (2, "Bú mẹ hoàn toàn")


def test_an_amended_visit_stays_the_same_persons(station, encounter):
    sign(station, encounter)
    other = station.register(**OTHER)
    before = station.services.encounters.get(station.doctor, encounter.id).record
    moved = replace(before, patient_id=other.id, number="X", patient=None, advice="Ăn nhạt")
    station.services.encounters.amend(station.doctor, moved, 1, "Bổ sung lời dặn")
    after = station.services.encounters.get(station.doctor, encounter.id).record
    assert (after.patient_id, after.patient, after.number, after.advice) == (
        before.patient_id,
        before.patient,
        before.number,
        "Ăn nhạt",
    )


def test_only_signed_papers_are_printed_and_not_by_everybody(station, encounter):
    paper = referral(station, encounter)
    station.services.referrals.save_draft(station.nurse, paper)
    with pytest.raises(NotFound, match="chưa ký"):
        station.services.prints.print(station.nurse, RecordKind.REFERRAL, paper.id)
    sign(station, encounter, referral=paper)
    for role in (Role.INSPECTOR, Role.ADMINISTRATOR):
        with pytest.raises(PermissionDenied):
            station.services.prints.print(station.actor(role), RecordKind.REFERRAL, paper.id)
    printed = station.services.prints.print(station.nurse, RecordKind.REFERRAL, paper.id)
    assert printed.copy == 1


# The queue ----------------------------------------------------------------------------------


def test_a_no_show_of_yesterday_leaves_the_queue_when_the_person_is_back(station, person):
    first = station.services.encounters.check_in(station.nurse, person.id, "Ho").items[0]
    station.clock.forward(days=1)
    changes = station.services.encounters.check_in(station.nurse, person.id, "Ho")
    today = changes.id_of(RecordKind.ENCOUNTER)
    assert today != first.record_id
    assert [r.encounter_id for r in station.services.encounters.queue(station.nurse)] == [today]
    assert {item.record_id for item in changes.items} == {today, first.record_id}


def test_a_draft_with_anything_in_it_is_kept(station, person, encounter):
    station.clock.forward(days=1)
    today = station.services.encounters.check_in(station.nurse, person.id).items[0].record_id
    held = {row.encounter_id for row in station.services.encounters.queue(station.nurse)}
    assert held == {encounter.id, today}


def test_nobody_who_left_yesterday_is_called(station, person):
    station.services.encounters.check_in(station.nurse, person.id)
    station.clock.forward(days=1)
    with pytest.raises(StateError):
        station.services.encounters.call_next(station.doctor)
    other = station.register(**OTHER)
    station.services.encounters.check_in(station.nurse, other.id)
    called = station.services.encounters.call_next(station.doctor).items[0].record_id
    assert station.services.encounters.get(station.doctor, called).record.patient_id == other.id


def test_an_expired_card_pays_for_no_visit(station):
    card = Coverage(
        number="GD4649900000001",
        valid_from=MORNING.date() - timedelta(days=400),
        valid_to=MORNING.date() - timedelta(days=30),
    )
    person = station.register(**{**PERSON, "coverages": (card,)})
    made = station.services.encounters.check_in(station.nurse, person.id).items[0].record_id
    held = station.services.encounters.get(station.nurse, made).record
    assert (held.coverage_number, held.visit_object) == ("", "9")


def test_who_moves_a_visit_in_the_queue(station, encounter):
    sign(station, encounter, prescription=prescription(station, encounter))
    with pytest.raises(PermissionDenied):
        station.services.encounters.set_stage(
            station.actor(Role.INSPECTOR), encounter.id, Stage.FINISHED
        )
    station.services.encounters.set_stage(
        station.actor(Role.PHARMACIST), encounter.id, Stage.FINISHED
    )
    assert actions(station)[0] == "encounter.stage"


def test_a_pharmacist_sees_and_prints_and_changes_nothing_else(station, encounter):
    paper = prescription(station, encounter)
    sign(station, encounter, prescription=paper)
    pharmacist = station.actor(Role.PHARMACIST)
    assert station.services.prescriptions.get(pharmacist, paper.id)
    station.services.prints.print(pharmacist, RecordKind.PRESCRIPTION, paper.id)
    for forbidden in (
        lambda: station.services.prescriptions.save_draft(pharmacist, paper),
        lambda: station.services.prescriptions.amend(pharmacist, paper, 1, "x"),
        lambda: station.services.prescriptions.void(pharmacist, paper.id, "x"),
        lambda: station.services.encounters.record_vitals(pharmacist, encounter.id, VITALS),
        lambda: station.services.encounters.void(pharmacist, encounter.id, "x"),
        lambda: station.services.prints.log(pharmacist),
    ):
        with pytest.raises(PermissionDenied):
            forbidden()


# The clock ----------------------------------------------------------------------------------


def test_with_the_clock_in_2000_people_log_in_and_draft_but_nothing_is_signed(
    station, person, encounter
):
    earlier = visit(station, station.register(**OTHER))
    sign(station, earlier)
    station.clock.set(datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=7))))
    assert station.services.accounts.log_in("bshoa", "Máy 1").user.username == "bshoa"
    assert "01/01/2000" in station.services.accounts.clock_problem()
    assert station.services.patients.search(station.nurse, person.full_name)
    station.services.encounters.save_draft(station.doctor, encounter)
    for act in (
        lambda: sign(station, encounter),
        lambda: station.services.encounters.sign(station.doctor, encounter),
        lambda: station.services.encounters.void(station.doctor, earlier.id, "Nhầm"),
        lambda: station.services.prescriptions.sign(station.doctor, prescription(station, earlier)),
    ):
        with pytest.raises(StateError, match="chỉnh lại ngày giờ"):
            act()
    assert statuses(station, encounter)[0] is RecordStatus.DRAFT
    station.clock.set(MORNING + timedelta(hours=2))
    assert station.services.accounts.clock_problem() == ""
    sign(station, encounter)


def test_five_minutes_back_are_forgiven_six_are_not(station, encounter):
    other = visit(station, station.register(**OTHER))
    sign(station, other)
    signed_at = station.services.encounters.get(station.doctor, other.id).saved_at
    station.clock.set(signed_at - timedelta(minutes=6))
    with pytest.raises(StateError):
        sign(station, encounter)
    station.clock.set(signed_at - timedelta(minutes=4))
    sign(station, encounter)


def test_after_a_signature_in_a_wrong_future_the_director_accepts_the_time(station, encounter):
    other = visit(station, station.register(**OTHER))
    station.clock.forward(days=3000)
    sign(station, other)
    station.clock.set(MORNING + timedelta(hours=3))
    with pytest.raises(StateError):
        sign(station, encounter)
    with pytest.raises(PermissionDenied):
        station.services.accounts.accept_clock(station.doctor)
    station.services.accounts.accept_clock(station.director)
    assert actions(station)[0] == "clock.accept"
    sign(station, encounter)


# Numbers, sessions, rights ------------------------------------------------------------------


def test_numbers_start_again_with_the_year_and_have_no_gap(station):
    numbers = []
    for moment in (
        MORNING.replace(month=12, day=30),
        MORNING.replace(month=12, day=31),
        MORNING.replace(year=2027, month=1, day=1),
    ):
        station.clock.set(moment)
        encounter = visit(station, station.register(**PERSON))
        paper = replace(appointment(station, encounter), on=moment.date() + timedelta(days=20))
        letter = referral(station, encounter)
        with pytest.raises(InvalidRecord):  # a refused signature takes no number
            sign(station, replace(encounter, result=""), appointment=paper, referral=letter)
        yes = ["appointment.on:date-sunday"]
        station.services.visits.sign(
            station.doctor,
            VisitPapers(encounter=encounter, appointment=paper, referral=letter),
            yes,
        )
        numbers.append(
            (
                station.services.encounters.get(station.doctor, encounter.id).record.number,
                station.services.appointments.get(station.doctor, paper.id).record.number,
                station.services.referrals.get(station.doctor, letter.id).record.number,
            )
        )
    assert numbers == [
        ("A126.000001", "A1-0001/2026/PHKL", "A1-0001/2026/PCCKCB"),
        ("A126.000002", "A1-0002/2026/PHKL", "A1-0002/2026/PCCKCB"),
        ("A127.000001", "A1-0001/2027/PHKL", "A1-0001/2027/PCCKCB"),
    ]


def test_two_sessions_on_one_pc_share_numbers_and_see_each_others_signature(station, encounter):
    second = Station(station.path, station.clock)
    try:
        charts = [
            where.register(**{**PERSON, "full_name": f"Người {index} Mẫu"}).chart_number
            for index, where in enumerate((station, second, station, second))
        ]
        assert charts == [f"A126-{n:06d}" for n in range(2, 6)]
        sign(second, encounter)
        with pytest.raises(StateError):
            sign(station, encounter)
        with pytest.raises(StateError):
            station.services.encounters.save_draft(station.nurse, encounter)
    finally:
        second.store.close()


def test_rights_are_asked_again_at_the_moment_of_signing(station, encounter):
    doctor = station.doctor
    accounts = station.services.accounts
    accounts.update_user(station.director, replace(doctor.user, licence_no=""))
    with pytest.raises(PermissionDenied, match="giấy phép"):
        station.services.visits.sign(doctor, VisitPapers(encounter=encounter))
    accounts.update_user(station.director, replace(doctor.user, role=Role.NURSE))
    with pytest.raises(PermissionDenied):
        station.services.visits.sign(doctor, VisitPapers(encounter=encounter))
    accounts.update_user(station.director, replace(doctor.user, active=False))
    with pytest.raises(PermissionDenied, match="ngừng sử dụng"):
        station.services.visits.sign(doctor, VisitPapers(encounter=encounter))
    assert statuses(station, encounter)[0] is RecordStatus.DRAFT


@pytest.mark.parametrize("kind", ["prescription", "appointment", "referral"])
def test_each_paper_asks_for_its_own_right_inside_a_wider_transaction(station, encounter, kind):
    paper = everything(station, encounter)[kind]
    service = getattr(station.services, f"{kind}s")
    with pytest.raises(PermissionDenied), station.store.write() as work:
        service.sign_within(work, station.nurse, paper)
    with pytest.raises(PermissionDenied), station.store.write() as work:
        station.services.encounters.sign_within(work, station.nurse, encounter, ())
    assert statuses(station, encounter) == [RecordStatus.DRAFT, None, None, None]
