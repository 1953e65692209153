"""The history of a record: listed, shown, compared, brought back, and held against its witnesses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from station_emr.demo.people import People
from station_emr.domain.encounter import Diagnosis, Encounter
from station_emr.domain.errors import (
    Conflict,
    InvalidRecord,
    NotFound,
    PermissionDenied,
    StateError,
)
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from tests.services.replicas import exchange

from .visit_samples import appointment, prescription, referral, sign, visit


@pytest.fixture
def signed(station):
    """A visit with its three papers, all signed."""
    encounter = visit(station, station.register())
    papers = {
        "prescription": prescription(station, encounter),
        "appointment": appointment(station, encounter),
        "referral": referral(station, encounter),
    }
    sign(station, encounter, **papers)
    with station.store.read() as work:
        return {
            RecordKind.ENCOUNTER: work.encounters.get(encounter.id),
            RecordKind.PRESCRIPTION: work.prescriptions.get(papers["prescription"].id),
            RecordKind.APPOINTMENT: work.appointments.get(papers["appointment"].id),
            RecordKind.REFERRAL: work.referrals.get(papers["referral"].id),
        }


def test_every_kind_has_its_history(station, signed) -> None:
    for kind, stored in signed.items():
        history = station.services.versions.history(station.doctor, kind, stored.record.id)
        (row,) = history.rows
        assert (row.version, row.status, row.shown) == (1, RecordStatus.SIGNED, True)
        assert row.author_name == station.doctor.user.full_name
        assert row.device == "Máy 1"
        assert len(row.sha256) == 64
        assert row.signatures == ("Xác nhận điện tử",)
        view = station.services.versions.view(station.doctor, kind, stored.record.id, 1)
        assert view.lines
        assert view.row == row


def amended(station, stored, **changes):
    services, doctor = station.services, station.doctor
    told = replace(stored.record, **changes)
    services.encounters.amend(doctor, told, stored.version, "Ghi nhầm")
    return services.encounters.get(doctor, stored.record.id)


def test_what_changed_is_said_field_by_field(station, signed) -> None:
    stored = signed[RecordKind.ENCOUNTER]
    taken = stored.record.vitals[-1]
    newer = replace(taken, systolic=146, diastolic=92)
    extra = Diagnosis(icd_code="R51", title="Đau đầu")
    amended(
        station,
        stored,
        vitals=(*stored.record.vitals[:-1], newer),
        diagnoses=(*stored.record.diagnoses, extra),
        advice="Uống nhiều nước, nghỉ ngơi, tái khám khi sốt cao",
    )
    said = station.services.versions.compare(
        station.nurse, RecordKind.ENCOUNTER, stored.record.id, 2, 1
    )
    assert (said.older, said.newer) == (1, 2)
    sentences = [one.sentence for one in said.differences]
    before = f"{taken.systolic}/{taken.diastolic}"
    assert f"Huyết áp: {before} → 146/92 mmHg" in sentences
    assert "Thêm chẩn đoán: Bệnh kèm theo: R51 Đau đầu" in sentences
    assert {one.path for one in said.differences} == {"vitals", "diagnoses", "advice"}


def test_a_version_is_shown_as_it_was_written(station, signed) -> None:
    stored = signed[RecordKind.ENCOUNTER]
    amended(station, stored, reason="Lý do khác hẳn")
    versions, doctor = station.services.versions, station.doctor
    first = versions.content(doctor, RecordKind.ENCOUNTER, stored.record.id, 1)
    assert replace(first.record, stage=stored.record.stage) == stored.record
    assert first.status is RecordStatus.SIGNED
    shown = dict(versions.view(doctor, RecordKind.ENCOUNTER, stored.record.id, 1).lines)
    assert shown["Lý do đến khám"] == stored.record.reason


def test_an_older_version_comes_back_as_a_new_one(station, signed) -> None:
    stored = signed[RecordKind.ENCOUNTER]
    changed = amended(station, stored, advice="Lời dặn nhầm người")
    versions, doctor = station.services.versions, station.doctor
    versions.restore(
        doctor, RecordKind.ENCOUNTER, stored.record.id, 1, "Sửa nhầm người", changed.version
    )
    now = station.services.encounters.get(doctor, stored.record.id)
    assert (now.version, now.status) == (3, RecordStatus.AMENDED)
    assert now.record.advice == stored.record.advice
    assert now.record.number == stored.record.number
    row = versions.history(doctor, RecordKind.ENCOUNTER, stored.record.id).rows[0]
    assert (row.restores, row.reason) == (1, "Khôi phục bản 1: Sửa nhầm người")
    assert row.signatures == ("Xác nhận điện tử",)
    with station.store.read() as work:
        (line,) = [one for one in work.audit.rows(20) if one.action == "encounter.restore"]
        waiting = [one for one in work.outbox.waiting(50) if one.record_id == stored.record.id]
    assert line.patient_id == stored.record.patient_id
    assert waiting[-1].version == 3  # it travels as any amended version does
    assert station.services.record_check.run(station.director).is_whole


def test_a_voided_letter_comes_back_to_who_may_void(station, signed) -> None:
    stored = signed[RecordKind.REFERRAL]
    services, doctor = station.services, station.doctor
    services.referrals.void(doctor, stored.record.id, "Người bệnh đổi ý")
    with pytest.raises(StateError):  # the ordinary ways stay closed
        services.referrals.amend(doctor, stored.record, 2, "Sửa")
    with pytest.raises(StateError, match="bản đã hủy"):
        services.versions.restore(doctor, RecordKind.REFERRAL, stored.record.id, 2, "Nhầm", 2)
    services.versions.restore(doctor, RecordKind.REFERRAL, stored.record.id, 1, "Hủy nhầm", 2)
    now = services.referrals.get(doctor, stored.record.id)
    assert (now.version, now.status) == (3, RecordStatus.AMENDED)
    assert now.record.number == stored.record.number
    assert now.record.letter_code  # made anew over what stands now


def test_a_paper_of_a_voided_visit_waits_for_its_visit(station, signed) -> None:
    letter, seen = signed[RecordKind.REFERRAL], signed[RecordKind.ENCOUNTER]
    services, doctor = station.services, station.doctor
    services.encounters.void(doctor, seen.record.id, "Nhầm người")
    with pytest.raises(StateError, match="Lượt khám của giấy này đã hủy"):
        services.versions.restore(doctor, RecordKind.REFERRAL, letter.record.id, 1, "Nhầm", 2)
    services.versions.restore(doctor, RecordKind.ENCOUNTER, seen.record.id, 1, "Hủy nhầm", 2)
    services.versions.restore(doctor, RecordKind.REFERRAL, letter.record.id, 1, "Hủy nhầm", 2)
    assert services.referrals.get(doctor, letter.record.id).status is RecordStatus.AMENDED


def test_a_chart_comes_back_to_an_older_state(station) -> None:
    person = station.register()
    services, doctor = station.services, station.doctor
    services.patients.update(doctor, replace(person, phone="0900000999"), 1)
    services.versions.restore(doctor, RecordKind.PATIENT, person.id, 1, "Số cũ mới đúng", 2)
    assert services.patients.get(doctor, person.id).record.phone == person.phone


def test_nobody_brings_back_without_right_reason_or_change(station, signed) -> None:
    stored = signed[RecordKind.ENCOUNTER]
    restore = station.services.versions.restore
    name = (RecordKind.ENCOUNTER, stored.record.id, 1)
    with pytest.raises(PermissionDenied):
        restore(station.nurse, *name, "Lý do", 1)
    with pytest.raises(InvalidRecord):
        restore(station.doctor, *name, "  ", 1)
    with pytest.raises(StateError, match="giống hệt"):
        restore(station.doctor, *name, "Lý do", 1)
    amended(station, stored, advice="Khác")
    with pytest.raises(Conflict):
        restore(station.doctor, *name, "Lý do", 1)
    with pytest.raises(NotFound):
        restore(station.doctor, RecordKind.ENCOUNTER, stored.record.id, 9, "Lý do", 2)


def test_the_database_itself_lets_no_voided_record_change_in_another_way(station, signed) -> None:
    """The trigger holds also where the program above it would try."""
    stored = signed[RecordKind.APPOINTMENT]
    services, doctor = station.services, station.doctor
    services.appointments.void(doctor, stored.record.id, "Nhầm")
    copy = (
        "INSERT INTO record_version (kind, record_id, version, status, content, content_sha256, "
        "author_id, author_name, at_utc, at_offset, reason, parents, restores) SELECT kind, "
        "record_id, 3, 'amended', content, content_sha256, author_id, author_name, at_utc, "
        "at_offset, ?, '[2]', ? FROM record_version WHERE record_id = ? AND version = 1"
    )
    for reason, restores in (("lý do", None), ("", 1), ("lý do", 2), ("lý do", 7)):
        with pytest.raises(IntegrityError), station.store.write() as work:
            work._connection.exec_driver_sql(copy, (reason, restores, stored.record.id))


def test_what_was_voided_and_brought_back_is_so_on_every_machine(machines) -> None:
    """It travels as an ordinary amended version on top of the voided one, and opens no question."""
    here, there, _ = machines
    kind = RecordKind.ENCOUNTER
    with here.store.read() as work:
        author = next(user for user in work.users.all() if user.role is Role.DOCTOR).snapshot
    patient = replace(People(5, date(2026, 11, 20)).next(), id=here.clock.new_id())
    here.write(RecordKind.PATIENT, patient, author)
    there.take(*here.operations(RecordKind.PATIENT, patient.id))
    seen = Encounter(
        id=here.clock.new_id(), patient_id=patient.id, arrived_at=here.clock.now(), reason="Ho"
    )
    here.write(kind, seen, author)
    here.edit(kind, seen.id, author, RecordStatus.VOIDED)
    there.take(*here.operations(kind, seen.id))
    assert there.state(kind, seen.id)["voided"]
    with here.store.write() as work:
        work.encounters.add_version(
            seen,
            RecordStatus.AMENDED,
            author=author,
            at=here.clock.now(),
            reason="Khôi phục bản 1: hủy nhầm",
            expected_version=2,
            restores=1,
        )
    exchange(kind, seen.id, here, there)
    state = there.state(kind, seen.id)
    assert state == here.state(kind, seen.id)
    assert (state["voided"], state["open"]) == (False, ())
