"""A PostgreSQL database of the first release, prepared by this one: keys change where they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from provincial_server.postgres.preparation import prepare
from tests import databases
from tests.postgres_cluster import OWNER, SERVER, Cluster

DATABASES = [databases.POSTGRESQL]
_FIRST = Path(__file__).parent / "database_0_1.sql"
_POINTED_AT_FIRST = ("server_fact", "facility", "device", "enrolment_code", "resource")


@pytest.fixture
def names() -> Iterator[tuple[str, str]]:
    """A database of the first release, and one of this."""
    cluster = databases.cluster()
    made = cluster.new_database(template="template0"), cluster.new_database()
    yield made
    for name in made:
        cluster.drop_database(name)


def first_release() -> list[str]:
    """Its statements in PostgreSQL's words, those that others point at first."""
    script = _FIRST.read_text(encoding="utf-8")
    found = re.findall(r"^(?:CREATE (?:TABLE|INDEX)|INSERT).*?;$", script, re.MULTILINE | re.DOTALL)
    assert len(found) > 20
    words = [re.sub(r"X'([0-9A-F]*)'", r"'\\x\1'", one.replace("BLOB", "BYTEA")) for one in found]
    return sorted(words, key=_place)


def _place(statement: str) -> tuple[int, int]:
    table = re.match(r'(?:CREATE TABLE|INSERT INTO) "?(\w+)', statement)
    if table is None:
        return 9, 0
    order = (*_POINTED_AT_FIRST, "resource_identifier", "resource_version", "change")
    return order.index(table[1]), int(statement.startswith("INSERT"))


def shape(cluster: Cluster, name: str) -> dict[str, object]:
    engine = create_engine(cluster.url(name, OWNER))
    looking = inspect(engine)
    found: dict[str, object] = {}
    for table in looking.get_table_names():
        keys = [
            (key["name"], key["constrained_columns"], key["referred_table"])
            for key in looking.get_foreign_keys(table)
        ]
        found[table] = (
            {(column["name"], column["nullable"]) for column in looking.get_columns(table)},
            sorted((index["name"], index["column_names"]) for index in looking.get_indexes(table)),
            looking.get_pk_constraint(table)["constrained_columns"],
            sorted(keys),
        )
    engine.dispose()
    return found


def test_it_is_brought_to_the_shape_of_a_new_one(names: tuple[str, str]) -> None:
    cluster, (old, new) = databases.cluster(), names
    engine = create_engine(cluster.url(old, OWNER))
    with engine.begin() as connection:
        for statement in first_release():
            connection.exec_driver_sql(statement)
    engine.dispose()
    for _ in range(2):  # the second time there is nothing to do
        prepare(cluster.url(old, OWNER), SERVER)
    assert shape(cluster, old) == shape(cluster, new)
    with cluster.administrator(old) as connection:
        kept = connection.execute("SELECT count(*) FROM resource_version").fetchone()
    assert kept == (7,)
