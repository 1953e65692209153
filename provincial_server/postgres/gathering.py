"""Writes of several facilities in one transaction of PostgreSQL: one wait for the disk, and two ways
there and back, for all who came meanwhile; one way where everything stands as they expect.

The wall stands as ever: before the statements of each the transaction says for whom it works from now
on. Facilities are taken in the order of their codes and only where nobody holds them, so that two
such transactions never wait for one another and nobody's long exchange holds the others up. Whoever
cannot be done together is told so (`Alone`), and goes alone on a thread of his own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Generic, Protocol, TypeVar, cast

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from provincial_server import ready
from provincial_server.group_commit import Job, Queue
from provincial_server.postgres import wall
from provincial_server.postgres.line import Line

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)
Answers = Sequence[list[Any]]


class Alone(Exception):
    """Nothing was written: this has to go alone."""


class Errand(Protocol[_T_co]):
    """One write to one facility, in two steps."""

    @property
    def facility(self) -> str: ...

    @property
    def questions(self) -> Sequence[ready.Question]:
        """The first takes the facility's lock without waiting for it."""

    def write(self, session: Session, answers: Answers) -> _T_co:
        """Raises only before it says anything; says nothing that it needs an answer to."""

    def guess(self) -> ready.Question | None:
        """One statement that does it all where things stand as expected and then has a row; where
        they do not it does nothing. None where nothing is expected."""

    def guessed(self) -> _T_co:
        """What `write` would have returned."""


class Gathering(Queue, Generic[_T]):
    """Threads share it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(nullcontext())
        self._engine = engine
        self._line: Line | None = None
        self.standing: dict[str, Any] = {}
        """Facility → how it stood after its last write here, as its errands know it. Only who leads
        looks at it."""

    def run(self, errand: Errand[_T]) -> _T:
        """What its `write` returned, once it is on the disk; `Alone` where it was not done."""
        result: _T = self._await(errand)
        return result

    def _do(self, jobs: list[Job]) -> None:
        mine: dict[str, Job] = {}
        for job in jobs:
            if mine.setdefault(job.work.facility, job) is not job:
                job.end(None, Alone())  # its device's neighbour came at the same moment
        try:
            ends = self._do_together([mine[code] for code in sorted(mine)])
        except Exception as error:  # noqa: BLE001 -- whose fault it was is found out alone
            # The message may quote a patient: only its kind is told.
            _log.warning("a shared commit was undone, each goes alone: %s", type(error).__name__)
            for job in mine.values():
                if not job.is_done:
                    job.end(None, Alone())
        else:
            for job, result, fault in ends:
                job.end(result, fault)

    def _do_together(self, jobs: Sequence[Job]) -> list[tuple[Job, Any, Exception | None]]:
        """The ends of those that have none yet."""
        guesses = [(job, job.work.guess()) for job in jobs]
        if not all(question for _, question in guesses):
            return self._ask_and_write(jobs)
        with self._transaction() as session:
            said = [one for job, question in guesses for one in (_introduced(job), question)]
            answers = ready.ask_all(session, said, is_all=True)
        left = []
        for job, rows in zip(jobs, answers[1::2], strict=True):
            if rows:
                job.end(job.work.guessed(), None)
            else:
                left.append(job)
        return self._ask_and_write(left) if left else []

    def _ask_and_write(self, jobs: Sequence[Job]) -> list[tuple[Job, Any, Exception | None]]:
        with self._transaction() as session:
            answers = iter(ready.ask_all(session, list(_asked(jobs))))
            ends: list[tuple[Job, Any, Exception | None]] = []
            with ready.together(session):
                for job in jobs:
                    next(answers)  # of the introduction
                    own = [next(answers) for _ in job.work.questions]
                    if len(jobs) > 1:
                        ready.change(session, *_introduced(job))
                    ends.append(_end(session, job, own))
                ready.end(session)
        return ends

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        """Ended by what is said inside; any exception ends the line, and with it what was not."""
        if self._line is not None and not self._line.is_silent():
            self.close()
        if self._line is None:
            self._line = _opened(self._engine)
        try:
            yield cast("Session", _Bare(self._line, self._engine.dialect))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """The next who comes opens another line."""
        line, self._line = self._line, None
        if line is not None:
            line.close()


def _opened(engine: Engine) -> Line:
    pooled = ready.connection_of(engine)
    connection: Any = pooled.dbapi_connection
    pooled.detach()  # the pool opens another in its place when it needs one
    try:
        return Line(connection)
    except BaseException:
        connection.close()
        raise


class _Bare:
    """What the statements that stand ready need of a session, which would cost more than they do."""

    def __init__(self, connection: Any, dialect: Any) -> None:
        self.info = ready.on(self, connection, dialect)

    def get_transaction(self) -> _Bare:
        return self

    def flush(self) -> None:
        """Nothing waits."""


def _asked(jobs: Sequence[Job]) -> Any:
    for job in jobs:
        yield _introduced(job)
        yield from job.work.questions


def _introduced(job: Job) -> ready.Question:
    return wall.introduction(job.work.facility)


def _end(session: Session, job: Job, answers: Answers) -> tuple[Job, Any, Exception | None]:
    try:
        return job, job.work.write(session, answers), None
    except Alone as fault:
        return job, None, fault
