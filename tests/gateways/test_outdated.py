"""A record that waits while its visit is amended: the old file does not leave, a new one is signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.domain.gateway import ClaimState, MessageKind, MessageState
from station_emr.services.gateway_sending import OUTDATED
from tests.services.claim_samples import billed

RECORD = MessageKind.RECORD


@pytest.fixture
def waiting(desk, tmp_path):
    """A record that was signed while the portal was away."""
    visit = billed(desk.station).id
    desk.turn_on(head_code="000001/MAU-GPHN")
    desk.use_key(tmp_path)
    desk.sign_day(visit)
    desk.bhyt.down = True
    desk.send()
    assert desk.message(RECORD, visit).state is MessageState.SIGNED
    desk.visit = visit
    return desk


def line(desk):
    day = desk.station.clock.now().date()
    (found,) = desk.gateways.day.lines(desk.station.doctor, day, day)
    return found


def amend_bill(desk) -> None:
    with desk.station.store.read() as work:
        bill = work.bills.of_encounter(desk.visit)
    cheaper = replace(bill.record.items[0], price=bill.record.items[0].price - 1000)
    cheaper = replace(cheaper, insured_price=cheaper.price)
    desk.station.services.billing.amend(
        desk.station.nurse,
        replace(bill.record, items=(cheaper, *bill.record.items[1:])),
        bill.version,
        "Ghi nhầm giá",
    )


def back(desk) -> None:
    desk.bhyt.down = False
    desk.later(hours=1)
    desk.send()


def test_a_record_that_was_amended_while_it_waited_does_not_leave(waiting) -> None:
    first = waiting.message(RECORD, waiting.visit)
    amend_bill(waiting)
    found = line(waiting)
    assert (found.state, found.correction) == (ClaimState.READY, False)

    back(waiting)

    assert [one for one in waiting.bhyt.taken if one.kind == "130"] == []
    with waiting.station.store.read() as work:
        kept = work.gateways.get(first.id)
    assert (kept.state, kept.reason) == (MessageState.WITHDRAWN, OUTDATED)

    waiting.sign_day(waiting.visit)
    waiting.send()
    (taken,) = [one for one in waiting.bhyt.taken if one.kind == "130"]
    again = waiting.message(RECORD, waiting.visit)
    assert (again.state, again.receipt) == (MessageState.ACCEPTED, taken.receipt)
    assert again.sha256 != first.sha256
    assert line(waiting).state is ClaimState.ACCEPTED


def test_a_new_version_that_says_the_same_is_no_reason_to_sign_again(waiting) -> None:
    station = waiting.station
    with station.store.read() as work:
        person = work.encounters.get(waiting.visit).record.patient_id
        stored = work.patients.get(person)
    newer = replace(stored.record, note="Ghi chú")
    station.services.patients.update(station.nurse, newer, stored.version)
    with station.store.read() as work:
        assert work.patients.get(person).version > stored.version
    assert line(waiting).state is ClaimState.SIGNED

    back(waiting)

    assert waiting.message(RECORD, waiting.visit).state is MessageState.ACCEPTED
