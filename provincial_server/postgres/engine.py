"""Connections to PostgreSQL: every wait ends, and one process leaves room for the others."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL

_CONNECT_SECONDS = 10
_POOL, _OVERFLOW = 10, 30
_POOL_SECONDS = 20
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
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=_POOL,
        max_overflow=_OVERFLOW,
        pool_timeout=_POOL_SECONDS,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "provincial-server",
            "options": options,
        },
    )
