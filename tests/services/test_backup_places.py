"""Daily copies into places: due, checked, thinned, warned about, rehearsed."""

import errno
import json
import shutil
from contextlib import closing
from datetime import timedelta

import pytest

from station_emr.db import connection as connections
from station_emr.domain.errors import (
    DatabaseDamaged,
    DiskFull,
    EnvironmentFailure,
    PermissionDenied,
    StateError,
    UserError,
)
from station_emr.security import backup_places, backup_shelf
from station_emr.security.backup_manifest import MANIFEST
from station_emr.security.key_wrap import KdfCost
from station_emr.security.keyslots import KeySlots
from station_emr.services import backup_words
from station_emr.services.backup_ports import Trouble
from station_emr.services.backups import Backups
from tests.services.conftest import KEY

CHEAP = KdfCost(memory_kib=1024, iterations=1, lanes=1)


@pytest.fixture
def usb(station, tmp_path, monkeypatch):
    """A stick on another disk, and key slots as a station has them."""
    KeySlots.create(
        station.path.with_name("keyslots.json"),
        station_name="Trạm Mẫu",
        database_id="DEMO-STATION",
        username="giamdoc",
        display_name="Người Mẫu",
        password="mat khau mau dai",
        clock=station.clock.now,
        cost=CHEAP,
    )
    monkeypatch.setattr(backup_places, "is_same_disk", lambda one, other: False)
    folder = tmp_path / "usb"
    folder.mkdir()
    return folder


def names(folder):
    return sorted(one.name for one in folder.iterdir() if one.is_dir())


def troubles(station):
    return station.services.backups.state().troubles


def tomorrow(station, days=1):
    station.clock._now += timedelta(days=days)


def test_each_place_gets_one_copy_a_day_without_asking(station, usb, tmp_path):
    backups = station.services.backups
    second = tmp_path / "net"
    second.mkdir()
    for folder in (usb, second):
        backups.add_place(station.director, str(folder))

    assert [one.trouble for one in backups.run_due()] == [None, None]
    assert backups.run_due() == ()
    tomorrow(station)
    assert backups.is_due()
    backups.run_due()

    assert len(names(usb)) == len(names(second)) == 2
    line = next(
        one
        for one in station.services.accounts.audit(station.director, 9)
        if one.action == "backup.make"
    )
    assert line.user_name == ""  # nobody asked for it
    assert not [one for one in usb.rglob("*") if "unfinished" in one.name]
    assert not list(usb.rglob("*-wal"))


def test_the_manifest_and_the_register_tell_what_the_copy_holds_and_nobodys_name(station, usb):
    station.register(full_name="Người Mẫu Một")
    backups = station.services.backups
    backups.add_place(station.director, str(usb))
    backups.run_due()

    (copy,) = backups.copies(station.director)
    manifest = json.loads((usb / names(usb)[0] / MANIFEST).read_text())
    assert manifest["counts"]["patient"] == copy.recorded.counts["patient"] == 1
    assert copy.recorded.chain_whole
    seq, _colon, digest = manifest["audit_head"].partition(":")
    with station.store.read() as work:
        assert work.audit.hash_at(int(seq)) == digest
    for file in (usb / names(usb)[0] / MANIFEST, station.path.with_name("backups.json")):
        assert "Mẫu Một" not in file.read_text()


def test_a_stick_that_is_not_there_takes_no_copy_and_is_told(station, usb):
    backups = station.services.backups
    backups.add_place(station.director, str(usb))
    backups.run_due()
    away = usb.rename(usb.with_name("away"))
    tomorrow(station)

    (served,) = backups.run_due()
    assert served.trouble is Trouble.ABSENT
    usb.mkdir()  # the empty mount point, or another stick under the same letter
    (served,) = backups.run_due()
    assert served.trouble is Trouble.ABSENT
    assert list(usb.iterdir()) == []
    assert Trouble.ABSENT in troubles(station)

    usb.rmdir()
    away.rename(usb)
    (served,) = backups.run_due()
    assert served.trouble is None
    assert Trouble.ABSENT not in troubles(station)


def test_the_same_disk_is_told_but_still_better_than_nothing(station, usb, monkeypatch):
    monkeypatch.undo()
    backups = station.services.backups

    assert backups.add_place(station.director, str(usb)).trouble is Trouble.SAME_DISK
    backups.run_due()

    assert len(names(usb)) == 1
    assert troubles(station)[0] is Trouble.SAME_DISK


def test_no_room_is_known_before_anything_is_written(station, usb, monkeypatch):
    backups = station.services.backups
    backups.add_place(station.director, str(usb))
    usage = shutil._ntuple_diskusage(100, 99, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    (served,) = backups.run_due()

    assert served.trouble is Trouble.NO_ROOM
    assert names(usb) == []
    assert troubles(station)[0] is Trouble.NO_ROOM


def test_warnings_come_and_go_with_time(station, usb):
    backups = station.services.backups
    assert troubles(station) == (Trouble.NEVER, Trouble.NO_PLACE)
    backups.add_place(station.director, str(usb))
    backups.run_due()
    assert troubles(station) == (Trouble.NO_DRILL,)
    assert backups.drill(station.director).passed
    assert troubles(station) == ()
    tomorrow(station, 2)
    assert troubles(station) == (Trouble.LATE,)
    backups.run_due()
    tomorrow(station, 89)
    assert set(troubles(station)) == {Trouble.LATE, Trouble.NO_DRILL}
    for trouble in Trouble:
        assert backup_words.sentence(trouble).endswith(".")


def test_a_disk_that_fills_at_the_last_file_leaves_nothing(station, usb, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(backup_shelf, "_flush", full)
    with pytest.raises(DiskFull):
        station.services.backups.make(station.director, str(usb))
    assert list(usb.iterdir()) == []


def test_thinning_leaves_strangers_and_other_stations_alone(station, usb):
    backups = station.services.backups
    backups.add_place(station.director, str(usb))
    (usb / "anh-gia-dinh.jpg").write_bytes(b"x")
    stranger = usb / "tram-DEMO1-20200101-080000"
    stranger.mkdir()
    (stranger / "station.db").write_bytes(b"not ours")
    for _day in range(13):
        backups.run_due()
        tomorrow(station)
    ours = backups.copies(station.director)
    assert 7 <= len(ours) <= 7 + 3 + 2
    assert len({one.at.date() for one in ours[:7]}) == 7
    assert (stranger / "station.db").read_bytes() == b"not ours"
    assert (usb / "anh-gia-dinh.jpg").exists()

    other = usb / ours[-1].place.rpartition("/")[2]
    manifest = json.loads((other / MANIFEST).read_text())
    (other / MANIFEST).write_text(json.dumps({**manifest, "database_id": "ANOTHER"}))
    (usb / ours[-2].place.rpartition("/")[2] / "ghi-chu.txt").write_text("của tôi")
    tomorrow(station, 4000)
    backups.run_due()

    assert (other / "station.db").exists()
    assert (usb / ours[-2].place.rpartition("/")[2] / "ghi-chu.txt").exists()
    assert len(backups.copies(station.director)) == 1
    thinned = [
        one
        for one in station.services.accounts.audit(station.director, 20)
        if one.action == "backup.thin"
    ]
    assert thinned


def test_what_a_power_cut_left_is_swept_when_it_is_old(station, usb, monkeypatch):
    backups = station.services.backups
    backups.add_place(station.director, str(usb))
    left = usb / ".tram-DEMO1-20260101-080000.unfinished"
    left.mkdir()
    (left / "station.db").write_bytes(b"half")

    backups.run_due()
    assert left.exists()  # young: a colleague's machine may be writing it
    monkeypatch.setattr(backup_places, "_YOUNG_SECONDS", -1)
    tomorrow(station)
    backups.run_due()

    assert not left.exists()


def test_a_flipped_bit_stops_the_copy_and_keeps_the_old_ones(station, usb):
    station.register()
    backups = station.services.backups
    backups.add_place(station.director, str(usb))
    backups.run_due()
    before = names(usb)
    with closing(connections.connect(station.path, KEY)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(station.path.read_bytes())
    content[len(content) // 2] ^= 1
    station.path.write_bytes(content)
    tomorrow(station)

    (served,) = backups.run_due()

    assert served.trouble is Trouble.DAMAGED
    assert names(usb) == before
    assert troubles(station)[0] is Trouble.DAMAGED


def test_every_page_is_watched(station):
    with closing(connections.connect(station.path, KEY)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    station.store.check_pages()
    sound = station.path.read_bytes()
    pages = len(sound) // 4096
    for page in range(0, pages, max(1, pages // 25)):
        content = bytearray(sound)
        content[page * 4096 + 2000] ^= 1
        station.path.write_bytes(content)
        with pytest.raises(DatabaseDamaged):
            station.store.check_pages()
    station.path.write_bytes(sound)
    station.store.check_pages()


# -- drill -----------------------------------------------------------------------------------


def aside(station):
    return station.path.with_name("drill.unfinished")


def test_a_drill_proves_the_last_copy_and_leaves_nothing(station, usb):
    station.register()
    backups = station.services.backups
    made = backups.make(station.doctor, str(usb))

    drill = backups.drill(station.doctor)

    assert drill.passed
    assert drill.reason == ""
    assert (drill.place, drill.counts["patient"]) == (made.place, 1)
    assert backups.state().drill == drill
    assert not aside(station).exists()
    line = station.services.accounts.audit(station.director, 1)[0]
    assert (line.action, line.result) == ("backup.drill", "ok")


def test_a_drill_finds_a_spoilt_copy(station, usb):
    backups = station.services.backups
    made = backups.make(station.director, str(usb))
    file = usb / names(usb)[0] / "station.db"
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)

    drill = backups.drill(station.director)

    assert (drill.passed, drill.place) == (False, made.place)
    assert "hỏng" in drill.reason
    assert troubles(station)[0] is Trouble.DRILL_FAILED
    assert not aside(station).exists()
    assert station.services.accounts.audit(station.director, 1)[0].result == "failed"


def test_a_drill_finds_an_older_copy_under_the_newest_name(station, usb):
    backups = station.services.backups
    first = backups.make(station.director, str(usb))
    station.register()
    tomorrow(station)
    second = backups.make(station.director, str(usb))
    shutil.rmtree(second.place)
    shutil.copytree(first.place, second.place)

    drill = backups.drill(station.director)

    assert not drill.passed
    assert "không giống" in drill.reason


def test_a_drill_takes_the_next_copy_when_the_last_stick_is_away(station, usb, tmp_path):
    backups = station.services.backups
    first = backups.make(station.director, str(usb))
    tomorrow(station)
    backups.make(station.director, str(tmp_path / "net"))
    (tmp_path / "net").rename(tmp_path / "away")

    assert backups.drill(station.director).place == first.place
    shutil.rmtree(usb)
    assert "Không còn thấy" in backups.drill(station.director).reason


def test_without_a_copy_there_is_nothing_to_rehearse(station, usb):
    with pytest.raises(StateError, match="Chưa có bản sao"):
        station.services.backups.drill(station.director)


# -- rights and settings ---------------------------------------------------------------------


def test_rights(station, usb):
    backups = station.services.backups
    for forbidden in (
        lambda: backups.add_place(station.doctor, str(usb)),
        lambda: backups.remove_place(station.doctor, str(usb)),
        lambda: backups.set_plan(station.doctor, 7, 13, 36),
        lambda: backups.copies(station.nurse),
        lambda: backups.drill(station.nurse),
        lambda: backups.make_everywhere(station.nurse),
    ):
        with pytest.raises(PermissionDenied):
            forbidden()
    assert list(usb.iterdir()) == []


def test_the_plan_can_only_be_made_longer_than_the_least(station, usb):
    backups = station.services.backups
    with pytest.raises(UserError, match="ít nhất"):
        backups.set_plan(station.director, 3, 13, 36)
    backups.set_plan(station.director, 14, 26, 120)
    assert (backups.plan().days, backups.plan().weeks, backups.plan().months) == (14, 26, 120)


def test_a_place_is_known_once_and_its_copies_stay_when_it_goes(station, usb):
    backups = station.services.backups
    backups.add_place(station.director, str(usb))
    with pytest.raises(StateError, match="đã có"):
        backups.add_place(station.director, str(usb))
    backups.make_everywhere(station.director)
    backups.remove_place(station.director, str(usb))
    assert backups.places() == ()
    assert len(names(usb)) == 1
    with pytest.raises(StateError, match="Chưa chọn"):
        backups.make_everywhere(station.director)
    with pytest.raises(EnvironmentFailure, match="Không ghi được"):
        backups.add_place(station.director, str(usb / "missing"))


def test_two_programs_do_not_copy_at_once(station, usb):
    backups = station.services.backups
    with backups._shelf.turn() as mine:
        assert mine
        with pytest.raises(StateError, match="đang chạy"):
            backups.make(station.director, str(usb))


def test_a_spoilt_register_does_not_stop_copies(station, usb):
    backups = station.services.backups
    assert isinstance(backups, Backups)
    for name in ("backups.json", "backups.json.bak"):
        station.path.with_name(name).write_text("{")
    backups.add_place(station.director, str(usb))
    backups.run_due()
    assert len(names(usb)) == 1
