"""Opens the database, and gives out read and write sessions.

SQLite: one writer at a time, taken with BEGIN IMMEDIATE so that no reader turns into a writer too
late. On PostgreSQL the row lock on the facility (`lock_facility`) orders the writers of one
facility and lets different facilities write side by side; the code is the same.

Whoever opens a session names the facility for which it works. SQLite has no second wall and takes no
notice; on PostgreSQL the session sees and writes that facility's rows alone, and who names none gets
only what belongs to no facility.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    create_engine,
    create_mock_engine,
    event,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from provincial_server import ready
from provincial_server.group_commit import GroupCommit
from provincial_server.migrations import upgrade
from provincial_server.postgres import serving, wall
from provincial_server.postgres.engine import create_postgres_engine
from provincial_server.postgres.gathering import Gathering
from provincial_server.postgres.line import HAS_LINES
from provincial_server.store import EVERY_FACILITY, SCHEMA_VERSION, Base, Facility, ServerFact

DAMAGED = (
    "Không đọc được cơ sở dữ liệu: tệp bị hỏng, hoặc không phải của chương trình này. Hãy khôi phục từ "
    "bản sao lưu."
)
_NO_FACILITY = ""
_BUSY_SECONDS = 30
_CACHE_KIB = 64 * 1024  # of each connection; SQLite's own 2 MB make a large database slow
_MAPPED_BYTES = 4 << 30  # read in place: what the cache does not hold is not copied for each look
# Every request asks for these, so they are made once.
_EPOCH = select(ServerFact.value).where(ServerFact.name == "epoch")
_LOCKED = (
    select(Facility)
    .where(Facility.code == bindparam("facility"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


class UnusableDatabase(Exception):
    """The database cannot be served; the text tells the operator what to do."""


class Database:
    """Threads may share it; sessions stay in the thread that opened them."""

    def __init__(self, url: str) -> None:
        self.engine = _create_engine(url)
        # A page and the count beside it must be of one moment; SQLite's readers see one anyway.
        sqlite = self.engine.dialect.name == "sqlite"
        self._has_wall = not sqlite
        self.is_at_hand = sqlite
        """One row is found without a network and without waiting for anybody."""
        self._reader = (
            self.engine
            if sqlite
            else self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        )
        self._writer = self.engine.execution_options(begin_mode="IMMEDIATE")
        # SQLite has one writer; waiting here is fair, waiting inside SQLite is a lottery.
        self._turn: Any = threading.Lock() if sqlite else nullcontext()
        self.group_commit = GroupCommit(self._turn, self._transaction) if sqlite else None
        """None on PostgreSQL, where writers stand side by side."""
        self.gathering: Gathering[Any] | None = None
        if HAS_LINES and not sqlite:
            self.gathering = Gathering(self.engine)
        """None on SQLite: there everything is written in turn anyway."""
        self.epoch = self._open()

    def _open(self) -> str:
        try:
            with self.write(EVERY_FACILITY) as session:
                if self._has_wall:
                    return _greet(session)
                return prepare_schema(session.connection(), session)
        except OperationalError as error:
            self.close()
            if self._has_wall:
                raise UnusableDatabase(
                    "Không nối được với PostgreSQL: máy chủ cơ sở dữ liệu chưa chạy, sai địa chỉ, "
                    "hoặc sai tài khoản."
                ) from error
            raise UnusableDatabase(
                "Không mở được cơ sở dữ liệu: thư mục không có, ổ đĩa đầy, hoặc không có quyền ghi."
            ) from error
        except DatabaseError as error:
            self.close()
            raise UnusableDatabase(DAMAGED) from error
        except UnusableDatabase:
            self.close()
            raise

    @contextmanager
    def read(self, facility: str | None = None) -> Iterator[Session]:
        """Everything that the session reads is of one moment. `facility` is for whom it works:
        a code, or EVERY_FACILITY."""
        with Session(self._reader, expire_on_commit=False) as session:
            self.work_for(session, facility)
            yield session

    def ask(self, facility: str, question: ready.Question) -> list[Any]:
        """The rows of one question by itself, in one way there and back."""
        before = [wall.introduction(facility)] if self._has_wall else []
        connection = ready.connection_of(self.engine)
        try:
            return ready.ask_at_once(connection, self.engine.dialect, [*before, question])[-1]
        finally:
            connection.close()

    @contextmanager
    def write(self, facility: str | None = None) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back by any exception.
        `facility` is for whom it works: a code, or EVERY_FACILITY."""
        with self._turn, self._transaction() as session:
            self.work_for(session, facility)
            yield session

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def write_asking(
        self, facility: str, questions: Sequence[ready.Question]
    ) -> Iterator[tuple[Session, list[list[Any]]]]:
        """As `write`, for who knows its first questions: they go in one message."""
        with self._turn, self._transaction() as session:
            yield session, self._ask(session, facility, questions)

    def _ask(
        self, session: Session, facility: str, questions: Sequence[ready.Question]
    ) -> list[list[Any]]:
        if not self._has_wall:
            return ready.ask_all(session, questions)
        return ready.ask_all(session, [wall.introduction(facility), *questions])[1:]

    def work_for(self, session: Session, facility: str | None) -> None:
        """From now until its end the transaction works for this facility."""
        if self._has_wall:
            wall.work_for(session, facility or _NO_FACILITY)

    def current_epoch(self, session: Session) -> str:
        """As the database says now: another process may have given it a new one."""
        self.epoch = session.execute(_EPOCH).scalar_one()
        return self.epoch

    def epoch_of(self, session: Session, facility: Facility) -> str:
        """As this facility's stations are told it."""
        return self.current_epoch(session) + facility.epoch_part

    def new_epoch(self, session: Session) -> str:
        """The database went back in time: all stations must compare and offer again what it forgot."""
        _give_new_epoch(session)
        return self.current_epoch(session)

    def close(self) -> None:
        if self.gathering is not None:
            self.gathering.close()
        self.engine.dispose()


def _create_engine(url: str) -> Engine:
    # hide_parameters: an error in the log must not quote a patient.
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        return create_postgres_engine(address)
    if address.get_backend_name() != "sqlite":
        raise UnusableDatabase("Địa chỉ cơ sở dữ liệu phải là sqlite:///… hoặc postgresql://….")
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=16,
        max_overflow=34,
        pool_use_lifo=True,  # the connection whose cache is warm
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_SECONDS * 1000}",
            f"cache_size=-{_CACHE_KIB}",
            f"mmap_size={_MAPPED_BYTES}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("begin_mode", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _give_new_epoch(session: Session) -> None:
    change = update(ServerFact).where(ServerFact.name == "epoch")
    session.execute(
        change.values(value=secrets.token_hex(16)).execution_options(synchronize_session=False)
    )


def note_place(session: Session) -> None:
    """PostgreSQL only: where the data lies now; from another place it was restored, and then it
    takes a new epoch."""
    if serving.has_been_restored(session):
        _give_new_epoch(session)


def _greet(session: Session) -> str:
    """PostgreSQL is prepared by its owner (`postgres prepare`): here it is only judged. A database
    that was restored takes a new epoch; returns the epoch."""
    problem = serving.problem(session.connection(), SCHEMA_VERSION)
    if problem:
        raise UnusableDatabase(problem)
    note_place(session)
    return session.scalars(select(ServerFact.value).where(ServerFact.name == "epoch")).one()


@cache
def _tables_of_sqlite() -> tuple[str, ...]:
    """What makes an empty file ours, written out once: SQLAlchemy would look for each table first."""
    said: list[Any] = []
    written = create_mock_engine("sqlite://", lambda statement, *_, **__: said.append(statement))
    Base.metadata.create_all(written, checkfirst=False)
    return tuple(str(statement.compile(dialect=written.dialect)) for statement in said)


def prepare_schema(connection: Connection, session: Session) -> str:
    """Creates an empty database, refuses one of another schema; returns the epoch."""
    existing = set(inspect(connection).get_table_names())
    if "server_fact" not in existing:
        if existing:
            raise UnusableDatabase("Cơ sở dữ liệu này thuộc về một chương trình khác.")
        if connection.dialect.name == "sqlite":
            for statement in _tables_of_sqlite():
                connection.exec_driver_sql(statement)
        else:
            Base.metadata.create_all(connection)
        session.add(ServerFact(name="schema_version", value=str(SCHEMA_VERSION)))
        session.add(ServerFact(name="epoch", value=secrets.token_hex(16)))
        session.flush()
    facts = dict(session.execute(select(ServerFact.name, ServerFact.value)).all())
    found = int(facts["schema_version"])
    if found > SCHEMA_VERSION:
        raise UnusableDatabase(
            f"Cơ sở dữ liệu thuộc phiên bản mới hơn ({found}) chương trình này ({SCHEMA_VERSION}). "
            "Hãy cài chương trình mới; chưa có gì bị ghi."
        )
    if found < SCHEMA_VERSION:
        upgrade(connection, found)
    return facts["epoch"]


def lock_facility(session: Session, code: str) -> Facility:
    """Serialises the writers of one facility until the transaction ends (a no-op on SQLite, whose
    write transaction already does). Counters taken after it are in commit order, so a reader of
    the change feed never sees a number before a smaller one.

    The key itself never changes, so rows that only point at the facility need not wait."""
    return session.scalars(_LOCKED, {"facility": code}).one()
