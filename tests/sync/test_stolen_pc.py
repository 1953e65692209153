"""A PC is stolen: the way of docs/huong-dan/khoa-va-mat-khau.md from the call to the province to the new PC.

What the thief opens on the stolen disk is in tests/e2e/test_lost_keys.py; here is what the link does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provincial_server.courier.faults import CourierRefused
from station_emr.domain.patient import Patient
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server
from tests.sync.courier_machines import DIRECTOR, CourierMachine, Province


@pytest.fixture
def province(tmp_path: Path, _shared: Server) -> Iterator[Province]:
    made = Province(tmp_path, _shared)
    yield made
    made.close()


def test_from_the_theft_to_the_new_pc(tmp_path: Path, province: Province) -> None:
    facility = province.facility()
    stolen, kept, new = (CourierMachine(tmp_path, province, facility) for _ in range(3))
    try:
        stolen.work_a_day()
        for number in range(1, 5):
            stolen.patient(number)
        assert stolen.sync().verified
        assert kept.sync().verified

        # The call: from that moment the stolen PC sends nothing and hears nothing.
        province.revoke(stolen.device)
        thiefs = stolen.patient(50)
        ours = kept.patient(60)
        assert kept.sync().verified
        assert stolen.sync().outcome not in {"complete", "partial"}
        assert ours.id not in stolen.newest()
        assert stolen.waiting()  # what the thief writes stays with him
        with pytest.raises(CourierRefused):  # nor does it go by a stick
            province.answer(stolen.write())

        # The new PC has everything the station wrote, and works on.
        report = new.rebuild().from_province(DIRECTOR)
        assert (report.finished, report.verified) == (True, True)
        assert new.newest() == kept.newest()
        assert ours.id in new.newest()
        assert thiefs.id not in new.newest()
        new.sign(replace(sample.PATIENT, id=new.clock.new_id(), full_name="Sau Trộm Mẫu"))
        assert new.sync().verified
        assert kept.sync().verified
        assert new.newest() == kept.newest()
        assert "Sau Trộm Mẫu" in {one.full_name for one in _people(kept)}
    finally:
        for machine in (stolen, kept, new):
            machine.store.close()


def _people(machine: CourierMachine) -> list[Patient]:
    return [one for one in machine.newest().values() if isinstance(one, Patient)]
