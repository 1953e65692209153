"""A place that is really full: a file system of one megabyte, where the machine lets tests mount one."""

import shutil
import subprocess
import sys

import pytest

from station_emr.domain.errors import DiskFull
from station_emr.security import backup_places
from station_emr.services.backup_ports import Trouble
from tests.services.test_backup_places import names, usb

__all__ = ["usb"]


@pytest.fixture
def tiny(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = shutil.which("mount")
    if sys.platform == "win32" or mount is None:
        pytest.skip("nothing to mount with")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run([shutil.which("umount"), str(folder)], check=True)


def test_a_full_stick_keeps_what_was_on_it_and_nothing_half_made(station, usb, tiny):
    (tiny / "anh.jpg").write_bytes(b"x" * 1000)

    with pytest.raises(DiskFull, match="hết chỗ"):
        station.services.backups.make(station.director, str(tiny))

    assert [one.name for one in tiny.iterdir()] == ["anh.jpg"]
    station.register()  # work goes on


def test_the_day_s_copy_goes_where_there_is_room(station, usb, tiny, monkeypatch):
    backups = station.services.backups
    for folder in (tiny, usb):
        backups.add_place(station.director, str(folder))

    assert [one.trouble for one in backups.run_due()] == [Trouble.NO_ROOM, None]
    assert (names(tiny), len(names(usb))) == ([], 1)
    assert Trouble.NO_ROOM not in backups.state().troubles  # the other place is in order

    monkeypatch.setattr(backup_places, "_ROOM_FACTOR", 0)  # full only after the look
    assert [one.trouble for one in backups.run_due()] == [Trouble.NO_ROOM]
    assert names(tiny) == []
    assert not [one for one in tiny.iterdir() if "unfinished" in one.name]
