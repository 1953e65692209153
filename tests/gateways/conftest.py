"""Imitations of both gateways on loopback, and lines to them."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from station_emr.demo.clock import DemoClock
from station_emr.demo.gateways_bhxh import InsuranceImitation
from station_emr.demo.gateways_donthuoc import PrescriptionImitation
from station_emr.services.gateway_ports import InsuranceAccount, PrescriberAccount
from station_emr.sync.gateways.line import GatewayPatience
from station_emr.sync.gateways.lines import GatewaysOverHttp
from tests.gateways.desk import Desk
from tests.services.conftest import lists, station, template  # noqa: F401  fixtures

MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=timezone(timedelta(hours=7)))  # a Friday
PATIENCE = GatewayPatience(connect=60.0, stall=60.0, whole=60.0)
HASTY = GatewayPatience(connect=60.0, stall=2.0, whole=60.0)
"""For tests of an answer that does not come; the log-in before it still has to."""


@pytest.fixture
def clock() -> DemoClock:
    return DemoClock(MORNING, 6)


@pytest.fixture
def bhxh(clock: DemoClock) -> Iterator[InsuranceImitation]:
    imitation = InsuranceImitation(
        "DEMO1", "DEMO1_BV", "mat khau", clerk_id="000000000001", now=clock.now
    )
    imitation.start()
    yield imitation
    imitation.stop()


@pytest.fixture
def donthuoc() -> Iterator[PrescriptionImitation]:
    imitation = PrescriptionImitation("CS-MAU-1", "mat khau", {"BS-MAU-1": "mat khau bs"})
    imitation.start()
    yield imitation
    imitation.stop()


@pytest.fixture
def lines(clock: DemoClock) -> GatewaysOverHttp:
    return GatewaysOverHttp(clock, PATIENCE)


@pytest.fixture
def hasty_lines(clock: DemoClock) -> GatewaysOverHttp:
    return GatewaysOverHttp(clock, HASTY)


@pytest.fixture
def account(bhxh: InsuranceImitation) -> InsuranceAccount:
    return InsuranceAccount(
        base_url=bhxh.url,
        username="DEMO1_BV",
        password="mat khau",
        facility_code="DEMO1",
        clerk_name="Trần Thị Mai",
        clerk_id="000000000001",
    )


@pytest.fixture
def prescriber(donthuoc: PrescriptionImitation) -> PrescriberAccount:
    return PrescriberAccount(
        base_url=donthuoc.url,
        facility="CS-MAU-1",
        facility_password="mat khau",
        doctor="BS-MAU-1",
        doctor_password="mat khau bs",
    )


@pytest.fixture
def desk(station, bhxh, donthuoc):  # noqa: F811  a fixture
    return Desk(station, bhxh, donthuoc, PATIENCE)


@pytest.fixture
def hasty_desk(station, bhxh, donthuoc):  # noqa: F811  a fixture
    return Desk(station, bhxh, donthuoc, HASTY)
