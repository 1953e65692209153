"""Bring an older database up to date, or leave it exactly as it was.

Alembic is imported only when a migration is due: it costs about a second.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Engine

from . import connection as connections
from . import failures, schema, write_ahead
from .connection import RawConnection

MIGRATIONS = Path(__file__).parent / "migrations"
ROOM_FACTOR = 2.2  # the copy, and the write-ahead log of a migration that touches every row


def bring_up_to_date(path: Path, key: bytes) -> None:
    """Check the version of ``path`` and migrate when it is older than this program."""
    write_ahead.check(path)
    raw = connections.connect(path, key)
    try:
        version = _version(raw)
    except sqlcipher.Error as error:
        raise (failures.explain(error) or failures.damaged()) from None
    finally:
        raw.close()
    if version > schema.SCHEMA_VERSION:
        raise failures.too_new()
    if version < schema.SCHEMA_VERSION:
        upgrade(path, key, schema.SCHEMA_VERSION)


def _version(raw: RawConnection) -> int:
    version: int = raw.execute("PRAGMA user_version").fetchone()[0]
    known: int = raw.execute("PRAGMA application_id").fetchone()[0]
    if version < 1 or known != schema.APPLICATION_ID:
        raise failures.damaged()
    return version


def upgrade(path: Path, key: bytes, target: int, *, scripts: Path = MIGRATIONS) -> Path:
    """Migrate a copy, check it, and only then put it in the place of the original.

    Until that last step, one rename, the original is only read: a failure or a power cut leaves
    it as it was. Returns where the original is kept.
    """
    if shutil.disk_usage(path.parent).free < path.stat().st_size * ROOM_FACTOR:
        raise failures.no_room()
    work = path.with_name(f"{path.name}.migrating")
    kept = path.with_name(f"{path.name}.before-{target}")
    remove(work)
    remove(kept)
    guard = connections.connect(path, key)
    try:
        guard.execute("BEGIN IMMEDIATE")  # nobody writes into the original meanwhile
        copy_database(path, key, work)
        run_scripts(work, key, scripts)
        _settle(work, key, target)
    except BaseException as error:
        remove(work)
        failure = failures.explain(error)
        if failure is not None:
            raise failure from None
        raise
    finally:
        guard.close()  # as the last one it folds the write-ahead log into the file
    if path.with_name(f"{path.name}-wal").exists():
        # Somebody else has it open: its log would be read into the new file.
        remove(work)
        raise failures.in_use()
    _keep(path, kept)
    work.replace(path)
    return kept


def _settle(work: Path, key: bytes, target: int) -> None:
    raw = connections.connect(work, key)
    try:
        raw.execute(f"PRAGMA user_version = {target}")
        verify(raw)
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


def copy_database(path: Path, key: bytes, destination: Path) -> None:
    """``VACUUM INTO`` a new file under the same key, then open and check it."""
    raw = connections.connect(path, key)
    try:
        raw.execute("VACUUM INTO ?", (str(destination.absolute()),))
    finally:
        raw.close()
    copied = connections.connect(destination, key)
    try:
        _version(copied)
        verify(copied)
    finally:
        copied.close()


def verify(raw: RawConnection) -> None:
    """Raises DatabaseDamaged unless every page and every reference is sound."""
    sound = raw.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
    if not sound or raw.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise failures.damaged()


def remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
