"""The demo station: never over a real one, and nothing is left of one that was stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.demo.filled import make_filled_station
from station_emr.demo.seed import SeedPlan
from station_emr.demo.station import demo_people, demo_profile
from station_emr.domain.errors import StateError
from station_emr.station import create_station
from tests.security.stations import cheap_passwords
from tests.services.conftest import MORNING


@pytest.fixture(autouse=True)
def _cheap():
    with cheap_passwords():
        yield


def test_the_demo_never_tries_its_passwords_on_a_real_station(tmp_path) -> None:
    folder = tmp_path / "real"
    profile = replace(demo_profile(""), name="Trạm Y tế xã Khác Mẫu")
    create_station(folder, profile, demo_people()[0].user, "Mật khẩu khác 2027!")

    with pytest.raises(StateError, match="không phải trạm dùng thử"):
        make_filled_station(folder, lambda _done, _total: None)


def test_a_cancelled_demo_leaves_nothing_behind(tmp_path) -> None:
    class Stop(Exception):
        pass

    def cancel(_done: int, _total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        make_filled_station(
            tmp_path / "demo", cancel, SeedPlan(today=MORNING.date(), people=3), MORNING
        )
    assert list(tmp_path.iterdir()) == []
