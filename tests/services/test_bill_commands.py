"""``station-emr bill``: lists, one bill in words, its paper, the base salary."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from station_emr.cli import bill, main

from .test_billing import closed, treated


@pytest.fixture
def run(station, monkeypatch, capsys):
    """Commands work on the station of these tests, as its director."""

    @contextmanager
    def opened(_options):
        yield SimpleNamespace(services=station.services, actor=station.director)

    monkeypatch.setattr(bill, "opened_station", opened)

    def run(*arguments: str) -> tuple[int, dict]:
        status = main.run(["bill", *map(str, arguments), "--json"])
        out = capsys.readouterr().out
        return status, json.loads(out) if out else {}

    return run


def test_bills_are_listed_shown_and_printed(station, run, tmp_path) -> None:
    one = closed(station).record
    treated(station)

    status, told = run("list")
    assert (status, told["visits"], told["closed"]) == (0, 2, 1)
    assert told["fund"] == str(one.totals.t_bhtt)

    for name in (one.number, one.id, one.encounter_id):
        status, told = run("show", name)
        assert (status, told["number"], told["status"]) == (0, one.number, "signed")
    assert told["totals"]["t_tongchi_bv"] == str(one.totals.t_tongchi_bv)

    assert run("print", one.number, "--out", tmp_path)[0] == 0
    (paper,) = tmp_path.glob("*.pdf")
    assert paper.read_bytes().startswith(b"%PDF")
    assert run("show", "A-9999/2026/BK")[0] == main.EXIT_USER


def test_a_draft_with_errors_is_told_by_the_exit_code(station, run, tmp_path) -> None:
    billing = station.services.billing
    draft = billing.prepare(station.nurse, treated(station).id)
    draft = replace(draft, items=(replace(draft.items[0], unit=""), *draft.items[1:]))
    billing.save_draft(station.nurse, draft)

    status, told = run("show", draft.encounter_id)

    assert (status, told["problems"]) == (1, ["items.0.unit:unit-required"])
    assert run("print", draft.encounter_id, "--out", tmp_path)[0] == main.EXIT_USER


def test_a_paper_that_cannot_be_written_is_told_with_its_cause(
    station, run, tmp_path, capsys, monkeypatch
) -> None:
    number = closed(station).record.number
    nowhere = tmp_path / "khong-co" / "bang-ke.pdf"

    arguments = ["bill", "print", number, "--out", str(nowhere)]
    assert main.run(arguments) == main.EXIT_ENVIRONMENT
    told = capsys.readouterr().err
    assert "không có tệp hoặc thư mục này" in told
    assert "in lại vào nơi khác" in told

    def lost(_options):
        raise FileNotFoundError(2, "No such file or directory", "bang-ke.pdf")

    monkeypatch.setattr(bill, "opened_station", lost)  # any command that does not say it itself
    assert main.run(arguments) == main.EXIT_ENVIRONMENT
    told = capsys.readouterr().err
    assert told.startswith("Không đọc hoặc ghi được bang-ke.pdf: không có tệp hoặc thư mục này.")


def test_the_base_salary_is_shown_and_entered(station, run) -> None:
    assert run("base-salary") == (0, {"today": "2340000", "entered": {}})

    status, told = run("base-salary", "--from", "2026-07-01", "--amount", "2.600.000")

    assert (status, told) == (0, {"today": "2600000", "entered": {"2026-07-01": "2600000"}})
    assert run("base-salary", "--amount", "nhiều")[0] == main.EXIT_USER
