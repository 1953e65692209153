"""A consent reaches the province and the other PCs; taken back anywhere, it is over everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from station_emr.domain.consent import Consent, ConsentForm, ConsentGiver, ConsentStanding
from station_emr.domain.record import RecordStatus
from tests.interop import fhir_records as sample
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


def write(machine: Machine, consent: Consent, expected: int = 0) -> None:
    with machine.store.write() as work:
        work.consents.add_version(
            consent,
            RecordStatus.AMENDED if expected else RecordStatus.SIGNED,
            author=sample.DOCTOR,
            at=machine.clock.now(),
            reason="Người bệnh yêu cầu" if expected else "",
            expected_version=expected,
        )


def of(machine: Machine) -> list[Consent]:
    with machine.store.read() as work:
        return [one.record for one in work.consents.of_patient(sample.PATIENT_ID)]


def test_a_consent_travels_and_so_does_its_withdrawal(make: Make, running: Server) -> None:
    one = make(running)
    one.work_a_day()
    given = Consent(
        id=one.clock.new_id(),
        patient_id=sample.PATIENT_ID,
        purpose="contact-phone",
        giver=ConsentGiver.PATIENT,
        form=ConsentForm.PAPER,
        given_at=one.clock.now(),
        recorded_by="ĐD. Mẫu",
        paper_number="ĐY-1",
    )
    write(one, given)
    assert one.sync().verified

    def held() -> dict[str, Any]:
        answer = requests.get(
            f"{running.url}/Consent/{given.id}",
            headers={"Authorization": f"Bearer {running.token}"},
            timeout=60,
        )
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    assert (held()["status"], held()["provision"]["type"]) == ("active", "permit")
    other = make(second_device(running))
    assert other.sync().verified
    assert of(other) == [given]

    gone = replace(given, withdrawn_at=other.clock.now(), withdrawn_by="Người bệnh")
    write(other, gone, expected=1)
    assert other.sync().verified
    assert one.sync().verified
    (told,) = of(one)
    assert told.standing(one.clock.now().date()) is ConsentStanding.WITHDRAWN
    assert (held()["status"], held()["provision"]["type"]) == ("inactive", "deny")
    with one.store.read() as work:
        assert work.consents.at_version(given.id, 1) == given


def test_two_pcs_that_take_it_back_at_once_agree(make: Make, running: Server) -> None:
    one = make(running)
    one.work_a_day()
    given = Consent(
        id=one.clock.new_id(),
        patient_id=sample.PATIENT_ID,
        purpose="research",
        giver=ConsentGiver.PATIENT,
        form=ConsentForm.SPOKEN,
        given_at=one.clock.now(),
        witness="Người Chứng Mẫu",
    )
    write(one, given)
    assert one.sync().verified
    other = make(second_device(running))
    assert other.sync().verified
    for machine in (one, other):
        ended = replace(given, withdrawn_at=machine.clock.now(), withdrawn_by="Người bệnh")
        write(machine, ended, expected=1)
    for machine in (one, other, one, other):
        assert machine.sync().verified
    today = one.clock.now().date()
    assert {item.standing(today) for item in (*of(one), *of(other))} == {ConsentStanding.WITHDRAWN}
    assert of(one) == of(other)
