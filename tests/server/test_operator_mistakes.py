"""What an operator gets wrong is said in Vietnamese, with what to do, and changes nothing."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyrage
import pytest

from provincial_server.operation.archive import BackupFault
from provincial_server.operation.dumps import dump, is_empty
from provincial_server.operation.explaining import explain, explain_listening
from tests import databases
from tests.postgres_cluster import OWNER, SERVER
from tests.provincial_command import main

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command on a SQLite file: its code and what it said of a refusal."""

    def ask(*words: str) -> tuple[int, str]:
        code = main([*words, "--database", f"sqlite:///{tmp_path / 'server.db'}"])
        return code, capsys.readouterr().err

    return ask


@pytest.mark.parametrize(
    "words",
    [
        ("serve", "--port", "0"),
        ("verify",),
        ("facility", "add", "MAU1", "Trạm mẫu"),
        ("facility", "list"),
        ("device", "enrol-code", "MAU1"),
        ("device", "list"),
        ("new-epoch",),
        ("backup", "."),
        ("reread",),
        ("user", "list"),
        ("program", "announce", "1.0", "--date", "2027-01-01"),
    ],
)
def test_a_database_that_is_not_there_is_not_begun_by_mistake(
    run: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, said = run(*words)
    assert code == 1
    assert f"Không có tệp cơ sở dữ liệu {tmp_path / 'server.db'}" in said
    assert "provincial-server init" in said
    assert list(tmp_path.iterdir()) == []


@databases.once
def test_it_is_begun_by_init(run: Run) -> None:
    assert run("init")[0] == 0
    assert run("verify") == (0, "")


@databases.once
def test_a_file_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(str(pyrage.x25519.Identity.generate()), encoding="ascii")
    gone = tmp_path / "gone.semrbak"
    code, said = run("restore", str(gone), "--identity", str(key))
    assert (code, said) == (1, f"Không chạy được. Không có tệp hoặc thư mục này: {gone}.\n")


@databases.once
def test_an_address_of_another_machine_is_told(run: Run) -> None:
    run("init")
    code, told = run("serve", "--port", "0", "--host", "203.0.113.9")
    assert (code, told) == (
        1,
        "Địa chỉ 203.0.113.9 không phải của máy này. Hãy sửa khóa “host”.\n",
    )
    assert "nowhere không phải" in explain_listening("nowhere", 1, socket.gaierror(-2, "unknown"))


@databases.once
def test_the_systems_own_words_stay_where_we_have_none() -> None:
    assert explain(OSError(28, "No space left on device")) == "Không chạy được. Ổ đĩa đầy."
    assert "lạ" in explain(OSError(999, "lạ"))
    assert "1024" in explain_listening("0.0.0.0", 80, PermissionError(13, "Permission denied"))


@databases.once
def test_the_owners_address_of_another_database_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(
        "PROVINCIAL_SERVER_OWNER_DATABASE", "postgresql://emr_owner@127.0.0.1:9/emr_copy"
    )
    served = ["--database", "postgresql://emr_server@127.0.0.1:9/emr"]
    for words in (["backup", str(tmp_path)], ["restore", "x"], ["postgres", "prepare"]):
        monkeypatch.setenv("PROVINCIAL_SERVER_BACKUP_IDENTITY", "AGE-SECRET-KEY-1")
        assert main([*words, *served]) == 1
        said = capsys.readouterr().err
        assert "“emr_copy”" in said
        assert "“emr”" in said
    assert list(tmp_path.iterdir()) == []


@databases.once
def test_an_owners_address_is_nothing_to_a_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVINCIAL_SERVER_OWNER_DATABASE", "postgresql://a@127.0.0.1:9/other")
    run("init")
    (tmp_path / "kept").mkdir()
    assert run("backup", str(tmp_path / "kept")) == (0, "")


@databases.once
def test_a_postgres_database_that_cannot_be_backed_up_is_told_from_a_busy_one(
    tmp_path: Path,
) -> None:
    cluster = databases.cluster()
    name = cluster.new_database(template="template0")
    try:
        with pytest.raises(BackupFault, match="còn trống"):
            dump(cluster.url(name, OWNER), tmp_path / "dump", None)
        with pytest.raises(BackupFault, match="sai tài khoản"):
            dump(cluster.url("nowhere", SERVER), tmp_path / "dump", None)
        with pytest.raises(BackupFault, match="sai tài khoản"):
            is_empty(cluster.url("nowhere", OWNER))
    finally:
        cluster.drop_database(name)
    assert list(tmp_path.iterdir()) == []


def _damage(path: Path, start: int) -> None:
    """As a bad disk does it: the file is as long as before, and opens."""
    with path.open("r+b") as file:
        for place in range(start, path.stat().st_size - 4096, 4096):
            file.seek(place)
            file.write(b"\xa5" * 4096)


@databases.once
@pytest.mark.parametrize("start", [0, 4096])
def test_a_damaged_file_is_told_from_a_busy_one(run: Run, tmp_path: Path, start: int) -> None:
    run("init")
    _damage(tmp_path / "server.db", start)
    (tmp_path / "kept").mkdir()
    for words in (["backup", str(tmp_path / "kept")], ["verify"], ["facility", "list"]):
        code, said = run(*words)
        assert code == 1
        assert "hỏng" in said
    assert list((tmp_path / "kept").iterdir()) == []


@databases.once
def test_damage_inside_is_found_without_a_traceback(run: Run, tmp_path: Path) -> None:
    """The list of tables is whole, what the tables hold is not."""
    run("init")
    path = tmp_path / "server.db"
    with closing(sqlite3.connect(path)) as whole:
        roots = {
            row[0]
            for row in whole.execute(
                "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'operation' AND rootpage > 0"
            )
        }
    with path.open("r+b") as file:
        for root in roots:
            file.seek((root - 1) * 4096)
            file.write(b"\xa5" * 4096)
    (tmp_path / "kept").mkdir()
    for words in (["verify"], ["backup", str(tmp_path / "kept")]):
        code, said = run(*words)
        assert code == 1
        assert "hỏng" in said
    assert list((tmp_path / "kept").iterdir()) == []


@databases.once
def test_an_empty_file_is_not_backed_up(run: Run, tmp_path: Path) -> None:
    (tmp_path / "server.db").touch()
    code, said = run("backup", str(tmp_path))
    assert (code, said) == (1, "Cơ sở dữ liệu còn trống. Chưa có gì được ghi.\n")


@databases.once
def test_a_disk_without_room_for_the_copy_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is begun in a file that may not grow."""
    run("init")
    connect = sqlite3.connect

    def small(name: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(name, **named)
        if not named.get("uri"):
            connection.execute("PRAGMA max_page_count = 3")
        return connection

    monkeypatch.setattr("provincial_server.operation.dumps.sqlite3.connect", small)
    (tmp_path / "kept").mkdir()
    code, said = run("backup", str(tmp_path / "kept"))
    assert code == 1
    assert "đầy" in said
    assert list((tmp_path / "kept").iterdir()) == []


@databases.once
@pytest.mark.parametrize(
    "version", ["<b>", "0,5", "bản 0.5", "5", "0.5.", "0.5rc1", "0." * 20 + "1"]
)
def test_a_program_is_announced_by_a_version_that_can_be_compared(run: Run, version: str) -> None:
    run("init")
    code, said = run("program", "announce", version, "--date", "2027-01-01")
    assert code == 1
    assert "ví dụ 0.5.0" in said
    assert run("program", "announce", "0.5.0", "--date", "2027-01-01") == (0, "")


@databases.once
def test_a_password_cannot_be_asked_for_without_a_keyboard(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_prompt: str) -> str:
        raise EOFError

    monkeypatch.delenv("PROVINCIAL_SERVER_PASSWORD", raising=False)
    monkeypatch.setattr("getpass.getpass", nobody)
    run("init")
    code, said = run("user", "add", "mau.mau", "Mẫu", "--role", "overseer")
    assert code == 1
    assert "PROVINCIAL_SERVER_PASSWORD" in said


@databases.once
def test_whoever_stops_a_command_is_told_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    run("init")
    monkeypatch.setattr("provincial_server.operation.commands.verify", stopped)
    assert run("verify") == (130, "\nĐã dừng theo yêu cầu.\n")
