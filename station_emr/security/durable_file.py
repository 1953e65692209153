"""Small secret files that must survive a power cut and a full disk: all of the new, or the old."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from station_emr.domain.errors import DiskFull, EnvironmentFailure

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

if sys.platform == "win32":
    import msvcrt

    def _acquire(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)

    def _try(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _release(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _acquire(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)

    def _try(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _release(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)


def backup_of(path: Path) -> Path:
    """Where the second copy of ``path`` lives."""
    return path.with_name(path.name + ".bak")


def traces_of(path: Path) -> tuple[Path, ...]:
    """Every name that a write of ``path`` may leave when the power goes."""
    targets = (path, backup_of(path))
    return (*targets, *(_fresh(target) for target in targets))


def _fresh(target: Path) -> Path:
    return target.with_name(target.name + ".new")


def explain(error: OSError) -> EnvironmentFailure:
    """The failure as a sentence for the person."""
    if error.errno in _NO_ROOM:
        return DiskFull(
            "Ổ đĩa đã đầy nên chưa ghi được. Dữ liệu cũ còn nguyên. "
            "Hãy xóa bớt tệp không cần trên ổ đĩa rồi làm lại."
        )
    return EnvironmentFailure(
        "Không ghi được vào thư mục dữ liệu của trạm. Dữ liệu cũ còn nguyên. "
        "Hãy kiểm tra ổ đĩa và quyền ghi của thư mục rồi làm lại."
    )


def write_twice(path: Path, data: bytes) -> None:
    """Replace ``path`` and its second copy, durably.

    Both new files are complete on disk before either name changes, so a full disk leaves both old
    files, and a power cut leaves at least one whole file at any moment. The second copy is never
    an older state: that would keep a removed person's key alive.
    """
    targets = (path, backup_of(path))
    fresh = [_fresh(target) for target in targets]
    try:
        for temporary in fresh:
            _write_new(temporary, data)
        for temporary, target in zip(fresh, targets, strict=True):
            temporary.replace(target)
        sync_folder(path.parent)
    except OSError as error:
        for temporary in fresh:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise explain(error) from error


def _write_new(path: Path, data: bytes) -> None:
    """A complete file on disk, readable by its owner alone from its first byte."""
    path.unlink(missing_ok=True)  # left by a power cut
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` as durable as the files behind them."""
    if sys.platform != "win32":  # Windows has no handle to a folder; NTFS journals the rename
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes of this machine out while ``path`` is read, changed and written."""
    lock = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise explain(error) from error
    try:
        try:
            _acquire(handle)
        except OSError as error:  # Windows gives up after ten seconds
            raise explain(error) from error
        try:
            yield
        finally:
            _release(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def turn(path: Path) -> Iterator[bool]:
    """Whether this is the only holder of ``path`` among all processes; never waits. The claim ends
    with the block or with the process, however that ends.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise explain(error) from error
    try:
        mine = _try(handle)
        try:
            yield mine
        finally:
            if mine:
                _release(handle)
    finally:
        os.close(handle)
