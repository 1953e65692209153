"""A copy put back: opened and compared first, exchanged as a whole, what was there kept."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from station_emr.demo.clock import DemoClock
from station_emr.demo.people import People
from station_emr.demo.station import demo_profile
from station_emr.domain.errors import (
    DatabaseDamaged,
    DiskFull,
    EnvironmentFailure,
    NotFound,
    PermissionDenied,
    StateError,
    WrongPassword,
)
from station_emr.domain.permissions import Role
from station_emr.domain.user import User
from station_emr.restoring import copies_for, newest_copy, proposed
from station_emr.security import restore_files
from station_emr.services.clock import VIETNAM
from station_emr.services.guards import confirmation_key
from station_emr.services.restore_words import lines_of
from station_emr.station import create_station, open_station
from tests.security.stations import cheap_passwords

PASSWORD = "mật khẩu Mẫu 1 dài"
MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=VIETNAM)


class Place:
    """A real station in a folder, its recovery code, and a stick with one copy."""

    def __init__(self, root):
        self.root = root
        self.folder = root / "data"
        self.usb = root / "usb"
        self.code = (root / "code").read_text()

    def clock(self, hours=0):
        return DemoClock(MORNING + timedelta(hours=hours), seed=hours + 7)

    def open(self, hours=0, folder=None, username="giamdoc"):
        return open_station(folder or self.folder, username, PASSWORD, self.clock(hours))

    @property
    def copy(self):
        return next(one for one in sorted(self.usb.iterdir()) if one.name.startswith("tram-"))

    def proposed(self, folder=None, copy=None, **secret):
        secret = secret or {"username": "giamdoc", "password": PASSWORD}
        return proposed(folder or self.folder, copy or self.copy, self.clock(5), **secret)

    def everything(self):
        return {
            str(one.relative_to(self.folder)): one.read_bytes()
            for one in sorted(self.folder.rglob("*"))
            if one.is_file() and one.suffix != ".lock" and not one.name.startswith("attempts")
        }


def register(station, name, seed):
    services, actor = station.services, station.actor

    person = replace(People(seed, MORNING.date()).next(), full_name=name)
    yes = [confirmation_key(one) for one in services.patients.check(person)]
    return services.patients.register(actor, person, yes).items[0].record_id


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("restoring")
    with cheap_passwords():
        code = create_station(
            root / "data",
            demo_profile(""),
            User(
                id="",
                username="giamdoc",
                full_name="Giám Đốc Mẫu",
                role=Role.DIRECTOR,
                licence_no="000001/MẪU-GPHN",
            ),
            PASSWORD,
            DemoClock(MORNING - timedelta(days=1), seed=1),
        )
    (root / "code").write_text(code)
    place = Place(root)
    station = place.open()
    register(station, "Người Mẫu Cũ", 1)
    (root / "usb").mkdir()
    station.services.backups.make(station.actor, str(root / "usb"))
    station.close()
    station = place.open(2)
    register(station, "Người Mẫu Mới", 2)
    station.close()
    return root


@pytest.fixture
def place(made, tmp_path):
    shutil.copytree(made, tmp_path / "here")
    for name in ("backups.json", "backups.json.bak"):  # it names the place of the copy
        known = tmp_path / "here" / "data" / name
        known.write_text(known.read_text().replace(str(made), str(tmp_path / "here")))
    return Place(tmp_path / "here")


def people(station):
    return sorted(
        row.full_name for row in station.services.patients.search(station.actor, "mẫu", 9)
    )


def kept_folders(folder):
    return [one for one in folder.iterdir() if one.name.startswith("truoc-khoi-phuc-")]


def test_looking_changes_nothing(place):
    before = place.everything()

    with place.proposed() as proposal:
        found = proposal.preview
        counted = {one.kind.value: one for one in found.differences}

    assert place.everything() == before
    assert not (place.folder / restore_files.STAGING).exists()
    assert (counted["patient"].same, counted["patient"].only_here) == (1, 1)
    assert (found.lost, found.regained, found.names) == (1, 0, ("Người Mẫu Mới",))
    assert found.last_signed_here > found.last_signed_there
    assert found.waiting_here > 0
    assert "1 hồ sơ" in lines_of(found, proposal.copy.at)[0]


def test_a_restore_keeps_what_was_there_and_begins_a_new_life(place):
    before = place.open(3)
    incarnation = before.identity.lives.current
    with before.store.read() as work:
        old_life = incarnation(work)
    before.close()
    own = (place.folder / "station.db").read_bytes()

    with place.proposed() as proposal:
        done = proposal.accept()

    (kept,) = kept_folders(place.folder)
    assert kept.name == done.kept
    assert (kept / "station.db").stat().st_size == len(own)
    assert not (place.folder / restore_files.STAGING).exists()
    station = place.open(6)
    try:
        assert people(station) == ["Người Mẫu Cũ"]
        with station.store.read() as work:
            assert station.identity.lives.current(work) != old_life
            assert work.audit.verify() is None
        lines = station.services.accounts.audit(station.actor, 20)
        actions = [one.action for one in lines]
        assert {"backup.restore", "station.new_life"} <= set(actions)
        # The log's end that was seen yesterday is missed: the director has to say why.
        assert "backup" in station.services.trail.alarm(station.actor) or (
            "sao lưu" in station.services.trail.alarm(station.actor)
        )
        station.store.check()
    finally:
        station.close()
    # What was kept is a station, too.
    other = place.root / "kept"
    shutil.copytree(kept, other)
    again = place.open(7, folder=other)
    assert people(again) == ["Người Mẫu Cũ", "Người Mẫu Mới"]
    again.close()


def test_the_copy_on_the_stick_is_only_read(place):
    before = {one.name: one.read_bytes() for one in place.copy.iterdir()}
    with place.proposed() as proposal:
        proposal.accept()
    assert {one.name: one.read_bytes() for one in place.copy.iterdir()} == before


def test_a_new_machine_gets_the_station_by_the_recovery_code(place):
    fresh = place.root / "new-pc"

    with place.proposed(folder=fresh, code=place.code) as proposal:
        assert not proposal.preview.compared
        done = proposal.accept()

    assert done.kept == ""
    assert kept_folders(fresh) == []
    station = place.open(6, folder=fresh)
    assert people(station) == ["Người Mẫu Cũ"]
    station.close()


def test_a_spoilt_database_is_told_and_the_newest_copy_is_named_and_put_back(place):
    path = place.folder / "station.db"
    content = bytearray(path.read_bytes())
    content[20] ^= 1  # the salt: nothing opens any more
    path.write_bytes(content)
    with pytest.raises(DatabaseDamaged):
        place.open(6)

    assert newest_copy(place.folder).place == str(place.copy)
    with place.proposed() as proposal:
        assert not proposal.preview.compared
        proposal.accept()

    (kept,) = kept_folders(place.folder)
    assert (kept / "station.db").read_bytes() == bytes(content)
    station = place.open(6)
    assert people(station) == ["Người Mẫu Cũ"]
    station.close()


def test_key_slots_that_are_gone_do_not_stop_a_restore(place):
    for name in ("keyslots.json", "keyslots.json.bak"):
        (place.folder / name).unlink()

    assert newest_copy(place.folder).place == str(place.copy)
    with place.proposed() as proposal:
        proposal.accept()

    place.open(6).close()


@pytest.mark.parametrize("name", ["station.db", "keyslots.json"])
def test_a_spoilt_copy_is_refused(place, name):
    content = bytearray((place.copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (place.copy / name).write_bytes(content)
    before = place.everything()

    with pytest.raises(EnvironmentFailure, match="đã bị đổi hoặc hỏng"), place.proposed():
        pass

    assert place.everything() == before


def test_what_is_refused_changes_nothing(place):
    before = place.everything()
    with (
        pytest.raises(WrongPassword),
        place.proposed(username="giamdoc", password="sai mật khẩu 1"),
    ):
        pass
    with pytest.raises(NotFound), place.proposed(copy=place.usb):
        pass
    slots = place.folder / "keyslots.json"
    document = slots.read_text()
    assert place.everything() == before
    assert document == slots.read_text()


def test_only_who_runs_the_station_restores_and_nobody_who_has_left(place):
    station = place.open(3)
    nurse = User(id="", username="nga", full_name="Nga Mẫu", role=Role.NURSE)
    admin = User(id="", username="admin", full_name="Quản Trị Mẫu", role=Role.ADMINISTRATOR)
    for user in (nurse, admin):
        station.services.accounts.add_user(station.actor, user, PASSWORD)
    shutil.rmtree(place.copy)
    station.services.backups.make(station.actor, str(place.usb))
    left = next(u for u in station.services.accounts.users(station.actor) if u.username == "admin")

    station.services.accounts.update_user(station.actor, replace(left, active=False))
    station.close()

    with pytest.raises(PermissionDenied), place.proposed(username="nga", password=PASSWORD):
        pass
    with pytest.raises(PermissionDenied), place.proposed(username="admin", password=PASSWORD):
        pass


def test_an_administrator_sees_counts_and_no_names(place):
    station = place.open(3)
    admin = User(id="", username="admin", full_name="Quản Trị Mẫu", role=Role.ADMINISTRATOR)
    station.services.accounts.add_user(station.actor, admin, PASSWORD)
    shutil.rmtree(place.copy)
    station.services.backups.make(station.actor, str(place.usb))
    register(station, "Người Mẫu Ba", 3)
    station.close()

    with place.proposed(username="admin", password=PASSWORD) as proposal:
        assert proposal.preview.lost == 1
        assert proposal.preview.names == ()


def test_a_copy_of_another_station_is_refused(place, tmp_path):
    with cheap_passwords():
        create_station(
            tmp_path / "b",
            demo_profile(""),
            User(id="", username="giamdoc", full_name="Người Khác Mẫu", role=Role.DIRECTOR),
            PASSWORD,
            place.clock(),
        )
    before = (tmp_path / "b" / "station.db").read_bytes()
    with pytest.raises(PermissionDenied, match="trạm khác"), place.proposed(folder=tmp_path / "b"):
        pass
    assert (tmp_path / "b" / "station.db").read_bytes() == before
    assert copies_for(tmp_path / "b") == ()


def test_no_room_and_two_at_once_are_told(place, monkeypatch):
    with place.proposed(), pytest.raises(StateError), place.proposed():
        pass
    usage = shutil._ntuple_diskusage(100, 99, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DiskFull, match="không đủ chỗ"), place.proposed():
        pass
