"""Decisions about rights reach the station's other PCs over the province, a relay and a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from station_emr.domain.access import Closed
from station_emr.domain.operation import ReadRecord
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import RecordKind
from station_emr.domain.sensitive import SensitiveRange, ranges_text
from station_emr.domain.station_rights import rights_id, standing_id
from station_emr.domain.user import Actor, User
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.units import build_unit
from station_emr.services.access import Access
from station_emr.services.replication import apply_operation
from station_emr.services.restricted import RANGES
from station_emr.services.restricted_codes import RestrictedCodes
from station_emr.services.rights import rights_of, station_table
from station_emr.services.roles import Roles
from station_emr.sync.applying import Applier
from station_emr.sync.client import FhirClient
from station_emr.sync.exchange_engine import Exchange
from station_emr.sync.exchange_fhir_peer import ExchangeOverHttp
from station_emr.sync.running import Run
from station_emr.sync.sealing import Sealer, StoredIncarnation
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine, second_device
from tests.sync.test_relay import OtherPc, meet

Make = Callable[..., Machine]
STI = SensitiveRange("A50", "A64", "Hoa liễu")


def person(number: int, role: Role) -> User:
    name = f"Người Mẫu {number}"
    return User(id=sample.made_id(700 + number), username=f"mau{number}", full_name=name, role=role)


DIRECTOR, SECOND, NURSE = (
    person(number, role)
    for number, role in enumerate((Role.DIRECTOR, Role.DIRECTOR, Role.NURSE), start=1)
)
BOSS = Actor(user=DIRECTOR, device="Máy 1")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Machine] = []

    def machine(to: Any) -> Machine:
        made.append(new_machine(tmp_path, to, f"station{len(made)}"))
        number = len(made)
        with made[-1].store.write() as work:
            profile = replace(
                sample.STATION,
                facility_id=sample.made_id(600 + number),
                device_name=f"Máy {number}",
            )
            work.settings.save_station(profile, sample.AT)
        return made[-1]

    yield machine
    for one in made:
        one.store.close()


@pytest.fixture
def first(make: Make, running: Server) -> Machine:
    """The PC on which the station was founded."""
    one = make(running)
    with one.store.write() as work:
        work.users.save(DIRECTOR, author=None, at=sample.AT)
        for other in (SECOND, NURSE):
            work.users.save(other, author=DIRECTOR.snapshot, at=sample.AT)
    return one


def access(machine: Machine) -> Access:
    return Access(machine.store, machine.clock, None)  # type: ignore[arg-type]


def decide(machine: Machine) -> None:
    """One of everything that a director can decide."""
    Roles(machine.store, machine.clock).change(BOSS, [(Role.NURSE, Action.PATIENT_EDIT, False)])
    codes = RestrictedCodes(machine.store, machine.clock, lambda _code: "Mẫu")
    codes.replace_all(BOSS, ranges_text((STI,)))
    access(machine).suspend(BOSS, NURSE.username)
    now = machine.clock.now()
    access(machine).give(
        BOSS,
        SECOND.username,
        [Action.RECORD_EXPORT],
        since=now,
        until=now + timedelta(days=3),
        reason="Thay giám đốc đi họp",
    )


def standing(machine: Machine) -> tuple[Any, ...]:
    """What holds on this machine of what :func:`decide` says."""
    with machine.store.read() as work:
        state = work.access.state(NURSE.id)
        return (
            Action.PATIENT_EDIT in station_table(work)[Role.NURSE],
            work.settings.get(RANGES),
            state.closed,
            [one.actions for one in work.access.given_to(SECOND.id)],
        )


DECIDED = (False, ranges_text((STI,)), Closed.BY_HAND, [frozenset({Action.RECORD_EXPORT})])
UNTOUCHED = (True, None, None, [])


def log(machine: Machine, action: str) -> list[str]:
    with machine.store.read() as work:
        return [row.detail for row in work.audit.rows(200) if row.action == action]


def test_what_a_director_decides_holds_on_the_other_pc_after_a_sync(
    make: Make, first: Machine, running: Server
) -> None:
    other = make(second_device(running))
    assert first.sync().verified
    assert other.sync().verified
    assert standing(other) == UNTOUCHED
    decide(first)
    assert first.sync().verified

    assert other.sync().verified

    assert standing(first) == standing(other) == DECIDED
    with other.store.read() as work:
        closed = Actor(user=replace(NURSE, active=True), device="Máy 2")
        assert "tạm ngừng" in rights_of(work, closed, other.clock.now()).closed
    answer = requests.get(
        f"{running.url}/Basic/{standing_id(NURSE.id)}",
        headers={"Authorization": f"Bearer {running.token}"},
        timeout=60,
    )
    assert answer.json()["subject"] == {"reference": f"Practitioner/{NURSE.id}"}
    access(first).reopen(BOSS, NURSE.username)
    first.sync()
    other.sync()
    assert standing(other)[2] is None


def test_nobody_of_another_facility_sees_it(first: Machine, running: Server) -> None:
    decide(first)
    assert first.sync().verified
    elsewhere = running.for_another_facility()
    for server, status in ((running, 200), (elsewhere, 404)):
        answer = requests.get(
            f"{server.url}/Basic/{rights_id(sample.STATION.code)}",
            headers={"Authorization": f"Bearer {server.token}"},
            timeout=60,
        )
        assert answer.status_code == status


def test_it_comes_over_another_pc_that_meets_the_province(
    make: Make, first: Machine, running: Server
) -> None:
    middle, far = make(second_device(running)), make(running)
    decide(first)
    meet(first, OtherPc(middle))
    meet(far, OtherPc(middle))
    for pc in (middle, far):
        cells, _codes, closed, given = standing(pc)
        assert (cells, closed, given) == (DECIDED[0], *DECIDED[2:])
    # The codes are a second version of the record: it waits until the province has spoken of the first.
    assert first.sync().verified
    middle.sync()
    meet(far, OtherPc(middle))
    assert standing(middle) == standing(far) == DECIDED


def test_a_new_pc_has_what_the_others_have(make: Make, first: Machine, running: Server) -> None:
    decide(first)
    access(first).reopen(BOSS, NURSE.username)
    access(first).suspend(BOSS, NURSE.username)
    assert first.sync().verified
    new = make(second_device(running))
    assert new.sync().verified
    assert standing(new) == DECIDED
    assert not log(new, "rights.held")


def test_nobody_makes_themselves_a_director_on_the_other_pc(
    make: Make, first: Machine, running: Server
) -> None:
    other = make(second_device(running))
    first.sync()
    other.sync()
    with first.store.write() as work:  # past the program, on a PC that she has in her hands
        work.users.save(
            replace(work.users.get(NURSE.id), role=Role.DIRECTOR),
            author=NURSE.snapshot,
            at=first.clock.now(),
        )
        friend = person(4, Role.DIRECTOR)
        work.users.save(friend, author=NURSE.snapshot, at=first.clock.now())
    for forger in (NURSE, friend):
        actor = Actor(user=replace(forger, role=Role.DIRECTOR), device="Máy 1")
        access(first).suspend(actor, SECOND.username)
        access(first).reopen(actor, SECOND.username)
    access(first).suspend(actor, SECOND.username)
    first.sync()

    other.sync()

    with other.store.read() as work:
        assert work.users.get(NURSE.id).role is Role.NURSE
        assert work.access.state(SECOND.id).closed is None
    told = log(other, "rights.held")
    for forger in (NURSE, friend):
        assert any(f"written_by: {forger.full_name}" in detail for detail in told)
    assert all("from: Máy 1" in detail for detail in told)


def unread(resources: Sequence[dict[str, Any]]) -> ReadRecord:
    """A program of last year."""
    if resources[0]["resourceType"] == "Basic":
        raise ValueError("the first resource is not a record's own")
    return read_unit(resources)


def test_a_program_that_does_not_know_the_kind_goes_on_and_hands_it_on(
    make: Make, first: Machine, running: Server
) -> None:
    old, new = make(second_device(running)), make(second_device(running))
    decide(first)
    patient = first.patient()
    assert first.sync().verified
    run_as_of_last_year(old)
    assert standing(old) == UNTOUCHED
    assert old.shown(patient) is not None
    meet(new, OtherPc(old))
    assert standing(new) == DECIDED


def run_as_of_last_year(machine: Machine) -> None:
    client = FhirClient(machine.to.url, machine.to.token, machine.clock)
    sealer = Sealer(build_unit, carry_over, StoredIncarnation(machine.clock.random))
    applier = Applier(unread, apply_operation, sealer, machine.clock.now)
    wire = ExchangeOverHttp(client, machine.clock.random)
    exchange = Exchange(
        machine.store, machine.clock, wire, sealer, applier, program="station-emr 0.2.0"
    )
    exchange.run(Run(machine.clock.now(), 0, 0))


def test_staff_goes_before_what_is_decided_about_them_and_both_before_patients(
    first: Machine,
) -> None:
    first.patient()
    decide(first)
    with first.store.read() as work:
        over_exchange = [one.kind for one in work.outbox.operations(99, sample.AT.date())]
    for kinds in (over_exchange, [kind for kind, _id in first.waiting()]):
        assert kinds[0] is RecordKind.FACILITY
        staff = max(n for n, kind in enumerate(kinds) if kind is RecordKind.PRACTITIONER)
        rights = [
            n for n, kind in enumerate(kinds) if kind in (RecordKind.RIGHTS, RecordKind.STANDING)
        ]
        assert staff < min(rights)
        assert max(rights) < kinds.index(RecordKind.PATIENT)
