"""What was written on, or beside, a version that the province refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from station_emr.domain.lineage import Lineage
from station_emr.domain.record import RecordKind
from station_emr.interop.fhir.units import build_unit
from station_emr.sync.sealing import Sealer, StoredIncarnation
from station_emr.sync.verdicts import BUILT_ON_REFUSED
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine, second_device
from tests.sync.test_unsent import hears


@pytest.fixture
def one(tmp_path: Path, running: Server) -> Iterator[Machine]:
    machine = new_machine(tmp_path, running, "one")
    assert machine.sync().outcome == "complete"
    yield machine
    machine.store.close()


def seal_at_once(machine: Machine, record_id: str, bad: Any) -> None:
    """As writing a stick does: nobody has answered about the base yet. ``bad`` is what the province
    is going to refuse.
    """

    def build(kind: Any, record: Any, status: Any, earlier: Any = ()) -> Any:
        unit = build_unit(kind, record, status, earlier)
        spoilt = {"multipleBirthInteger": "hai"} if record == bad else {}
        return ({**unit[0], **spoilt}, *unit[1:])

    sealer = Sealer(build, lambda _, unit: unit, StoredIncarnation(machine.clock.random))
    with machine.store.write() as work:
        items = work.outbox.operations(100, machine.clock.now().date())
        numbers = {(one.kind, one.record_id, one.version): one.seq for one in items if one.version}
        sealer.seal_record(work, RecordKind.PATIENT, record_id, numbers)


def test_what_was_sealed_on_a_refused_version_does_not_wait_for_ever(
    one: Machine,
) -> None:
    bad = one.patient(1)
    one.amend(bad, phone="0900000111")
    seal_at_once(one, bad.id, bad)

    run = one.sync()
    assert (run.outcome, run.quarantined, one.count()) == ("partial", 2, 0)
    (reason,) = one.quarantined().values()
    assert reason.startswith(BUILT_ON_REFUSED)
    assert "multipleBirth" in reason  # what the province said of the version beneath, and where
    assert one.sync().sent == 0

    mended = one.amend(bad, phone="0900000222")
    run = one.sync()
    assert (run.outcome, run.verified, one.quarantined()) == ("complete", True, {})
    assert one.shown(bad) == mended


def test_a_correction_of_what_stands_on_a_refused_version_stands_alone(
    one: Machine, tmp_path: Path, running: Server
) -> None:
    """A colleague saw the refused version over a relay and wrote on it, and that came here, but never
    to the province. It is not merged with every correction after that.
    """
    first = one.patient(1)
    assert one.sync().verified
    bad = one.amend(first, phone="0900000111")
    seal_at_once(one, bad.id, bad)
    assert one.sync().quarantined == 1
    colleague = new_machine(tmp_path, second_device(running), "colleague")
    hears(colleague, *_lines(one))
    colleague.amend(bad, full_name="Người Mẫu Hai")
    seal_at_once(colleague, bad.id, None)
    hears(one, _lines(colleague)[-1])
    colleague.store.close()

    mended = one.amend(bad, phone="0900000222")
    run = one.sync()
    assert (run.outcome, run.verified, one.quarantined()) == ("complete", True, {})
    with one.store.read() as work:
        (head,) = Lineage(work.patients.lineage(bad.id)).heads()
        assert work.patients.at_version(bad.id, head.version) == mended


def _lines(machine: Machine) -> list[bytes]:
    with machine.store.read() as work:
        return [line for _, _, line in work.operations.since(0, 100)]
