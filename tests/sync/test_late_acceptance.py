"""A version that the province refused, that its author corrected, and that was accepted after all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.services.record_stores import record_store
from station_emr.services.sync_ports import NO_LONGER_REFUSED, REFUSED_OPERATION
from tests.interop import fhir_records as sample
from tests.sync.simulation.checks import agree
from tests.sync.simulation.machine import Machine
from tests.sync.simulation.people import ENCOUNTER
from tests.sync.simulation.refusals import SPOILT
from tests.sync.simulation.relaying import meet
from tests.sync.simulation.world import World
from tests.sync.test_simulator import templates  # noqa: F401  a fixture


@pytest.fixture
def world(tmp_path: Path, templates: Path) -> Iterator[World]:  # noqa: F811
    """Two PCs on a good line, and a person whom both know."""
    story = World(2, templates, tmp_path)
    story.faulty = False
    one = story.machines[0]
    story._register(one)
    settle(story)
    yield story
    story.close()


def settle(world: World) -> None:
    for _ in range(2):
        for machine in world.machines:
            machine.sync()


def refused_visit(world: World, machine: Machine) -> tuple[str, bytes]:
    """A visit that the province does not take, and the request that it came in."""
    visit = world._sign_visit(machine, SPOILT)
    assert visit
    machine.sync()
    assert [item.record_id for item in refusals(machine)] == [visit]
    return visit, machine.last_sent


def refusals(machine: Machine) -> tuple[object, ...]:
    with machine.store.read() as work:
        return tuple(work.outbox.quarantined())


def shown(machine: Machine, visit: str) -> object:
    return machine.newest(ENCOUNTER, visit)


def treatments(machine: Machine, visit: str) -> set[str]:
    with machine.store.read() as work:
        store = record_store(work, RecordKind.ENCOUNTER)
        return {store.at_version(visit, one.version).treatment for one in store.lineage(visit)}


def test_both_stand_beside_one_another_everywhere(world: World) -> None:
    one, other = world.machines[:2]
    visit, request = refused_visit(world, one)
    world._mend(one)
    settle(world)
    mended = shown(one, visit)[0].treatment
    assert mended != SPOILT
    assert shown(other, visit) == shown(one, visit)

    world.province.upgrade()
    world.province.answer(one.caller, request)  # it was on its way twice
    one.sync()
    assert "treatment" in shown(one, visit)[2]  # a person decides
    settle(world)

    assert shown(one, visit) == shown(other, visit)
    assert treatments(one, visit) == treatments(other, visit) >= {SPOILT, mended}
    agree(world)


def test_the_head_comes_back_to_a_merge_of_before(world: World) -> None:
    """The numbers of versions are each machine's own: what counts may have a lower one."""
    one = world.machines[0]
    patient_id = one.here(RecordKind.PATIENT).pop()
    with one.store.write() as work:
        store = record_store(work, RecordKind.PATIENT)
        first = store.get(patient_id)
        store.add_version(
            replace(first.record, note="ghi thêm"),
            RecordStatus.AMENDED,
            author=sample.DOCTOR,
            at=one.clock.now(),
            expected_version=first.version,
        )
        changed = store.show(patient_id, first.version)

    assert (changed.version, one.newest(RecordKind.PATIENT, patient_id)[0]) == (1, first.record)
    with one.store.write() as work:  # and the next version goes on behind both
        after = record_store(work, RecordKind.PATIENT).add_version(
            first.record,
            RecordStatus.AMENDED,
            author=sample.DOCTOR,
            at=one.clock.now(),
            expected_version=1,
        )
    assert after.version == 3


def test_what_is_offered_again_and_taken_is_what_the_correction_is_built_on(world: World) -> None:
    """Not yet sealed, it can wait for the answer: nobody has to decide anything."""
    one, other = world.machines[:2]
    visit, _ = refused_visit(world, one)
    world.province.upgrade()
    world._mend(one)
    settle(world)
    assert shown(one, visit) == shown(other, visit)
    assert shown(one, visit)[2] == ()
    assert SPOILT in treatments(other, visit)
    agree(world)


def test_one_whose_correction_is_sealed_is_not_offered_again(world: World) -> None:
    one, other = world.machines[:2]
    visit, _ = refused_visit(world, one)
    world._mend(one)
    meet(one, other)  # seals the correction; the province has not heard of it
    world.province.upgrade()
    settle(world)
    assert shown(one, visit)[2] == ()
    assert shown(one, visit) == shown(other, visit)
    agree(world)


def test_a_colleague_who_built_on_it_is_not_left_waiting(world: World) -> None:
    """He heard of it over a cable; its author corrected it and will never send it."""
    one, other = world.machines[:2]
    visit, _ = refused_visit(world, one)
    meet(other, one)
    assert shown(other, visit)[0].treatment == SPOILT
    world._mend(one)
    one.sync()
    meet(other, one)  # both versions, which the rule lays beside one another
    world._put_into(other, ENCOUNTER, visit, ["treatment", "advice"])
    for _ in range(3):
        settle(world)
    assert shown(one, visit) == shown(other, visit)
    agree(world)


def test_a_colleagues_visit_is_not_left_waiting_for_a_person_nobody_sends(world: World) -> None:
    """The PC that registered the person is gone; another one heard of it over a cable."""
    one, other = world.machines[:2]
    before = set(one.here(RecordKind.PATIENT))
    world._register(one)
    (person,) = set(one.here(RecordKind.PATIENT)) - before
    meet(other, one)
    world.chance.random = lambda: 0.9
    world.chance.choice = lambda among: person if person in among else among[0]
    assert world._sign_visit(other, "")
    for _ in range(3):
        other.sync()
    assert other.waiting() == 0


def test_what_is_offered_again_and_taken_stands_beside_what_passed_over_it(world: World) -> None:
    """The one who offers it had heard of a correction that was made without it."""
    one, other = world.machines[:2]
    visit, request = refused_visit(world, one)
    (refused,) = names(one, visit)
    world._mend(one)
    settle(world)
    with one.store.write() as work:
        work.settings.put(f"{REFUSED_OPERATION}{refused}", NO_LONGER_REFUSED)
    world.province.upgrade()
    world.province.answer(one.caller, request)
    one.sync()
    assert "treatment" in shown(one, visit)[2]  # at once, whatever others make of it
    settle(world)
    assert shown(one, visit) == shown(other, visit)
    agree(world)


def names(machine: Machine, visit: str) -> list[str]:
    with machine.store.read() as work:
        store = record_store(work, RecordKind.ENCOUNTER)
        return [one.op_id for one in store.lineage(visit)]
