"""``station-emr user``, and what a command is asked at the door, on a real folder."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import partial

import pytest

from station_emr.cli import main
from station_emr.demo.station import DEMO_PASSWORD, demo_people, demo_profile
from station_emr.domain import one_time_code as otp
from station_emr.security.key_wrap import KdfCost
from station_emr.security.keyslots import KeySlots
from station_emr.services.clock import SystemClock
from station_emr.station import create_station, open_station

OWN = "Mat-khau-cua-toi-1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A station that is no exercise, with its director."""
    folder = tmp_path_factory.mktemp("station")
    profile = replace(demo_profile(""), demo=False, code="MAU01")
    with pytest.MonkeyPatch.context() as patch:
        cheap = partial(KeySlots.create, cost=KdfCost(memory_kib=64, iterations=1, lanes=1))
        patch.setattr(KeySlots, "create", cheap)
        create_station(folder, profile, demo_people()[0].user, DEMO_PASSWORD)
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    def run(*arguments, user="giamdoc", password=DEMO_PASSWORD, **environment):
        monkeypatch.setenv("STATION_EMR_PASSWORD", password)
        for name in ("CODE", "NEW_PASSWORD", "FIRST_PASSWORD"):
            monkeypatch.setenv(f"STATION_EMR_{name}", environment.get(name.lower(), ""))
        monkeypatch.setattr("sys.stdin", io.StringIO())
        status = main.run([*arguments, "--data-dir", str(folder), "--user", user, "--json"])
        return status, json.loads(capsys.readouterr().out)

    return run


def state(run, username):
    _status, found = run("user", "list")
    return next(one for one in found["people"] if one["username"] == username)


def test_from_a_new_person_to_a_lost_telephone(run, folder) -> None:
    add = ("user", "add", "mai", "--full-name", "Trần Thị Mẫu", "--role", "administrator")
    assert run(*add, first_password="ngan")[0] == main.EXIT_USER
    assert run(*add, first_password=DEMO_PASSWORD)[0] == 0
    listing = ("user", "list")
    as_mai = {"user": "mai", "password": DEMO_PASSWORD}

    status, said = run(*listing, **as_mai)
    assert (status, "tự chọn mật khẩu mới" in said["messages"][0]) == (main.EXIT_USER, True)
    status, said = run(*listing, **as_mai, new_password=OWN)
    assert (status, "hai lớp" in said["messages"][0]) == (main.EXIT_USER, True)
    station = open_station(folder, "giamdoc", DEMO_PASSWORD)
    with station.store.read() as work:
        kept = work.access.state(work.users.by_username("mai").id)
    station.close()
    secret = bytes.fromhex(kept.pending_secret)

    def code(ahead=0):
        return otp.code_at(secret, otp.step_at(SystemClock().now()) + ahead)

    assert run(*listing, **as_mai, new_password=OWN, code=code())[0] == 0
    as_mai["password"] = OWN
    assert run(*listing, **as_mai)[0] == main.EXIT_USER
    assert run(*listing, **as_mai, code="000000")[0] == main.EXIT_USER
    assert run(*listing, **as_mai, code=code(1))[0] == 0

    assert run("user", "reset-totp", "mai")[0] == 0
    assert state(run, "mai")["second_factor"] is False


def test_closing_and_opening(run) -> None:
    add = ("user", "add", "lan", "--full-name", "Lan Mẫu", "--role", "nurse")
    run(*add, "--until", "2099-12-31", first_password=DEMO_PASSWORD)
    assert state(run, "lan")["valid_until"] == "2099-12-31"
    assert run("user", "disable", "lan")[0] == 0
    assert "tạm ngừng" in state(run, "lan")["refusal"]
    status, said = run("user", "list", user="lan")
    assert (status, "tạm ngừng" in said["messages"][0]) == (main.EXIT_USER, True)
    assert run("user", "enable", "lan")[0] == 0
    assert state(run, "lan")["refusal"] == ""
    assert run("user", "disable", "giamdoc")[0] == main.EXIT_USER
    assert run("user", "leave", "lan")[0] == 0
    assert state(run, "lan")["active"] is False


def test_a_wrong_day_changes_nothing(run) -> None:
    add = ("user", "add", "nam", "--full-name", "Nam Mẫu", "--role", "nurse", "--until", "mai")
    assert run(*add, first_password=DEMO_PASSWORD)[0] == main.EXIT_USER
    _status, found = run("user", "list")
    assert "nam" not in [one["username"] for one in found["people"]]
