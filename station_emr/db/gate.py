"""Everybody may work in the file at once, except for the moment in which it is exchanged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Many inside, or one alone.

    Whoever wants to be alone waits for a lull first and keeps nobody out meanwhile: a long reader
    makes the exchange late, never the next person's save. Where there is never a lull, newcomers
    may be held back, for as short a time as the caller says.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._alone = False
        self._holding_back = False
        self._mine = threading.local()

    @contextmanager
    def shared(self) -> Iterator[None]:
        depth = getattr(self._mine, "depth", 0)
        with self._changed:
            # Who is inside already must get through, or nobody would ever leave.
            while self._alone or (self._holding_back and not depth):
                self._changed.wait()
            self._inside += 1
        self._mine.depth = depth + 1
        try:
            yield
        finally:
            self._mine.depth = depth
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def take(self, seconds: float, *, hold_back: bool = False) -> bool:
        """Be alone inside; False when that was not possible within ``seconds``."""
        with self._changed:
            self._holding_back = hold_back
            free = self._changed.wait_for(lambda: not self._inside and not self._alone, seconds)
            self._holding_back = False
            self._alone = self._alone or free
            self._changed.notify_all()
            return free

    def give_back(self) -> None:
        with self._changed:
            self._alone = False
            self._changed.notify_all()
