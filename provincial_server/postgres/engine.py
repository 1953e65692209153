"""Connections to PostgreSQL: every wait ends, and one process leaves room for the others."""

from __future__ import annotations

import select
import time
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

_CONNECT_SECONDS = 10
_POOL, _OVERFLOW = 20, 19
"""With the line of those who write together (`line.py`) 40, which the operator is told."""
_PREPARED_AFTER = 1
"""Executions; a connection lives long and says the same few things."""
_POOL_SECONDS = 20
_FRESH_SECONDS = 20
"""A connection that answered so lately is asked whether it lives only when its line says something: a
server that ends a connection says so, and asking costs each of a request's transactions a way there and
back."""
_ANSWERED = "answered_at"
_SESSION = {
    # Longer than any honest statement; a plan that went wrong must not hold a facility's lock.
    "statement_timeout": "60s",
    "lock_timeout": "15s",
    # A snapshot is written to a slow stick between two statements of one transaction.
    "idle_in_transaction_session_timeout": "10min",
    "timezone": "UTC",
    "client_encoding": "UTF8",
}


def create_postgres_engine(url: URL) -> Engine:
    """The driver is psycopg 3, also when the address names none. Parameters never reach a log: an
    error must not quote a patient."""
    if "+" not in url.drivername:
        url = url.set(drivername="postgresql+psycopg")
    options = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=_POOL,
        max_overflow=_OVERFLOW,
        pool_timeout=_POOL_SECONDS,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "provincial-server",
            "options": options,
            "prepare_threshold": _PREPARED_AFTER,
        },
    )
    event.listen(engine, "checkin", _note_answer)

    @event.listens_for(engine, "checkout")
    def _look(connection: Any, record: Any, _proxy: object) -> None:
        rested = time.monotonic() - record.info.get(_ANSWERED, 0.0)
        if rested < _FRESH_SECONDS and _is_silent(connection):
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error  # the pool takes another

    return engine


def _note_answer(connection: Any, record: Any) -> None:
    if connection is not None:
        record.info[_ANSWERED] = time.monotonic()


def _is_silent(connection: Any) -> bool:
    """Nothing has arrived that nobody asked for: no farewell and no end."""
    try:
        return not select.select([connection.fileno()], [], [], 0)[0]
    except (OSError, ValueError):  # closed, or a number too high for this look
        return False
