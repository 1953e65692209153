"""Key slots on a full or broken disk: all of the new, or the old."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from station_emr.domain.errors import (
    DatabaseDamaged,
    DiskFull,
    EnvironmentFailure,
)
from station_emr.security import durable_file, slot_file
from station_emr.security.keyslots import FILE_NAME
from tests.security.stations import (
    PASSWORD,
    reload,
)


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
    calls = iter([real, real])  # the attempt, and that it counts until the password fits

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


def test_a_file_that_may_not_be_read_is_not_called_damaged(path, station):
    for name in (path, path.with_name(path.name + ".bak")):
        name.unlink()
        name.mkdir()  # what even the administrator cannot read as a file
    with pytest.raises(EnvironmentFailure, match="không cho mở") as told:
        reload(path)
    assert not isinstance(told.value, DatabaseDamaged)
