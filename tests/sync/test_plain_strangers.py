"""Whose a record is, on a server where others keep theirs too and most name no station."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from station_emr.domain.record import RecordKind
from station_emr.sync.plain_resources import belongs
from tests.interop import fhir_records as sample
from tests.sync import every_kind
from tests.sync.conftest import Server
from tests.sync.exchange_machines import second_device
from tests.sync.faults import FaultyLine
from tests.sync.fresh import fresh_store
from tests.sync.plain_machines import PlainMachine

RECORDS = every_kind.every_kind(5)
CONSENT = RECORDS[RecordKind.CONSENT]


@pytest.fixture
def pair(tmp_path: Path, running: Server) -> Iterator[tuple[PlainMachine, PlainMachine]]:
    made = [
        PlainMachine(fresh_store(tmp_path / f"{name}.db"), to)
        for name, to in (("one", running), ("other", second_device(running)))
    ]
    for machine in made:
        machine.belong()
    yield made[0], made[1]
    for machine in made:
        machine.store.close()


def consent_of(person: Any, number: int) -> Any:
    return replace(CONSENT, id=sample.made_id(7900 + number), patient_id=person.id)


def arrived(machine: PlainMachine, *consents: Any) -> list[bool]:
    return [every_kind.shown(machine, RecordKind.CONSENT, one.id) is not None for one in consents]


def test_what_others_keep_about_our_people_is_theirs(
    pair: tuple[PlainMachine, PlainMachine], running: Server
) -> None:
    """A hospital's own messages, another station's consents and leaks."""
    one, other = pair
    ours = one.another(1)
    guest = replace(ours, id=sample.made_id(7800), chart_number="DEMO9.A.000001")
    one.sign(guest)
    breach = RECORDS[RecordKind.BREACH]
    theirs = replace(breach, id=sample.made_id(7801), facility_id=sample.made_id(7802))
    for kind, record in (
        (RecordKind.CONSENT, consent_of(ours, 1)),
        (RecordKind.CONSENT, consent_of(guest, 2)),
        (RecordKind.BREACH, breach),
        (RecordKind.BREACH, theirs),
    ):
        every_kind.sign(one, kind, record)
    one.sync()
    subject = {"reference": f"Patient/{ours.id}"}
    code = {"text": "Ghi chú riêng của bệnh viện"}
    for number, (kind, rest) in enumerate(
        (
            ("Communication", {"status": "completed", "subject": subject}),
            ("Basic", {"code": code, "subject": subject}),
            ("Linkage", {"item": [{"type": "source", "resource": subject}] * 2}),
        )
    ):
        running.put({"resourceType": kind, "id": sample.made_id(7810 + number), **rest})

    run = other.sync()

    assert (run.outcome, run.detail, run.received) == ("complete", "", 3)
    assert arrived(other, consent_of(ours, 1), consent_of(guest, 2)) == [True, False]
    assert every_kind.shown(other, RecordKind.BREACH, breach.id) is not None
    with other.store.read() as work:
        assert (work.operations.parked(), work.operations.unreadables(9)) == (0, ())


def test_what_is_about_somebody_who_is_not_here_yet_is_looked_at_again(
    pair: tuple[PlainMachine, PlainMachine],
    line: FaultyLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Written after the people were read, and before the consents were."""
    monkeypatch.setattr("station_emr.sync.plain_pull.OVERLAP", timedelta())
    one, other = pair
    known = one.another(1)
    one.sync()
    other.sync()
    new = one.another(2)
    every_kind.sign(one, RecordKind.CONSENT, consent_of(new, 3))
    one.sync()
    every_kind.sign(one, RecordKind.CONSENT, consent_of(known, 4))
    one.sync()
    line.always = lambda request: nobody(request, "")
    other.sync(line)
    assert arrived(other, consent_of(new, 3), consent_of(known, 4)) == [False, True]

    line.always = None
    other.sync(line)

    assert arrived(other, consent_of(new, 3)) == [True]


def test_nothing_is_judged_by_half_of_the_people(
    pair: tuple[PlainMachine, PlainMachine], line: FaultyLine
) -> None:
    one, other = pair
    person = one.another(1)
    every_kind.sign(one, RecordKind.CONSENT, consent_of(person, 5))
    one.sync()
    line.always = lambda request: nobody(request, "http://127.0.0.1:9/fhir/Patient?page=2")

    run = other.sync(line)

    assert run.outcome == "complete"
    asked = [request for request in line.requests if "_sort" in request]
    assert any(request.startswith("GET /fhir/Encounter") for request in asked)
    assert not any(request.startswith("GET /fhir/Consent") for request in asked)
    line.always = None
    other.sync(line)
    assert arrived(other, consent_of(person, 5)) == [True]


def test_a_letters_own_task_is_no_answer_to_it() -> None:
    letter = RECORDS[RecordKind.REFERRAL].id

    assert belongs(RecordKind.REFERRAL, "Task", f"{letter}-t1")
    assert not belongs(RecordKind.FEEDBACK, "Task", f"{letter}-t1")
    assert belongs(RecordKind.FEEDBACK, "Task", RECORDS[RecordKind.FEEDBACK].id)


def nobody(request: bytes, link: str) -> bytes | None:
    """An empty page of people, with the rest behind ``link``."""
    if not request.startswith(b"GET /fhir/Patient?_sort"):
        return None
    more = f',"link":[{{"relation":"next","url":"{link}"}}]' if link else ""
    body = f'{{"resourceType":"Bundle","type":"searchset"{more}}}'
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
