"""Writes that wait for their turn share one transaction of SQLite, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from provincial_server import auth, bundles
from provincial_server.auth import Caller
from provincial_server.database import Database
from provincial_server.exchange import plain
from provincial_server.exchange.plain import write_plainly
from provincial_server.exchange.tables import Operation
from provincial_server.faults import FhirFault
from provincial_server.settings import Settings
from provincial_server.store import EVERY_FACILITY, Change, Facility, ResourceHead
from tests.server.samples import bundle, entry, observation, patient, unit

CODES = ("DEMO01", "DEMO02")


class Province:
    """A database of two facilities, whose writers can be made to wait for one another."""

    def __init__(self, path: Path) -> None:
        self.database = Database(f"sqlite:///{path}")
        self.settings = Settings(f"sqlite:///{path}")
        self.callers: dict[str, Caller] = {}
        with self.database.write(EVERY_FACILITY) as session:
            for code in CODES:
                auth.add_facility(session, code, "Trạm mẫu", 0)
                device = auth.enrol_device(session, code, "Máy 1", 0)
                self.callers[code] = Caller(device.device_id, code, "Trạm mẫu", "Máy 1")
        self.commits = 0
        event.listen(self.database.engine, "commit", self._count)

    def _count(self, _connection: object) -> None:
        self.commits += 1

    def send(self, body: Any, code: str = CODES[0]) -> bundles.Answer:
        return bundles.process(
            body, self.database, self.settings, self.callers[code], returning=None
        )

    def at_once(self, *sent: tuple[str, Any]) -> Sequence[Future[bundles.Answer]]:
        """All of them wait while somebody else writes, then their turn comes."""
        group = self.database.group_commit
        assert group is not None
        with ThreadPoolExecutor(len(sent)) as pool:
            with self.database.write(EVERY_FACILITY):
                futures = []
                for number, (code, body) in enumerate(sent, 1):
                    futures.append(pool.submit(self.send, body, code))
                    while len(group._waiting) < number:
                        time.sleep(0.001)
                self.commits = 0
            for future in futures:
                future.exception()
        return futures

    def stored(self, code: str) -> set[str]:
        with self.database.read(code) as session:
            own = ResourceHead.facility_code == code
            return set(session.scalars(select(ResourceHead.resource_id).where(own)))

    def numbers(self, code: str) -> tuple[list[int], list[int]]:
        """Of the changes and of the operations."""
        with self.database.read(code) as session:
            changes = select(Change.sequence).where(Change.facility_code == code)
            operations = select(Operation.sequence).where(Operation.facility_code == code)
            return sorted(session.scalars(changes)), sorted(session.scalars(operations))


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    one = Province(tmp_path / "province.db")
    yield one
    one.database.close()


def _orphan() -> dict[str, Any]:
    """Its first entry can be stored, its second never."""
    return bundle(entry(patient("lost")), entry(observation("o", "nobody", "nothing")))


def _counted(up_to: int) -> list[int]:
    return list(range(1, up_to + 1))


def test_those_who_wait_share_one_commit(province: Province) -> None:
    futures = province.at_once(*((CODES[0], unit(number)) for number in range(6)))
    assert [future.result().taken for future in futures] == [3] * 6
    assert province.commits == 1
    assert province.numbers(CODES[0]) == (_counted(18), _counted(18))


def test_one_that_fails_among_several_takes_nobody_along(province: Province) -> None:
    first, bad, last = province.at_once(
        (CODES[0], unit(1)), (CODES[0], _orphan()), (CODES[0], unit(2))
    )
    assert (first.result().taken, last.result().taken) == (3, 3)
    with pytest.raises(FhirFault) as refusal:
        bad.result()
    assert refusal.value.status == 422
    assert province.commits == 1
    assert province.stored(CODES[0]) == {"p1", "e1", "e1-o1", "p2", "e2", "e2-o1"}
    assert province.numbers(CODES[0]) == (_counted(6), _counted(6))


def test_a_write_that_breaks_off_halfway_is_undone_to_its_savepoint(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its resources and numbers were in the common transaction already."""
    honest = plain._reflect

    def fails(writer: Any, *rest: Any) -> None:
        honest(writer, *rest)
        if ("Patient", "p2") in writer.changed:
            raise ValueError("broken")

    monkeypatch.setattr(plain, "_reflect", fails)
    first, bad, last = province.at_once(*((CODES[0], unit(number)) for number in (1, 2, 3)))
    assert (first.result().taken, last.result().taken) == (3, 3)
    with pytest.raises(ValueError, match="broken"):
        bad.result()
    assert province.commits == 1
    assert "p2" not in province.stored(CODES[0])
    assert province.numbers(CODES[0]) == (_counted(6), _counted(6))


def test_facilities_that_share_a_commit_stay_apart(province: Province) -> None:
    own, others = province.at_once((CODES[0], unit(1)), (CODES[1], unit(1)))
    assert (own.result().taken, others.result().taken) == (3, 3)
    assert province.commits == 1
    child = bundle(entry(observation("o9", "p2", "e2")))
    province.send(unit(2), CODES[0])
    refused, taken = province.at_once((CODES[1], child), (CODES[0], child))
    assert taken.result().taken == 1
    with pytest.raises(FhirFault):  # the person is another facility's
        refused.result()
    for code, changes in ((CODES[0], 7), (CODES[1], 3)):
        assert province.numbers(code)[0] == _counted(changes)


def test_nobody_has_an_answer_before_the_common_commit(province: Province) -> None:
    at_commit: list[int] = []
    futures: list[Future[Any]] = []

    def look(_connection: object) -> None:
        time.sleep(0.05)  # who was told too early has the time to say so
        at_commit.append(sum(future.done() for future in futures))

    with ThreadPoolExecutor(3) as pool:
        with province.database.write(EVERY_FACILITY):
            group = province.database.group_commit
            assert group is not None
            futures += [pool.submit(province.send, unit(number)) for number in range(3)]
            while len(group._waiting) < len(futures):
                time.sleep(0.001)
            event.listen(province.database.engine, "commit", look)
        for future in futures:
            future.result()
    assert at_commit == [0]


def test_when_the_common_transaction_is_spoilt_each_is_done_alone(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = plain._reflect

    def fails(writer: Any, *rest: Any) -> None:
        if ("Patient", "p2") in writer.changed:
            raise OperationalError("INSERT", None, OSError("the disk is full"))
        honest(writer, *rest)

    monkeypatch.setattr(plain, "_reflect", fails)
    first, bad, last = province.at_once(*((CODES[0], unit(number)) for number in (1, 2, 3)))
    assert (first.result().taken, last.result().taken) == (3, 3)
    with pytest.raises(OperationalError):
        bad.result()
    assert province.commits == 2
    assert province.numbers(CODES[0]) == (_counted(6), _counted(6))


def test_a_commit_that_fails_is_nobodys_answer(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What SQLite undid at the commit is done again, each alone."""

    def fail_once(_connection: object) -> None:
        event.remove(province.database.engine, "commit", fail_once)
        raise OperationalError("COMMIT", None, OSError("the disk is full"))

    def listen(_session: object) -> None:
        event.listen(province.database.engine, "commit", fail_once)

    once = iter([listen])
    honest = plain._reflect

    def reflect(writer: Any, *rest: Any) -> None:
        honest(writer, *rest)
        for step in once:  # the first of the group: the commit that comes next is the common one
            step(writer)

    monkeypatch.setattr(plain, "_reflect", reflect)
    futures = province.at_once(*((CODES[0], unit(number)) for number in (1, 2)))
    assert [future.result().taken for future in futures] == [3, 3]
    assert province.numbers(CODES[0]) == (_counted(6), _counted(6))


def test_one_whose_index_is_behind_waits_for_it_and_holds_nobody_up(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: list[str] = []
    honest = plain.settle

    def settle(session: Any, code: str, *rest: Any, **limits: Any) -> bool:
        followed.append(code)
        return honest(session, code, *rest, **limits)

    monkeypatch.setattr(plain, "settle", settle)
    province.send(unit(1))
    with province.database.write(EVERY_FACILITY) as session:
        session.get_one(Facility, CODES[0]).indexed_sequence = 0
    futures = province.at_once((CODES[0], unit(2)), (CODES[1], unit(1)))
    assert [future.result().taken for future in futures] == [3, 3]
    with province.database.read(CODES[0]) as session:
        facility = session.get_one(Facility, CODES[0])
        assert facility.indexed_sequence == facility.operation_sequence
    assert followed == [CODES[0]]
    assert province.numbers(CODES[0])[0] == _counted(6)


def test_many_writers_pass_the_lead_on_until_nobody_waits(province: Province) -> None:
    start = threading.Barrier(8)

    def write(place: int) -> None:
        start.wait()
        for number in range(10):
            code = CODES[place % 2]
            write_plainly(
                province.database,
                lambda: 1,
                province.callers[code],
                lambda writer: writer.session.execute(text("SELECT 1")).scalar_one(),
            )
            assert province.send(unit(place * 100 + number), code).taken == 3

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    for code in CODES:
        assert province.numbers(code) == (_counted(120), _counted(120))
    group = province.database.group_commit
    assert group is not None
    assert not group._waiting
