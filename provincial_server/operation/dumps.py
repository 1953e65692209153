"""A consistent copy of a live database, and a database made of such a copy.

SQLite is copied by its own backup interface, never as a file: a file copied beside its log is a
torn page. PostgreSQL is dumped by `pg_dump` in the snapshot in which the manifest is counted.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from provincial_server.operation.archive import BackupFault
from provincial_server.operation.manifest import Holdings, take_stock
from provincial_server.postgres.engine import create_postgres_engine
from provincial_server.postgres.wall import work_for
from provincial_server.store import EVERY_FACILITY

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_TOOL_SECONDS = 6 * 3600
_BUSY_SECONDS = 30
_NOTING_SECONDS = 2  # a line of the log is not worth a longer wait


def backend_of(url: str) -> str:
    return make_url(url).get_backend_name()


def sqlite_file(url: str) -> Path:
    name = make_url(url).database
    if not name or name == ":memory:":
        raise BackupFault("Cơ sở dữ liệu này chỉ ở trong bộ nhớ nên không sao lưu được.")
    return Path(name)


def dump(url: str, target: Path, programs: Path | None) -> Holdings:
    """Writes the copy, and counts what is in it. The server may go on serving and writing."""
    if backend_of(url) == SQLITE:
        _copy_sqlite(sqlite_file(url), target)
        return stock_of_sqlite(target)
    return _dump_postgres(url, target, programs)


def _copy_sqlite(source: Path, target: Path) -> None:
    if not source.exists():
        raise BackupFault(f"Không có tệp cơ sở dữ liệu {source}.")
    try:
        with closing(sqlite3.connect(target)) as copy:
            with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as live:
                live.backup(copy)  # in one step: one moment, and writers are not held up by WAL
            copy.execute("PRAGMA journal_mode=DELETE")  # one file
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise BackupFault(
                f"Ổ đĩa của {target.parent.parent} đầy: bản chép tạm thời không đủ chỗ. Chưa có gì "
                "được ghi."
            ) from error
        raise BackupFault(
            f"Không chép được cơ sở dữ liệu {source}: tệp bị hỏng, đang bị khóa, hoặc không phải của "
            "chương trình này. Chưa có gì được ghi."
        ) from error
    target.chmod(0o600)


def stock_of_sqlite(path: Path) -> Holdings:
    """What a copy holds, after SQLite itself found it whole."""
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True)
    try:
        with Session(engine) as session:
            if session.scalar(text("PRAGMA integrity_check(1)")) != "ok":
                raise BackupFault("Cơ sở dữ liệu bị hỏng: SQLite không đọc trọn vẹn được.")
            return take_stock(session)
    finally:
        engine.dispose()


def _dump_postgres(url: str, target: Path, programs: Path | None) -> Holdings:
    engine = create_postgres_engine(make_url(url))
    reading = engine.execution_options(isolation_level="REPEATABLE READ")
    try:
        with _reaching(), Session(reading) as session:
            work_for(session, EVERY_FACILITY)
            # pg_dump sees the snapshot in which everything is counted.
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            session.execute(text("SET LOCAL statement_timeout = 0"))
            snapshot = session.scalar(text("SELECT pg_export_snapshot()"))
            holdings = take_stock(session)
            _run(
                url,
                programs,
                "pg_dump",
                "--format=custom",
                "--no-owner",
                "--no-privileges",
                "--enable-row-security",  # with the word that lets every facility be seen
                f"--snapshot={snapshot}",
                f"--file={target}",
            )
    finally:
        engine.dispose()
    target.chmod(0o600)
    return holdings


def check_dump(backend: str, path: Path, holdings: Holdings, programs: Path | None) -> str | None:
    """Opens a dump that was read back; None when it is what the manifest says."""
    if backend == SQLITE:
        found = stock_of_sqlite(path)
        return None if found == holdings else "số đếm khác với lúc ghi"
    listed = _tool(programs, "pg_restore", ["--list", str(path)], {})
    lacking = [name for name in holdings.tables if f" TABLE DATA public {name} " not in listed]
    return f"thiếu bảng {lacking[0]}" if lacking else None


@contextmanager
def looking(url: str) -> Iterator[Session]:
    """Reads only, and needs no lock: who opens a `Database` waits for the one who writes."""
    if backend_of(url) == SQLITE and not sqlite_file(url).exists():
        raise BackupFault(f"Không có tệp cơ sở dữ liệu {sqlite_file(url)}.")
    if is_empty(url):
        raise BackupFault("Cơ sở dữ liệu còn trống. Chưa có gì được ghi.")
    engine = _engine(url)
    try:
        with Session(engine) as session:
            yield session
    finally:
        engine.dispose()


@contextmanager
def noting(url: str) -> Iterator[Session]:
    """One write transaction in a database that is what it is: `Database` would bring it up to date."""
    engine = _engine(url, wait_seconds=_NOTING_SECONDS)
    try:
        with Session(engine) as session, session.begin():
            if backend_of(url) != SQLITE:
                work_for(session, EVERY_FACILITY)
            yield session
    finally:
        engine.dispose()


def _engine(url: str, wait_seconds: int = _BUSY_SECONDS) -> Engine:
    if backend_of(url) == SQLITE:
        return create_engine(url, hide_parameters=True, connect_args={"timeout": wait_seconds})
    return create_postgres_engine(make_url(url))


@contextmanager
def _reaching() -> Iterator[None]:
    """Tells a database that cannot be reached, or is not ours, from one that is busy."""
    try:
        yield
    except ProgrammingError as error:
        raise BackupFault(
            "Cơ sở dữ liệu còn trống, hoặc không phải của chương trình này. Chưa có gì thay đổi."
        ) from error
    except OperationalError as error:
        raise BackupFault(
            "Không nối được với cơ sở dữ liệu để sao lưu hoặc khôi phục: máy chủ PostgreSQL chưa "
            "chạy hoặc đã ngắt, sai địa chỉ, hoặc sai tài khoản chủ sở hữu. Chưa có gì thay đổi."
        ) from error


def is_empty(url: str) -> bool:
    """Nothing at all is there: no file, or no table."""
    if backend_of(url) == SQLITE:
        path = sqlite_file(url)
        if not path.exists():
            return True
        if path.stat().st_size == 0:
            return True
    engine = _engine(url)
    try:
        with _reaching():
            return not inspect(engine).get_table_names()
    finally:
        engine.dispose()


def restore_postgres(url: str, dumped: Path, programs: Path | None) -> None:
    """All of it in one transaction, or nothing."""
    _run(
        url,
        programs,
        "pg_restore",
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        f"--dbname={make_url(url).database}",
        str(dumped),
    )


def _run(url: str, programs: Path | None, name: str, *arguments: str) -> None:
    _tool(programs, name, list(arguments), _environment(make_url(url)))


def _environment(url: URL) -> dict[str, str]:
    """By the environment: every user of the machine can list the arguments of a process."""
    query = {key: value for key, value in url.query.items() if isinstance(value, str)}
    found = {
        "PGHOST": url.host or query.get("host", ""),
        "PGPORT": str(url.port or query.get("port", "")),
        "PGUSER": url.username or "",
        "PGPASSWORD": str(url.password or ""),
        "PGDATABASE": url.database or "",
        "PGSSLMODE": query.get("sslmode", ""),
        "PGSSLROOTCERT": query.get("sslrootcert", ""),
        "PGOPTIONS": f"-c station_emr.facility={EVERY_FACILITY}",
    }
    return {key: value for key, value in found.items() if value}


def find_program(programs: Path | None, name: str) -> str:
    """Where a PostgreSQL program lies: the configured folder, the path, Debian's folders."""
    if programs is not None:
        return str(programs / name)
    found = shutil.which(name)
    if found:
        return found
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if debian:
        return str(debian[-1])
    raise BackupFault(
        f"Không tìm thấy chương trình {name} của PostgreSQL. Chưa có gì thay đổi. Hãy cài gói "
        "postgresql-client, hoặc đặt khóa cấu hình postgres_programs."
    )


def _tool(programs: Path | None, name: str, arguments: list[str], more: dict[str, str]) -> str:
    done = subprocess.run(
        [find_program(programs, name), *arguments],
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=_TOOL_SECONDS,
        check=False,
    )
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if line.strip()), "")
        raise BackupFault(f"{name} không chạy được: {first[:300]}")
    return done.stdout
