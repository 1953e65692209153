"""GDH 61 across days: a record that was signed or sent before is not claimed once more from another visit."""

from __future__ import annotations

import pytest

from station_emr.demo.gateways_serving import Fault
from station_emr.domain.claim import blocking
from station_emr.domain.gateway import ClaimState, MessageKind, MessageState
from tests.interop.checks.clean_claims import OUTPATIENT, changed
from tests.services.claim_samples import OTHER_CARD, billed

RECORD = MessageKind.RECORD


@pytest.fixture
def ready(desk, tmp_path):
    desk.use_key(tmp_path)
    return desk


def twins(desk, **changes):
    """Two charts of one person, each with a visit of the same minute."""
    first, second = billed(desk.station), billed(desk.station, **changes)
    assert f"{first.arrived_at:%H:%M}" == f"{second.arrived_at:%H:%M}"
    desk.turn_on(head_code="000001/MAU-GPHN")
    return first.id, second.id


def refused(desk, visit: str) -> set[str]:
    (made,) = desk.gateways.day._claims.export(desk.station.doctor, [visit]).held_back or (None,)
    return {one.rule for one in blocking(made.findings)} if made else set()


def test_a_second_visit_like_one_that_was_sent_is_held_back(ready) -> None:
    first, second = twins(ready)
    assert refused(ready, second) == set()
    assert ready.sign_day(first).queued
    sent = ready.message(RECORD, first)

    made = ready.sign_day(second)  # signed, and waiting to go

    assert made.queued == ()
    (held,) = made.held_back
    (finding,) = blocking(held.findings)
    assert finding.rule == "gdh-61"
    assert sent.name in finding.message
    assert finding.place.encounter_id == second

    ready.send()
    assert ready.message(RECORD, first).state is MessageState.ACCEPTED
    assert refused(ready, second) == {"gdh-61"}
    day = ready.station.clock.now().date()
    lines = ready.gateways.day.lines(ready.station.doctor, day, day)
    assert {one.encounter_id: one.state for one in lines}[second] is ClaimState.FAULTY


def test_the_visit_says_so_while_it_is_open_on_the_screen(ready) -> None:
    first, second = twins(ready)
    ready.sign_day(first)
    check = ready.station.services.claim_checks.of_visit(ready.station.doctor, second)
    assert "gdh-61" in {fault.finding.rule for fault in check.faults}


def test_what_was_refused_or_given_up_stands_in_nobodys_way(ready) -> None:
    first, second = twins(ready)
    ready.sign_day(first)
    ready.bhyt.fail(Fault.REFUSED)
    ready.send()
    assert ready.message(RECORD, first).state is MessageState.REFUSED
    assert refused(ready, second) == set()


def test_a_correction_with_its_own_link_code_repeats_nothing(ready) -> None:
    first, _second = twins(ready)
    ready.sign_day(first)
    assert refused(ready, first) == set()


def test_another_card_in_the_same_minute_is_another_person(ready) -> None:
    first, second = twins(ready, card=OTHER_CARD)
    ready.sign_day(first)
    assert refused(ready, second) == set()


@pytest.mark.parametrize("arrived", ["", "202611", "000101010000", "999912312359", "2026112008xx"])
def test_an_arrival_that_is_no_moment_asks_nothing(desk, arrived: str) -> None:
    claim = changed(OUTPATIENT, "XML1", NGAY_VAO=arrived)
    (found,) = desk.gateways.day._checks.before_sending([claim])
    assert found  # told by other rules, and nothing was looked up
