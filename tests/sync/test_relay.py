"""Three hops: a PC that never meets the province, one that meets both, and the province."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from station_emr.domain.errors import NetworkFailure
from station_emr.domain.operation import Origin
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import UnitState
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.units import build_unit
from station_emr.services.replication import apply_operation
from station_emr.sync.applying import Applier
from station_emr.sync.exchange_engine import CURSOR, EPOCH, Exchange
from station_emr.sync.exchange_peer import ExchangeReply, ExchangeRequest
from station_emr.sync.meeting_point import MeetingPoint
from station_emr.sync.peer import Traffic
from station_emr.sync.running import Run
from station_emr.sync.sealing import Sealer, StoredIncarnation
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine, second_device


class OtherPc:
    """Another PC of the station as the engine's peer. The line to it may lose an answer."""

    level = 6
    software = "station-emr"
    offered = True

    def __init__(self, machine: Machine, **build: Any) -> None:
        self.traffic = Traffic()
        self.asked: list[ExchangeRequest] = []
        self.given: list[ExchangeReply] = []
        self.loses = False
        sealer, applier = parts(machine, **build)
        self._point = MeetingPoint(machine.store, machine.clock, sealer, applier)

    def is_fresh(self, now: datetime) -> bool:
        return True

    def get_ready(self, request: ExchangeRequest) -> None: ...

    def exchange(self, request: ExchangeRequest) -> ExchangeReply:
        self.asked.append(request)
        reply = self._point.exchange(request)
        if self.loses:
            raise NetworkFailure("the answer was lost")
        self.given.append(reply)
        return reply


def parts(machine: Machine, build: Any = build_unit) -> tuple[Sealer, Applier]:
    sealer = Sealer(build, carry_over, StoredIncarnation(machine.clock.random))
    return sealer, Applier(read_unit, apply_operation, sealer, machine.clock.now)


def meet(machine: Machine, other: OtherPc, **build: Any) -> Run:
    """One run of the same engine, with another PC at the other end."""
    sealer, applier = parts(machine, **build)
    exchange = Exchange(
        machine.store,
        machine.clock,
        other,
        sealer,
        applier,
        program="station-emr 0.1.0",
        relay="may-2",
    )
    run = Run(machine.clock.now(), 0, 0)
    exchange.run(run)
    return run


@pytest.fixture
def make(tmp_path: Path, running: Server) -> Iterator[Callable[[], Machine]]:
    made: list[Machine] = []

    def machine() -> Machine:
        to = second_device(running) if made else running
        made.append(new_machine(tmp_path, to, f"station{len(made)}"))
        return made[-1]

    yield machine
    for one in made:
        one.store.close()


@pytest.fixture
def relay(make: Callable[[], Machine]) -> Machine:
    """The PC in the middle, which has met the province."""
    machine = make()
    assert machine.sync().outcome == "complete"
    return machine


@pytest.fixture
def far(make: Callable[[], Machine], relay: Machine) -> Machine:
    """The PC that only reaches the relay."""
    return make()


def lines(machine: Machine) -> dict[str, bytes]:
    with machine.store.read() as work:
        return {name: line for _, name, line in work.operations.since(0, 1000)}


def held(machine: Machine) -> set[str]:
    with machine.store.read() as work:
        return {name for name in lines(machine) if work.operations.is_held(name)}


def test_what_a_far_pc_wrote_reaches_the_province_and_its_word_comes_back(
    far: Machine, relay: Machine, make: Callable[[], Machine]
) -> None:
    far.work_a_day()
    count = far.count()
    assert count == 7

    run = meet(far, OtherPc(relay))

    assert (run.sent, run.verified) == (count, False)
    assert far.count() == count  # the relay has it, the province has not: it goes on waiting
    assert held(far) == set()
    assert relay.shown(sample.REFERRAL) == sample.REFERRAL
    assert lines(relay).items() >= lines(far).items()  # byte for byte
    assert relay.count() == count

    assert relay.sync().outcome == "complete"
    assert held(relay) == set(lines(far))
    run = meet(far, OtherPc(relay))

    assert far.count() == 0
    assert held(far) == set(lines(far))
    assert far.setting(EPOCH) is None  # the province's own place is not the relay's
    assert far.setting(CURSOR) is None
    assert far.setting(f"{EPOCH}.may-2")

    third = make()
    assert third.sync().outcome == "complete"
    assert lines(third) == lines(far)  # the same bytes after three hops
    assert third.shown(sample.REFERRAL) == sample.REFERRAL


def test_the_way_back(far: Machine, relay: Machine, make: Callable[[], Machine]) -> None:
    third = make()
    third.work_a_day()
    assert third.sync().outcome == "complete"
    assert relay.sync().outcome == "complete"
    waiting = relay.patient(8)  # only the relay has this one yet
    run = meet(far, OtherPc(relay))
    assert run.received == 8
    assert far.shown(sample.REFERRAL) == sample.REFERRAL
    assert far.shown(waiting) == waiting
    assert lines(far) == lines(relay)
    assert held(far) == held(relay) == set(lines(third))
    assert far.count() == 0  # what came from elsewhere is nobody's to send twice
    again = OtherPc(relay)
    assert meet(far, again).received == 0
    assert [reply.lines for reply in again.given] == [[]]


def test_nothing_is_doubled_when_the_far_pc_meets_the_province_itself(
    far: Machine, relay: Machine, running: Server
) -> None:
    far.work_a_day()
    meet(far, OtherPc(relay))
    relay.sync()
    versions = running.held()
    tally = relay.tally()

    run = far.sync()

    assert (run.outcome, run.verified) == ("complete", True)
    assert (far.count(), far.tally()) == (0, tally)
    assert running.held() == versions
    assert [n.origin for n in _nodes(far)] == [Origin.HERE]
    assert relay.sync().received == 0
    assert meet(far, OtherPc(relay)).received == 0


def test_the_other_way_round_too(far: Machine, relay: Machine) -> None:
    """The far PC reached the province first; the relay's copy is then known there."""
    far.work_a_day()
    meet(far, OtherPc(relay))
    assert far.sync().outcome == "complete"
    run = relay.sync()
    assert (run.outcome, run.verified, relay.count()) == ("complete", True, 0)
    assert lines(relay) == lines(far)


def test_what_a_colleague_lost_before_he_sent_it_is_sent_by_who_heard_of_it(
    far: Machine, relay: Machine, make: Callable[[], Machine]
) -> None:
    written = relay.patient(8)
    meet(far, OtherPc(relay))
    assert far.count() == 0  # its author sends it, as a rule
    # The relay's disk dies here: it never sends anything again.
    run = far.sync()
    assert (run.outcome, run.verified, far.count()) == ("complete", True, 0)
    assert held(far) == set(lines(far))
    third = make()
    third.sync()
    assert third.shown(written) == written


def _nodes(machine: Machine) -> Any:
    with machine.store.read() as work:
        return work.referrals.lineage(sample.REFERRAL.id)


def test_a_refusal_reaches_the_far_pc_in_the_provinces_words(
    far: Machine, relay: Machine, refuse: Callable[..., Any]
) -> None:
    bad, good = far.patient(1), far.patient(2)
    spoiled = refuse(bad.id, gender="mẫu")
    meet(far, OtherPc(relay), build=spoiled)
    assert far.count() == 2
    assert relay.sync().quarantined == 1
    reason = relay.quarantined()[bad.id]

    run = meet(far, OtherPc(relay))

    assert (run.quarantined, far.quarantined()) == (1, {bad.id: reason})
    assert (far.count(), far.shown(good)) == (0, good)
    far.amend(bad, phone="0900000333")
    meet(far, OtherPc(relay))
    assert relay.quarantined() == {bad.id: reason}  # until the province has the correction
    before = set(lines(relay))
    relay.sync()
    assert (relay.quarantined(), relay.count(UnitState.QUARANTINED)) == ({}, 0)
    assert set(lines(relay)) == before
    meet(far, OtherPc(relay))
    assert (far.quarantined(), far.count(), far.count(UnitState.QUARANTINED)) == ({}, 0, 0)


def test_a_refused_line_stays_listed_while_only_others_have_written(
    far: Machine, relay: Machine, refuse: Callable[..., Any]
) -> None:
    """Somebody else's version is no correction, nor is an earlier one of the same author."""
    person = far.patient(1)
    meet(far, OtherPc(relay))
    relay.sync()
    meet(far, OtherPc(relay))
    spoiled = refuse(person.id, gender="mẫu")
    far.amend(person, phone="0900000111")
    meet(far, OtherPc(relay), build=spoiled)
    relay.sync()
    assert set(relay.quarantined()) == {person.id}

    relay.amend(person, phone="0900000222")
    relay.sync()
    assert set(relay.quarantined()) == {person.id}


def test_an_answer_that_is_lost_costs_nothing(far: Machine, relay: Machine) -> None:
    far.work_a_day()
    other = OtherPc(relay)
    meet(far, other)
    person = far.patient(3)
    other.loses = True
    with pytest.raises(NetworkFailure):
        meet(far, other)
    assert relay.shown(person) == person
    other.loses = False
    run = meet(far, other)
    assert run.sent == 8
    assert relay.count() == 8
    assert relay.sync().outcome == "complete"
    meet(far, other)
    assert far.count() == 0


def test_two_who_wrote_at_once_see_the_same(far: Machine, relay: Machine) -> None:
    person = far.patient(4)
    meet(far, OtherPc(relay))
    relay.sync()
    meet(far, OtherPc(relay))  # what is built on it travels once the province has spoken of it
    far.amend(person, phone="0900000111")
    relay.amend(person, phone="0900000222")
    meet(far, OtherPc(relay))
    meet(far, OtherPc(relay))
    assert far.conflicts() == relay.conflicts() == [(RecordKind.PATIENT, person.id)]
    assert far.graph(person) == relay.graph(person)
    assert relay.sync().outcome == "complete"
    assert far.sync().outcome == "complete"
    assert far.tally() == relay.tally()
    assert far.shown(person) == relay.shown(person)


def test_a_page_keeps_to_the_room_and_a_relay_with_another_life_begins_anew(
    far: Machine, relay: Machine
) -> None:
    for number in range(6):
        relay.patient(number)
    sealer, applier = parts(relay)
    point = MeetingPoint(relay.store, relay.clock, sealer, applier)
    asked = ExchangeRequest(incarnation="f" * 16, number=0, room=1)
    first = point.exchange(asked)
    assert (len(first.lines), first.more, first.held_by_province) == (1, True, False)
    second = point.exchange(
        ExchangeRequest(
            incarnation="f" * 16, number=0, room=1, epoch=first.epoch, cursor=first.cursor
        )
    )
    assert second.lines != first.lines
    anew = point.exchange(
        ExchangeRequest(
            incarnation="f" * 16, number=0, room=10**6, epoch="0" * 16, cursor=first.cursor
        )
    )
    assert (len(anew.lines), anew.more, anew.tally) == (6, False, None)
    wanted = point.exchange(
        ExchangeRequest(
            incarnation="f" * 16,
            number=0,
            epoch=anew.epoch,
            cursor=anew.cursor,
            want=[next(iter(lines(relay)))],
        )
    )
    assert wanted.lines == [next(iter(lines(relay).values()))]
