"""A backup is a folder that opens like the station itself: the encrypted database and its key slots.

Without the key slots nobody could open the copy, not even with the recovery code. Beside them lies
a small manifest in the clear: which station, when, how many records. No name, no illness.

A copy is built under a name of its own and gets its real one only after it was opened and read
through, so whatever has the name of a copy is one, at any moment the power may go.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from station_emr.domain.errors import DiskFull, EnvironmentFailure, NotFound
from station_emr.services.backup_ports import (
    BackupCopy,
    BackupPlace,
    BackupSource,
    CopyFacts,
    FoundCopy,
    Trouble,
)
from station_emr.services.ports import Store

from . import backup_manifest, backup_places, durable_file, slot_file
from .backup_manifest import MANIFEST

TURN: Final = "backup.lock"
REHEARSAL: Final = "drill.unfinished"
_UNFINISHED: Final = ".unfinished"
_NO_KEYS: Final = (
    "Không đọc được tệp khóa của trạm nên chưa sao lưu. Hồ sơ trên máy còn nguyên. "
    "Hãy khởi động lại chương trình rồi làm lại."
)
_NOT_WRITTEN: Final = (
    "Chưa sao lưu được: không ghi được vào thư mục đã chọn. Hồ sơ trên máy còn nguyên. "
    "Hãy kiểm tra ổ đĩa, chỗ trống và quyền ghi, hoặc chọn thư mục khác."
)
_FULL: Final = (
    "Ổ sao lưu đã hết chỗ nên chưa có bản sao mới. Hồ sơ trên máy và các bản sao cũ còn nguyên. "
    "Hãy xóa bớt tệp khác trên ổ đó hoặc dùng ổ lớn hơn, rồi làm lại."
)
_NO_COPY: Final = "Không thấy bản sao này nữa. Hãy cắm USB hoặc nối thư mục mạng rồi làm lại."
_UNREADABLE: Final = (
    "Không đọc được bản sao: ổ đĩa lỗi hoặc đã rút ra. Hồ sơ trên máy còn nguyên. "
    "Hãy thử bản sao ở nơi khác."
)
_CHANGED: Final = (
    "Bản sao đã bị đổi hoặc hỏng sau khi tạo. Hồ sơ trên máy còn nguyên. "
    "Hãy sao lưu ra một ổ khác rồi diễn tập lại."
)
_NO_ROOM_HERE: Final = (
    "Ổ đĩa của máy không đủ chỗ để mở thử bản sao. Không có gì thay đổi. "
    "Hãy xóa bớt tệp không cần rồi làm lại."
)
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FolderShelf:
    """Puts copies into folders named by the caller."""

    def __init__(self, store: BackupSource, database: str, slots: Path) -> None:
        self._store = store
        self._database = database
        self._slots = slots

    @property
    def _id(self) -> str:
        """Empty when the key slots cannot be read; then no copy is taken for this station's."""
        with contextlib.suppress(OSError, slot_file.Damaged, EnvironmentFailure):
            return slot_file.parse(self._slots.read_bytes()).database_id
        return ""

    def write(self, folder: str, name: str, at: datetime, code: str) -> BackupCopy:
        place = Path(folder) / name
        building = place.with_name(f".{name}{_UNFINISHED}")
        self._keys()
        self._store.check_pages()
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self._sweep(Path(folder))
            building.mkdir()
            facts = self._build(building, at, code)
            building.rename(place)  # a folder that holds something is never replaced
            durable_file.sync_folder(Path(folder))
            size = sum(file.stat().st_size for file in place.iterdir())
        except OSError as error:
            _remove(building)
            kind = DiskFull if error.errno in _NO_ROOM else EnvironmentFailure
            raise kind(_FULL if kind is DiskFull else _NOT_WRITTEN) from None
        except DiskFull:
            _remove(building)
            raise DiskFull(_FULL) from None
        except BaseException:
            _remove(building)
            raise
        return BackupCopy(place=str(place), size=size, at=at, facts=facts)

    def _build(self, building: Path, at: datetime, code: str) -> CopyFacts:
        """The keys are read after the database: when the data key was changed in between, the newer
        slots lead back to the older key, never the other way round.
        """
        database = building / self._database
        self._store.backup(str(database))
        keys = self._keys()
        (building / self._slots.name).write_bytes(keys)
        facts = self._facts(database)
        manifest = backup_manifest.Manifest(
            database_id=self._id,
            code=code,
            at=at,
            files={
                self._database: backup_manifest.digest(database),
                self._slots.name: backup_manifest.digest(building / self._slots.name),
            },
            facts=facts,
        )
        (building / MANIFEST).write_bytes(backup_manifest.dump(manifest))
        for file in building.iterdir():
            _flush(file)
        durable_file.sync_folder(building)
        return facts

    def _keys(self) -> bytes:
        try:
            return self._slots.read_bytes()
        except OSError:
            raise EnvironmentFailure(_NO_KEYS) from None

    def _facts(self, database: Path) -> CopyFacts:
        copy = self._store.opened_copy(str(database))
        try:
            facts = facts_of(copy)
        finally:
            copy.close()
        for suffix in ("-wal", "-shm"):  # left when somebody else still looks at the file
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        return facts

    def _sweep(self, folder: Path) -> None:
        """What a power cut left of this station's earlier copies; the turn is held, so nobody is
        building here but a colleague's machine, whose name differs or whose work is young.
        """
        for left in folder.glob(f".tram-*{_UNFINISHED}"):
            if backup_places.is_abandoned(left):
                _remove(left)

    @contextlib.contextmanager
    def rehearse(self, place: str) -> Iterator[CopyFacts]:
        found = Path(place)
        if not (found / self._database).is_file():
            raise NotFound(_NO_COPY)
        aside = self._slots.with_name(REHEARSAL)
        _remove(aside)
        try:
            self._take_aside(found, aside)
            yield self._facts(aside / self._database)
        finally:
            _remove(aside)

    def _take_aside(self, found: Path, aside: Path) -> None:
        """Raises EnvironmentFailure for what is not, byte for byte, what was made."""
        manifest = backup_manifest.read(found)
        names = (self._database, self._slots.name)
        try:
            aside.mkdir(mode=0o700)
            for name in names:
                shutil.copyfile(found / name, aside / name)
            made = {name: backup_manifest.digest(aside / name) for name in names}
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise DiskFull(_NO_ROOM_HERE) from None
            raise EnvironmentFailure(_UNREADABLE) from None
        if manifest is not None and any(manifest.files.get(name) != made[name] for name in names):
            raise EnvironmentFailure(_CHANGED)

    def copies(self, folder: str) -> tuple[FoundCopy, ...]:
        return tuple(one for one in backup_manifest.found_in(folder, self._id) if one.own)

    def remove(self, place: str) -> None:
        folder = Path(place)
        if backup_manifest.read(folder) is None:
            return  # not one of ours
        try:
            # The manifest first: a folder without it is no copy any more, and nobody's to remove.
            for name in (MANIFEST, self._database, self._slots.name):
                (folder / name).unlink(missing_ok=True)
            if not any(folder.iterdir()):
                folder.rmdir()
        except OSError:
            raise EnvironmentFailure(
                "Không xóa được bản sao cũ. Không bản nào khác bị đụng tới. Hãy kiểm tra ổ sao lưu."
            ) from None

    def mark(self, folder: str) -> str:
        return backup_places.mark(folder)

    def look(self, place: BackupPlace) -> Trouble | None:
        return backup_places.look(place, self._slots.parent, self._store.size())

    def size(self) -> int:
        return self._store.size()

    @contextlib.contextmanager
    def turn(self) -> Iterator[bool]:
        with durable_file.turn(self._slots.with_name(TURN)) as mine:
            yield mine


def facts_of(store: Store) -> CopyFacts:
    """Read a whole database through: how many of each, the end of its log, whether that is whole."""
    with store.read() as work:
        counts = work.counts()
        head = work.audit.head()
        broken = work.audit.verify()
    return CopyFacts(
        counts={
            "patient": counts.patients,
            "encounter": counts.encounters,
            "prescription": counts.prescriptions,
            "referral": counts.referrals,
            "appointment": counts.appointments,
        },
        head=head.words if head is not None else "",
        chain_whole=broken is None,
    )


def _flush(file: Path) -> None:
    # Windows flushes only a handle that may write.
    handle = os.open(file, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(place: Path) -> None:
    with contextlib.suppress(OSError):
        shutil.rmtree(place)
