"""Copies from the command line: made, told, rehearsed, put back; exit codes and JSON."""

from __future__ import annotations

import argparse
import json
import shutil

import pytest

from station_emr.cli.main import build_parser, run
from tests.security.test_restoring import PASSWORD, kept_folders, made, people, place

__all__ = ["made", "place"]


@pytest.fixture
def say(place, capsys, monkeypatch):
    """Run a command as the director; gives its exit status and its answer."""
    monkeypatch.setenv("STATION_EMR_PASSWORD", PASSWORD)

    def say(*words, folder=None, user="giamdoc"):
        given = [*map(str, words), "--data-dir", str(folder or place.folder), "--json"]
        status = run([*given, "--user", user] if user else given)
        out = capsys.readouterr().out
        return status, json.loads(out.strip().splitlines()[-1])

    return say


def test_a_place_from_adding_to_dropping(place, say, tmp_path):
    net = tmp_path / "net"
    net.mkdir()
    assert say("backup", "status")[0] == 1
    status, added = say("backup", "add", net)
    assert (status, added["path"]) == (0, str(net))
    status, ran = say("backup", "run")
    assert (status, len(ran["places"])) == (0, 1)
    assert say("backup", "run") == (0, {"places": []})
    status, found = say("backup", "list")
    assert found["copies"][0]["counts"]["patient"] == 2
    status, drilled = say("backup", "drill")
    assert (status, drilled["passed"], drilled["counts"]["patient"]) == (0, True, 2)
    spoilt = net / found["copies"][0]["place"].rpartition("/")[2] / "station.db"
    spoilt.write_bytes(spoilt.read_bytes()[:-1] + b"x")
    assert say("backup", "drill")[0] == 1
    assert "drill_failed" in say("backup", "status")[1]["troubles"]
    assert say("backup", "keep", "--days", 3, "--weeks", 13, "--months", 36)[0] == 2
    assert say("backup", "keep", "--days", 9, "--weeks", 13, "--months", 36)[0] == 0
    assert say("backup", "remove", net)[0] == 0


def test_a_restore_shows_first_and_does_when_told(place, say):
    copy = place.copy
    before = (place.folder / "station.db").read_bytes()
    status, shown = say("restore", copy)
    assert (status, shown["restored"], shown["preview"]["lost"]) == (0, False, 1)
    assert shown["preview"]["names"] == ["Người Mẫu Mới"]
    assert (place.folder / "station.db").read_bytes() == before

    status, done = say("restore", copy, "--yes")

    assert (status, done["restored"]) == (0, True)
    assert [one.name for one in kept_folders(place.folder)] == [done["kept"]]
    station = place.open(6)
    assert people(station) == ["Người Mẫu Cũ"]
    station.close()


def test_a_new_machine_by_the_recovery_code(place, say, tmp_path, monkeypatch):
    monkeypatch.setenv("STATION_EMR_PASSWORD", place.code)
    fresh, copy = tmp_path / "new-pc", place.copy
    status, done = say("restore", copy, "--recovery", "--yes", folder=fresh, user="")
    assert (status, done["restored"], done["kept"]) == (0, True, "")
    shutil.rmtree(copy)
    assert say("restore", copy, "--recovery", folder=fresh, user="")[0] == 2


def test_the_report_of_times(say):
    status, told = say("retention", "report")
    assert (status, told["archivable"], told["source"]) == (0, 0, "TT 33/2025/TT-BYT")
    years = {row["class"]: row["years"] for row in told["table"]}
    assert (years["death"], years["psychiatric"], years["treatment"]) == (30, 20, 10)


def test_the_commands_stand_in_the_help():
    parser = build_parser()
    (sub,) = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    assert {"backup", "restore", "retention"} <= set(sub.choices)
