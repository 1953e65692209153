"""Bad files and bad disks: one clear sentence, nothing written, and the store lives on."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import text

from station_emr.db import connection as connections
from station_emr.db import failures, schema
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import (
    DatabaseDamaged,
    DatabaseMissing,
    DatabaseTooNew,
    DiskFull,
    EnvironmentFailure,
)
from tests.children.child import Nursery

from .records import KEY, encounter, patient, record_id, sign


def folder(path: Path) -> dict[str, bytes]:
    return {item.name: item.read_bytes() for item in path.iterdir()}


@pytest.fixture
def closed(full_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(full_file, tmp_path))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DatabaseMissing, match="Không tìm thấy cơ sở dữ liệu"):
        EncryptedStore.open(tmp_path / "none.db", KEY)
    assert folder(tmp_path) == {}


def test_a_file_that_may_not_be_opened_is_not_called_missing(tmp_path: Path) -> None:
    path = tmp_path / "station.db"
    path.mkdir()  # what even the administrator cannot open as a file
    with pytest.raises(EnvironmentFailure, match="không cho mở") as told:
        EncryptedStore.open(path, KEY)
    assert not isinstance(told.value, DatabaseMissing)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"not a database " * 1000, b"SQLite format 3\0" + bytes(8192)]
)
def test_a_file_that_is_no_station_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "station.db"
    path.write_bytes(content)

    with pytest.raises(DatabaseDamaged, match="khôi phục từ bản sao lưu"):
        EncryptedStore.open(path, KEY)

    assert path.read_bytes() == content


def test_an_unencrypted_or_foreign_database(tmp_path: Path) -> None:
    plain = sqlcipher.connect(tmp_path / "plain.db")
    plain.execute("CREATE TABLE a (b)")
    plain.commit()
    plain.close()
    foreign = connections.connect(tmp_path / "foreign.db", KEY, create=True)
    foreign.execute("CREATE TABLE a (b)")
    foreign.close()

    for name in ("plain.db", "foreign.db"):
        with pytest.raises(DatabaseDamaged):
            EncryptedStore.open(tmp_path / name, KEY)


def test_a_database_of_a_newer_program(closed: Path) -> None:
    raw = connections.connect(closed, KEY)
    raw.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    raw.close()
    before = folder(closed.parent)

    with pytest.raises(DatabaseTooNew, match="cập nhật chương trình"):
        EncryptedStore.open(closed, KEY)

    assert folder(closed.parent) == before


@pytest.mark.parametrize("keep", [0.95, 0.5, 0.01])
def test_a_truncated_file(closed: Path, keep: float) -> None:
    os.truncate(closed, int(closed.stat().st_size * keep))

    with pytest.raises(DatabaseDamaged):
        EncryptedStore.open(closed, KEY).check()


@pytest.mark.parametrize("page", [0, 1, 5, 20, 40])
def test_one_flipped_bit_is_seen(closed: Path, page: int) -> None:
    with closed.open("r+b") as file:
        file.seek(page * 4096 + 2000)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes((byte ^ 0x10,)))

    with pytest.raises(DatabaseDamaged):
        EncryptedStore.open(closed, KEY).check()


def test_reading_a_damaged_page_is_told_and_the_rest_stays_readable(closed: Path) -> None:
    raw = connections.connect(closed, KEY)
    (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'print_log'").fetchone()
    raw.close()
    with closed.open("r+b") as file:
        file.seek((page - 1) * 4096 + 100)
        file.write(bytes(16))

    store = EncryptedStore.open(closed, KEY)
    with pytest.raises(DatabaseDamaged), store.read() as work:
        work.prints.rows(5)
    with store.read() as work:
        assert work.patients.get(record_id(1)).record == patient()
    store.close()


def test_creating_never_overwrites(closed: Path) -> None:
    before = closed.read_bytes()

    with pytest.raises(EnvironmentFailure, match="Không có gì bị ghi đè"):
        EncryptedStore.create(closed, KEY)

    assert closed.read_bytes() == before


def test_a_half_made_database_of_a_killed_set_up_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "station.db.new").write_bytes(b"half")
    EncryptedStore.create(tmp_path / "station.db", KEY).close()

    assert [item.name for item in tmp_path.iterdir()] == ["station.db"]


def test_a_full_disk_writes_nothing_and_passes_when_room_returns(
    full_store: EncryptedStore,
) -> None:
    with full_store.write() as work:
        pages = work._connection.execute(text("PRAGMA page_count")).scalar_one()
        work._connection.execute(text(f"PRAGMA max_page_count = {pages}")).scalar_one()

    with pytest.raises(DiskFull, match="chưa được ghi"), full_store.write() as work:  # noqa: PT012
        work.counters.next("chart", "A", 2026)
        for number in range(2, 400):
            sign(work.patients, patient(number))

    with full_store.read() as work:
        assert work.counts().patients == 1
        assert work.counters.peek("chart", "A", 2026) == 1
        assert len(work.patients.search("ro cham", 50)) == 1
    with full_store.write() as work:
        work._connection.execute(text(f"PRAGMA max_page_count = {pages * 100}")).scalar_one()
    with full_store.write() as work:
        for number in range(2, 100):
            sign(work.patients, patient(number))
    assert full_store.counts.patients == 99
    full_store.check()


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import importlib.util
sys.path.insert(0, {folder!r})
spec = importlib.util.spec_from_file_location("records", {records!r})
records = importlib.util.module_from_spec(spec)
sys.modules["records"] = records
spec.loader.exec_module(records)
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import DiskFull

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit then fails with EFBIG
store = EncryptedStore.open(Path({path!r}), records.KEY)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
written, refused = 1, 0
for number in range(2, 120):
    if number == 90:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    elif number == 20:
        size = Path({path!r} + "-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, hard))
    try:
        with store.write() as work:
            records.sign(work.patients, records.patient(number))
        written += 1
    except DiskFull:
        refused += 1
        assert 20 <= number < 90, number
assert refused > 30, refused
assert store.counts.patients == written, (store.counts, written)
store.check()
store.close()
print("ok")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX matter")
def test_a_disk_that_refuses_every_write_for_a_while(
    closed: Path, children: Nursery, tmp_path: Path
) -> None:
    """The operating system itself refuses: through the log, the checkpoint and the commit."""
    script = FULL_DISK.format(
        folder=str(Path(__file__).parents[2]),
        records=str(Path(__file__).with_name("records.py")),
        path=str(closed),
    )
    with children.start(tmp_path, script) as child:
        assert child.stdout.read() == "ok\n", child.errors


def test_another_program_is_writing(
    full_store: EncryptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0.05)
    other = connections.connect(full_store.path, KEY)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(EnvironmentFailure, match="chương trình khác"), full_store.write():
        pass

    with full_store.read() as work:  # readers never wait
        assert work.patients.get(record_id(1)).version == 1
    other.execute("ROLLBACK")
    other.close()
    with full_store.write() as work:
        work.settings.put("a", "b")


def test_a_backup_is_checked_and_opens_alone(full_store: EncryptedStore, tmp_path: Path) -> None:
    target = tmp_path / "usb" / "backup.db"
    target.parent.mkdir()

    full_store.backup(str(target))

    with full_store.write() as work:
        sign(work.encounters, encounter(109))
    copy = EncryptedStore.open(target, KEY)
    assert copy.counts.encounters == 1
    with copy.read() as work:
        assert work.patients.get(record_id(1)).record == patient()
        assert work.patients.search("hbe", 5)
        assert work.audit.verify() is None
    copy.close()
    assert "Mẫu".encode() not in target.read_bytes()

    with pytest.raises(EnvironmentFailure, match="Không có gì bị ghi đè"):
        full_store.backup(str(target))
    with pytest.raises(EnvironmentFailure, match="ổ USB"):
        full_store.backup(str(tmp_path / "no such folder" / "backup.db"))


def test_a_backup_of_a_damaged_file_is_refused_and_removed(closed: Path, tmp_path: Path) -> None:
    raw = connections.connect(closed, KEY)
    (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'print_log'").fetchone()
    raw.close()
    with closed.open("r+b") as file:
        file.seek((page - 1) * 4096 + 100)
        file.write(bytes(16))
    store = EncryptedStore.open(closed, KEY)

    with pytest.raises(DatabaseDamaged):
        store.backup(str(tmp_path / "backup.db"))

    assert not (tmp_path / "backup.db").exists()
    store.close()


def test_bugs_are_not_dressed_up_as_failures_of_the_machine() -> None:
    assert failures.explain(ValueError("x")) is None
    assert failures.explain(sqlcipher.IntegrityError("patient: never deleted")) is None
    assert failures.explain(sqlcipher.OperationalError("no such table: x")) is None
    assert isinstance(failures.explain(sqlcipher.OperationalError("disk I/O error")), DiskFull)
