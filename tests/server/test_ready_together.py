"""Several statements in one message: the same answers and faults, and nothing is left half."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from provincial_server import auth, ready
from provincial_server.exchange.tables import Incarnation, table_of
from provincial_server.store import EVERY_FACILITY
from tests import databases
from tests.databases import open_database

DATABASES = databases.BOTH
_TABLE = table_of(Incarnation)
_ADD = insert(_TABLE)
_FIND = select(_TABLE.c.highest_number).where(_TABLE.c.id == bindparam("of"))


@pytest.fixture
def database(tmp_path):
    one = open_database(tmp_path / "server.db")
    with one.write() as session:
        auth.add_facility(session, "DEMO01", "Trạm mẫu", 0)
    yield one
    one.close()


def _row(name: str, number: int = 1) -> dict[str, Any]:
    own = {"facility_code": "DEMO01", "id": name, "first_seen": 5, "device_id": None}
    return {**own, "highest_number": number}


def _held(database, *names: str) -> list[list[int]]:
    with database.read() as session:
        rows = ready.ask_all(session, [(_FIND, {"of": name}) for name in names])
    return [[number for (number,) in some] for some in rows]


def test_each_question_has_its_own_rows(database):
    with database.write() as session, ready.together(session):
        ready.change(session, _ADD, _row("a", 7))
        with ready.together(session):  # one message all the same
            ready.change_each(session, _ADD, [_row("b", 8), _row("c", 9)])
    assert _held(database, "c", "nobody", "a", "b") == [[9], [], [7], [8]]


@pytest.mark.parametrize("ended", [False, True])
def test_one_fault_undoes_all_and_quotes_nobody(database, ended):
    with pytest.raises(IntegrityError) as fault:
        _write_twice(database, ended=ended)
    assert fault.value.params is None
    assert _held(database, "first", "secret-name") == [[], []]


def _write_twice(database, *, ended: bool) -> None:
    with database.write() as session, ready.together(session):
        ready.change(session, _ADD, _row("first"))
        ready.change(session, _ADD, _row("secret-name"))
        ready.change(session, _ADD, _row("secret-name"))
        if ended:
            ready.end(session)


def test_what_was_ended_in_the_message_stays(database):
    with database.write() as session, ready.together(session):
        ready.change(session, _ADD, _row("a"))
        ready.end(session)
    assert _held(database, "a") == [[1]]


def test_a_question_by_itself_leaves_the_connection_as_it_was(database):
    for _ in range(3):
        assert database.ask(EVERY_FACILITY, (_FIND, {"of": "a"})) == []
    with database.write() as session:
        ready.change(session, _ADD, _row("a"))
        session.rollback()
    assert database.ask(EVERY_FACILITY, (_FIND, {"of": "a"})) == []


def test_a_question_by_itself_sees_what_its_facility_may_see(database):
    with database.write() as session:
        ready.change(session, _ADD, _row("a"))
    seen = database.ask("DEMO02", (_FIND, {"of": "a"}))
    assert seen == ([] if database.engine.dialect.name == "postgresql" else [(1,)])
    assert [tuple(row) for row in database.ask("DEMO01", (_FIND, {"of": "a"}))] == [(1,)]
