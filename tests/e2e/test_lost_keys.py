"""Forgotten passwords, a stolen PC, a dead director: each way back in, walked to its end."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from station_emr.cli import main as program
from station_emr.demo.station import DEMO_PASSWORD, demo_people, demo_profile
from station_emr.domain.errors import (
    DatabaseDamaged,
    EnvironmentFailure,
    InvalidRecord,
    PermissionDenied,
    StateError,
    UserError,
    WrongPassword,
)
from station_emr.domain.permissions import Role
from station_emr.domain.user import User
from station_emr.security import keyslots as keyslots_module
from station_emr.security.keyslots import KeySlots
from station_emr.security.machine_tie import MachineTie
from station_emr.services.clock import SystemClock
from station_emr.station import (
    DATABASE,
    KEY_SLOTS,
    create_station,
    open_station,
    open_with_recovery,
)
from station_emr.succession import appoint_director
from tests.security.stations import cheap_passwords

PROFILE = replace(demo_profile(""), demo=False)
DIRECTOR = demo_people()[0].user
NURSE = User(id="", username="dieuduong", full_name="Người Mẫu Hai", role=Role.NURSE)
SECOND = User(
    id="", username="phogiamdoc", full_name="Người Mẫu Ba", role=Role.DIRECTOR, licence_no="MAU-3"
)
FIRST_WORD = "Cây cầu 2026 bên sông!"
NEW_WORD = "Ruộng bậc thang 27 #xanh"


class Store:
    """The key store of an operating system, in memory."""

    def __init__(self):
        self.held = {}

    def get(self, name):
        return self.held.get(name)

    def put(self, name, text):
        self.held[name] = text


class Broken:
    def get(self, _name):
        raise OSError("locked")

    def put(self, _name, _text):
        raise OSError("locked")


@pytest.fixture
def machine(monkeypatch):
    """``machine(store)``: from now on this is the PC with that store."""

    def become(store):
        monkeypatch.setattr(keyslots_module, "MachineTie", lambda: MachineTie(lambda: store))

    become(None)
    return become


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "station"
    with cheap_passwords():
        code = create_station(folder, PROFILE, DIRECTOR, DEMO_PASSWORD)
    station = open_station(folder, DIRECTOR.username, DEMO_PASSWORD)
    for one in (NURSE, SECOND):
        station.services.accounts.add_user(station.actor, one, FIRST_WORD)
    station.close()
    return folder, code


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "station")
    return tmp_path / "station"


@pytest.fixture
def code(made):
    return made[1]


def _director(folder):
    return open_station(folder, DIRECTOR.username, DEMO_PASSWORD)


def _enter(folder, username, password, new=""):
    """Open and close; who it was."""
    station = open_station(folder, username, password, new_password=new)
    station.close()
    return station.actor.user


def _log(folder, username=DIRECTOR.username, password=DEMO_PASSWORD):
    station = open_station(folder, username, password)
    try:
        with station.store.read() as work:
            return {row.action: row for row in work.audit.rows(80, None)}
    finally:
        station.close()


# -- forgotten passwords -------------------------------------------------------------------------


def test_a_nurse_forgot_hers_and_the_director_gives_a_new_one(folder):
    station = _director(folder)
    station.services.accounts.reset_password(station.actor, NURSE.username, NEW_WORD)
    station.close()
    with pytest.raises(WrongPassword):
        _enter(folder, NURSE.username, FIRST_WORD)
    own = "Tq5%jx-Zk8!vw3@"
    assert _enter(folder, NURSE.username, NEW_WORD, own).role is Role.NURSE
    assert "account.reset_password" in _log(folder)


def test_the_director_forgot_his_and_the_second_director_gives_a_new_one(folder):
    station = open_station(folder, SECOND.username, FIRST_WORD, new_password="Lw2@pz-Vx9#kq7!")
    station.services.accounts.reset_password(station.actor, DIRECTOR.username, NEW_WORD)
    station.close()
    own = "Tq5%jx-Zk8!vw3@"
    assert _enter(folder, DIRECTOR.username, NEW_WORD, own).role is Role.DIRECTOR


def test_the_director_forgot_his_and_opens_the_envelope(folder, code):
    open_with_recovery(folder, DIRECTOR.username, code, NEW_WORD).close()
    assert _enter(folder, DIRECTOR.username, NEW_WORD).role is Role.DIRECTOR
    with pytest.raises(WrongPassword):
        _enter(folder, DIRECTOR.username, DEMO_PASSWORD)
    assert "account.recovery" in _log(folder, password=NEW_WORD)


# -- a dead director -----------------------------------------------------------------------------


def test_the_deputy_becomes_director_with_the_code_from_the_safe(folder, code):
    deputy = replace(SECOND, username="giamdocmoi", full_name="Người Mẫu Kế Nhiệm")
    appoint_director(
        folder,
        code,
        deputy,
        NEW_WORD,
        reason="Quyết định mẫu 01",
        replaces=DIRECTOR.username,
    )
    with pytest.raises(WrongPassword):
        _enter(folder, DIRECTOR.username, DEMO_PASSWORD)
    station = open_station(folder, "giamdocmoi", NEW_WORD)
    assert station.actor.role is Role.DIRECTOR
    assert station.services.keys.state(station.actor).leavers == (DIRECTOR.username,)
    assert station.services.keys.catch_up(), "the key of the one who is gone is changed"
    assert station.services.accounts.verify_audit(station.actor) is None
    station.close()
    told = _log(folder, "giamdocmoi", NEW_WORD)["account.appoint_director"]
    assert "Quyết định mẫu 01" in str(told.detail)
    open_with_recovery(folder, "giamdocmoi", code, FIRST_WORD).close()


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"code": "0000-0000-0000-0000-0000-0000"}, WrongPassword),
        ({"code": "sai"}, UserError),
        ({"password": "ngắn"}, InvalidRecord),
        ({"reason": " "}, InvalidRecord),
        ({"replaces": NURSE.username}, UserError),
        ({"user": replace(SECOND, username=NURSE.username)}, UserError),
    ],
    ids=str,
)
def test_nobody_is_appointed_by_less(folder, code, change, failure):
    before = (folder / KEY_SLOTS).read_bytes()
    given = {
        "code": code,
        "user": replace(SECOND, username="giamdocmoi"),
        "password": NEW_WORD,
        "reason": "Quyết định mẫu",
        **change,
    }
    with pytest.raises(failure):
        appoint_director(folder, **given)
    station = _director(folder)
    with station.store.read() as work:
        assert work.users.by_username("giamdocmoi") is None
    station.close()
    assert [p.username for p in KeySlots.load(folder / KEY_SLOTS, clock=SystemClock().now).people()]
    assert (folder / KEY_SLOTS).read_bytes() == before


# -- a stolen PC, and a PC that died -------------------------------------------------------------


def test_a_folder_tied_to_its_pc_opens_elsewhere_with_the_code_alone(
    folder, code, machine, tmp_path
):
    """Stolen disk, known password: nothing. New PC, copy and envelope: everything."""
    here = Store()
    machine(here)
    station = _director(folder)
    station.services.keys.tie_to_machine(station.actor)
    assert station.services.keys.state(station.actor).tied
    station.close()
    assert _enter(folder, DIRECTOR.username, DEMO_PASSWORD)
    assert _enter(folder, NURSE.username, FIRST_WORD, NEW_WORD)

    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder, elsewhere)
    for store in (None, Store(), Broken()):
        machine(store)
        with pytest.raises(StateError, match="máy khác"):
            open_station(elsewhere, DIRECTOR.username, DEMO_PASSWORD)
    machine(Store())
    station = open_with_recovery(elsewhere, DIRECTOR.username, code, NEW_WORD)
    state = station.services.keys.state(station.actor)
    assert NURSE.username in state.foreign
    assert DIRECTOR.username not in state.foreign
    station.services.accounts.reset_password(station.actor, NURSE.username, "Nắng sớm 2029 &ấm áp")
    station.services.keys.tie_to_machine(station.actor)
    station.close()
    assert _enter(elsewhere, DIRECTOR.username, NEW_WORD)
    machine(here)
    with pytest.raises(StateError, match="máy khác"):
        open_station(elsewhere, DIRECTOR.username, NEW_WORD)


def test_untied_again_the_password_is_enough_anywhere(folder, machine, tmp_path):
    machine(Store())
    station = _director(folder)
    station.services.keys.tie_to_machine(station.actor)
    station.services.keys.rotate(station.actor)
    station.services.keys.untie_from_machine(station.actor)
    station.close()
    machine(None)
    assert _enter(folder, DIRECTOR.username, DEMO_PASSWORD)


def test_a_pc_without_a_store_cannot_be_tied_and_nothing_changes(folder, machine):
    for store in (None, Broken()):
        machine(store)
        before = (folder / KEY_SLOTS).read_bytes()
        station = _director(folder)
        with pytest.raises(EnvironmentFailure, match="kho khóa"):
            station.services.keys.tie_to_machine(station.actor)
        station.close()
        assert "keys.tie" not in _log(folder)
        assert (folder / KEY_SLOTS).read_bytes() == before


def test_only_the_director_ties(folder, machine):
    machine(Store())
    station = open_station(folder, NURSE.username, FIRST_WORD, new_password=NEW_WORD)
    with pytest.raises(PermissionDenied):
        station.services.keys.tie_to_machine(station.actor)
    station.close()


def test_after_a_theft_the_thiefs_copy_does_not_open_what_came_after(folder, tmp_path):
    """The stolen folder stays readable to who knows a password of that day; the record of the other
    PC, re-encrypted, does not open with anything in it.
    """
    stolen = tmp_path / "stolen"
    shutil.copytree(folder, stolen)
    station = _director(folder)
    assert station.services.keys.rotate(station.actor)
    station.services.accounts.reset_password(station.actor, NURSE.username, NEW_WORD)
    station.close()
    shutil.copy(folder / DATABASE, stolen / DATABASE)
    with pytest.raises(DatabaseDamaged):
        _enter(stolen, DIRECTOR.username, DEMO_PASSWORD)


# -- the code in the envelope --------------------------------------------------------------------


def test_the_code_is_tried_and_the_reminder_stops(folder, code):
    station = _director(folder)
    keys = station.services.keys
    assert "chưa được thử" in keys.code_reminder(station.actor)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    with pytest.raises(UserError, match="gõ nhầm"):
        keys.check_recovery_code(station.actor, wrong)
    assert "chưa được thử" in keys.code_reminder(station.actor)
    keys.check_recovery_code(station.actor, code.lower().replace("-", " "))
    assert keys.code_reminder(station.actor) == ""
    station.services.accounts.new_recovery_code(station.actor)
    assert "chưa được thử" in keys.code_reminder(station.actor), "the new one was not tried"
    with pytest.raises(WrongPassword):
        keys.check_recovery_code(station.actor, code)
    station.close()


# -- the command line ----------------------------------------------------------------------------


def test_the_commands(folder, code, machine, monkeypatch, capsys):
    machine(Store())

    def run(*words, typed):
        answers = iter(typed)
        monkeypatch.setattr("station_emr.cli.main.ask_password", lambda _prompt: next(answers))
        status = program.run([*words, "--data-dir", str(folder), "--user", DIRECTOR.username])
        return status, capsys.readouterr().out

    assert run("keys", "status", typed=[DEMO_PASSWORD])[1].startswith("Khóa dữ liệu thứ 1.")
    assert run("keys", "check-code", typed=[DEMO_PASSWORD, code])[1].startswith("Mã đúng")
    assert "khóa thứ 2" in run("keys", "rotate", typed=[DEMO_PASSWORD])[1]
    assert "Đã gắn" in run("keys", "tie", typed=[DEMO_PASSWORD])[1]
    assert "Đã gắn với máy" in run("keys", "status", typed=[DEMO_PASSWORD])[1]
    assert "Đã bỏ gắn" in run("keys", "untie", typed=[DEMO_PASSWORD])[1]
    appoint = ("keys", "appoint", "--new-user", "moi", "--full-name", "Người Mẫu Mới")
    done = run(*appoint, "--reason", "Quyết định mẫu", typed=[code, NEW_WORD])
    assert done[0] == 0
    assert _enter(folder, "moi", NEW_WORD).role is Role.DIRECTOR
