"""Who called a moment ago, so that a device that writes visit after visit is not looked up for each.

Nobody is let in by this: whoever is remembered is looked up once more in the transaction that writes,
or before anything else is done for it (`Caller.remembered_by`). So a revocation bites at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from provincial_server.auth import Caller, hash_secret

_SECONDS = 20.0
_MOST = 4096


class Remembered:
    """Of one process, on the thread of its requests."""

    def __init__(self, beat: Callable[[], float] = time.monotonic) -> None:
        self._beat = beat
        self._known: dict[bytes, tuple[float, Caller]] = {}

    def get(self, token: str) -> Caller | None:
        """As it was found not long ago."""
        known = self._known.get(hash_secret(token))
        if known is None or self._beat() > known[0]:
            return None
        return known[1]

    def note(self, token: str, caller: Caller) -> None:
        """It has just been found."""
        if len(self._known) >= _MOST:
            self._known.clear()
        hashed = hash_secret(token)
        until = self._beat() + _SECONDS
        self._known[hashed] = (until, replace(caller, remembered_by=hashed))

    def forget(self, caller: Caller) -> None:
        """It may no longer do anything."""
        self._known.pop(caller.remembered_by, None)
