"""The demo station's claims: what was sent of earlier days, what waits for whoever tries it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from station_emr.demo.filled import make_filled_station
from station_emr.demo.gateways import DemoGateways
from station_emr.demo.scripted import DIRECTOR
from station_emr.demo.seed import SeedPlan
from station_emr.demo.station import DEMO_PASSWORD
from station_emr.domain.gateway import ClaimState
from station_emr.services.clock import SystemClock
from station_emr.services.secret import Secret
from station_emr.station import open_station
from tests.security.stations import cheap_passwords

CLAIMS = "130"
"""The kind of file, as the gateway calls it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("demo") / "station"
    now = SystemClock().now()
    plan = SeedPlan(today=now.date(), now=now, people=25, days=8)
    with cheap_passwords():
        make_filled_station(made, lambda _done, _total: None, plan)
    return made


def claims(folder):
    """The director, and the lines of the last days by their state."""
    station = open_station(folder, DIRECTOR, DEMO_PASSWORD)
    try:
        today = station.services.clock.now().date()
        lines = station.services.gateways.day.lines(station.actor, today - timedelta(days=4), today)
        return station.actor, {
            state: [one for one in lines if one.state is state] for state in ClaimState
        }
    finally:
        station.close()


def test_earlier_days_were_taken_and_today_can_be_signed_in_each_start(folder) -> None:
    today = SystemClock().now().date()
    with DemoGateways() as ends:
        ends.configure(folder)
        # Whoever came within the last hours is reported, too: near midnight those are of yesterday.
        taken = sum(one.kind == CLAIMS for one in ends.bhxh.taken)
    _director, found = claims(folder)
    accepted = found[ClaimState.ACCEPTED]
    assert accepted
    assert len(accepted) == taken
    assert all(one.record.receipt for one in accepted)
    assert all(one.arrived_at.date() < today for one in accepted)
    assert not found[ClaimState.UNKNOWN]
    assert not found[ClaimState.REFUSED]

    with DemoGateways() as ends:  # started again
        ends.bhxh.series = "000001"
        ends.configure(folder)
        assert ends.bhxh.taken == []
        station = open_station(folder, DIRECTOR, DEMO_PASSWORD)
        try:
            day = station.services.gateways.day
            ready = [one.encounter_id for one in found[ClaimState.READY]]
            made = day.sign(station.actor, Secret(DEMO_PASSWORD), ready)
            station.send_to_gateways()
        finally:
            station.close()
        assert len(ends.bhxh.taken) >= len(made.queued) == len(ready)
    _director, found = claims(folder)
    assert len(found[ClaimState.ACCEPTED]) == len(accepted) + len(ready)


def test_a_bill_of_the_demo_says_its_department(folder) -> None:
    station = open_station(folder, DIRECTOR, DEMO_PASSWORD)
    try:
        billing, today = station.services.billing, station.services.clock.now().date()
        rows = [
            one
            for one in billing.rows(station.actor, today - timedelta(days=4), today)
            if one.number
        ]
        bill = billing.by_name(station.actor, rows[0].number).record
        assert (bill.department, bill.department_name) == ("K01", "Khoa Khám bệnh")
    finally:
        station.close()
