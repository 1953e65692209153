"""``station-emr privacy``: what is due, the summary of a request, a leak with its page, the ranges."""

from __future__ import annotations

import errno
import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from station_emr.cli import main, privacy
from tests.printing.pdf import text


@pytest.fixture
def run(station, monkeypatch, capsys):
    """Commands work on the station of these tests, as its director."""

    @contextmanager
    def opened(_options):
        yield SimpleNamespace(services=station.services, actor=station.director)

    monkeypatch.setattr(privacy, "opened_station", opened)

    def run(*arguments: str) -> tuple[int, dict]:
        status = main.run(["privacy", *map(str, arguments), "--json"])
        return status, json.loads(capsys.readouterr().out)

    return run


def test_what_is_due_and_the_papers(station, run, tmp_path) -> None:
    nothing = {"withdrawals": 0, "requests": 0, "late": 0, "breaches": 0}
    assert run("due") == (0, nothing)
    requests = station.services.privacy.requests
    person = station.register()
    blank = requests.blank(station.nurse, person.id)
    made = requests.receive(station.nurse, replace(blank, asker_paper="MẪU"))

    status, told = run("breach", "--what", "Mất máy", "--who", "5 người", "--done", "Đổi khóa",
                       "--out", tmp_path / "su-co.pdf")  # fmt: skip
    assert (status, told["number"]) == (0, "SC-A1.26-0001")
    assert (tmp_path / "su-co.pdf").read_bytes().startswith(b"%PDF")
    station.clock.forward(days=5)
    assert run("due") == (0, nothing | {"requests": 1, "late": 1, "breaches": 1})

    assert run("request", made.number, "--out", tmp_path / "don.pdf")[0] == 0
    assert made.number in text((tmp_path / "don.pdf").read_bytes())
    assert run("request", "YC-KHÔNG", "--out", tmp_path / "x.pdf")[0] == main.EXIT_USER
    assert run("summary", made.number, "--out", tmp_path / "tom-tat.pdf")[0] == 0
    assert (tmp_path / "tom-tat.pdf").read_bytes().startswith(b"%PDF")
    assert run("summary", "YC-KHÔNG", "--out", tmp_path / "x.pdf")[0] == main.EXIT_USER


def test_a_leak_is_not_written_down_while_its_file_cannot_be_begun(run, tmp_path) -> None:
    told = ("breach", "--what", "Mất máy", "--who", "5 người", "--done", "Đổi khóa", "--out")
    for nowhere in (tmp_path / "không-có" / "su-co.pdf", tmp_path):
        assert run(*told, nowhere)[0] == main.EXIT_ENVIRONMENT
    assert run("due")[1]["breaches"] == 0
    assert not [one for one in tmp_path.iterdir() if one.suffix == ".pdf"]


def test_a_leak_stays_written_down_when_its_page_fails(run, tmp_path, monkeypatch) -> None:
    target = tmp_path / "su-co.pdf"

    def full(_self, _to):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    status, told = run("breach", "--what", "Mất máy", "--who", "5 người", "--done", "Đổi khóa",
                       "--out", target)  # fmt: skip
    assert status == main.EXIT_ENVIRONMENT
    assert "station-emr privacy notice SC-A1.26-0001" in json.dumps(told, ensure_ascii=False)
    assert not [one for one in tmp_path.iterdir() if one.suffix == ".pdf"]

    assert run("due")[1]["breaches"] == 1
    assert run("notice", "SC-A1.26-0001", "--out", target)[0] == 0
    assert "SC-A1.26-0001" in text(target.read_bytes())
    assert run("notice", "SC-KHÔNG", "--out", target)[0] == main.EXIT_USER


def test_the_ranges_are_shown_set_and_refused(run, tmp_path) -> None:
    assert "F00-F99; Tâm thần; 2026-01-01" in run("ranges")[1]["ranges"]
    wanted = tmp_path / "ma.txt"
    wanted.write_text("A50-A53; Giang mai; 2026-06-01\n", encoding="utf-8")
    assert run("ranges", "--set", wanted) == (0, {"ranges": ["A50-A53; Giang mai; 2026-06-01"]})
    wanted.write_text("mọi bệnh", encoding="utf-8")
    assert run("ranges", "--set", wanted)[0] == main.EXIT_USER
