"""Encrypted connections: the key first, then the settings of a small PC that loses power."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import QueuePool
from sqlalchemy.util import LRUCache

from station_emr.domain.errors import DatabaseDamaged, DatabaseMissing

from . import failures

KEY_BYTES = 32
BUSY_SECONDS = 10
READ_CACHE_KIB = 32 * 1024
WRITE_CACHE_KIB = 8 * 1024
WAL_LIMIT_BYTES = 32 * 1024 * 1024

RawConnection = Any  # sqlcipher3 ships no types
Opener = Callable[[], RawConnection]


def check_key(key: bytes) -> None:
    """The data key is 32 raw bytes; anything else is a bug of the caller."""
    if len(key) != KEY_BYTES:
        raise ValueError("a data key has 32 bytes")


@contextmanager
def unlocking(path: Path, key: bytes, *, create: bool = False) -> Iterator[RawConnection]:
    """A connection that has been given the key and read nothing yet. When what is done with it fails,
    it is closed, and an EnvironmentFailure is raised whose sentence never holds the key.
    """
    check_key(key)
    if not create and not path.exists():
        raise failures.missing()
    mode = "rwc" if create else "rw"
    raw = None
    try:
        raw = sqlcipher.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_SECONDS,
            cached_statements=256,
        )
        raw.execute("PRAGMA cipher_log_level = NONE")
        raw.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        yield raw
    except sqlcipher.Error as error:
        if raw is not None:
            with suppress(sqlcipher.Error):
                raw.close()
        # The cause is dropped on purpose: nothing below may carry the statement with the key.
        failure = failures.explain(error) or failures.damaged()
        if isinstance(failure, DatabaseMissing) and path.exists():
            failure = failures.denied()
        raise failure from None


def connect(
    path: Path,
    key: bytes,
    *,
    create: bool = False,
    read_only: bool = False,
    cache_kib: int = WRITE_CACHE_KIB,
) -> RawConnection:
    """Open and unlock. Raises an EnvironmentFailure whose sentence never holds the key."""
    with unlocking(path, key, create=create) as raw:
        tables = raw.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not create and not tables:
            raise sqlcipher.DatabaseError("file is not a database")  # empty file
        tune(raw, read_only=read_only, cache_kib=cache_kib)
    return raw


def fits(path: Path, key: bytes) -> bool:
    """Whether the key opens the file. Raises DatabaseMissing, or EnvironmentFailure for a file that
    the machine does not let us open.
    """
    try:
        connect(path, key, read_only=True).close()
    except DatabaseDamaged:
        return False
    return True


def connect_plain(path: Path, key: bytes) -> RawConnection:
    """Open or make ``path`` without our settings, for a copy that nobody works in yet."""
    check_key(key)
    raw = sqlcipher.connect(
        str(path.absolute()), isolation_level=None, check_same_thread=False, cached_statements=0
    )
    raw.execute("PRAGMA cipher_log_level = NONE")
    raw.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    return raw


def tune(raw: RawConnection, *, read_only: bool, cache_kib: int) -> None:
    """Settings of every connection, the same for the benchmarks' unencrypted peer."""
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",  # a REPLACE must meet the DELETE triggers
        "secure_delete = ON",
        "temp_store = MEMORY",
        "trusted_schema = OFF",
        f"cache_size = -{cache_kib}",
        f"journal_size_limit = {WAL_LIMIT_BYTES}",
        f"query_only = {'ON' if read_only else 'OFF'}",
    ):
        raw.execute(f"PRAGMA {pragma}").fetchall()


class EncryptedSqlite(SQLiteDialect_pysqlite):
    """Says ``begin`` itself: a listener for that would make every statement slower, not only this."""

    supports_statement_cache = True

    def __init__(self, begin: str = "BEGIN", **options: Any) -> None:
        super().__init__(**options)
        self._begin = begin

    def do_begin(self, dbapi_connection: Any) -> None:
        dbapi_connection.driver_connection.execute(self._begin)

    # What one has compiled serves all: readers, the writer, and the copies that are opened to be
    # looked at. They differ in how they begin, not in what they say.

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EncryptedSqlite)

    def __hash__(self) -> int:
        return hash(EncryptedSqlite)


_COMPILED: LRUCache[Any, Any] = LRUCache(2000)
registry.register("sqlite.encrypted", __name__, EncryptedSqlite.__name__)


def engine(opener: Opener, *, begin: str, size: int) -> Engine:
    """A pool over ``opener`` whose transactions start with ``begin``."""
    made = create_engine(
        "sqlite+encrypted://",
        creator=opener,
        begin=begin,
        module=sqlcipher,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=4 if size > 1 else 0,
        pool_use_lifo=True,  # the warm cache first
        hide_parameters=True,  # names and diagnoses never reach a log or a traceback
        execution_options={"compiled_cache": _COMPILED},
    )

    @event.listens_for(made, "handle_error")
    def _drop(context: ExceptionContext) -> None:
        # SQLCipher refuses everything after a page that failed its check: the next transaction
        # gets a new connection, so that the sound part of the file stays readable.
        if isinstance(failures.explain(context.original_exception), DatabaseDamaged):
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False

    return made
