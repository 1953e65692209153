"""Key slots against people with an editor: rotation, planted keys, tampering, damage."""

from __future__ import annotations

import json
import os

import pytest

from station_emr.domain.errors import (
    DatabaseDamaged,
    DatabaseMissing,
    DatabaseTooNew,
    StateError,
    WrongPassword,
)
from station_emr.security import durable_file, key_wrap, slot_file
from station_emr.security.keyslots import FILE_NAME
from tests.security import slot_attacks as attacks
from tests.security.stations import (
    CHEAP,
    OTHER,
    PASSWORD,
    make,
    reload,
    rewrite,
)


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
    assert not attacks.planted_public_half(path, station[1])


def test_a_planted_data_key_is_not_accepted(path, station):
    assert attacks.planted_key(path, station[2]) == (False, False)


def test_a_slot_moved_to_another_name_or_database_opens_nothing(path, station):
    slots, data_key, _ = station
    slots.add("nga", "Nga", OTHER, data_key)
    assert not attacks.slot_under_another_name(path)
    assert slots.unlock("ha", PASSWORD) == data_key
    assert not attacks.slot_in_another_database(path)


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
    document["version"] = 3
    document["checksum"] = slot_file._checksum(3, document["body"])
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
