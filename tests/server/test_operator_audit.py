"""What somebody does at the server itself, by a command, stands in the access log."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import select

from provincial_server import auth
from provincial_server.operation import dumps
from provincial_server.store import EVERY_FACILITY, Device
from provincial_server.web.access_log import PROVINCE, AccessEntry, note_operator
from tests.databases import CHOSEN, POSTGRESQL, OperatorDatabase, database_url, open_database
from tests.provincial_command import main
from tests.server.courier_files import Stick
from tests.server.exchange_client import person, record_id


@pytest.fixture
def command(tmp_path, capsys):
    """Runs a command over one database; what it said."""
    url = database_url(tmp_path / "server.db")

    def run(*arguments: str, database: str = url, code: int = 0) -> str:
        assert main([*arguments, "--database", database]) == code
        return capsys.readouterr().out

    run.url = url
    return run


def noted(url: str) -> list[tuple[str, str, str, str]]:
    """Facility, action, kind and id of what operators did."""
    database = OperatorDatabase(url)
    with database.read(EVERY_FACILITY) as session:
        rows = session.scalars(
            select(AccessEntry)
            .where(AccessEntry.actor_kind == "operator")
            .order_by(AccessEntry.facility_code, AccessEntry.sequence)
        ).all()
    database.close()
    return [(row.facility_code, row.action, row.object_type, row.object_id) for row in rows]


def test_facilities_and_devices(command):
    OperatorDatabase(command.url).close()  # what `init` begins
    command("facility", "add", "A", "Trạm mẫu")
    command("facility", "add", "A", "Trạm mẫu")  # it is there already
    command("facility", "rename", "A", "Trạm mẫu mới")
    command("facility", "rename", "B", "Trạm mẫu", code=1)
    command("device", "enrol-code", "A")
    command("device", "enrol-code", "B", code=1)
    database = OperatorDatabase(command.url)
    with database.write(EVERY_FACILITY) as session:
        auth.enrol_device(session, "A", "Máy 1", 0)
        device = session.scalars(select(Device.id)).one()
    database.close()
    command("device", "revoke", device)
    command("device", "revoke", device, code=1)  # it is revoked already
    assert noted(command.url) == [
        ("A", "facility-add", "facility", "A"),
        ("A", "facility-rename", "facility", "A"),
        ("A", "enrol-code", "facility", "A"),
        ("A", "device-revoke", "device", device),
    ]


def test_lists_and_announcements(command, tmp_path):
    OperatorDatabase(command.url).close()  # what `init` begins
    file = tmp_path / "icd10.csv"
    file.write_text("code,name\nI10,Tăng huyết áp mẫu\n", encoding="utf-8")
    named = ["--name", "icd10", "--version", "1", "--effective", "2027-01-01"]
    command("catalog", "publish", str(file), *named)
    command("program", "announce", "1.2", "--date", "2027-01-01")
    assert noted(command.url) == [
        (PROVINCE, "catalog-publish", "catalog", "icd10/1"),
        (PROVINCE, "program-announce", "program", "1.2"),
    ]


def test_keys_and_epochs(command):
    command("init")
    command("init", code=1)
    command("init", "--new-admin-token")
    command("init", "--new-backup-key")
    command("new-epoch")
    command("courier", "new-key")
    command("courier", "forget-old-keys")
    command("courier", "forget-old-keys")  # nothing is left
    assert [action for _, action, _, _ in noted(command.url)] == [
        "init",
        "new-admin-token",
        "new-backup-key",
        "new-epoch",
        "new-courier-key",
        "forget-courier-keys",
    ]


def test_what_is_carried_by_hand(command, tmp_path):
    database = open_database(tmp_path / "server.db")
    stick = Stick(database, tmp_path, "DEMO1")
    brought, reply, whole = (
        stick.write([person(record_id())]),
        tmp_path / "r.semr",
        tmp_path / "s.semr",
    )
    command("courier", "import", str(brought), "--reply", str(reply))
    command("snapshot", "--facility", "DEMO1", "--out", str(whole), "--for-key", stick.pair[1])
    database.close()
    assert [line[:3] for line in noted(command.url)] == [
        ("DEMO1", "courier-import", "courier"),
        ("DEMO1", "snapshot", "courier"),
    ]


def test_a_line_is_added_without_opening_the_database_as_a_server_does(command):
    OperatorDatabase(command.url).close()  # what `init` begins
    command("facility", "add", "A", "Trạm mẫu")
    with dumps.noting(command.url) as session:
        note_operator(session, "backup", "server", "mau", 1)
    assert noted(command.url)[0] == (PROVINCE, "backup", "server", "mau")


@pytest.mark.skipif(CHOSEN == POSTGRESQL, reason="test_backup_postgres.py backs up there")
def test_backups_and_what_was_made_of_them(command, tmp_path, monkeypatch):
    said = command("init")
    monkeypatch.setenv(
        "PROVINCIAL_SERVER_BACKUP_IDENTITY",
        next(word for word in said.split() if word.startswith("AGE-SECRET-KEY-")),
    )
    command("backup", str(tmp_path))
    [made] = tmp_path.glob("provincial-*")
    assert noted(command.url)[-1] == (PROVINCE, "backup", "server", made.name)
    again = f"sqlite:///{tmp_path / 'again.db'}"
    command("restore", str(made), database=again)
    assert noted(again)[-1] == (PROVINCE, "restore", "server", made.name)


@pytest.mark.skipif(CHOSEN == POSTGRESQL, reason="only one may write to SQLite")
def test_a_backup_is_made_while_somebody_writes(command, tmp_path, monkeypatch):
    command("init")
    monkeypatch.setattr("provincial_server.operation.dumps._BUSY_SECONDS", 0)
    with closing(sqlite3.connect(tmp_path / "server.db", isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        said = command("backup", str(tmp_path))
        assert "chưa ghi được vào nhật ký" in said
    assert len(list(tmp_path.glob("provincial-*"))) == 1
    assert "chưa ghi được" not in command("backup", str(tmp_path))
