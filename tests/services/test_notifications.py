"""Infectious diseases: seen when coded, a clock, the notice with what is often forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.errors import InvalidRecord, PermissionDenied, StateError
from station_emr.domain.notification import (
    CaseClass,
    CaseState,
    ReportWay,
    SpecimenResult,
    YesNo,
    notification_rules_on,
)
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.services.form_data import notification_rules

from .visit_samples import sign, visit

DENGUE = Diagnosis(icd_code="A97.0", title="Sốt xuất huyết Dengue", role=DiagnosisRole.MAIN)


def coded(station, code="A97.0", **person):
    encounter = visit(station, station.register(birth=BirthDate(1990, 1, 2), **person))
    encounter = replace(encounter, diagnoses=(replace(DENGUE, icd_code=code),))
    station.services.encounters.save_draft(station.doctor, encounter)
    return encounter


def filled(station, encounter, **changes):
    draft = station.services.notifications.prepare(station.nurse, encounter.id)
    details = {
        "phone": "0900000001",
        "home_address": "Làng Mẫu",
        "onset_address": "Làng Mẫu",
        "onset_on": encounter.arrived_at.date(),
        "grade": "Sốt xuất huyết Dengue",
        "case_class": CaseClass.SUSPECTED,
        "state": CaseState.OUTPATIENT,
    }
    return replace(draft, **details | changes)


@pytest.mark.parametrize(
    ("code", "disease"),
    [
        ("A97", "dengue"),
        ("A97.2", "dengue"),
        ("A83.0", "japanese-encephalitis"),
        ("A84.1", "viral-encephalitis"),
        ("A86", "viral-encephalitis"),
        ("B51.9", "malaria"),
        ("B17.1", "hepatitis-c"),
        ("B17.2", "hepatitis-other"),
        ("B08.4", "hand-foot-mouth"),
        ("A08.4", None),
        ("B08.5", None),
        ("A87", None),
        ("I10", None),
        ("", None),
    ],
)
def test_a_code_is_found_in_the_table(station, code, disease) -> None:
    found = station.services.notifications.rules().disease_of(code)
    assert (found.code if found else None) == disease


def test_every_disease_has_a_clock_of_a_day(station) -> None:
    rules = station.services.notifications.rules()
    assert {one.hours for one in rules.diseases} == {24}
    assert len({one.code for one in rules.diseases}) == len(rules.diseases) > 40


def test_the_table_of_the_day_counts() -> None:
    old = notification_rules()[0]
    new = replace(old, since=old.since.replace(year=2030), diseases=())
    assert notification_rules_on((new, old), old.since.replace(year=2029)) is old
    assert notification_rules_on((old, new), new.since) is new


def test_a_coded_visit_comes_up_before_it_is_signed(station) -> None:
    encounter = coded(station)
    notices = station.services.notifications
    (row,) = notices.rows(station.nurse)
    assert (row.encounter_id, row.disease) == (encounter.id, "Sốt xuất huyết Dengue")
    assert row.due_at == encounter.arrived_at + timedelta(hours=24)
    assert notices.clock(station.nurse).waiting == 1
    station.clock.set(encounter.arrived_at + timedelta(hours=24, minutes=1))
    assert notices.clock(station.nurse).overdue == 1
    assert notices.rows(station.nurse)[0].overdue(station.clock.now())


def test_late_ones_stand_first_and_told_ones_last(station) -> None:
    notices = station.services.notifications
    first = coded(station)
    station.clock.set(first.arrived_at + timedelta(hours=30))
    second = coded(station, phone="0900000002")
    third = coded(station, phone="0900000003")
    told = notices.submit(station.nurse, filled(station, third)).id_of(RecordKind.NOTIFICATION)
    notices.report(station.nurse, told, way=ReportWay.PHONE, told="Cơ quan nhận báo")
    rows = notices.rows(station.nurse)
    assert [row.encounter_id for row in rows] == [first.id, second.id, third.id]
    assert rows[2].reported_at is not None
    assert not rows[2].was_late
    clock = notices.clock(station.nurse)
    assert (clock.waiting, clock.overdue) == (2, 1)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"phone": ""}, "phone:phone-required"),
        ({"home_address": " "}, "home_address:home-address-required"),
        ({"onset_address": ""}, "onset_address:onset-address-required"),
        ({"onset_on": None}, "onset_on:onset-required"),
        ({"grade": ""}, "grade:grade-required"),
        ({"grade": "4"}, "grade:grade-required"),
        ({"case_class": None}, "case_class:class-required"),
        ({"state": None}, "state:state-required"),
        ({"state": CaseState.DIED}, "died_at:death-time-required"),
        ({"specimen_taken": YesNo.YES}, "specimen:specimen-required"),
        (
            {"case_class": CaseClass.CONFIRMED, "test_result": SpecimenResult.PENDING},
            "test_result:confirmed-needs-positive",
        ),
    ],
)
def test_what_is_often_forgotten_is_asked_for(station, changes, refused) -> None:
    draft = filled(station, coded(station), **changes)
    with pytest.raises(InvalidRecord) as raised:
        station.services.notifications.submit(station.nurse, draft)
    assert {f"{one.field}:{one.code}" for one in raised.value.problems} == {refused}


def test_the_nurse_tells_of_it_and_the_clock_stops(station) -> None:
    notices = station.services.notifications
    encounter = coded(station)
    draft = filled(station, encounter)
    notices.save_draft(station.nurse, replace(draft, phone=""))
    made = notices.submit(station.nurse, draft).id_of(RecordKind.NOTIFICATION)
    assert notices.get(station.nurse, made).record.number.endswith("0001/2026/BTN")
    station.clock.set(encounter.arrived_at + timedelta(hours=25))
    notices.report(
        station.nurse, made, way=ReportWay.ONLINE, told="Cơ quan nhận báo", receipt="MÃ-1"
    )
    (row,) = notices.rows(station.nurse)
    assert row.was_late
    assert notices.clock(station.nurse).waiting == 0
    with pytest.raises(StateError):
        notices.report(station.nurse, made, way=ReportWay.PHONE, told="Ai đó")
    with station.store.read() as work:
        queued = [one for one in work.outbox.waiting(50) if one.kind is RecordKind.NOTIFICATION]
        told = {one.action for one in work.audit.rows(limit=50) if "notification" in one.action}
    assert queued
    assert {"notification.submit", "notification.report"} <= told


def test_one_notice_for_one_disease_of_a_visit(station) -> None:
    notices = station.services.notifications
    encounter = coded(station)
    draft = filled(station, encounter)
    notices.submit(station.nurse, draft)
    with pytest.raises(StateError, match="đã có phiếu báo"):
        notices.submit(station.nurse, replace(draft, id=station.clock.new_id()))


def test_a_notice_that_was_none_is_voided_and_the_visit_comes_up_again(station) -> None:
    notices = station.services.notifications
    made = notices.submit(station.nurse, filled(station, coded(station)))
    notices.void(station.nurse, made.id_of(RecordKind.NOTIFICATION), "Lập nhầm")
    (row,) = notices.rows(station.nurse)
    assert row.notification_id == ""


def test_a_corrected_notice_keeps_number_and_clock(station) -> None:
    notices = station.services.notifications
    made = notices.submit(station.nurse, filled(station, coded(station)))
    stored = notices.get(station.nurse, made.id_of(RecordKind.NOTIFICATION))
    worse = replace(
        stored.record,
        grade="Sốt xuất huyết Dengue nặng",
        number="",
        detected_at=station.clock.now(),
    )
    notices.amend(station.nurse, worse, stored.version, "Diễn biến nặng")
    after = notices.get(station.nurse, stored.record.id)
    assert after.record.grade == "Sốt xuất huyết Dengue nặng"
    assert after.record.number == stored.record.number
    assert after.record.detected_at == stored.record.detected_at
    assert after.status is RecordStatus.AMENDED


def test_it_stays_when_the_visit_is_signed_and_voided(station) -> None:
    notices = station.services.notifications
    encounter = coded(station)
    made = notices.submit(station.nurse, filled(station, encounter))
    sign(station, encounter)
    station.services.encounters.void(station.doctor, encounter.id, "Nhầm")
    assert notices.get(station.nurse, made.id_of(RecordKind.NOTIFICATION)).status is (
        RecordStatus.SIGNED
    )


def test_who_does_not_care_for_people_tells_nothing(station) -> None:
    encounter = coded(station)
    with pytest.raises(PermissionDenied):
        station.services.notifications.prepare(station.actor(Role.PHARMACIST), encounter.id)
