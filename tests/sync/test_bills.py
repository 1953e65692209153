"""A bill reaches the province and the other PCs whole; two amendments of it wait for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from station_emr.domain.billing import Bill
from station_emr.domain.record import RecordKind, RecordStatus
from tests.interop import fhir_records as sample
from tests.interop.bill_records import BILL
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine, second_device

Make = Callable[..., Machine]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Machine] = []

    def machine(to: Any) -> Machine:
        made.append(new_machine(tmp_path, to, f"station{len(made)}"))
        return made[-1]

    yield machine
    for one in made:
        one.store.close()


def write(machine: Machine, bill: Bill, expected: int = 0) -> None:
    with machine.store.write() as work:
        work.bills.add_version(
            bill,
            RecordStatus.AMENDED if expected else RecordStatus.SIGNED,
            author=sample.DOCTOR,
            at=machine.clock.now(),
            reason="Nhầm số lượng" if expected else "",
            expected_version=expected,
        )


def of(machine: Machine) -> Bill:
    with machine.store.read() as work:
        return work.bills.get(BILL.id).record


def test_a_bill_travels_whole_and_is_counted_there(make: Make, running: Server) -> None:
    one = make(running)
    one.work_a_day()
    write(one, BILL)
    assert one.sync().verified

    answer = requests.get(
        f"{running.url}/Invoice/{BILL.id}",
        headers={"Authorization": f"Bearer {running.token}"},
        timeout=60,
    )

    assert answer.status_code == 200
    held = answer.json()
    assert held["status"] == "issued"
    assert held["subject"]["reference"] == f"Patient/{sample.PATIENT_ID}"
    assert Decimal(str(held["totalGross"]["value"])) == BILL.totals.t_tongchi_bv
    other = make(second_device(running))
    assert other.sync().verified
    assert of(other) == BILL
    with other.store.read() as work:
        day = BILL.closed_at.date()
        assert work.bills.sums(day, day).amount == BILL.totals.t_tongchi_bv


def test_two_amendments_are_put_together_as_one_open_bill(make: Make, running: Server) -> None:
    one = make(running)
    one.work_a_day()
    write(one, BILL)
    assert one.sync().verified
    other = make(second_device(running))
    assert other.sync().verified

    write(one, replace(BILL, items=BILL.items[:1]), expected=1)
    write(other, replace(BILL, note="Người bệnh nhận bản giấy"), expected=1)
    for machine in (one, other, one):
        assert machine.sync().verified

    assert of(one) == of(other)
    with one.store.read() as work:
        node = work.operations.node(RecordKind.BILL, BILL.id, work.bills.get(BILL.id).version)
    assert {"items", "note"} <= set(node.open_fields)
