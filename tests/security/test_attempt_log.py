"""Failed attempts to open the record: none is lost, none is told twice, no secret is kept."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from station_emr.demo.clock import DemoClock
from station_emr.demo.station import demo_people, demo_profile
from station_emr.domain.audit import Result, Source
from station_emr.domain.errors import AccountLocked, DiskFull, WrongPassword
from station_emr.security import durable_file
from station_emr.security.attempt_log import _MOST, FILE_NAME, AttemptLog
from station_emr.security.keyslots import FILE_NAME as FILE
from station_emr.security.keyslots import KeySlots
from station_emr.services import failed_attempts
from station_emr.services.failed_attempts import ACTION, FailedAttempt, How, bring_in
from station_emr.station import create_station, open_station, open_with_recovery
from tests.security.stations import cheap_passwords

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
NEW = "Mat.khau-moi-2026"


@pytest.fixture
def book(tmp_path) -> AttemptLog:
    return AttemptLog(tmp_path, os.urandom)


def test_what_failed_is_kept_with_name_time_and_how(book, tmp_path) -> None:
    first = book.begin("bshoa", How.PASSWORD, NOW)
    second = book.begin("bshoa", How.PASSWORD, NOW + timedelta(minutes=1))
    book.begin("", How.RECOVERY, NOW + timedelta(minutes=2))
    book.succeeded(second)

    book.settle(first)
    book.settle(3)

    name, failed = AttemptLog(tmp_path, os.urandom).failed(NOW + timedelta(minutes=2))

    assert name
    assert [(one.number, one.account, one.how, one.at, one.count) for one in failed] == [
        (first, "bshoa", How.PASSWORD, NOW, 1),
        (3, "", How.RECOVERY, NOW + timedelta(minutes=2), 1),
    ]


def test_pulling_the_plug_hides_no_attempt(book, tmp_path) -> None:
    """It is on the disk before the password is tried."""
    book.begin("bshoa", How.PASSWORD, NOW)
    after = AttemptLog(tmp_path, os.urandom)
    assert len(after.failed(NOW + timedelta(minutes=3))[1]) == 1
    assert len(after.failed(NOW - timedelta(days=900))[1]) == 1, "nor does a clock set back"


def test_what_another_window_is_judging_has_not_failed(book, tmp_path) -> None:
    book.begin("bshoa", How.PASSWORD, NOW)
    last = book.begin("bshoa", How.PASSWORD, NOW)
    book.settle(last)
    other = AttemptLog(tmp_path, os.urandom)
    assert [one.number for one in other.failed(NOW + timedelta(seconds=1))[1]] == [last]
    other.forget([last])
    assert [one.number for one in other.failed(NOW + timedelta(minutes=5))[1]] == [1]


def test_a_machine_at_fault_judges_nobody(book) -> None:
    with pytest.raises(DiskFull), book.judging("bshoa", How.PASSWORD, NOW):
        raise DiskFull("Ổ đĩa đã đầy.")
    with pytest.raises(WrongPassword), book.judging("bshoa", How.PASSWORD, NOW):
        raise WrongPassword("Sai mật khẩu.")
    with book.judging("bshoa", How.PASSWORD, NOW):
        pass
    assert [one.number for one in book.failed(NOW)[1]] == [2]


def test_days_of_trying_fill_no_disk_and_lose_no_count(book) -> None:
    count = _MOST + 60
    for number in range(count):
        at = NOW + timedelta(minutes=number)
        book.settle(book.begin("bshoa" if number % 3 else "", How.PASSWORD, at))

    _name, failed = book.failed(NOW + timedelta(days=9))

    assert len(failed) <= _MOST
    assert sum(one.count for one in failed) == count
    assert min(one.at for one in failed) == NOW
    assert max(one.end for one in failed) == NOW + timedelta(minutes=count - 1)
    assert sum(one.count for one in failed if one.account == "bshoa") == count - (count + 2) // 3


@pytest.mark.parametrize("spoilt", [b"", b"{", b"[]", b'{"format": "x"}'])
def test_a_spoilt_file_is_read_from_its_second_copy(book, tmp_path, spoilt) -> None:
    book.begin("bshoa", How.PASSWORD, NOW)
    (tmp_path / FILE_NAME).write_bytes(spoilt)
    assert len(book.failed(NOW + timedelta(minutes=5))[1]) == 1


def test_an_attempt_that_cannot_be_noted_is_not_made(book, monkeypatch) -> None:
    def full(_path, _data):
        raise durable_file.explain(OSError(errno.ENOSPC, ""))

    monkeypatch.setattr(durable_file, "write_twice", full)
    with pytest.raises(DiskFull):
        book.begin("bshoa", How.PASSWORD, NOW)


def test_a_success_that_a_full_disk_did_not_keep_is_no_failure(book, monkeypatch) -> None:
    number = book.begin("bshoa", How.PASSWORD, NOW)
    with monkeypatch.context() as broken:
        broken.setattr(
            durable_file,
            "write_twice",
            lambda _path, _data: (_ for _ in ()).throw(DiskFull("Ổ đĩa đã đầy.")),
        )
        book.succeeded(number)
    assert book.failed(NOW + timedelta(minutes=5))[1] == ()


# -- through the program -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("station") / "data"
    clock = DemoClock(NOW.astimezone(), seed=4)
    director = demo_people()[0]
    with cheap_passwords():
        code = create_station(folder, demo_profile(""), director.user, director.password, clock)
    return folder, clock, director, code


def lines(station):
    with station.store.read() as work:
        rows = work.audit.rows(200)
    return [row for row in reversed(rows) if row.action == ACTION]


def test_the_next_opening_brings_them_into_the_chain_once(made) -> None:
    folder, clock, director, code = made
    name = director.user.username
    for username, password in ((name, "sai"), ("mat-khau-go-nham", "sai"), (name, "sai nữa")):
        with pytest.raises(WrongPassword):
            open_station(folder, username, password, clock)
        clock.forward(minutes=1)
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
    with pytest.raises(Exception, match="khôi phục"):
        open_with_recovery(folder, name, wrong, NEW, clock)

    opened = open_station(folder, name, director.password, clock)
    found = lines(opened)
    opened.close()

    password_lines = [row for row in found if "how: password" in row.detail]
    assert [row.account for row in password_lines][-3:] == [name, "", name]
    assert all(row.result == Result.FAILED for row in found)
    assert all(row.source == Source.BEFORE_OPENING for row in found)
    assert all("tried_at" in row.detail for row in found)
    kept = (folder / FILE_NAME).read_text("utf-8")
    assert "mat-khau-go-nham" not in kept + str(found), "it may have been a password"
    assert "sai" not in kept
    assert json.loads(kept)["attempts"] == []

    again = open_station(folder, name, director.password, clock)
    assert len(lines(again)) == len(found)
    with again.store.read() as work:
        assert work.audit.verify() is None
    again.close()


def test_a_locked_account_is_told_too(made) -> None:
    folder, clock, director, code = made
    name = director.user.username
    for _attempt in range(4):
        with pytest.raises(WrongPassword):
            open_station(folder, name, "sai", clock)
    for _attempt in range(2):
        with pytest.raises(AccountLocked):
            open_station(folder, name, "sai", clock)
    opened = open_with_recovery(folder, name, code, director.password, clock)
    assert len([row for row in lines(opened) if row.account == name]) >= 6
    opened.close()


class Book:
    """A book whose lines stay, as after a power cut between the two files."""

    def __init__(self, *attempts: FailedAttempt) -> None:
        self.attempts = attempts

    def failed(self, _now):
        return "quyen-a", self.attempts

    def forget(self, numbers) -> None:
        pass


def test_a_power_cut_between_the_files_writes_none_twice(made) -> None:
    folder, clock, director, _code = made
    opened = open_station(folder, director.user.username, director.password, clock)
    first = FailedAttempt(number=7, account="x1", how=How.PASSWORD, at=NOW)
    second = FailedAttempt(number=8, account="x2", how=How.SECOND_FACTOR, at=NOW)

    assert bring_in(opened.store, clock, Book(first)) == 1
    assert bring_in(opened.store, clock, Book(first)) == 0
    assert bring_in(opened.store, clock, Book(first, second)) == 1

    accounts = [row.account for row in lines(opened)]
    assert accounts.count("x1") == accounts.count("x2") == 1
    opened.close()


def test_without_that_place_it_would(made, monkeypatch) -> None:
    folder, clock, director, _code = made
    opened = open_station(folder, director.user.username, director.password, clock)
    one = FailedAttempt(number=9, account="x3", how=How.PASSWORD, at=NOW)
    monkeypatch.setattr(failed_attempts, "_TAKEN", "audit.forgotten")
    bring_in(opened.store, clock, Book(one))
    with opened.store.write() as work:
        work.settings.put("audit.forgotten", "")
    bring_in(opened.store, clock, Book(one))
    assert [row.account for row in lines(opened)].count("x3") == 2
    opened.close()


def test_a_screen_that_was_unlocked_wrongly_is_told_with_the_next_run(made) -> None:
    folder, clock, director, _code = made
    opened = open_station(folder, director.user.username, director.password, clock)
    before = len(lines(opened))
    slots = KeySlots.load(folder / FILE, clock=clock.now)
    with pytest.raises(WrongPassword):
        slots.unlock(director.user.username, "sai")
    slots.unlock(director.user.username, director.password)

    opened.sync_now()

    assert len(lines(opened)) == before + 1
    opened.close()
