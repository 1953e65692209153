"""Drafts change in place, signed content only grows, each version reads back as written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from station_emr.db.store import EncryptedStore
from station_emr.domain.encounter import Stage
from station_emr.domain.errors import Conflict, EnvironmentFailure, NotFound, StateError
from station_emr.domain.record import Changed, RecordKind, RecordStatus
from station_emr.domain.vitals import VitalSigns

from .records import (
    DOCTOR,
    KEY,
    LATER,
    ME,
    NOW,
    STATION,
    TODAY,
    appointment,
    encounter,
    patient,
    prescription,
    record_id,
    referral,
    sign,
)


def test_a_draft_is_replaced_in_place_and_can_be_discarded(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient())
        work.encounters.save_draft(encounter(), NOW)
        work.encounters.save_draft(encounter(reason="Ho"), LATER)
    with store.read() as work:
        stored = work.encounters.get(record_id(101))
        assert (stored.version, stored.status, stored.saved_at) == (0, RecordStatus.DRAFT, LATER)
        assert stored.record == encounter(reason="Ho")
        assert work.encounters.versions(record_id(101)) == ()
        assert [item.kind for item in work.outbox.waiting(9)] == [RecordKind.PATIENT]
        assert work.patients.row(record_id(1)).last_visit_on == TODAY
    with store.write() as work:
        work.encounters.discard_draft(record_id(101))
    with store.read() as work:
        assert work.encounters.find(record_id(101)) is None
        assert work.patients.row(record_id(1)).last_visit_on is None


def test_signing_and_amending_keep_every_version(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient())
        work.encounters.save_draft(encounter(reason="nháp"), NOW)
        changed = sign(work.encounters, encounter())
        assert changed == Changed(RecordKind.ENCOUNTER, record_id(101), 1, RecordStatus.SIGNED)
    with store.write() as work:
        sign(
            work.encounters,
            encounter(reason="Chóng mặt"),
            version=1,
            status=RecordStatus.AMENDED,
            reason="Ghi nhầm lý do",
            at=LATER,
        )
    with store.read() as work:
        assert work.encounters.get(record_id(101)).record == encounter(reason="Chóng mặt")
        assert work.encounters.at_version(record_id(101), 1) == encounter()
        history = work.encounters.versions(record_id(101))
        assert [(v.version, v.status, v.reason, v.at) for v in history] == [
            (1, RecordStatus.SIGNED, "", NOW),
            (2, RecordStatus.AMENDED, "Ghi nhầm lý do", LATER),
        ]
        assert (history[0].author_id, history[0].author_name) == (ME.user_id, ME.full_name)
        assert history[0].at.utcoffset() == timedelta(hours=7)
        with pytest.raises(NotFound):
            work.encounters.at_version(record_id(101), 3)


def test_signed_content_takes_no_draft_and_no_stale_version(full_store: EncryptedStore) -> None:
    with pytest.raises(StateError), full_store.write() as work:
        work.encounters.save_draft(encounter(reason="khác"), LATER)
    with pytest.raises(StateError), full_store.write() as work:
        work.encounters.discard_draft(record_id(101))
    with pytest.raises(Conflict), full_store.write() as work:
        sign(work.encounters, encounter(reason="khác"), version=0)
    with pytest.raises(StateError), full_store.write() as work:
        sign(work.encounters, encounter(), version=1, status=RecordStatus.DRAFT)
    with full_store.read() as work:
        assert work.encounters.get(record_id(101)).record == encounter()


def test_a_voided_record_stays_voided(full_store: EncryptedStore) -> None:
    with full_store.write() as work:
        sign(work.referrals, referral(), version=1, status=RecordStatus.VOIDED, reason="Nhầm")
    with pytest.raises(StateError), full_store.write() as work:
        sign(work.referrals, referral(), version=2, status=RecordStatus.AMENDED, reason="Lại")


def test_a_person_with_a_visit_cannot_be_discarded(store: EncryptedStore) -> None:
    with store.write() as work:
        work.patients.save_draft(patient(), NOW)
        work.encounters.save_draft(encounter(), NOW)
    with pytest.raises(StateError), store.write() as work:
        work.patients.discard_draft(record_id(1))
    with store.read() as work:
        assert work.patients.search("ro cham", 5)


def test_an_error_leaves_nothing_behind(store: EncryptedStore) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as work:  # noqa: PT012
        sign(work.patients, patient())
        work.counters.next("chart", "A", 2026)
        work.settings.put("a", "b")
        raise ZeroDivisionError
    with store.read() as work:
        assert work.patients.find(record_id(1)) is None
        assert work.counters.peek("chart", "A", 2026) == 1
        assert work.settings.get("a") is None
        assert work.counts().outbox == 0
        assert work.patients.search("ro cham", 5) == ()


def test_a_version_nobody_queued_is_refused_at_commit(full_store: EncryptedStore) -> None:
    with pytest.raises(RuntimeError, match="not queued"), full_store.write() as work:  # noqa: PT012
        sign(work.patients, patient(phone="0999999999"), version=1, status=RecordStatus.AMENDED)
        work._connection.execute(text("DELETE FROM outbox WHERE version = 2"))
    with full_store.read() as work:
        assert work.patients.get(record_id(1)).version == 1


def test_a_reader_cannot_write_and_a_writer_cannot_nest(store: EncryptedStore) -> None:
    with pytest.raises(EnvironmentFailure, match="chỉ đọc"), store.read() as work:
        work.settings.put("a", "b")
    with store.write(), pytest.raises(RuntimeError), store.write():
        pass


def test_a_reader_sees_one_moment(store: EncryptedStore) -> None:
    with store.read() as work:
        assert work.settings.get("a") is None
        with store.write() as other:
            other.settings.put("a", "b")
        assert work.settings.get("a") is None
    with store.read() as work:
        assert work.settings.get("a") == "b"


def test_the_stage_moves_without_touching_the_content(full_store: EncryptedStore) -> None:
    with full_store.write() as work:
        work.encounters.set_stage(record_id(101), Stage.FINISHED)
        with pytest.raises(NotFound):
            work.encounters.set_stage("nobody", Stage.FINISHED)
    with full_store.read() as work:
        assert work.encounters.get(record_id(101)).record.stage is Stage.FINISHED
        assert work.encounters.at_version(record_id(101), 1).stage is Stage.WAITING


def test_the_queue_shows_the_day_and_what_was_left_open(full_store: EncryptedStore) -> None:
    yesterday = NOW - timedelta(days=1)
    with full_store.write() as work:
        sign(work.patients, patient(2, "Siu Mẫu", allergies=(), conditions=()))
        work.encounters.save_draft(encounter(102, 2, arrived_at=yesterday, vitals=()), yesterday)
        sign(work.encounters, encounter(103, 2, arrived_at=yesterday, vitals=()))
        sign(
            work.encounters,
            encounter(
                104,
                2,
                arrived_at=yesterday - timedelta(days=30),
                vitals=(VitalSigns(systolic=130, diastolic=70),),
            ),
        )
        voided = encounter(106, 2, arrived_at=yesterday - timedelta(days=10))
        sign(work.encounters, voided)
        sign(work.encounters, voided, version=1, status=RecordStatus.VOIDED, reason="Nhầm")
        work.encounters.save_draft(encounter(105, 2, arrived_at=LATER, vitals=()), LATER)
        assert work.encounters.open_of(record_id(2), TODAY) == record_id(105)
        assert work.encounters.open_of(record_id(1), TODAY) is None
    with full_store.read() as work:
        rows = work.encounters.queue(TODAY)
    assert [row.encounter_id for row in rows] == [record_id(102), record_id(101), record_id(105)]
    assert [row.last_blood_pressure for row in rows] == ["130/70", "150/90", "130/70"]
    first = rows[1]
    assert (first.full_name, first.allergies, first.chronic) == (
        "Rơ Châm H'Bĕ̆",
        "Penicillin",
        True,
    )
    assert (first.has_vitals, first.weight, first.drug_count) == (True, "52,5", 1)
    assert first.prescription_status is RecordStatus.SIGNED
    assert (first.referred_to, first.follow_up_on) == ("Bệnh viện Mẫu", TODAY + timedelta(days=14))
    assert first.arrived_at == NOW
    assert rows[2].prescription_status is None


def test_the_timeline_and_the_trend(full_store: EncryptedStore) -> None:
    earlier = NOW - timedelta(days=60)
    with full_store.write() as work:
        sign(
            work.encounters,
            encounter(102, arrived_at=earlier, vitals=(VitalSigns(systolic=170, diastolic=95),)),
        )
        sign(work.encounters, encounter(103, arrived_at=LATER))
        sign(
            work.encounters,
            encounter(103, arrived_at=LATER),
            version=1,
            status=RecordStatus.VOIDED,
            reason="Nhầm người",
        )
    with full_store.read() as work:
        visits = work.encounters.timeline(record_id(1), 2)
        points = work.encounters.vitals_of(record_id(1), 10)
        last = work.patients.row(record_id(1)).last_visit_on
    assert [visit.encounter_id for visit in visits] == [record_id(103), record_id(101)]
    assert visits[0].status is RecordStatus.VOIDED
    assert visits[1].diagnoses == ("I10 Tăng huyết áp vô căn",)
    assert visits[1].drugs == ("Amlodipin 5 mg",)
    assert (visits[1].prescription_id, visits[1].referral_id, visits[1].appointment_id) == (
        record_id(201),
        record_id(301),
        record_id(401),
    )
    assert [(point.at, point.systolic) for point in points] == [(earlier, 170), (NOW, 150)]
    assert last == TODAY


def test_papers_of_a_visit_and_signed_prescriptions(full_store: EncryptedStore) -> None:
    old = NOW - timedelta(days=90)
    with full_store.write() as work:
        sign(work.prescriptions, prescription(202, written_at=old))
        sign(work.prescriptions, prescription(203))
        sign(
            work.prescriptions,
            prescription(203),
            version=1,
            status=RecordStatus.VOIDED,
            reason="Nhầm",
        )
        work.prescriptions.save_draft(prescription(204), NOW)
    with full_store.read() as work:
        found = work.prescriptions.of_encounter(record_id(101))
        signed = work.prescriptions.signed_of(record_id(1), TODAY - timedelta(days=30))
        assert found is not None
        assert found.record.id == record_id(204)
        assert signed == (prescription(201),)
        slip = work.appointments.of_encounter(record_id(101))
        assert slip is not None
        assert slip.record == appointment()
        assert work.referrals.of_encounter("nothing") is None


def test_the_referral_list_says_what_became_of_a_letter(full_store: EncryptedStore) -> None:
    with full_store.write() as work:
        sign(work.referrals, referral(302, emergency=True), at=LATER)
        for item in work.outbox.waiting(99):
            if item.record_id == record_id(301):
                work.outbox.acknowledge(item, {}, NOW)
    with full_store.read() as work:
        rows = work.referrals.rows(5)
    assert [(row.id, row.printed, row.sent, row.emergency) for row in rows] == [
        (record_id(302), False, False, True),
        (record_id(301), True, True, False),
    ]
    assert (rows[1].full_name, rows[1].written_at) == ("Rơ Châm H'Bĕ̆", NOW)
    with full_store.read() as work:
        assert work.referrals.row(record_id(301)) == rows[1]
        assert work.referrals.row("nobody") is None


def test_staff_are_versioned_but_a_log_in_is_no_news(store: EncryptedStore) -> None:
    with store.write() as work:
        assert work.users.save(DOCTOR, author=None, at=NOW).version == 1
        work.users.save(replace(DOCTOR, last_login_at=LATER), author=None, at=LATER)
        assert len(work.outbox.waiting(9)) == 1
        assert work.users.by_username(" BS.Mau ") == replace(DOCTOR, last_login_at=LATER)
        left = replace(DOCTOR, active=False, last_login_at=LATER)
        assert work.users.save(left, author=ME, at=LATER).version == 2
    with store.read() as work:
        assert work.users.all() == (left,)
        assert work.users.by_username("nobody") is None
        with pytest.raises(NotFound):
            work.users.get("nobody")


def test_the_station_profile_is_versioned(store: EncryptedStore) -> None:
    with store.read() as work, pytest.raises(NotFound):
        work.settings.station()
    with store.write() as work:
        work.settings.save_station(STATION, NOW)
        work.settings.save_station(STATION, LATER)
        assert [item.version for item in work.outbox.waiting(9)] == [1]
        work.settings.save_station(replace(STATION, phone="02690000000"), LATER)
        assert [item.version for item in work.outbox.waiting(9)] == [2]
        assert work.settings.station().phone == "02690000000"


def test_closing_and_opening_again(full_store: EncryptedStore) -> None:
    full_store.close()
    again = EncryptedStore.open(full_store.path, KEY)
    counts = again.counts
    again.close()
    assert (counts.patients, counts.encounters, counts.prescriptions) == (1, 1, 1)
    assert (counts.referrals, counts.appointments, counts.outbox) == (1, 1, 7)
