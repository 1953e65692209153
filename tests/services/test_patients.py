from dataclasses import replace
from datetime import date

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.errors import Conflict, InvalidRecord, PermissionDenied
from station_emr.domain.patient import Allergy, Coverage
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus


def test_registering_gives_number_version_outbox_and_audit_in_one_go(station):
    patient = station.register(full_name="Rơ Châm H'Bĕ̆")
    stored = station.services.patients.get(station.nurse, patient.id)
    assert stored.version == 1
    assert stored.status is RecordStatus.SIGNED
    assert patient.chart_number == "A126-000001"
    with station.store.read() as work:
        waiting = [item for item in work.outbox.waiting(100) if item.record_id == patient.id]
        audit = [row.action for row in work.audit.rows(10)]
    assert [item.version for item in waiting] == [1]
    assert "patient.register" in audit


def test_found_by_folded_words_in_any_order_and_by_numbers(station):
    patient = station.register(full_name="Rơ Châm H'Bĕ̆", national_id="064192990001")
    other = station.register(full_name="Nguyễn Văn Đạt", national_id="064092990002")
    for text in ("ro cham", "be cham", "H'Bĕ̆", "hbe ro", "064192990001", "0641929"):
        assert [r.id for r in station.services.patients.search(station.nurse, text)] == [patient.id]
    assert [r.id for r in station.services.patients.search(station.nurse, "dat")] == [other.id]
    assert station.services.patients.search(station.nurse, "  ") == ()


def test_same_national_id_is_refused_until_confirmed(station):
    first = station.register(national_id="064192990001", full_name="Siu H'Lăn")
    again = replace(first, id="", full_name="Siu H Lan")
    with pytest.raises(InvalidRecord) as refused:
        station.services.patients.register(station.nurse, again, ["guardian:guardian-missing"])
    assert ("national_id", "duplicate") in {(p.field, p.code) for p in refused.value.problems}
    with station.store.read() as work:
        assert work.counts().patients == 1


def test_similar_name_and_birth_year_are_shown_while_typing(station):
    known = station.register(
        full_name="Rah Lan H'Nhung", birth=BirthDate(1985, 4, 2), national_id=""
    )
    typed = replace(
        known, id="", full_name="Rah Lan H Nhung", birth=BirthDate(1985), phone="", coverages=()
    )
    (found,) = station.services.patients.duplicates(station.nurse, typed)
    assert found.patient.id == known.id
    assert not found.certain
    far = replace(typed, full_name="Nguyễn Thị Mai")
    assert station.services.patients.duplicates(station.nurse, far) == ()


def test_update_is_a_version_and_a_stale_one_is_a_conflict(station):
    patient = station.register()
    moved = replace(patient, address=replace(patient.address, line="Làng Mới Mẫu"))
    station.services.patients.update(station.nurse, moved, 1, confirmed=everything(station, moved))
    with pytest.raises(Conflict):
        station.services.patients.update(
            station.nurse,
            replace(moved, phone="0900000099"),
            1,
            confirmed=everything(station, moved),
        )
    history = station.services.patients.card(station.nurse, patient.id).history
    assert {v.version for v in history} == {1, 2}
    with station.store.read() as work:
        assert work.patients.at_version(patient.id, 1).address == patient.address


def test_unchanged_update_writes_nothing(station):
    patient = station.register()
    changes = station.services.patients.update(
        station.nurse, patient, 1, confirmed=everything(station, patient)
    )
    assert changes.items == ()


def test_bad_input_is_refused_beside_the_field_and_nothing_is_written(station):
    patient = replace(
        station.register(),
        id="",
        birth=BirthDate(2030),
        coverages=(Coverage(number="GD4649900000009", valid_to=date(2020, 1, 1)),),
    )
    with pytest.raises(InvalidRecord) as refused:
        station.services.patients.register(station.nurse, patient)
    fields = {problem.field for problem in refused.value.problems}
    assert {"birth", "coverages.0.valid_to"} <= fields
    with station.store.read() as work:
        assert work.counts().patients == 1


def test_every_field_at_fault_is_named_not_only_the_first(station):
    wrong = replace(
        station.register(),
        id="",
        full_name="",
        national_id="12",
        phone="34",
        coverages=(Coverage(number="XX"), Coverage(number="GD4649900000001")),
    )
    with pytest.raises(InvalidRecord) as refused:
        station.services.patients.register(station.nurse, wrong)
    fields = {p.field for p in refused.value.problems if p.severity == "error"}
    assert fields == {"full_name", "national_id", "phone", "coverages.0.number"}


def test_taking_another_persons_number_is_asked_about(station):
    first = station.register(national_id="064192990001", full_name="Siu H'Lăn")
    other = station.register(national_id="064092990002", full_name="Nguyễn Văn Đạt")
    taken = replace(other, national_id=first.national_id)
    yes = everything(station, taken)
    with pytest.raises(InvalidRecord) as refused:
        station.services.patients.update(station.nurse, taken, 1, yes)
    assert [p.code for p in refused.value.problems] == ["duplicate"]
    station.services.patients.update(station.nurse, taken, 1, [*yes, "national_id:duplicate"])


def test_a_number_typed_with_spaces_is_compared_all_the_same(station):
    person = replace(station.register(), birth=BirthDate(1985), national_id="064 192 990 001")
    assert "national-id-birth-year" in {p.code for p in station.services.patients.check(person)}


def test_a_listed_allergy_outweighs_the_tick(station):
    person = station.register(allergies=(Allergy(substance="Penicillin"),), no_known_allergy=True)
    assert not person.no_known_allergy
    assert person.allergies


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.INSPECTOR, Role.PHARMACIST])
def test_who_may_not_register(station, role):
    patient = replace(station.register(), id="")
    with pytest.raises(PermissionDenied):
        station.services.patients.register(station.actor(role), patient)


def test_administrator_sees_no_patient(station):
    patient = station.register()
    admin = station.actor(Role.ADMINISTRATOR)
    with pytest.raises(PermissionDenied):
        station.services.patients.search(admin, "a")
    with pytest.raises(PermissionDenied):
        station.services.patients.card(admin, patient.id)


def test_looking_at_a_card_is_logged(station):
    patient = station.register()
    station.services.patients.card(station.doctor, patient.id)
    rows = station.services.accounts.audit(station.director)
    assert rows[0].action == "patient.view"
    assert rows[0].patient_id == patient.id
    assert rows[0].kind == RecordKind.PATIENT
    assert station.services.accounts.verify_audit(station.director) is None


def everything(station, patient):
    return [f"{p.field}:{p.code}" for p in station.services.patients.check(patient)]
