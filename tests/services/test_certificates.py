"""Sick-leave certificates: when one may be given, for how long, and what "issued again" means."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.errors import InvalidRecord, PermissionDenied, StateError
from station_emr.domain.patient import Coverage, Guardian
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.vitals import VitalSigns

from .visit_samples import sign, visit

CALM = VitalSigns(pulse=100)
CARD = Coverage(number="DN4640000000001", valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31))


def ready(station, **person):
    """A draft that may be signed, of a visit that is."""
    details = {"birth": BirthDate(1990, 1, 2), "coverages": (CARD,), "workplace": "Công ty Mẫu"}
    encounter = visit(station, station.register(**details | person), CALM)
    sign(station, encounter)
    draft = station.services.certificates.prepare(station.doctor, encounter.id)
    first = draft.first_day
    return replace(draft, days=3, last_day=first + timedelta(days=2))


def codes(station, draft) -> set[str]:
    with pytest.raises(InvalidRecord) as refused:
        station.services.certificates.sign(station.doctor, draft)
    return {f"{one.field}:{one.code}" for one in refused.value.problems}


def test_the_draft_is_filled_from_the_visit_and_the_card(station) -> None:
    draft = ready(station)
    assert draft.social_insurance_no == "0000000001"
    assert draft.workplace == "Công ty Mẫu"
    assert draft.visited_on == draft.first_day == station.clock.now().date()
    assert draft.diagnosis_text == "I10 Tăng huyết áp"
    assert draft.treatment == "Nội khoa"


def test_a_signed_one_has_its_numbers_and_is_queued(station) -> None:
    certificates = station.services.certificates
    first = certificates.sign(station.doctor, ready(station)).id_of(RecordKind.CERTIFICATE)
    second = certificates.sign(station.doctor, ready(station)).id_of(RecordKind.CERTIFICATE)
    one, other = (certificates.get(station.doctor, each).record for each in (first, second))
    assert one.number.endswith("0001/2026/KCB")
    assert other.number.endswith("0002/2026/KCB")
    assert one.serial != other.serial
    assert one.issued_on == one.first_day
    assert one.head_name
    assert one.practitioner is not None
    assert one.practitioner.licence_no == station.doctor.user.licence_no
    with station.store.read() as work:
        queued = {(each.kind, each.record_id) for each in work.outbox.waiting(50)}
    assert {(RecordKind.CERTIFICATE, first), (RecordKind.CERTIFICATE, second)} <= queued


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"days": None}, "days:days-required"),
        ({"days": 2}, "days:days-count"),
        ({"days": 0}, "days:days-count"),
        ({"social_insurance_no": ""}, "social_insurance_no:insurance-no-required"),
        ({"social_insurance_no": "0000000000"}, "social_insurance_no:insurance-no-form"),
        ({"social_insurance_no": "12345"}, "social_insurance_no:insurance-no-form"),
        ({"workplace": " "}, "workplace:workplace-required"),
        ({"diagnoses": ()}, "diagnoses:diagnosis-required"),
        ({"diagnoses": (Diagnosis(icd_code="", title="Sốt"),)}, "diagnoses:diagnosis-code"),
        ({"treatment": "Uống thuốc"}, "treatment:treatment-wording"),
        (
            {"pregnancy_ended": True, "gestation_weeks": 9},
            "termination_cause:termination-cause-required",
        ),
        ({"pregnancy_ended": True, "termination_cause": "Sảy"}, "gestation_weeks:gestation-range"),
        (
            {"pregnancy_ended": True, "termination_cause": "Sảy", "gestation_weeks": 43},
            "gestation_weeks:gestation-range",
        ),
    ],
)
def test_what_is_missing_is_named(station, changes, refused) -> None:
    assert refused in codes(station, replace(ready(station), **changes))


def lasting(draft, days):
    return replace(draft, days=days, last_day=draft.first_day + timedelta(days=days - 1))


def with_code(draft, code):
    main = Diagnosis(icd_code=code, title="Bệnh mẫu", role=DiagnosisRole.MAIN)
    return replace(draft, diagnoses=(main,))


def ended(draft, weeks):
    return replace(draft, pregnancy_ended=True, termination_cause="Sảy thai", gestation_weeks=weeks)


@pytest.mark.parametrize(
    ("change", "most"),
    [
        (lambda draft: draft, 30),
        (lambda draft: with_code(draft, "A15.0"), 180),
        (lambda draft: with_code(draft, "A20.0"), 30),
        (lambda draft: ended(draft, 12), 30),
        (lambda draft: ended(draft, 13), 50),
    ],
    ids=["usual", "tuberculosis", "other", "12-weeks", "13-weeks"],
)
def test_the_longest_leave_depends_on_what_it_is(station, change, most) -> None:
    draft = change(ready(station))
    assert "days:days-limit" in codes(station, lasting(draft, most + 1))
    station.services.certificates.sign(station.doctor, lasting(draft, most))


def test_the_first_day_is_the_day_of_the_visit(station) -> None:
    draft = ready(station)
    later = draft.first_day + timedelta(days=1)
    moved = replace(draft, first_day=later, last_day=later + timedelta(days=2))
    assert "first_day:first-day" in codes(station, moved)
    # Whatever the draft says of the visit, the visit is asked.
    assert "first_day:first-day" in codes(station, replace(moved, visited_on=later))


def test_who_is_kept_at_the_station_gets_none(station) -> None:
    person = station.register(coverages=(CARD,), workplace="Công ty Mẫu")
    encounter = visit(station, person)
    encounter = replace(
        encounter,
        care_kind="06",
        admitted_at=encounter.arrived_at,
        admission_reason="Theo dõi",
    )
    station.services.encounters.save_draft(station.doctor, encounter)
    sign(station, encounter)
    draft = station.services.certificates.prepare(station.doctor, encounter.id)
    draft = replace(lasting(draft, 3), visit_kind="01")
    assert "encounter_id:outpatient-only" in codes(station, draft)


@pytest.mark.parametrize(("born", "asked"), [(2020, True), (2018, False)])
def test_a_child_under_seven_needs_a_parent(station, born, asked) -> None:
    draft = ready(station, birth=BirthDate(born, 1, 2))
    if asked:
        assert "father_name:parents-required" in codes(station, draft)
        draft = replace(draft, mother_name="Người Mẹ Mẫu")
    station.services.certificates.sign(station.doctor, draft)


def test_the_guardian_who_is_the_mother_is_written_in(station) -> None:
    guardian = Guardian(full_name="Người Mẹ Mẫu", relationship="Mẹ")
    draft = ready(station, birth=BirthDate(2022, 1, 2), guardian=guardian)
    assert (draft.mother_name, draft.father_name) == ("Người Mẹ Mẫu", "")


def test_a_visit_has_one_that_counts(station) -> None:
    certificates = station.services.certificates
    draft = ready(station)
    certificates.sign(station.doctor, draft)
    with pytest.raises(StateError, match="đã có giấy nghỉ việc"):
        certificates.sign(station.doctor, replace(draft, id=station.clock.new_id()))


def test_issued_again_means_a_new_number_and_the_first_one_voided(station) -> None:
    certificates = station.services.certificates
    old = certificates.sign(station.doctor, ready(station)).id_of(RecordKind.CERTIFICATE)
    changes = certificates.reissue(station.doctor, old, "Người bệnh làm mất", 1)
    before = certificates.get(station.doctor, old)
    again = certificates.of_encounter(station.doctor, before.record.encounter_id)
    assert before.status is RecordStatus.VOIDED
    assert again is not None
    assert again.record.reissued
    assert again.record.reissue_of == before.record.number
    assert again.record.number != before.record.number
    assert again.record.days == before.record.days
    assert len(changes.items) == 2
    with pytest.raises(StateError):
        certificates.reissue(station.doctor, old, "Lần nữa", 2)


def test_nobody_signs_without_the_right(station) -> None:
    draft = ready(station)
    with pytest.raises(PermissionDenied):
        station.services.certificates.sign(station.nurse, draft)
    station.services.certificates.save_draft(station.nurse, draft)


def test_a_voided_visit_takes_its_certificate_along(station) -> None:
    certificates = station.services.certificates
    draft = ready(station)
    certificates.sign(station.doctor, draft)
    station.services.encounters.void(station.doctor, draft.encounter_id, "Nhầm người")
    assert certificates.get(station.doctor, draft.id).status is RecordStatus.VOIDED


def test_an_amended_one_keeps_its_numbers(station) -> None:
    certificates = station.services.certificates
    draft = ready(station)
    certificates.sign(station.doctor, draft)
    signed = certificates.get(station.doctor, draft.id)
    longer = lasting(replace(signed.record, serial="", visit_kind="03"), 5)
    certificates.amend(station.doctor, longer, signed.version, "Bệnh nặng hơn")
    after = certificates.get(station.doctor, draft.id).record
    assert (after.number, after.serial) == (signed.record.number, signed.record.serial)
    assert (after.days, after.visit_kind) == (5, "01")
