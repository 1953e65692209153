"""Key slots: who gets the data key, what a wrong password costs, and what a broken disk leaves."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from station_emr.domain.errors import (
    AccountLocked,
    DatabaseDamaged,
    DatabaseMissing,
    DatabaseTooNew,
    DiskFull,
    EnvironmentFailure,
    NotFound,
    StateError,
    UserError,
    WrongPassword,
)
from station_emr.security import durable_file, key_wrap, slot_file
from station_emr.security.key_wrap import KdfCost
from station_emr.security.keyslots import FILE_NAME, KeySlots
from station_emr.security.recovery_code import make_recovery_code, read_recovery_code

CHEAP = KdfCost(memory_kib=8, iterations=1, lanes=1)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PASSWORD = "Mật khẩu-mẫu 1!"
OTHER = "Một câu khác 2?"


def clock() -> datetime:
    return NOW


def make(path: Path) -> tuple[KeySlots, bytes, str]:
    return KeySlots.create(
        path,
        station_name="Trạm Y tế mẫu",
        database_id="db-1",
        username="ha",
        display_name="BS. Hà Mẫu",
        role_label="Giám đốc trạm",
        password=PASSWORD,
        clock=clock,
        cost=CHEAP,
    )


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "station" / FILE_NAME


@pytest.fixture
def station(path) -> tuple[KeySlots, bytes, str]:
    return make(path)


def reload(path: Path) -> KeySlots:
    return KeySlots.load(path, clock=clock)


def attempts_left(slots: KeySlots, username: str = "ha") -> int:
    return next(p.attempts_left for p in slots.people() if p.username == username)


def fail(slots: KeySlots, times: int, username: str = "ha") -> None:
    for _ in range(times):
        with pytest.raises((WrongPassword, AccountLocked)):
            slots.unlock(username, "sai")


def rewrite(path: Path, change) -> None:
    """Change the body as somebody with an editor and the checksum rule would."""
    body = json.loads(path.read_bytes())["body"]
    change(body)
    document = {
        "format": slot_file.FORMAT,
        "version": slot_file.VERSION,
        "checksum": slot_file._checksum(slot_file.VERSION, body),
        "body": body,
    }
    for target in (path, durable_file.backup_of(path)):
        target.write_text(json.dumps(document), encoding="utf-8")


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


def test_a_guess_that_cannot_be_counted_is_not_checked(station, monkeypatch):
    slots, _, _ = station
    checked = []
    monkeypatch.setattr(key_wrap, "unlock", lambda *a: checked.append(a))
    monkeypatch.setattr(durable_file, "_write_new", no_room)
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


# --- a new data key for everybody --------------------------------------------------------------


def test_rotation_needs_no_passwords_and_keeps_the_recovery_code(station):
    slots, data_key, code = station
    slots.add("nga", "Nga", OTHER, data_key)
    second, third = bytes([2]) * 32, bytes([3]) * 32
    slots.replace_all(data_key, second)
    slots.replace_all(second, third)
    assert slots.unlock("ha", PASSWORD) == third
    assert slots.unlock("nga", OTHER) == third
    assert slots.unlock_with_recovery(code) == third
    assert slots.previous_keys(third) == (second, data_key)
    slots.change_password("ha", PASSWORD, OTHER)
    assert slots.unlock("ha", OTHER) == third
    assert slots.previous_keys(data_key) == ()


def test_a_leavers_old_file_does_not_open_the_new_key(path, station):
    slots, data_key, _ = station
    slots.add("nga", "Nga", OTHER, data_key)
    old = slot_file.parse(path.read_bytes())
    slots.remove("nga")
    slots.replace_all(data_key, bytes([2]) * 32)
    new = slot_file.parse(path.read_bytes())
    leaver = old.slots[1]
    where = key_wrap.context("db-1", "nga")
    assert key_wrap.unlock(OTHER, leaver.box, where).data_key == data_key
    from dataclasses import replace

    for box in (*(s.box for s in new.slots), new.recovery):
        with pytest.raises(key_wrap.Unopened):
            key_wrap.unlock(OTHER, replace(leaver.box, sealed=box.sealed), where)
    with pytest.raises(key_wrap.Unopened):
        key_wrap.unwrap_previous(new.previous[0], data_key, "db-1")


def test_a_planted_public_half_gets_no_new_key(path, station):
    slots, data_key, _ = station
    attacker = key_wrap.lock("x", bytes(32), key_wrap.context("db-1", "ha"), CHEAP, os.urandom)

    def plant(body):
        body["slots"][0]["public"] = slot_file._b64(attacker.public)

    rewrite(path, plant)
    with pytest.raises(DatabaseDamaged):
        slots.replace_all(data_key, bytes([2]) * 32)


def test_a_planted_data_key_is_not_accepted(path, station):
    slots, _, code = station
    planted = bytes([9]) * 32

    def plant(body):
        body["fingerprint"] = slot_file._b64(key_wrap.fingerprint(planted))
        for owner, row in (("ha", body["slots"][0]), ("recovery code", body["recovery"])):
            public = slot_file._bytes(row["public"], 32)
            where = key_wrap.context("db-1", owner)
            row["sealed"] = slot_file._b64(key_wrap.seal(planted, public, where, os.urandom))

    rewrite(path, plant)
    with pytest.raises(DatabaseDamaged):
        slots.unlock("ha", PASSWORD)
    with pytest.raises(DatabaseDamaged):
        slots.unlock_with_recovery(code)


# --- tampering and damage ----------------------------------------------------------------------


def test_a_slot_moved_to_another_name_or_database_opens_nothing(path, station):
    slots, data_key, _ = station
    slots.add("nga", "Nga", OTHER, data_key)

    def swap(body):
        one, other = body["slots"]
        one["username"], other["username"] = other["username"], one["username"]

    rewrite(path, swap)
    with pytest.raises(WrongPassword):
        slots.unlock("nga", PASSWORD)
    rewrite(path, swap)
    assert slots.unlock("ha", PASSWORD) == data_key
    rewrite(path, lambda body: body.update(database_id="db-2"))
    with pytest.raises(WrongPassword):
        slots.unlock("ha", PASSWORD)


def test_wrong_associated_data_opens_nothing():
    where = key_wrap.context("db-1", "ha")
    box = key_wrap.lock("x", bytes(32), where, CHEAP, os.urandom)
    assert key_wrap.unlock("x", box, where).data_key == bytes(32)
    for other in (key_wrap.context("db-2", "ha"), key_wrap.context("db-1", "nga"), b""):
        with pytest.raises(key_wrap.Unopened):
            key_wrap.unlock("x", box, other)


def test_every_changed_byte_of_the_file_falls_back_to_the_second_copy(path, station):
    slots, data_key, _ = station
    whole = path.read_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 0x01
        with pytest.raises(slot_file.Damaged):
            slot_file.parse(bytes(changed))
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + b"\x00" + whole[at + 1 :])
        assert slot_file.dump(slots._read()) == whole
    assert slots.unlock("ha", PASSWORD) == data_key
    assert slot_file.parse(path.read_bytes()).slots, "repaired by the next write"


@pytest.mark.parametrize(
    "field", ["wrapped_private", "public", "sealed", "binding", "salt", "memory_kib", "iterations"]
)
def test_a_clever_change_of_a_slot_never_gives_a_wrong_key(path, station, field):
    slots, data_key, _ = station
    row = json.loads(path.read_bytes())["body"]["slots"][0]
    holder = row if field in row else row["kdf"]
    size = len(slot_file._bytes_of(holder[field])) if isinstance(holder[field], str) else 1
    for at in range(0, size, 3):

        def change(body, at=at):
            target = body["slots"][0]
            target["failed_attempts"] = 0
            target["locked_at"] = None
            target = target if field in target else target["kdf"]
            if isinstance(holder[field], int):
                target[field] = holder[field] + 1
            else:
                raw = bytearray(slot_file._bytes_of(holder[field]))
                raw[at] ^= 0x40
                target[field] = slot_file._b64(bytes(raw))

        rewrite(path, change)
        if field in {"public", "binding"}:  # not needed to open, checked when keys are changed
            assert slots.unlock("ha", PASSWORD) == data_key
            with pytest.raises(DatabaseDamaged):
                slots.replace_all(data_key, bytes([2]) * 32)
        else:
            with pytest.raises((WrongPassword, DatabaseDamaged)):
                slots.unlock("ha", PASSWORD)


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b["slots"].clear(),
        lambda b: b["slots"].append(b["slots"][0]),
        lambda b: b["slots"][0].update(failed_attempts=-1),
        lambda b: b["slots"][0].update(failed_attempts="0"),
        lambda b: b["slots"][0].update(locked_at="hôm qua"),
        lambda b: b["slots"][0].update(username=None),
        lambda b: b["slots"][0].update(sealed="AAAA"),
        lambda b: b["slots"][0].update(sealed="!!"),
        lambda b: b["slots"][0]["kdf"].update(memory_kib=1 << 40),
        lambda b: b["slots"][0]["kdf"].update(iterations=10**9),
        lambda b: b["slots"][0]["kdf"].update(lanes=0),
        lambda b: b["slots"][0]["kdf"].update(memory_kib=True),
        lambda b: b["slots"][0]["kdf"].update(name="scrypt"),
        lambda b: b.update(previous="x"),
        lambda b: b.update(previous=["AAAA"]),
        lambda b: b.pop("recovery"),
    ],
)
def test_senseless_content_is_damage(path, station, change):
    rewrite(path, change)
    with pytest.raises(DatabaseDamaged, match="sao lưu"):
        reload(path)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"5", b'{"format": 1}', b"\xff\xfe", b"[" * 100_000]
)
def test_rubbish_in_both_copies_is_damage(path, station, data):
    path.write_bytes(data)
    durable_file.backup_of(path).write_bytes(data)
    with pytest.raises(DatabaseDamaged):
        reload(path)


def test_missing_file(tmp_path, path, station):
    with pytest.raises(DatabaseMissing, match="thiết lập trạm mới"):
        reload(tmp_path / "nowhere" / FILE_NAME)
    path.unlink()
    assert reload(path).unlock("ha", PASSWORD) == station[1], "the second copy is enough"
    assert path.exists()


def test_a_file_of_a_newer_program_is_refused_not_replaced(path, station):
    document = json.loads(path.read_bytes())
    document["version"] = 2
    document["checksum"] = slot_file._checksum(2, document["body"])
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DatabaseTooNew):
        reload(path)


def test_set_up_never_overwrites(path, station):
    slots, data_key, _ = station
    with pytest.raises(StateError, match="Không ghi đè"):
        make(path)
    path.unlink()
    with pytest.raises(StateError):
        make(path)
    assert slots.unlock("ha", PASSWORD) == data_key


# --- a full or broken disk ---------------------------------------------------------------------


def no_room(*_args):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def failing_after(real, count: int, number: int):
    """``real``, until its ``count``-th call fails with the error ``number``."""
    calls = iter(range(count))

    def call(*args, **kwargs):
        if next(calls, None) is None:
            raise OSError(number, os.strerror(number))
        return real(*args, **kwargs)

    return call


@pytest.mark.parametrize("syscall", ["write", "fsync", "open"])
@pytest.mark.parametrize("count", range(6))
@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, DiskFull), (errno.EIO, EnvironmentFailure)]
)
def test_a_failing_disk_leaves_a_whole_file(
    path, station, monkeypatch, syscall, count, number, expected
):
    slots, data_key, _ = station
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, syscall, failing_after(getattr(os, syscall), count, number))
        failure = None
        try:
            slots.describe("ha", display_name="Tên mới", role_label="")
        except EnvironmentFailure as caught:
            failure = caught
    if failure is not None:
        assert isinstance(failure, expected)
        assert "còn nguyên" in str(failure)
    leftovers = {file.name for file in path.parent.iterdir()}
    assert leftovers <= {FILE_NAME, f"{FILE_NAME}.bak", f"{FILE_NAME}.lock"}
    after = reload(path)
    if failure is not None and after.people()[0].display_name != "Tên mới":
        assert path.read_bytes() == before
    assert after.unlock("ha", PASSWORD) == data_key


def test_full_disk_is_hit_before_any_name_changes(path, station, monkeypatch):
    slots, _, _ = station
    before = [path.read_bytes(), durable_file.backup_of(path).read_bytes()]
    real = durable_file._write_new
    monkeypatch.setattr(durable_file, "_write_new", failing_after(real, 1, errno.ENOSPC))
    with pytest.raises(DiskFull):
        slots.describe("ha", display_name="Tên mới", role_label="")
    assert [path.read_bytes(), durable_file.backup_of(path).read_bytes()] == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_truly_full_device(path, station, monkeypatch):
    slots, _, _ = station
    before = path.read_bytes()
    real = os.open
    monkeypatch.setattr(
        os,
        "open",
        lambda p, flags, *rest: real(
            "/dev/full" if str(p).endswith(".new") else p,
            flags & ~os.O_EXCL & ~os.O_CREAT if str(p).endswith(".new") else flags,
            *rest,
        ),
    )
    with pytest.raises(DiskFull, match="đầy"):
        slots.describe("ha", display_name="Tên mới", role_label="")
    assert path.read_bytes() == before


def test_the_right_person_gets_in_though_the_disk_filled_up_meanwhile(station, monkeypatch):
    slots, data_key, _ = station
    real = durable_file.write_twice
    calls = iter([real])

    def once(target, data):
        writer = next(calls, None)
        if writer is None:
            raise durable_file.explain(OSError(errno.ENOSPC, ""))
        writer(target, data)

    monkeypatch.setattr(durable_file, "write_twice", once)
    assert slots.unlock("ha", PASSWORD) == data_key


def test_a_power_cut_between_the_two_renames_leaves_both_readable(path, station, monkeypatch):
    slots, data_key, _ = station
    real = Path.replace

    def cut(self, target):
        if str(target).endswith(".bak"):
            raise KeyboardInterrupt
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", cut)
        with pytest.raises(KeyboardInterrupt):
            slots.describe("ha", display_name="Tên mới", role_label="")
    assert slot_file.parse(path.read_bytes()).slots[0].display_name == "Tên mới"
    assert slot_file.parse(durable_file.backup_of(path).read_bytes()).slots
    slots.describe("ha", display_name="Sau khi có điện", role_label="")
    assert reload(path).unlock("ha", PASSWORD) == data_key


# --- recovery code -----------------------------------------------------------------------------


def test_recovery_code_is_read_as_people_write_it():
    code = make_recovery_code(bytes(range(15)))
    plain = code.replace("-", "")
    assert len(plain) == 24
    assert code.count("-") == 5
    assert read_recovery_code(code) == plain
    assert read_recovery_code(f" {code.lower().replace('-', ' ')} ") == plain
    assert read_recovery_code(plain.replace("0", "O").replace("1", "l")) == plain


def test_every_single_slip_in_a_recovery_code_is_noticed():
    plain = make_recovery_code(bytes(range(15))).replace("-", "")
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    for at, right in enumerate(plain):
        for wrong in alphabet:
            if wrong != right:
                assert read_recovery_code(plain[:at] + wrong + plain[at + 1 :]) is None
    for wrong in ("", plain[:-1], plain + "0", plain[:-1] + "U", "ữ" * 24):
        assert read_recovery_code(wrong) is None


def test_mistyped_and_foreign_recovery_codes_read_differently(station):
    slots, _, code = station
    slip = code[:-1] + ("0" if code[-1] != "0" else "1")
    with pytest.raises(UserError, match="gõ nhầm"):
        slots.unlock_with_recovery(slip)
    with pytest.raises(WrongPassword, match="không phải của trạm này"):
        slots.unlock_with_recovery(make_recovery_code(bytes(15)))


def test_recovery_codes_use_all_their_randomness():
    codes = {make_recovery_code(bytes([n]) + bytes(13) + bytes([n << 5 & 255])) for n in range(256)}
    assert len(codes) == 256
    with pytest.raises(ValueError):
        make_recovery_code(bytes(14))


def test_default_cost_is_the_agreed_one():
    cost = key_wrap.DEFAULT_COST
    assert (cost.memory_kib, cost.iterations, cost.lanes) == (65536, 3, 4)
    assert cost.sensible()
