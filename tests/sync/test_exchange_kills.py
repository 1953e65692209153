"""Power cuts: the station's process and the server's are killed (SIGKILL) at any point of a sync.

Real processes over real sockets; the proxy says when. After each kill the program starts again, and
nothing is lost or there twice.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from station_emr.db.store import EncryptedStore
from tests import databases
from tests.sync.closing import World, Worlds
from tests.sync.conftest import Server
from tests.sync.exchange_machines import KEY
from tests.sync.faults import Fault, FaultyLine

ROOT = Path(__file__).resolve().parents[2]
KILLED = -9

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks the station's process")


class StationProcess:
    """Syncs a database in a process of its own, which can be killed."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.sync.killable"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._said: queue.Queue[list[str]] = queue.Queue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self._pid = 0
        self._started = threading.Event()

    def _read(self) -> None:
        assert self._parent.stdout is not None
        for line in self._parent.stdout:
            word, *rest = line.split(maxsplit=1)
            if word == "pid":
                self._pid = int(rest[0])
                self._started.set()
            else:
                self._said.put([word, *rest])

    def start(self, path: Path, line: FaultyLine) -> None:
        self._started.clear()
        order = {"path": str(path), "key": KEY.hex(), "url": line.url, "token": line.token}
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()

    def kill(self, after: float = 0) -> None:
        assert self._started.wait(60)
        time.sleep(after)
        with suppress(ProcessLookupError):  # it was quicker, and has ended
            os.kill(self._pid, signal.SIGKILL)

    def ended(self) -> int:
        word, status = self._said.get(timeout=60)
        assert word == "ended", status
        return int(status)

    def close(self) -> None:
        self._parent.kill()
        self._parent.wait()
        self._reading.join(60)
        for stream in (self._parent.stdin, self._parent.stdout):
            assert stream is not None
            stream.close()


@pytest.fixture(scope="module")
def process() -> Iterator[StationProcess]:
    made = StationProcess()
    yield made
    made.close()


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory, _shared: Server) -> Iterator[Worlds]:
    made = Worlds(tmp_path_factory, _shared)
    yield made
    made.close()


@pytest.fixture
def world(worlds: Worlds) -> World:
    return worlds.take()


Kill = Callable[..., None]


def with_reply(kill: Kill, at: int | None, after: float = 0) -> Fault:
    """Killed when so many bytes of the answer, or all, have been given to its system."""
    return Fault(cut_reply=at, then_silent=at is not None, answered=lambda: kill(after))


POINTS: dict[str, Callable[[Kill], list[Fault | None]]] = {
    "request-half-gone": lambda kill: [Fault(cut=lambda sent: kill() or len(sent) // 2)],
    "before-the-server-sees-it": lambda kill: [Fault(before=kill)],
    "between-commit-and-reply": lambda kill: [Fault(after=kill)],
    "reply-headers": lambda kill: [with_reply(kill, 100)],
    "reply-half": lambda kill: [with_reply(kill, 600)],
    "reply-there": lambda kill: [with_reply(kill, None)],
    "second-request": lambda kill: [None, Fault(after=kill)],
    "second-reply-there": lambda kill: [None, with_reply(kill, None, 0.004)],
    "last-reply-there": lambda kill: [None, None, with_reply(kill, None, 0.001)],
}
MOMENTS = (0.02, 0.06, 0.1, 0.16)


@pytest.mark.parametrize("point", POINTS)
def test_the_station_is_killed(world: World, process: StationProcess, point: str) -> None:
    signed = world.work(4)
    world.one.store.close()
    world.line.plan = POINTS[point](process.kill)

    process.start(world.path(world.one), world.line)

    assert process.ended() == KILLED
    world.line.plan.clear()
    world.one.store = EncryptedStore.open(world.path(world.one), KEY)
    world.check(signed)


def test_the_station_is_killed_at_any_moment(world: World, process: StationProcess) -> None:
    """While it opens, seals, sends or writes down: whatever the clock of the kill meets."""
    signed = []
    for moment in MOMENTS:
        signed += world.work(3)
        world.one.store.close()
        process.start(world.path(world.one), world.line)
        process.kill(moment)
        assert process.ended() in {KILLED, 0}
        world.one.store = EncryptedStore.open(world.path(world.one), KEY)
    world.check(signed)


def test_the_server_is_killed(server: Server, tmp_path: Path) -> None:
    """In the middle of its work, and between its commit and its reply."""
    server.start()
    world = World(tmp_path, server)
    signed = []
    with world.line:
        for machine in world.machines:
            machine.sync()
        for delay in (0.01, None):
            signed += world.work(8)
            if delay is None:
                fault = Fault(after=server.stop, drop_reply=True)
            else:
                end = threading.Timer(delay, server.stop)
                fault = Fault(before=end.start)
            world.line.plan = [fault]

            run = world.one.sync()

            if delay is not None:
                end.join()  # not in the middle of the next start

            assert run.outcome in {"offline", "complete"}
            assert run.outcome == "offline" or delay is not None
            server.stop()
            server.start()
        world.check(signed)
    for machine in world.machines:
        machine.store.close()


def test_the_server_is_restored_without_being_told(server: Server, tmp_path: Path) -> None:
    """Yesterday's files under the same epoch: its numbers go on from where the backup stood, past
    what one machine had seen. That machine's cursor says nothing is missing; the sums do.
    """
    server.start()
    world = World(tmp_path, server)
    database = server.folder / "province.db"
    with world.line:
        signed = world.work(2)
        for machine in (*world.machines, world.one):
            machine.sync()
        backup = tmp_path / "yesterday.db"
        databases.back_up(database, backup)
        lost = world.work(2)
        for machine in (*world.machines, world.one):
            machine.sync()
        server.stop()
        databases.put_back(database, backup)
        server.start()
        signed += lost + [world.person(world.other) for _ in range(9)]
        world.other.sync()  # the first to speak: it carries the numbers past the other's cursor

        world.check(signed)
    for machine in world.machines:
        machine.store.close()
