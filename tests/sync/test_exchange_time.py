"""A week apart, and clocks that are years wrong: order comes from what was built on what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from station_emr.domain.record import RecordKind
from station_emr.services.clock import SystemClock
from tests.interop import fhir_records as sample
from tests.sync.closing import World, Worlds, said
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine


class WrongClock(SystemClock):
    """This machine's battery is dead, or its owner is a week away."""

    def __init__(self, off: timedelta = timedelta()) -> None:
        super().__init__()
        self.off = off

    def now(self) -> datetime:
        return super().now() + self.off


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory, _shared: Server) -> Iterator[Worlds]:
    made = Worlds(tmp_path_factory, _shared)
    yield made
    made.close()


@pytest.fixture
def world(worlds: Worlds) -> Iterator[World]:
    taken = worlds.take()
    yield taken
    for machine in taken.machines:
        machine.clock = SystemClock()


def written(machine: Machine, record: Any) -> list[Any]:
    """Every version this machine keeps of a record."""
    with machine.store.read() as work:
        return [
            work.patients.at_version(record.id, node.version)
            for node in work.patients.lineage(record.id)
        ]


def test_two_machines_edit_one_patient_offline_for_a_week(world: World) -> None:
    """Seven days without a line. What does not collide is merged, what does waits for a person,
    and not one value that anybody wrote is gone.
    """
    one, other = world.machines
    person = world.person(one)
    world.check([person])
    clocks = [WrongClock(), WrongClock(timedelta(hours=-3))]
    one.clock, other.clock = clocks
    phones: list[str] = []
    notes: list[str] = []
    for day in range(7):
        for clock in clocks:
            clock.off += timedelta(days=1)
        phones.append(f"090000010{day}")
        one.amend(person, phone=phones[-1])
        notes.append(f"Ngày thứ {day + 1} ở thôn.")
        other.amend(person, note=notes[-1])
    one.amend(person, blood_type="AB-")
    collided = other.amend(person, phone="0900000199")
    fresh = [world.person(machine) for machine in world.machines]

    world.check(fresh)

    assert one.conflicts() == other.conflicts() == [(RecordKind.PATIENT, person.id)]
    assert one.shown(person) == other.shown(person)
    assert one.graph(person) == other.graph(person)
    for machine in world.machines:
        history = written(machine, person)
        assert {*phones, collided.phone} <= {version.phone for version in history}
        assert set(notes) <= {version.note for version in history}
    shown = one.shown(person)
    assert (shown.note, shown.blood_type) == (notes[-1], "AB-")
    assert shown.phone in {phones[-1], collided.phone}
    decided = one.amend(person, phone=collided.phone)  # a person decides; both machines follow
    settled = replace(decided, note=notes[-1])
    world.check(fresh)
    assert one.shown(person) == other.shown(person) == settled


@pytest.mark.parametrize("years", [3, -3, -26], ids=["ahead", "behind", "dead-battery"])
def test_a_clock_that_is_years_wrong_orders_nothing(world: World, years: int) -> None:
    """The wrong machine's version neither wins nor loses by its date: it was built on the other's,
    or the other's on it.
    """
    one, other = world.machines
    person = world.person(one)
    visit = replace(
        sample.ENCOUNTER,
        id=sample.made_id(5000 + years),
        patient_id=person.id,
        number=f"2026.A.{500 + years}",
    )
    one.sign(visit)
    world.check([person, visit])
    other.clock = WrongClock(timedelta(days=365.25 * years))
    off = other.sync()
    assert (off.outcome, off.verified) == ("complete", True)

    for turn in range(2):  # in turn: each on the other's
        other.amend(person, phone=f"090000030{turn}")
        other.sync()
        one.sync()
        newest = one.amend(person, phone=f"090000040{turn}")
        one.sync()
        other.sync()
    advised = other.amend(visit, advice="Uống nhiều nước ấm.")

    world.check([newest, advised])
    assert other.conflicts() == one.conflicts()
    assert said(one.shown(visit)) == said(advised)
    with other.store.read() as work:
        nodes = work.patients.lineage(person.id)
    skews = [node.skew for node in nodes if node.skew is not None]
    assert any(abs(skew + years * 365.25 * 86400) < 60 for skew in skews)
