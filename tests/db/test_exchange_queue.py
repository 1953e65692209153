"""Every version leaves in an order that a server can take, and only the one that was taken goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import OutboxItem, UnitState
from station_emr.services.sync_ports import KeptOperation

from .records import (
    DOCTOR,
    LATER,
    NOW,
    STATION,
    TODAY,
    encounter,
    patient,
    prescription,
    record_id,
    referral,
    sign,
)

EARLIER = NOW - timedelta(days=9)


def op(number: int) -> str:
    return f"{number:032x}"


def items(store: EncryptedStore, limit: int = 99) -> tuple[OutboxItem, ...]:
    with store.read() as work:
        return work.outbox.operations(limit, TODAY)


def places(found) -> list[tuple[str, int, int]]:
    return [(item.kind.value, int(item.record_id[-6:], 16), item.version) for item in found]


def amend(work, number: int, version: int, at=LATER, **changes) -> None:
    sign(
        work.patients,
        patient(number, **changes),
        version=version,
        status=RecordStatus.AMENDED,
        at=at,
    )


def keep(work, op_id: str, kind="patient", of=1, version=1, line=b"{}", held=False) -> None:
    work.operations.keep(
        KeptOperation(
            op_id=op_id,
            kind=kind,
            record_id=record_id(of),
            version=version,
            line=line,
            held=held,
        )
    )


def test_staff_then_letters_then_today_then_the_rest(store: EncryptedStore) -> None:
    with store.write() as work:
        for number in (4, 3, 2, 1):  # the one with the letter is the last of all
            sign(work.patients, patient(number), at=EARLIER)
            sign(work.encounters, encounter(100 + number, number), at=EARLIER)
        amend(work, 1, 1, at=EARLIER)
        sign(work.prescriptions, prescription(201), at=EARLIER)
        # Today: a visit of an old patient, and a paper of an old visit.
        sign(work.encounters, encounter(113, 3), at=NOW)
        sign(
            work.prescriptions,
            prescription(202, patient_id=record_id(2), encounter_id=record_id(102)),
            at=NOW,
        )
        sign(work.referrals, referral(301), at=EARLIER)
        work.users.save(DOCTOR, author=None, at=LATER)
        work.settings.save_station(STATION, LATER)

    found = items(store)

    assert places(found)[2:] == [
        ("patient", 1, 1),
        ("patient", 1, 2),
        ("encounter", 101, 1),
        ("prescription", 201, 1),
        ("referral", 301, 1),
        ("patient", 3, 1),
        ("patient", 2, 1),
        ("encounter", 102, 1),
        ("encounter", 113, 1),
        ("prescription", 202, 1),
        ("patient", 4, 1),
        ("encounter", 104, 1),
        ("encounter", 103, 1),
    ]
    assert [item.kind for item in found[:2]] == [RecordKind.FACILITY, RecordKind.PRACTITIONER]
    for limit in (1, 5, 14):
        assert items(store, limit) == found[:limit]


def test_the_day_is_that_of_the_machine(store: EncryptedStore) -> None:
    midnight = NOW.replace(hour=0, minute=30)  # yesterday in UTC
    with store.write() as work:
        sign(work.patients, patient(1), at=midnight - timedelta(hours=1))
        sign(work.patients, patient(2), at=midnight)

    assert [place[1] for place in places(items(store))] == [2, 1]


def test_what_is_offered_again_still_comes_after_what_it_needs(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1), at=EARLIER)
        sign(work.encounters, encounter(101), at=EARLIER)
        sign(work.prescriptions, prescription(201), at=EARLIER)
        keep(work, op(1))
        keep(work, op(2), "encounter", 101)
        keep(work, op(3), "prescription", 201)
        work.outbox.acknowledge_numbers(work.outbox.operations(99, TODAY), LATER)
        for number in (3, 2, 1):
            work.outbox.queue_operation(op(number))

    assert [item.op_id for item in items(store)] == [op(1), op(2), op(3)]
    with store.write() as work:  # the person is held; only visit and paper are missing
        work.outbox.acknowledge_numbers(work.outbox.operations(99, TODAY), LATER)
        for number in (3, 2):
            work.outbox.queue_operation(op(number))
    assert [item.op_id for item in items(store)] == [op(2), op(3)]
    with store.write() as work:
        work.outbox.queue_operation(op(1))
    assert {item.patient_id for item in items(store)} == {record_id(1)}
    assert {item.created_at for item in items(store)} == {EARLIER}


def test_only_the_numbers_that_were_taken_go(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
        amend(work, 1, 1)
        amend(work, 1, 2)
        keep(work, op(1), version=1)
        keep(work, op(2), version=2)
    first, second, third = items(store)
    assert [(one.op_id, one.size) for one in (first, second, third)] == [
        (op(1), 2),
        (op(2), 2),
        ("", 0),
    ]
    with store.write() as work:
        work.outbox.acknowledge_numbers([second], LATER)

    assert items(store) == (first, third)
    with store.read() as work:
        assert (work.operations.is_held(op(1)), work.operations.is_held(op(2))) == (False, True)
        assert work.operations.tally().count == 1
    with store.write() as work:
        work.outbox.acknowledge_numbers([first, third], LATER)
        work.outbox.acknowledge_numbers([second], LATER)  # a reply that came twice
        work.outbox.acknowledge_numbers([], LATER)
    assert items(store) == ()
    with store.read() as work:
        assert work.operations.tally().count == 2


def test_an_item_read_before_sealing_is_acknowledged_as_well(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
    (unsealed,) = items(store)
    with store.write() as work:
        keep(work, op(1))
        work.outbox.acknowledge_numbers([unsealed], LATER)
    with store.read() as work:
        assert work.operations.is_held(op(1))
        assert items(store) == ()


def test_an_older_answer_does_not_take_back_what_is_confirmed(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
        sign(work.encounters, encounter(101))
        letter = referral(301)
        sign(work.referrals, letter)
        sign(work.referrals, letter, version=1, status=RecordStatus.AMENDED)
    with store.write() as work:
        one, two = [i for i in work.outbox.operations(9, TODAY) if i.kind is RecordKind.REFERRAL]
        work.outbox.acknowledge_numbers([one], LATER)
        assert [row.sent for row in work.referrals.rows(5)] == [False]
        work.outbox.acknowledge_numbers([two], LATER)
        work.outbox.acknowledge_numbers([one], LATER)
        assert [row.sent for row in work.referrals.rows(5)] == [True]


def test_a_letter_that_came_from_the_province_is_sent(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
        sign(work.encounters, encounter(101))
        sign(work.referrals, referral(301))
        keep(work, op(1), "referral", 301, held=True)
        assert [row.sent for row in work.referrals.rows(5)] == [True]


def test_the_event_takes_the_id_of_the_sealed_line(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
        amend(work, 1, 1)
        keep(work, op(2), version=2)
    with store.read() as work:
        assert work.outbox.waiting(9)[0].op_id == op(2)
        assert [item.op_id for item in work.outbox.operations(9, TODAY)] == ["", op(2)]
    with store.write() as work:
        work.outbox.acknowledge(work.outbox.waiting(9)[0], {}, LATER)
        assert work.outbox.requeue_all() == 1
        assert work.outbox.waiting(9)[0].op_id == op(2)


def test_a_known_operation_is_offered_again_once(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
        keep(work, op(1), held=True)
        work.outbox.queue_operation(op(1))  # waits already
        work.outbox.queue_operation(op(7))  # never seen
    assert len(items(store)) == 1
    with store.write() as work:
        assert work.operations.tally().count == 0
        work.outbox.acknowledge_numbers(work.outbox.operations(9, TODAY), LATER)
        work.outbox.queue_operation(op(1))
        work.outbox.queue_operation(op(1))
    (again,) = items(store)
    assert (again.op_id, again.version, again.size) == (op(1), 1, 2)
    assert again.status is RecordStatus.SIGNED


@pytest.mark.parametrize(
    ("line", "at", "status"),
    [
        (b'{"at":"2026-02-01T08:00:00+07:00","status":"voided","x":[]}', None, "voided"),
        (b"{broken", LATER, "signed"),
        (b'{"at":"yesterday","status":"voided"}', LATER, "signed"),
        (b'{"at":"2026-02-01T08:00:00","status":"voided"}', LATER, "signed"),
    ],
)
def test_a_line_without_a_version_can_be_sent_again(
    store: EncryptedStore, line: bytes, at, status: str
) -> None:
    with store.write() as work:
        sign(work.patients, patient(1), at=LATER)
    with store.write() as work:
        work.outbox.acknowledge_numbers(work.outbox.operations(9, TODAY), LATER)
        keep(work, op(1), "immunisation", 7, 0, line, held=True)
        keep(work, op(2), "immunisation", 7, 0, b"{}", held=True)
        work.outbox.queue_operation(op(1))
        work.outbox.queue_operation(op(1))

    (item,) = items(store)
    assert (item.op_id, item.version, item.size) == (op(1), 0, len(line))
    assert item.status.value == status
    assert item.created_at == (at or NOW.replace(month=2, day=1))
    with store.read() as work:
        assert work.outbox.waiting(9) == ()  # only an exchange can carry it
        assert work.outbox.count(UnitState.WAITING) == 1
        assert not work.operations.is_held(op(1))
    with store.write() as work:
        work.outbox.quarantine(item, "không đọc được", LATER)
        assert [one.op_id for one in work.outbox.quarantined()] == [op(1)]
        assert work.outbox.count(UnitState.QUARANTINED) == 1
        assert work.outbox.release_quarantined() == 1
        work.outbox.acknowledge_numbers([item], LATER)
        assert work.operations.is_held(op(1))
        assert work.outbox.operations(9, TODAY) == ()


def test_a_kept_line_does_not_hide_or_go_with_the_records_own_versions(
    store: EncryptedStore,
) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
    with store.write() as work:
        keep(work, op(5), "patient", 1, 0, held=True)
        work.outbox.queue_operation(op(5))
        (own,) = work.outbox.waiting(9)
        assert own.version == 1
        work.outbox.quarantine(own, "sai", LATER)
        assert [item.version for item in work.outbox.operations(9, TODAY)] == [0]
        work.outbox.release_quarantined()
        kept = next(item for item in work.outbox.operations(9, TODAY) if not item.version)
        work.outbox.quarantine(kept, "sai", LATER)
        assert [item.version for item in work.outbox.operations(9, TODAY)] == [1]
        work.outbox.release_quarantined()
        work.outbox.acknowledge(own, {}, LATER)
    with store.write() as work:
        amend(work, 1, 1)
    with store.write() as work:
        (own,) = work.outbox.waiting(9)
        work.outbox.acknowledge(own, {}, LATER)
        assert [item.op_id for item in work.outbox.operations(9, TODAY)] == [op(5)]


def test_numbers_jump_and_never_return(store: EncryptedStore) -> None:
    with store.write() as work:
        assert work.outbox.last_number() == 0
        work.outbox.raise_number(40)
        assert work.outbox.last_number() == 40
        sign(work.patients, patient(1))
        work.outbox.raise_number(7)
    assert items(store)[0].seq == 41
    with store.write() as work:
        work.outbox.acknowledge_numbers(work.outbox.operations(9, TODAY), LATER)
        assert work.outbox.last_number() == 41
        work.outbox.raise_number(1000)
        amend(work, 1, 1)
    assert items(store)[0].seq == 1001


def test_the_traffic_of_a_day_adds_up(store: EncryptedStore) -> None:
    with store.write() as work:
        work.outbox.add_traffic(TODAY, 100, 20)
        work.outbox.add_traffic(TODAY, 5, 1)
    with store.read() as work:
        assert work.outbox.traffic_on(TODAY) == (105, 21)
        assert work.outbox.traffic_on(TODAY + timedelta(days=1)) == (0, 0)
