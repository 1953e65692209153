"""Backing up, restoring, verifying: on a real database, through the operator's own commands."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyrage
import pytest
from sqlalchemy import select

from provincial_server import auth
from provincial_server.auth import Caller
from provincial_server.courier.keys import courier_keys
from provincial_server.database import Database
from provincial_server.exchange.service import Exchange
from provincial_server.operation import archive, backup
from provincial_server.operation.archive import BackupFault
from provincial_server.resources import Writer
from provincial_server.settings import Settings
from provincial_server.store import EVERY_FACILITY, Facility
from provincial_server.validation import check
from tests.provincial_command import main
from tests.server.exchange_client import encode, envelope, person, record_id
from tests.server.samples import patient

FACILITY = "DEMO01"


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process, over `server.db` unless another is named."""

    def call(*arguments: str, database: str = "server.db") -> Result:
        code = main([*arguments, "--database", f"sqlite:///{tmp_path / database}"])
        return Result(code, *capsys.readouterr())

    return call


def fill(path: Path) -> None:
    """Two facilities with operations, resources and a change feed."""
    url = f"sqlite:///{path}"
    database = Database(url)
    exchange = Exchange(Settings(url), database)
    for code, count in ((FACILITY, 12), ("DEMO02", 3)):
        with database.write(EVERY_FACILITY) as session:
            auth.add_facility(session, code, f"Trạm mẫu {code}", 0)
            device = auth.enrol_device(session, code, "Máy 1", 0).device_id
        caller = Caller(device, code, "Trạm mẫu")
        lines = [person(record_id(), inc="00000000000000aa") for _ in range(count)]
        header = {"v": 1, "rid": "r1", "inc": "00000000000000aa", "n": 10_000, "cursor": 0}
        exchange.answer(caller, b"\n".join([encode({**header, "room": 1}), *lines]))
        with database.write(EVERY_FACILITY) as session:
            writer = Writer(session, caller, 1_000)
            for number in range(count):
                resource = patient(f"p{number}")
                writer.put(check(resource), f"p{number}")
            writer.flush()
    database.close()


@pytest.fixture
def filled(tmp_path: Path, run: Run) -> str:
    """The secret backup key of a province with some records."""
    said = run("init").out
    fill(tmp_path / "server.db")
    [key] = [word for word in said.split() if word.startswith("AGE-SECRET-KEY-1")]
    return key


def write_backup(tmp_path: Path, run: Run) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir(exist_ok=True)
    result = run("backup", str(folder))
    assert (result.code, result.err) == (0, "")
    [file] = folder.iterdir()
    return file


def test_a_backup_brings_everything_back_under_a_new_epoch(
    tmp_path: Path, run: Run, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_backup(tmp_path, run)
    assert file.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("PROVINCIAL_SERVER_BACKUP_IDENTITY", filled)
    result = run("restore", str(file), database="again.db")
    assert (result.code, result.err) == (0, "")
    assert "2 cơ sở, 15 mục" in result.out
    old, new = (
        Database(f"sqlite:///{tmp_path / 'server.db'}"),
        Database(f"sqlite:///{tmp_path / 'again.db'}"),
    )
    assert old.epoch != new.epoch
    assert new.epoch in result.out
    with old.read() as before, new.read() as after:
        assert courier_keys(before).public() == courier_keys(after).public()
        kept = select(Facility.code, Facility.operation_sequence, Facility.last_sequence)
        assert before.execute(kept).all() == after.execute(kept).all()
    old.close()
    new.close()
    assert run("verify", database="again.db").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.db", "backups", "server.db"]


def test_nothing_of_a_record_lies_open_in_a_backup(tmp_path: Path, run: Run, filled: str) -> None:
    file = write_backup(tmp_path, run)
    content = file.read_bytes()
    assert content.startswith(b"age-encryption.org/v1")
    for word in ("Nguyễn Thị Mẫu", FACILITY, "Trạm mẫu", "SQLite format"):
        assert word.encode() not in content


def test_a_backup_of_a_database_that_is_being_written_is_one_moment(
    tmp_path: Path, run: Run, filled: str
) -> None:
    writing = sqlite3.connect(tmp_path / "server.db", isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    writing.execute("UPDATE facility SET operation_sequence = 99 WHERE code = ?", (FACILITY,))
    file = write_backup(tmp_path, run)
    writing.execute("ROLLBACK")
    writing.close()
    manifest = backup.read_manifest(file, filled, f"sqlite:///{tmp_path / 'server.db'}")
    assert manifest.holdings.facilities[FACILITY]["operations"] == 12
    assert manifest.holdings.facilities[FACILITY]["count"] == 12
    assert manifest.holdings.tables["facility"] == 2


def test_only_an_empty_database_is_restored_into(
    tmp_path: Path, run: Run, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_backup(tmp_path, run)
    before = (tmp_path / "server.db").read_bytes()
    monkeypatch.setenv("PROVINCIAL_SERVER_BACKUP_IDENTITY", filled)
    result = run("restore", str(file))
    assert result.code == 1
    assert "đã có dữ liệu" in result.err
    assert (tmp_path / "server.db").read_bytes() == before


@pytest.mark.parametrize("place", [0.02, 0.5, 0.999])
def test_a_damaged_backup_leaves_nothing_behind(
    tmp_path: Path, run: Run, filled: str, place: float
) -> None:
    file = write_backup(tmp_path, run)
    content = bytearray(file.read_bytes())
    content[int(len(content) * place)] ^= 1
    file.write_bytes(content)
    key = tmp_path / "key.txt"
    key.write_text(f"# khóa sao lưu\n{filled}\n", encoding="utf-8")
    result = run("restore", str(file), "--identity", str(key), database="again.db")
    assert result.code == 1
    assert "Chưa có gì thay đổi" in result.err
    assert not (tmp_path / "again.db").exists()
    assert not list(tmp_path.glob(".backup-*"))


def test_a_backup_that_was_cut_is_refused(
    tmp_path: Path, run: Run, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_backup(tmp_path, run)
    file.write_bytes(file.read_bytes()[:-20_000])
    monkeypatch.setenv("PROVINCIAL_SERVER_BACKUP_IDENTITY", filled)
    result = run("restore", str(file), database="again.db")
    assert result.code == 1
    assert not (tmp_path / "again.db").exists()


def test_another_key_and_no_key_open_nothing(
    tmp_path: Path, run: Run, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_backup(tmp_path, run)
    assert "Chưa có khóa" in run("restore", str(file), database="again.db").err
    other = str(pyrage.x25519.Identity.generate())
    for wrong, said in ((other, "không mở được tệp"), ("xin-chao", "không phải một khóa")):
        monkeypatch.setenv("PROVINCIAL_SERVER_BACKUP_IDENTITY", wrong)
        result = run("restore", str(file), database="again.db")
        assert result.code == 1
        assert said in result.err
        assert wrong not in result.err


def test_a_backup_that_does_not_read_back_is_thrown_away(
    tmp_path: Path, run: Run, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = archive.write

    def rot(path: Path, *more: object) -> int:
        size = written(path, *more)  # type: ignore[arg-type]
        content = bytearray(path.read_bytes())
        content[-100] ^= 1  # a disk that keeps something else than it was given
        path.write_bytes(content)
        return size

    monkeypatch.setattr(archive, "write", rot)
    folder = tmp_path / "backups"
    folder.mkdir()
    with pytest.raises(BackupFault, match="đã bỏ"):
        backup.make_backup(f"sqlite:///{tmp_path / 'server.db'}", folder, lambda: 0)
    assert not list(folder.iterdir())


def test_init_is_refused_a_second_time_and_keys_can_be_renewed(run: Run) -> None:
    first = run("init")
    assert first.code == 0
    assert "facility add" in first.out
    again = run("init")
    assert (again.code, again.out) == (1, "")
    assert "đã được khởi tạo" in again.err
    renewed = run("init", "--new-backup-key")
    assert renewed.code == 0
    assert "AGE-SECRET-KEY-1" in renewed.out
    assert "Mã quản trị" not in renewed.out


FAULTS = {
    "a line that was changed": (
        (
            "UPDATE operation SET line = (SELECT line FROM operation AS o WHERE sequence = 2) WHERE "
            "facility_code = 'DEMO01' AND sequence = 7"
        ),
        "dòng số 7 không khớp mã băm",
    ),
    "a line that cannot be read": (
        "UPDATE operation SET line = x'00' WHERE facility_code = 'DEMO01' AND sequence = 5",
        "dòng số 5 không giải nén được",
    ),
    "a line that is gone": (
        "DELETE FROM operation WHERE facility_code = 'DEMO01' AND sequence = 4",
        "thiếu số 4",
    ),
    "the last line is gone": (
        "DELETE FROM operation WHERE facility_code = 'DEMO02' AND sequence = 3",
        "nhật ký có 2 dòng nhưng cơ sở ghi 3",
    ),
    "a tally": (
        "UPDATE operation_bucket SET total = total + 1 WHERE rowid = 1",
        "không khớp với nhật ký",
    ),
    "a record that shows nothing": (
        "UPDATE operation_record SET shown_op_id = 'ff' WHERE rowid = 1",
        "trỏ đến dòng ff",
    ),
    "a head without its version": (
        "UPDATE resource SET version = 2 WHERE facility_code = 'DEMO01' AND resource_id = 'p3'",
        "ghi phiên bản 2 nhưng kho có 1",
    ),
    "a gap in the feed": (
        "DELETE FROM change WHERE facility_code = 'DEMO01' AND sequence = 6",
        "dòng thay đổi thiếu số 6",
    ),
    "the start of the feed": (
        "DELETE FROM change WHERE facility_code = 'DEMO01' AND sequence = 1",
        "dòng thay đổi thiếu số 1",
    ),
    "a number that was given": (
        "UPDATE incarnation SET highest_number = 1 WHERE facility_code = 'DEMO01'",
        "số lớn nhất của máy 00000000000000aa",
    ),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_verify_names_the_first_fault(tmp_path: Path, run: Run, filled: str, name: str) -> None:
    assert run("verify").code == 0
    statement, said = FAULTS[name]
    connection = sqlite3.connect(tmp_path / "server.db")
    guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    kept = guards.fetchall()
    for trigger, _ in kept:
        connection.execute(f"DROP TRIGGER {trigger}")
    assert connection.execute(statement).rowcount >= 1
    for _, sql in kept:
        connection.execute(sql)
    connection.commit()
    connection.close()
    result = run("verify")
    assert result.code == 1
    assert said in result.err


def test_verify_misses_a_guard_that_was_taken_off(tmp_path: Path, run: Run, filled: str) -> None:
    connection = sqlite3.connect(tmp_path / "server.db")
    connection.execute("DROP TRIGGER operation_refuse_delete")
    connection.commit()
    connection.close()
    result = run("verify")
    assert result.code == 1
    assert "Bảng operation không còn khóa chống xóa" in result.err


def test_verify_can_look_at_one_facility(run: Run, filled: str) -> None:
    assert "1 cơ sở, 3 mục" in run("verify", "--facility", "DEMO02").out
    assert run("verify", "--facility", "DEMO09").code == 1


def test_help_and_refusals_are_vietnamese(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["--help"], ["restore", "--help"], ["device", "enrol-code", "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert ended.value.code == 0
        said = capsys.readouterr().out
        assert "cách dùng" in said
        for english in ("usage:", "options:", "positional", "show this help"):
            assert english not in said
    for wrong in (["restore"], ["backup", "--log-level", "loud"], ["dance"], ["serve", "--port"]):
        with pytest.raises(SystemExit) as ended:
            main(wrong)
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert "Chưa có gì thay đổi" in said
        for english in ("required", "invalid", "expected", "usage"):
            assert english not in said


def test_the_tests_have_what_they_plant(filled: str, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'server.db'}")
    with database.read() as session:
        facility = session.get_one(Facility, FACILITY)
        assert (facility.operation_sequence, facility.last_sequence) == (12, 12)
    database.close()
    assert envelope("patient", "x")["inc"] == "00000000000000aa"
