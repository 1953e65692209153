"""Work off the GUI thread: one thread owns the database, a small pool does the rest.

Threading rule: ``run`` and every callback belong to the GUI thread; ``work`` runs elsewhere and
touches no widget. A callback whose owner is gone is dropped. An error always arrives: an expected
one at ``failed`` or ``default_failed``, a bug at ``problems``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal, Slot

from station_emr.domain.errors import StationError
from station_emr.ui.tasks.collector import GuiCollector
from station_emr.ui.tasks.problems import ProblemSink

T = TypeVar("T")
Failed = Callable[[StationError], None]

_POOL_SIZE: Final = 2


class Lane(Enum):
    """Which thread does the work."""

    DATABASE = "database"
    POOL = "pool"


class Cancelled(Exception):
    """Raised inside long work by :meth:`Progress.check` after Cancel."""


class Task:
    """One piece of work on its way. ``cancel`` drops its callbacks and stops it if not begun."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._future: Future[None] | None = None
        self.finished = False

    def cancel(self) -> None:
        self._cancelled.set()
        if self._future is not None:
            self._future.cancel()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()


class Progress:
    """Given to long work: ``report(done, total, text)`` and ``check()``, which ends cancelled work."""

    def __init__(self, task: Task, tell: Callable[[int, int, str], None]) -> None:
        self._task = task
        self._tell = tell

    def report(self, done: int, total: int, text: str = "") -> None:
        self.check()
        self._tell(done, total, text)

    def check(self) -> None:
        if self._task.cancelled:
            raise Cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ends(Generic[T]):
    """Whom to tell, on the GUI thread."""

    done: Callable[[T], None] | None
    failed: Failed | None
    finally_: Callable[[], None] | None
    owner: QObject | None

    def call(self, task: Task, call: Callable[[], None]) -> None:
        alive = self.owner is None or shiboken6.isValid(self.owner)
        if alive and not task.cancelled:
            call()

    def succeed(self, result: T) -> None:
        if self.done is not None:
            self.done(result)


class TaskRunner(QObject):
    """Runs work and brings its result back to the GUI thread.

    ``busy_changed(count)`` follows the number of pieces of work on their way.
    """

    busy_changed = Signal(int)
    _arrived = Signal(object)

    def __init__(
        self,
        *,
        problems: ProblemSink | None = None,
        default_failed: Failed | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.problems = problems if problems is not None else ProblemSink()
        self.default_failed = default_failed
        self._lanes = {
            Lane.DATABASE: ThreadPoolExecutor(1, thread_name_prefix="database"),
            Lane.POOL: ThreadPoolExecutor(_POOL_SIZE, thread_name_prefix="work"),
        }
        self._latest: dict[str, Task] = {}
        self._open: set[Task] = set()
        self._closed = False
        self._collector = GuiCollector(self)
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    # -- starting ------------------------------------------------------------------------------

    def run(
        self,
        work: Callable[[], T],
        *,
        done: Callable[[T], None] | None = None,
        failed: Failed | None = None,
        finally_: Callable[[], None] | None = None,
        owner: QObject | None = None,
        lane: Lane = Lane.DATABASE,
        latest: str | None = None,
    ) -> Task:
        """Run ``work`` in its lane and call ``done`` with the result.

        ``owner``: when it is destroyed, the callbacks are dropped (the work itself is not undone).
        ``latest``: a key; an older piece of work under the same key is dropped, as in a search.
        ``finally_`` is called after either callback, not when dropped.
        """
        ends = _Ends(done=done, failed=failed, finally_=finally_, owner=owner)
        return self._start(lambda _task: work(), ends, lane, latest)

    def run_long(
        self,
        work: Callable[[Progress], T],
        *,
        done: Callable[[T], None] | None = None,
        failed: Failed | None = None,
        progress: Callable[[int, int, str], None] | None = None,
        finally_: Callable[[], None] | None = None,
        owner: QObject | None = None,
        lane: Lane = Lane.POOL,
        latest: str | None = None,
    ) -> Task:
        """Like :meth:`run` for work that reports ``progress(done, total, text)`` and can be cancelled."""

        ends = _Ends(done=done, failed=failed, finally_=finally_, owner=owner)

        def with_progress(task: Task) -> T:
            def tell(count: int, total: int, text: str) -> None:
                if progress is not None:
                    self._post(lambda: ends.call(task, lambda: progress(count, total, text)))

            return work(Progress(task, tell))

        return self._start(with_progress, ends, lane, latest)

    def _start(
        self, work: Callable[[Task], T], ends: _Ends[T], lane: Lane, latest: str | None
    ) -> Task:
        task = Task()
        if self._closed:
            task.cancel()
            return task
        if latest is not None:
            older = self._latest.get(latest)
            if older is not None:
                older.cancel()
            self._latest[latest] = task
        self._open.add(task)
        self.busy_changed.emit(len(self._open))
        future = self._lanes[lane].submit(self._work, task, work, ends)
        task._future = future  # noqa: SLF001 - the runner owns its tasks
        future.add_done_callback(
            lambda ended: self._post(lambda: self._close_task(task)) if ended.cancelled() else None
        )
        return task

    def _work(self, task: Task, work: Callable[[Task], T], ends: _Ends[T]) -> None:
        """The part that runs in the lane's thread."""
        if task.cancelled:
            self._post(lambda: self._close_task(task))
            return
        try:
            result = work(task)
        except Cancelled:
            self._post(lambda: self._close_task(task))
        except StationError as error:
            caught = error
            self._post(lambda: self._end(task, ends, lambda: self._fail(ends, caught)))
        except BaseException as error:  # noqa: BLE001 - nothing may vanish in a thread
            bug = error
            self._post(lambda: self._end_with_bug(task, ends, bug))
        else:
            self._post(lambda: self._end(task, ends, lambda: ends.succeed(result)))

    # -- delivering, on the GUI thread ---------------------------------------------------------

    def _post(self, call: Callable[[], None]) -> None:
        if shiboken6.isValid(self):
            self._arrived.emit(call)

    @Slot(object)
    def _deliver(self, call: Callable[[], None]) -> None:
        call()

    def _end(self, task: Task, ends: _Ends[T], call: Callable[[], None]) -> None:
        self._close_task(task)
        try:
            ends.call(task, call)
        finally:
            if ends.finally_ is not None:
                ends.call(task, ends.finally_)

    def _end_with_bug(self, task: Task, ends: _Ends[T], bug: BaseException) -> None:
        """A bug is reported even when nobody waits for the result any more."""
        self.problems.report(bug)
        self._end(task, ends, lambda: None)

    def _fail(self, ends: _Ends[T], error: StationError) -> None:
        handler = ends.failed or self.default_failed
        if handler is None:
            self.problems.report(error)
        else:
            handler(error)

    def _close_task(self, task: Task) -> None:
        task.finished = True
        if task in self._open:
            self._open.discard(task)
            self._latest = {key: t for key, t in self._latest.items() if t is not task}
            self.busy_changed.emit(len(self._open))

    def settle(self, is_working: Callable[[], bool] = lambda: False) -> None:
        """Everything the program needs is loaded; see :meth:`GuiCollector.settle`, and for
        ``is_working`` :meth:`GuiCollector.put_off_while`.
        """
        self._collector.settle()
        self._collector.put_off_while(is_working)

    # -- ending --------------------------------------------------------------------------------

    @property
    def busy(self) -> int:
        return len(self._open)

    def close(self) -> None:
        """Finish what the database has begun or queued, drop the rest, and take no more."""
        self._closed = True
        self._lanes[Lane.POOL].shutdown(wait=False, cancel_futures=True)
        for task in self._open:
            if task.finished:
                task.cancel()
        self._lanes[Lane.DATABASE].shutdown(wait=True)
        self._collector.close()
