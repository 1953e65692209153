"""Turns operations that were taken into resources that can be read and searched.

Taking a line must be quick and must not depend on the index; reading must never see less than what
was taken. So a thread of its own follows the log, and every reader first waits for the rest of it
(`catch_up`). How far the index is stands on the facility's row and moves in the transaction
that writes the resources: a process that is killed goes on where the disk says.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import and_, case, select
from sqlalchemy.exc import DataError as BadData
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, aliased

from provincial_server import wire
from provincial_server.auth import Caller
from provincial_server.database import Database, lock_facility
from provincial_server.exchange.tables import REST, Operation, unpack_line
from provincial_server.referrals.addressing import note_letter
from provincial_server.resources import Writer
from provincial_server.settings import Clock
from provincial_server.store import EVERY_FACILITY, Facility
from provincial_server.structure import STORED_TYPES
from provincial_server.validation import Checked

AT_ONCE = 25
"""Operations in one transaction of the index: nobody waits longer than for these."""
_QUIET_SECONDS = 0.3
_LONGEST_WAIT_SECONDS = 30.0
_AFTER_A_FAULT_SECONDS = 5.0
_log = logging.getLogger("provincial_server.exchange")
_PROMISED = case((Operation.sender == REST, Operation.received_at))
Beat = Callable[[], float]
"""Seconds of a clock that is never set."""


class _Shown(NamedTuple):
    """A line whose resources are to be shown, under the number that brought this about."""

    sequence: int
    promised_at: int | None
    """Its own time, where an answer has named it already."""
    device_id: str
    line: bytes


def settle(session: Session, facility_code: str, now: int, *, most: int | None = None) -> bool:
    """Indexes what waits, at most `most` operations, inside the caller's write transaction; True
    when nothing is left."""
    facility = lock_facility(session, facility_code)
    if facility.indexed_sequence >= facility.operation_sequence:
        return True
    shown = aliased(Operation)
    query = (
        select(Operation.sequence, _PROMISED, shown.device_id, shown.line)
        .join(
            shown,
            and_(
                shown.facility_code == Operation.facility_code,
                shown.sequence == Operation.shown_sequence,
            ),
        )
        .where(
            Operation.facility_code == facility_code,
            Operation.sequence > facility.indexed_sequence,
        )
        .order_by(Operation.sequence)
    )
    rows = [_Shown(*row) for row in session.execute(query.limit(most) if most else query)]
    caller = Caller("", facility.code, facility.name)
    _write_all(session, facility, caller, rows, now)
    whole = most is None or len(rows) < most
    facility.indexed_sequence = facility.operation_sequence if whole else rows[-1].sequence
    session.flush()
    session.expunge_all()
    return whole


def catch_up(database: Database, clock: Clock, facility_code: str | None = None) -> None:
    """Returns when everything that was taken before the call can be read (None: everywhere). In
    portions, so that a long way to go holds nobody up."""
    _follow(database, clock, _behind(database, facility_code))


def catch_up_with(database: Database, clock: Clock, facility_codes: Collection[str]) -> bool:
    """The same for several facilities; True when there was something to follow. Those with nothing
    cost one question together."""
    if not facility_codes:
        return False
    behind = Facility.indexed_sequence < Facility.operation_sequence
    with database.read(EVERY_FACILITY) as session:
        query = select(Facility.code).where(behind, Facility.code.in_(facility_codes))
        codes = sorted(session.scalars(query))
    _follow(database, clock, codes)
    return bool(codes)


def _follow(database: Database, clock: Clock, codes: Iterable[str]) -> None:
    for code in codes:
        while not _portion(database, clock, code):
            pass


def _behind(database: Database, facility_code: str | None = None) -> list[str]:
    query = select(Facility.code).where(Facility.indexed_sequence < Facility.operation_sequence)
    if facility_code is not None:
        query = query.where(Facility.code == facility_code)
    with database.read(facility_code or EVERY_FACILITY) as session:
        return list(session.scalars(query))


def _portion(database: Database, clock: Clock, code: str) -> bool:
    with database.write(code) as session:
        return settle(session, code, clock(), most=AT_ONCE)


def _write_all(
    session: Session, facility: Facility, caller: Caller, rows: Sequence[_Shown], now: int
) -> None:
    """All at once; if that fails, one after another, so that one cannot hold the others up."""
    try:
        with session.begin_nested():
            _write(session, caller, rows, now)
            return
    except Exception as error:  # noqa: BLE001 -- which line it was is found out below
        _raise_if_passing(error)
        session.refresh(facility)
    for row in rows:
        try:
            with session.begin_nested():
                _write(session, caller, [row], now)
        except Exception as error:  # noqa: BLE001 -- a line that was taken must not block
            _raise_if_passing(error)
            session.refresh(facility)
            facility.skipped_operations += 1
            _log.error("operation %d was not indexed: %s", row.sequence, type(error).__name__)


def _raise_if_passing(error: Exception) -> None:
    """A full disk or a lost connection is nobody's content."""
    if isinstance(error, OSError | MemoryError) or (
        isinstance(error, DBAPIError) and not isinstance(error, IntegrityError | BadData)
    ):
        raise error


def _write(session: Session, caller: Caller, rows: Sequence[_Shown], now: int) -> None:
    writer = Writer(session, caller, now)
    units = [(row, wire.reread(unpack_line(row.line))) for row in rows]
    writer.prefetch(
        (resource["resourceType"], resource["id"])
        for _, content in units
        for resource in content["resources"]
    )
    for row, content in units:
        writer.device_id, writer.promised_at = row.device_id, row.promised_at
        for resource in content["resources"]:
            if resource["resourceType"] in STORED_TYPES:
                writer.put(Checked(resource["resourceType"], resource, ()), resource["id"])
    writer.flush()
    for _, content in units:
        note_letter(session, caller.facility_code, content, now)


class Indexer:
    """Follows the log in a thread of its own, while no exchange is running if that is possible."""

    def __init__(self, database: Database, clock: Clock, beat: Beat = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._beat = beat
        self._changed = threading.Condition()
        self._waiting: dict[str, float] = {}
        """Facility → since when it waits."""
        self._running = 0
        self._last_end = beat()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        for code in _behind(self._database):
            self._waiting[code] = self._beat()
        self._thread = threading.Thread(target=self._run, name="indexer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the portion under way."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join()

    @contextmanager
    def exchange(self, facility_code: str) -> Iterator[None]:
        """Around an exchange: the index stays out of its way."""
        with self._changed:
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._last_end = self._beat()
                if facility_code not in self._waiting:
                    self._waiting[facility_code] = self._last_end
                    self._changed.notify_all()  # whom it knows it looks after by itself

    def _index(self, code: str) -> bool:
        """True when nothing is left."""
        behind = _behind(self._database, code)
        return not behind or _portion(self._database, self._clock, code)

    def _run(self) -> None:
        while True:
            code = self._next()
            if code is None:
                return
            try:
                done = self._index(code)
            except Exception as error:  # noqa: BLE001 -- the thread outlives a full disk
                _log.error("the index waits: %s", type(error).__name__)
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, _AFTER_A_FAULT_SECONDS)
                continue
            if done:
                with self._changed:
                    self._waiting.pop(code, None)

    def _next(self) -> str | None:
        """The facility that has waited longest, once it is its turn; None at the end."""
        with self._changed:
            while not self._stopping:
                pause = self._pause()
                if pause is not None and pause <= 0:
                    return min(self._waiting, key=lambda code: self._waiting[code])
                self._changed.wait(pause)
            return None

    def _pause(self) -> float | None:
        """Seconds until somebody's turn; None while nobody waits."""
        if not self._waiting:
            return None
        now = self._beat()
        oldest = min(self._waiting.values()) + _LONGEST_WAIT_SECONDS - now
        # Who exchanges now ends some time: not before that pause can it be quiet.
        quiet = _QUIET_SECONDS if self._running else self._last_end + _QUIET_SECONDS - now
        return min(oldest, quiet)
