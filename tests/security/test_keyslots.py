"""Key slots: who gets the data key, and what a wrong password costs."""

from __future__ import annotations

import os
import stat
import sys
import threading

import pytest

from station_emr.domain.errors import (
    AccountLocked,
    DiskFull,
    NotFound,
    StateError,
    UserError,
    WrongPassword,
)
from station_emr.security import durable_file, key_wrap, slot_file
from station_emr.security.keyslots import FILE_NAME
from station_emr.security.recovery_code import make_recovery_code
from tests.security.stations import (
    CHEAP,
    NOW,
    OTHER,
    PASSWORD,
    attempts_left,
    fail,
    make,
    reload,
)


def test_password_and_recovery_code_open_the_same_key(path, station):
    slots, data_key, code = station
    assert len(data_key) == 32
    assert slots.unlock("ha", PASSWORD) == data_key
    assert slots.unlock(" HA ", PASSWORD) == data_key
    assert slots.unlock_with_recovery(code) == data_key
    assert reload(path).unlock("ha", PASSWORD) == data_key


def test_two_stations_share_nothing(tmp_path):
    _, one, code_one = make(tmp_path / "a" / FILE_NAME)
    _, other, code_other = make(tmp_path / "b" / FILE_NAME)
    assert one != other
    assert code_one != code_other


def test_people_for_the_log_in_tiles(station):
    slots, data_key, _ = station
    slots.add("nga.yt", "ĐD. Nga Mẫu", OTHER, data_key, role_label="Điều dưỡng")
    assert slots.station_name == "Trạm Y tế mẫu"
    assert slots.database_id == "db-1"
    assert [(p.username, p.display_name, p.role_label) for p in slots.people()] == [
        ("ha", "BS. Hà Mẫu", "Giám đốc trạm"),
        ("nga.yt", "ĐD. Nga Mẫu", "Điều dưỡng"),
    ]
    slots.describe("nga.yt", display_name="ĐD. Nga Mới", role_label="Hộ sinh")
    assert slots.people()[1].display_name == "ĐD. Nga Mới"
    assert slots.unlock("nga.yt", OTHER) == data_key


def test_the_file_holds_no_secret(path, station):
    slots, data_key, code = station
    text = path.read_text(encoding="utf-8")
    import base64

    for secret in (
        PASSWORD,
        code,
        code.replace("-", ""),
        data_key.hex(),
        base64.b64encode(data_key).decode(),
    ):
        assert secret not in text
        assert secret not in repr(slots)


def test_exceptions_and_reprs_tell_no_secret(station):
    slots, data_key, _ = station
    with pytest.raises(WrongPassword) as caught:
        slots.unlock("ha", "bí-mật-gõ-nhầm")
    assert "bí-mật" not in str(caught.value) + repr(caught.value)
    assert caught.value.__suppress_context__
    with pytest.raises(ValueError) as wrong_key:
        slots.add("x1", "X", "p", bytes(32))
    assert data_key.hex() not in str(wrong_key.value)
    box = key_wrap.lock("x", data_key, b"", CHEAP, os.urandom)
    assert repr(data_key) not in repr(box)
    assert repr(data_key) not in repr(key_wrap.unlock("x", box, b""))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permission bits")
def test_files_belong_to_their_owner_alone(path, station):
    for file in (path, durable_file.backup_of(path)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_password_typed_with_another_input_method_is_the_same(station):
    import unicodedata

    slots, data_key, _ = station
    assert slots.unlock("ha", unicodedata.normalize("NFD", PASSWORD)) == data_key


# --- wrong passwords ---------------------------------------------------------------------------


def test_wrong_password_says_how_many_attempts_are_left(path, station):
    slots, _, _ = station
    for left in (4, 3, 2, 1):
        with pytest.raises(WrongPassword, match=f"Còn {left} lần"):
            slots.unlock("ha", "sai")
    with pytest.raises(AccountLocked):
        slots.unlock("ha", "sai")
    with pytest.raises(AccountLocked):
        slots.unlock("ha", PASSWORD)
    assert reload(path).people()[0].locked
    stored = slot_file.parse(path.read_bytes()).slots[0]
    assert (stored.failed_attempts, stored.locked_at) == (5, NOW)


def test_the_right_password_clears_the_count(path, station):
    slots, data_key, _ = station
    fail(slots, 4)
    assert slots.unlock("ha", PASSWORD) == data_key
    assert attempts_left(reload(path)) == 5
    fail(slots, 4)
    assert slots.unlock("ha", PASSWORD) == data_key


def test_one_person_locked_leaves_the_others_alone(station):
    slots, data_key, _ = station
    slots.add("nga", "Nga", OTHER, data_key)
    fail(slots, 5)
    assert slots.unlock("nga", OTHER) == data_key
    slots.unlock_account("ha")
    assert slots.unlock("ha", PASSWORD) == data_key


def test_a_crash_while_checking_has_already_cost_the_attempt(path, station, monkeypatch):
    slots, _, _ = station

    def power_cut(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(key_wrap, "unlock", power_cut)
    with pytest.raises(KeyboardInterrupt):
        slots.unlock("ha", "sai")
    monkeypatch.undo()
    assert attempts_left(reload(path)) == 4


def no_room(*_args):
    raise DiskFull("đầy")


def test_a_guess_that_cannot_be_counted_is_not_checked(station, monkeypatch):
    slots, _, _ = station
    checked = []
    monkeypatch.setattr(key_wrap, "unlock", lambda *a: checked.append(a))
    monkeypatch.setattr(durable_file, "write_twice", no_room)
    with pytest.raises(DiskFull):
        slots.unlock("ha", PASSWORD)
    assert checked == []


def test_parallel_guesses_are_all_counted(path, station):
    outcomes: list[str] = []

    def guess() -> None:
        try:
            reload(path).unlock("ha", "sai")
        except (WrongPassword, AccountLocked) as refused:
            outcomes.append(type(refused).__name__)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("WrongPassword") == 4
    assert outcomes.count("AccountLocked") == 8


def test_unknown_name_does_the_same_work_and_tells_nothing(station, monkeypatch):
    slots, _, _ = station
    derived = []
    real = key_wrap.derive
    monkeypatch.setattr(key_wrap, "derive", lambda *a: derived.append(a) or real(*a))
    with pytest.raises(WrongPassword) as caught:
        slots.unlock("khong-co", "sai")
    assert len(derived) == 1
    assert "lần" not in str(caught.value)


# --- changes -----------------------------------------------------------------------------------


def test_change_password(path, station):
    slots, data_key, code = station
    slots.change_password("ha", PASSWORD, OTHER)
    with pytest.raises(WrongPassword):
        slots.unlock("ha", PASSWORD)
    assert reload(path).unlock("ha", OTHER) == data_key
    assert slots.unlock_with_recovery(code) == data_key


def test_change_password_needs_the_old_one_and_counts_it(station):
    slots, data_key, _ = station
    with pytest.raises(WrongPassword, match="Còn 4"):
        slots.change_password("ha", "sai", OTHER)
    assert slots.unlock("ha", PASSWORD) == data_key


def test_recovery_opens_a_locked_station_and_resets_the_password(station):
    slots, _, code = station
    fail(slots, 5)
    data_key = slots.unlock_with_recovery(code)
    slots.reset_password("ha", OTHER, data_key)
    assert slots.unlock("ha", OTHER) == data_key


def test_no_old_copy_of_a_slot_stays_on_disk(path, station):
    slots, data_key, _ = station
    slots.add("nga", "Nga", OTHER, data_key)
    slots.remove("nga")
    old = slot_file.parse(path.read_bytes()).slots[0].box
    slots.change_password("ha", PASSWORD, OTHER)
    for file in path.parent.iterdir():
        text = file.read_text(encoding="utf-8")
        assert "nga" not in text
        assert slot_file._b64(old.wrapped_private) not in text


def test_a_leaver_is_removed_and_the_last_person_is_not(station):
    slots, data_key, _ = station
    slots.add("nga", "Nga", OTHER, data_key)
    slots.remove("ha")
    with pytest.raises(WrongPassword):
        slots.unlock("ha", PASSWORD)
    with pytest.raises(StateError, match="cuối cùng"):
        slots.remove("nga")
    assert slots.unlock("nga", OTHER) == data_key


@pytest.mark.parametrize("name", ["", "a", "có dấu", "hai từ", "-x", "x" * 33, "recovery code"])
def test_names_that_cannot_be_user_names(station, name):
    slots, data_key, _ = station
    with pytest.raises(UserError, match="Tên đăng nhập"):
        slots.add(name, "X", OTHER, data_key)


def test_a_name_is_given_once(station):
    slots, data_key, _ = station
    with pytest.raises(UserError, match="đã có"):
        slots.add("HA", "X", OTHER, data_key)


def test_a_wrong_data_key_makes_no_slot(path, station):
    slots, _, _ = station
    before = path.read_bytes()
    for call in (
        lambda: slots.add("nga", "Nga", OTHER, bytes(32)),
        lambda: slots.reset_password("ha", OTHER, bytes(32)),
        lambda: slots.new_recovery_code(bytes(32)),
        lambda: slots.replace_all(bytes(32), bytes(32)),
    ):
        with pytest.raises(ValueError):
            call()
    assert path.read_bytes() == before


def test_unknown_person_in_a_change(station):
    slots, data_key, _ = station
    for call in (
        lambda: slots.remove("ai"),
        lambda: slots.unlock_account("ai"),
        lambda: slots.reset_password("ai", OTHER, data_key),
        lambda: slots.describe("ai", display_name="", role_label=""),
    ):
        with pytest.raises(NotFound):
            call()


def test_new_recovery_code_replaces_the_old(station):
    slots, data_key, code = station
    fresh = slots.new_recovery_code(data_key)
    assert slots.unlock_with_recovery(fresh) == data_key
    with pytest.raises(WrongPassword, match="thay bằng mã mới"):
        slots.unlock_with_recovery(code)


def test_two_open_programs_see_each_others_changes(path, station):
    slots, data_key, _ = station
    other = reload(path)
    other.add("nga", "Nga", OTHER, data_key)
    slots.change_password("ha", PASSWORD, OTHER)
    assert other.unlock("ha", OTHER) == data_key
    assert slots.unlock("nga", OTHER) == data_key


def test_mistyped_and_foreign_recovery_codes_read_differently(station):
    slots, _, code = station
    slip = code[:-1] + ("0" if code[-1] != "0" else "1")
    with pytest.raises(UserError, match="gõ nhầm"):
        slots.unlock_with_recovery(slip)
    with pytest.raises(WrongPassword, match="không phải của trạm này"):
        slots.unlock_with_recovery(make_recovery_code(bytes(15)))


def test_default_cost_is_the_agreed_one():
    cost = key_wrap.DEFAULT_COST
    assert (cost.memory_kib, cost.iterations, cost.lanes) == (65536, 3, 4)
    assert cost.sensible()
