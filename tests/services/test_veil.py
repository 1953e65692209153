"""HIV and mental health: only with the right, and never through another door."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.patient import ChronicCondition
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.domain.sensitive import DEFAULT_RANGES, RESTRICTED, is_sensitive, parse_ranges

from .visit_samples import prescription, referral, sign, visit

HIV = Diagnosis(icd_code="Z21", title="Bệnh mẫu hạn chế", role=DiagnosisRole.MAIN)
WORDS = ("Z21", "Bệnh mẫu hạn chế", "Đau ngực")


@pytest.fixture
def closed(station):
    """A signed visit with a restricted diagnosis and its papers."""
    person = station.register()
    encounter = replace(visit(station, person), diagnoses=(HIV,))
    station.services.encounters.save_draft(station.doctor, encounter)
    paper = prescription(station, encounter)
    letter = replace(referral(station, encounter), to_facility_name="Bệnh viện mẫu Z")
    sign(station, encounter, prescription=paper, referral=letter)
    return station, person, encounter, paper, letter


def test_the_ranges_are_data_with_a_day(station) -> None:
    today = station.clock.now().date()
    for code in ("B20", "B24.9", "F00", "F32.1", "F99", "Z21", "R75", "Z71.7"):
        assert is_sensitive([code], DEFAULT_RANGES, today), code
    for code in ("B19", "B25", "G00", "E11.9", "Z71.1", "I10", ""):
        assert not is_sensitive([code], DEFAULT_RANGES, today), code
    later = parse_ranges("A50-A53; Giang mai; 2027-01-01")
    assert not is_sensitive(["A51.0"], later, today)
    assert is_sensitive(["A51.0"], later, today.replace(year=2027))
    with pytest.raises(ValueError, match="mọi bệnh"):
        parse_ranges("mọi bệnh")


def test_lists_keep_the_line_without_its_words(closed) -> None:
    station, person, _encounter, _paper, _letter = closed
    services = station.services
    for role in (Role.NURSE, Role.PHARMACIST, Role.INSPECTOR):
        actor = station.actor(role)
        shown = (
            services.encounters.queue(actor),
            services.patients.card(actor, person.id).visits,
            services.referrals.rows(actor),
        )
        assert all(shown)
        assert not any(word in repr(shown) for word in (*WORDS, "Bệnh viện mẫu Z")), role
        assert RESTRICTED in repr(shown)
    doctor = repr(services.patients.card(station.doctor, person.id))
    assert "Z21" in doctor


def test_the_visit_and_its_papers_are_refused_and_the_refusal_is_in_the_log(closed) -> None:
    station, _person, encounter, paper, letter = closed
    services, nurse = station.services, station.nurse
    doors = (
        lambda: services.encounters.get(nurse, encounter.id),
        lambda: services.prescriptions.of_encounter(nurse, encounter.id),
        lambda: services.referrals.of_encounter(nurse, encounter.id),
        lambda: services.prints.preview(nurse, RecordKind.REFERRAL, letter.id),
        lambda: services.prints.print(nurse, RecordKind.PRESCRIPTION, paper.id),
        lambda: services.versions.history(nurse, RecordKind.ENCOUNTER, encounter.id),
        lambda: services.versions.view(nurse, RecordKind.REFERRAL, letter.id, 1),
    )
    for door in doors:
        with pytest.raises(PermissionDenied, match="Nội dung hạn chế"):
            door()
        with station.store.read() as work:
            assert work.audit.rows(1)[0].action == "access.refused"


def test_who_gives_out_medicine_sees_which_and_not_what_for(closed) -> None:
    station, _person, encounter, paper, _letter = closed
    pharmacist = station.actor(Role.PHARMACIST)
    shown = station.services.prescriptions.of_encounter(pharmacist, encounter.id).record
    assert [line.label for line in shown.lines] == [line.label for line in paper.lines]
    assert "Z21" not in repr(shown)
    assert shown.diagnoses[0].title == RESTRICTED


def test_who_wrote_it_reads_it_without_the_right(closed) -> None:
    station, _person, encounter, _paper, _letter = closed
    former = replace(station.doctor, user=replace(station.doctor.user, role=Role.NURSE))
    assert station.services.encounters.get(former, encounter.id).record.diagnoses == (HIV,)
    with pytest.raises(PermissionDenied):
        station.services.encounters.get(station.nurse, encounter.id)


def test_an_unsigned_visit_is_open_to_those_who_take_part_only(station) -> None:
    encounter = replace(visit(station, station.register()), diagnoses=(HIV,))
    station.services.encounters.save_draft(station.doctor, encounter)
    assert station.services.encounters.get(station.nurse, encounter.id).record.diagnoses == (HIV,)
    with pytest.raises(PermissionDenied):
        station.services.encounters.get(station.actor(Role.INSPECTOR), encounter.id)


def test_what_an_amendment_took_back_stays_closed(closed) -> None:
    station, _person, encounter, _paper, _letter = closed
    stored = station.services.encounters.get(station.doctor, encounter.id)
    milder = replace(
        stored.record,
        diagnoses=(Diagnosis(icd_code="I10", title="Tăng huyết áp", role=DiagnosisRole.MAIN),),
    )
    station.services.encounters.amend(station.doctor, milder, stored.version, "Ghi nhầm")
    with pytest.raises(PermissionDenied):
        station.services.encounters.get(station.nurse, encounter.id)


def test_a_chart_edited_without_the_right_loses_nothing(station) -> None:
    kept = ChronicCondition(icd_code="F20.0", title="Bệnh mẫu hạn chế")
    plain = ChronicCondition(icd_code="I10", title="Tăng huyết áp")
    person = station.register()
    patients = station.services.patients
    stored = patients.get(station.doctor, person.id)
    patients.update(
        station.doctor, replace(stored.record, conditions=(kept, plain)), stored.version
    )

    seen = patients.get(station.nurse, person.id)
    assert seen.record.conditions == (plain,)
    patients.update(station.nurse, replace(seen.record, phone="0900000001"), seen.version)

    with pytest.raises(PermissionDenied, match="Nội dung hạn chế"):
        station.services.versions.compare(station.nurse, RecordKind.PATIENT, person.id, 1, 2)
    after = patients.get(station.doctor, person.id).record
    assert (after.conditions, after.phone) == ((kept, plain), "0900000001")


def test_the_summary_leaves_restricted_visits_out_unless_asked_with_right_and_reason(
    closed,
) -> None:
    station, person, _encounter, _paper, _letter = closed
    requests = station.services.privacy.requests
    made = requests.receive(
        station.doctor, replace(requests.blank(station.doctor, person.id), asker_paper="MẪU")
    )

    def left_out():
        with station.store.read() as work:
            row = next(r for r in work.audit.rows(20) if r.action == "privacy_request.summary")
        return row.detail

    requests.summary(station.doctor, made.id)
    assert "left_out: 1" in left_out()
    with pytest.raises(PermissionDenied):
        requests.summary(station.nurse, made.id, restricted=True, reason="Người bệnh yêu cầu")
    requests.summary(station.doctor, made.id, restricted=True, reason="Người bệnh yêu cầu")
    assert "left_out: 0" in left_out()
