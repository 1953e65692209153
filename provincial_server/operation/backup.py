"""Backing up, and making a database from a backup again (docs/server.md, "Backup")."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyrage
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from provincial_server.database import Database
from provincial_server.operation import archive, dumps
from provincial_server.operation.archive import BackupFault
from provincial_server.operation.manifest import Manifest, difference, manifest_of, take_stock
from provincial_server.operation.verify import Checked, Unsound, verify
from provincial_server.postgres.preparation import prepare
from provincial_server.settings import Clock
from provincial_server.store import EVERY_FACILITY, ServerFact

_RECIPIENT = "backup_recipient"


@dataclass(frozen=True, slots=True)
class Written:
    path: Path
    size: int
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Restored:
    manifest: Manifest
    epoch: str
    checked: Checked


def new_backup_key(session: Session) -> str:
    """Makes the province's backup key and keeps its public half. The secret half is returned, and
    is in no database: whoever steals the server and a backup must not read older backups."""
    identity = pyrage.x25519.Identity.generate()
    session.merge(ServerFact(name=_RECIPIENT, value=str(identity.to_public())))
    session.flush()
    return str(identity)


def backup_recipient(session: Session) -> str | None:
    fact = session.get(ServerFact, _RECIPIENT)
    return fact.value if fact is not None else None


def make_backup(
    url: str,
    folder: Path,
    clock: Clock,
    *,
    recipient: str | None = None,
    programs: Path | None = None,
    owner: str = "",
) -> Written:
    """`owner` is the address with the owning account of a PostgreSQL database. Raises BackupFault, OSError; then the folder is as it was. The file is opened again after
    writing, with a key that lives no longer than this call."""
    now = clock()
    if recipient is None:
        recipient = _own_recipient(url)
    if not folder.is_dir():
        raise BackupFault(f"Không có thư mục {folder}. Hãy tạo thư mục rồi chạy lại.")
    passing = pyrage.x25519.Identity.generate()
    with _workshop(url) as work:
        plain = work / "dump"
        holdings = dumps.dump(owner or url, plain, programs)
        manifest = manifest_of(
            holdings,
            backend=dumps.backend_of(url),
            now=now,
            size=plain.stat().st_size,
            sha256=archive.hash_of(plain),
        )
        path = _free_name(folder, now)
        try:
            size = archive.write(path, manifest, plain, [recipient, str(passing.to_public())])
        except pyrage.RecipientError:
            raise BackupFault("Khóa sao lưu công khai trong cấu hình không đúng.") from None
        plain.unlink()
        try:
            _open_again(path, str(passing), plain, manifest, programs)
        except BackupFault as fault:
            path.unlink(missing_ok=True)
            raise BackupFault(
                f"Bản sao lưu vừa ghi không đúng nên đã bỏ: {fault} Dữ liệu của máy chủ vẫn "
                "nguyên. Hãy kiểm tra ổ đĩa rồi sao lưu lại."
            ) from fault
    return Written(path, size, manifest)


def _open_again(
    path: Path, identity: str, plain: Path, manifest: Manifest, programs: Path | None
) -> None:
    again = archive.read(path, identity, plain)
    problem = dumps.check_dump(manifest.backend, plain, again.holdings, programs)
    if again != manifest or problem:
        raise BackupFault(f"bản sao vừa ghi không đọc lại được ({problem}).")


def _own_recipient(url: str) -> str:
    with dumps.looking(url) as session:
        found = backup_recipient(session)
    if found is None:
        raise BackupFault(
            "Máy chủ chưa có khóa sao lưu. Chưa có gì được ghi. Hãy chạy "
            "`provincial-server init --new-backup-key` và cất khóa bí mật ở nơi an toàn."
        )
    return found


def _free_name(folder: Path, now: int) -> Path:
    moment = datetime.fromtimestamp(now // 1000, UTC)
    stem = f"provincial-{moment:%Y%m%dT%H%M%SZ}"
    path = folder / f"{stem}{archive.SUFFIX}"
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{archive.SUFFIX}"
    return path


@contextlib.contextmanager
def _workshop(url: str) -> Iterator[Path]:
    """A folder for this account alone. For SQLite it lies beside the database: what is plain for a
    moment stays on the disk that holds the record anyway."""
    beside: Path | None = None
    if dumps.backend_of(url) == dumps.SQLITE:
        beside = dumps.sqlite_file(url).resolve().parent
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=beside) as name:
        yield Path(name)


def read_manifest(path: Path, identity: str, url: str) -> Manifest:
    """Opens a backup to the end, and keeps nothing of it."""
    with _workshop(url) as work:
        return archive.read(path, identity, work / "dump")


def restore(
    path: Path, identity: str, url: str, *, programs: Path | None = None, owner: str = ""
) -> Restored:
    """Makes the empty database what the backup was, checks all of it, and gives it a new epoch.
    Raises BackupFault, OSError. A SQLite database appears only when everything was found right."""
    if not dumps.is_empty(owner or url):
        raise BackupFault(
            "Cơ sở dữ liệu đích đã có dữ liệu. Chưa có gì thay đổi. Chỉ khôi phục vào một cơ sở "
            "dữ liệu trống: hãy đổi tên tệp cũ để giữ lại, hoặc tạo cơ sở dữ liệu mới."
        )
    with _workshop(url) as work:
        plain = work / "dump"
        manifest = archive.read(path, identity, plain)
        backend = dumps.backend_of(url)
        if manifest.backend != backend:
            raise BackupFault(
                f"Bản sao này là của {manifest.backend}, còn đích là {backend}. Chưa có gì thay "
                "đổi. Hãy khôi phục vào cùng loại cơ sở dữ liệu."
            )
        if backend != dumps.SQLITE:
            dumps.restore_postgres(owner or url, plain, programs)
            if owner:
                prepare(owner, make_url(url).username or "")
            return _accept(url, manifest)
        done = _accept(f"sqlite:///{plain}", manifest)
        target = dumps.sqlite_file(url)
        for leftover in (f"{target}-wal", f"{target}-shm"):
            Path(leftover).unlink(missing_ok=True)  # of the empty file: they would be replayed
        plain.replace(target)
        _sync_folder(target.resolve().parent)
    return done


def _accept(url: str, manifest: Manifest) -> Restored:
    """The new epoch is given only to a database in which everything is right."""
    database = Database(url)
    try:
        with database.read(EVERY_FACILITY) as session:
            problem = difference(manifest.holdings, take_stock(session))
            if problem:
                raise BackupFault(f"Dữ liệu khôi phục không khớp bản sao: {problem}.")
            checked = verify(session)
        with database.write(EVERY_FACILITY) as session:
            epoch = database.new_epoch(session)
    except Unsound as fault:
        raise BackupFault(f"Dữ liệu trong bản sao không đúng: {fault}") from fault
    finally:
        database.close()
    return Restored(manifest, epoch, checked)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # Windows has no handle to a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
