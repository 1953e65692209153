"""The encrypted store: one file, many readers, one writer at a time."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy.exc import DBAPIError

from station_emr.domain.errors import DatabaseMissing, EnvironmentFailure
from station_emr.services.views import Counts

from . import connection as connections
from . import database_file, failures, migrate, rekey, schema
from .connection import RawConnection
from .gate import Gate
from .rekey import Cancelled, Progress
from .repositories.replicas import forget_here
from .statements import text
from .work import SqlWork

READERS = 4
# Versions written in this transaction that nobody queued for the province. What came from
# elsewhere is not offered back.
_UNQUEUED = """
SELECT count(*) FROM record_version AS v WHERE v.seq > :seq AND v.origin <> 'replica' AND NOT EXISTS (
  SELECT 1 FROM outbox AS o
  WHERE o.kind = v.kind AND o.record_id = v.record_id AND o.version = v.version
) AND NOT EXISTS (
  SELECT 1 FROM operation AS o WHERE o.kind = v.kind AND o.record_id = v.record_id
  AND o.version = v.version AND o.held = 1  -- it came from there in the same transaction
)
"""


def _nobody(_done: int, _total: int) -> None:
    pass


def _never() -> bool:
    return False


def _as_it_is(_work: SqlWork, _after: int) -> None:
    pass


class EncryptedStore:
    """The open database. Safe to share between threads; every ``read`` has its own connection."""

    def __init__(self, path: Path, key: bytes) -> None:
        connections.check_key(key)
        self.path = path
        self._key = key
        self._earlier: tuple[bytes, ...] = ()
        self._lock = threading.Lock()
        self._gate = Gate()
        self._closing = False
        self._before_commit: Callable[[SqlWork, int], None] = _as_it_is
        self._writer_thread: int | None = None
        self._readers = connections.engine(
            lambda: connections.connect(
                path, self._key, read_only=True, cache_kib=connections.READ_CACHE_KIB
            ),
            begin="BEGIN",
            size=READERS,
        )
        self._writer = connections.engine(
            lambda: connections.connect(path, self._key), begin="BEGIN IMMEDIATE", size=1
        )

    def __repr__(self) -> str:
        return f"EncryptedStore({str(self.path)!r})"

    @classmethod
    def create(cls, path: str | Path, key: bytes) -> EncryptedStore:
        """Make a new database; nothing is left behind when it fails. Never overwrites."""
        path = Path(path)
        connections.check_key(key)
        if path.exists():
            raise failures.exists()
        fresh = path.with_name(path.name + ".new")
        database_file.remove(fresh)
        try:
            raw = connections.connect(fresh, key, create=True)
            try:
                schema.build(raw)
            finally:
                raw.close()
            fresh.replace(path)
        except (sqlcipher.Error, OSError) as error:
            database_file.remove(fresh)
            raise failures.told(error) from None
        return cls.open(path, key)

    @classmethod
    def open(cls, path: str | Path, key: bytes, earlier: Iterable[bytes] = ()) -> EncryptedStore:
        """Open, migrating an older database first. Raises DatabaseMissing, DatabaseDamaged
        (also for a wrong key) or DatabaseTooNew, having changed nothing.

        ``earlier`` keys are tried when ``key`` does not fit: the change of keys that would bring
        the file under ``key`` is not finished (:meth:`is_under`).
        """
        path = Path(path)
        older = tuple(earlier)
        if older:
            key = next((one for one in (key, *older) if connections.fits(path, one)), b"")
            if not key:
                raise failures.no_key_fits()
        migrate.bring_up_to_date(path, key)
        made = cls(path, key)
        made._earlier = older
        made._readers.connect().close()  # the first who asks finds it, and it has read the schema
        return made

    def is_under(self, key: bytes) -> bool:
        """Whether the file is encrypted with this key."""
        return hmac.compare_digest(self._key, key)

    def change_key(
        self, new_key: bytes, progress: Progress = _nobody, cancelled: Cancelled = _never
    ) -> float:
        """Encrypt the whole file anew while others go on reading and writing; gives for how many
        seconds they had to wait in the end. See :mod:`station_emr.db.rekey` for what it raises.
        """
        handles = rekey.Handles(
            path=self.path,
            key=self._key,
            lock=self._lock,
            gate=self._gate,
            writer=self._raw_writer,
            let_go=self._dispose,
            adopt=self._adopt,
        )
        return rekey.change_key(handles, new_key, progress, lambda: self._closing or cancelled())

    def _raw_writer(self) -> RawConnection:
        """The one connection that writes; the caller holds the writers' lock."""
        lent = self._writer.raw_connection()
        try:
            return lent.driver_connection
        finally:
            lent.close()

    def _dispose(self) -> None:
        self._readers.dispose()
        self._writer.dispose()

    def _adopt(self, key: bytes) -> None:
        self._earlier = (self._key, *self._earlier)
        self._key = key

    def do_before_commit(self, task: Callable[[SqlWork, int], None]) -> None:
        """Have ``task`` add to every transaction that writes; the number that goes with it is that of
        the last version from before. What it raises undoes the transaction.
        """
        self._before_commit = task

    @contextmanager
    def read(self) -> Iterator[SqlWork]:
        """A consistent snapshot; any attempt to write through it fails."""
        with self._gate.shared(), _explained(), self._readers.begin() as connection:
            yield SqlWork(connection)

    @contextmanager
    def write(self) -> Iterator[SqlWork]:
        """The only way to change anything: all of it is kept, or none."""
        if self._writer_thread == threading.get_ident():
            raise RuntimeError("a command is one transaction: write() inside write()")
        with self._gate.shared(), self._lock, _explained():
            self._writer_thread = threading.get_ident()
            try:
                with self._writer.begin() as connection:
                    forget_here(connection)
                    last = connection.execute(
                        text("SELECT coalesce(max(seq), 0) FROM record_version")
                    ).scalar_one()
                    work = SqlWork(connection)
                    yield work
                    self._before_commit(work, last)
                    if connection.execute(text(_UNQUEUED), {"seq": last}).scalar_one():
                        raise RuntimeError("a written version was not queued for the province")
            finally:
                self._writer_thread = None

    @property
    def counts(self) -> Counts:
        with self.read() as work:
            return work.counts()

    def backup(self, target: str) -> None:
        """A compact copy under the same key, opened and checked before it counts as one."""
        destination = Path(target)
        if destination.exists():
            raise failures.exists()
        try:
            with self._gate.shared():
                database_file.copy(self.path, self._key, destination)
        except (sqlcipher.Error, OSError) as error:
            database_file.remove(destination)
            failure = failures.told(error)
            raise (
                failures.no_backup() if isinstance(failure, DatabaseMissing) else failure
            ) from None
        except EnvironmentFailure:
            database_file.remove(destination)
            raise

    def check_pages(self) -> None:
        """The seal of every page, also of those that hold an index or nothing. Raises
        DatabaseDamaged.
        """
        with self._gate.shared(), _explained():
            raw = connections.connect(self.path, self._key, read_only=True)
            try:
                if raw.execute("PRAGMA cipher_integrity_check").fetchone() is not None:
                    raise failures.damaged()
            finally:
                raw.close()

    def size(self) -> int:
        """Bytes of the file on the disk."""
        return self.path.stat().st_size

    def opened_copy(self, path: str) -> EncryptedStore:
        """A copy of this database, under the key of this one or an earlier one."""
        return EncryptedStore.open(path, self._key, self._earlier)

    def check(self) -> None:
        """Read every page and every reference. Raises DatabaseDamaged."""
        with self._gate.shared(), _explained():
            raw = connections.connect(self.path, self._key)
            try:
                database_file.verify(raw)
            except sqlcipher.Error as error:
                raise failures.told(error) from None
            finally:
                raw.close()

    def close(self) -> None:
        """Let go of every connection; the last one folds the write-ahead log into the file."""
        self._closing = True
        with self._lock:
            self._dispose()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the failures of disk and file into sentences; bugs pass unchanged."""
    try:
        yield
    except (DBAPIError, sqlcipher.Error) as error:
        failure = failures.explain(error)
        if failure is None:
            raise
        raise failure from None
