"""Verdicts and pages of the exchange, over HTTP against the real server."""

from __future__ import annotations

import pytest

from tests import databases
from tests.server.conftest import RunningServer, Station
from tests.server.exchange_client import (
    Machine,
    encode,
    envelope,
    new_incarnation,
    op_id,
    person,
    record_id,
    visit,
)
from tests.server.samples import observation, patient

DATABASES = databases.BOTH


@pytest.fixture
def machine(station: Station) -> Machine:
    return Machine(station)


def second_machine(server: RunningServer, machine: Machine) -> Machine:
    return Machine(server.station(machine.station.facility, "Máy 2"))


def test_what_one_machine_sends_reaches_the_other_byte_for_byte(
    server: RunningServer, machine: Machine
) -> None:
    who, when = record_id(), record_id()
    lines = [person(who), visit(when, who)]
    answer = machine.exchange(*lines)
    assert answer.taken == [0, 1]
    assert not answer.refused
    assert answer.lines == []  # nothing is echoed
    assert answer.header["count"] == 2
    assert answer.header["sum"] == sum(int(op_id(line)[16:], 16) for line in lines) % 2**64
    assert second_machine(server, machine).drain() == lines


def test_a_line_sent_again_is_taken_and_kept_once(machine: Machine) -> None:
    line = person(record_id())
    for _ in range(3):
        answer = machine.exchange(line, line)
        assert answer.taken == [0, 1]
        assert answer.header["count"] == 1


def test_each_line_is_judged_by_itself(machine: Machine) -> None:
    who, other = record_id(), record_id()
    broken = patient(who) | {"gender": "unknown-word"}
    answer = machine.exchange(
        person(who),
        encode(envelope("patient", other, broken | {"id": other})),
        visit(record_id(), other),
        person(record_id(), base=["ab" * 16]),
        b"not json",
        visit(record_id(), who),
    )
    assert answer.taken == [0, 5]
    assert answer.refused == {1: "poison", 2: "parent", 3: "base", 4: "poison"}
    [issue] = answer.header["refused"][0]["issues"]
    assert issue["code"] == "code-invalid"
    assert issue["expression"] == ["Bundle.entry[0].resource.gender"]
    assert answer.header["count"] == 2


def test_what_lacked_its_parent_or_base_is_taken_once_that_is_there(machine: Machine) -> None:
    who, when = record_id(), record_id()
    first = person(who)
    second = person(who, name="Nguyễn Thị Mẫu Hai", base=[op_id(first)], status="amended")
    later = visit(when, who)
    assert machine.exchange(second, later).refused == {0: "base", 1: "parent"}
    assert machine.exchange(first, second, later).taken == [0, 1, 2]


def test_a_base_of_another_record_is_poison(machine: Machine) -> None:
    first = person(record_id())
    wrong = person(record_id(), base=[op_id(first)])
    assert machine.exchange(first, wrong).refused == {1: "poison"}


def test_pages_hold_what_fits_and_at_least_one_line(
    server: RunningServer, machine: Machine
) -> None:
    lines = [person(record_id()) for _ in range(7)]
    machine.exchange(*lines)
    other = second_machine(server, machine)
    seen = []
    for room, expected in [(0, 1), (len(lines[1]) * 2 + 5, 2), (10**6, 4)]:
        answer = other.exchange(room=room)
        assert len(answer.lines) == expected
        seen += answer.lines
        last = len(seen) == len(lines)
        assert answer.header["more"] is not last
        assert ("count" in answer.header) is last
    assert seen == lines


def test_what_is_wanted_again_comes_first_and_the_cursor_stays_true(
    server: RunningServer, machine: Machine
) -> None:
    lines = [person(record_id()) for _ in range(4)]
    machine.exchange(*lines)
    other = second_machine(server, machine)
    other.drain()
    answer = other.exchange(want=[op_id(lines[2]), op_id(lines[0]), "cd" * 16])
    assert answer.lines == [lines[0], lines[2]]
    assert answer.header["cursor"] == 4
    assert machine.ask(want=[op_id(lines[3])]).lines == [lines[3]]  # its own too, when it asks


def test_buckets_and_lists_tell_what_the_server_holds(machine: Machine) -> None:
    lines = [person(record_id()) for _ in range(20)]
    answer = machine.exchange(*lines, buckets=True)
    table = answer.header["buckets"]
    expected = [[0, 0] for _ in range(256)]
    for line in lines:
        entry = expected[int(op_id(line)[:2], 16)]
        entry[0] += 1
        entry[1] = (entry[1] + int(op_id(line)[16:], 16)) % 2**64
    assert table == expected
    numbers = sorted({int(op_id(line)[:2], 16) for line in lines} | {255, 0})
    listed = machine.exchange(buckets=numbers).header["listed"]
    assert sorted(int(number) for number in listed) == numbers
    assert sorted(one for ids in listed.values() for one in ids) == sorted(map(op_id, lines))


def test_facilities_do_not_see_each_other(machine: Machine, other: Station) -> None:
    line = person(record_id())
    machine.exchange(line)
    foreign = Machine(other)
    answer = foreign.exchange(want=[op_id(line)], buckets=True)
    assert answer.lines == []
    assert answer.header["count"] == 0
    assert foreign.exchange(visit(record_id(), "0197a000-0000-7000-8000-000000000001")).refused == {
        0: "parent"
    }


def test_a_kind_of_a_newer_program_is_held_and_passed_on(
    server: RunningServer, machine: Machine
) -> None:
    one = record_id()
    line = encode(envelope("immunization", one, {"resourceType": "Immunization", "id": one}))
    assert machine.exchange(line).taken == [0]
    assert second_machine(server, machine).drain() == [line]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "draft"},
        {"at": "2026-11-20T08:00:00"},
        {"inc": "rest-of-it"},
        {"n": -1},
        {"n": True},
        {"by": {"id": "x"}},
        {"base": []},
        {"base": ["bb" * 16, "aa" * 16]},
        {"rule": 1},
        {"kind": "Patient"},
        {"kind": "encounter"},
        {"id": "p1"},
        {"resources": []},
        {"resources": [{"resourceType": "Patient", "id": "0197a000-0000-7000-8000-00000000ffff"}]},
    ],
    ids=str,
)
def test_an_envelope_out_of_order_is_poison(machine: Machine, change: dict[str, object]) -> None:
    one = record_id()
    content = envelope("patient", one, patient(one)) | change
    answer = machine.exchange(encode(content), person(record_id()))
    assert answer.refused == {0: "poison"}
    assert answer.taken == [1]


def test_a_resource_of_another_record_is_poison(machine: Machine) -> None:
    who, when = record_id(), record_id()
    machine.exchange(person(who))
    stranger = observation(record_id(), who, when)
    content = envelope("patient", record_id())
    content["resources"] = [patient(content["id"]), stranger]
    assert machine.exchange(encode(content)).refused == {0: "poison"}


def test_a_restored_database_is_told_so_and_gets_its_lost_days_back(machine: Machine) -> None:
    lost = person(record_id(), inc=machine.incarnation, n=8)
    machine.number = 8
    machine.exchange(lost)
    machine.number, machine.cursor = 5, 0
    kept = person(record_id(), inc=machine.incarnation, n=5)
    answer = machine.ask(kept)
    assert answer.header["incarnation"] == "stale"
    assert answer.taken == [0]  # what it says is content, and content is taken
    assert answer.lines == [lost, kept]


def test_a_number_given_twice_shows_a_restored_database(machine: Machine) -> None:
    machine.number = 8
    machine.exchange(person(record_id(), inc=machine.incarnation, n=8))
    machine.number = 20
    answer = machine.exchange(person(record_id(), inc=machine.incarnation, n=8))
    assert answer.header["incarnation"] == "stale"
    assert answer.taken == [0]


def test_a_copied_database_is_told_so(server: RunningServer, machine: Machine) -> None:
    machine.number = 3
    assert "incarnation" not in machine.exchange().header
    copy = second_machine(server, machine)
    copy.incarnation, copy.number = machine.incarnation, 4
    line = person(record_id())
    answer = copy.exchange(line)
    assert answer.header["incarnation"] == "stale"
    assert machine.drain() == [line]
    copy.incarnation = new_incarnation()
    assert "incarnation" not in copy.exchange().header
