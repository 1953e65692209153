"""Writes that wait for their turn share one transaction, and so one wait for the disk.

SQLite has one writer, and each commit waits until the disk has it. Whoever comes while another commits
joins a queue; the first of the queue then does the work of all who wait, each behind a savepoint of
its own: one that fails goes back to its savepoint and gets its own fault, the others notice nothing.
Nobody gets an answer before the common commit is on the disk.

What can spoil the common transaction itself (a full disk, no memory) undoes it; then each is done
again alone, so that nobody pays for another.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from provincial_server import ready

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
_MOST = 32
"""Writes in one transaction: nobody else waits longer for the turn than for these."""
_SAVEPOINT, _BACK, _RELEASE = text("SAVEPOINT own"), text("ROLLBACK TO own"), text("RELEASE own")
Work = Callable[[Session], _T]


class Job:
    """One caller's write. `woken` is released once, when it is done or has to lead."""

    def __init__(self, work: Any) -> None:
        self.work = work
        self.woken = threading.Lock()
        self.woken.acquire()
        self.is_done = False
        self.result: Any = None
        self.error: Exception | None = None

    def end(self, result: Any, error: Exception | None) -> None:
        self.result, self.error, self.is_done = result, error, True


class Queue:
    """Those who wait; the first of them does the work of all. Threads share it."""

    def __init__(self, turn: AbstractContextManager[Any]) -> None:
        """`turn` is the right to write."""
        self._turn = turn
        self._mutex = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._has_leader = False

    def _await(self, work: Any) -> Any:
        """What became of it; raises its fault."""
        job = Job(work)
        with self._mutex:
            self._waiting.append(job)
            leads, self._has_leader = not self._has_leader, True
        if not leads:
            job.woken.acquire()
        if not job.is_done:
            self._lead(job)
        if job.error is not None:
            raise job.error
        return job.result

    def _lead(self, own: Job) -> None:
        jobs = [own]
        try:
            with self._turn:
                with self._mutex:  # `own` is the first: a leader is the one who waits longest
                    jobs = [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]
                self._do(jobs)
        finally:
            self._dismiss(own, jobs)

    def _dismiss(self, own: Job, jobs: list[Job]) -> None:
        with self._mutex:
            self._has_leader = bool(self._waiting)
            following = self._waiting[0] if self._waiting else None
        if following is not None:
            following.woken.release()
        for job in jobs:
            if not job.is_done:  # the leader was broken off
                job.end(None, RuntimeError("the write was broken off"))
            if job is not own:
                job.woken.release()

    def _do(self, jobs: list[Job]) -> None:
        """Ends each of them."""
        raise NotImplementedError


class GroupCommit(Queue):
    """Work may be done twice, the first time undone, so it must leave nothing behind but what it
    writes and returns."""

    def __init__(
        self,
        turn: AbstractContextManager[Any],
        transaction: Callable[[], AbstractContextManager[Session]],
    ) -> None:
        """`transaction` commits at its end."""
        super().__init__(turn)
        self._transaction = transaction

    def run(self, work: Work[_T]) -> _T:
        """What `work` returned, once it is on the disk; its fault, once it is undone."""
        result: _T = self._await(work)
        return result

    def _do(self, jobs: list[Job]) -> None:
        if len(jobs) > 1:
            try:
                self._do_together(jobs)
            except Exception as error:  # noqa: BLE001 -- whose fault it was is found out below
                # The message may quote a patient: only its kind is told.
                _log.warning(
                    "a shared commit was undone, each goes alone: %s", type(error).__name__
                )
            else:
                return
        for job in jobs:
            try:
                with self._transaction() as session:
                    result = job.work(session)
            except Exception as error:  # noqa: BLE001 -- it belongs to the one who asked
                job.end(None, error)
            else:
                job.end(result, None)

    def _do_together(self, jobs: list[Job]) -> None:
        """Nothing is handed to anybody before the transaction has ended."""
        ends: list[tuple[Any, Exception | None]] = []
        with self._transaction() as session:
            for job in jobs:
                ends.append(_attempt(session, job.work))  # noqa: PERF401 -- it may break off
        for job, end in zip(jobs, ends, strict=True):
            job.end(*end)


def _attempt(session: Session, work: Work[Any]) -> tuple[Any, Exception | None]:
    """Raises what is not of this work alone."""
    ready.change(session, _SAVEPOINT, {})
    try:
        result = work(session)
        session.flush()
    except Exception as error:
        if not session.is_active or _spoils_all(error):
            raise
        session.expunge_all()
        ready.change(session, _BACK, {})
        ready.change(session, _RELEASE, {})
        return None, error
    session.expunge_all()
    ready.change(session, _RELEASE, {})
    return result, None


def _spoils_all(error: Exception) -> bool:
    return isinstance(error, OSError | MemoryError) or (
        isinstance(error, DBAPIError) and not isinstance(error, IntegrityError | DataError)
    )
