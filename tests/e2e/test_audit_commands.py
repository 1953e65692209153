"""The log from the command line, on a real station: exit codes, JSON, words, files."""

from __future__ import annotations

import json

import pytest

from station_emr.cli.main import PASSWORD_VARIABLE, run
from station_emr.db import connection as connections
from station_emr.demo.station import demo_people
from station_emr.security.keyslots import KeySlots
from station_emr.services.clock import SystemClock
from station_emr.station import DATABASE, KEY_SLOTS, open_station

DIRECTOR = demo_people()[0]
NAME = DIRECTOR.user.username


@pytest.fixture
def folder(tmp_path, monkeypatch, found):
    monkeypatch.setenv(PASSWORD_VARIABLE, DIRECTOR.password)
    return found(tmp_path / "data")


@pytest.fixture
def cli(folder, capsys):
    def call(*arguments: str, as_json: bool = True):
        more = ["--data-dir", str(folder), "--user", NAME, *(["--json"] if as_json else [])]
        status = run([*arguments, *more])
        said = capsys.readouterr().out
        return status, (json.loads(said) if as_json else said)

    return call


def spoil(folder, *statements: str) -> None:
    slots = KeySlots.load(folder / KEY_SLOTS, clock=SystemClock().now)
    raw = connections.connect(folder / DATABASE, slots.unlock(NAME, DIRECTOR.password))
    for name in ("update", "delete"):
        raw.execute(f"DROP TRIGGER audit_entry_{name}")
    for statement in statements:
        raw.execute(statement)
    raw.close()


def test_a_whole_log_leaves_with_nought(cli) -> None:
    status, found = cli("verify-audit")
    assert (status, found["whole"], found["first_broken"]) == (0, True, None)
    assert {one["kind"] for one in found["evidence"]} == {"witness"}
    assert found["province_not_asked"]
    status, said = cli("audit-verify", "--offline", as_json=False)
    assert status == 0
    assert "Nhật ký còn nguyên" in said
    assert "khớp" in said


def test_the_first_broken_link_is_named_and_one_is_left_with(cli, folder) -> None:
    spoil(folder, "UPDATE audit_entry SET user_name = 'Ai Khác' WHERE seq = 1")
    status, found = cli("verify-audit", "--offline")
    assert (status, found["whole"], found["first_broken"], found["why"]) == (1, False, 1, "changed")
    status, said = cli("verify-audit", "--offline", as_json=False)
    assert status == 1
    assert "không còn nguyên từ dòng 1" in said


def test_a_printed_anchor_is_compared(cli, tmp_path) -> None:
    out = tmp_path / "moc.pdf"
    status, made = cli("audit", "head", "--out", str(out))
    assert status == 0
    assert out.read_bytes().startswith(b"%PDF")
    status, found = cli("verify-audit", "--anchor", made["anchor"], "--offline")
    assert status == 0
    assert ("printed", "agrees") in {(one["kind"], one["result"]) for one in found["evidence"]}

    number = made["anchor"].partition(":")[0]
    status, found = cli("verify-audit", "--anchor", f"{number}:{'0' * 64}", "--offline")
    assert status == 1
    assert ("printed", "differs") in {(one["kind"], one["result"]) for one in found["evidence"]}
    status, found = cli("verify-audit", "--anchor", f"{int(number) + 10_000}:{'0' * 64}")
    assert status == 1
    assert ("printed", "shorter") in {(one["kind"], one["result"]) for one in found["evidence"]}


def test_the_director_explains_a_missing_end(cli) -> None:
    missing = f"9000:{'a' * 64}"
    assert cli("verify-audit", "--anchor", missing, "--offline")[0] == 1
    status, _ = cli("audit", "accept", missing, "--reason", "Khôi phục từ bản sao lưu")
    assert status == 0
    assert cli("verify-audit", "--anchor", missing, "--offline")[0] == 0


def test_what_cannot_be_understood_is_refused(cli, capsys, tmp_path) -> None:
    assert cli("verify-audit", "--anchor", "12")[0] == 2
    assert cli("audit", "export", "--out", str(tmp_path / "x.txt"))[0] == 2
    assert cli("audit", "export", "--out", str(tmp_path / "x.pdf"), "--from", "hôm qua")[0] == 2
    assert cli("audit", "export", "--out", str(tmp_path / "x.pdf"), "--account", "ai")[0] == 2
    assert cli("audit", "head", "--out", str(tmp_path / "nowhere" / "x.pdf"))[0] == 3
    assert cli("audit", "anchor")[0] == 3
    capsys.readouterr()


def test_lines_are_taken_out_by_what_is_asked(cli, folder, tmp_path) -> None:
    excel, pdf = tmp_path / "a.xlsx", tmp_path / "a.pdf"
    assert cli("audit", "export", "--out", str(excel), "--account", NAME)[0] == 0
    asked = ("--action", "account.log_in", "--from", "2020-01-01", "--result", "ok")
    assert cli("audit", "export", "--out", str(pdf), *asked)[0] == 0
    assert excel.read_bytes().startswith(b"PK")
    assert pdf.read_bytes().startswith(b"%PDF")
    opened = open_station(folder, NAME, DIRECTOR.password)
    with opened.store.read() as work:
        rows = work.audit.rows(100)
    opened.close()
    exports = [row for row in rows if row.action == "audit.export"]
    assert len(exports) == 2
    assert {row.source for row in exports} == {"cli"}


def test_the_size_is_told(cli) -> None:
    status, found = cli("audit", "size")
    assert status == 0
    assert found["lines"] > 0
    status, said = cli("audit", "size", as_json=False)
    assert "Không dòng nào bị xóa" in said


def test_yesterdays_database_is_told(cli, folder, tmp_path) -> None:
    """Everything of yesterday but the witness, which no backup holds."""
    cli("audit", "size")
    yesterday = tmp_path / "yesterday.db"
    opened = open_station(folder, NAME, DIRECTOR.password)
    opened.store.backup(str(yesterday))
    opened.close()
    for _time in range(3):
        cli("audit", "size")
    yesterday.replace(folder / DATABASE)

    status, found = cli("verify-audit", "--offline")

    assert status == 1
    assert found["first_broken"] is None
    lost = [one for one in found["evidence"] if one["result"] != "agrees"]
    assert [one["kind"] for one in lost] == ["witness"]
