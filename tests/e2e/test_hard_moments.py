"""A real station at the moments that hurt: killed, full, shared, restored."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from station_emr.demo.province import DemoProvince
from station_emr.demo.station import DEMO_PASSWORD, demo_people, demo_profile
from station_emr.domain.permissions import Role
from station_emr.domain.user import User
from station_emr.security import set_up
from station_emr.station import DATABASE, KEY_SLOTS, create_station, open_station

DIRECTOR = demo_people()[0]
NURSE = User(id="", username="ddmoi", full_name="Người Mẫu Mới", role=Role.NURSE)

KILLED_WHILE_SETTING_UP = """
import os, sys
from pathlib import Path
import station_emr.founding as founding
from station_emr.demo.province import DemoProvince
from station_emr.demo.station import demo_people, demo_profile
founding.furnish = lambda *_: os.kill(os.getpid(), 9)
who = demo_people()[0]
founding.create_station(Path(sys.argv[1]), demo_profile(""), who.user, who.password)
"""


@pytest.fixture
def folder(found, tmp_path):
    return found(tmp_path / "station")


@pytest.fixture
def station(folder):
    opened = open_station(folder, DIRECTOR.user.username, DEMO_PASSWORD)
    yield opened
    opened.close()


def test_killed_while_setting_up_the_folder_can_be_set_up_again(tmp_path):
    folder = tmp_path / "station"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_SETTING_UP, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    assert (folder / set_up.UNFINISHED / KEY_SLOTS).exists()

    create_station(folder, demo_profile(""), DIRECTOR.user, DIRECTOR.password)

    open_station(folder, DIRECTOR.user.username, DEMO_PASSWORD).close()
    assert not (folder / set_up.UNFINISHED).exists()


def test_a_failed_set_up_leaves_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "station"

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("station_emr.founding.furnish", full)
    with pytest.raises(Exception, match="Ổ đĩa đã đầy"):
        create_station(folder, demo_profile(""), DIRECTOR.user, DIRECTOR.password)
    assert {path.name for path in folder.iterdir()} <= {f"{KEY_SLOTS}.lock"}
    assert not (folder / DATABASE).exists()


def test_killed_between_a_persons_key_slot_and_the_record(station):
    """The slot is written last inside the transaction, so only this half can be left."""
    accounts = station.services.accounts
    accounts._keys.add(NURSE.username, NURSE.full_name, NURSE.role.label, "Dở-Dang-2026!")

    accounts.add_user(station.actor, replace(NURSE), DEMO_PASSWORD)

    opened = open_station(station.folder, NURSE.username, DEMO_PASSWORD)
    who = opened.actor.user.full_name
    opened.close()
    assert who == NURSE.full_name


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_what_others_can_see_of_the_demo_server(tmp_path, monkeypatch):
    monkeypatch.setenv("STATION_EMR_PASSWORD", DEMO_PASSWORD)
    with DemoProvince(tmp_path / "province", "DEMO1") as province:
        address = province.start()
        process = Path("/proc") / str(province._process.pid)
        assert address.token.encode() not in (process / "cmdline").read_bytes()
        assert DEMO_PASSWORD.encode() not in (process / "environ").read_bytes()
    for name in ("province.db", "token"):
        assert (tmp_path / "province" / name).stat().st_mode & 0o077 == 0, name
