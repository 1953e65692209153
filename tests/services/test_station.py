"""Set-up, log-in, recovery and the letter key, with real key slots."""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.demo.clock import DemoClock
from station_emr.demo.station import demo_people, demo_profile
from station_emr.domain.errors import (
    DatabaseMissing,
    InvalidRecord,
    PermissionDenied,
    WrongPassword,
)
from station_emr.domain.permissions import Role
from station_emr.domain.user import User
from station_emr.security.keyslots import KeySlots
from station_emr.security.letters import signing_key_from_bytes
from station_emr.services.chart_likeness import has_more
from station_emr.station import (
    KEY_SLOTS,
    LETTER_KEY,
    create_station,
    open_station,
    open_with_recovery,
)
from tests.security.stations import cheap_passwords

from .conftest import MORNING

DIRECTOR, DOCTOR, _ = demo_people()
NEW = "Rung-Thong-2026!"


@pytest.fixture(scope="module", autouse=True)
def _cheap():
    with cheap_passwords():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "station"
    clock = DemoClock(MORNING, seed=3)
    code = create_station(folder, demo_profile(""), DIRECTOR.user, DIRECTOR.password, clock)
    station = open_station(folder, "giamdoc", DIRECTOR.password, clock)
    station.services.accounts.add_user(station.actor, DOCTOR.user, DOCTOR.password)
    station.close()
    return folder, code


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "station")
    return tmp_path / "station"


@pytest.fixture
def clock():
    return DemoClock(MORNING + timedelta(hours=1), seed=4)


def names(folder, clock):
    return [p.username for p in KeySlots.load(folder / KEY_SLOTS, clock=clock.now).people()]


def test_logging_in_is_dated_and_queues_nothing(folder, clock):
    station = open_station(folder, " BsHoa ", DOCTOR.password, clock)
    try:
        with station.store.read() as work:
            user, waiting = work.users.by_username("bshoa"), work.counts().outbox
        assert user.last_login_at.date() == MORNING.date()
        station.services.accounts.log_in("bshoa", "Máy 1")
        with station.store.read() as work:
            assert work.counts().outbox == waiting
    finally:
        station.close()


def test_who_may_be_registered_twice_is_looked_for_after_every_run(folder, clock):
    station = open_station(folder, "giamdoc", DIRECTOR.password, clock)
    try:
        with station.store.read() as work:
            assert has_more(work)
        station.scheduler._attempt()
        with station.store.read() as work:
            assert not has_more(work)
    finally:
        station.close()


def test_set_up_names_every_field_at_fault_and_leaves_nothing(tmp_path, clock):
    wrong = replace(DIRECTOR.user, username="Giám đốc", full_name=" ")
    with pytest.raises(InvalidRecord) as refused:
        create_station(tmp_path / "x", demo_profile(""), wrong, "ngắn", clock)
    fields = {problem.field for problem in refused.value.problems}
    assert fields == {"username", "full_name", "password"}
    assert not (tmp_path / "x").exists()


def test_the_code_from_the_envelope_opens_the_record_and_is_logged(made, folder, clock):
    station = open_with_recovery(folder, "bshoa", made[1], NEW, clock)
    try:
        assert station.actor.user.username == "bshoa"
        with station.store.read() as work:
            assert work.audit.rows(1)[0].action == "account.recovery"
    finally:
        station.close()
    with pytest.raises(WrongPassword):
        open_station(folder, "bshoa", DOCTOR.password, clock)
    open_station(folder, "bshoa", NEW, clock).close()


def test_recovery_refuses_the_persons_own_name_and_changes_nothing(made, folder, clock):
    own_name = "NguyenThiHoa-2026!"
    with pytest.raises(InvalidRecord) as refused:
        open_with_recovery(folder, "bshoa", made[1], own_name, clock)
    assert {p.code for p in refused.value.problems} == {"password-name"}
    open_station(folder, "bshoa", DOCTOR.password, clock).close()


def test_recovery_of_a_missing_record_changes_no_password(made, folder, clock):
    before = (folder / KEY_SLOTS).read_bytes()
    (folder / "station.db").unlink()
    with pytest.raises(DatabaseMissing):
        open_with_recovery(folder, "bshoa", made[1], NEW, clock)
    assert (folder / KEY_SLOTS).read_bytes() == before


def test_a_leavers_tile_goes_and_recovery_does_not_bring_the_person_back(made, folder, clock):
    station = open_station(folder, "giamdoc", DIRECTOR.password, clock)
    try:
        doctor = next(
            u for u in station.services.accounts.users(station.actor) if u.username == "bshoa"
        )
        station.services.accounts.update_user(station.actor, replace(doctor, active=False))
        assert names(folder, clock) == ["giamdoc"]
        with pytest.raises(PermissionDenied):
            open_with_recovery(folder, "bshoa", made[1], NEW, clock)
        assert names(folder, clock) == ["giamdoc"]
        station.services.accounts.update_user(station.actor, doctor)
        station.services.accounts.reset_password(station.actor, "bshoa", NEW)
    finally:
        station.close()
    open_station(folder, "bshoa", NEW, clock).close()


def test_changing_the_own_password(folder, clock):
    station = open_station(folder, "bshoa", DOCTOR.password, clock)
    accounts = station.services.accounts
    try:
        for wrong, code in (
            (DOCTOR.password, "password-same"),
            ("ngắn", "password-short"),
            ("BsHoa-Rung-2026!", "password-name"),
        ):
            with pytest.raises(InvalidRecord) as refused:
                accounts.change_password(station.actor, DOCTOR.password, wrong)
            assert code in {p.code for p in refused.value.problems}
        with pytest.raises(WrongPassword):
            accounts.change_password(station.actor, "Khong-Phai-2026!", NEW)
        accounts.change_password(station.actor, DOCTOR.password, NEW)
        with station.store.read() as work:
            assert work.audit.rows(1)[0].action == "account.change_password"
    finally:
        station.close()
    open_station(folder, "bshoa", NEW, clock).close()


def test_the_letter_key_given_out_is_the_public_half(folder, clock):
    station = open_station(folder, "bshoa", DOCTOR.password, clock)
    try:
        with station.store.read() as work:
            seed = bytes.fromhex(work.settings.get(LETTER_KEY))
        given = station.letter_key()
        assert given.public_key == signing_key_from_bytes(seed).public_key().public_bytes_raw()
        assert given.public_key != seed
        assert given.facility_code == "DEMO1"
    finally:
        station.close()


@pytest.mark.parametrize("key", [LETTER_KEY, "station.facility_id", "clock.newest_signed"])
def test_what_the_program_keeps_for_itself_is_no_setting(station, key):
    with pytest.raises(PermissionDenied):
        station.services.accounts.setting(key)
    with pytest.raises(PermissionDenied):
        station.services.accounts.save_setting(station.director, key, "x")


def test_a_station_stays_itself_and_real(station):
    accounts = station.services.accounts
    before = accounts.station()
    accounts.save_station(
        station.director,
        replace(before, facility_id="another", demo=not before.demo, phone="0900000009"),
    )
    assert accounts.station() == replace(before, phone="0900000009")


def test_nobody_changes_the_own_role(station):
    admin = station.actor(Role.ADMINISTRATOR)
    for change in ({"role": Role.DOCTOR, "licence_no": "1"}, {"active": False}):
        with pytest.raises(InvalidRecord) as refused:
            station.services.accounts.update_user(admin, replace(admin.user, **change))
        assert refused.value.problems[0].code == "own-role"
    station.services.accounts.update_user(admin, replace(admin.user, phone="0900000008"))


@pytest.mark.parametrize("username", ["a", "Có Dấu", "a b", "-x", "x" * 33])
def test_unusable_log_in_names_are_refused_beside_their_field(station, username):
    user = User(id="", username=username, full_name="Người Mẫu", role=Role.NURSE)
    with pytest.raises(InvalidRecord) as refused:
        station.services.accounts.add_user(station.director, user, "x")
    assert refused.value.problems[0].field == "username"


def test_a_new_recovery_code_opens_and_the_one_before_no_longer(made, folder):
    clock = DemoClock(MORNING, seed=6)
    station = open_station(folder, "giamdoc", DIRECTOR.password, clock)
    fresh = station.services.accounts.new_recovery_code(station.actor)
    station.close()
    with pytest.raises(WrongPassword):
        open_with_recovery(folder, "giamdoc", made[1], NEW, clock)
    open_with_recovery(folder, "giamdoc", fresh, NEW, clock).close()
    open_station(folder, "giamdoc", NEW, clock).close()
