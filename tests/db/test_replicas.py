"""Versions that were written elsewhere: kept beside ours, never offered back, never lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.db.codec import decode
from station_emr.db.repositories.records import write_version
from station_emr.db.store import EncryptedStore
from station_emr.domain.encounter import Encounter
from station_emr.domain.errors import StateError
from station_emr.domain.operation import Envelope, Operation, Origin
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.user import User

from .records import DOCTOR, LATER, ME, NOW, STATION, TODAY, encounter, patient, record_id, sign

COLLEAGUE = ("00000000-0000-7000-8000-000000000b0b", "Y sĩ Mẫu")
AMENDED, SIGNED, VOIDED = RecordStatus.AMENDED, RecordStatus.SIGNED, RecordStatus.VOIDED


def arrive(repository, record, *, parents=(), status=SIGNED, origin=Origin.REPLICA, **more):
    return repository.add_replica(
        record, status, author=COLLEAGUE, at=LATER, parents=parents, origin=origin, **more
    )


def test_a_new_record_from_elsewhere_is_a_record_like_any(store: EncryptedStore) -> None:
    with store.write() as work:
        changed = arrive(work.patients, patient(1), device="Máy 2", skew=-7)
        arrive(work.encounters, encounter(101))
    assert (changed.version, changed.status) == (1, SIGNED)
    with store.read() as work:
        assert work.patients.get(record_id(1)).record == patient(1)
        assert [row.last_visit_on for row in work.patients.search("ro cham", 5)] == [TODAY]
        assert work.outbox.waiting(9) == ()
        (node,) = work.patients.lineage(record_id(1))
        assert node == work.operations.node(RecordKind.PATIENT, record_id(1), 1)
        assert (node.origin, node.parents, node.op_id) == (Origin.REPLICA, (), "")
        assert (node.author_id, node.author_name, node.at) == (*COLLEAGUE, LATER)
        assert (node.device, node.skew, node.open_fields) == ("Máy 2", -7, ())


def test_a_leaf_and_the_merge_over_it(store: EncryptedStore) -> None:
    ours, theirs = patient(phone="0911000001"), patient(phone="0911000002")
    with store.write() as work:
        sign(work.patients, patient())
        sign(work.patients, ours, version=1, status=AMENDED)
        beside = arrive(work.patients, theirs, parents=(1,), status=AMENDED, move_head=False)
        assert (beside.version, work.patients.get(record_id(1)).version) == (3, 2)
        merge = arrive(
            work.patients,
            ours,
            parents=(2, 3),
            status=AMENDED,
            origin=Origin.MERGE,
            open_fields=("phone",),
        )
        assert work.operations.conflicts() == ((RecordKind.PATIENT, record_id(1)),)
    assert merge.version == 4
    with store.read() as work:
        assert [item.version for item in work.outbox.operations(9, TODAY)] == [1, 2, 4]
        assert work.patients.get(record_id(1)).record == ours
        assert work.patients.at_version(record_id(1), 3) == theirs
        assert [node.parents for node in work.patients.lineage(record_id(1))] == [
            (),
            (1,),
            (1,),
            (2, 3),
        ]
    with store.write() as work:
        sign(work.patients, theirs, version=4, status=AMENDED, reason="Đã hỏi người bệnh")
        assert work.operations.conflicts() == ()


def test_what_is_written_after_a_hidden_leaf_is_based_on_what_was_seen(
    store: EncryptedStore,
) -> None:
    with store.write() as work:
        sign(work.patients, patient())
        arrive(work.patients, patient(), parents=(1,), status=AMENDED, move_head=False)
        changed = sign(work.patients, patient(phone="0911000003"), version=1, status=AMENDED)

    assert changed.version == 3
    with store.read() as work:
        assert work.patients.get(record_id(1)).version == 3
        assert work.patients.lineage(record_id(1))[-1].parents == (1,)


def test_the_first_version_always_has_a_head(store: EncryptedStore) -> None:
    with store.write() as work:
        arrive(work.patients, patient(), move_head=False)
    with store.read() as work:
        assert work.patients.get(record_id(1)).version == 1


def test_a_draft_gives_way_and_its_words_are_kept(store: EncryptedStore) -> None:
    typed = encounter(101, reason="Còn đang gõ dở")
    with store.write() as work:
        sign(work.patients, patient())
        work.encounters.save_draft(typed, NOW)
    with store.write() as work:
        arrive(work.encounters, encounter(101), move_head=False)
    with store.read() as work:
        stored = work.encounters.get(record_id(101))
        assert (stored.version, stored.record) == (1, encounter(101))
        (form,) = work.drafts.all()
        assert form.key == f"displaced/encounter/{record_id(101)}"
        assert decode(form.content, Encounter) == typed
        assert form.saved_at == NOW


def write_unqueued(store: EncryptedStore, origin: Origin) -> None:
    with store.write() as work:
        write_version(
            work._connection,
            kind=RecordKind.PATIENT,
            record_id=record_id(1),
            patient_id=record_id(1),
            version=1,
            status=SIGNED,
            content="{}",
            author=COLLEAGUE,
            at=NOW,
            origin=origin,
        )
        work._connection.exec_driver_sql("DELETE FROM outbox")


@pytest.mark.parametrize("origin", [Origin.HERE, Origin.MERGE])
def test_only_what_came_from_elsewhere_may_stay_unqueued(
    store: EncryptedStore, origin: Origin
) -> None:
    with pytest.raises(RuntimeError, match="not queued"):
        write_unqueued(store, origin)
    with store.read() as work:
        assert work.patients.lineage(record_id(1)) == ()


def test_a_replica_is_no_draft_and_not_ours(store: EncryptedStore) -> None:
    with store.write() as work:
        with pytest.raises(ValueError, match="written elsewhere"):
            arrive(work.patients, patient(), status=RecordStatus.DRAFT)
        with pytest.raises(ValueError, match="written elsewhere"):
            arrive(work.patients, patient(), origin=Origin.HERE)
        with pytest.raises(ValueError, match="does not fit"):
            arrive(work.encounters, encounter())  # the person is not here


def test_voiding_ends_a_record_for_people_here_only(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient())
        sign(work.patients, patient(), version=1, status=VOIDED)
        for open_fields in ((), ("phone",)):
            with pytest.raises(StateError, match="Đã hủy"):
                work.patients.add_version(
                    patient(),
                    AMENDED,
                    author=ME,
                    at=NOW,
                    expected_version=2,
                    open_fields=open_fields,
                )
        arrive(work.patients, patient(), parents=(1,), status=AMENDED, move_head=False)
        arrive(
            work.patients,
            patient(),
            parents=(2, 3),
            status=VOIDED,
            origin=Origin.MERGE,
            open_fields=("status",),
        )
        work.patients.add_version(patient(), VOIDED, author=ME, at=NOW, expected_version=4)
        with pytest.raises(StateError, match="Đã hủy"):
            sign(work.patients, patient(), version=5, status=AMENDED)
        undone = work.patients.add_version(
            patient(), VOIDED, author=ME, at=NOW, expected_version=5, open_fields=("status",)
        )
        assert work.operations.conflicts() == ((RecordKind.PATIENT, record_id(1)),)
        sign(work.patients, patient(), version=undone.version, status=AMENDED)
    with store.read() as work:
        assert work.patients.get(record_id(1)).status is AMENDED


def test_a_version_names_the_machine_and_its_clock(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
        work.settings.save_station(replace(STATION, device_name="Máy trực"), NOW)
        work.settings.put("sync.clock_skew_seconds", "-90")
        sign(work.patients, patient(2))
    with store.write() as work:
        sign(work.encounters, encounter(101))
        work.settings.put("sync.clock_skew_seconds", "")
        work.users.save(DOCTOR, author=None, at=NOW)
    with store.read() as work:
        told = [
            (node.device, node.skew)
            for node in (
                *work.patients.lineage(record_id(1)),
                *work.patients.lineage(record_id(2)),
                *work.encounters.lineage(record_id(101)),
                *work.users.lineage(DOCTOR.id),
            )
        ]
        assert told == [("", None), ("Máy trực", -90), ("Máy trực", -90), ("Máy trực", None)]
        (station,) = [work.operations.node(RecordKind.FACILITY, STATION.facility_id, 1)]
        assert station.device == "Máy trực"


def fail_to_save(store: EncryptedStore) -> None:
    with store.write() as work:
        work.settings.put("sync.clock_skew_seconds", "3600")
        sign(work.patients, patient(1))
        raise KeyError


def test_a_clock_difference_that_was_rolled_back_is_not_written(store: EncryptedStore) -> None:
    with pytest.raises(KeyError):
        fail_to_save(store)
    with store.write() as work:
        sign(work.patients, patient(1))
        assert work.patients.lineage(record_id(1))[0].skew is None


def user(number: int, **changes) -> User:
    return replace(
        User(
            id=f"00000000-0000-7000-8000-{number:06x}a1b2c3",
            username="",
            full_name="Rơ Mah Mẫu",
            role=Role.NURSE,
        ),
        **changes,
    )


def operation(one: User, *, status=SIGNED, **changes) -> Operation:
    envelope = Envelope(
        kind=RecordKind.PRACTITIONER,
        record_id=one.id,
        status=status,
        base=(),
        at=LATER,
        author_id=COLLEAGUE[0],
        author_name=COLLEAGUE[1],
        incarnation="0123456789abcdef",
        number=4,
        device="Máy 2",
        skew=3,
        **changes,
    )
    return Operation(op_id="0" * 32, envelope=envelope, record=one, line=b"{}")


def test_an_unknown_colleague_cannot_log_in(store: EncryptedStore) -> None:
    with store.write() as work:
        for number in (1, 2, 3):
            work.users.add_replica(user(number), operation(user(number)), ())
    with store.read() as work:
        assert [one.username for one in work.users.all()] == [
            "nv-a1b2c3",
            "nv-a1b2c3-2",
            "nv-a1b2c3-3",
        ]
        assert {one.active for one in work.users.all()} == {False}
        assert work.outbox.waiting(9) == ()
        (node,) = work.users.lineage(user(1).id)
        assert (node.origin, node.device, node.skew, node.at) == (
            Origin.REPLICA,
            "Máy 2",
            3,
            LATER,
        )


def test_a_known_colleague_keeps_the_log_in_of_this_machine(store: EncryptedStore) -> None:
    with store.write() as work:
        work.users.save(replace(DOCTOR, last_login_at=NOW), author=None, at=NOW)
        renamed = replace(DOCTOR, username="x", full_name="Trần Thị Mới", active=False)
        changed = work.users.add_replica(renamed, operation(renamed, status=AMENDED), (1,))
    assert (changed.version, changed.status) == (2, AMENDED)
    with store.read() as work:
        assert work.users.get(DOCTOR.id) == replace(
            DOCTOR, full_name="Trần Thị Mới", last_login_at=NOW
        )
        assert work.users.by_username(DOCTOR.username) is not None
        assert work.users.by_username("x") is None
        assert work.users.lineage(DOCTOR.id)[1].parents == (1,)
    with store.write() as work:
        known = work.users.get(DOCTOR.id)
        assert work.users.save(replace(known, phone="0911"), author=None, at=LATER).version == 3
