"""Which database the provincial server of a test works on: SQLite, or PostgreSQL.

`STATION_EMR_TEST_DATABASE=postgresql` chooses PostgreSQL for every test (`make test-postgres`). A
module of tests/server that names its databases in `DATABASES` runs on these in every run. A test names its
database by a path, as if it were a file; on PostgreSQL each path is a database of its own.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy.orm import Session

from provincial_server.database import Database
from provincial_server.store import EVERY_FACILITY
from tests.postgres_cluster import OWNER, SERVER, Cluster, NoPostgres, shared_cluster

Test = TypeVar("Test", bound=Callable[..., object])
SQLITE, POSTGRESQL = "sqlite", "postgresql"
BOTH = (SQLITE, POSTGRESQL)
CHOSEN = os.environ.get("STATION_EMR_TEST_DATABASE", SQLITE)


class _State:
    """Of this process: one test runs at a time."""

    kind = CHOSEN
    cluster: Cluster | None = None
    names: dict[Path, str]
    open: ExitStack

    def __init__(self) -> None:
        self.names = {}
        self.open = ExitStack()


_state = _State()


class OperatorDatabase(Database):
    """As the operator opens it: who names no facility works for all of them."""

    def read(self, facility: str | None = EVERY_FACILITY) -> AbstractContextManager[Session]:
        return super().read(facility)

    def write(self, facility: str | None = EVERY_FACILITY) -> AbstractContextManager[Session]:
        return super().write(facility)


def is_postgres() -> bool:
    return _state.kind == POSTGRESQL


def cluster() -> Cluster:
    """The private cluster. Without PostgreSQL the test is skipped; with CI=true that is a fault."""
    if _state.cluster is None:
        try:
            _state.cluster = _state.open.enter_context(shared_cluster())
        except NoPostgres as reason:
            if os.environ.get("CI", "").lower() in {"true", "1"}:
                pytest.fail(f"{reason}; CI must not go without it")
            pytest.skip(f"{reason}: the tests on PostgreSQL did not run")
    return _state.cluster


def database_name(path: Path) -> str:
    if path not in _state.names:
        _state.names[path] = cluster().new_database()
    return _state.names[path]


def database_url(path: Path) -> str:
    """What the server is started with."""
    return cluster().url(database_name(path), SERVER) if is_postgres() else f"sqlite:///{path}"


def owner_url(path: Path) -> str:
    """As the role that owns the tables; PostgreSQL only."""
    return cluster().url(database_name(path), OWNER)


def open_database(path: Path) -> OperatorDatabase:
    return OperatorDatabase(database_url(path))


def back_up(path: Path, backup: Path) -> None:
    """A copy as of now, beside a server that may be running."""
    if not is_postgres():
        with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(backup)) as copy:
            live.backup(copy)
        return
    _state.names[backup] = cluster().copy_database(database_name(path))


def put_back(path: Path, backup: Path) -> None:
    """The whole machine is as it was: nothing but the stations can know that time has passed. No
    server is running."""
    if not is_postgres():
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(backup, path)
        return
    name = database_name(path)
    cluster().drop_database(name)
    cluster().copy_database(database_name(backup), name)
    with cluster().administrator(name) as connection:
        connection.execute("DELETE FROM server_fact WHERE name = 'database_place'")


def all_stored(path: Path) -> bytes:
    """Every byte of the database; on PostgreSQL every row, binary columns in hexadecimal."""
    if not is_postgres():
        return b"".join(file.read_bytes() for file in path.parent.iterdir())
    with cluster().administrator(database_name(path)) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [
            row[0]
            for (table,) in tables.fetchall()
            for row in connection.execute(f'SELECT t::text FROM "{table}" t').fetchall()
        ]
    return "\n".join(rows).encode()


def use(kind: str) -> None:
    _state.kind = kind
    if kind == POSTGRESQL:
        cluster()


def forget(folder: Path) -> None:
    """Drops the databases that a test made as if in its own folder."""
    for path in [path for path in _state.names if path.is_relative_to(folder)]:
        cluster().drop_database(_state.names.pop(path))


@contextmanager
def ending() -> Iterator[None]:
    """Around all tests of this process."""
    try:
        yield
    finally:
        _state.names.clear()
        _state.cluster = None
        _state.open.close()


def once(test: Test) -> Test:
    """For a slow test that has nothing to do with the kind of database: on the chosen one alone."""
    test.DATABASES = (CHOSEN,)  # type: ignore[attr-defined]
    return test


def kinds(module: object, test: object) -> list[str]:
    """The databases on which a test of this module runs."""
    wanted = list(getattr(test, "DATABASES", getattr(module, "DATABASES", [CHOSEN])))
    return [CHOSEN] if CHOSEN in wanted and CHOSEN != SQLITE else wanted


def only_sqlite() -> None:
    """For a test of SQLite's own ways: a file, its damage, its older schema."""
    if CHOSEN != SQLITE:
        pytest.skip("about a SQLite file")
