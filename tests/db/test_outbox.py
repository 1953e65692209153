"""What waits for the province leaves in the right order and is dropped only when acknowledged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import OutboxItem, SyncRun, UnitState

from .records import (
    DOCTOR,
    LATER,
    NOW,
    STATION,
    encounter,
    patient,
    prescription,
    record_id,
    referral,
    sign,
)


def amend(work, number: int, version: int, **changes) -> None:
    sign(
        work.patients,
        patient(number, **changes),
        version=version,
        status=RecordStatus.AMENDED,
        at=LATER,
    )


def waiting(store: EncryptedStore, limit: int = 99) -> tuple[OutboxItem, ...]:
    with store.read() as work:
        return work.outbox.waiting(limit)


def test_letters_go_first_with_what_they_need(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(2, "Siu Mẫu"))
        sign(work.encounters, encounter(102, 2))
        sign(work.patients, patient(1))
        sign(work.encounters, encounter(101))
        sign(work.referrals, referral())
        sign(work.prescriptions, prescription())
        amend(work, 1, 1, phone="0911000000")
        work.users.save(DOCTOR, author=None, at=LATER)
        work.settings.save_station(STATION, LATER)

    items = waiting(store)

    assert [(item.kind, item.record_id) for item in items] == [
        (RecordKind.FACILITY, STATION.facility_id),
        (RecordKind.PRACTITIONER, DOCTOR.id),
        (RecordKind.PATIENT, record_id(1)),
        (RecordKind.ENCOUNTER, record_id(101)),
        (RecordKind.PRESCRIPTION, record_id(201)),
        (RecordKind.REFERRAL, record_id(301)),
        (RecordKind.PATIENT, record_id(2)),
        (RecordKind.ENCOUNTER, record_id(102)),
    ]
    assert items[2].version == 2
    assert waiting(store, 3) == items[:3]


def test_a_person_changed_after_the_visit_still_goes_before_it(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
        sign(work.encounters, encounter(101))
        amend(work, 1, 1, phone="0911000000")

    assert [item.kind for item in waiting(store)] == [RecordKind.PATIENT, RecordKind.ENCOUNTER]


def test_an_event_added_after_sending_survives_the_acknowledgement(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
    (sent,) = waiting(store)
    with store.write() as work:
        amend(work, 1, 1, phone="0911000000")
    with store.write() as work:
        work.outbox.acknowledge(sent, {f"Patient/{record_id(1)}": 'W/"1"'}, LATER)

    (left,) = waiting(store)
    assert (left.version, left.status) == (2, RecordStatus.AMENDED)
    assert left.seq > sent.seq

    with store.write() as work:
        work.outbox.acknowledge(left, {f"Patient/{record_id(1)}": 'W/"2"'}, LATER)
    assert waiting(store) == ()
    with store.read() as work:
        assert work.outbox.etags(record_id(1)) == {f"Patient/{record_id(1)}": 'W/"2"'}


def test_a_number_once_acknowledged_never_returns(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
    (first,) = waiting(store)
    with store.write() as work:
        work.outbox.acknowledge(first, {}, LATER)
        amend(work, 1, 1)

    assert waiting(store)[0].seq > first.seq


def test_a_poisoned_unit_waits_aside_until_released_or_replaced(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
        sign(work.patients, patient(2, "Siu Mẫu"))
    first, second = waiting(store)
    with store.write() as work:
        work.outbox.count_attempt([first, second])
        work.outbox.count_attempt([first])
        work.outbox.quarantine(first, "Máy chủ không nhận số căn cước", LATER)

    assert [item.record_id for item in waiting(store)] == [record_id(2)]
    with store.read() as work:
        (aside,) = work.outbox.quarantined()
        assert (aside.attempts, aside.state) == (2, UnitState.QUARANTINED)
        assert aside.reason == "Máy chủ không nhận số căn cước"
        assert (work.counts().outbox, work.counts().quarantined) == (1, 1)
    with store.write() as work:
        assert work.outbox.release_quarantined() == 1
    assert [(item.record_id, item.attempts) for item in waiting(store)] == [
        (record_id(1), 0),
        (record_id(2), 1),
    ]

    with store.write() as work:
        work.outbox.quarantine(first, "vẫn lỗi", LATER)
        amend(work, 1, 1, phone="0911000000")
    with store.read() as work:
        assert work.outbox.quarantined() == ()
        assert work.outbox.waiting(1)[0].version == 2


def test_the_oldest_wait_is_told(store: EncryptedStore) -> None:
    with store.read() as work:
        assert work.outbox.oldest_waiting_at() is None
    with store.write() as work:
        sign(work.patients, patient(1), at=LATER)
        sign(work.patients, patient(2), at=NOW)
    with store.read() as work:
        assert work.outbox.oldest_waiting_at() == NOW


def test_everything_can_be_offered_again(full_store: EncryptedStore) -> None:
    items = waiting(full_store)
    with full_store.write() as work:
        for item in items:
            work.outbox.acknowledge(item, {}, LATER)
        work.encounters.save_draft(encounter(109), NOW)
        assert work.outbox.requeue_all() == len(items) == 7
        assert work.outbox.requeue_all() == 0

    again = waiting(full_store)
    assert {(i.kind, i.record_id, i.version, i.op_id, i.patient_id) for i in again} == {
        (i.kind, i.record_id, i.version, i.op_id, i.patient_id) for i in items
    }
    assert again[0].kind is RecordKind.FACILITY
    assert [i.kind for i in again].index(RecordKind.REFERRAL) > [i.kind for i in again].index(
        RecordKind.ENCOUNTER
    )


@pytest.mark.parametrize("verified", [True, False])
def test_attempts_are_kept_as_evidence(store: EncryptedStore, verified: bool) -> None:
    run = SyncRun(
        started_at=NOW,
        ended_at=NOW + timedelta(seconds=3),
        outcome="partial",
        sent=4,
        changed=3,
        quarantined=1,
        bytes_up=1200,
        bytes_down=300,
        detail="một phiếu bị từ chối",
        verified=verified,
    )
    offline = SyncRun(started_at=LATER, ended_at=LATER, outcome="offline")
    with store.write() as work:
        work.outbox.add_run(run)
        work.outbox.add_run(offline)
    with store.read() as work:
        assert work.outbox.runs(5) == (offline, run)
        assert work.outbox.runs(1) == (offline,)


def test_what_waits_tells_how_large_it_is(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
        sign(work.patients, patient(2, note="ghi chú dài " * 50))
    small, large = sorted(item.size for item in waiting(store))
    assert 0 < small < large - 500
