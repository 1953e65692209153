"""What is asked after the right password: telephone, own password, days without use, an end."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from station_emr.domain import one_time_code as otp
from station_emr.domain.access import AccessPolicy
from station_emr.domain.door import (
    Credentials,
    JoiningNeeded,
    NewPasswordNeeded,
    SecondFactorNeeded,
    WrongCode,
)
from station_emr.domain.errors import AccountLocked, InvalidRecord, PermissionDenied, StateError
from station_emr.domain.permissions import Role
from station_emr.domain.user import User
from station_emr.printing.qr import matrix
from station_emr.security.passwords import (
    DEFAULT_POLICY,
    WITH_SECOND_FACTOR,
    password_problems,
)
from station_emr.services import old_passwords
from station_emr.services.access_rules import close_idle, sweep_daily
from station_emr.services.door import Door
from station_emr.services.timekeeping import NEWEST_SEEN, note_use

OWN = "Mat-khau-cua-toi-1"
NEW = "Mat-khau-khac-han-2"


class Keys:
    """The key slots without the slow derivation; refuses what is short."""

    def __init__(self):
        self.changed = []

    def change_password(self, username, old, new):
        self.changed.append((username, old, new))

    def password_problems(self, password, username, full_name, *, second_factor=False):
        policy = WITH_SECOND_FACTOR if second_factor else DEFAULT_POLICY
        return password_problems(password, username, full_name, policy)


class RealDoor:
    def __init__(self, station):
        self.station, self.keys = station, Keys()
        self.door = Door(station.store, station.clock, self.keys, matrix)

    def __call__(self, username, password=OWN, **given):
        given = Credentials(password=password, **given)
        return self.door.enter(username, given, "Máy 1")

    def telephone(self, username, *, ahead=timedelta()):
        state = self.state(username)
        secret = bytes.fromhex(state.totp_secret or state.pending_secret)
        return otp.code_at(secret, otp.step_at(self.station.clock.now() + ahead))

    def state(self, username):
        with self.station.store.read() as work:
            return work.access.state(work.users.by_username(username).id)

    def join(self, username, **more):
        with pytest.raises(JoiningNeeded):
            self(username, **more)
        return self(username, code=self.telephone(username), **more).codes

    def use_on(self, days):
        """Days pass, and somebody uses the machine on the last of them."""
        self.station.clock.forward(days=days)
        with self.station.store.write() as work:
            note_use(work, self.station.clock.now())


@pytest.fixture
def door(station):
    with station.store.write() as work:  # a station that is no exercise
        profile = replace(work.settings.station(), demo=False)
        work.settings.save_station(profile, station.clock.now())
        note_use(work, station.clock.now())
    return RealDoor(station)


def test_the_made_up_station_asks_for_nothing(station) -> None:
    station.clock.forward(days=100)
    assert RealDoor(station)("admin").codes == ()


def test_an_administrator_joins_a_telephone_before_anything_is_shown(door) -> None:
    with pytest.raises(JoiningNeeded) as asked:
        door("admin")
    assert "secret=" in asked.value.address
    assert len(asked.value.squares) > 20
    with pytest.raises(JoiningNeeded) as again:
        door("admin", code="000000")
    assert again.value.secret == asked.value.secret  # the scanned picture still fits

    codes = door("admin", code=door.telephone("admin")).codes

    assert len(set(codes)) == 10
    with pytest.raises(SecondFactorNeeded):
        door("admin")


def test_others_are_asked_when_the_station_says_so(door) -> None:
    assert door("ddmai").codes == ()
    station = door.station
    station.services.people.access.save_policy(
        station.director, AccessPolicy(second_factor=frozenset({Role.NURSE}))
    )
    with pytest.raises(JoiningNeeded):
        door("ddmai")
    with pytest.raises(JoiningNeeded):  # administrators cannot be left out
        door("admin")


def test_a_code_opens_once(door) -> None:
    door.join("admin")
    door.station.clock.forward(minutes=2)
    code = door.telephone("admin")
    door("admin", code=code)
    with pytest.raises(WrongCode):
        door("admin", code=code)


def test_a_recovery_code_opens_once_and_the_rest_stay(door) -> None:
    first, second, *_rest = door.join("admin")
    door("admin", code=first.lower())
    with pytest.raises(WrongCode):
        door("admin", code=first)
    door("admin", code=second)
    assert len(door.state("admin").recovery) == 8


def test_five_wrong_codes_lock_and_a_manager_unlocks(door) -> None:
    door.join("admin")
    for left in range(4, 0, -1):
        with pytest.raises(WrongCode, match=f"Còn {left} lần"):
            door("admin", code="000000")
    with pytest.raises(WrongCode, match="đã bị khóa"):
        door("admin", code="000000")
    door.station.clock.forward(minutes=2)
    with pytest.raises(AccountLocked):
        door("admin", code=door.telephone("admin"))

    door.station.services.accounts.unlock(door.station.director, "admin")

    door("admin", code=door.telephone("admin"))
    rows = door.station.services.accounts.audit(door.station.director)
    failed = [row for row in rows if row.action == "account.failed_log_in"]
    assert len(failed) == 5
    assert {row.account for row in failed} == {"admin"}


def test_a_lost_telephone_is_taken_away_by_somebody_else(door) -> None:
    door.join("admin")
    station = door.station
    factor = station.services.people.second_factor
    with pytest.raises(StateError):
        factor.reset(station.actor(Role.ADMINISTRATOR), "admin")
    with pytest.raises(PermissionDenied):
        factor.reset(station.nurse, "admin")

    factor.reset(station.director, "admin")

    with pytest.raises(NewPasswordNeeded):  # a short password is no longer enough
        door("admin")
    assert door.join("admin", new_password=NEW)


def test_a_password_of_somebody_else_opens_once(door) -> None:
    station = door.station
    user = User(id="", username="moi", full_name="Người Mới Mẫu", role=Role.NURSE)
    station.services.accounts.add_user(station.director, user, OWN)
    with pytest.raises(NewPasswordNeeded):
        door("moi")
    with pytest.raises(InvalidRecord) as refused:
        door("moi", new_password="ngan")
    assert "password-short" in {p.code for p in refused.value.problems}
    with pytest.raises(InvalidRecord) as refused:
        door("moi", new_password=OWN)
    assert "password-same" in {p.code for p in refused.value.problems}

    door("moi", new_password=NEW)

    assert door.keys.changed == [("moi", OWN, NEW)]
    door("moi", NEW)
    station.services.accounts.reset_password(station.director, "moi", "Lai-do-nguoi-khac-3")
    with pytest.raises(NewPasswordNeeded):
        door("moi", "Lai-do-nguoi-khac-3")


def test_an_administrator_joins_and_chooses_a_password_in_one_go(door) -> None:
    station = door.station
    station.services.accounts.reset_password(station.director, "admin", OWN)
    with pytest.raises(NewPasswordNeeded):
        door("admin")
    with pytest.raises(JoiningNeeded):
        door("admin", new_password=NEW)
    assert door.keys.changed == []  # nothing is changed until everything is there
    assert door("admin", new_password=NEW, code=door.telephone("admin")).codes
    assert door.keys.changed == [("admin", OWN, NEW)]


def test_the_code_is_not_used_up_by_being_asked_for_a_password(door) -> None:
    door.join("admin")
    door.station.services.accounts.reset_password(door.station.director, "admin", OWN)
    door.station.clock.forward(minutes=2)
    code = door.telephone("admin")
    with pytest.raises(NewPasswordNeeded) as asked:
        door("admin", code=code)
    assert asked.value.shorter
    door("admin", code=code, new_password="Ngan-8kt")


def test_ten_passwords_are_remembered(door, monkeypatch) -> None:
    monkeypatch.setattr(old_passwords, "_COST", 2)
    station = door.station
    accounts, nurse = station.services.accounts, station.nurse
    used = [f"Mat-khau-so-{number}-day" for number in range(11)]
    for old, new in zip([OWN, *used], used, strict=False):
        accounts.change_password(nurse, old, new)
    with pytest.raises(InvalidRecord, match="đã dùng trước đây"):
        accounts.change_password(nurse, used[-1] + "x", used[1])
    accounts.change_password(nurse, used[-1], used[0])  # the eleventh before is forgotten


def test_administrators_change_every_two_months(door) -> None:
    door.join("admin")
    station = door.station
    admin = station.actor(Role.ADMINISTRATOR)
    access = station.services.people.access

    def come(days, **given):
        door.use_on(days)
        return door("admin", code=door.telephone("admin"), **given)

    come(40)
    assert access.warning(admin) == ""
    come(14)
    assert "Còn 6 ngày" in access.warning(admin)
    with pytest.raises(NewPasswordNeeded, match="quá 60 ngày"):
        come(7)
    come(0, new_password="Ngan-8kt")
    assert access.warning(admin) == ""


def test_nobody_else_has_to(door) -> None:
    for _ in range(3):
        door("ddmai")
        door.use_on(40)
    door("ddmai")


def test_45_days_without_use_close_an_account(door) -> None:
    door("ddmai")
    door.use_on(44)
    door("ddmai")
    door.use_on(45)
    with pytest.raises(PermissionDenied, match="45 ngày"):
        door("ddmai")

    station = door.station
    with pytest.raises(PermissionDenied):
        station.services.people.access.reopen(station.doctor, "ddmai")
    station.services.people.access.reopen(station.director, "ddmai")
    door("ddmai")


def test_a_clock_that_is_set_back_gives_no_days(door) -> None:
    door("ddmai")
    door.use_on(46)
    door.station.clock.forward(days=-40)
    with pytest.raises(PermissionDenied, match="45 ngày"):
        door("ddmai")


def test_a_clock_that_jumped_years_ahead_closes_nobody(door) -> None:
    door("ddmai")
    door.station.clock.forward(days=2000)
    door("ddmai")


def test_the_last_director_is_warned_and_stays(door) -> None:
    door("giamdoc")
    door.use_on(60)
    station = door.station
    with station.store.write() as work:
        closed = {user.username for user in close_idle(work, station.clock.now())}
    assert "giamdoc" not in closed
    assert {"ddmai", "bshoa", "admin"} <= closed
    assert "giám đốc duy nhất" in station.services.people.access.warning(station.director)
    door("giamdoc")
    assert station.services.people.access.warning(station.director) == ""


def test_the_daily_sweep_runs_once_a_day(door) -> None:
    door("ddmai")
    door.use_on(50)
    now = door.station.clock.now()
    with door.station.store.write() as work:
        assert len(sweep_daily(work, now)) >= 3
        assert sweep_daily(work, now) == ()
    rows = door.station.services.accounts.audit(door.station.director)
    assert any(row.action == "account.close_idle" for row in rows)


def test_an_account_with_an_end_is_refused_afterwards(door) -> None:
    station = door.station
    access = station.services.people.access
    today = station.clock.now().date()
    access.limit(station.director, "ddmai", today + timedelta(days=1), today + timedelta(days=10))
    with pytest.raises(PermissionDenied, match="dùng được từ ngày"):
        door("ddmai")
    door.use_on(2)
    door("ddmai")
    nurse = station.nurse
    door.use_on(9)
    with pytest.raises(PermissionDenied, match="đã hết hạn ngày"):
        door("ddmai")
    with pytest.raises(PermissionDenied, match="đã hết hạn ngày"):  # a window left open, too
        station.services.encounters.queue(nurse)
    station.clock.forward(days=-9)
    with pytest.raises(PermissionDenied, match="đã hết hạn ngày"):
        door("ddmai")
    access.limit(station.director, "ddmai", None, None)
    door("ddmai")


def test_the_last_director_gets_no_end(door) -> None:
    station = door.station
    admin = station.actor(Role.ADMINISTRATOR)
    with pytest.raises(StateError, match="ít nhất một giám đốc"):
        station.services.people.access.limit(admin, "giamdoc", None, date(2027, 1, 1))
    with pytest.raises(StateError, match="ít nhất một giám đốc"):
        station.services.people.access.suspend(admin, "giamdoc")


def test_what_is_odd_is_not_remembered_as_time(door) -> None:
    station = door.station
    with station.store.read() as work:
        seen = work.settings.get(NEWEST_SEEN)
    assert seen is not None


def test_a_suspended_account_is_noted_at_the_door(door) -> None:
    station = door.station
    station.services.people.access.suspend(station.director, "ddmai")
    with pytest.raises(PermissionDenied, match="tạm ngừng"):
        door("ddmai")
    newest = station.services.accounts.audit(station.director)[0]
    assert (newest.action, newest.account, newest.result) == ("access.refused", "ddmai", "refused")
