"""A record written because its facility stands as expected: what is not so is found out, and nothing
is written on a guess."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from provincial_server import auth, bundles
from provincial_server.auth import Caller
from provincial_server.exchange import log
from provincial_server.exchange.indexing import catch_up
from provincial_server.exchange.tables import REST, Incarnation, Operation
from provincial_server.faults import FhirFault
from provincial_server.postgres.gathering import Gathering
from provincial_server.settings import Settings
from provincial_server.store import Facility
from tests import databases
from tests.databases import open_database
from tests.server.exchange_client import record_id
from tests.server.samples import bundle, encounter, entry, patient

DATABASES = [databases.POSTGRESQL]
CODE, OTHER = "DEMO01", "DEMO02"
TOKEN = "token-of-a-test"


class Province:
    """Two facilities that have written a moment ago, and how often somebody had to ask first."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = open_database(path)
        self.settings = Settings("")
        self.callers = {}
        with self.database.write() as session:
            for code in (CODE, OTHER):
                auth.add_facility(session, code, "Trạm mẫu", 0)
                given = TOKEN if code == CODE else None
                device = auth.enrol_device(session, code, "Máy 1", 0, token=given)
                self.callers[code] = Caller(device.device_id, code, "Trạm mẫu", "Máy 1")
        self.person = {code: record_id() for code in self.callers}
        for code in self.callers:
            self.send(patient(self.person[code]), code=code)
            self.send(patient(record_id()), code=code)  # the first one has no number to go on from
        self.asked: list[int] = []
        asking = Gathering._ask_and_write

        def note(gathering: Gathering[Any], jobs: Any) -> Any:
            self.asked.append(len(jobs))
            return asking(gathering, jobs)

        monkeypatch.setattr(Gathering, "_ask_and_write", note)

    def send(self, *resources: dict[str, Any], code: str = CODE) -> list[str]:
        """The status of each entry."""
        body = bundle(*(entry(one) for one in resources))
        answer = bundles.process(
            body, self.database, self.settings, self.callers[code], returning=None
        )
        return [one["response"]["status"] for one in json.loads(answer.text)["entry"]]

    def lines(self, code: str = CODE) -> list[Operation]:
        with self.database.read(code) as session:
            return list(session.scalars(select(Operation).order_by(Operation.sequence)))

    def change(self, said: str, **values: Any) -> None:
        with self.database.write(CODE) as session:
            session.execute(text(said), values)

    def is_whole(self) -> bool:
        """Sequences, numbers and counters without a gap, and times that grow."""
        lines = self.lines()
        with self.database.read(CODE) as session:
            facility = session.get_one(Facility, CODE)
            (highest,) = session.scalars(
                select(Incarnation.highest_number).where(Incarnation.id == REST)
            )
        of_rest = [line for line in lines if line.incarnation == REST]
        times = [line.received_at for line in of_rest]
        return (
            [line.sequence for line in lines] == list(range(1, len(lines) + 1))
            and [line.number for line in of_rest] == list(range(1, len(of_rest) + 1))
            and times == sorted(set(times))
            and (facility.operation_sequence, highest) == (len(lines), len(of_rest))
            and facility.last_write_at == times[-1]
        )


@pytest.fixture
def province(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Province]:
    one = Province(tmp_path / "province.db", monkeypatch)
    yield one
    one.database.close()


def test_record_after_record_is_written_without_asking(province):
    for _ in range(3):
        assert province.send(encounter(record_id(), province.person[CODE])) == ["201 Created"]
    catch_up(province.database, province.settings.clock)  # the index moves its own counter
    assert province.send(patient(record_id())) == ["201 Created"]
    assert province.asked == []
    assert province.is_whole()


def test_what_another_process_wrote_is_found_out(province):
    """Its sequence is taken, and so is the number of its line."""
    other = Province.__new__(Province)
    other.database, other.settings = open_database_again(province), province.settings
    other.callers = province.callers
    try:
        assert other.send(patient(record_id())) == ["201 Created"]
        assert province.send(patient(record_id())) == ["201 Created"]
        assert other.send(patient(record_id())) == ["201 Created"]
    finally:
        other.database.close()
    assert province.asked == [1, 1, 1]  # the other's own first; then each is surprised
    assert province.is_whole()


def open_database_again(province: Province) -> Any:
    return type(province.database)(
        province.database.engine.url.render_as_string(hide_password=False)
    )


def _exchange(province: Province) -> None:
    """A line of a station, whose resources are still to come."""
    inc = "00000000000000aa"
    line = log.NewOperation(
        op_id="0" * 32,
        kind="patient",
        record_id=record_id(),
        base=(),
        incarnation=inc,
        number=1,
        line=b'{"resources":[]}',
        device_id=province.callers[CODE].device_id,
        sender=inc,
    )
    with province.database.write(CODE) as session:
        log.append(session, session.get_one(Facility, CODE), [line], 1)


def test_a_line_of_a_station_moves_what_is_expected(province):
    _exchange(province)
    catch_up(province.database, province.settings.clock)
    assert province.send(patient(record_id())) == ["201 Created"]
    assert province.asked == [1]
    assert province.is_whole()


def test_a_line_of_a_station_that_waits_for_the_index_is_not_overtaken(province):
    _exchange(province)
    standing = province.database.gathering.standing
    standing[CODE] = standing[CODE]._replace(sequence=3)  # as if it had been seen
    assert province.send(patient(record_id())) == ["201 Created"]
    assert province.asked == [1]


def test_a_known_record_is_not_written_again(province):
    assert province.send(patient(province.person[CODE])) == ["200 OK"]
    changed = patient(province.person[CODE], name="Nguyễn Thị Khác")
    assert province.send(changed) == ["200 OK"]
    (first, _, last) = province.lines()
    assert first.record_id == last.record_id
    assert province.is_whole()


def test_a_resource_without_an_operation_is_known_too(province):
    """As the first release left it."""
    catch_up(province.database, province.settings.clock)
    own = record_id()
    province.change(
        "INSERT INTO resource SELECT (jsonb_populate_record(resource, jsonb_build_object("
        "'resource_id', CAST(:own AS text), 'record_id', CAST(:own AS text)))).* FROM resource LIMIT 1",
        own=own,
    )
    province.send(patient(own))
    assert province.asked == [1]


@pytest.mark.parametrize("whose", ["nobody", OTHER])
def test_nobody_is_written_of_whose_person_is_not_there(province, whose):
    person = province.person.get(whose, record_id())
    with pytest.raises(FhirFault):
        province.send(encounter(record_id(), person))
    assert len(province.lines()) == 2
    assert province.send(encounter(record_id(), province.person[CODE])) == ["201 Created"]
    assert province.is_whole()


@pytest.mark.parametrize("change", ["revoked", "token"])
def test_who_is_remembered_and_may_no_longer_write_is_looked_up(province, change):
    token = TOKEN if change == "revoked" else "another"
    caller = replace(province.callers[CODE], remembered_by=auth.hash_secret(token))
    if change == "revoked":
        with province.database.write() as session:
            assert auth.revoke_device(session, caller.device_id, 1)

    def refuse() -> None:
        raise PermissionError

    body = bundle(entry(patient(record_id())))
    with pytest.raises(PermissionError):
        bundles.process(
            body, province.database, province.settings, caller, returning=None, confirm=refuse
        )
    assert len(province.lines()) == 2


def test_a_facility_that_somebody_holds_keeps_nobody_else_waiting(province):
    with ThreadPoolExecutor(2) as pool:
        with province.database.write(CODE) as session:
            session.execute(select(Facility).where(Facility.code == CODE).with_for_update())
            waits = pool.submit(province.send, patient(record_id()))
            done = pool.submit(province.send, patient(record_id()), code=OTHER)
            assert done.result(60) == ["201 Created"]
            assert not waits.done()
        assert waits.result(60) == ["201 Created"]
    assert province.is_whole()


def test_a_clock_that_went_back_gives_no_time_twice(province):
    province.settings = Settings("", clock=lambda: 5)
    for _ in range(2):
        assert province.send(patient(record_id())) == ["201 Created"]
    province.change(
        "UPDATE facility SET last_write_at = last_write_at + 1000 WHERE code = 'DEMO01'"
    )
    assert province.send(patient(record_id())) == ["201 Created"]
    assert province.asked == [1]
    assert province.is_whole()


def test_a_number_that_was_taken_otherwise_is_not_given_again(province):
    province.change("UPDATE incarnation SET highest_number = 7 WHERE id = 'rest'")
    assert province.send(patient(record_id())) == ["201 Created"]
    assert province.asked == [1]
    assert [line.number for line in province.lines()] == [1, 2, 8]


def test_who_is_wrong_does_not_hold_the_others_back(province):
    """Both in one message: one is written, the other asks."""
    gathering = province.database.gathering
    gathering.standing[OTHER] = gathering.standing[OTHER]._replace(sequence=5)
    jobs: list[Any] = []
    gathering._do = jobs.extend  # type: ignore[method-assign]
    for code in (CODE, OTHER):
        with pytest.raises(RuntimeError):
            province.send(patient(record_id()), code=code)
    del gathering._do
    for job in jobs:
        job.is_done = False
    gathering._do(jobs)
    assert [job.error for job in jobs] == [None, None]
    assert province.asked == [1]
    for code in (CODE, OTHER):
        assert [line.sequence for line in province.lines(code)] == [1, 2, 3]
    assert province.send(patient(record_id()), code=OTHER) == ["201 Created"]
    assert province.asked == [1]


def test_what_was_written_stays_written_when_asking_for_the_others_fails(province, monkeypatch):
    gathering = province.database.gathering

    def fail(*_: Any) -> Any:
        raise OSError

    monkeypatch.setattr(gathering, "_ask_and_write", fail)
    assert province.send(patient(record_id())) == ["201 Created"]
    assert province.is_whole()
