"""A new key for the database: work goes on, and a kill at any moment leaves one whole file."""

from __future__ import annotations

import os
import random
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

from station_emr.db import connection as connections
from station_emr.db import rekey
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import DatabaseDamaged, DiskFull, EnvironmentFailure
from tests.children.child import Child, Nursery

from . import records
from .records import KEY

NEW = bytes(reversed(range(32)))
ROUNDS = 3
WORKER = Path(__file__).with_name("rekey_worker.py")


def _sign(store: EncryptedStore, number: int) -> None:
    with store.write() as work:
        records.sign(work.patients, records.patient(number))
        work.audit.append(records.ACTOR, "patient.register", records.NOW)


def _whole(store: EncryptedStore, patients: int) -> None:
    store.check()
    with store.read() as work:
        assert work.counts().patients == patients
        assert work.audit.verify() is None


def test_the_old_key_opens_nothing_and_all_is_there(full_store: EncryptedStore) -> None:
    waited = full_store.change_key(NEW)
    assert waited > 0
    assert full_store.is_under(NEW)
    _sign(full_store, 2)
    _whole(full_store, 2)
    full_store.close()
    with pytest.raises(DatabaseDamaged):
        EncryptedStore.open(full_store.path, KEY)
    again = EncryptedStore.open(full_store.path, NEW)
    _whole(again, 2)
    again.close()
    assert [file.name for file in full_store.path.parent.iterdir()] == [full_store.path.name]


def test_saving_goes_on_and_nothing_is_lost(full_store: EncryptedStore) -> None:
    """Every save that was confirmed while the copy grew and was exchanged is in the new file."""
    saved: list[int] = []
    fault: list[BaseException] = []
    seen: list[int] = []

    def save_on() -> None:
        try:
            while not stop.is_set():
                _sign(full_store, len(saved) + 2)
                saved.append(1)
                with full_store.read() as work:
                    seen.append(work.counts().patients)
                stop.wait(0.01)  # as fast as nobody works
        except BaseException as error:  # noqa: BLE001  told by the test itself
            fault.append(error)

    def await_a_save(_done: int, _total: int) -> None:
        """However late the other thread begins, something is saved while the copy grows."""
        until = time.monotonic() + 60
        while not saved and not fault and time.monotonic() < until:
            time.sleep(0.002)

    stop = threading.Event()
    thread = threading.Thread(target=save_on)
    thread.start()
    try:
        full_store.change_key(NEW, await_a_save)
        after = len(saved)
        full_store.change_key(KEY)
    finally:
        stop.set()
        thread.join()
    assert not fault
    assert after
    assert seen == sorted(seen)
    _whole(full_store, len(saved) + 1)


def test_what_another_program_wrote_meanwhile_is_carried_over(
    full_store: EncryptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekey, "_PAGES", 8)
    told: list[int] = []

    def interfere(done: int, _total: int) -> None:
        told.append(done)
        if len(told) == 3:
            other = EncryptedStore.open(full_store.path, KEY)
            _sign(other, 77)
            other.close()

    full_store.change_key(NEW, interfere)
    assert told != sorted(told), "the copy had to begin again"
    _whole(full_store, 2)


@pytest.mark.parametrize("moment", ["_finish", "_shut_out_others"])
def test_what_another_program_wrote_at_the_last_moment_is_carried_over(
    full_store: EncryptedStore, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Between the last step and the exchange: noticed, and the copy is made again."""
    original = getattr(rekey._Exchange, moment)
    done: list[int] = []

    def interfere(exchange: rekey._Exchange, *rest: object) -> None:
        if not done:
            done.append(1)
            exchange._guard.execute("ROLLBACK")
            other = EncryptedStore.open(full_store.path, KEY)
            _sign(other, 77)
            other.close()
            exchange._guard.execute("BEGIN IMMEDIATE")
        original(exchange, *rest)

    monkeypatch.setattr(rekey._Exchange, moment, interfere)
    full_store.change_key(NEW)
    _whole(full_store, 2)


def test_a_second_window_makes_it_wait_for_another_time(full_store: EncryptedStore) -> None:
    other = EncryptedStore.open(full_store.path, KEY)
    _sign(other, 2)
    with pytest.raises(EnvironmentFailure, match="cửa sổ khác"):
        full_store.change_key(NEW)
    _sign(full_store, 3)
    _sign(other, 4)
    other.close()
    assert full_store.is_under(KEY)
    full_store.change_key(NEW)
    _whole(full_store, 4)


def test_a_long_reader_keeps_nobody_else_waiting(full_store: EncryptedStore) -> None:
    thread = threading.Thread(target=full_store.change_key, args=(NEW,))
    with full_store.read() as work:
        assert work.counts().patients == 1
        thread.start()
        for number in range(2, 12):
            _sign(full_store, number)
        assert full_store.is_under(KEY)
        assert work.counts().patients == 1
    thread.join()
    assert full_store.is_under(NEW)
    _whole(full_store, 11)


def test_too_little_room_is_said_before_anything_happens(
    full_store: EncryptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type(shutil.disk_usage(full_store.path.parent))
    size = full_store.path.stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(0, 0, int(size * 2.1)))
    with pytest.raises(DiskFull, match="ổ đĩa cần còn trống khoảng"):
        full_store.change_key(NEW)
    assert full_store.is_under(KEY)
    _whole(full_store, 1)


def test_a_damaged_file_is_left_as_it_is(full_store: EncryptedStore) -> None:
    full_store.close()
    with full_store.path.open("r+b") as file:
        file.seek(connections_page(file.seek(0, os.SEEK_END) // 2) + 100)
        file.write(b"\x00" * 16)
    before = full_store.path.read_bytes()
    store = EncryptedStore(full_store.path, KEY)
    with pytest.raises(DatabaseDamaged):
        store.change_key(NEW)
    store.close()
    assert full_store.path.read_bytes() == before


def connections_page(place: int) -> int:
    return place // 4096 * 4096


@pytest.mark.parametrize("how", ["cancelled", "closed"])
def test_stopping_leaves_the_old_file(full_store: EncryptedStore, how: str) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        if len(asked) < 3:
            return False
        if how == "closed":
            full_store.close()
            return False
        return True

    def until_closed() -> None:
        full_store.change_key(NEW, cancelled=stop)

    if how == "closed":  # noticed at the step after
        with pytest.raises((rekey.Stopped, EnvironmentFailure)):
            until_closed()
    else:
        with pytest.raises(rekey.Stopped):
            until_closed()
    assert not full_store.path.with_name(full_store.path.name + rekey.SUFFIX).exists()
    again = EncryptedStore.open(full_store.path, KEY)
    _whole(again, 1)
    again.close()


def test_an_interrupted_change_opens_under_the_earlier_key(full_store: EncryptedStore) -> None:
    full_store.close()
    store = EncryptedStore.open(full_store.path, NEW, (bytes(32), KEY))
    assert not store.is_under(NEW)
    store.change_key(NEW)
    store.close()
    with pytest.raises(DatabaseDamaged, match="tệp khóa"):
        EncryptedStore.open(full_store.path, KEY, (bytes(32),))


def test_copies_of_before_are_opened_after(full_store: EncryptedStore, tmp_path: Path) -> None:
    """A drill of the last backup must not fail because the key was changed since."""
    copy = tmp_path / "copy.db"
    full_store.backup(str(copy))
    full_store.change_key(NEW)
    full_store.opened_copy(str(copy)).close()
    full_store.close()
    again = EncryptedStore.open(full_store.path, NEW, (KEY,))
    again.opened_copy(str(copy)).close()
    again.close()


# -- kills ---------------------------------------------------------------------------------------


RUN = f"import runpy; runpy.run_path({str(WORKER)!r}, run_name='__main__')"


def _open_either(path: Path) -> tuple[EncryptedStore, bytes]:
    fitting = [key for key in (KEY, NEW) if connections.fits(path, key)]
    assert len(fitting) == 1, "one whole file, under one key"
    return EncryptedStore.open(path, fitting[0]), fitting[0]


def _confirmed(worker: Child) -> int:
    lines = worker.stdout.read().splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]  # killed in the middle of one
    return max([int(line.split()[1]) for line in whole if line.startswith("saved")], default=1)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
def test_kill_at_random_moments(
    full_store: EncryptedStore, children: Nursery, tmp_path: Path
) -> None:
    """Keys change back and forth while somebody saves; every confirmed save survives every kill."""
    full_store.close()
    chance = random.Random(5)
    for _ in range(ROUNDS):
        with children.start(tmp_path, RUN, str(full_store.path), "") as worker:
            assert worker.stdout.readline() == "ready\n", worker.errors
            time.sleep(chance.uniform(0.0, 0.6))
            worker.kill()
            confirmed = _confirmed(worker)
        store, _ = _open_either(full_store.path)
        store.check()
        with store.read() as work:
            assert work.counts().patients >= confirmed
            assert work.audit.verify() is None
        store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="the steps differ there")
@pytest.mark.parametrize(
    ("at", "key"),
    [
        ("copied", KEY),
        ("log folded in", KEY),
        ("before the rename", KEY),
        ("after the rename", NEW),
        ("before the emptying", NEW),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_death_at_each_step_of_the_exchange(
    full_store: EncryptedStore, children: Nursery, tmp_path: Path, at: str, key: bytes
) -> None:
    full_store.close()
    with children.start(tmp_path, RUN, str(full_store.path), at) as worker:
        confirmed = _confirmed(worker)
        assert worker.wait() == 9, worker.errors
    store, found = _open_either(full_store.path)
    assert found == key
    _whole(store, confirmed)
    store.change_key(NEW if key == KEY else KEY)
    _whole(store, confirmed)
    store.close()
