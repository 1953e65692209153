"""The provincial server on each database, and the peer of its benchmarks, as processes.

PostgreSQL here is a private cluster that flushes every commit (``fsync`` and ``synchronous_commit``
are on), with a page cache of 512 MB; SQLite has ``synchronous = FULL``. sekmet-fhir, the peer, is a
FHIR R4 server from a package; it stores what it validates as strictly as it can be told to.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from provincial_server import auth
from provincial_server.database import Database
from provincial_server.postgres.preparation import prepare
from provincial_server.store import EVERY_FACILITY

_WAIT = 60
_OWNER, _SERVER, _SUPERUSER = "emr_owner", "emr_server", "benchmark"
_SEKMET_SETTINGS = """
base_url: http://127.0.0.1:{port}/fhir
host: 127.0.0.1
port: {port}
data_dir: {data}
server_auth: {{types: [none]}}
validation: {{inbound: strict}}
simulator: {{enabled: false}}
log_inbound: false
"""


@dataclass(frozen=True)
class Serving:
    """A running server: ``tokens`` are those of its stations, in order."""

    port: int
    process: int
    database_url: str
    tokens: Sequence[str]

    @property
    def peak_megabytes(self) -> int:
        """The most memory that the process had."""
        for line in Path(f"/proc/{self.process}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) // 1024
        return 0

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1]
        ticks = sum(map(int, fields.split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def provincial(
    folder: Path,
    database_url: str,
    stations: int,
    log_level: str = "error",
    *,
    limited: bool = False,
) -> Iterator[Serving]:
    """Our server with so many facilities of one device each."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = [f"token-of-a-benchmark-{number}" for number in range(stations)]
    database = Database(database_url)
    with database.write(EVERY_FACILITY) as session:
        for number, token in enumerate(tokens):
            code = f"BENCH{number}"
            auth.add_facility(session, code, f"Trạm mẫu {number}", 0)
            auth.enrol_device(session, code, "Máy 1", 0, token=token)
    database.close()
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "provincial_server", "serve", "--host", "127.0.0.1"]
    command += ["--port", "0", "--port-file", str(port_file), "--log-level", log_level]
    command += ["--database", database_url]
    if limited:  # with an address of its own it holds this machine to the rates, too
        command += ["--public-url", "http://127.0.0.1"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _await(port_file.exists, process, folder / "log")
        port = int(port_file.read_text(encoding="ascii"))
        yield Serving(port, process.pid, database_url, tokens)
    finally:
        process.kill()
        process.wait()


def sqlite_url(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'province.db'}"


# --- PostgreSQL ----------------------------------------------------------------------------------


def postgres_programs() -> Path | None:
    """The folder with ``initdb``; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    here = shutil.which("initdb")
    return Path(here).resolve().parent if here else None


@contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """The address of a prepared, empty database in a cluster of its own."""
    folder = Path(tempfile.mkdtemp(prefix="benchmark-postgres-"))
    account = _account()
    data = folder / "data"
    data.mkdir(mode=0o700)
    folder.chmod(0o755)
    if account is not None:
        os.chown(data, account.pw_uid, account.pw_gid)
    run = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid}
    try:
        subprocess.run(
            [
                programs / "initdb",
                *("-D", data, "-U", _SUPERUSER, "--auth", "trust"),
                *("-E", "UTF8", "--locale", "C.UTF-8"),
            ],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            **run,  # type: ignore[call-overload]
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "512MB",
            "max_wal_size": "4GB",
            "log_min_messages": "fatal",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (folder / "log").open("ab") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-p", str(port), *options],
                cwd="/",
                stdout=log,
                stderr=log,
                **run,  # type: ignore[call-overload]
            )
        try:
            _await(lambda: _answers(port), server, folder / "log")
            yield _prepared(port)
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def _connect(port: int, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1", port=port, user=_SUPERUSER, dbname=database, autocommit=True
    )


def _answers(port: int) -> bool:
    try:
        _connect(port).close()
    except psycopg.OperationalError:
        return False
    return True


def _prepared(port: int) -> str:
    with _connect(port) as connection:
        for role in (_OWNER, _SERVER):
            connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute(f"CREATE DATABASE province OWNER {_OWNER} TEMPLATE template0")
    url = "postgresql+psycopg://{}@127.0.0.1:{}/province"
    prepare(url.format(_OWNER, port), _SERVER)
    return url.format(_SERVER, port)


def say_absent(name: str) -> None:
    """Beside the lines of JSON, for whoever runs it."""
    print(f"{name}: not installed here, left out", file=sys.stderr)


# --- the peer ------------------------------------------------------------------------------------


def sekmet_program() -> str | None:
    return shutil.which("sekmet", path=str(Path(sys.executable).parent))


@contextmanager
def sekmet(folder: Path, program: str, stations: int) -> Iterator[Serving]:
    folder.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = folder / "settings.yaml"
    settings.write_text(_SEKMET_SETTINGS.format(port=port, data=folder / "data"), encoding="utf-8")
    environment = {**os.environ, "SEKMET_CONFIG": str(settings), "PYTHONUTF8": "1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve"], env=environment, cwd=folder, stdout=log, stderr=log
        )
    try:
        _await(lambda: _serves(port), process, folder / "log")
        yield Serving(port, process.pid, "", ["none"] * stations)
    finally:
        process.kill()
        process.wait()


def _serves(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/fhir/metadata", timeout=5) as got:
            return bool(got.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _await(is_true: object, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _WAIT
    while not is_true():  # type: ignore[operator]
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(log.read_text(encoding="utf-8", errors="replace")[-2000:])
        time.sleep(0.05)
