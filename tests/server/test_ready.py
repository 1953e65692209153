"""What is handed to the driver as it is: the same rows, the same faults, the session's transaction;
and many rows at once hold exactly what was given."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from provincial_server import auth, ready
from provincial_server.exchange.tables import Incarnation, table_of
from provincial_server.postgres.many import insert_many
from provincial_server.store import EVERY_FACILITY, Device, Facility, ResourceHead, ResourceVersion
from tests import databases
from tests.databases import is_postgres, open_database

DATABASES = databases.BOTH
_INCARNATION = table_of(Incarnation)
_HEAD, _VERSION = table_of(ResourceHead), table_of(ResourceVersion)
_FIND = select(_INCARNATION.c.id, _INCARNATION.c.highest_number).where(
    _INCARNATION.c.facility_code == bindparam("code")
)
_SET = update(_INCARNATION).where(_INCARNATION.c.id == bindparam("of"))
_ODD = [
    "plain",
    'it\'s "quoted" \\ and 100% :not %(a)s ?',
    "Nguyễn Thị Mẫu ướt đẫm 🏥",
    "\u2028\t\r\n{}[],",
    "",
]


@pytest.fixture
def database(tmp_path):
    one = open_database(tmp_path / "server.db")
    with one.write() as session:
        auth.add_facility(session, "DEMO01", "Trạm mẫu", 0)
        auth.enrol_device(session, "DEMO01", "Máy 1", 0)
    yield one
    one.close()


def _incarnation(name: str, number: int = 1) -> dict[str, Any]:
    own = {"facility_code": "DEMO01", "id": name, "first_seen": 5, "device_id": None}
    return {**own, "highest_number": number}


def _held(database) -> list[tuple[str, int]]:
    with database.read(EVERY_FACILITY) as session:
        return sorted(map(tuple, session.execute(_FIND, {"code": "DEMO01"})))


def test_rows_and_counts_are_those_of_the_session(database):
    with database.write(EVERY_FACILITY) as session:
        ready.change_each(session, insert(_INCARNATION), [_incarnation("a"), _incarnation("b", 2)])
        assert sorted(map(tuple, ready.ask(session, _FIND, {"code": "DEMO01"}))) == [
            ("a", 1),
            ("b", 2),
        ]
        assert ready.change(session, _SET, {"of": "a", "highest_number": 9}) == 1
        assert ready.change(session, _SET, {"of": "nobody", "highest_number": 9}) == 0
        assert session.get_one(Incarnation, ("DEMO01", "a")).highest_number == 9
    assert _held(database) == [("a", 9), ("b", 2)]


def test_what_is_undone_with_the_session_is_undone(database):
    with database.write(EVERY_FACILITY) as session:
        ready.change(session, insert(_INCARNATION), _incarnation("a"))
        session.rollback()
    assert _held(database) == []


def test_one_session_with_two_transactions_asks_within_its_own(database):
    with Session(database.engine) as session:
        database.work_for(session, EVERY_FACILITY)
        ready.change(session, insert(_INCARNATION), _incarnation("a"))
        session.commit()
        with database.engine.connect():  # what the first one had is somebody else's now
            session.connection()
            database.work_for(session, EVERY_FACILITY)
            ready.change(session, insert(_INCARNATION), _incarnation("b"))
            session.rollback()
    assert _held(database) == [("a", 1)]


@pytest.mark.parametrize("at_once", [False, True])
def test_a_fault_is_told_as_ever_and_quotes_nobody(database, at_once):
    row = _incarnation("secret-name")
    with pytest.raises(IntegrityError) as fault:
        _write_twice(database, row, at_once=at_once)
    assert fault.value.hide_parameters
    assert fault.value.params is None
    assert _held(database) == []


def _write_twice(database, row, *, at_once):
    with database.write(EVERY_FACILITY) as session:
        if at_once:
            ready.change_each(session, insert(_INCARNATION), [row, row])
        else:
            ready.change(session, insert(_INCARNATION), row)
            ready.change(session, insert(_INCARNATION), row)


def _add_heads(session, count: int) -> None:
    """What the versions belong to: numbers, bytes, and columns with nothing in them."""
    head = {
        "facility_code": "DEMO01",
        "resource_type": "Patient",
        "version": 1,
        "last_updated": 1 << 40,
        "content_hash": bytes(range(224, 256)),
        "patient_id": None,
        "status": None,
        "date_low": None,
        "date_high": -5,
    }
    rows = [{**head, "resource_id": f"p{n}", "record_id": f"p{n}"} for n in range(count)]
    insert_many(session, _HEAD, rows)
    stored = session.execute(select(_HEAD).order_by(_HEAD.c.resource_id)).mappings()
    assert [{name: row[name] for name in rows[0]} for row in stored] == rows


def _version(database, number: int, content: str) -> dict[str, Any]:
    with database.read(EVERY_FACILITY) as session:
        device = session.scalars(select(Device.id)).one()
    return {
        "facility_code": "DEMO01",
        "resource_type": "Patient",
        "resource_id": f"p{number}",
        "version": 1,
        "last_updated": 1 << 40,
        "device_id": device,
        "meta": "{}",
        "content": content,
    }


def test_many_rows_hold_every_letter_as_given(database):
    rows = [_version(database, number, content) for number, content in enumerate(_ODD)]
    with database.write(EVERY_FACILITY) as session:
        insert_many(session, _VERSION, [])
        _add_heads(session, len(rows))
        insert_many(session, _VERSION, rows)
    with database.read(EVERY_FACILITY) as session:
        stored = session.execute(select(_VERSION).order_by(_VERSION.c.resource_id)).mappings()
        assert [dict(row) for row in stored] == rows


def test_nothing_is_null_and_the_word_null_is_a_word(database):
    with database.write(EVERY_FACILITY) as session:
        device = session.scalars(select(Device.id)).one()
        rows = [_incarnation("null"), {**_incarnation("b"), "device_id": device}]
        insert_many(session, _INCARNATION, rows)
    with database.read(EVERY_FACILITY) as session:
        found = select(_INCARNATION.c.id, _INCARNATION.c.device_id).order_by(_INCARNATION.c.id)
        assert list(map(tuple, session.execute(found))) == [("b", device), ("null", None)]


def test_bytes_come_out_as_they_went_in(database):
    table = table_of(Device)
    given = bytes(range(256))
    row = {
        "id": "device-2",
        "facility_code": "DEMO01",
        "name": "Máy 2",
        "token_hash": given,
        "enrolled_at": 0,
    }
    with database.write(EVERY_FACILITY) as session:
        insert_many(session, table, [row])
        assert session.get_one(Device, "device-2").token_hash == given


def test_a_null_character_is_refused_by_postgresql_and_nothing_is_kept(database):
    rows = [_version(database, 1, "good"), _version(database, 2, "bad\x00")]
    if not is_postgres():  # SQLite holds it; bodies that carry one are refused before
        return
    with database.write(EVERY_FACILITY) as session:
        _add_heads(session, 3)
    with pytest.raises(DataError), database.write(EVERY_FACILITY) as session:
        insert_many(session, _VERSION, rows)
    with database.read(EVERY_FACILITY) as session:
        assert session.scalars(select(_VERSION.c.content)).all() == []


def test_names_and_values_cannot_change_the_statement(database):
    wicked = "'); DROP TABLE facility; --"
    row = _version(database, 1, wicked)
    with database.write(EVERY_FACILITY) as session:
        _add_heads(session, 2)
        insert_many(session, _VERSION, [row])
    with database.read(EVERY_FACILITY) as session:
        assert session.scalars(select(_VERSION.c.content)).one() == wicked
        assert session.scalars(select(Facility.code)).all() == ["DEMO01"]
