"""Registers and reports from the command line: files, closing, opening again, own templates."""

from __future__ import annotations

import json

import pytest

from station_emr.cli.main import EXIT_ENVIRONMENT, EXIT_USER, PASSWORD_VARIABLE, run
from station_emr.demo.station import demo_people, demo_profile
from station_emr.domain.period import Period
from station_emr.services.clock import SystemClock
from station_emr.station import create_station
from tests.security.stations import cheap_passwords

DIRECTOR = demo_people()[0]
THIS_MONTH = Period.at(SystemClock().now())
LAST_MONTH = THIS_MONTH.previous


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("tram") / "data"
    with cheap_passwords():
        create_station(made, demo_profile(""), DIRECTOR.user, DIRECTOR.password)
    return made


@pytest.fixture
def cli(folder, monkeypatch, capsys):
    monkeypatch.setenv(PASSWORD_VARIABLE, DIRECTOR.password)

    def call(*arguments):
        where = ["--data-dir", str(folder), "--user", DIRECTOR.user.username, "--json"]
        status = run([*map(str, arguments), *where])
        out = capsys.readouterr()
        return status, json.loads(out.out) if out.out.strip() else {}, out.err

    return call


@pytest.mark.parametrize(("kind", "head"), [("pdf", b"%PDF"), ("xlsx", b"PK")])
def test_files_of_a_month(cli, tmp_path, kind, head) -> None:
    register, report = tmp_path / f"so.{kind}", tmp_path / f"bao-cao.{kind}"
    month = THIS_MONTH.key
    given = ("--month", month, "--format", kind, "--out")

    assert cli("export", "register", *given, register)[0] == 0
    assert cli("export", "report", "bao-hiem", *given, report)[0] == 0
    assert register.read_bytes().startswith(head)
    assert report.read_bytes().startswith(head)


def test_a_month_is_closed_opened_and_closed_again(cli) -> None:
    month = LAST_MONTH.key
    status, closed, _err = cli("register", "close", "--month", month)
    assert (status, closed["lines"], len(closed["sha256"])) == (0, 0, 64)
    assert cli("register", "close", "--month", month)[0] == EXIT_USER
    assert cli("register", "late", "--month", month)[1] == {"late": []}
    assert cli("register", "reopen", "--month", month, "--reason", "Sót")[0] == 0
    assert cli("register", "close", "--month", month)[0] == 0
    (state,) = [
        one
        for one in cli("register", "months", "--year", LAST_MONTH.year)[1]["months"]
        if one["month"] == month
    ]
    assert state["closed"] is True


def test_a_template_goes_out_and_comes_back(cli, tmp_path) -> None:
    file = tmp_path / "mau.json"
    assert cli("report", "template", "bct-09", "--out", file)[0] == 0
    held = json.loads(file.read_text(encoding="utf-8")) | {"title": "Của trạm"}
    file.write_text(json.dumps(held), encoding="utf-8")
    assert cli("report", "import", file)[1] == {"report": "bct-09"}
    assert "bct-09" in cli("report", "list")[1]["reports"]
    assert cli("report", "drop", "bct-09")[0] == 0
    assert cli("report", "drop", "bct-09")[0] == EXIT_USER


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("export", "register", "--month", "2026-13", "--out", "x"), EXIT_USER, "2026-11"),
        (
            ("export", "register", "--register", "A99", "--month", "2026-11", "--out", "x"),
            EXIT_USER,
            "A99",
        ),
        (
            ("export", "register", "--register", "A3", "--month", "2026-11", "--out", "x"),
            EXIT_USER,
            "khám thai",
        ),
        (
            ("export", "report", "la", "--month", "2026-11", "--out", "x"),
            EXIT_USER,
            "Không có báo cáo",
        ),
        (("report", "import", "khong-co.json"), EXIT_ENVIRONMENT, "khong-co.json"),
    ],
)
def test_what_cannot_be_is_said(cli, arguments, status, words) -> None:
    answered, _out, complained = cli(*arguments)

    assert answered == status
    assert words in complained


def test_a_file_that_cannot_be_written_is_said(cli, tmp_path) -> None:
    out = tmp_path / "khong" / "so.pdf"
    status, _out, complained = cli("export", "register", "--month", THIS_MONTH.key, "--out", out)

    assert status == EXIT_ENVIRONMENT
    assert "Chưa ghi được" in complained


def test_a_person_reads_the_sentence_a_program_also_the_field(cli, folder, capsys) -> None:
    asked = ("register", "close", "--month", THIS_MONTH.next.key)
    assert cli(*asked)[1]["messages"][0].startswith("period: ")
    where = ("--data-dir", str(folder), "--user", DIRECTOR.user.username)
    assert run([*asked, *where]) == EXIT_USER
    assert capsys.readouterr().err.startswith(f"{THIS_MONTH.next.label} chưa")
