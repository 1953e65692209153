"""Numbers without a gap, whole counts, and nothing lost between the log and its index."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DatabaseError, OperationalError

from provincial_server import auth
from provincial_server.auth import Caller
from provincial_server.database import Database
from provincial_server.exchange import feed, indexing, log, service
from provincial_server.exchange.indexing import Indexer, catch_up, settle
from provincial_server.exchange.service import Exchange
from provincial_server.exchange.tables import Operation, unpack_line
from provincial_server.settings import Settings
from provincial_server.store import Facility, ResourceHead, ResourceVersion
from tests import databases
from tests.provincial_command import main
from tests.server.conftest import RunningServer, Station
from tests.server.exchange_client import (
    Machine,
    encode,
    new_incarnation,
    op_id,
    person,
    record_id,
    visit,
)

DATABASES = databases.BOTH
CODE = "DEMO01"


class Province:
    """The exchange over a database of its own, without HTTP."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "server.db"
        self.settings = Settings(databases.database_url(self.path), clock=lambda: 1_763_700_000_000)
        self.database = databases.open_database(self.path)
        self._served = Database(self.settings.database_url)
        self.exchange = Exchange(self.settings, self._served)
        with self.database.write() as session:
            auth.add_facility(session, CODE, "Trạm mẫu", 0)

    def close(self) -> None:
        self.database.close()
        self._served.close()

    def device(self) -> Caller:
        with self.database.write() as session:
            enrolment = auth.enrol_device(session, CODE, "Máy mẫu", 0)
        return Caller(enrolment.device_id, CODE, "Trạm mẫu")

    def ask(self, caller: Caller, *lines: bytes, **keys: Any) -> tuple[dict[str, Any], list[bytes]]:
        inc = keys.pop("inc", None) or new_incarnation()
        header = {"v": 1, "rid": "r", "inc": inc, "n": 0, "cursor": 0, "room": 10**7, **keys}
        return read(self.exchange.answer(caller, b"\n".join([encode(header), *lines])))

    def rows(self) -> list[tuple[int, str]]:
        with self.database.read() as session:
            query = select(Operation.sequence, Operation.op_id).order_by(Operation.sequence)
            return [(sequence, op) for sequence, op in session.execute(query)]

    def indexed(self) -> int:
        with self.database.read() as session:
            return session.get_one(Facility, CODE).indexed_sequence

    def count(self, model: type[Any]) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0


def read(answer: bytes) -> tuple[dict[str, Any], list[bytes]]:
    header, *lines = answer.split(b"\n")
    return json.loads(header), lines


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    made = Province(tmp_path)
    yield made
    made.close()


def test_a_cursor_never_passes_a_line_that_is_not_there_yet(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow commit holds its numbers: nobody overtakes it, so no reader can skip it."""
    slow, fast, reader = (province.device() for _ in range(3))
    first, second = person(record_id()), person(record_id())
    holding, release = threading.Event(), threading.Event()
    original = log.append

    def pausing(session: Any, facility: Any, operations: Any, now: int) -> None:
        original(session, facility, operations, now)
        if any(item.device_id == slow.device_id for item in operations):
            holding.set()
            release.wait(30)

    monkeypatch.setattr(log, "append", pausing)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(province.ask, slow, first)
        assert holding.wait(30)
        two = pool.submit(province.ask, fast, second)
        inc = new_incarnation()
        with province.database.read() as session:  # a page, without the asker's own bookkeeping
            page = feed.read_page(
                session, CODE, cursor=0, newest=0, room=10**6, want=(), without=inc
            )
        assert (page.lines, page.cursor, page.more) == ([], 0, False)
        assert not two.done()
        release.set()
        assert one.result()[0]["taken"] == [[0, 0]]
        assert two.result()[0]["taken"] == [[0, 0]]
    header, lines = province.ask(reader)
    assert lines == [first, second]
    assert header["cursor"] == 2


def test_many_writers_and_a_reader_agree_at_the_end(province: Province) -> None:
    """The same lines from several machines at once: each is kept once, numbered without a gap."""
    lines = [person(record_id()) for _ in range(30)]
    writers = [province.device() for _ in range(4)]
    reader, inc = province.device(), new_incarnation()
    seen: list[bytes] = []
    done = threading.Event()
    epoch = province.database.epoch

    def write(number: int) -> None:
        order = random.Random(number).sample(lines, len(lines))
        for at in range(0, len(order), 3):
            header, _ = province.ask(writers[number], *order[at : at + 3])
            assert header["taken"] == [[0, 2]]

    def follow() -> None:
        cursor = 0
        while True:
            last = done.is_set()
            header, page = province.ask(reader, inc=inc, cursor=cursor, room=1500, epoch=epoch)
            assert header["cursor"] >= cursor
            seen.extend(page)
            cursor = header["cursor"]
            if not header["more"]:
                assert header["count"] == len(seen)
                if last:
                    return

    with ThreadPoolExecutor(5) as pool:
        following = pool.submit(follow)
        list(pool.map(write, range(4)))
        done.set()
        following.result()
    assert sorted(seen) == sorted(lines)
    rows = province.rows()
    assert [sequence for sequence, _ in rows] == list(range(1, len(lines) + 1))
    assert [op for _, op in rows] == [op_id(line) for line in seen]


def test_the_tally_is_what_a_count_from_scratch_gives(province: Province) -> None:
    caller = province.device()
    chance = random.Random(7)
    lines = [person(record_id()) for _ in range(60)]
    for _ in range(25):
        province.ask(caller, *chance.sample(lines, chance.randint(0, 6)))
    expected = [[0, 0] for _ in range(256)]
    with province.database.read() as session:
        kept = [unpack_line(line) for line in session.scalars(select(Operation.line))]
    for line in kept:
        row = expected[int(op_id(line)[:2], 16)]
        row[0] += 1
        row[1] = (row[1] + int(op_id(line)[16:], 16)) % 2**64
    header, _ = province.ask(caller, buckets=True)
    assert header["buckets"] == expected
    assert header["count"] == len(kept) == len(province.rows())
    assert header["sum"] == sum(total for _, total in expected) % 2**64
    assert any(total >= 2**63 for _, total in expected)  # the sign of SQL's numbers was met


@pytest.mark.parametrize("statement", [delete, update])
def test_the_log_is_append_only(province: Province, statement: Any) -> None:
    province.ask(province.device(), person(record_id()))
    action = statement(Operation)
    if statement is update:
        action = action.values(number=9)
    with (
        pytest.raises(DatabaseError, match=r"append-only|permission denied"),
        province.database.write() as session,
    ):
        session.execute(action)


def test_nothing_is_taken_when_the_commit_fails(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = province.device()
    original = log.append

    def full(*arguments: Any) -> None:
        original(*arguments)
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(service.log, "append", full)
    line = person(record_id())
    with pytest.raises(OperationalError):
        province.ask(caller, line)
    monkeypatch.undo()
    assert province.rows() == []
    header, _ = province.ask(caller, line, buckets=True)
    assert (header["count"], header["cursor"]) == (1, 1)


# --- the index ----------------------------------------------------------------------------------


def test_the_index_goes_on_where_the_disk_says(province: Province, tmp_path: Path) -> None:
    who = record_id()
    visits = [visit(record_id(), who) for _ in range(7)]
    province.ask(province.device(), person(who), *visits)
    with province.database.write() as session:
        assert settle(session, CODE, 1, most=3) is False
    assert province.indexed() == 3
    province.close()

    again = Database(province.settings.database_url)
    for _ in range(2):
        catch_up(again, province.settings.clock, CODE)
    again.close()
    assert province.indexed() == 8
    assert province.count(ResourceHead) == 15
    assert province.count(ResourceVersion) == 15  # nothing was written twice


def test_a_crash_between_two_lines_writes_neither_half(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    province.ask(province.device(), *(person(record_id()) for _ in range(3)))
    original = indexing._write

    def dying(*arguments: Any) -> None:
        original(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(indexing, "_write", dying)
    with pytest.raises(KeyboardInterrupt), province.database.write() as session:
        settle(session, CODE, 1)
    monkeypatch.undo()
    assert (province.indexed(), province.count(ResourceVersion)) == (0, 0)
    catch_up(province.database, province.settings.clock)
    assert (province.indexed(), province.count(ResourceVersion)) == (3, 3)


def test_a_line_that_cannot_be_indexed_is_skipped_and_counted(
    province: Province, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = record_id()
    lines = [person(record_id()), person(bad), person(record_id())]
    province.ask(province.device(), *lines)
    original = indexing.Writer.put

    def failing(self: Any, checked: Any, resource_id: str, *rest: Any) -> Any:
        if resource_id == bad:
            raise KeyError("Nguyễn Thị Mẫu")
        return original(self, checked, resource_id, *rest)

    monkeypatch.setattr(indexing.Writer, "put", failing)
    with caplog.at_level(logging.ERROR):
        catch_up(province.database, province.settings.clock)
    assert province.indexed() == 3
    assert province.count(ResourceHead) == 2
    with province.database.read() as session:
        assert session.get_one(Facility, CODE).skipped_operations == 1
    assert "operation 2" in caplog.text
    assert "Nguyễn" not in caplog.text


def test_a_full_disk_skips_nothing(province: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    province.ask(province.device(), person(record_id()))

    def full(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(indexing.Writer, "flush", full)
    with pytest.raises(OperationalError):
        catch_up(province.database, province.settings.clock)
    monkeypatch.undo()
    assert province.indexed() == 0
    catch_up(province.database, province.settings.clock)
    assert province.count(ResourceHead) == 1


def test_the_thread_follows_the_log_and_stops_when_told(province: Province) -> None:
    province.ask(province.device(), person(record_id()))
    seen = threading.Event()
    beats = iter(range(0, 10**9, 1000))  # every look at the clock is long after the last
    indexer = Indexer(province.database, province.settings.clock, beat=lambda: next(beats))
    original = indexer._index

    def portion(code: str) -> bool:
        done = original(code)
        seen.set()
        return done

    indexer._index = portion  # type: ignore[method-assign]
    indexer.start()
    assert seen.wait(30)
    seen.clear()
    with indexer.exchange(CODE):
        province.ask(province.device(), person(record_id()))
    assert seen.wait(30)
    indexer.stop()
    assert province.indexed() == 2


# --- a restored server --------------------------------------------------------------------------


def test_a_server_that_is_behind_a_station_takes_a_new_epoch(province: Province) -> None:
    caller, inc = province.device(), new_incarnation()
    kept, lost = person(record_id()), person(record_id())
    header, _ = province.ask(caller, kept, inc=inc)
    epoch = header["epoch"]
    backup = province.path.with_name("backup.db")
    databases.back_up(province.path, backup)
    header, _ = province.ask(caller, lost, inc=inc, epoch=epoch, cursor=1)
    assert (header["cursor"], header["epoch"]) == (2, epoch)
    province.close()
    databases.put_back(province.path, backup)

    new = person(record_id())
    header, lines = province.ask(caller, new, inc=inc, epoch=epoch, cursor=2, n=0)
    assert header["epoch"] != epoch
    assert header["taken"] == [[0, 0]]
    assert lines == []  # the station compares first, and asks for what it lacks
    assert (header["cursor"], header["count"], header["more"]) == (2, 2, False)
    told = header["epoch"]
    header, _ = province.ask(caller, lost, inc=inc, epoch=told, cursor=2)
    assert (header["epoch"], header["count"]) == (told, 3)


def test_an_operator_can_give_a_new_epoch(
    province: Province, capsys: pytest.CaptureFixture[str]
) -> None:
    caller, inc = province.device(), new_incarnation()
    other = person(record_id())
    province.ask(province.device(), other)
    header, _ = province.ask(caller, inc=inc)
    assert main(["new-epoch", "--database", province.settings.database_url]) == 0
    after, lines = province.ask(caller, inc=inc, epoch=header["epoch"], cursor=0)
    assert after["epoch"] != header["epoch"]
    assert after["epoch"] in capsys.readouterr().out
    assert (after["cursor"], lines) == (1, [])
    _, lines = province.ask(caller, inc=inc, epoch=after["epoch"], cursor=0)
    assert lines == [other]


# --- the process --------------------------------------------------------------------------------


def test_killed_after_its_answer_it_still_has_what_it_took(tmp_path: Path) -> None:
    """SIGKILL right behind the answer, while the index is far behind the log."""
    process, station = start(tmp_path, _UNHURRIED)
    who = record_id()
    lines = [person(who), *(visit(record_id(), who) for _ in range(30))]
    with station.session:
        answer = Machine(station).exchange(*lines)
        os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert answer.header["taken"] == [[0, len(lines) - 1]]
    if not databases.is_postgres():
        with closing(sqlite3.connect(tmp_path / "server.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database = databases.open_database(tmp_path / "server.db")
    with database.read() as session:
        facility = session.scalars(select(Facility)).one()
    database.close()
    assert facility.operation_sequence > facility.indexed_sequence

    process, station = start(tmp_path)
    with station.session:
        assert station.count("Encounter") == len(lines) - 1
        assert station.get(f"Patient/{who}/_history").json()["total"] == 1
        assert Machine(station).drain() == lines
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


_UNHURRIED = """
import sys
from provincial_server.exchange import indexing
indexing._QUIET_SECONDS = indexing._LONGEST_WAIT_SECONDS = 3600.0
from provincial_server.__main__ import main
sys.exit(main())
"""
"""The server, whose index leaves even a slow machine the time for a kill."""


def start(folder: Path, code: str = "") -> tuple[subprocess.Popen[str], Station]:
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    program = ["-c", code] if code else ["-m", "provincial_server"]
    command = [sys.executable, "-W", "error", *program, "serve", "--port", "0"]
    command += [
        "--port-file",
        str(port_file),
        "--database",
        databases.database_url(folder / "server.db"),
    ]
    process = subprocess.Popen(
        [*command, "--demo-facility", CODE],
        env={**os.environ, "PROVINCIAL_SERVER_DEMO_TOKEN": "demo-token"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    ready = process.stdout.readline()
    if not ready.startswith("ready "):
        process.kill()
        raise AssertionError(process.communicate())
    return process, Station(ready.split()[1], CODE, "demo-token")


def test_the_overview_shows_what_a_device_says_of_itself(
    server: RunningServer, station: Station
) -> None:
    state = {"waiting": 14, "oldest": "2026-11-20T08:00:00+07:00", "program": "0.2.0", "x": "y" * 9}
    Machine(station).exchange(person(record_id()), state=state)
    shown = station.call(
        "GET", f"{server.root}/overview", authorization=f"Bearer {server.admin_token}"
    ).json()
    [own] = [item for item in shown["facilities"] if item["code"] == station.facility]
    said = own["devices"][0]["state"]
    assert (said["waiting"], said["program"]) == (14, "0.2.0")
    assert "x" not in said
    assert (own["operations"], own["skipped_operations"]) == (1, 0)
