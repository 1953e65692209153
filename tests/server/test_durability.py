"""Many writers, a killed process, a newer or damaged database: nothing answered is lost."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest
import requests
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DatabaseError

from provincial_server import auth
from provincial_server.auth import Caller
from provincial_server.database import Database, UnusableDatabase
from provincial_server.resources import Writer
from provincial_server.store import Change, Device, ResourceVersion
from provincial_server.validation import check
from tests import databases
from tests.databases import database_url, is_postgres, only_sqlite, open_database
from tests.provincial_command import main
from tests.server.conftest import Station
from tests.server.samples import bundle, entry, patient, unit

DATABASES = databases.BOTH
FOUR = 4


def sequences(database: Database, facility: str) -> list[int]:
    with database.read() as session:
        return list(
            session.scalars(
                select(Change.sequence)
                .where(Change.facility_code == facility)
                .order_by(Change.sequence)
            )
        )


def test_four_writers_number_every_change_once_without_a_gap(server):
    first = server.station()
    devices = [first, *(server.station(first.facility, f"Máy {n}") for n in range(2, FOUR + 1))]

    def write(device_number):
        device = devices[device_number]
        for number in range(8):
            assert device.send(unit(device_number * 100 + number)).status_code == 200
            shared = patient("shared", name=f"Mẫu {device_number} {number}")
            assert device.put(shared).status_code in {200, 201}
        device.session.close()

    with ThreadPoolExecutor(FOUR) as pool:
        list(pool.map(write, range(FOUR)))
    numbers = sequences(server.database, first.facility)
    assert numbers == list(range(1, FOUR * 8 * 4 + 1))
    with server.database.read() as session:
        shared = session.scalars(
            select(ResourceVersion.version).where(
                ResourceVersion.facility_code == first.facility,
                ResourceVersion.resource_id == "shared",
            )
        )
        assert sorted(shared) == list(range(1, FOUR * 8 + 1))


def test_one_version_wins_when_many_hold_the_same_etag(server):
    first = server.station()
    devices = [first, *(server.station(first.facility, f"Máy {n}") for n in range(2, FOUR + 1))]
    first.put(patient("p1"))
    start = threading.Barrier(FOUR)

    def write(number):
        start.wait()
        changed = patient("p1", name=f"Mẫu {number}")
        return devices[number].put(changed, if_match='W/"1"').status_code

    with ThreadPoolExecutor(FOUR) as pool:
        statuses = sorted(pool.map(write, range(FOUR)))
    for device in devices:
        device.session.close()
    assert statuses == [200, 412, 412, 412]


def test_a_reader_of_the_feed_never_sees_a_number_before_a_smaller_one(server, station):
    """A slow transaction holds its place: a later writer waits, so it cannot overtake."""
    with server.database.read() as session:
        device = session.scalars(
            select(Device).where(Device.facility_code == station.facility)
        ).one()
    caller = Caller(device.id, station.facility, "")
    holding, release = threading.Event(), threading.Event()

    def slow():
        with server.database.write() as session:
            writer = Writer(session, caller, 1)
            writer.put(check(patient("slow")), "slow")
            writer.flush()
            holding.set()
            release.wait(30)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(slow)
        assert holding.wait(30)
        second = pool.submit(station.put, patient("fast"))
        assert sequences(server.database, station.facility) == []
        assert not second.done()
        release.set()
        first.result()
        assert second.result().status_code == 201
    with server.database.read() as session:
        order = session.scalars(
            select(Change.resource_id)
            .where(Change.facility_code == station.facility)
            .order_by(Change.sequence)
        )
        assert list(order) == ["slow", "fast"]


@pytest.mark.parametrize("model", [ResourceVersion, Change])
@pytest.mark.parametrize("statement", [delete, update])
def test_history_and_feed_are_append_only(server, station, model, statement):
    station.put(patient("p1"))
    action = statement(model).where(model.facility_code == station.facility)
    if statement is update:
        action = action.values(version=9)
    with (
        # PostgreSQL's serving role has not even the right; test_postgres.py tries its owner.
        pytest.raises(DatabaseError, match=r"append-only|permission denied") as refusal,
        server.database.write() as session,
    ):
        session.execute(action)
    assert station.facility not in str(refusal.value)  # a database error never quotes values
    assert server.versions(station) == 1


class Result(NamedTuple):
    code: int
    out: str
    err: str


def start(folder, *extra, database="server.db"):
    """The command itself, as the demo station starts it."""
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    command = [
        sys.executable, "-W", "error", "-m", "provincial_server", "serve", "--port", "0",
        "--port-file", str(port_file), "--database", database_url(folder / database),
        "--demo-facility", "DEMO01", *extra,
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        env={**os.environ, "PROVINCIAL_SERVER_DEMO_TOKEN": "demo-token"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ready = process.stdout.readline()
    if not ready.startswith("ready http://127.0.0.1:"):
        process.kill()
        raise AssertionError(process.communicate())
    assert ready.split()[1] == f"http://127.0.0.1:{int(port_file.read_text())}/fhir"
    return process, Station(ready.split()[1], "DEMO01", "demo-token")


def finish(process):
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@databases.once
def test_serve_announces_itself_and_stops_on_a_signal(tmp_path):
    process, station = start(tmp_path)
    with station.session:
        root = station.base.removesuffix("/fhir")
        assert requests.get(f"{root}/health", timeout=30).json()["status"] == "ok"
        ready = requests.get(f"{root}/ready", timeout=30)
        assert ready.json() == {"status": "ready"}
        assert "Date" in ready.headers
        assert "Server" not in ready.headers
        assert station.send(unit()).status_code == 200
    process.send_signal(signal.SIGTERM)
    assert finish(process) == (0, "")
    assert not (tmp_path / "port").exists()
    assert not (tmp_path / "server.db-wal").exists()  # SQLite had the time to close, too


@databases.once
def test_serve_stops_with_its_parent(tmp_path):
    process, station = start(tmp_path, "--stop-with-parent")
    station.session.close()
    process.stdin.close()
    process.stdin = None
    assert finish(process) == (0, "")


@databases.once
def test_killed_while_writing_it_keeps_all_that_it_answered(tmp_path):
    """Several write at once, so it dies while they share a commit."""
    process, station = start(tmp_path)
    station.session.close()
    answered = []

    def write(first):
        with requests.Session() as session:
            own = Station(station.base, station.facility, station.token, session)
            for number in range(first, 10_000, FOUR):
                try:
                    answer = own.send(unit(number))
                except requests.RequestException:
                    return
                assert answer.status_code == 200
                answered.append(number)

    writers = [threading.Thread(target=write, args=(first,)) for first in range(FOUR)]
    for writer in writers:
        writer.start()
    while len(answered) < 40:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    for writer in writers:
        writer.join()
    finish(process)

    if not is_postgres():
        connection = sqlite3.connect(tmp_path / "server.db")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()
    process, station = start(tmp_path)
    with station.session:
        for number in answered:
            for path in (f"Patient/p{number}", f"Encounter/e{number}", f"Observation/e{number}-o1"):
                assert station.get(path).status_code == 200
        counts = [station.count(name) for name in ("Patient", "Encounter", "Observation")]
        assert len(set(counts)) == 1  # whole units only
        assert len(answered) <= counts[0] <= len(answered) + FOUR
        replay = station.send(unit(answered[-1])).json()
        assert all("outcome" in item["response"] for item in replay["entry"])
    process.terminate()
    assert finish(process)[0] == 0
    database = open_database(tmp_path / "server.db")
    assert sequences(database, "DEMO01") == list(range(1, counts[0] * 3 + 1))
    database.close()


def test_the_epoch_stays_and_belongs_to_the_database(tmp_path):
    epochs = []
    for name in ("a", "a", "b"):
        database = open_database(tmp_path / name)
        epochs.append(database.epoch)
        database.close()
    assert epochs[0] == epochs[1] != epochs[2]


@databases.once
def test_a_newer_or_foreign_or_damaged_database_is_refused_untouched(tmp_path):
    only_sqlite()  # test_postgres.py has the same of PostgreSQL
    newer = tmp_path / "newer.db"
    Database(f"sqlite:///{newer}").close()
    connection = sqlite3.connect(newer)
    connection.execute("UPDATE server_fact SET value = '99' WHERE name = 'schema_version'")
    connection.commit()
    connection.close()
    foreign = tmp_path / "foreign.db"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE something (id)")
    connection.close()
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"not a database at all" * 500)
    for path, words in ((newer, "mới hơn"), (foreign, "chương trình khác"), (damaged, "bị hỏng")):
        before = path.read_bytes()
        with pytest.raises(UnusableDatabase, match=words):
            Database(f"sqlite:///{path}")
        assert path.read_bytes() == before or path is foreign


@databases.once
def test_a_folder_that_is_not_there_is_explained(tmp_path):
    only_sqlite()
    with pytest.raises(UnusableDatabase, match="thư mục không có"):
        Database(f"sqlite:///{tmp_path / 'missing' / 'server.db'}")


@databases.once
def test_a_taken_port_is_explained(run):
    run("init")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("serve", "--port", port)
    assert result.code == 1
    assert f"Cổng {port} của 127.0.0.1 đang có chương trình khác dùng" in result.err


@pytest.fixture
def run(tmp_path, capsys):
    """The command line in this process: code, output and error text."""

    def call(*arguments):
        code = main([*arguments, "--database", database_url(tmp_path / "server.db")])
        return Result(code, *capsys.readouterr())

    return call


def test_an_operator_sets_up_a_facility_and_a_device(run, tmp_path):
    assert "Mã quản trị" in run("init").out
    again = run("init")
    assert (again.code, again.out) == (1, "")
    assert run("device", "enrol-code", "DEMO07").code == 1
    assert run("facility", "add", "có dấu", "Trạm mẫu").code == 1
    assert run("facility", "add", "DEMO07", "Trạm mẫu").code == 0
    assert "DEMO07\tTrạm mẫu" in run("facility", "list").out
    code = run("device", "enrol-code", "DEMO07").out.strip()
    database = open_database(tmp_path / "server.db")
    with database.write() as session:
        enrolment = auth.redeem_code(session, code, "Máy 1", int(time.time() * 1000), None)
    database.close()
    assert "đang dùng" in run("device", "list").out
    assert run("device", "revoke", enrolment.device_id).code == 0
    assert run("device", "revoke", enrolment.device_id).code == 1
    assert "đã thu hồi" in run("device", "list").out


@databases.once
def test_demo_devices_only_on_loopback_and_with_a_token(run, tmp_path, monkeypatch):
    for host, token in (("0.0.0.0", "t"), ("127.0.0.1", "")):
        monkeypatch.setenv("PROVINCIAL_SERVER_DEMO_TOKEN", token)
        result = run("serve", "--port", "0", "--host", host, "--demo-facility", "DEMO01")
        assert result.code == 1
        assert "127.0.0.1" in result.err
        assert not (tmp_path / "server.db").exists()


def test_counting_changes_does_not_need_the_resources(server, station):
    station.send(bundle(*(entry(patient(f"p{n}")) for n in range(5))))
    with server.database.read() as session:
        own = Change.facility_code == station.facility
        assert session.scalar(select(func.count()).where(own)) == 5
