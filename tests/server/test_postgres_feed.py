"""The change feed while many write: no number is skipped, none comes twice, the index is used."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from provincial_server import auth, ready, search
from provincial_server.auth import Caller
from provincial_server.database import Database
from provincial_server.exchange import feed, log, service
from provincial_server.exchange.indexing import catch_up
from provincial_server.exchange.service import Exchange
from provincial_server.exchange.tables import Operation, unpack_line
from provincial_server.settings import Settings
from provincial_server.store import Facility
from tests import databases
from tests.server.exchange_client import encode, new_incarnation, op_id, person, record_id, visit

DATABASES = [databases.POSTGRESQL]
NOW = 1_763_700_000_000
WRITERS, ROUNDS = 6, 8


class Province:
    """The exchange over a database of its own, without HTTP."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "server.db"
        self.settings = Settings(databases.database_url(self.path), clock=lambda: NOW)
        self.database = Database(self.settings.database_url)
        self.exchange = Exchange(self.settings, self.database)

    def device(self, code: str) -> Caller:
        with self.database.write("*") as session:
            auth.add_facility(session, code, "Trạm mẫu", 0)
            return Caller(auth.enrol_device(session, code, "Máy mẫu", 0).device_id, code, "Mẫu")

    def send(self, caller: Caller, *lines: bytes) -> None:
        header = {
            "v": 1, "rid": "r", "inc": new_incarnation(), "n": 0, "cursor": 0, "room": 1,
        }  # fmt: skip
        answer = self.exchange.answer(caller, b"\n".join([encode(header), *lines]))
        assert b'"refused"' not in answer

    def page(self, code: str, cursor: int) -> feed.Page:
        """What a machine gets that asks at this moment; a small one, so that pages end anywhere."""
        with self.database.read(code) as session:
            newest = session.get_one(Facility, code).operation_sequence
            return feed.read_page(
                session, code, cursor=cursor, newest=newest, room=2500, want=(), without=""
            )


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    made = Province(tmp_path)
    yield made
    made.database.close()


class Reader:
    """Polls the feed of one facility, and keeps all that comes."""

    def __init__(self, province: Province, code: str) -> None:
        self._province, self._code = province, code
        self.cursor = 0
        self.lines: list[bytes] = []
        self.polls = 0

    def poll(self) -> bool:
        page = self._province.page(self._code, self.cursor)
        assert page.cursor >= self.cursor
        self.lines += page.lines
        self.cursor = page.cursor
        self.polls += 1
        return page.more

    def follow(self, done: threading.Event) -> None:
        while True:
            last = done.is_set()
            while self.poll():
                pass
            if last:
                return


def stored(province: Province, code: str) -> dict[int, bytes]:
    with province.database.read(code) as session:
        rows = session.execute(select(Operation.sequence, Operation.line))
        return {sequence: unpack_line(packed) for sequence, packed in rows}


def check(province: Province, reader: Reader, code: str, count: int) -> None:
    """Every number once, without a gap, and each of them reached the reader once, in order."""
    kept = stored(province, code)
    assert sorted(kept) == list(range(1, count + 1))
    assert reader.cursor == count
    assert reader.lines == [kept[number] for number in range(1, count + 1)]


@pytest.mark.parametrize("facilities", [1, 3])
def test_no_number_is_skipped_and_none_comes_twice(
    province: Province, monkeypatch: pytest.MonkeyPatch, facilities: int
) -> None:
    """Transactions end in another order than they began in, and readers poll all the while."""
    codes = [f"DEMO{number:02d}" for number in range(1, facilities + 1)]
    writers = [province.device(codes[number % facilities]) for number in range(WRITERS)]
    original, chance = log.append, random.Random(4)

    def late(*arguments: Any) -> None:
        original(*arguments)
        time.sleep(chance.choice((0, 0, 0.001, 0.02)))  # numbered, not yet committed

    monkeypatch.setattr(service.log, "append", late)
    done = threading.Event()
    readers = {code: Reader(province, code) for code in codes for _ in range(1)}
    sent = dict.fromkeys(codes, 0)
    plan = [(caller, random.Random(n).randint(1, 4)) for n, caller in enumerate(writers * ROUNDS)]
    for caller, lines in plan:
        sent[caller.facility_code] += lines

    def write(number: int) -> None:
        for caller, lines in plan[number::WRITERS]:
            province.send(caller, *(person(record_id()) for _ in range(lines)))

    with ThreadPoolExecutor(WRITERS + facilities) as pool:
        following = [pool.submit(reader.follow, done) for reader in readers.values()]
        try:
            list(pool.map(write, range(WRITERS)))
        finally:
            done.set()
        for one in following:
            one.result()
    for code, reader in readers.items():
        check(province, reader, code, sent[code])
        assert reader.polls > 3


def test_the_same_check_sees_numbers_that_were_taken_outside_the_lock(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sequence of the database gives numbers in the order of asking, not of committing: the later
    one is seen first, and the reader never comes back for the earlier one."""
    code = "DEMO01"
    slow, fast = province.device(code), province.device(code)
    with databases.cluster().administrator(databases.database_name(province.path)) as database:
        database.execute("CREATE SEQUENCE taken")
        database.execute("GRANT ALL ON SEQUENCE taken TO PUBLIC")
    original = log.append
    numbered, go_on = threading.Event(), threading.Event()

    honest = service.Exchange._standing

    def unlocked(self: Any, session: Session, request: Any, *, lock: bool = False) -> Any:
        standing = honest(self, session, request)
        if lock:
            taken = session.scalar(text("SELECT nextval('taken')"))
            standing = standing._replace(operation_sequence=taken - 1)
        return standing

    def waiting(session: Session, facility: Any, operations: Any, now: int) -> None:
        if operations[0].device_id == slow.device_id:
            numbered.set()
            assert go_on.wait(30)
        original(session, facility, operations, now)

    monkeypatch.setattr(service.Exchange, "_standing", unlocked)
    monkeypatch.setattr(service.log, "append", waiting)
    reader = Reader(province, code)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(province.send, slow, person(record_id()))
        assert numbered.wait(30)
        province.send(fast, person(record_id()))
        reader.poll()
        go_on.set()
        first.result()
    reader.poll()
    assert sorted(stored(province, code)) == [1, 2]
    with pytest.raises(AssertionError):
        check(province, reader, code, 2)
    assert len(reader.lines) == 1


# --- plans --------------------------------------------------------------------------------------

_LARGE = ("operation", "operation_record", "resource", "resource_version", "resource_identifier")
_NODE = re.compile(rf"Scan .*\bon ({'|'.join(_LARGE)})\b")


def walks(plan: str) -> bool:
    """Whether it reads through a large table, or through all of a facility's rows in it."""
    table = ""
    for line in plan.splitlines():
        if node := _NODE.search(line):
            table = node[1]
            if "Seq Scan" in line:
                return True
        if table and "Index Cond:" in line:
            table = ""
            if " AND " not in line:  # the facility alone
                return True
    return False


@contextmanager
def plans(database: Database) -> Iterator[list[tuple[str, str]]]:
    """Statement and plan of everything that runs in the block."""
    found: list[tuple[str, str]] = []

    def explain(
        connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if not statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            return
        with connection.connection.driver_connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}", parameters[0] if many else parameters)
            found.append((statement, "\n".join(row[0] for row in cursor.fetchall())))

    def explain_ready_one(session: Any, statement: Any, values: Any) -> None:
        """What stands ready goes to the driver past SQLAlchemy's events."""
        raw, dialect = ready._driver(session)
        text, _ = ready._text(statement, dialect, tuple(values))
        with raw.cursor() as cursor:
            cursor.execute(f"EXPLAIN {text}", values)
            found.append((text, "\n".join(row[0] for row in cursor.fetchall())))

    def explain_ready(session: Any, statement: Any, values: Any) -> Any:
        explain_ready_one(session, statement, values)
        return run(session, statement, values)

    def explain_each(session: Any, statement: Any, values: Any) -> None:
        explain_ready_one(session, statement, values[0])
        run_each(session, statement, values)

    run, run_each = ready._run, ready.change_each
    event.listen(database.engine, "before_cursor_execute", explain)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ready, "_run", explain_ready)
            patch.setattr(ready, "change_each", explain_each)
            yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", explain)


@pytest.fixture
def large(province: Province) -> Province:
    """Thirty facilities with 600 operations and resources each, counted by the planner."""
    device = province.device("DEMO00")
    with databases.cluster().administrator(databases.database_name(province.path)) as database:
        database.execute("SET session_replication_role = replica")  # keys are right as they are
        database.execute(
            "INSERT INTO facility (code, name, added_at, last_sequence, last_write_at) "
            "SELECT 'K' || g, 'Mẫu', 0, 0, 0 FROM generate_series(1, 30) g"
        )
        pairs = "generate_series(1, 30) f, generate_series(1, 600) n"
        database.execute(
            "INSERT INTO operation SELECT 'K' || f, n, md5(f || '-' || n), 'patient', "
            "md5(f || 'r' || n), 'aa', n, '', %s, 0, n, 100, '\\x00' FROM "
            f"{pairs}",
            [device.device_id],
        )
        database.execute(
            "INSERT INTO operation_record SELECT 'K' || f, md5(f || 'r' || n), 'patient', "
            f"md5(f || '-' || n), true FROM {pairs}"
        )
        database.execute(
            "INSERT INTO resource (facility_code, resource_type, resource_id, version, "
            "last_updated, content_hash, record_id) SELECT 'K' || f, 'Patient', md5(f || 'r' || n), "
            f"1, n, '\\x00', md5(f || 'r' || n) FROM {pairs}"
        )
        database.execute(
            "INSERT INTO resource_version SELECT 'K' || f, 'Patient', md5(f || 'r' || n), 1, n, %s, "
            f"'{{}}', '{{}}' FROM {pairs}",
            [device.device_id],
        )
        database.execute("UPDATE facility SET operation_sequence = 600, indexed_sequence = 600")
        database.execute("ANALYZE")
    return province


def test_pages_and_writes_find_their_rows_by_an_index(large: Province) -> None:
    caller = large.device("K7")
    who = record_id()
    with plans(large.database) as found:
        header = {
            "v": 1,
            "rid": "r",
            "inc": new_incarnation(),
            "n": 0,
            "cursor": 590,
            "room": 10**6,
        }
        lines = [person(who), visit(record_id(), who)]
        wanted = {**header, "want": [op_id(b"x")], "buckets": [1, 255]}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(feed, "unpack_line", lambda packed: packed)  # the made-up lines are none
            large.exchange.answer(caller, b"\n".join([encode(wanted), *lines]))
        catch_up(large.database, large.settings.clock, "K7")
        with large.database.read("K7") as session:
            query = search.understand(
                "Patient", [("_count", "5"), ("_lastUpdated", "gt2001")], large.settings.limits
            )
            page = search.run(session, "K7", query)
            query.after = (5, "a")
            search.run(session, "K7", query)
        assert [row.resource_id for row in page.rows] == [who]
    text_of = "\n".join(statement for statement, _ in found)
    for needed in (
        "operation.sequence >",
        "INSERT INTO operation ",
        "FOR NO KEY UPDATE",
        "INSERT INTO resource ",
    ):
        assert needed in text_of
    slow = [(statement, plan) for statement, plan in found if walks(plan)]
    assert slow == []
    feed_page = next(plan for statement, plan in found if "operation.sequence >" in statement)
    assert "Index Scan using pk_operation" in feed_page
    assert "Sort" not in feed_page
