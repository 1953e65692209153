"""What is signed gets its line in the transaction that writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station_emr.domain.record import RecordStatus
from station_emr.interop.fhir.units import build_unit
from station_emr.sync import queueing
from station_emr.sync.engine import SyncEngine
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine


class _PowerCut(Exception):
    pass


@pytest.fixture
def machine(tmp_path: Path, running: Server) -> Iterator[Machine]:
    made = new_machine(tmp_path, running)
    yield made
    made.store.close()


def _met(machine: Machine, **options: Any) -> SyncEngine:
    """An engine that has spoken with the province, joined to the store as the program joins it."""
    engine = machine.engine(**options)
    machine.store.do_before_commit(engine.at_save)
    assert engine.run_once().verified
    return engine


def _names(machine: Machine) -> list[str]:
    """The operations of what waits, empty where a version has none yet."""
    with machine.store.read() as work:
        return [one.op_id for one in work.outbox.operations(1000, machine.clock.now().date())]


def test_a_signed_record_and_its_line_are_one_transaction(machine: Machine) -> None:
    engine = _met(machine)
    with suppress(_PowerCut), machine.store.write() as work:
        _sign(work, machine, 1)
        raise _PowerCut
    assert _names(machine) == []
    with machine.store.read() as work:
        before = len(work.operations.since(0, 1000))
    machine.patient(1)
    (name,) = _names(machine)
    with machine.store.read() as work:
        assert len(work.operations.since(0, 1000)) == before + 1
        line = work.operations.line(name)
    run = engine.run_once()
    assert (run.sent, run.verified, _names(machine)) == (1, True, [])
    with machine.store.read() as work:
        assert work.operations.is_held(name)  # the line that was made at the save is what went
        assert work.operations.line(name) == line


@pytest.mark.parametrize("fault", [ValueError, RecursionError])
def test_what_goes_wrong_with_a_line_leaves_the_record_whole(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    engine = _met(machine)

    def spoilt(*_: Any) -> Any:
        raise fault

    with monkeypatch.context() as patched:
        patched.setattr("station_emr.db.repositories.operations.pack", spoilt)
        written = machine.patient(1)
    assert machine.shown(written) == written
    assert _names(machine) == [""]
    run = engine.run_once()
    assert (run.sent, run.verified) == (1, True)


def test_a_record_that_cannot_be_built_is_told_when_it_goes(machine: Machine) -> None:
    def build(*of: Any) -> Any:
        if of[1].id == sample.made_id(2001):
            raise ValueError
        return build_unit(*of)

    engine = _met(machine, build=build)
    with machine.store.write() as work:
        _sign(work, machine, 1)
        _sign(work, machine, 2)
    assert sorted(map(bool, _names(machine))) == [False, True]
    run = engine.run_once()
    assert (run.sent, run.quarantined) == (1, 1)


def test_nothing_is_sealed_before_the_first_contact(machine: Machine) -> None:
    machine.store.do_before_commit(machine.engine().at_save)
    machine.patient(1)
    assert _names(machine) == [""]


def test_a_correction_waits_for_the_answer_to_what_it_corrects(machine: Machine) -> None:
    engine = _met(machine)
    written = machine.patient(1)
    machine.amend(written, phone="0900000001")
    assert [bool(name) for name in _names(machine)] == [True, False]
    run = engine.run_once()
    assert (run.sent, run.verified, _names(machine)) == (2, True, [])


def test_what_is_written_in_masses_is_sealed_before_it_goes(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _met(machine)
    monkeypatch.setattr(queueing, "_SEALED_AT_ONCE", 3)
    with machine.store.write() as work:
        for number in range(4):
            _sign(work, machine, number)
    assert _names(machine) == [""] * 4
    with machine.store.write() as work:
        for number in range(3):
            _sign(work, machine, 10 + number)
    assert sum(map(bool, _names(machine))) == 3
    assert engine.run_once().sent == 7


def _sign(work: Any, machine: Machine, number: int) -> None:
    person = replace(
        sample.PATIENT,
        id=sample.made_id(2000 + number),
        full_name=f"Người Mẫu {number}",
        national_id=f"0640992{number:05d}",
        chart_number=f"DEMO2.A.{number:06d}",
        old_national_id="",
        coverages=(),
    )
    work.patients.add_version(
        person,
        RecordStatus.SIGNED,
        author=sample.DOCTOR,
        at=machine.clock.now(),
        reason="",
        expected_version=0,
    )
