"""What is said on a line is one message: nothing is lost on the way, and nothing is left half."""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from provincial_server import ready
from provincial_server.group_commit import Job
from provincial_server.postgres.gathering import Alone, Gathering
from tests import databases
from tests.databases import open_database

DATABASES = [databases.POSTGRESQL]
_ADD = text("INSERT INTO server_fact (name, value) VALUES (:name, :value)")
_CODES = (f"DEMO{number:02}" for number in count(1))
_FIND = text("SELECT value FROM server_fact WHERE name = :name")


class _Errand:
    """Writes facts, and hands back what it was answered."""

    def __init__(self, facts: dict[str, Any], questions: Any = ()) -> None:
        self._facts = facts
        self.questions = questions
        self.facility = next(_CODES)

    def guess(self) -> None:
        return None

    def write(self, session: Any, answers: Any) -> Any:
        for name, value in self._facts.items():
            ready.change(session, _ADD, {"name": name, "value": value})
        return answers


@pytest.fixture
def database(tmp_path):
    one = open_database(tmp_path / "server.db")
    yield one
    one.close()


@pytest.fixture
def gathering(database) -> Gathering[Any]:
    assert database.gathering is not None
    return database.gathering


def _fact(database, name: str) -> list[Any]:
    with database.read() as session:
        return ready.ask(session, _FIND, {"name": name})


def _asked(gathering: Gathering[Any], said: str, **values: Any) -> list[Any]:
    (rows,) = gathering.run(_Errand({}, [(text(said), values)]))
    return list(rows)


def test_values_come_out_as_they_went_in(gathering):
    asked = (
        "SELECT CAST(:word AS varchar), CAST(:number AS bigint), CAST(:packed AS bytea), "
        "CAST(:nothing AS varchar), CAST(:yes AS boolean), 100 % 7, CAST(:word AS varchar)"
    )
    given = {"word": "Nguyễn \\ '\" %s 𠀋", "number": -(2**62), "packed": b"\x00\xff'\\"}
    rows = _asked(gathering, asked, **given, nothing=None, yes=True)
    assert rows == [(*given.values(), None, True, 2, given["word"])]


def test_every_text_of_a_list_is_one_of_its_own(gathering):
    texts = ["a,b", '{"c"}', "d\\e", "", "NULL", "f g", "Đỗ"]
    asked = "SELECT one FROM unnest(CAST(:all AS varchar[])) WITH ORDINALITY AS said(one, place)"
    assert [one for (one,) in _asked(gathering, asked, all=texts)] == texts
    assert _asked(gathering, asked, all=[]) == []


def test_a_message_longer_than_the_line_arrives_whole(gathering):
    """Both ways: neither side may wait for the other to listen."""
    long = "chữ dài " * 2_000_000
    questions = [
        (text(f"SELECT CAST(:word AS text), {number}"), {"word": long}) for number in "123"
    ]
    answers = gathering.run(_Errand({}, questions))
    assert [row for rows in answers for row in rows] == [(long, 1), (long, 2), (long, 3)]


def test_what_postgresql_cannot_hold_is_refused_and_not_cut_short(database, gathering):
    for said, value in [
        ("CAST(:one AS varchar)", "a\x00b"),
        ("CAST(:one AS varchar[])", ["a\x00b"]),
    ]:
        with pytest.raises(Alone):
            _asked(gathering, f"SELECT {said}", one=value)
    assert _asked(gathering, "SELECT CAST(:one AS varchar)", one="a") == [("a",)]


def test_a_fault_undoes_the_whole_message_and_quotes_nobody(database, gathering, caplog):
    with pytest.raises(Alone):
        gathering.run(_Errand({"one": "a", "epoch": "there already"}))
    assert _fact(database, "one") == []
    assert "there already" not in caplog.text
    gathering.run(_Errand({"two": "b"}))
    assert _fact(database, "two") == [("b",)]


def test_a_fault_of_one_undoes_what_was_said_for_the_others(database, gathering):
    """Nobody's share is committed before the last one's."""
    jobs = [Job(_Errand({"one": "a"})), Job(_Errand({"epoch": "there already"}))]
    gathering._do(jobs)
    assert [type(job.error) for job in jobs] == [Alone, Alone]
    assert _fact(database, "one") == []


def test_a_line_that_was_ended_is_replaced_before_anything_is_said(database, gathering):
    """PostgreSQL was started anew while nobody wrote."""
    ((number,),) = _asked(gathering, "SELECT pg_backend_pid()")
    with database.read() as session:
        ready.ask(session, text("SELECT pg_terminate_backend(:number)"), {"number": number})
    line = gathering._line
    assert line is not None
    end = time.monotonic() + 60
    while line.is_silent():
        assert time.monotonic() < end
    ((other,),) = _asked(gathering, "SELECT pg_backend_pid()")
    assert other != number


def test_a_statement_is_prepared_once(gathering):
    own = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%:mark%'"
    for _ in range(3):
        assert _asked(gathering, own.replace(":mark", "pg_prepared"))[0][0] == 1


def test_the_line_ends_with_the_database(database, gathering):
    gathering.run(_Errand({"one": "a"}))
    line = gathering._line
    assert line is not None
    database.close()
    assert line.connection.closed
