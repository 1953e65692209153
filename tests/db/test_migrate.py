"""Fresh databases and migrated ones are the same; a failed migration leaves no trace."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy.exc import OperationalError

from station_emr.db import connection as connections
from station_emr.db import migrate, schema
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import DatabaseDamaged, DiskFull, EnvironmentFailure

from .records import KEY, patient, record_id
from .test_golden import DATA, GOLDEN

NEXT_VERSION = schema.SCHEMA_VERSION + 1
AFTER = f"{NEXT_VERSION:04}"


def shape(raw) -> list[tuple[str, str, str]]:
    """Every object of the schema with its SQL, spaces aside."""
    return sorted(
        (
            kind,
            name,
            " ".join((sql or "").split()).replace("( ", "(").replace(" )", ")").replace(" ,", ","),
        )
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
        assert (
            one.execute(f"PRAGMA {pragma}").fetchone()
            == other.execute(f"PRAGMA {pragma}").fetchone()
        )
    assert one.execute("SELECT version_num FROM alembic_version").fetchall() == [(schema.REVISION,)]
    assert other.execute("SELECT version_num FROM alembic_version").fetchall() == [
        (schema.REVISION,)
    ]
    one.close()
    other.close()


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_migrating_an_old_release_gives_a_fresh_database(file: Path, tmp_path: Path) -> None:
    EncryptedStore.open(shutil.copy(file, tmp_path), KEY).close()
    EncryptedStore.create(tmp_path / "fresh.db", KEY).close()

    one = connections.connect(tmp_path / file.name, KEY)
    other = connections.connect(tmp_path / "fresh.db", KEY)
    assert shape(one) == shape(other)
    assert one.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA_VERSION,)
    one.close()
    other.close()


def test_the_versions_of_the_first_release_are_a_chain(tmp_path: Path) -> None:
    EncryptedStore.open(shutil.copy(DATA / "golden-0.1.db", tmp_path), KEY).close()

    raw = connections.connect(tmp_path / "golden-0.1.db", KEY)
    rows = raw.execute(
        "SELECT kind, version, parents, origin, open_fields, device, skew FROM record_version "
        "WHERE kind IN ('encounter', 'patient') ORDER BY kind, version"
    ).fetchall()
    assert rows == [
        ("encounter", 1, "[]", "here", "[]", "", None),
        ("encounter", 2, "[1]", "here", "[]", "", None),
        ("patient", 1, "[]", "here", "[]", "", None),
    ]
    with pytest.raises(sqlcipher.IntegrityError, match="written once"):
        raw.execute("UPDATE record_version SET parents = '[]'")
    raw.close()


NEXT = """
from alembic import op
import sqlalchemy as sa

revision = "{after}"
down_revision = "{before}"


def upgrade():
    with op.batch_alter_table("synced_record") as table:
        table.add_column(sa.Column("server", sa.Text, nullable=False, server_default=""))
    op.get_bind().exec_driver_sql("CREATE TABLE novelty (a TEXT NOT NULL) STRICT")
    {trouble}
"""


@pytest.fixture
def closed(full_file: Path, tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return Path(shutil.copy(full_file, tmp_path / "data"))


def scripts(tmp_path: Path, trouble: str = "") -> Path:
    """The real migrations and one that is still to come."""
    made = tmp_path / "scripts"
    shutil.copytree(migrate.MIGRATIONS, made)
    (made / "versions" / f"{AFTER}_next.py").write_text(
        NEXT.format(
            trouble=trouble,
            after=AFTER,
            before=schema.REVISION,
        ),
        encoding="utf-8",
    )
    return made


def test_a_migration_keeps_the_record_and_a_copy(closed: Path, tmp_path: Path) -> None:
    copy = migrate.upgrade(closed, KEY, NEXT_VERSION, scripts=scripts(tmp_path))

    raw = connections.connect(closed, KEY)
    assert raw.execute("PRAGMA user_version").fetchone() == (NEXT_VERSION,)
    assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == (AFTER,)
    assert raw.execute("SELECT count(*) FROM novelty").fetchone() == (0,)
    assert raw.execute("SELECT count(*) FROM record_version").fetchone() == (7,)
    raw.close()
    assert sorted(item.name for item in closed.parent.iterdir()) == [closed.name, copy.name]
    old = EncryptedStore.open(copy, KEY)
    with old.read() as work:
        assert work.patients.get(record_id(1)).record == patient()
    old.close()


@pytest.mark.parametrize(
    "trouble",
    [
        "raise KeyError",
        "op.get_bind().exec_driver_sql('SELECT nothing')",
        # Sound SQL that breaks the record: seen by the check afterwards.
        "op.get_bind().exec_driver_sql(\"UPDATE encounter SET patient_id = 'nobody'\")",
    ],
)
def test_a_failed_migration_puts_everything_back(
    closed: Path, tmp_path: Path, trouble: str
) -> None:
    before = closed.read_bytes()

    with pytest.raises((KeyError, DatabaseDamaged, OperationalError)):
        migrate.upgrade(closed, KEY, NEXT_VERSION, scripts=scripts(tmp_path, trouble))

    assert closed.read_bytes() == before
    assert [item.name for item in closed.parent.iterdir()] == [closed.name]
    store = EncryptedStore.open(closed, KEY)
    store.check()
    with store.read() as work:
        assert work.patients.get(record_id(1)).record == patient()
        assert len(work.encounters.timeline(record_id(1), 5)) == 1
    store.close()
    raw = connections.connect(closed, KEY)
    assert raw.execute("SELECT name FROM sqlite_master WHERE name = 'novelty'").fetchall() == []
    raw.close()


def test_a_database_somebody_writes_to_is_not_migrated(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0.05)
    other = connections.connect(closed, KEY)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(EnvironmentFailure, match="chương trình khác"):
        migrate.upgrade(closed, KEY, NEXT_VERSION, scripts=scripts(tmp_path))

    other.execute("ROLLBACK")
    other.close()
    EncryptedStore.open(closed, KEY).close()


def test_a_database_that_another_window_has_open_is_not_exchanged_under_it(
    closed: Path, tmp_path: Path
) -> None:
    other = connections.connect(closed, KEY)
    other.execute("SELECT count(*) FROM patient").fetchone()
    before = closed.read_bytes()

    with pytest.raises(EnvironmentFailure, match="cửa sổ khác"):
        migrate.upgrade(closed, KEY, NEXT_VERSION, scripts=scripts(tmp_path))

    assert closed.read_bytes() == before
    assert other.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA_VERSION,)
    other.close()


def test_no_room_for_a_copy_means_no_migration(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, closed.stat().st_size))
    before = closed.read_bytes()

    with pytest.raises(DiskFull):
        migrate.upgrade(closed, KEY, NEXT_VERSION, scripts=scripts(tmp_path))

    assert closed.read_bytes() == before
    assert [item.name for item in closed.parent.iterdir()] == [closed.name]


def test_opening_an_older_database_migrates_it(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[Path, int]] = []
    monkeypatch.setattr(migrate.schema, "SCHEMA_VERSION", NEXT_VERSION)
    monkeypatch.setattr(
        migrate, "upgrade", lambda path, _key, target: called.append((path, target))
    )
    EncryptedStore.open(closed, KEY).close()

    assert called == [(closed, NEXT_VERSION)]
