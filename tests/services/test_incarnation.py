"""A database put back from a copy, or carried to another machine, begins a new life: no number twice."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.demo.clock import DemoClock
from station_emr.demo.station import demo_people, demo_profile
from station_emr.domain.errors import EnvironmentFailure, InvalidRecord
from station_emr.machine_identity import identity_of
from station_emr.security.witness import FILE_NAME, WitnessFile
from station_emr.services.clock import VIETNAM
from station_emr.services.incarnation import (
    INCARNATION,
    LIFE_ACTION,
    Lives,
    next_series,
)
from station_emr.station import create_station, open_station
from tests.security.stations import cheap_passwords

KEY = bytes(range(32))
_seeds = iter(range(1000, 10_000))


class Folder:
    """A data folder on a machine; ``day`` is a log-in, some letters, and a log-out."""

    def __init__(self, path: Path, machine: str = "here") -> None:
        self.path = path
        self.machine = machine

    @property
    def database(self) -> Path:
        return self.path / "station.db"

    @property
    def witness(self) -> WitnessFile:
        return WitnessFile(self.path)

    def open(self) -> tuple[EncryptedStore, Lives]:
        clock = DemoClock(datetime(2026, 11, 20, 8, tzinfo=VIETNAM), seed=next(_seeds))
        return EncryptedStore.open(self.database, KEY), Lives(clock, self.witness, self.machine)

    def day(self, letters: int = 2, *, plug_pulled: bool = False) -> list[str]:
        """Gives the numbers that were printed."""
        store, lives = self.open()
        try:
            lives.opened(store)
            printed = [_print_one(store) for _ in range(letters)]
            if not plug_pulled:
                lives.note(store)
            return printed
        finally:
            store.close()

    def carried_to(self, path: Path, machine: str) -> Folder:
        shutil.copytree(self.path, path)
        return Folder(path, machine)

    def setting(self, name: str) -> str:
        store, _ = self.open()
        with store.read() as work:
            found = work.settings.get(name) or ""
        store.close()
        return found

    def number(self) -> int:
        store, _ = self.open()
        with store.read() as work:
            found = work.outbox.last_number()
        store.close()
        return found


def _print_one(store: EncryptedStore) -> str:
    """A letter's number and something that waits for the province."""
    with store.write() as work:
        station = work.settings.station()
        number = work.counters.next("referral", station.series, 2026)
        director = work.users.all()[0]
        work.users.save(director, author=None, at=datetime(2026, 11, 20, 9, tzinfo=VIETNAM))
        work.settings.save_station(
            type(station)(
                **{name: getattr(station, name) for name in station.__slots__}
                | {"phone": f"{station.series}{number}"}
            ),
            datetime(2026, 11, 20, 9, tzinfo=VIETNAM),
        )
        return f"{station.series}-{number:04d}"


@pytest.fixture
def folder(template, tmp_path) -> Folder:
    path = tmp_path / "data"
    path.mkdir()
    shutil.copy(template, path / "station.db")
    return Folder(path)


def _twice(*printed: list[str]) -> set[str]:
    every = [number for numbers in printed for number in numbers]
    return {number for number in every if every.count(number) > 1}


def test_ordinary_days_are_one_life(folder) -> None:
    first = folder.day()
    name = folder.setting(INCARNATION)
    second, third = folder.day(), folder.day(plug_pulled=True)

    assert len(name) == 16
    assert folder.setting(INCARNATION) == name
    assert first + second + third == [f"A1-{n:04d}" for n in range(1, 7)]


def test_last_weeks_database_put_back_prints_with_another_series(folder, tmp_path) -> None:
    before = folder.day()
    shutil.copy(folder.database, tmp_path / "last-week.db")
    lost = folder.day(3)
    name, number = folder.setting(INCARNATION), folder.number()

    shutil.copy(tmp_path / "last-week.db", folder.database)
    after = folder.day()

    assert _twice(before, lost, after) == set()
    assert folder.setting(INCARNATION) not in {name, ""}
    assert folder.number() > number
    assert after[0] == "A1B-0001"

    shutil.copy(tmp_path / "last-week.db", folder.database)  # and once more, from the same copy
    again = folder.day()
    assert _twice(before, lost, after, again) == set()
    assert again[0] == "A1C-0001"


def test_a_copy_of_the_same_day_is_told_even_after_the_plug_was_pulled(folder, tmp_path) -> None:
    """The number alone would not tell: the witness did not hear of the last letters."""
    store, lives = folder.open()
    lives.opened(store)
    before = [_print_one(store)]
    store.backup(str(tmp_path / "copy.db"))
    lives.copied(store)
    lost = [_print_one(store), _print_one(store)]
    store.close()

    shutil.copy(tmp_path / "copy.db", folder.database)
    after = folder.day()

    assert _twice(before, lost, after) == set()


def test_a_folder_carried_to_another_machine(folder, tmp_path) -> None:
    before = folder.day()
    one = folder.carried_to(tmp_path / "one", "another machine")
    two = folder.carried_to(tmp_path / "two", "a third machine")

    here, there, elsewhere = folder.day(), one.day(), two.day()

    assert _twice(before, here, there, elsewhere) == set()
    assert len({f.setting(INCARNATION) for f in (folder, one, two)}) == 3
    assert here == ["A1-0003", "A1-0004"]  # the machine it was copied from goes on as before
    assert one.day()[0].split("-")[0] == there[0].split("-")[0]  # one new life, not one a day


def test_a_backup_opened_by_itself_is_another_life(folder, tmp_path) -> None:
    before = folder.day()
    restored = Folder(tmp_path / "restored")
    restored.path.mkdir()
    shutil.copy(folder.database, restored.database)

    here, there = folder.day(), restored.day()

    assert _twice(before, here, there) == set()
    assert folder.setting(INCARNATION) != restored.setting(INCARNATION)


def test_everything_unsent_is_still_offered(folder, tmp_path) -> None:
    folder.day()
    shutil.copy(folder.database, tmp_path / "copy.db")
    folder.day()
    shutil.copy(tmp_path / "copy.db", folder.database)
    store, lives = folder.open()
    with store.read() as work:
        waiting = {item.record_id for item in work.outbox.waiting(100)}
        numbers = {item.seq for item in work.outbox.waiting(100)}

    assert lives.opened(store)

    with store.read() as work:
        after = work.outbox.waiting(100)
        line = work.audit.rows(1)[0]
        series = work.settings.station().series
    store.close()
    assert waiting <= {item.record_id for item in after}
    fresh = {item.seq for item in after} - numbers
    seen = folder.witness.read()
    assert seen is not None
    assert min(fresh) > max(numbers)
    assert (line.action, series) == (LIFE_ACTION, "A1B")


@pytest.mark.parametrize("loss", ["gone", "damaged"])
def test_a_lost_witness_is_taken_for_the_worst(folder, loss) -> None:
    before = folder.day()
    for name in (FILE_NAME, f"{FILE_NAME}.bak"):
        path = folder.path / name
        path.unlink() if loss == "gone" else path.write_bytes(b'{"format": ')
    after = folder.day()

    assert _twice(before, after) == set()
    assert after[0].split("-")[0] != "A1"


@pytest.mark.parametrize("number", [1 << 62, 10**30, -1, True])
def test_a_spoilt_witness_keeps_nobody_out(folder, number) -> None:
    """A number beyond any station's would leave none that the province takes."""
    before = folder.day()
    for name in (FILE_NAME, f"{FILE_NAME}.bak"):
        path = folder.path / name
        path.write_text(json.dumps(json.loads(path.read_text()) | {"number": number}))
    after = folder.day()

    assert _twice(before, after) == set()
    assert after[0].split("-")[0] != "A1"
    assert folder.number() < 1 << 32


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_power_cut_while_opening_is_no_new_life(folder, writes, monkeypatch) -> None:
    """The witness is written before and after the database: cut after each of the writes."""
    folder.day()
    name = folder.setting(INCARNATION)
    real = WitnessFile.write
    done = []

    def cut(self, seen) -> None:
        if len(done) == writes:
            raise KeyboardInterrupt
        done.append(seen)
        real(self, seen)

    with monkeypatch.context() as patch:
        patch.setattr(WitnessFile, "write", cut)
        store, lives = folder.open()
        try:
            lives.opened(store)
            _print_one(store)
        except KeyboardInterrupt:
            pass
        store.close()
    assert folder.day()[0].startswith("A1-")
    assert folder.setting(INCARNATION) == name


def test_a_power_cut_in_the_very_first_opening_is_no_new_life(folder) -> None:
    """The witness has heard of the life, the database has not."""
    shutil.copy(folder.database, folder.path / "before.db")
    folder.day(0, plug_pulled=True)
    heard = folder.witness.read()
    shutil.move(folder.path / "before.db", folder.database)
    folder.witness.write(replace(heard, marks=("", "1234567890abcdef"), number=0))

    assert folder.day()[0].startswith("A1-")
    assert folder.setting(INCARNATION) == heard.incarnation


def test_a_full_disk_keeps_nobody_out(folder, monkeypatch) -> None:
    folder.day()

    def full(*_: object) -> None:
        raise EnvironmentFailure("đầy")

    with monkeypatch.context() as patch:
        patch.setattr(WitnessFile, "write", full)
        assert folder.day()[0].startswith("A1-")
    assert folder.day()[0].startswith("A1-")


def test_the_server_may_ask_for_a_new_life(folder) -> None:
    before = folder.day()
    store, lives = folder.open()
    lives.opened(store)
    with store.write() as work:
        name = lives.current(work)
        renewed = lives.renew(work)
        assert lives.current(work) == renewed != name
    store.close()
    after = folder.day()

    assert folder.setting(INCARNATION) == renewed
    assert _twice(before, after) == set()
    assert after[0].split("-")[0] != "A1"


def test_a_first_release_database_begins_its_life_without_another_series(folder) -> None:
    assert folder.setting(INCARNATION) == ""
    assert folder.day()[0] == "A1-0001"


def test_a_first_release_copy_over_a_later_database_is_noticed(folder, tmp_path) -> None:
    shutil.copy(folder.database, tmp_path / "first-release.db")
    before = folder.day()
    shutil.copy(tmp_path / "first-release.db", folder.database)

    assert _twice(before, folder.day()) == set()


def test_a_series_of_an_earlier_life_is_not_set_by_hand(station, tmp_path) -> None:
    lives = Lives(station.clock, WitnessFile(tmp_path), "here")
    lives.opened(station.store)
    with station.store.write() as work:
        old = work.settings.station()
        lives.renew(work)
    with pytest.raises(InvalidRecord) as refused:
        station.services.accounts.save_station(station.director, old)

    assert [problem.code for problem in refused.value.problems] == ["series-closed"]


def test_a_backup_made_by_the_program_is_never_taken_for_the_database(station, tmp_path) -> None:
    (station.path.parent / "keyslots.json").write_text("{}")
    identity = identity_of(station.path.parent, "DEMO-STATION", KEY, station.clock)
    identity.lives.opened(station.store)
    copy = station.services.backups.make(station.director, str(tmp_path / "usb"))
    assert not (Path(copy.place) / FILE_NAME).exists()
    station.store.close()
    shutil.copy(Path(copy.place) / "station.db", station.path)
    station.open()

    assert identity.lives.opened(station.store)


def test_logging_in_to_a_backup_is_another_life_and_the_original_goes_on(tmp_path) -> None:
    data, usb = tmp_path / "data", tmp_path / "usb"
    director = demo_people()[0]
    who = (director.user.username, director.password)
    with cheap_passwords():
        create_station(data, demo_profile(""), director.user, director.password)
    station = open_station(data, *who)
    copy = Path(station.services.backups.make(station.actor, str(usb)).place)
    station.close()
    series, names = [], []
    for place in (copy, data, copy):
        station = open_station(place, *who)
        series.append(station.services.accounts.station().series)
        with station.store.read() as work:
            names.append(station.identity.lives.current(work))
        station.close()

    assert series[1] == "A1"
    assert series[0] == series[2] != "A1"
    assert names[0] == names[2] != names[1]


@pytest.mark.parametrize(
    ("base", "taken", "series"),
    [
        ("A", {"A"}, "A2"),
        ("A", {"A", "A2", "A3"}, "A4"),
        ("A", {"a", "a2"}, "A3"),
        ("A1", {"A1"}, "A1B"),
        ("A1", {"A1", "A1B"}, "A1C"),
        ("TX", {"TX"}, "TX2"),
        ("ABC", {"ABC"}, "AB2"),
        ("A", {"A", *(f"A{n}" for n in range(2, 100))}, "222"),
    ],
)
def test_the_next_series_is_short_and_new(base, taken, series) -> None:
    assert next_series(base, taken) == series


def test_a_drawn_series_is_short_new_and_unlike_others() -> None:
    clock = DemoClock(datetime(2026, 11, 20, tzinfo=VIETNAM), seed=5)
    drawn = [next_series("A", {"A"}, clock.random) for _ in range(50)]

    assert all(len(one) == 3 and one.isalnum() and one[0] == "A" for one in drawn)
    assert len(set(drawn)) > 40
