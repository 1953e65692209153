"""Fresh databases and migrated ones are the same; a failed migration leaves no trace."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest

from station_emr.db import connection as connections
from station_emr.db import migrate, schema
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import DatabaseDamaged, DatabaseTooNew, DiskFull


def shape(raw) -> list[tuple[str, str, str]]:
    """Every object of the schema with its SQL, spaces aside."""
    return sorted(
        (kind, name, " ".join((sql or "").split()).replace("( ", "(").replace(" )", ")"))
        for kind, name, sql in raw.execute("SELECT type, name, sql FROM sqlite_master")
    )


def test_migrating_from_nothing_gives_a_fresh_database(tmp_path: Path) -> None:
    key = os.urandom(32)
    migrated = tmp_path / "migrated.db"
    connections.connect(migrated, key, create=True).close()
    migrate.run_scripts(migrated, key)
    EncryptedStore.create(tmp_path / "fresh.db", key).close()

    one = connections.connect(migrated, key)
    other = connections.connect(tmp_path / "fresh.db", key)
    assert shape(one) == shape(other)
    for pragma in ("user_version", "application_id"):
        assert one.execute(f"PRAGMA {pragma}").fetchone() == other.execute(
            f"PRAGMA {pragma}"
        ).fetchone()
    assert one.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    assert other.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    one.close()
    other.close()
