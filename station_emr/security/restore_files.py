"""A copy is put in the place of the database as a whole, and what was there is kept beside it.

The copy is first brought into a folder of its own and opened there. One small file then says that
it shall take the place; from that moment on every start of the program carries the exchange to its
end, so a power cut leaves either the old station or the new one, never a mixture. Nothing is
deleted: what was there before lies in a folder that bears the moment in its name.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from station_emr.domain.errors import DiskFull, EnvironmentFailure, NotFound, StateError

from . import backup_manifest, durable_file

STAGING: Final = "restore.unfinished"
TURN: Final = "restore.lock"
READY: Final = "ready.json"
_KEYS: Final = "keyslots.json"
_ROOM_FACTOR: Final = 1.2
_BUSY: Final = (
    "Một lần khôi phục khác đang chạy trên máy này. Chưa có gì thay đổi. Hãy đợi xong rồi làm lại."
)
_NO_COPY: Final = (
    "Thư mục này không phải bản sao lưu của trạm. Chưa có gì thay đổi. Hãy chọn thư mục có tên bắt "
    "đầu bằng “tram-”."
)
_SPOILT: Final = (
    "Bản sao này đã bị đổi hoặc hỏng sau khi tạo. Chưa có gì thay đổi. Hãy chọn một bản sao khác."
)
_UNREADABLE: Final = (
    "Không đọc được bản sao: ổ đĩa lỗi hoặc đã rút ra. Chưa có gì thay đổi. Hãy cắm lại, hoặc chọn "
    "bản sao khác."
)
_NO_ROOM: Final = (
    "Ổ đĩa của máy không đủ chỗ để khôi phục. Chưa có gì thay đổi. Hãy xóa bớt tệp không cần rồi "
    "làm lại."
)
_IN_USE: Final = (
    "Hồ sơ hiện tại đang được một chương trình khác giữ nên chưa khôi phục. Không mất gì. Hãy đóng "
    "mọi cửa sổ khác của chương trình rồi mở lại; việc khôi phục tự làm tiếp."
)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def staged(folder: Path, place: Path, database: str) -> Iterator[Path]:
    """The copy in a folder of its own, as it was made. Gone at the end, unless it was published."""
    with durable_file.turn(folder / TURN) as mine:
        if not mine:
            raise StateError(_BUSY)
        finish(folder, database)
        staging = folder / STAGING
        _remove(staging)
        try:
            _bring(place, staging, database)
            yield staging
        finally:
            if not (staging / READY).exists():
                _remove(staging)


def _bring(place: Path, staging: Path, database: str) -> None:
    names = (database, _KEYS)
    if not all((place / name).is_file() for name in names):
        raise NotFound(_NO_COPY)
    try:
        size = (place / database).stat().st_size
        if shutil.disk_usage(staging.parent).free < size * _ROOM_FACTOR:
            raise DiskFull(_NO_ROOM)
        manifest = backup_manifest.read(place)
        staging.mkdir(mode=0o700)
        for name in names:
            shutil.copyfile(place / name, staging / name)
        made = {name: backup_manifest.digest(staging / name) for name in names}
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(_NO_ROOM) from None
        raise EnvironmentFailure(_UNREADABLE) from None
    if manifest is not None and any(manifest.files.get(name) != made[name] for name in names):
        raise EnvironmentFailure(_SPOILT)


def publish(folder: Path, database: str, kept: str) -> None:
    """Let what is staged take the place; ``kept`` names the folder for what is there now."""
    staging = folder / STAGING
    present = [
        name
        for name in (database, f"{database}-wal", f"{database}-shm", _KEYS, f"{_KEYS}.bak")
        if (folder / name).exists()
    ]
    document = json.dumps({"kept": kept, "present": present}).encode("ascii")
    try:
        for name in (database, _KEYS):
            _flush(staging / name)
        fresh = staging / f"{READY}.new"
        fresh.write_bytes(document)
        _flush(fresh)
        fresh.replace(staging / READY)
        durable_file.sync_folder(staging)
    except OSError as error:
        with contextlib.suppress(OSError):
            (staging / READY).unlink()
        raise durable_file.explain(error) from error
    finish(folder, database)


def finish(folder: Path, database: str) -> bool:
    """Carry an exchange that was decided to its end; True when there was one. To be called before
    anybody asks whether the folder holds a station.
    """
    staging = folder / STAGING
    if not (staging / READY).exists():
        return False
    with durable_file.locked(folder / _KEYS):
        try:
            document = json.loads((staging / READY).read_bytes())
            if (staging / database).exists():
                _put_aside(folder, folder / _own_name(document["kept"]), document["present"])
                durable_file.write_twice(folder / _KEYS, (staging / _KEYS).read_bytes())
                (staging / database).replace(folder / database)
                durable_file.sync_folder(folder)
            _remove(staging)
        except PermissionError:
            raise EnvironmentFailure(_IN_USE) from None
        except OSError as error:
            raise durable_file.explain(error) from error
    return True


def clear_unfinished(folder: Path, database: str) -> None:
    """Take away what was begun and never decided, carry to its end what was. Cheap when there is
    nothing.
    """
    staging = folder / STAGING
    if not staging.exists():
        return
    with durable_file.turn(folder / TURN) as mine:
        if mine and not finish(folder, database):
            _remove(staging)


def _put_aside(folder: Path, kept: Path, present: list[str]) -> None:
    """Each file once: what bears the same name afterwards belongs to the copy."""
    kept.mkdir(mode=0o700, exist_ok=True)
    for name in map(_own_name, present):
        if not (kept / name).exists() and (folder / name).exists():
            (folder / name).rename(kept / name)
    durable_file.sync_folder(kept)


def _own_name(text: str) -> str:
    """A name in this folder alone: what was decided may have been written by somebody else."""
    name = text.replace("\\", "/").rpartition("/")[2]
    return name if name.strip(".") else "kept"


def _flush(file: Path) -> None:
    handle = os.open(file, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(place: Path) -> None:
    """``ready`` goes first: without it the rest is only something that was begun."""
    with contextlib.suppress(OSError):
        (place / READY).unlink(missing_ok=True)
        shutil.rmtree(place)
