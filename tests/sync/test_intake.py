"""An answer is written down in short transactions; what needs none is done before them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.units import build_unit
from station_emr.services.replication import apply_operation
from station_emr.sync import applying
from station_emr.sync.applying import Applier
from station_emr.sync.exchange_peer import ExchangeReply, ExchangeRequest
from station_emr.sync.intake import Intake
from station_emr.sync.queueing import Batch
from station_emr.sync.sealing import Sealer, StoredIncarnation
from tests.sync.exchange_machines import Machine, new_machine


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    nowhere = SimpleNamespace(url="http://127.0.0.1:1", token="none")
    made = tuple(new_machine(tmp_path, nowhere, name) for name in ("one", "other"))
    yield made
    for machine in made:
        machine.store.close()


def written(machine: Machine) -> list[bytes]:
    sealer = Sealer(build_unit, carry_over, StoredIncarnation(machine.clock.random))
    with machine.store.write() as work:
        sealer.incarnation.renew(work)
        for item in work.outbox.operations(100, machine.clock.now().date()):
            sealer.seal_now(work, (item.kind, item.record_id, item.version), {})
        return [line for _, line in work.operations.all_lines("", 100)]


def test_lines_are_opened_before_anybody_has_to_wait(
    two: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two
    people = [one.patient(number) for number in range(1, 6)]
    lines = written(one)
    held_while_opening: list[bool] = []
    honest = applying.open_operation

    def opened(*arguments):  # type: ignore[no-untyped-def]
        held_while_opening.append(other.store._lock.locked())
        return honest(*arguments)

    monkeypatch.setattr(applying, "open_operation", opened)
    sealer = Sealer(build_unit, carry_over, StoredIncarnation(other.clock.random))
    applier = Applier(read_unit, apply_operation, sealer, other.clock.now)
    intake = Intake(
        other.store, other.clock, sealer, applier, ("epoch", "cursor"), monotonic=lambda: 0.0
    )
    request = ExchangeRequest(incarnation="1" * 16, number=0)
    answer = ExchangeReply(
        taken=frozenset(), refused=(), epoch="e", cursor=9, more=False, lines=lines
    )

    assert intake.commit(request, answer, Batch()).received == len(lines)
    assert [other.shown(person) for person in people] == people
    assert held_while_opening == [False] * len(lines)

    held_while_opening.clear()
    intake.commit(request, answer, Batch())
    assert held_while_opening == []  # what is known needs no opening
