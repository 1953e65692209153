"""Each version of a colleague, and of a station's own profile, travels as it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from station_emr.domain.record import RecordKind
from station_emr.interop.fhir.read_units import read_unit
from station_emr.sync.operation_line import open_line
from tests.sync.simulation.machine import STAFF, Machine
from tests.sync.simulation.world import World
from tests.sync.test_simulator import templates  # noqa: F401  a fixture

NURSE = STAFF[2]
FIRST, SECOND = "000001/MẪU", "000002/MẪU"


@pytest.fixture
def world(tmp_path: Path, templates: Path) -> Iterator[World]:  # noqa: F811
    """Two PCs on a good line."""
    story = World(2, templates, tmp_path)
    story.faulty = False
    yield story
    story.close()


def licensed(machine: Machine, number: str) -> None:
    with machine.store.write() as work:
        user = replace(work.users.get(NURSE.id), licence_no=number)
        work.users.save(user, author=STAFF[0].snapshot, at=machine.clock.now())


def licences(machine: Machine) -> list[str]:
    """In the order in which the versions came."""
    found = machine.look(
        "SELECT content FROM record_version WHERE kind = 'practitioner' AND record_id = ? "
        "ORDER BY version",
        NURSE.id,
    )
    return [json.loads(row[0])["licence_no"] for row in found]


def test_what_was_changed_again_before_the_line_came_back_is_in_the_history_everywhere(
    world: World,
) -> None:
    one, other = world.machines[:2]
    licensed(one, FIRST)
    licensed(one, SECOND)

    one.sync()
    other.sync()

    assert {FIRST, SECOND} <= set(licences(other))
    assert one.newest(RecordKind.PRACTITIONER, NURSE.id)[3] == SECOND
    assert other.newest(RecordKind.PRACTITIONER, NURSE.id)[3] == SECOND


def test_every_letterhead_of_a_pc_is_in_a_line_of_its_own(world: World) -> None:
    one = world.machines[0]
    for site in ("Điểm trạm mẫu 1", "Điểm trạm mẫu 2"):
        with one.store.write() as work:
            profile = replace(work.settings.station(), site=site)
            work.settings.save_station(profile, one.clock.now())

    one.sync()

    lines = [line for line in world.province.lines() if open_line(line)[0].kind == "facility"]
    said = [read_unit(open_line(line)[1]).record.site for line in lines]
    assert said.count("Điểm trạm mẫu 1") == said.count("Điểm trạm mẫu 2") == 1


def test_an_arrived_line_is_the_unsent_version_that_says_the_same(world: World) -> None:
    """The newer of two that wait: the older one goes under a line of its own."""
    one, other = world.machines[:2]
    for machine in (one, other):
        machine.sync()
    licensed(other, SECOND)
    other.sync()
    licensed(one, FIRST)
    licensed(one, SECOND)
    with one.store.write() as work:
        one.applier.page(work, list(world.province.lines()), held=True)

    one.sync()
    other.sync()

    for machine in (one, other):
        assert {FIRST, SECOND} <= set(licences(machine))
        assert machine.newest(RecordKind.PRACTITIONER, NURSE.id)[3] == SECOND
