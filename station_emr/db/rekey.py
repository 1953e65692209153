"""Puts the database under a new key while people work in it.

A page copy under the new key grows beside the file in small steps. It is made over the connection
that writes, so SQLite brings every later change into the pages that were copied already. When only
the last pages are missing, the next lull is taken: nobody is inside, the copy is completed, read
back as a whole, and takes the place of the old file in one rename. Until that rename the old file
is the record and the copy is nothing; after it the old file is gone. So a power cut at any moment
leaves one whole file, under the key it was under before or under the new one.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlcipher3.dbapi2 as sqlcipher

from station_emr.domain.errors import DiskFull

from . import connection as connections
from . import database_file, failures
from .connection import RawConnection
from .gate import Gate

SUFFIX: Final = ".rekeying"
ROOM_FACTOR: Final = 2.2  # the copy, and what is written meanwhile
_PAGES: Final = 64  # a quarter of a megabyte: one or two hundredths of a second per step
_PAUSE: Final = 0.004  # in which whoever waits to save gets the lock
_LULL: Final = 0.5
_ATTEMPTS: Final = 5
_FACTS: Final = (
    "PRAGMA page_count",
    "PRAGMA user_version",
    "PRAGMA application_id",
    "SELECT count(*) FROM sqlite_master",
)

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]


class Stopped(Exception):
    """Asked to stop before the exchange: the old file is as it was."""


class _Overtaken(Exception):
    """Another program wrote meanwhile, or the writing connection was lost."""


@dataclass(frozen=True, slots=True, repr=False)
class Handles:
    """What of the open store the exchange must hold. ``lock`` is the one of its writers."""

    path: Path
    key: bytes
    lock: threading.Lock
    gate: Gate
    writer: Callable[[], RawConnection]
    let_go: Callable[[], None]
    adopt: Callable[[bytes], None]


def need_room(path: Path) -> None:
    """Raises DiskFull, before anything was changed."""
    size = path.stat().st_size
    free = shutil.disk_usage(path.parent).free
    if free < size * ROOM_FACTOR:
        need, have = _megabytes(size * ROOM_FACTOR), _megabytes(free)
        raise DiskFull(
            f"Chưa đổi được khóa dữ liệu: ổ đĩa cần còn trống khoảng {need} MB, hiện còn {have} MB. "
            "Hồ sơ còn nguyên và vẫn dùng được. Hãy xóa bớt tệp không cần trên ổ đĩa rồi làm lại."
        )


def _megabytes(size: float) -> int:
    return -(-int(size) // 1_000_000)


def clear_unfinished(path: Path) -> None:
    """Take away a copy that a power cut left."""
    database_file.remove(path.with_name(path.name + SUFFIX))


def change_key(handles: Handles, new_key: bytes, progress: Progress, cancelled: Cancelled) -> float:
    """Exchange the file for one under ``new_key``; gives for how many seconds nobody could work.

    Raises Stopped, DiskFull, DatabaseDamaged for a file that is not sound, EnvironmentFailure when
    another program holds the file. The old file is untouched in every one of these.
    """
    connections.check_key(new_key)
    need_room(handles.path)
    clear_unfinished(handles.path)
    try:
        _check_source(handles)
        for _ in range(_ATTEMPTS):
            with suppress(_Overtaken):
                return _Exchange(handles, new_key, progress, cancelled).run()
        raise failures.busy_with_key()
    except (sqlcipher.Error, OSError) as error:
        raise failures.told(error) from None
    finally:
        clear_unfinished(handles.path)


def _check_source(handles: Handles) -> None:
    """A damaged file is not carried over: its old pages may be what a rescue needs."""
    raw = connections.connect(handles.path, handles.key, read_only=True)
    try:
        database_file.verify(raw)
    finally:
        raw.close()


class _Exchange:
    """One attempt."""

    def __init__(
        self, handles: Handles, new_key: bytes, progress: Progress, cancelled: Cancelled
    ) -> None:
        self._h = handles
        self._new_key = new_key
        self._progress = progress
        self._cancelled = cancelled
        self._fresh = handles.path.with_name(handles.path.name + SUFFIX)
        self._alone = False
        self._since = 0.0
        self._guard: RawConnection = None
        self._seen = 0
        self._raw: RawConnection = None

    def run(self) -> float:
        clear_unfinished(self._h.path)
        with ExitStack() as after:
            after.callback(self._leave)
            self._guard = connections.connect(self._h.path, self._h.key)
            after.callback(self._guard.close)
            target = self._target()
            after.callback(target.close)
            self._h.lock.acquire()
            after.callback(self._h.lock.release)
            self._raw = self._h.writer()
            pages = self._raw.execute("PRAGMA page_count").fetchone()[0]
            step = max(1, min(_PAGES, pages // 4))
            self._raw.backup(target, pages=step, progress=self._tick)
            if not self._alone:
                raise _Overtaken
            self._finish(target)
            return time.monotonic() - self._since

    def _target(self) -> RawConnection:
        """No journal and no flush of its own: until it is complete the file counts for nothing."""
        raw = connections.connect_plain(self._fresh, self._new_key)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -4096"):
            raw.execute(f"PRAGMA {pragma}").fetchall()
        return raw

    def _tick(self, status: int, remaining: int, total: int) -> None:
        """Between two steps; the writers' lock is ours when it begins and when it ends."""
        if status == sqlcipher.SQLITE_DONE:
            return
        self._leave()  # an earlier lull was lost to another program's change
        self._h.lock.release()
        try:
            if self._cancelled():
                raise Stopped
            self._progress(total - remaining, total)
            time.sleep(_PAUSE)
            if remaining <= _PAGES:
                _flush(self._fresh)  # so that little is left for the moment of the exchange
                self._wait_for_lull()
        finally:
            self._h.lock.acquire()
        if self._h.writer() is not self._raw:
            raise _Overtaken
        if self._alone:
            self._guard.execute("BEGIN IMMEDIATE")  # no other program writes from here on
            self._seen = self._guard.execute("PRAGMA data_version").fetchone()[0]

    def _wait_for_lull(self) -> None:
        waited = False
        while not self._h.gate.take(_LULL, hold_back=waited):
            waited = not waited  # in turns: a long reader must not make everybody wait for long
            if self._cancelled():
                raise Stopped
        self._alone, self._since = True, time.monotonic()

    def _leave(self) -> None:
        if self._alone:
            with suppress(sqlcipher.Error):  # no transaction, or closed already
                self._guard.execute("ROLLBACK")
            self._alone = False
            self._h.gate.give_back()

    def _finish(self, target: RawConnection) -> None:
        target.close()
        _flush(self._fresh)
        self._verify()
        self._raw = None
        self._h.let_go()
        with self._old_file() as empty:
            self._shut_out_others()
            if sys.platform == "win32":
                self._guard.close()  # an open file cannot be replaced there
            self._fresh.replace(self._h.path)
            self._h.adopt(self._new_key)
            with suppress(OSError):  # the exchange has happened, whatever the disk says of it
                _flush_folder(self._h.path.parent)
                empty()

    def _verify(self) -> None:
        """Every page of the copy opens under the new key, and it is all of them."""
        raw = connections.connect_plain(self._fresh, self._new_key)
        try:
            broken = raw.execute("PRAGMA cipher_integrity_check").fetchall()
            same = all(
                raw.execute(fact).fetchone() == self._guard.execute(fact).fetchone()
                for fact in _FACTS
            )
        finally:
            raw.close()
        if broken or not same:
            raise failures.damaged()

    def _shut_out_others(self) -> None:
        """Without its write-ahead log, the old file can be held alone. Another program that has it
        open is noticed here, and one that wrote after the last step was taken.
        """
        self._guard.execute("ROLLBACK")
        try:
            mode = self._guard.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
            self._guard.execute("BEGIN EXCLUSIVE")
        except sqlcipher.Error:
            raise failures.busy_with_key() from None
        if mode != "delete":
            raise failures.busy_with_key()
        if self._guard.execute("PRAGMA data_version").fetchone()[0] != self._seen:
            raise _Overtaken

    @contextmanager
    def _old_file(self) -> Iterator[Callable[[], None]]:
        """Gives what empties the old file once another one bears its name: a program that opened it
        a moment ago must not write into what nobody will read, and its key opens nothing more.
        """
        if sys.platform == "win32":
            yield lambda: None
            return
        handle = os.open(self._h.path, os.O_RDWR)
        try:
            yield lambda: os.ftruncate(handle, 0)
        finally:
            # First the connection: closing any handle to a file ends the locks of all.
            self._guard.close()
            os.close(handle)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
