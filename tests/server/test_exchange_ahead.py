"""A device that says it has seen more than the database holds: a restored server, or a lie.

Its word moves its own facility alone, once a day, and what it may not move it compares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provincial_server import auth
from provincial_server.auth import Caller
from provincial_server.database import Database
from provincial_server.exchange.service import Exchange
from provincial_server.settings import Settings
from provincial_server.store import Facility
from tests import databases
from tests.server.exchange_client import encode, new_incarnation, op_id, person, record_id

DATABASES = databases.BOTH
HOME, ELSEWHERE = "DEMO01", "DEMO02"
DAY = 86_400_000
FAR = 10**9


class Province:
    """Two facilities, and a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "server.db"
        self.now = 1_763_700_000_000
        self.settings = Settings(databases.database_url(self.path), clock=lambda: self.now)
        self.start()
        with self.database.write() as session:
            for code in (HOME, ELSEWHERE):
                auth.add_facility(session, code, f"Trạm mẫu {code}", 0)

    def start(self) -> None:
        self.database = databases.open_database(self.path)
        self.served = Database(self.settings.database_url)
        self.exchange = Exchange(self.settings, self.served)

    def stop(self) -> None:
        self.database.close()
        self.served.close()

    def device(self, code: str) -> Caller:
        with self.database.write() as session:
            enrolment = auth.enrol_device(session, code, "Máy mẫu", 0)
        return Caller(enrolment.device_id, code, "Trạm mẫu")

    def ask(self, caller: Caller, *lines: bytes, **keys: Any) -> dict[str, Any]:
        inc = keys.pop("inc", None) or new_incarnation()
        header = {"v": 1, "rid": "r", "inc": inc, "n": 0, "cursor": 0, "room": 10**7, **keys}
        answer = self.exchange.answer(caller, b"\n".join([encode(header), *lines]))
        first: dict[str, Any] = json.loads(answer.split(b"\n")[0])
        return first


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    made = Province(tmp_path)
    yield made
    made.stop()


def test_a_lie_moves_the_liars_facility_alone(province: Province) -> None:
    liar, neighbour = province.device(HOME), province.device(ELSEWHERE)
    line, inc = person(record_id()), new_incarnation()
    before = province.ask(neighbour, line, inc=inc)
    own = province.ask(liar, person(record_id()))

    lied = province.ask(liar, epoch=own["epoch"], cursor=FAR)

    assert lied["epoch"] != own["epoch"]
    assert province.served.epoch == before["epoch"]  # the province's own, as it tells new devices
    assert len(lied["epoch"]) <= 64
    with province.database.read(HOME) as session:
        facility = session.get_one(Facility, HOME)
        assert province.database.epoch_of(session, facility) == lied["epoch"]
    after = province.ask(neighbour, inc=inc, epoch=before["epoch"], cursor=before["cursor"])
    assert (after["epoch"], after["cursor"]) == (before["epoch"], before["cursor"])


def test_a_device_is_believed_once_a_day(province: Province) -> None:
    liar, inc = province.device(HOME), new_incarnation()
    epoch = province.ask(liar, person(record_id()), inc=inc)["epoch"]
    seen = []
    for _ in range(4):
        province.now += DAY // 4
        epoch = province.ask(liar, inc=inc, epoch=epoch, cursor=FAR)["epoch"]
        seen.append(epoch)
    assert len(set(seen)) == 1

    province.now += DAY // 4
    assert province.ask(liar, inc=inc, epoch=epoch, cursor=FAR)["epoch"] != epoch


def test_who_is_not_believed_again_still_compares(province: Province) -> None:
    """Its cursor stands (a smaller one is no answer to it), and count and sum tell what it lacks."""
    device, inc = province.device(HOME), new_incarnation()
    lines = [person(record_id()) for _ in range(2)]
    province.ask(province.device(HOME), *lines)
    epoch = province.ask(device, inc=inc)["epoch"]
    epoch = province.ask(device, inc=inc, epoch=epoch, cursor=FAR)["epoch"]

    own = person(record_id())
    answer = province.ask(device, own, inc=inc, epoch=epoch, cursor=FAR, want=[op_id(lines[0])])

    assert (answer["epoch"], answer["cursor"], answer["more"]) == (epoch, FAR, False)
    assert (answer["taken"], answer["count"]) == ([[0, 0]], 3)


def test_a_server_restored_again_the_same_day_believes_again(province: Province) -> None:
    """What was believed is remembered by the process, so that no backup brings it back."""
    device, inc = province.device(HOME), new_incarnation()
    epoch = province.ask(device, person(record_id()), inc=inc)["epoch"]
    backup = province.path.with_name("backup.db")
    told = [epoch]
    for cursor in (2, 3):
        databases.back_up(province.path, backup)
        province.ask(device, person(record_id()), inc=inc, epoch=epoch, cursor=cursor - 1)
        province.stop()
        databases.put_back(province.path, backup)
        province.start()

        answer = province.ask(device, person(record_id()), inc=inc, epoch=epoch, cursor=cursor)
        epoch = answer["epoch"]
        told.append(epoch)

    assert len(set(told)) == 3


def test_a_new_epoch_of_the_province_is_one_for_every_facility(province: Province) -> None:
    devices = [province.device(HOME), province.device(ELSEWHERE)]
    epochs = [province.ask(one)["epoch"] for one in devices]
    epochs[0] = province.ask(devices[0], epoch=epochs[0], cursor=FAR)["epoch"]

    with province.database.write() as session:
        province.database.new_epoch(session)

    after = [
        province.ask(one, epoch=told)["epoch"] for one, told in zip(devices, epochs, strict=True)
    ]
    assert not set(after) & set(epochs)
    assert province.served.epoch in after  # the one without a part of its own
