"""Bring an older database up to date, or leave it exactly as it was.

Alembic is imported only when a migration is due: it costs about a second.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from . import connection as connections
from . import database_file, failures, schema, write_ahead

MIGRATIONS = Path(__file__).parent / "migrations"
ROOM_FACTOR = 2.2  # the copy, and the write-ahead log of a migration that touches every row


def bring_up_to_date(path: Path, key: bytes) -> None:
    """Check the version of ``path`` and migrate when it is older than this program."""
    write_ahead.check(path)
    # Of its first page alone: to read the whole schema, as whoever works with it must, takes longest.
    with connections.unlocking(path, key) as raw:
        try:
            version = database_file.version(raw)
        finally:
            raw.close()
    if version > schema.SCHEMA_VERSION:
        raise failures.too_new()
    if version < schema.SCHEMA_VERSION:
        upgrade(path, key, schema.SCHEMA_VERSION)


def upgrade(path: Path, key: bytes, target: int, *, scripts: Path = MIGRATIONS) -> Path:
    """Migrate a copy, check it, and only then put it in the place of the original.

    Until that last step, one rename, the original is only read: a failure or a power cut leaves
    it as it was. Returns where the original is kept.
    """
    if shutil.disk_usage(path.parent).free < path.stat().st_size * ROOM_FACTOR:
        raise failures.no_room()
    work = path.with_name(f"{path.name}.migrating")
    kept = path.with_name(f"{path.name}.before-{target}")
    database_file.remove(work)
    database_file.remove(kept)
    guard = connections.connect(path, key)
    try:
        guard.execute("BEGIN IMMEDIATE")  # nobody writes into the original meanwhile
        database_file.copy(path, key, work)
        run_scripts(work, key, scripts)
        _settle(work, key, target)
    except BaseException as error:
        database_file.remove(work)
        failure = failures.explain(error)
        if failure is not None:
            raise failure from None
        raise
    finally:
        guard.close()  # as the last one it folds the write-ahead log into the file
    if path.with_name(f"{path.name}-wal").exists():
        # Somebody else has it open: its log would be read into the new file.
        database_file.remove(work)
        raise failures.in_use()
    _keep(path, kept)
    work.replace(path)
    return kept


def _settle(work: Path, key: bytes, target: int) -> None:
    raw = connections.connect(work, key)
    try:
        raw.execute(f"PRAGMA user_version = {target}")
        database_file.verify(raw)
    finally:
        raw.close()


def _keep(path: Path, kept: Path) -> None:
    """A second name for the original where the file system can, a copy where it cannot."""
    try:
        os.link(path, kept)
    except OSError:
        shutil.copyfile(path, kept)


def run_scripts(path: Path, key: bytes, scripts: Path = MIGRATIONS) -> None:
    """Run every due Alembic revision, each in its own transaction."""
    from alembic import command  # noqa: PLC0415  # a second of start-up, only when due
    from alembic.config import Config  # noqa: PLC0415

    def opener() -> Any:
        raw = connections.connect(path, key, create=True)
        # Batch migrations rebuild tables; references are checked as a whole afterwards.
        raw.execute("PRAGMA foreign_keys = OFF")
        return raw

    engine: Engine = connections.engine(opener, begin="BEGIN IMMEDIATE", size=1)
    try:
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
