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

from sqlalchemy import ColumnElement, and_, case, select, true, tuple_
from sqlalchemy.exc import DataError as BadData
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, aliased

from provincial_server import wire
from provincial_server.auth import Caller
from provincial_server.database import Database, lock_facility
from provincial_server.exchange.current import Record
from provincial_server.exchange.tables import REST, Operation, UnreadRecord, unpack_line
from provincial_server.exchange.unread import due, note_unread
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
_STANDING = aliased(Operation)
_STANDS = and_(
    _STANDING.facility_code == Operation.facility_code,
    _STANDING.sequence == Operation.shown_sequence,
)
_PROMISED = case((Operation.sender == REST, Operation.received_at))
Beat = Callable[[], float]
"""Seconds of a clock that is never set."""


class _Shown(NamedTuple):
    """A line whose resources are to be shown, under the number that brought this about."""

    sequence: int
    promised_at: int | None
    """Its own time, where an answer has named it already."""
    record: Record
    device_id: str
    line: bytes


def settle(session: Session, facility_code: str, now: int, *, most: int | None = None) -> bool:
    """Indexes what waits, at most `most` operations, inside the caller's write transaction; True
    when nothing is left."""
    facility = lock_facility(session, facility_code)
    if facility.indexed_sequence >= facility.operation_sequence:
        return True
    query = (
        select(
            Operation.sequence,
            _PROMISED,
            Operation.kind,
            Operation.record_id,
            _STANDING.device_id,
            _STANDING.line,
        )
        .join(_STANDING, _STANDS)
        .where(
            Operation.facility_code == facility_code,
            Operation.sequence > facility.indexed_sequence,
        )
        .order_by(Operation.sequence)
    )
    found = session.execute(query.limit(most) if most else query)
    rows = [
        _Shown(sequence, promised_at, (kind, record_id), device_id, line)
        for sequence, promised_at, kind, record_id, device_id, line in found
    ]
    _write_all(session, facility, rows, now)
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


def _write_all(session: Session, facility: Facility, rows: Sequence[_Shown], now: int) -> None:
    """All at once; if that fails, one after another, so that one cannot hold the others up. What
    cannot be read is noted, and what was noted before and can be read is so no longer."""
    unread = _write_each(session, facility, rows, now)
    if unread or facility.skipped_operations:
        last = {row.record: row.sequence for row in rows}
        note_unread(
            session,
            facility,
            {record: sequence for record, sequence in last.items() if sequence in unread},
            last.keys(),
            now,
        )


def _write_each(session: Session, facility: Facility, rows: Sequence[_Shown], now: int) -> set[int]:
    """The numbers of those that could not be read."""
    caller = Caller("", facility.code, facility.name)
    try:
        with session.begin_nested():
            _write(session, caller, rows, now)
            return set()
    except Exception as error:  # noqa: BLE001 -- which line it was is found out below
        _raise_if_passing(error)
        session.refresh(facility)
    unread: set[int] = set()
    for row in rows:
        try:
            with session.begin_nested():
                _write(session, caller, [row], now)
        except Exception as error:  # noqa: BLE001 -- a line that was taken must not block
            _raise_if_passing(error)
            session.refresh(facility)
            unread.add(row.sequence)
            _log.error("operation %d was not indexed: %s", row.sequence, type(error).__name__)
    return unread


def reread(database: Database, clock: Clock, code: str, *, only_due: bool = False) -> int:
    """Tries once more what could not be read of a facility (`only_due`: what this program has not tried
    lately), in portions; how many records can be read now."""
    read, after = 0, ("", "")
    while True:
        with database.write(code) as session:
            now = clock()
            facility = lock_facility(session, code)
            before = facility.skipped_operations
            rows = _unread_after(session, code, after, due(now) if only_due else true())
            if not rows:
                return read
            _write_all(session, facility, rows, now)
            session.flush()
            read += before - facility.skipped_operations
            after = rows[-1].record[::-1]


def _unread_after(
    session: Session, code: str, after: tuple[str, str], wanted: ColumnElement[bool]
) -> list[_Shown]:
    """Read anew they are found where everybody looks for what came last, so none keeps the time that
    an answer once promised."""
    found = session.execute(
        select(
            UnreadRecord.sequence,
            UnreadRecord.kind,
            UnreadRecord.record_id,
            _STANDING.device_id,
            _STANDING.line,
        )
        .join(
            Operation,
            and_(
                Operation.facility_code == UnreadRecord.facility_code,
                Operation.sequence == UnreadRecord.sequence,
            ),
        )
        .join(_STANDING, _STANDS)
        .where(
            UnreadRecord.facility_code == code,
            tuple_(UnreadRecord.record_id, UnreadRecord.kind) > after,
            wanted,
        )
        .order_by(UnreadRecord.record_id, UnreadRecord.kind)
        .limit(AT_ONCE)
    )
    return [
        _Shown(sequence, None, (kind, record_id), device_id, line)
        for sequence, kind, record_id, device_id, line in found
    ]


def reread_due(database: Database, clock: Clock) -> None:
    """After an update of this program, and once a day: what could not be read of anybody."""
    query = select(UnreadRecord.facility_code).where(due(clock())).distinct()
    with database.read(EVERY_FACILITY) as session:
        codes = sorted(session.scalars(query))
    for code in codes:
        reread(database, clock, code, only_due=True)


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
