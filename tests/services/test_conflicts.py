"""The conflict desk over a real station: what another machine wrote, seen, decided and undone."""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.demo.clock import DemoClock
from station_emr.domain.birth import BirthDate
from station_emr.domain.errors import Conflict, InvalidRecord, PermissionDenied, StateError
from station_emr.domain.operation import Applied
from station_emr.domain.patient import Allergy, Coverage
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus, Sex
from station_emr.services.desk_views import Choice
from station_emr.services.guards import confirmation_key
from tests.services.conftest import KEY, MORNING
from tests.services.replicas import Machine, sealed
from tests.services.visit_samples import prescription, referral, sign, visit

PATIENT, ENCOUNTER = RecordKind.PATIENT, RecordKind.ENCOUNTER


@pytest.fixture
def desk(station, template, tmp_path):
    """A station and a second machine that shares its lines; gives both as machines."""
    lines = {}
    path = tmp_path / "other.db"
    shutil.copy(template, path)
    other_clock = DemoClock(MORNING + timedelta(days=40), seed=8)
    here = Machine("may0", station.store, station.clock, lines)
    there = Machine("may1", EncryptedStore.open(path, KEY), other_clock, lines)
    yield here, there
    there.store.close()


def conflict(station, desk, patient, mine, theirs):
    """The two machines change one chart each in their way; this one hears of it."""
    here, there = desk
    there.take(*here.operations(PATIENT, patient.id))
    here.edit(PATIENT, patient.id, station.nurse.user.snapshot, **mine)
    there.edit(PATIENT, patient.id, station.doctor.user.snapshot, **theirs)
    return here.take(*there.operations(PATIENT, patient.id))[-1]


def side_of(view, path, text):
    """Which choice means this value: the order of the two depends on their ids."""
    row = next(row for row in view.differences if row.path == path)
    return Choice.ONE if row.one == text else Choice.OTHER


def decide(station, patient, choices, *, actor=None, version=None, reason=""):
    view = station.services.conflicts.open(station.nurse, PATIENT, patient.id)
    return station.services.conflicts.decide(
        actor or station.nurse,
        PATIENT,
        patient.id,
        choices,
        reason=reason,
        expected_version=version or view.version,
    )


def test_the_desk_shows_both_values_who_wrote_them_and_what_it_was(station, desk):
    patient = station.register(full_name="Rơ Châm Mẫu", phone="0900000001", allergies=())
    outcome = conflict(station, desk, patient, {"phone": "0900000002"}, {"phone": "0900000003"})
    assert outcome is Applied.CONFLICT
    conflicts = station.services.conflicts
    (row,) = conflicts.rows(station.nurse)
    assert conflicts.count() == 1
    assert (row.patient_name, row.fields, row.safety) == ("Rơ Châm Mẫu", ("Điện thoại",), False)
    view = conflicts.open(station.nurse, PATIENT, patient.id)
    (difference,) = view.differences
    assert difference.base == "0900000001"
    assert {difference.one, difference.other} == {"0900000002", "0900000003"}
    assert {view.one.author_name, view.other.author_name} == {
        station.nurse.user.full_name,
        station.doctor.user.full_name,
    }
    assert difference.shown is Choice.ONE
    assert not view.signed


def test_a_decision_is_a_version_and_travels(station, desk):
    here, there = desk
    patient = station.register(phone="0900000001", allergies=())
    conflict(station, desk, patient, {"phone": "0900000002"}, {"phone": "0900000003"})
    view = station.services.conflicts.open(station.nurse, PATIENT, patient.id)
    wanted = side_of(view, "phone", "0900000003")
    decide(station, patient, {"phone": wanted})
    assert station.services.conflicts.count() == 0
    assert station.services.patients.get(station.nurse, patient.id).record.phone == "0900000003"
    assert there.take(*here.operations(PATIENT, patient.id))[-1] is Applied.NEWEST
    assert there.state(PATIENT, patient.id) == here.state(PATIENT, patient.id)
    assert there.state(PATIENT, patient.id)["open"] == ()
    with pytest.raises(StateError):
        station.services.conflicts.open(station.nurse, PATIENT, patient.id)
    assert "0900000002" in {record.phone for record in here.history(PATIENT, patient.id)}


def test_what_is_not_chosen_stays_open_and_a_stale_view_is_refused(station, desk):
    patient = station.register(phone="0900000001", note="", allergies=())
    conflict(
        station,
        desk,
        patient,
        {"phone": "0900000002", "note": "một"},
        {"phone": "0900000003", "note": "hai"},
    )
    view = station.services.conflicts.open(station.nurse, PATIENT, patient.id)
    decide(station, patient, {"phone": Choice.ONE})
    with pytest.raises(Conflict):
        decide(station, patient, {"note": Choice.ONE}, version=view.version)
    again = station.services.conflicts.open(station.nurse, PATIENT, patient.id)
    assert [row.path for row in again.differences] == ["note"]
    assert again.row.since == view.row.since  # a decision makes the open rest no younger
    with pytest.raises(StateError):
        decide(station, patient, {"phone": Choice.ONE})  # nothing open was chosen
    decide(station, patient, {"note": side_of(again, "note", "hai")})
    assert station.services.patients.get(station.nurse, patient.id).record.note == "hai"
    assert station.services.conflicts.rows(station.nurse) == ()


def test_undoing_a_decision_asks_again(station, desk):
    patient = station.register(phone="0900000001", allergies=())
    conflict(station, desk, patient, {"phone": "0900000002"}, {"phone": "0900000003"})
    shown = station.services.patients.get(station.nurse, patient.id).record.phone
    conflicts = station.services.conflicts
    decide(station, patient, {"phone": Choice.OTHER})
    (row,) = conflicts.decided(station.nurse)
    assert (row.kind, row.record_id) == (PATIENT, patient.id)
    conflicts.undo(station.nurse, PATIENT, patient.id)
    assert station.services.patients.get(station.nurse, patient.id).record.phone == shown
    assert conflicts.count() == 1
    assert conflicts.decided(station.nurse) == ()
    with pytest.raises(StateError):
        conflicts.undo(station.nurse, PATIENT, patient.id)
    (difference,) = conflicts.open(station.nurse, PATIENT, patient.id).differences
    assert {difference.one, difference.other} == {"0900000002", "0900000003"}
    decide(station, patient, {"phone": Choice.ONE})
    (row,) = conflicts.decided(station.nurse)
    assert row.version == 7


def test_a_decision_of_another_machine_can_be_undone_here(station, desk):
    here, there = desk
    patient = station.register(phone="0900000001", allergies=())
    conflict(station, desk, patient, {"phone": "0900000002"}, {"phone": "0900000003"})
    there.take(*here.operations(PATIENT, patient.id))
    there.settle(PATIENT, patient.id, station.doctor.user.snapshot)
    here.take(*there.operations(PATIENT, patient.id))
    (row,) = station.services.conflicts.decided(station.nurse)
    assert row.decided_by == station.doctor.user.full_name
    station.services.conflicts.undo(station.nurse, PATIENT, patient.id)
    assert station.services.conflicts.count() == 1


def test_lists_may_be_kept_both_and_a_known_allergy_outweighs_the_tick(station, desk):
    patient = station.register(allergies=(), no_known_allergy=True, coverages=())
    first, second = Allergy(substance="Penicillin"), Allergy(substance="Tôm")
    conflict(
        station,
        desk,
        patient,
        {"allergies": (first,), "no_known_allergy": False},
        {"allergies": (second,), "no_known_allergy": False},
    )
    (row,) = station.services.conflicts.rows(station.nurse)
    assert row.safety
    view = station.services.conflicts.open(station.nurse, PATIENT, patient.id)
    (difference,) = view.differences
    assert difference.may_keep_both
    assert difference.shown is Choice.BOTH
    assert "Penicillin" in difference.one + difference.other
    decide(station, patient, {"allergies": Choice.BOTH})
    kept = station.services.patients.get(station.nurse, patient.id).record
    assert set(kept.allergies) == {first, second}


def test_three_people_are_three_values_and_each_can_be_chosen(station, desk):
    here, _ = desk
    patient = station.register(phone="0900000001", allergies=())
    conflict(station, desk, patient, {"phone": "0900000002"}, {"phone": "0900000003"})
    # A third machine, which knew only the first version.
    first = here.operations(PATIENT, patient.id)[0]
    third = replace(first.record, phone="0900000004")
    envelope = replace(
        first.envelope, base=(first.op_id,), incarnation="may2", status=RecordStatus.AMENDED
    )
    operation = sealed(envelope, third)
    here.lines[operation.line] = operation
    assert here.take(operation) == [Applied.CONFLICT]
    view = station.services.conflicts.open(station.nurse, PATIENT, patient.id)
    assert [row.path for row in view.differences] == ["phone", "phone@3"]
    shown = {view.differences[0].one, *(row.other for row in view.differences)}
    assert shown == {"0900000002", "0900000003", "0900000004"}
    last = view.differences[1]
    decide(station, patient, {"phone": Choice.ONE, "phone@3": Choice.OTHER})
    assert station.services.patients.get(station.nurse, patient.id).record.phone == last.other
    assert station.services.conflicts.count() == 0


def test_an_ordinary_edit_closes_what_it_changes_and_leaves_the_rest_open(station, desk):
    patient = station.register(phone="0900000001", note="", allergies=(), national_id="")
    conflict(
        station,
        desk,
        patient,
        {"phone": "0900000002", "note": "một"},
        {"phone": "0900000003", "note": "hai"},
    )
    patients = station.services.patients
    stored = patients.get(station.nurse, patient.id)
    corrected = replace(stored.record, phone="0900000009")
    yes = [confirmation_key(p) for p in patients.check(corrected)]
    patients.update(station.nurse, corrected, stored.version, yes)
    view = station.services.conflicts.open(station.nurse, PATIENT, patient.id)
    (difference,) = view.differences
    assert (difference.path, {difference.one, difference.other}) == ("note", {"một", "hai"})


def test_who_may_decide(station, desk):
    patient = station.register(phone="0900000001", allergies=())
    conflict(station, desk, patient, {"phone": "0900000002"}, {"phone": "0900000003"})
    with pytest.raises(PermissionDenied):
        station.services.conflicts.rows(station.actor(Role.ADMINISTRATOR))
    with pytest.raises(PermissionDenied):
        station.services.conflicts.open(station.actor(Role.ADMINISTRATOR), PATIENT, patient.id)
    with pytest.raises(PermissionDenied):
        decide(station, patient, {"phone": Choice.ONE}, actor=station.actor(Role.INSPECTOR))
    assert station.services.conflicts.count() == 1


# Signed documents ----------------------------------------------------------------------------


def signed_visit(station, desk):
    """A visit with its papers, signed here and known there."""
    here, there = desk
    patient = station.register(allergies=())
    encounter = visit(station, patient)
    made = sign(
        station,
        encounter,
        prescription=prescription(station, encounter),
        referral=referral(station, encounter),
    )
    there.take(*here.operations(PATIENT, patient.id))
    for item in made.items:
        there.take(*here.operations(item.kind, item.record_id))
    return patient, made


def clash(station, desk, kind, record_id, mine, theirs, status=None):
    here, there = desk
    station.clock.forward(minutes=5)
    here.edit(kind, record_id, station.doctor.user.snapshot, **mine)
    there.edit(kind, record_id, station.director.user.snapshot, status, **theirs)
    return here.take(*there.operations(kind, record_id))[-1]


def test_a_signed_visit_is_decided_by_an_amendment_with_reason_and_signature(station, desk):
    _, made = signed_visit(station, desk)
    visit_id = made.id_of(ENCOUNTER)
    clash(station, desk, ENCOUNTER, visit_id, {"advice": "Nghỉ"}, {"advice": "Uống nước"})
    conflicts = station.services.conflicts
    view = conflicts.open(station.doctor, ENCOUNTER, visit_id)
    assert view.signed
    assert [row.path for row in view.differences] == ["advice"]
    choose = {"advice": side_of(view, "advice", "Uống nước")}
    with pytest.raises(PermissionDenied):
        conflicts.decide(
            station.nurse,
            ENCOUNTER,
            visit_id,
            choose,
            reason="xem lại",
            expected_version=view.version,
        )
    with pytest.raises(InvalidRecord):
        conflicts.decide(station.doctor, ENCOUNTER, visit_id, choose, expected_version=view.version)
    conflicts.decide(
        station.doctor, ENCOUNTER, visit_id, choose, reason="xem lại", expected_version=view.version
    )
    stored = station.services.encounters.get(station.doctor, visit_id)
    assert stored.record.advice == "Uống nước"
    assert stored.record.signature.by.user_id == station.doctor.user.id
    assert stored.status is RecordStatus.AMENDED
    with station.store.read() as work:
        assert work.encounters.versions(visit_id)[-1].reason == "xem lại"
        proven = work.signatures.evidence_of(ENCOUNTER, visit_id)[-1]
        assert (proven.version, proven.user_id) == (stored.version, station.doctor.user.id)
    with pytest.raises(InvalidRecord):
        conflicts.undo(station.doctor, ENCOUNTER, visit_id)
    conflicts.undo(station.doctor, ENCOUNTER, visit_id, reason="chọn nhầm")
    assert conflicts.count() == 1


def test_choosing_voided_voids_the_visit_with_its_papers(station, desk):
    _, made = signed_visit(station, desk)
    visit_id = made.id_of(ENCOUNTER)
    clash(station, desk, ENCOUNTER, visit_id, {"advice": "Nghỉ"}, {}, RecordStatus.VOIDED)
    conflicts = station.services.conflicts
    view = conflicts.open(station.doctor, ENCOUNTER, visit_id)
    assert {row.path for row in view.differences} == {"status", "advice"}
    choose = {
        "status": side_of(view, "status", "Đã hủy"),
        "advice": side_of(view, "advice", "Nghỉ"),
    }
    changes = conflicts.decide(
        station.doctor,
        ENCOUNTER,
        visit_id,
        choose,
        reason="trùng lượt",
        expected_version=view.version,
    )
    assert {item.kind for item in changes.items} == {
        ENCOUNTER,
        RecordKind.PRESCRIPTION,
        RecordKind.REFERRAL,
    }
    assert {item.status for item in changes.items} == {RecordStatus.VOIDED}
    assert [row.papers_voided for row in conflicts.decided(station.doctor)] == [True]
    conflicts.undo(station.doctor, ENCOUNTER, visit_id, reason="chọn nhầm")
    view = conflicts.open(station.doctor, ENCOUNTER, visit_id)
    choose = {"status": side_of(view, "status", "Đang có giá trị")}
    conflicts.decide(
        station.doctor, ENCOUNTER, visit_id, choose, reason="có khám", expected_version=view.version
    )
    assert station.services.encounters.get(station.doctor, visit_id).status is RecordStatus.AMENDED
    assert [row.papers_voided for row in conflicts.decided(station.doctor)] == [False]


def test_a_letter_gets_its_code_anew(station, desk):
    _, made = signed_visit(station, desk)
    letter_id = made.id_of(RecordKind.REFERRAL)
    before = station.services.referrals.get(station.doctor, letter_id).record
    clash(station, desk, RecordKind.REFERRAL, letter_id, {"plan": "Siêu âm"}, {"plan": "Chụp phim"})
    view = station.services.conflicts.open(station.doctor, RecordKind.REFERRAL, letter_id)
    station.services.conflicts.decide(
        station.doctor,
        RecordKind.REFERRAL,
        letter_id,
        {"plan": Choice.OTHER},
        reason="đúng hướng",
        expected_version=view.version,
    )
    after = station.services.referrals.get(station.doctor, letter_id).record
    assert after.letter_code
    assert after.letter_code != before.letter_code
    assert after.number == before.number


def test_cards_of_both_sides_are_kept_when_both_added_one(station, desk):
    patient = station.register(coverages=(), allergies=())
    one, other = Coverage(number="GD4649900000101"), Coverage(number="GD4649900000102")
    outcome = conflict(station, desk, patient, {"coverages": (one,)}, {"coverages": (other,)})
    assert outcome is Applied.MERGED
    kept = station.services.patients.get(station.nurse, patient.id).record.coverages
    assert set(kept) == {one, other}
    assert station.services.conflicts.count() == 0


# The rules of the forms -----------------------------------------------------------------------


def answer(station, kind, record_id, path, text, *, actor=None, confirmed=()):
    """Decide one field of a record for the value that reads ``text``."""
    view = station.services.conflicts.open(station.doctor, kind, record_id)
    return station.services.conflicts.decide(
        actor or station.doctor,
        kind,
        record_id,
        {path: side_of(view, path, text)},
        reason="đã hỏi lại",
        expected_version=view.version,
        confirmed=confirmed,
    )


def test_a_visit_whose_form_would_refuse_the_result_is_not_signed(station, desk):
    _, made = signed_visit(station, desk)
    visit_id = made.id_of(ENCOUNTER)
    clash(station, desk, ENCOUNTER, visit_id, {"diagnoses": ()}, {"reason": "Đau đầu"})
    with pytest.raises(InvalidRecord) as refused:
        answer(station, ENCOUNTER, visit_id, "diagnoses", "")
    assert [problem.code for problem in refused.value.problems] == ["main-required"]
    assert "chẩn đoán" in str(refused.value).lower()
    assert station.services.conflicts.count() == 1
    view = station.services.conflicts.open(station.doctor, ENCOUNTER, visit_id)
    kept = next(row for row in view.differences if row.path == "diagnoses")
    answer(station, ENCOUNTER, visit_id, "diagnoses", kept.one or kept.other)


def test_a_fault_in_a_field_that_others_left_keeps_nobody_from_deciding(station, desk):
    _, made = signed_visit(station, desk)
    visit_id = made.id_of(ENCOUNTER)
    gone = {"diagnoses": ()}
    clash(station, desk, ENCOUNTER, visit_id, gone | {"advice": "A"}, gone | {"advice": "B"})

    answer(station, ENCOUNTER, visit_id, "advice", "B")

    assert station.services.encounters.get(station.doctor, visit_id).record.advice == "B"


def test_a_prescription_over_the_allowed_days_is_not_signed(station, desk):
    _, made = signed_visit(station, desk)
    paper_id = made.id_of(RecordKind.PRESCRIPTION)
    before = station.services.prescriptions.get(station.doctor, paper_id).record
    long = (replace(before.lines[0], days=200), *before.lines[1:])
    clash(station, desk, RecordKind.PRESCRIPTION, paper_id, {"lines": long}, {"advice": "Ăn nhạt"})
    view = station.services.conflicts.open(station.doctor, RecordKind.PRESCRIPTION, paper_id)
    lines = next(row for row in view.differences if row.path == "lines")
    wrong = next(text for text in (lines.one, lines.other) if "200" in text)
    with pytest.raises(InvalidRecord) as refused:
        answer(station, RecordKind.PRESCRIPTION, paper_id, "lines", wrong)
    assert str(refused.value).startswith("Thuốc: ")


def test_a_doubtful_identity_number_is_asked_about_as_on_the_form(station, desk):
    doubtful = "064199000001"  # a man born in 1999 by its digits
    patient = station.register(
        full_name="Rơ Châm H'Mẫu", birth=BirthDate(1960, 1, 1), sex=Sex.FEMALE, national_id=""
    )
    conflict(station, desk, patient, {"national_id": doubtful}, {"national_id": "064160000001"})
    with pytest.raises(InvalidRecord) as asked:
        answer(station, PATIENT, patient.id, "national_id", doubtful, actor=station.nurse)
    assert {problem.severity for problem in asked.value.problems} == {"confirm"}
    assert station.services.conflicts.count() == 1
    yes = [confirmation_key(problem) for problem in asked.value.problems]
    answer(
        station, PATIENT, patient.id, "national_id", doubtful, actor=station.nurse, confirmed=yes
    )
    assert station.services.patients.get(station.nurse, patient.id).record.national_id == doubtful


def test_the_answers_stay_with_the_visit(station, desk):
    _, made = signed_visit(station, desk)
    visit_id = made.id_of(ENCOUNTER)
    record = station.services.encounters.get(station.doctor, visit_id).record
    fast = (replace(record.vitals[0], pulse=160), *record.vitals[1:])
    clash(station, desk, ENCOUNTER, visit_id, {"vitals": fast, "confirmed": ()}, {})
    view = station.services.conflicts.open(station.doctor, ENCOUNTER, visit_id)
    vitals = next(row for row in view.differences if row.path == "vitals")
    wanted = next(text for text in (vitals.one, vitals.other) if "160" in text)
    with pytest.raises(InvalidRecord) as asked:
        answer(station, ENCOUNTER, visit_id, "vitals", wanted)
    (question,) = asked.value.problems
    assert question.message.startswith("Dấu hiệu sinh tồn: ") or "Mạch" in question.message
    answer(station, ENCOUNTER, visit_id, "vitals", wanted, confirmed=[confirmation_key(question)])
    kept = station.services.encounters.get(station.doctor, visit_id).record
    assert confirmation_key(question) in kept.confirmed
