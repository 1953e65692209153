"""How much of a page one transaction takes in: so little that a nurse's own write never waits long."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

BREATH: Final = 0.003
"""Seconds between two portions: who waits for the lock gets it, instead of whoever just had it."""
_SECONDS: Final = 0.08
_FIRST: Final = 32 * 1024
_LEAST: Final = 8 * 1024
_MOST: Final = 1024 * 1024
_GROWTH: Final = 3


class Portions:
    """Remembers, as long as the program runs, what this machine writes in a moment."""

    def __init__(self) -> None:
        self._size = _FIRST

    def next(self, lines: deque[bytes]) -> list[bytes]:
        """Take the next portion away from ``lines``: one line at least, if there is any."""
        taken: list[bytes] = []
        size = 0
        while lines and (not taken or size + len(lines[0]) <= self._size):
            taken.append(lines.popleft())
            size += len(taken[-1])
        return taken

    def took(self, lines: Iterable[bytes], seconds: float) -> None:
        """What writing these lines taught. Few bytes say little."""
        size = sum(map(len, lines))
        if size < _LEAST:
            return
        fits = int(size / max(seconds, 0.001) * _SECONDS)
        self._size = max(_LEAST, min(_MOST, fits, self._size * _GROWTH))
