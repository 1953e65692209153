"""A bit that turned over on the disk: what is read is right, or the damage is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from station_emr.db import write_ahead
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import DatabaseDamaged
from station_emr.station import DATABASE
from tests.db import records
from tests.safety import flipping
from tests.safety.flipping import LOG

FRAME = 24 + 4096
FLIPS = 36


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "sound"
    flipping.make(folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "station"))


def change(folder: Path, place: int, how: Callable[[bytes], bytes], count: int = 1) -> None:
    with (folder / LOG).open("r+b") as file:
        file.seek(place)
        before = file.read(count)
        file.seek(place)
        file.write(how(before))


def people(folder: Path) -> int:
    store = EncryptedStore.open(folder / DATABASE, records.KEY)
    try:
        return store.counts.patients
    finally:
        store.close()


def turned(before: bytes) -> bytes:
    return bytes((before[0] ^ 4,))


def test_no_flipped_bit_is_read_as_truth(tmp_path: Path) -> None:
    counts = flipping.run(tmp_path, FLIPS, seed=5)

    assert counts.wrong == []
    assert counts.flips == FLIPS
    assert counts.told[DATABASE] > 2
    assert counts.told[LOG] > 5
    assert counts.unharmed["keyslots.json"] == FLIPS // 3, "the second copy of the slots is as good"


def test_sqlite_alone_would_forget_saves_behind_the_damage(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the check of the log is there for."""
    change(folder, 32 + 24 + 100, turned)
    with monkeypatch.context() as patch:
        patch.setattr(write_ahead, "check", lambda _: None)
        shutil.copytree(folder, folder.with_name("unchecked"))
        assert people(folder.with_name("unchecked")) < flipping.BEFORE + flipping.AFTER

    before = (folder / LOG).read_bytes()
    with pytest.raises(DatabaseDamaged, match="khôi phục từ bản sao lưu"):
        people(folder)
    assert (folder / LOG).read_bytes() == before, "nothing was changed"


@pytest.mark.parametrize("place", [0, 10, 17, 25], ids=["magic", "page size", "salt", "checksum"])
def test_damage_of_the_first_bytes(folder: Path, place: int) -> None:
    change(folder, place, turned)
    with pytest.raises(DatabaseDamaged):
        people(folder)


@pytest.mark.parametrize("place", [0, 5, 9, 18], ids=["page", "end", "salt", "checksum"])
def test_damage_of_a_frames_own_words(folder: Path, place: int) -> None:
    change(folder, 32 + 3 * FRAME + place, turned)
    with pytest.raises(DatabaseDamaged):
        people(folder)


def test_what_a_power_cut_tears_opens_as_before(folder: Path) -> None:
    """Of the last save some pages reached the disk and some did not: it was never acknowledged."""
    size = (folder / LOG).stat().st_size
    change(folder, size - 2 * FRAME + 600, lambda before: bytes(len(before)), 512)
    assert people(folder) == flipping.BEFORE + flipping.AFTER - 1


def test_a_log_that_was_cut_opens_as_before(folder: Path) -> None:
    size = (folder / LOG).stat().st_size
    with (folder / LOG).open("r+b") as file:
        file.truncate(size - 1000)
    assert people(folder) == flipping.BEFORE + flipping.AFTER - 1


def test_an_empty_log_and_none_are_no_damage(folder: Path) -> None:
    (folder / LOG).write_bytes(bytes(32 + FRAME))
    assert people(folder) == flipping.BEFORE
    (folder / LOG).unlink(missing_ok=True)
    assert people(folder) == flipping.BEFORE


def test_a_log_in_use_is_no_damage(folder: Path) -> None:
    """A second window opens while the first one has begun the log anew over old frames."""
    store = EncryptedStore.open(folder / DATABASE, records.KEY)
    for number in range(900, 903):
        flipping._add(store, number)
    write_ahead.check(folder / DATABASE)
    with store.read() as work:
        work._connection.exec_driver_sql("SELECT 1")
    store.close()
