"""A leaver, a new data key, and slot files put back from an earlier day: on a whole station."""

from __future__ import annotations

import shutil
import sqlite3
import time

import pytest

from station_emr.db import connection as connections
from station_emr.db import rekey
from station_emr.db.store import EncryptedStore
from station_emr.demo.station import DEMO_PASSWORD, demo_people, demo_profile
from station_emr.domain.errors import (
    DatabaseDamaged,
    DiskFull,
    EnvironmentFailure,
    PermissionDenied,
    StateError,
    WrongPassword,
)
from station_emr.domain.permissions import Role
from station_emr.domain.user import User
from station_emr.security import durable_file
from station_emr.security.device_key import DeviceKeys
from station_emr.security.keyslots import KeySlots
from station_emr.services.clock import SystemClock
from station_emr.services.keys import GENERATION
from station_emr.station import (
    DATABASE,
    KEY_SLOTS,
    create_station,
    open_station,
    open_with_recovery,
)
from tests.security.stations import cheap_passwords

DIRECTOR = demo_people()[0].user
LEAVER = User(id="", username="nguoinghi", full_name="Người Mẫu Nghỉ", role=Role.NURSE)
LEAVERS_PASSWORD = "Cây cầu 2026 bên sông!"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A station with somebody who will leave, and the code of its envelope."""
    folder = tmp_path_factory.mktemp("made") / "station"
    with cheap_passwords():
        code = create_station(folder, demo_profile(""), DIRECTOR, DEMO_PASSWORD)
    station = open_station(folder, DIRECTOR.username, DEMO_PASSWORD)
    station.services.accounts.add_user(station.actor, LEAVER, LEAVERS_PASSWORD)
    station.close()
    return folder, code


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "station")
    return tmp_path / "station"


@pytest.fixture
def code(made):
    return made[1]


def _open(folder):
    return open_station(folder, DIRECTOR.username, DEMO_PASSWORD)


def _slots(folder):
    return KeySlots.load(folder / KEY_SLOTS, clock=SystemClock().now)


def _put_slots(folder, data):
    for path in (folder / KEY_SLOTS, durable_file.backup_of(folder / KEY_SLOTS)):
        path.write_bytes(data)


def _leave(station):
    from dataclasses import replace

    with station.store.read() as work:
        user = work.users.by_username(LEAVER.username)
    station.services.accounts.update_user(station.actor, replace(user, active=False))


def _actions(station):
    with station.store.read() as work:
        return [row.action for row in work.audit.rows(50, None)]


def test_a_leaver_costs_the_record_its_key_without_a_break(folder, code):
    """The folder the leaver copied opens with their password; the record of today does not."""
    old_slots = (folder / KEY_SLOTS).read_bytes()
    old_key = _slots(folder).unlock(LEAVER.username, LEAVERS_PASSWORD)
    station = _open(folder)
    _leave(station)
    assert station.services.keys.state(station.actor).leavers == (LEAVER.username,)
    assert station.services.keys.rotate(station.actor)
    state = station.services.keys.state(station.actor)
    assert (state.generation, state.settled, state.leavers) == (2, True, ())
    assert {"keys.rotate", "keys.rotated"} <= set(_actions(station))
    assert station.services.accounts.verify_audit(station.actor) is None
    station.store.check()
    station.close()

    assert not connections.fits(folder / DATABASE, old_key)
    with pytest.raises(WrongPassword):
        open_station(folder, LEAVER.username, LEAVERS_PASSWORD)
    _open(folder).close()
    new_slots = (folder / KEY_SLOTS).read_bytes()
    _put_slots(folder, old_slots)
    with pytest.raises(DatabaseDamaged, match="tệp khóa"):
        open_station(folder, LEAVER.username, LEAVERS_PASSWORD)
    _put_slots(folder, new_slots)
    open_with_recovery(folder, DIRECTOR.username, code, DEMO_PASSWORD).close()


def test_backups_of_before_open_with_their_own_slots(folder, tmp_path):
    station = _open(folder)
    copy = station.services.backups.make(station.actor, str(tmp_path)).place
    station.services.keys.rotate(station.actor)
    station.close()
    from pathlib import Path

    _open(Path(copy)).close()


def test_the_program_itself_changes_the_key_when_somebody_leaves(folder):
    station = _open(folder)
    station.keeper.start()
    _leave(station)
    until = time.monotonic() + 100
    while station.services.keys.state(station.actor).rotated_at is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert station.services.keys.state(station.actor).generation == 2
    assert station.services.keys.state(station.actor).settled
    station.close()
    _open(folder).close()


def _break_off(folder, monkeypatch):
    """The power goes between the two halves of a change."""
    with monkeypatch.context() as patch:

        def cut(*_args):
            raise EnvironmentFailure("no power")

        patch.setattr(EncryptedStore, "change_key", cut)
        station = _open(folder)
        _leave(station)
        with pytest.raises(EnvironmentFailure):
            station.services.keys.rotate(station.actor)
        station.close()


def test_a_change_that_was_broken_off_is_finished_after_the_next_log_in(folder, monkeypatch):
    _break_off(folder, monkeypatch)
    station = _open(folder)
    state = station.services.keys.state(station.actor)
    assert (state.generation, state.settled) == (2, False)
    assert station.services.keys.catch_up()
    state = station.services.keys.state(station.actor)
    assert (state.generation, state.settled) == (2, True)
    assert not station.services.keys.catch_up()
    station.close()
    _open(folder).close()


def test_old_slots_put_back_in_the_middle_of_a_change_are_noticed(folder, code, monkeypatch):
    """The database is still under the old key, so the leaver's slot would open it."""
    old_slots = (folder / KEY_SLOTS).read_bytes()
    _break_off(folder, monkeypatch)
    _put_slots(folder, old_slots)
    for name, password in (
        (LEAVER.username, LEAVERS_PASSWORD),
        (DIRECTOR.username, DEMO_PASSWORD),
    ):
        with pytest.raises(StateError, match="cũ hơn lần đổi khóa"):
            open_station(folder, name, password)
    station = open_with_recovery(folder, DIRECTOR.username, code, DEMO_PASSWORD)
    assert "keys.rolled_back" in _actions(station)
    assert LEAVER.username not in [one.username for one in _slots(folder).people()]
    assert station.services.keys.catch_up(), "the key is changed at once"
    station.close()
    _open(folder).close()


def test_without_the_note_the_old_slots_would_open_it(folder, monkeypatch):
    """The attack above works where nothing remembers the change: so it is the note that stops it."""
    old_slots = (folder / KEY_SLOTS).read_bytes()
    _break_off(folder, monkeypatch)
    station = _open(folder)
    with station.store.write() as work:
        work.settings.put(GENERATION, "1")
    station.close()
    _put_slots(folder, old_slots)
    _open(folder).close()


@pytest.mark.parametrize("swapped", [KEY_SLOTS, DATABASE])
def test_files_of_another_station_are_refused(folder, tmp_path, swapped):
    """Same names, same passwords, same place: still not the same station."""
    other = tmp_path / "other"
    with cheap_passwords():
        create_station(other, demo_profile(""), DIRECTOR, DEMO_PASSWORD)
    if swapped == KEY_SLOTS:
        _put_slots(folder, (other / KEY_SLOTS).read_bytes())
    else:
        shutil.copy(other / DATABASE, folder / DATABASE)
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(DatabaseDamaged):
        _open(folder)
    assert (folder / DATABASE).read_bytes() == before
    with pytest.raises(sqlite3.DatabaseError):  # and it is no plain file either
        sqlite3.connect(folder / DATABASE).execute("SELECT * FROM sqlite_master")


def test_too_little_room_changes_nothing(folder, monkeypatch):
    def no_room(_path):
        raise DiskFull("ổ đĩa đầy")

    monkeypatch.setattr(rekey, "need_room", no_room)
    station = _open(folder)
    with pytest.raises(DiskFull):
        station.services.keys.rotate(station.actor)
    assert station.services.keys.state(station.actor).generation == 1
    assert "keys.rotate" not in _actions(station)
    station.close()


def test_cancelled_is_carried_on_later(folder):
    station = _open(folder)
    assert not station.services.keys.rotate(station.actor, cancelled=lambda: True)
    assert not station.services.keys.state(station.actor).settled
    assert station.services.keys.rotate(station.actor)
    assert station.services.keys.state(station.actor).generation == 2
    station.close()


def test_who_may_not(folder):
    station = open_station(
        folder, LEAVER.username, LEAVERS_PASSWORD, new_password="Cánh đồng 2027 xa xa!"
    )
    with pytest.raises(PermissionDenied):
        station.services.keys.rotate(station.actor)
    with pytest.raises(PermissionDenied):
        station.services.keys.state(station.actor)
    station.close()


def test_what_the_machine_holds_moves_to_the_new_key(folder):
    """The province still knows this PC after the change, and the old key opens its secret no more."""
    slots = _slots(folder)
    old = slots.unlock(DIRECTOR.username, DEMO_PASSWORD)
    clock = SystemClock()

    def keys(data_key, *earlier):
        return DeviceKeys(
            folder,
            slots.database_id,
            data_key,
            machine="m",
            random=clock.random,
            vault=lambda: None,
            earlier=earlier,
        )

    made = keys(old).candidate("")
    slots.replace_all(old, bytes(32))
    assert keys(bytes(32)).find(made.key_id) is None
    assert keys(bytes(32), old).find(made.key_id) is not None
    assert keys(bytes(32)).find(made.key_id) is not None
    assert keys(old).find(made.key_id) is None
