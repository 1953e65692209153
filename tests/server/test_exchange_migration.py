"""A database of the first release, made by its own code, opened by this one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from provincial_server.database import Database, UnusableDatabase

_FIRST = Path(__file__).parent / "database_0_1.sql"


@pytest.fixture
def first_release(tmp_path: Path) -> Path:
    path = tmp_path / "first.db"
    connection = sqlite3.connect(path)
    connection.executescript(_FIRST.read_text(encoding="utf-8"))
    connection.close()
    return path


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute(statement).fetchall()
    connection.close()
    return found


def shape(path: Path) -> dict[str, object]:
    """Tables, columns, indexes and triggers, as far as a statement can tell them apart."""
    engine = create_engine(f"sqlite:///{path}")
    looking = inspect(engine)
    found: dict[str, object] = {}
    for table in looking.get_table_names():
        columns = {
            (column["name"], str(column["type"]), column["nullable"])
            for column in looking.get_columns(table)
        }
        indexes = {
            (index["name"], tuple(index["column_names"])) for index in looking.get_indexes(table)
        }
        found[table] = (columns, indexes, looking.get_pk_constraint(table)["constrained_columns"])
    engine.dispose()
    found["triggers"] = set(rows(path, "SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    return found


def test_it_is_brought_to_the_shape_of_a_new_one(first_release: Path, tmp_path: Path) -> None:
    kept = rows(first_release, "SELECT * FROM resource_version ORDER BY 1, 2, 3, 4")
    epoch = rows(first_release, "SELECT value FROM server_fact WHERE name = 'epoch'")
    for _ in range(2):  # the second time there is nothing to do
        Database(f"sqlite:///{first_release}").close()
    Database(f"sqlite:///{tmp_path / 'new.db'}").close()
    assert shape(first_release) == shape(tmp_path / "new.db")
    assert kept == rows(first_release, "SELECT * FROM resource_version ORDER BY 1, 2, 3, 4")
    assert len(kept) == 7
    assert epoch == rows(first_release, "SELECT value FROM server_fact WHERE name = 'epoch'")
    version = rows(first_release, "SELECT value FROM server_fact WHERE name = 'schema_version'")
    assert version == [("2",)]
    records = dict(rows(first_release, "SELECT resource_id, record_id FROM resource"))
    assert records["0197a000-0000-7000-8000-000000000002-v1"] == (
        "0197a000-0000-7000-8000-000000000002"
    )
    assert records["e1-o1"] == "e1-o1"


def test_an_update_that_fails_leaves_the_old_database(first_release: Path) -> None:
    connection = sqlite3.connect(first_release)
    connection.execute("CREATE TABLE operation_bucket_draft (id INTEGER)")
    connection.execute("CREATE INDEX uq_operation_op_id ON operation_bucket_draft (id)")
    connection.commit()
    connection.close()
    with pytest.raises(UnusableDatabase):
        Database(f"sqlite:///{first_release}")
    assert rows(first_release, "SELECT value FROM server_fact WHERE name = 'schema_version'") == [
        ("1",)
    ]
    assert "operation" not in {
        name for (name,) in rows(first_release, "SELECT name FROM sqlite_master")
    }


def test_its_rows_point_at_the_tables_that_stay(first_release: Path) -> None:
    Database(f"sqlite:///{first_release}").close()
    assert rows(first_release, "PRAGMA foreign_key_check") == []
    tables = ("resource", "resource_identifier", "resource_version", "change")
    pointed_at = {
        table: {row[2] for row in rows(first_release, f"PRAGMA foreign_key_list({table})")}
        for table in tables
    }
    assert pointed_at == {
        "resource": {"facility"},
        "resource_identifier": {"resource"},
        "resource_version": {"resource", "device"},
        "change": {"facility", "resource_version"},
    }
    assert [rows(first_release, f"SELECT count(*) FROM {table}") for table in tables] == [
        [(6,)],
        [(0,)],
        [(7,)],
        [(7,)],
    ]
