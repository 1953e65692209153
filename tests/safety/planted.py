"""Mistakes that a program could have, put into a running session on purpose: each must be found out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from station_emr.db.audit import AuditRepository
from station_emr.db.repositories.desk import CounterRepository
from station_emr.db.store import EncryptedStore
from station_emr.db.work import SqlWork
from tests.safety.scripted import BusyDay, say

_SLOW_DISK = 0.05  # seconds, so that few kills are enough to meet the moment
_WRITTEN = "SELECT kind, record_id, version FROM record_version ORDER BY seq DESC LIMIT 1"


def plant(name: str) -> None:
    """Weaken this process; the empty name is the program as it is."""
    if name:
        MISTAKES[name]()


def _log_in_a_transaction_of_its_own() -> None:
    """The record is committed, and what tells of it a moment later."""
    append, write = AuditRepository.append, EncryptedStore.write
    later: list[tuple[Any, Any]] = []

    def keep(_: Any, *args: Any, **kwargs: Any) -> int:
        later.append((args, kwargs))
        return 0

    @contextmanager
    def in_two(store: EncryptedStore) -> Iterator[SqlWork]:
        later.clear()
        with write(store) as work:
            yield work
        time.sleep(_SLOW_DISK)
        with write(store) as work:
            for args, kwargs in later:
                append(work.audit, *args, **kwargs)

    AuditRepository.append = keep  # type: ignore[method-assign,assignment]
    EncryptedStore.write = in_two  # type: ignore[method-assign,assignment]


def _number_before_the_transaction() -> None:
    """The number is taken and kept, then the record is written with it."""
    real = CounterRepository.next

    def take(self: CounterRepository, name: str, series: str, year: int) -> int:
        given = real(self, name, series, year)
        raw: Any = self._connection.connection.driver_connection
        raw.execute("COMMIT")
        time.sleep(_SLOW_DISK)
        raw.execute("BEGIN IMMEDIATE")
        return given

    CounterRepository.next = take  # type: ignore[method-assign]


def _told_before_the_commit() -> None:
    """The person is told while the transaction is still open."""
    write, real = EncryptedStore.write, BusyDay._call
    told: list[str] = []

    @contextmanager
    def early(store: EncryptedStore) -> Iterator[SqlWork]:
        with write(store) as work:
            yield work
            if told:
                heads = work._connection.execute(text(_WRITTEN)).tuples()
                say({"done": "early", "word": told[0], "items": [list(row) for row in heads]})
                time.sleep(_SLOW_DISK)

    def call(day: BusyDay, name: str, run: Callable[[], Any], **facts: Any) -> Any:
        told[:] = [day._word]
        try:
            return real(day, name, run, **facts)
        finally:
            told.clear()

    EncryptedStore.write = early  # type: ignore[method-assign,assignment]
    BusyDay._call = call  # type: ignore[method-assign]


MISTAKES: dict[str, Callable[[], None]] = {
    "log-apart": _log_in_a_transaction_of_its_own,
    "number-first": _number_before_the_transaction,
    "told-early": _told_before_the_commit,
}
