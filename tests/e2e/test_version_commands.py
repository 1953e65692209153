"""The versions of records from the command line, on a real station: exit codes, JSON, words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from station_emr.cli.main import PASSWORD_VARIABLE, run
from station_emr.db import connection as connections
from station_emr.demo.people import People
from station_emr.demo.station import demo_people
from station_emr.security.keyslots import KeySlots
from station_emr.services.clock import SystemClock
from station_emr.services.guards import confirmation_key
from station_emr.station import DATABASE, KEY_SLOTS, open_station

DIRECTOR = demo_people()[0]
NAME = DIRECTOR.user.username


@pytest.fixture
def folder(tmp_path, monkeypatch, found):
    monkeypatch.setenv(PASSWORD_VARIABLE, DIRECTOR.password)
    return found(tmp_path / "data")


@pytest.fixture
def person(folder) -> str:
    """Somebody whose telephone was corrected once."""
    station = open_station(folder, NAME, DIRECTOR.password)
    patients = station.services.patients
    made = replace(People(7, date(2026, 11, 20)).next(), national_id="", phone="0900000001")
    yes = [confirmation_key(one) for one in patients.check(made)]
    (changed,) = patients.register(station.actor, made, yes).items
    stored = patients.get(station.actor, changed.record_id)
    patients.update(station.actor, replace(stored.record, phone="0900000002"), 1, yes, "Gõ nhầm")
    station.close()
    return changed.record_id


@pytest.fixture
def cli(folder, capsys):
    def call(*arguments: str, as_json: bool = True):
        more = ["--data-dir", str(folder), "--user", NAME, *(["--json"] if as_json else [])]
        status = run([*arguments, *more])
        said = capsys.readouterr().out
        return status, (json.loads(said) if as_json else said)

    return call


def test_versions_are_listed_and_compared(cli, person) -> None:
    status, found = cli("history", "patient", person)
    assert status == 0
    assert [(one["version"], one["shown"]) for one in found["versions"]] == [(2, True), (1, False)]
    status, compared = cli("history", "patient", person, "--compare", "2", "1")
    assert (status, compared["differences"]) == (0, ["Điện thoại: 0900000001 → 0900000002"])
    assert "Gõ nhầm" in cli("history", "patient", person, as_json=False)[1]


def test_an_untouched_station_leaves_with_nought_and_an_edited_one_with_one(
    cli, folder, person
) -> None:
    status, found = cli("verify-records")
    assert (status, found["whole"], found["faults"]) == (0, True, [])
    slots = KeySlots.load(folder / KEY_SLOTS, clock=SystemClock().now)
    raw = connections.connect(folder / DATABASE, slots.unlock(NAME, DIRECTOR.password))
    raw.execute("DROP TRIGGER record_version_update")
    raw.execute(
        "UPDATE record_version SET content = replace(content, '0900000001', '0900000009') "
        "WHERE record_id = ? AND version = 1",
        (person,),
    )
    raw.close()
    status, found = cli("verify-records")
    assert (status, found["whole"]) == (1, False)
    (fault,) = found["faults"]
    assert (fault["id"], fault["version"], fault["breach"]) == (person, 1, "hash")
    status, said = cli("verify-records", as_json=False)
    assert "CÓ HỒ SƠ KHÔNG KHỚP" in said
    assert "0900000009" not in said
