"""What other machines wrote becomes part of this one: nothing lost, the same everywhere."""

import random
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.demo.people import People
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Encounter
from station_emr.domain.operation import MERGE_AUTHOR_ID, Applied, Envelope
from station_emr.domain.patient import Allergy
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus, Sex
from station_emr.domain.user import User
from station_emr.services.merging import UnsealedVersion
from station_emr.services.replication import apply_operation
from station_emr.services.timekeeping import NEWEST_SIGNED
from tests.services.replicas import exchange, sealed

PATIENT, ENCOUNTER = RecordKind.PATIENT, RecordKind.ENCOUNTER
MAIN = Diagnosis(icd_code="I10", title="Tăng huyết áp", role=DiagnosisRole.MAIN)


@pytest.fixture(scope="session")
def author(machines):
    with machines[0].store.read() as work:
        return next(u for u in work.users.all() if u.role is Role.DOCTOR).snapshot


def a_person(machine, **changes):
    made = People(3, date(2026, 11, 20)).next()
    plain = {"allergies": (), "no_known_allergy": False, "note": "", "phone": "0900000001"}
    return replace(made, id=machine.clock.new_id(), **{**plain, **changes})


def shared(machines, author, **changes):
    """A person whom all machines know."""
    patient = a_person(machines[0], **changes)
    machines[0].write(PATIENT, patient, author)
    for machine in machines[1:]:
        machine.take(*machines[0].operations(PATIENT, patient.id))
    return patient


def of_record(machine, kind, record_id):
    return machine.state(kind, record_id)["record"]


def test_a_version_on_the_newest_becomes_the_newest_and_is_not_sent_back(machines, author):
    here, there, _ = machines
    patient = a_person(here)
    here.write(PATIENT, patient, author)
    assert there.take(*here.operations(PATIENT, patient.id)) == [Applied.NEWEST]
    here.edit(PATIENT, patient.id, author, phone="0900000077")
    assert there.take(*here.operations(PATIENT, patient.id)) == [Applied.KNOWN, Applied.NEWEST]
    with there.store.read() as work:
        assert work.patients.get(patient.id).record.phone == "0900000077"
        assert not [i for i in work.outbox.waiting(999) if i.record_id == patient.id]
        (row,) = work.patients.search("0900000077", 5)
        assert row.id == patient.id


def test_two_fields_of_two_people_both_survive_without_a_question(machines, author):
    patient = shared(machines, author)
    here, there, third = machines
    here.edit(PATIENT, patient.id, author, phone="0900000002")
    there.edit(PATIENT, patient.id, author, note="Nhà xa")
    exchange(PATIENT, patient.id, here, there, third)
    merged = here.state(PATIENT, patient.id)
    assert (merged["record"].phone, merged["record"].note) == ("0900000002", "Nhà xa")
    assert merged["open"] == ()
    assert there.state(PATIENT, patient.id) == merged == third.state(PATIENT, patient.id)


def test_both_values_of_one_field_stay_and_every_machine_shows_the_same(machines, author):
    patient = shared(machines, author)
    here, there, _ = machines
    here.edit(PATIENT, patient.id, author, phone="0900000002")
    there.edit(PATIENT, patient.id, author, phone="0900000003")
    outcomes = here.take(*there.operations(PATIENT, patient.id))
    assert outcomes[-1] is Applied.CONFLICT
    there.take(*here.operations(PATIENT, patient.id))
    state = here.state(PATIENT, patient.id)
    assert state == there.state(PATIENT, patient.id)
    assert state["open"] == ("phone",)
    smaller = min(
        (
            op
            for op in here.operations(PATIENT, patient.id)
            if not op.envelope.by_rule and op.envelope.base
        ),
        key=lambda op: op.op_id,
    )
    assert state["record"].phone == smaller.record.phone
    with here.store.read() as work:
        assert (PATIENT, patient.id) in work.operations.conflicts()
        line = next(row for row in work.audit.rows(5) if row.record_id == patient.id)
    assert (line.action, line.user_name) == ("sync.conflict", "")
    assert "phone" in line.detail


def test_both_machines_write_the_same_merge_and_neither_merges_it_again(machines, author):
    patient = shared(machines, author)
    here, there, _ = machines
    here.edit(PATIENT, patient.id, author, note="một")
    there.edit(PATIENT, patient.id, author, phone="0900000009")
    mine, theirs = here.operations(PATIENT, patient.id), there.operations(PATIENT, patient.id)
    here.take(*theirs)
    there.take(*mine)
    merges = [
        next(op for op in machine.operations(PATIENT, patient.id) if op.envelope.by_rule)
        for machine in (here, there)
    ]
    assert merges[0].line == merges[1].line
    assert merges[0].envelope.author_id == MERGE_AUTHOR_ID
    assert here.take(merges[1]) == [Applied.KNOWN]


def test_a_merge_that_arrives_before_ours_is_sealed_is_ours(machines, author):
    patient = shared(machines, author)
    here, there, _ = machines
    here.edit(PATIENT, patient.id, author, note="một")
    there.edit(PATIENT, patient.id, author, phone="0900000009")
    there.take(*here.operations(PATIENT, patient.id))
    assert here.take(*there.operations(PATIENT, patient.id))[-1] is Applied.KNOWN
    assert here.state(PATIENT, patient.id) == there.state(PATIENT, patient.id)


def test_an_allergy_of_one_side_is_shown_and_asked_about(machines, author):
    patient = shared(machines, author, no_known_allergy=True)
    here, there, _ = machines
    allergy = Allergy(substance="Penicillin")
    here.edit(PATIENT, patient.id, author, allergies=(allergy,), no_known_allergy=False)
    there.edit(PATIENT, patient.id, author, sex=Sex.UNKNOWN)
    exchange(PATIENT, patient.id, here, there)
    state = there.state(PATIENT, patient.id)
    assert state["record"].allergies == (allergy,)
    assert not state["record"].no_known_allergy
    assert state["open"] == ("allergies", "no_known_allergy", "sex")


def test_a_visit_amended_and_voided_at_once_is_a_question(machines, author):
    patient = shared(machines, author)
    here, there, _ = machines
    visit = Encounter(
        id=here.clock.new_id(), patient_id=patient.id, arrived_at=here.clock.now(), reason="Ho"
    )
    here.write(ENCOUNTER, visit, author)
    there.take(*here.operations(ENCOUNTER, visit.id))
    here.edit(ENCOUNTER, visit.id, author, reason="Ho, sốt", diagnoses=(MAIN,))
    there.edit(ENCOUNTER, visit.id, author, RecordStatus.VOIDED)
    exchange(ENCOUNTER, visit.id, here, there)
    state = here.state(ENCOUNTER, visit.id)
    assert state == there.state(ENCOUNTER, visit.id)
    assert state["open"] == ("diagnoses", "reason", "status")
    texts = {record.reason for record in here.history(ENCOUNTER, visit.id)}
    assert texts == {"Ho", "Ho, sốt"}


def test_what_needs_something_else_is_parked_and_comes_back_by_itself(machines, author):
    here, there, _ = machines
    patient = a_person(here)
    here.write(PATIENT, patient, author)
    here.edit(PATIENT, patient.id, author, note="hai")
    visit = Encounter(id=here.clock.new_id(), patient_id=patient.id, arrived_at=here.clock.now())
    here.write(ENCOUNTER, visit, author)
    first, second = here.operations(PATIENT, patient.id)
    (visited,) = here.operations(ENCOUNTER, visit.id)
    assert there.take(visited) == [Applied.PARKED]
    assert there.take(second) == [Applied.PARKED]
    assert there.take(second) == [Applied.PARKED]  # once more changes nothing
    outcomes = there.take(first)
    assert sorted(outcomes) == [Applied.NEWEST] * 3
    with there.store.read() as work:
        assert work.operations.parked() == 0
    assert of_record(there, PATIENT, patient.id).note == "hai"
    assert of_record(there, ENCOUNTER, visit.id).patient_id == patient.id


def test_a_link_waits_for_both_charts(machines, author):
    here, there, _ = machines
    one, other = a_person(here), a_person(here)
    for chart in (one, other):
        here.write(PATIENT, chart, author)
    link = PatientLink(id=here.clock.new_id(), survivor_id=one.id, duplicate_id=other.id)
    here.write(RecordKind.LINK, link, author)
    (joined,) = here.operations(RecordKind.LINK, link.id)
    assert there.take(joined) == [Applied.PARKED]
    assert there.take(*here.operations(PATIENT, one.id)) == [Applied.NEWEST]
    assert there.take(*here.operations(PATIENT, other.id)) == [Applied.NEWEST, Applied.NEWEST]
    with there.store.read() as work:
        assert work.links.survivor_of(other.id) == one.id


def test_what_the_server_wrote_down_of_our_own_version_is_that_version(machines, author):
    here = machines[0]
    patient = a_person(here)
    here.write(PATIENT, patient, author)  # acknowledged by plain FHIR once, never sealed
    (twin,) = (sealed(_envelope(PATIENT, patient.id, author, here, incarnation="rest"), patient),)
    here.lines[twin.line] = twin
    with here.store.write() as work:
        assert apply_operation(work, twin, here.clock.now()).applied is Applied.KNOWN
        assert work.operations.op_id_of(PATIENT, patient.id, 1) == twin.op_id
    here.edit(PATIENT, patient.id, author, note="tiếp")
    assert here.operations(PATIENT, patient.id)[-1].envelope.base == (twin.op_id,)


def test_the_same_correction_by_two_people_is_one(machines, author):
    patient = shared(machines, author)
    here, there, _ = machines
    here.edit(PATIENT, patient.id, author, full_name="Rơ Châm Mẫu")
    there.edit(PATIENT, patient.id, author, full_name="Rơ Châm Mẫu")
    exchange(PATIENT, patient.id, here, there)
    for machine in (here, there):
        operations = machine.operations(PATIENT, patient.id)
        assert not any(op.envelope.by_rule for op in operations)
        assert len(operations) == 3
        assert of_record(machine, PATIENT, patient.id).full_name == "Rơ Châm Mẫu"


def test_without_an_id_nothing_is_merged_and_nothing_is_written(machines, author):
    patient = shared(machines, author)
    here, there, _ = machines
    here.edit(PATIENT, patient.id, author, note="một")
    there.edit(PATIENT, patient.id, author, note="hai")
    arriving = there.operations(PATIENT, patient.id)[-1]
    before = len(here.history(PATIENT, patient.id))
    with here.store.write() as work, pytest.raises(UnsealedVersion) as needed:
        apply_operation(work, arriving, here.clock.now())
    assert (needed.value.kind, needed.value.record_id) == (PATIENT, patient.id)
    assert len(here.history(PATIENT, patient.id)) == before
    assert here.take(arriving) == [Applied.CONFLICT]


def test_a_signature_from_the_future_elsewhere_stops_nobody_here(machines, author):
    here, there, _ = machines  # the second machine's clock is three years ahead
    with here.store.read() as work:
        before = work.settings.get(NEWEST_SIGNED)
    patient = a_person(there)
    there.write(PATIENT, patient, author)
    here.take(*there.operations(PATIENT, patient.id))
    with here.store.read() as work:
        assert work.settings.get(NEWEST_SIGNED) == before


def test_another_rule_over_the_same_versions_starts_no_war(machines, author):
    patient = shared(machines, author)
    here, there, _ = machines
    here.edit(PATIENT, patient.id, author, note="một")
    there.edit(PATIENT, patient.id, author, phone="0900000009")
    exchange(PATIENT, patient.id, here, there)
    merge = next(op for op in here.operations(PATIENT, patient.id) if op.envelope.by_rule)
    for number in range(6):  # some of these ids are smaller, some are greater
        newer = sealed(
            replace(merge.envelope, rule=2 + number), replace(merge.record, workplace=f"x{number}")
        )
        here.lines[newer.line] = newer
        (here if number % 2 else there).take(newer)
    exchange(PATIENT, patient.id, here, there)
    state = here.state(PATIENT, patient.id)
    assert state == there.state(PATIENT, patient.id)
    merges = [op for op in here.operations(PATIENT, patient.id) if op.envelope.by_rule]
    assert len(merges) == 7
    assert state["newest"] == min(op.op_id for op in merges)


def test_colleagues_arrive_without_a_key_and_agree_in_any_order(machines, author):
    here, there, third = machines
    user_id = here.clock.new_id()
    user = User(id=user_id, username="", full_name="Đinh Mẫu", role=Role.NURSE)
    first = _staff(user, author, here, ())
    beside = [
        _staff(replace(user, phone=f"090000000{n}"), author, here, (first.op_id,)) for n in range(3)
    ]
    further = _staff(replace(user, title="ĐD."), author, here, (max(o.op_id for o in beside),))
    everything = [first, *beside, further]
    for machine, seed in ((here, 1), (there, 2), (third, 3)):
        machine.lines.update({op.line: op for op in everything})
        random.Random(seed).shuffle(everything)
        with machine.store.write() as work:
            waiting = list(everything)
            while waiting:
                result = apply_operation(work, waiting.pop(0), machine.clock.now())
                waiting += [machine.lines[line] for line in result.released_lines]
            known = work.users.get(user_id)
            assert (known.title, known.active) == ("ĐD.", False)
            assert len(work.users.lineage(user_id)) == 5


def test_the_same_written_by_two_people_is_one_version_in_two_copies(machines, author):
    patient = shared(machines, author, sex=Sex.FEMALE)
    here, there, third = machines
    here.edit(PATIENT, patient.id, author, sex=Sex.MALE)
    there.edit(PATIENT, patient.id, author, sex=Sex.MALE)
    exchange(PATIENT, patient.id, here, there, third)
    states = [machine.state(PATIENT, patient.id) for machine in machines]
    assert states[0] == states[1] == states[2]
    assert (states[0]["record"].sex, states[0]["open"]) == (Sex.MALE, ())
    assert len(states[0]["operations"]) == 3  # both stay in the history, and nothing was merged
    # One writes on, on the copy that is shown there: no other machine takes it for a second head.
    there.edit(PATIENT, patient.id, author, note="Nhà xa")
    exchange(PATIENT, patient.id, here, there, third)
    states = [machine.state(PATIENT, patient.id) for machine in machines]
    assert states[0] == states[1] == states[2]
    assert (states[0]["record"].note, len(states[0]["operations"])) == ("Nhà xa", 4)


# Any order, any number of people ------------------------------------------------------------

WHAT = ("phone", "note", "workplace", "sex", "settle", "hear", "hear")
STEP = st.tuples(st.integers(0, 2), st.sampled_from(WHAT))


@settings(max_examples=12)
@given(st.lists(STEP, min_size=2, max_size=8), st.integers(0, 999))
def test_three_machines_agree_whatever_the_order(machines, author, steps, seed):
    patient = shared(machines, author)
    chance = random.Random(seed)
    written = {"phone": set(), "note": set(), "workplace": set()}
    for place, (number, what) in enumerate(steps):
        machine = machines[number]
        if what == "settle":
            machine.settle(PATIENT, patient.id, author)
            continue
        if what == "hear":
            others = [m for m in machines if m is not machine]
            some = chance.choice(others).operations(PATIENT, patient.id)
            chance.shuffle(some)
            machine.take(*some)
            continue
        value = chance.choice(list(Sex)) if what == "sex" else f"{what} {place}"
        machine.edit(PATIENT, patient.id, author, **{what: value})
        if what in written:
            written[what].add(value)
    # Every operation there is, given to everybody in an order of their own.
    everything = {
        op.op_id: op for machine in machines for op in machine.operations(PATIENT, patient.id)
    }
    for machine in machines:
        order = sorted(everything)
        chance.shuffle(order)
        machine.take(*(everything[op_id] for op_id in order))
    exchange(PATIENT, patient.id, *machines)
    first, *others = (machine.state(PATIENT, patient.id) for machine in machines)
    assert all(other == first for other in others)
    with machines[0].store.read() as work:
        assert work.operations.parked() == 0
    history = machines[0].history(PATIENT, patient.id)
    for what, values in written.items():
        assert values <= {getattr(record, what) for record in history}


def _envelope(kind, record_id, author, machine, *, incarnation="may9", base=()):
    return Envelope(
        kind=kind,
        record_id=record_id,
        status=RecordStatus.SIGNED,
        base=tuple(base),
        at=machine.clock.now(),
        author_id=author.user_id,
        author_name=author.full_name,
        incarnation=incarnation,
        number=1,
    )


def _staff(user, author, machine, base):
    envelope = _envelope(RecordKind.PRACTITIONER, user.id, author, machine, base=base)
    return sealed(envelope, user)
