"""Every kind of record over a server that has no exchange, there and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from station_emr.domain.record import RecordKind
from station_emr.domain.sync import UnitState
from station_emr.sync.scheduler import read_status
from tests.interop import fhir_records as sample
from tests.sync import every_kind
from tests.sync.closing import said
from tests.sync.conftest import Server
from tests.sync.exchange_machines import second_device
from tests.sync.faults import Fault, FaultyLine
from tests.sync.fresh import fresh_store
from tests.sync.plain_machines import PlainMachine


@pytest.fixture(scope="module")
def journey(
    _shared: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[every_kind.Journey]:
    server = _shared.for_another_facility()
    folder = tmp_path_factory.mktemp("kinds")
    one = PlainMachine(fresh_store(folder / "one.db"), server)
    other = PlainMachine(fresh_store(folder / "other.db"), second_device(server))
    try:
        for machine in (one, other):
            machine.belong()
        yield every_kind.travel(one, other, 1)
    finally:
        one.store.close()
        other.store.close()


@pytest.mark.parametrize("kind", every_kind.COME)
def test_it_arrives_at_another_pc_as_it_was_written(
    journey: every_kind.Journey, kind: RecordKind
) -> None:
    found = journey.arrived[kind]

    assert found is not None
    assert said(found.record) == said(journey.written[kind])
    assert found.versions == 1


@pytest.mark.parametrize("kind", every_kind.CHANGED)
def test_a_change_made_there_comes_home(journey: every_kind.Journey, kind: RecordKind) -> None:
    found = journey.home[kind]

    assert found is not None
    assert said(found.record) == said(journey.changed[kind])
    assert found.versions == 2


@pytest.mark.parametrize("kind", [RecordKind.RIGHTS, RecordKind.STANDING])
def test_what_those_in_charge_decide_is_not_believed_from_there(
    journey: every_kind.Journey, kind: RecordKind
) -> None:
    """Such a server proves nobody's authorship."""
    assert journey.arrived[kind] is None
    assert journey.home[kind] is not None


@pytest.fixture
def machine(tmp_path: Path, line: FaultyLine) -> Iterator[PlainMachine]:
    made = PlainMachine(fresh_store(tmp_path / "one.db"), line)
    made.belong()
    yield made
    made.store.close()


def test_a_case_goes_before_its_visit_and_a_signature_behind_its_letter(
    machine: PlainMachine, running: Server
) -> None:
    records = every_kind.every_kind(6)
    for kind in (RecordKind.PATIENT, RecordKind.NOTIFICATION, RecordKind.SIGNATURE):
        every_kind.sign(machine, kind, records[kind])

    machine.sync()

    assert machine.quarantined() == {}
    assert running.count("Communication") == 1
    assert [kind for kind, _ in machine.waiting()] == [RecordKind.SIGNATURE]


# --- servers that do not know every type ----------------------------------------------------------


def statement(server: Server, *lacking: str) -> bytes:
    """The server's own, without our exchange and without some types."""
    told: dict[str, Any] = server.read("metadata").json()
    (rest,) = told["rest"]
    rest["operation"] = []
    rest["resource"] = [one for one in rest["resource"] if one["type"] not in lacking]
    body = json.dumps(told).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_kinds_that_a_server_does_not_take_stay_and_the_others_pass(
    machine: PlainMachine, line: FaultyLine, running: Server
) -> None:
    records = every_kind.every_kind(3)
    every_kind.sign_all(machine, records)
    poor = statement(running, "Invoice", "Basic")
    line.always = lambda request: poor if request.startswith(b"GET /fhir/metadata") else None
    engine = machine.engine()

    run = engine.run_once()

    stay = {
        RecordKind.BILL,
        RecordKind.RIGHTS,
        RecordKind.STANDING,
        RecordKind.REQUEST,
        RecordKind.BREACH,
    }
    assert (run.outcome, run.detail, machine.quarantined()) == ("partial", "", {})
    assert {kind for kind, _ in machine.waiting()} == stay
    assert running.count("Provenance") == running.count("QuestionnaireResponse") == 1
    assert set(read_status(machine.store, engine).kinds_stay) == stay
    line.requests.clear()
    engine.run_once()
    assert line.requests[-1] == "GET /fhir/Patient?_summary=count"  # the line is there all the same


def test_a_server_that_has_learnt_a_type_gets_what_waited(
    machine: PlainMachine, line: FaultyLine, running: Server
) -> None:
    records = every_kind.every_kind(4)
    every_kind.sign(machine, RecordKind.PATIENT, records[RecordKind.PATIENT])
    every_kind.sign(machine, RecordKind.CONSENT, records[RecordKind.CONSENT])
    line.plan = [Fault(canned=statement(running, "Consent"))]
    assert machine.sync().outcome == "partial"
    line.plan = [Fault(canned=statement(running))]

    run = machine.sync()

    assert (run.outcome, machine.count(UnitState.WAITING)) == ("complete", 0)
    assert running.count("Consent") == 1


def test_a_server_without_visits_is_sent_nothing(
    machine: PlainMachine, line: FaultyLine, running: Server
) -> None:
    machine.sign(sample.PATIENT)
    line.plan = [Fault(canned=statement(running, "Encounter"))]

    assert machine.sync().outcome == "refused"
    assert line.requests == ["GET /fhir/metadata"]
