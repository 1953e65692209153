"""Two charts of one person are one person in every list, and two again when the link is voided."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from station_emr.db.store import EncryptedStore
from station_emr.domain.operation import Origin
from station_emr.domain.patient import Allergy
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.record import RecordKind, RecordStatus

from .records import LATER, NOW, TODAY, encounter, patient, prescription, record_id, referral, sign


def link(number: int, survivor: int, duplicate: int) -> PatientLink:
    return PatientLink(
        id=record_id(number), survivor_id=record_id(survivor), duplicate_id=record_id(duplicate)
    )


@pytest.fixture
def two(store: EncryptedStore) -> EncryptedStore:
    """One person under two names, with a visit each, and a stranger."""
    with store.write() as work:
        sign(work.patients, patient(1, "Rơ Châm Mẫu"))
        sign(work.patients, patient(2, "Ro Cham Mau"))
        sign(work.patients, patient(3, "Siu Mẫu"))
        sign(work.encounters, encounter(101, 1))
        sign(work.encounters, encounter(102, 2, arrived_at=NOW + timedelta(days=1)))
        sign(work.prescriptions, prescription(201))
        sign(
            work.prescriptions,
            prescription(202, patient_id=record_id(2), encounter_id=record_id(102)),
        )
        sign(work.referrals, referral(301))
    return store


def names(rows) -> list[str]:
    return [row.full_name for row in rows]


def test_a_joined_chart_is_found_under_both_names_and_numbers_once(two: EncryptedStore) -> None:
    with two.write() as work:
        sign(work.links, link(501, 1, 2))
    with two.read() as work:
        assert sorted(names(work.patients.search("mau", 5))) == ["Rơ Châm Mẫu", "Siu Mẫu"]
        assert names(work.patients.search("ro cham", 1)) == ["Rơ Châm Mẫu"]
        assert names(work.patients.search("A26.000002", 5)) == ["Rơ Châm Mẫu"]
        assert names(work.patients.by_number(patient(2).national_id)) == ["Rơ Châm Mẫu"]
        assert sorted(names(work.patients.same_birth_year(1990, "mau", 5))) == [
            "Rơ Châm Mẫu",
            "Siu Mẫu",
        ]
        assert work.patients.row(record_id(2)).full_name == "Ro Cham Mau"


def test_a_full_page_of_hits_is_not_shortened_by_what_was_joined(two: EncryptedStore) -> None:
    with two.write() as work:
        for number in range(10, 16):
            sign(work.patients, patient(number, "Rơ Châm Đông"))
            sign(work.links, link(500 + number, 10, number)) if number > 10 else None
        sign(work.patients, patient(20, "Rơ Châm Đông Anh"))
    with two.read() as work:
        assert names(work.patients.search("ro cham dong", 2)) == [
            "Rơ Châm Đông",
            "Rơ Châm Đông Anh",
        ]


@pytest.mark.parametrize("chart", [1, 2])
def test_every_chart_of_a_person_tells_the_whole_story(two: EncryptedStore, chart: int) -> None:
    with two.write() as work:
        sign(work.links, link(501, 1, 2))
        work.encounters.save_draft(encounter(103, 2, arrived_at=LATER), LATER)
    with two.read() as work:
        me = record_id(chart)
        assert [row.encounter_id for row in work.encounters.timeline(me, 9)] == [
            record_id(102),
            record_id(103),
            record_id(101),
        ]
        assert len(work.encounters.timeline(me, 1)) == 1
        assert len(work.encounters.vitals_of(me, 9)) == 3
        assert work.encounters.open_of(me, TODAY) == record_id(103)
        assert {one.id for one in work.prescriptions.signed_of(me, TODAY)} == {
            record_id(201),
            record_id(202),
        }
        assert work.links.group_of(me) == (record_id(1), record_id(2))
        assert work.links.survivor_of(me) == record_id(1)


def test_the_last_visit_is_that_of_the_person(two: EncryptedStore) -> None:
    tomorrow = TODAY + timedelta(days=1)
    with two.write() as work:
        sign(work.links, link(501, 1, 2))
    with two.read() as work:
        assert work.patients.row(record_id(1)).last_visit_on == tomorrow
    with two.write() as work:
        later = NOW + timedelta(days=2)
        sign(work.encounters, encounter(104, 2, arrived_at=later), at=later)
    with two.read() as work:
        assert work.patients.row(record_id(1)).last_visit_on == later.date()
    with two.write() as work:
        sign(work.links, link(501, 1, 2), version=1, status=RecordStatus.VOIDED)
    with two.read() as work:
        assert work.patients.row(record_id(1)).last_visit_on == TODAY
        assert work.patients.row(record_id(2)).last_visit_on == later.date()


def test_voiding_a_link_parts_the_charts(two: EncryptedStore) -> None:
    with two.write() as work:
        changed = sign(work.links, link(501, 1, 2))
        assert changed.kind is RecordKind.LINK
        assert work.links.active() == (link(501, 1, 2),)
    with two.write() as work:
        sign(work.links, link(501, 1, 2), version=1, status=RecordStatus.VOIDED)
    with two.read() as work:
        assert work.links.active() == ()
        assert len(work.patients.search("mau", 9)) == 3
        assert work.links.group_of(record_id(2)) == (record_id(2),)
        assert [row.encounter_id for row in work.encounters.timeline(record_id(2), 9)] == [
            record_id(102)
        ]


def test_groups_grow_together_and_fall_apart_in_any_order(two: EncryptedStore) -> None:
    with two.write() as work:
        for number in (4, 5):
            sign(work.patients, patient(number, "Siu Mẫu"))
        sign(work.links, link(501, 1, 2))
        sign(work.links, link(502, 4, 5))
        work.links.add_replica(
            link(503, 2, 4),
            RecordStatus.SIGNED,
            author=("x", "Người khác"),
            at=NOW,
            parents=(),
            origin=Origin.REPLICA,
        )
    with two.read() as work:
        assert work.links.group_of(record_id(5)) == tuple(record_id(n) for n in (1, 2, 4, 5))
    with two.write() as work:
        sign(work.links, link(501, 1, 2), version=1, status=RecordStatus.VOIDED)
    with two.read() as work:
        assert work.links.group_of(record_id(5)) == tuple(record_id(n) for n in (2, 4, 5))
        assert work.links.group_of(record_id(1)) == (record_id(1),)


def test_a_link_needs_both_charts(two: EncryptedStore) -> None:
    with pytest.raises(IntegrityError), two.write() as work:
        sign(work.links, link(501, 1, 99))


def test_two_people_stay_dismissed(two: EncryptedStore) -> None:
    with two.write() as work:
        assert work.links.dismissed() == frozenset()
        work.links.dismiss("b", "a")
        work.links.dismiss("a", "b")
    with two.read() as work:
        assert work.links.dismissed() == {("a", "b")}


def test_links_leave_after_the_people(two: EncryptedStore) -> None:
    with two.write() as work:
        sign(work.links, link(501, 1, 2))
        for item in work.outbox.waiting(99):
            work.outbox.acknowledge(item, {}, LATER)
        assert work.outbox.requeue_all() == 9
    with two.read() as work:
        for kinds in (
            [item.kind for item in work.outbox.waiting(99)],
            [item.kind for item in work.outbox.operations(99, TODAY)],
        ):
            assert kinds[-1] is RecordKind.LINK
            assert kinds.count(RecordKind.LINK) == 1


def test_charts_are_told_in_the_order_of_their_arrival(two: EncryptedStore) -> None:
    with two.write() as work:
        sign(work.patients, patient(1, "Rơ Châm Mẫu"), version=1, status=RecordStatus.AMENDED)
    with two.read() as work:
        told = work.patients.written_between(0, 1 << 60, 9)
        assert [chart for _, chart in told] == [record_id(n) for n in (1, 3, 2, 1)]
        middle = told[1][0]
        assert work.patients.written_between(0, middle, 1) == told[2:3]
        assert work.patients.written_between(middle, 1 << 60, 9) == told[:1]


def test_the_queue_shows_the_chart_that_stays_and_the_allergies_of_all(
    two: EncryptedStore,
) -> None:
    with two.write() as work:
        known = (Allergy(substance="Penicillin"), Allergy(substance="Tôm"))
        sign(work.patients, patient(2, "Ro Cham Mau", allergies=known), version=1)
        sign(work.links, link(501, 1, 2))
        empty = encounter(105, 2, arrived_at=NOW + timedelta(hours=1), vitals=())
        work.encounters.save_draft(empty, LATER)
        sign(work.referrals, referral(302, patient_id=record_id(2), encounter_id=record_id(102)))
    with two.read() as work:
        row = next(r for r in work.encounters.queue(TODAY) if r.encounter_id == record_id(105))
        assert (row.patient_id, row.full_name) == (record_id(1), "Rơ Châm Mẫu")
        assert row.allergies == "Penicillin, Tôm"
        assert row.last_blood_pressure == "150/90"
        letter = work.referrals.row(record_id(302))
        assert letter is not None
        assert (letter.patient_id, letter.full_name) == (record_id(1), "Rơ Châm Mẫu")
    with two.write() as work:
        sign(work.links, link(501, 1, 2), version=1, status=RecordStatus.VOIDED)
    with two.read() as work:
        row = next(r for r in work.encounters.queue(TODAY) if r.encounter_id == record_id(105))
        assert (row.patient_id, row.full_name) == (record_id(2), "Ro Cham Mau")
        assert row.last_blood_pressure == ""
