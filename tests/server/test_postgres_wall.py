"""Row-level security: with the first wall taken away, PostgreSQL alone keeps the facilities apart."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, func, select, text, update
from sqlalchemy.exc import DBAPIError

from provincial_server.postgres.wall import behind_the_wall
from provincial_server.store import (
    APPEND_ONLY,
    Base,
    Change,
    Device,
    Facility,
    ResourceHead,
    ResourceVersion,
)
from tests import databases
from tests.server.conftest import RunningServer, Station
from tests.server.exchange_client import Machine, person, record_id, visit
from tests.server.samples import patient

DATABASES = [databases.POSTGRESQL]
FILLED = {"change", "device", "facility", "operation", "operation_bucket", "operation_record"}
FILLED |= {"incarnation", "resource", "resource_identifier", "resource_version"}
_FOLLOWERS = {"access-log", "chores", "indexer"}
"""Threads of the server that serves all tests, which work for every facility behind the second wall:
without the first one they would write the figures of each to all."""
_FIRST_WALL = re.compile(
    r"""(?:"?\w+"?\.)?(?:facility_code|facility\.code)\s=\s%\(\w+\)s(?:::VARCHAR)?"""
)


def fill(station: Station) -> list[str]:
    """Something of every kind; ids that the other facility has too, and one of its own."""
    who, came = record_id(), record_id()
    Machine(station).exchange(person(who), visit(came, who))
    station.put(patient("same", name=f"Mẫu {station.facility}", cccd="000000000001"))
    station.put(patient(f"own-{station.facility}"))
    return [who, came]


@contextmanager
def without_first_wall() -> Iterator[list[str]]:
    """Every query on behalf of a station loses its comparison with the facility; yields those it was
    in."""
    changed: list[str] = []

    def take_away(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> tuple[str, Any]:
        if threading.current_thread().name in _FOLLOWERS:
            return statement, parameters
        less = _FIRST_WALL.sub("TRUE", statement)
        if less != statement:
            changed.append(less)
        return less, parameters

    event.listen(Engine, "before_cursor_execute", take_away, retval=True)
    try:
        yield changed
    finally:
        event.remove(Engine, "before_cursor_execute", take_away)


@pytest.fixture
def both(station: Station, other: Station) -> tuple[Station, Station]:
    for one in (station, other):
        fill(one)
        assert one.count("Patient") == 3
    return station, other


def columns(server: RunningServer, facility: str | None) -> dict[str, set[str]]:
    """Table → the facilities of the rows that a session sees when it asks for no facility."""
    seen: dict[str, set[str]] = {}
    with server.database.read(facility) as session:
        for table in Base.metadata.sorted_tables:
            name = "code" if table.name == "facility" else "facility_code"
            if name in table.columns:
                seen[table.name] = set(session.scalars(select(table.columns[name]).distinct()))
    return seen


def test_every_table_of_a_facility_is_behind_the_wall(server: RunningServer) -> None:
    bound = {
        table.name
        for table in Base.metadata.sorted_tables
        if {"facility_code", "device_id"} & set(table.columns.keys())
    } | {"facility"}
    assert behind_the_wall() == bound > FILLED
    with server.database.read() as session:
        rows = session.execute(
            text(
                "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, p.polcmd::text "
                "FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
            )
        )
        assert {tuple(row) for row in rows} == {(name, True, "*") for name in bound}


def test_a_session_sees_its_own_facility_and_nobody_sees_all_unasked(
    server: RunningServer, both: tuple[Station, Station]
) -> None:
    one, two = both
    mine, nobodys = columns(server, one.facility), columns(server, "")
    everything = columns(server, "*")
    for name in FILLED:
        assert mine[name] == {one.facility}, name
        assert everything[name] >= {one.facility, two.facility}, name
    assert all(codes <= {one.facility} for codes in mine.values())
    assert not any(nobodys.values())


def test_queries_that_forgot_the_facility_bring_nothing_of_another(
    server: RunningServer, both: tuple[Station, Station]
) -> None:
    one, two = both
    with without_first_wall() as changed:
        assert one.count("Patient") == 3
        found = one.get("Patient?_count=50").json()
        names = {item["resource"]["name"][0]["text"] for item in found["entry"]}
        assert f"Mẫu {one.facility}" in names
        assert f"Mẫu {two.facility}" not in names
        assert one.get(f"Patient/own-{two.facility}").status_code == 404
        assert one.get("Patient/same/_history").json()["total"] == 1
        assert len(Machine(one).drain()) == 4
        count = Machine(one).ask().header["count"]
        with server.database.read("*") as session:  # the same queries see all when they may
            assert session.scalar(
                select(func.count())
                .select_from(ResourceHead)
                .where(
                    ResourceHead.facility_code == one.facility, ResourceHead.resource_id == "same"
                )
            )
            unwalled = session.scalar(
                select(func.count()).where(Change.facility_code == one.facility)
            )
    assert count == 4
    assert len(changed) > 10
    with server.database.read(one.facility) as session:
        assert unwalled > session.scalar(select(func.count()).select_from(Change))


def test_writes_that_forgot_the_facility_change_nothing_of_another(
    server: RunningServer, both: tuple[Station, Station]
) -> None:
    one, two = both
    with without_first_wall() as changed:
        assert one.put(patient("same", name="Đã sửa")).status_code == 200
        assert Machine(one).exchange(person(record_id())).taken == [0]
    assert changed
    assert one.get("Patient/same").json()["name"][0]["text"] == "Đã sửa"
    assert two.get("Patient/same").json()["name"][0]["text"] == f"Mẫu {two.facility}"
    assert two.count("Patient") == 3
    with server.database.write(one.facility) as session:
        touched = session.execute(update(ResourceHead).values(status="x"))
        assert touched.rowcount == session.scalar(select(func.count()).select_from(ResourceHead))
        session.rollback()
    with server.database.write(two.facility) as session:
        assert not session.scalar(
            select(func.count()).select_from(ResourceHead).where(ResourceHead.status == "x")
        )


def _insert(session: Any, foreign: str) -> None:
    session.add(Facility(code=f"{foreign}X", name="Mẫu", added_at=0))
    session.flush()


def _move(session: Any, foreign: str) -> None:
    session.execute(update(ResourceHead).values(facility_code=foreign))


def _add_device(session: Any, foreign: str) -> None:
    session.add(
        Device(id="d" * 36, facility_code=foreign, name="x", token_hash=b"\x00", enrolled_at=0)
    )
    session.flush()


def _count(session: Any, foreign: str) -> None:
    session.execute(
        text(
            "INSERT INTO operation_bucket (facility_code, bucket, count, total) "
            "VALUES (:code, 300, 1, 1)"
        ),
        {"code": foreign},
    )


@pytest.mark.parametrize("attempt", [_insert, _move, _add_device, _count])
def test_no_row_of_another_facility_can_be_written(
    server: RunningServer, both: tuple[Station, Station], attempt: Callable[[Any, str], None]
) -> None:
    one, two = both
    with (
        pytest.raises(DBAPIError, match="row-level security") as refused,
        server.database.write(one.facility) as session,
    ):
        attempt(session, two.facility)
    assert two.facility not in str(refused.value)
    with server.database.write("*") as session:  # it was the wall that refused
        if attempt is not _move:
            attempt(session, two.facility)
        session.rollback()


def test_for_whom_a_connection_works_is_forgotten_with_the_transaction(
    server: RunningServer, station: Station
) -> None:
    station.put(patient("p1"))
    counted = select(func.count()).select_from(ResourceHead)
    connection = server.database.engine.connect()
    with connection:
        with connection.begin():
            connection.execute(
                text("SELECT set_config('station_emr.facility', :code, true)"),
                {"code": station.facility},
            )
            assert connection.scalar(counted) == 1
        assert connection.scalar(counted) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE resource DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE resource NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY facility_wall ON resource",
        "CREATE POLICY mine ON resource USING (true)",
        "ALTER TABLE operation DISABLE TRIGGER ALL",
        "DROP TRIGGER operation_refuse_change ON operation",
        "SET ROLE emr_owner",
        "SET SESSION AUTHORIZATION emr_owner",
        "TRUNCATE operation CASCADE",
        "CREATE TABLE mine (id int)",
        "COPY resource TO PROGRAM 'cat'",
        "SET LOCAL row_security = off; SELECT * FROM resource",
    ],
)
def test_the_serving_role_cannot_take_the_wall_down(server: RunningServer, statement: str) -> None:
    with (
        pytest.raises(DBAPIError, match=r"owner|permission denied|must be|policy"),
        server.database.write() as session,
    ):
        session.connection().exec_driver_sql(statement)


@pytest.mark.parametrize("table", [ResourceVersion, Change])
def test_not_even_the_owner_changes_history(
    server: RunningServer, station: Station, table: type[Any]
) -> None:
    station.put(patient("p1"))
    name = table.__tablename__
    assert name in APPEND_ONLY
    with psycopg.connect(owner(server)) as connection:
        for statement in (f"UPDATE {name} SET version = 9", f"DELETE FROM {name}"):
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                connection.execute(statement)
            connection.rollback()
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute(f"TRUNCATE {name} CASCADE")
        connection.rollback()
    assert server.versions(station) == 1


def owner(server: RunningServer) -> str:
    return databases.owner_url(Path(server.folder) / "server.db").replace("+psycopg", "")
