"""Work that nobody waits for, once a minute in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

_EVERY_SECONDS = 60.0
_FIRST_SECONDS = 5.0
"""A server that has just started has stations to answer first."""
_log = logging.getLogger("provincial_server.chores")


class Chores:
    """Each is done in turn; a fault in one leaves the others and the next minute alone."""

    def __init__(
        self,
        chores: Sequence[Callable[[], object]],
        every: float = _EVERY_SECONDS,
        first: float = _FIRST_SECONDS,
    ) -> None:
        self._chores = chores
        self._every = every
        self._first = first
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends after the chore under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause = self._first
        while not self._stopping.wait(pause):
            for chore in self._chores:
                if self._stopping.is_set():
                    return
                try:
                    chore()
                except Exception as error:  # noqa: BLE001 -- the thread outlives a full disk
                    _log.error("a chore waits: %s", type(error).__name__)
            pause = self._every
