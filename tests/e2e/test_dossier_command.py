"""The station's file from the command line: papers, JSON, what the head says, refusals."""

from __future__ import annotations

import json

import pytest

from station_emr.cli.main import EXIT_USER, PASSWORD_VARIABLE, run
from station_emr.demo.station import demo_people
from station_emr.domain.dossier import Part

DIRECTOR = demo_people()[0]


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys, found):
    folder = found(tmp_path / "data")
    monkeypatch.setenv(PASSWORD_VARIABLE, DIRECTOR.password)

    def call(*arguments: str):
        where = ["--data-dir", str(folder), "--user", DIRECTOR.user.username, "--json"]
        status = run(["dossier", *arguments, *where])
        return status, json.loads(capsys.readouterr().out)

    return call


def test_papers_and_json_say_the_same(cli, tmp_path) -> None:
    status, found = cli("--out", str(tmp_path / "ho-so"))
    assert status == 0
    assert set(found["files"]) == {part.value for part in Part}
    for part in Part:
        assert (tmp_path / "ho-so" / part.file_name).read_bytes().startswith(b"%PDF")
    rows = {row["key"]: row for row in found["rows"]}
    assert rows["tt13.2.4"]["standing"] == "not_met"
    assert rows["s2"]["standing"] == "met"  # the real door, tried
    assert rows["cv365.8"]["standing"] == "met"
    assert len(found["regulation"]) == 10


def test_what_the_head_sets_and_says_is_kept(cli) -> None:
    status, _found = cli("--decision", "01/QĐ-MẪU", "2026-11-01", "--complete-hours", "36")
    assert status == 0
    status, found = cli("--judge", "tt13.5", "met", "Đã giữ hồ sơ giấy")
    rows = {row["key"]: row for row in found["rows"]}
    assert (status, rows["tt13.6.3b"]["standing"]) == (0, "met")
    assert (rows["tt13.5"]["standing"], rows["tt13.5"]["shown"]) == ("own", "met")


def test_what_cannot_be_is_refused(cli) -> None:
    for wrong in (
        ("--judge", "tt13.2.4", "met", ""),
        ("--judge", "tt13.5", "tốt", ""),
        ("--decision", "01/QĐ-MẪU", "1/11/2026"),
        ("--complete-hours", "0"),
    ):
        status, said = cli(*wrong)
        assert (status, said["error"]) == (EXIT_USER, "refused"), wrong
