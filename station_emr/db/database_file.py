"""One database as a file on the disk: is it ours and sound, a copy of it, and taking it away."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from . import connection as connections
from . import failures, schema
from .connection import RawConnection


def version(raw: RawConnection) -> int:
    """Of its schema. Raises DatabaseDamaged for the database of another program."""
    found: int = raw.execute("PRAGMA user_version").fetchone()[0]
    known: int = raw.execute("PRAGMA application_id").fetchone()[0]
    if found < 1 or known != schema.APPLICATION_ID:
        raise failures.damaged()
    return found


def copy(path: Path, key: bytes, destination: Path) -> None:
    """``VACUUM INTO`` a new file under the same key, then open and check it."""
    raw = connections.connect(path, key)
    try:
        raw.execute("VACUUM INTO ?", (str(destination.absolute()),))
    finally:
        raw.close()
    copied = connections.connect(destination, key)
    try:
        version(copied)
        verify(copied)
    finally:
        copied.close()


def verify(raw: RawConnection) -> None:
    """Raises DatabaseDamaged unless every page and every reference is sound."""
    sound = raw.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
    if not sound or raw.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise failures.damaged()


def remove(path: Path) -> None:
    """With the files that SQLite keeps beside it; nothing is said of one that will not go."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
