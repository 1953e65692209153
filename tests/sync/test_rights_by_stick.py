"""Decisions about rights on a stick: a file to the province and back, and the whole record for a new PC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import fhir_records as sample
from tests.sync.courier_machines import DIRECTOR, CourierMachine, Province
from tests.sync.test_station_rights import DECIDED, NURSE, SECOND, decide, log, standing
from tests.sync.test_station_rights import DIRECTOR as HEAD


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    made = Province(tmp_path)
    yield made
    made.close()


@pytest.fixture
def first(tmp_path: Path, province: Province) -> Iterator[CourierMachine]:
    made = CourierMachine(tmp_path, province, province.facility())
    with made.store.write() as work:
        work.users.save(HEAD, author=None, at=sample.AT)
        for other in (SECOND, NURSE):
            work.users.save(other, author=HEAD.snapshot, at=sample.AT)
    decide(made)
    yield made
    made.store.close()


def test_a_new_pc_is_as_strict_as_the_others(
    tmp_path: Path, province: Province, first: CourierMachine
) -> None:
    assert first.round_trip().verified
    new = CourierMachine(tmp_path, province, first.facility, enrolled=False)
    path = province.snapshot(first.facility, new.pair.public)
    report = new.rebuild().from_file(DIRECTOR, str(path))
    assert (report.finished, report.unreadable) == (True, 0)
    assert standing(new) == standing(first) == DECIDED
    assert not log(new, "rights.held")
    new.store.close()


def test_a_colleagues_pc_hands_it_on_before_the_province_has_heard(
    tmp_path: Path, province: Province, first: CourierMachine
) -> None:
    new = CourierMachine(tmp_path, province, first.facility, enrolled=False)
    told = first.courier.export_snapshot(DIRECTOR, str(first.folder), new.pair.public)
    shown = first.courier.own_key(DIRECTOR).fingerprint
    assert new.rebuild().from_file(DIRECTOR, told.path, shown).finished
    assert standing(new) == DECIDED
    new.store.close()
