"""Folders that are to have a copy each day: is the right stick there, on another disk, with room?"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from station_emr.domain.errors import EnvironmentFailure
from station_emr.services.backup_ports import BackupPlace, Trouble

MARK: Final = "station-emr-backup.json"
_FORMAT: Final = "station-emr-backup-place"
_ROOM_FACTOR: Final = 1.1
_YOUNG_SECONDS: Final = 6 * 3600


def mark(folder: str) -> str:
    """Write the mark into the folder, or give the one that is there: several machines of a station
    may share a network folder. Raises EnvironmentFailure.
    """
    file = Path(folder) / MARK
    found = _read(file)
    if found:
        return found
    made = secrets.token_hex(8)
    try:
        file.write_text(json.dumps({"format": _FORMAT, "mark": made}), encoding="ascii")
    except OSError:
        raise EnvironmentFailure(
            "Không ghi được vào thư mục đã chọn nên chưa thêm nơi sao lưu. Không có gì thay đổi. "
            "Hãy kiểm tra ổ đĩa và quyền ghi, hoặc chọn thư mục khác."
        ) from None
    return made


def look(place: BackupPlace, data: Path, size: int) -> Trouble | None:
    """What is wrong with the place; ``size`` is that of the database."""
    folder = Path(place.path)
    try:
        # The mark lies on the stick: a mount point without it, or another stick, has none.
        if _read(folder / MARK) != place.mark:
            return Trouble.ABSENT
        if not os.access(folder, os.W_OK):
            return Trouble.NOT_WRITABLE
        if shutil.disk_usage(folder).free < size * _ROOM_FACTOR:
            return Trouble.NO_ROOM
        if is_same_disk(folder, data):
            return Trouble.SAME_DISK
    except OSError:
        return Trouble.ABSENT
    return None


def is_same_disk(one: Path, other: Path) -> bool:
    """Whether both lie on one volume. Two partitions of one disk are not told apart."""
    return one.stat().st_dev == other.stat().st_dev


def is_abandoned(unfinished: Path) -> bool:
    """Old enough that no machine is still writing it: the clock of the disk itself is asked, for a
    network folder's may differ from this machine's.
    """
    with contextlib.suppress(OSError):
        probe = unfinished.with_name(f"{unfinished.name}.now")
        probe.mkdir()
        now = probe.stat().st_mtime
        probe.rmdir()
        newest = max(one.stat().st_mtime for one in (unfinished, *unfinished.iterdir()))
        return now - newest > _YOUNG_SECONDS or now < newest
    return False


def _read(file: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        document = json.loads(file.read_text(encoding="ascii")[:1024])
        if document["format"] == _FORMAT and type(document["mark"]) is str:
            return str(document["mark"])
    return ""
