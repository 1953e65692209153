"""Processes that come to the shared PostgreSQL at the same time, or go while others come."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import postgres_cluster

_LOCKED = "with open(sys.argv[1]) as f: fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)"
_SLOW = """
import fcntl, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
watched = open(folder / "watched", "w")
fcntl.flock(watched, fcntl.LOCK_EX)
print("watching", flush=True)
sys.stdin.readline()
time.sleep(0.2)
(folder / "facts.json").write_text("{}")
sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cluster"
    made.mkdir()
    (made / "users").touch()
    return made


@pytest.fixture
def slow_watcher(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """It has begun, whoever asked it to is gone, and the cluster is not there yet."""
    watcher = subprocess.Popen(
        [sys.executable, "-c", _SLOW, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watcher.stdout is not None
    assert watcher.stdout.readline() == "watching\n"
    yield watcher
    watcher.communicate()


def test_the_first_has_its_share_before_there_is_a_watcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So no watcher ever has to try whether somebody came, and locks out who is just coming."""
    found = []

    class Spawned(Exception): ...

    def spawned(*_: object, **__: object) -> None:
        users = tmp_path / "cluster" / "users"
        code = f"import fcntl, sys\n{_LOCKED}"
        done = os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code, str(users)])
        found.append(done)
        raise Spawned

    monkeypatch.setattr(postgres_cluster.subprocess, "Popen", spawned)
    with pytest.raises(Spawned):
        postgres_cluster._start(tmp_path / "cluster", Path("/nowhere"))
    assert found == [1]  # the lock was refused


def test_one_that_somebody_began_and_did_not_live_to_see_is_joined(
    folder: Path, slow_watcher: subprocess.Popen[str]
) -> None:
    """Beginning another in the same folder would take it from under the first one's server."""
    assert slow_watcher.stdin is not None
    slow_watcher.stdin.write("go on\n")
    slow_watcher.stdin.flush()
    users = postgres_cluster._hold(folder)
    assert users is not None
    users.close()


def test_one_whose_watcher_died_before_it_was_there_is_not(folder: Path) -> None:
    (folder / "watched").touch()
    assert postgres_cluster._hold(folder) is None


def test_what_still_starts_is_not_cleared_away(
    folder: Path, slow_watcher: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert slow_watcher.poll() is None
    mine = folder.rename(folder.with_name(f"{postgres_cluster._PREFIX}other"))
    left = mine.with_name(f"{postgres_cluster._PREFIX}left")
    left.mkdir()
    (left / "users").touch()
    monkeypatch.setattr(postgres_cluster, "_place", lambda: mine.parent)
    postgres_cluster._remove_left_behind(keep=mine.with_name("none"))
    assert (mine.exists(), left.exists()) == (True, False)
    mine.rename(folder)


def test_a_number_that_is_another_process_by_now_is_left_alone(folder: Path) -> None:
    (folder / "data").mkdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (folder / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n{folder / 'data'}\n")
        postgres_cluster._stop_by_pid(folder)
        stranger.communicate(b"\n")
    assert stranger.returncode == 0


def test_who_clears_away_does_not_touch_what_begins_anew(folder: Path) -> None:
    """The last of one run has gone and its watcher clears up, while the next one comes."""
    with (folder / "users").open() as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        postgres_cluster._clear(folder)
        folder.mkdir()
        postgres_cluster._clear(folder.with_name("gone before"))
    assert folder.exists()


def test_a_port_that_somebody_else_took_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens there may say nothing at all, for ever."""
    monkeypatch.setattr(postgres_cluster, "_CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        cluster = postgres_cluster.Cluster(mute.getsockname()[1])
        with pytest.raises(psycopg.OperationalError), cluster.administrator():
            pass
