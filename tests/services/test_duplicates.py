"""One person registered twice: proposed, compared, joined, separated."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.demo.people import People
from station_emr.domain.birth import BirthDate
from station_emr.domain.errors import Conflict, InvalidRecord, PermissionDenied, StateError
from station_emr.domain.patient import Address, Allergy, Coverage, Patient
from station_emr.domain.patient_link import PatientLink, survivors
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus, Sex
from station_emr.services.chart_likeness import births_agree, likeness
from station_emr.services.desk_views import Choice
from station_emr.services.guards import confirmation_key
from station_emr.services.matching import NameMatcher
from tests.services.visit_samples import prescription, sign, visit

HOME = Address(line="Làng Ơp", commune_name="Xã Mẫu", province_name="Tỉnh Mẫu")
PLAIN = {
    "birth": BirthDate(1985, 4, 2),
    "sex": Sex.FEMALE,
    "address": HOME,
    "national_id": "",
    "old_national_id": "",
    "phone": "",
    "coverages": (),
    "allergies": (),
    "no_known_allergy": False,
    "conditions": (),
    "note": "",
}


def register(station, name="Rah Lan H'Nhung", **changes):
    return station.register(full_name=name, **{**PLAIN, **changes})


def pairs(station):
    return [
        ({p.one.patient_id, p.other.patient_id}, p.certain)
        for p in station.services.duplicates.proposals(station.nurse)
    ]


def join(station, one, other, **choices):
    duplicates = station.services.duplicates
    seen = duplicates.compare(station.nurse, one.id, other.id)
    return duplicates.merge(
        station.nurse,
        one.id,
        other.id,
        choices,
        reason="cùng một người",
        expected_version=seen.survivor_version,
    )


def record(station, patient):
    return station.services.patients.get(station.nurse, patient.id).record


# What is proposed --------------------------------------------------------------------------


def test_each_chart_says_who_wrote_it_where_and_when(station):
    register(station, national_id="064185000123")
    register(station, national_id="064185000123")
    (found,) = station.services.duplicates.proposals(station.nurse)
    assert found.one.registered_by == station.nurse.user.full_name
    assert found.one.registered_on == "Máy 1, 20/11/2026"


def test_the_same_number_is_certain_and_comes_first(station):
    near = register(station), register(station, "Rah Lan H Nhung")
    card = Coverage(number="GD4649900000101")
    same = (
        register(station, "Siu Mẫu", birth=BirthDate(1950), coverages=(card,)),
        register(station, "Ksor Khác", birth=BirthDate(2001), coverages=(card,), sex=Sex.MALE),
    )
    assert pairs(station) == [({same[0].id, same[1].id}, True), ({near[0].id, near[1].id}, False)]
    (first, second) = station.services.duplicates.proposals(station.nurse)
    assert first.why == ("Trùng số thẻ bảo hiểm y tế.", "Cùng thôn, làng.", "Cùng xã.")
    assert "Họ tên gần giống nhau." in second.why or "Họ tên giống nhau." in second.why


@pytest.mark.parametrize(
    ("change", "proposed"),
    [
        ({}, True),
        ({"birth": BirthDate(1986)}, True),
        ({"birth": BirthDate(1985, 4, 3)}, False),
        ({"birth": BirthDate(1988)}, False),
        ({"sex": Sex.MALE}, False),
        ({"address": Address(line="Thôn 9", commune_name="Xã Khác")}, False),
        ({"address": Address(line="Thôn 9", commune_name="Xã Khác"), "phone": "0900000001"}, True),
        ({"name": "Rah Lan H'Yŭ"}, False),
    ],
    ids=str,
)
def test_likeness_needs_name_birth_sex_and_a_place(station, change, proposed):
    change = dict(change)
    name = change.pop("name", "Rah Lan H'Nhung")
    phone = change.get("phone", "")
    register(station, phone=phone)
    register(station, name, **change)
    assert bool(pairs(station)) is proposed


def test_each_call_looks_at_what_is_new_and_forgets_what_is_settled(station):
    one, other = register(station), register(station)
    assert len(pairs(station)) == 1
    third = register(station, "Siu Mẫu Khác")
    assert len(pairs(station)) == 1
    station.services.duplicates.dismiss(station.nurse, other.id, one.id)
    assert pairs(station) == []
    fourth = register(station, "Siu Mẫu Khac")
    assert pairs(station) == [({third.id, fourth.id}, False)]
    join(station, third, fourth)
    assert pairs(station) == []


def test_a_chart_that_was_corrected_is_proposed_no_more(station):
    one, other = register(station), register(station)
    assert len(pairs(station)) == 1
    corrected = replace(other, birth=BirthDate(1999, 1, 1))
    yes = [confirmation_key(p) for p in station.services.patients.check(corrected)]
    station.services.patients.update(station.nurse, corrected, 1, yes)
    assert pairs(station) == []
    del one


def test_a_whole_station_is_looked_through_piece_by_piece(station):
    people = People(5, date(2026, 11, 20))
    with station.store.write() as work:
        author = station.nurse.user.snapshot
        twin = None
        for number in range(200):
            person = replace(
                people.next(), id=station.clock.new_id(), national_id=f"0640999{number:05d}"
            )
            person = replace(person, old_national_id="", coverages=(), phone="")
            if number == 3:
                twin = person
            if number == 5:
                person = replace(person, national_id=twin.national_id)
            work.patients.add_version(
                person,
                RecordStatus.SIGNED,
                author=author,
                at=station.clock.now(),
                expected_version=0,
            )
    certain = []
    for _ in range(5):
        certain = [pair for pair, sure in pairs(station) if sure]
        if certain:
            break
    assert len(certain) == 1


# Joining -----------------------------------------------------------------------------------


def test_joining_takes_what_was_chosen_and_keeps_both_histories(station):
    one = register(
        station,
        phone="0900000001",
        coverages=(Coverage(number="GD4649900000101"),),
        allergies=(Allergy(substance="Penicillin"),),
    )
    other = register(
        station,
        phone="0900000002",
        note="Nhà xa",
        national_id="064185990001",
        coverages=(Coverage(number="GD4649900000102"),),
        allergies=(Allergy(substance="Tôm"),),
    )
    sign(station, visit(station, other))
    seen = station.services.duplicates.compare(station.nurse, one.id, other.id)
    shown = {row.path: row.shown for row in seen.differences}
    assert shown["coverages"] is shown["allergies"] is Choice.BOTH
    assert shown["national_id"] is shown["note"] is Choice.OTHER  # empty in the one that stays
    assert shown["phone"] is Choice.ONE
    assert seen.differences[0].safety
    assert seen.proposal.other.visits == 1
    changes = join(station, one, other, phone=Choice.OTHER)
    assert changes.touches(RecordKind.PATIENT, RecordKind.LINK)
    kept = record(station, one)
    assert (kept.phone, kept.note, kept.national_id) == ("0900000002", "Nhà xa", "064185990001")
    assert {card.number[-3:] for card in kept.coverages} == {"101", "102"}
    assert {allergy.substance for allergy in kept.allergies} == {"Penicillin", "Tôm"}
    assert kept.chart_number == one.chart_number
    assert record(station, other) == other
    rows = station.services.patients.search(station.nurse, "nhung")
    assert [row.id for row in rows] == [one.id]
    (row,) = station.services.duplicates.joined(station.nurse)
    assert (row.survivor.patient_id, row.duplicate.patient_id) == (one.id, other.id)
    assert row.reason == "cùng một người"
    with station.store.read() as work:
        assert "patient.join" in [line.action for line in work.audit.rows(5)]
        assert len(work.encounters.timeline(one.id, 10)) == 1


def test_joining_twice_or_over_a_newer_chart_is_refused(station):
    one, other, third = (register(station) for _ in range(3))
    duplicates = station.services.duplicates
    with pytest.raises(Conflict):
        duplicates.merge(station.nurse, one.id, other.id, {}, expected_version=9)
    join(station, one, other)
    for pair in ((one, other), (other, one)):
        with pytest.raises(StateError):
            join(station, *pair)
    with pytest.raises(StateError) as refused:
        join(station, third, other)  # the one it was joined to has to be opened
    assert one.chart_number in str(refused.value)
    with pytest.raises(PermissionDenied):
        duplicates.merge(station.actor(Role.PHARMACIST), one.id, third.id, {}, expected_version=1)


def test_separating_gives_the_survivor_its_own_fields_back(station):
    one, other = register(station), register(station, note="Nhà xa")
    join(station, one, other)
    assert record(station, one).note == "Nhà xa"
    (row,) = station.services.duplicates.joined(station.nurse)
    apart = station.services.duplicates.undo(station.nurse, row.link_id, reason="nhầm")
    assert apart.note == ""
    assert record(station, one) == one
    assert station.services.duplicates.joined(station.nurse) == ()
    found = {r.id for r in station.services.patients.search(station.nurse, "nhung")}
    assert found == {one.id, other.id}
    with pytest.raises(StateError):
        station.services.duplicates.undo(station.nurse, row.link_id)


def test_separating_leaves_what_was_written_since_and_says_so(station):
    one, other = register(station), register(station, note="Nhà xa")
    join(station, one, other)
    later = replace(record(station, one), phone="0900000009")
    yes = [confirmation_key(p) for p in station.services.patients.check(later)]
    station.services.patients.update(station.nurse, later, 2, yes)
    (row,) = station.services.duplicates.joined(station.nurse)
    apart = station.services.duplicates.undo(station.nurse, row.link_id)
    assert "giữ nguyên" in apart.note
    assert record(station, one) == later
    assert station.services.duplicates.joined(station.nurse) == ()


def test_joining_equal_charts_writes_no_version_and_separating_says_nothing(station):
    one, other = register(station), register(station)
    changes = join(station, one, other)
    assert [item.kind for item in changes.items] == [RecordKind.LINK]
    (row,) = station.services.duplicates.joined(station.nurse)
    assert station.services.duplicates.undo(station.nurse, row.link_id).note == ""


# Groups, in any order --------------------------------------------------------------------------

CHARTS = [f"chart{n}" for n in range(5)]
LINKS = st.lists(
    st.tuples(st.sampled_from(CHARTS), st.sampled_from(CHARTS)).filter(lambda p: p[0] != p[1]),
    max_size=8,
)


@given(LINKS, st.randoms(use_true_random=False))
def test_who_is_shown_does_not_depend_on_the_order_of_links(ends, chance):
    links = [
        PatientLink(id=str(n), survivor_id=one, duplicate_id=other)
        for n, (one, other) in enumerate(ends)
    ]
    shown = survivors(links)
    mixed = list(links)
    chance.shuffle(mixed)
    assert survivors(mixed) == shown
    for chart, survivor in shown.items():
        assert shown[survivor] == survivor, "no chain and no ring"
        assert chart in shown
    for link in links:
        assert shown[link.survivor_id] == shown[link.duplicate_id]
    dropped = [link for link in links if chance.random() < 0.5]
    left = survivors(dropped)
    touched = {end for link in dropped for end in (link.survivor_id, link.duplicate_id)}
    assert set(left) == touched


@settings(max_examples=8)
@given(LINKS, st.randoms(use_true_random=False))
def test_links_of_two_machines_make_the_same_groups(machines, ends, chance):
    here, there, _ = machines
    author = _author(here)
    ids = {name: here.clock.new_id() for name in CHARTS}
    for chart in ids.values():
        person = Patient(id=chart, full_name="Siu Mẫu", birth=BirthDate(1990), sex=Sex.FEMALE)
        here.write(RecordKind.PATIENT, person, author)
    made = []
    for one, other in ends:
        link = PatientLink(id=here.clock.new_id(), survivor_id=ids[one], duplicate_id=ids[other])
        here.write(RecordKind.LINK, link, author)
        if chance.random() < 0.3:
            here.edit(RecordKind.LINK, link.id, author, RecordStatus.VOIDED)
        made += here.operations(RecordKind.LINK, link.id)
    made += [op for chart in ids.values() for op in here.operations(RecordKind.PATIENT, chart)]
    chance.shuffle(made)
    there.take(*made)
    with here.store.read() as mine, there.store.read() as theirs:
        for chart in ids.values():
            assert theirs.links.survivor_of(chart) == mine.links.survivor_of(chart)
            assert set(theirs.links.group_of(chart)) == set(mine.links.group_of(chart))


def _author(machine):
    with machine.store.read() as work:
        return work.users.all()[0].snapshot


@given(st.builds(BirthDate, st.integers(1980, 1983)), st.builds(BirthDate, st.integers(1980, 1983)))
def test_likeness_is_the_same_from_both_sides(one, other):
    first = Patient(id="1", full_name="Siu H'Lăn", birth=one, sex=Sex.FEMALE, address=HOME)
    second = replace(first, id="2", full_name="Siu H Lan", birth=other)
    matcher = NameMatcher()
    assert births_agree(one, other) is births_agree(other, one)
    assert likeness(first, second, matcher) == likeness(second, first, matcher)


# What a joined chart must not hide -----------------------------------------------------------


def test_a_joined_chart_opens_the_one_that_stays_with_every_allergy(station):
    one = register(station, allergies=(Allergy(substance="Tôm"),))
    other = register(station, allergies=(Allergy(substance="Penicillin"),))
    join(station, one, other, allergies=Choice.ONE)
    card = station.services.patients.card(station.nurse, other.id)
    assert (card.patient.id, card.joined_id) == (one.id, other.id)
    assert [a.substance for a in card.patient.allergies] == ["Tôm", "Penicillin"]
    assert station.services.patients.card(station.nurse, one.id).joined_id == ""


@pytest.mark.parametrize("on_duplicate", [True, False])
def test_a_prescription_is_checked_against_the_allergies_of_every_chart(station, on_duplicate):
    penicillin = (Allergy(substance="Amoxicilin"),)
    one = register(station, allergies=() if not on_duplicate else penicillin)
    other = register(station, allergies=penicillin if not on_duplicate else ())
    encounter = visit(station, other if on_duplicate else one)
    join(station, one, other, allergies=Choice.ONE)
    paper = prescription(station, encounter, "amoxicilin")
    with pytest.raises(InvalidRecord) as refused:
        sign(station, encounter, prescription=paper)
    assert {p.code for p in refused.value.problems} >= {"allergy-ingredient"}
    sign(station, encounter, prescription=prescription(station, encounter))
    stored = station.services.prescriptions.of_encounter(station.doctor, encounter.id)
    assert stored.record.patient.allergies == ("Amoxicilin",)


# What is written after joining ----------------------------------------------------------------


def joined_pair(station):
    """The chart that stays, and one with another name and number that was joined to it."""
    one = register(station, "Siu H'Mẫu", phone="0900000001")
    other = register(station, "Siu Mẩu", phone="0900000002")
    return one, other


def test_what_is_signed_after_joining_names_the_standing_chart(station):
    one, other = joined_pair(station)
    before = visit(station, other)
    early = sign(station, before, prescription=prescription(station, before, "oresol"))
    encounter = visit(station, other)
    join(station, one, other)

    made = sign(station, encounter, prescription=prescription(station, encounter))

    for kind, get in (
        (RecordKind.ENCOUNTER, station.services.encounters.get),
        (RecordKind.PRESCRIPTION, station.services.prescriptions.get),
    ):
        told = get(station.doctor, made.id_of(kind)).record
        assert (told.patient.full_name, told.patient.chart_number) == (
            one.full_name,
            one.chart_number,
        )
        assert told.patient_id == other.id
        kept = get(station.doctor, early.id_of(kind)).record.patient
        assert (kept.full_name, kept.chart_number) == (other.full_name, other.chart_number)


def test_a_draft_is_drawn_with_the_standing_person(station, monkeypatch):
    one, other = joined_pair(station)
    encounter = visit(station, other)
    paper = prescription(station, encounter)
    station.services.prescriptions.save_draft(station.doctor, paper)
    join(station, one, other)
    drawn = []
    documents = station.services.prints._documents
    monkeypatch.setattr(
        documents, "prescription", lambda paper, _mark: drawn.append(paper) or b"", raising=False
    )

    station.services.prints.preview(station.doctor, RecordKind.PRESCRIPTION, paper.id)
    station.services.prints.preview_draft(station.doctor, paper)

    assert {one_drawn.patient.chart_number for one_drawn in drawn} == {one.chart_number}


def test_the_standing_chart_is_given_with_the_number_asked_for(station):
    one, other = joined_pair(station)
    join(station, one, other)
    patients = station.services.patients

    chart = patients.standing(station.nurse, other.id)

    assert (chart.stored.record.id, chart.joined_number) == (one.id, other.chart_number)
    assert patients.standing(station.nurse, one.id).joined_number == ""
    with pytest.raises(PermissionDenied):
        patients.standing(station.actor(Role.ADMINISTRATOR), one.id)


def test_a_person_queued_by_a_joined_chart_is_filed_under_the_standing_one(station):
    one, other = joined_pair(station)
    join(station, one, other)
    encounters = station.services.encounters

    made = encounters.check_in(station.nurse, other.id, "Ho").id_of(RecordKind.ENCOUNTER)

    assert encounters.get(station.nurse, made).record.patient_id == one.id
    for chart in (one, other):  # and nobody waits twice
        assert encounters.check_in(station.nurse, chart.id).id_of(RecordKind.ENCOUNTER) == made


def test_a_visit_that_was_open_before_joining_is_given_back(station):
    one, other = joined_pair(station)
    encounters = station.services.encounters
    made = encounters.check_in(station.nurse, other.id, "Ho").id_of(RecordKind.ENCOUNTER)
    join(station, one, other)

    for chart in (one, other):
        assert encounters.check_in(station.nurse, chart.id).id_of(RecordKind.ENCOUNTER) == made
