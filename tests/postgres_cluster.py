"""A private PostgreSQL for the tests: Debian's package, a temporary folder, a free loopback port.

All processes of one run share one cluster. A watcher process starts it and waits until the last of
them is gone, however it went: each holds a lock on one file, and the system lets go of the locks of
a process that was killed. Then the watcher stops the server that it started and removes the folder.

Nothing here needs rights on the machine's own PostgreSQL, and nothing is written to the disk safely:
what the tests kill is the program, never the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from provincial_server.postgres.preparation import prepare

ADMINISTRATOR, OWNER, SERVER = "cluster_admin", "emr_owner", "emr_server"
_TEMPLATE = "emr_template"
_PREFIX = "station-emr-postgres-"
_START_SECONDS = 180
"""Long, for a machine that does much else; who does not come up says so at once."""
_CONNECT_SECONDS = 10
"""A port that somebody took who is no PostgreSQL never answers a greeting."""
_COPY_TRIES = 10
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "client_min_messages": "error",
}


class NoPostgres(Exception):
    """PostgreSQL is not installed on this machine."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster; databases come ready from a template."""

    port: int

    def url(self, database: str, role: str = SERVER) -> str:
        return f"postgresql+psycopg://{role}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def administrator(self, database: str = "postgres") -> Iterator[psycopg.Connection]:
        """The cluster's own superuser, whom no wall stops."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=ADMINISTRATOR,
            dbname=database,
            autocommit=True,
            connect_timeout=_CONNECT_SECONDS,
        ) as connection:
            yield connection

    def new_database(self, *, template: str = _TEMPLATE) -> str:
        """The name of a database that `postgres prepare` has prepared; "template0": an empty one."""
        name = f"emr_{secrets.token_hex(6)}"
        with self.administrator() as connection:
            connection.execute(
                f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} "
                f"{_as_files(connection)} ENCODING 'UTF8' LOCALE 'C.UTF-8'"
            )
        return name

    def copy_database(self, source: str, name: str = "") -> str:
        """A copy as of now; whoever is connected to the source has to connect again."""
        name = name or f"emr_{secrets.token_hex(6)}"
        with self.administrator() as connection:
            how = _as_files(connection)
            for left in reversed(range(_COPY_TRIES)):
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [source],
                )
                try:
                    connection.execute(
                        f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {source} {how}"
                    )
                    break
                except psycopg.errors.ObjectInUse:  # somebody was quicker
                    if not left:
                        raise
        return name

    def drop_database(self, name: str) -> None:
        with self.administrator() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def programs() -> Path:
    """The folder with `initdb` and `postgres`, of the newest version."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    if found:
        return found[-1].parent
    here = shutil.which("initdb")
    if here is None:
        raise NoPostgres("PostgreSQL is not installed here (Debian: apt-get install postgresql)")
    return Path(here).resolve().parent


def _as_files(connection: psycopg.Connection) -> str:
    """Page by page through its log, which PostgreSQL chooses by itself since 15, takes three times as
    long."""
    return "STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else ""


def _place() -> Path:
    """Where the files of all tests are: in memory if there is enough."""
    return Path(os.environ.get("PYTEST_DEBUG_TEMPROOT") or tempfile.gettempdir())


@contextmanager
def shared_cluster() -> Iterator[Cluster]:
    """The cluster of this run, started by the first who asks."""
    bin_folder = programs()
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}-{secrets.token_hex(4)}"
    folder = _place() / f"{_PREFIX}{run}"
    with _one_at_a_time():
        _remove_left_behind(keep=folder)
        users = _hold(folder) or _start(folder, bin_folder)
    facts = json.loads((folder / "facts.json").read_text(encoding="ascii"))
    try:
        yield Cluster(facts["port"])
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)  # the last one out lets the watcher end the cluster
        users.close()


def _hold(folder: Path) -> IO[str] | None:
    """A share of the lock that keeps a running cluster alive; None when there is no such cluster.
    One that somebody began and did not live to see is waited for.
    """
    try:
        users = (folder / "users").open("r", encoding="ascii")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:  # the watcher is ending it
        users.close()
        _await(lambda: not folder.exists() or not _is_watched(folder), "the end of a cluster")
        return None
    _await(lambda: _is_ready(folder) or not _is_watched(folder), "a cluster")
    if _is_ready(folder):
        return users
    users.close()
    return None


def _is_ready(folder: Path) -> bool:
    return (folder / "facts.json").exists()


def _is_watched(folder: Path) -> bool:
    """Whether its watcher lives: it holds a lock from before its first moment to its last."""
    try:
        with (folder / "watched").open("r", encoding="ascii") as watched:
            fcntl.flock(watched, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _start(folder: Path, bin_folder: Path) -> IO[str]:
    """A share in a new cluster, once the watcher has it running. The share is there before the watcher
    is, so the watcher never has to find out whether somebody came: it waits until the last is gone.
    """
    _clear(folder)
    folder.mkdir()
    folder.chmod(0o755)  # PostgreSQL's account reads it, whatever a test has made of the umask
    users = (folder / "users").open("w", encoding="ascii")
    fcntl.flock(users, fcntl.LOCK_SH)
    try:
        watcher = _spawn(folder, bin_folder)
        _await(lambda: _is_ready(folder) or watcher.poll() is not None, "the cluster")
    except BaseException:
        users.close()
        raise
    if not _is_ready(folder):
        said = (folder / "watcher.log").read_text(errors="replace")
        users.close()
        _clear(folder)
        raise RuntimeError(said)
    watcher.returncode = 0  # it outlives this process: nobody waits for it
    return users


def _spawn(folder: Path, bin_folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "watcher.log").open("wb") as log, (folder / "watched").open("w") as watched:
        fcntl.flock(watched, fcntl.LOCK_EX)
        return subprocess.Popen(
            [sys.executable, __file__, str(folder), str(bin_folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[watched.fileno()],  # the lock goes with it
            start_new_session=True,  # Ctrl+C in the terminal is for the tests
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )


def _clear(folder: Path) -> None:
    """Gone in one step for everybody who looks; what is new under its name is not touched."""
    gone = folder.with_name(f"{_PREFIX}gone-{secrets.token_hex(8)}")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _await(is_true: object, what: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while not is_true():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Starting and clearing up, by a lock on the folder for temporary files: it leaves nothing."""
    folder = os.open(_place(), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _remove_left_behind(keep: Path) -> None:
    """What a run left whose watcher was killed too."""
    for folder in _place().glob(f"{_PREFIX}*/"):
        with contextlib.suppress(FileNotFoundError):  # its own watcher was quicker
            if folder == keep or folder.stat().st_uid != os.getuid():
                continue
        if _is_watched(folder):
            continue
        try:
            with (folder / "users").open("r", encoding="ascii") as users:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop_by_pid(folder)
                _clear(folder)
        except FileNotFoundError:
            if folder.name.startswith(f"{_PREFIX}gone-"):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # somebody still uses it


def _stop_by_pid(folder: Path) -> None:
    """Ends the server whose own file says that it works in this folder. Where that server has died, its
    number may be another process's by now: that one works elsewhere.
    """
    try:
        lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
        works_in = Path(f"/proc/{int(lines[0])}/cwd").readlink()
    except (OSError, ValueError, IndexError):
        return
    if works_in == folder / "data":
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(lines[0]), signal.SIGQUIT)


# --- the watcher -------------------------------------------------------------------------------------


def _unprivileged() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise NoPostgres("there is no account under which PostgreSQL could run")


def _make(folder: Path, bin_folder: Path) -> Path:
    data = folder / "data"
    data.mkdir(mode=0o700)
    account = _unprivileged()
    if account:
        os.chown(data, int(str(account["user"])), int(str(account["group"])))
    subprocess.run(
        [
            bin_folder / "initdb",
            *("--pgdata", data),
            *("--username", ADMINISTRATOR),
            *("--encoding", "UTF8", "--locale", "C.UTF-8"),
            *("--auth", "trust", "--no-sync", "--no-instructions"),
        ],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        **account,  # type: ignore[call-overload]
    )
    return data


def _run(data: Path, bin_folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(5):  # between the choice of a port and its use somebody may take it
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        server = subprocess.Popen(
            [bin_folder / "postgres", "-D", data, "-p", str(port), *options],
            cwd="/",
            stdin=subprocess.DEVNULL,
            **_unprivileged(),  # type: ignore[call-overload]
        )
        end = time.monotonic() + _START_SECONDS
        while server.poll() is None and time.monotonic() < end:
            with contextlib.suppress(psycopg.OperationalError):
                if _works_in(Cluster(port)) == data:
                    return server, port
                break  # somebody else's answered; ours cannot have this port
            time.sleep(0.05)
        _stop(server)
    raise RuntimeError("PostgreSQL did not start")


def _works_in(cluster: Cluster) -> Path:
    with cluster.administrator() as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    return Path(str(row[0])) if row else Path()


def _prepare(cluster: Cluster) -> None:
    with cluster.administrator() as connection:
        for role in (OWNER, SERVER):
            connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute(f"CREATE DATABASE {_TEMPLATE} OWNER {OWNER} TEMPLATE template0")
    prepare(cluster.url(_TEMPLATE, OWNER), SERVER)


def _watch(folder: Path, bin_folder: Path) -> None:
    with (folder / "users").open("r", encoding="ascii") as users:
        server, port = _run(_make(folder, bin_folder), bin_folder)
        try:
            _prepare(Cluster(port))
            draft = folder / "facts.tmp"
            draft.write_text(json.dumps({"port": port}), encoding="ascii")
            draft.rename(folder / "facts.json")
            fcntl.flock(users, fcntl.LOCK_EX)  # until everybody has let go
        finally:
            _stop(server)
        _clear(folder)


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)  # at once: the folder goes too
        server.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("bin_folder", type=Path)
    chosen = parser.parse_args()
    _watch(chosen.folder, chosen.bin_folder)
