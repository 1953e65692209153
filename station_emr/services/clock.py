"""The machine's own time and chance. Tests bring their own."""

from __future__ import annotations

import itertools
import os
import time
from datetime import datetime, timedelta, timezone

from station_emr.domain.ids import uuid7

# Vietnam keeps UTC+7 all year; a PC set to another zone must not print another hour.
VIETNAM = timezone(timedelta(hours=7))


class SystemClock:
    """Vietnamese wall time, operating-system randomness, UUIDv7 ids.

    Ids made by one process follow one another even when the clock is set back meanwhile. That is a
    kindness to indexes only: nothing is ever ordered by an id.
    """

    def __init__(self) -> None:
        self._latest_ms = 0
        self._made = itertools.count()

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), VIETNAM)

    def random(self, count: int) -> bytes:
        return os.urandom(count)

    def new_id(self) -> str:
        self._latest_ms = max(self._latest_ms, time.time_ns() // 1_000_000)
        # 4 bytes of counting, which is atomic between threads, then 6 of chance; the two bits that
        # RFC 9562 sets for itself fall into the counter's, so it is laid around them.
        counted = next(self._made) & 0x3FFFFFFF
        high, low = counted >> 18, counted & 0x3FFFF
        # Of the ten bytes uuid7 keeps: 12 bits after the version, 62 after the variant.
        value = high << 64 | low << 44 | int.from_bytes(os.urandom(6), "big") >> 4
        return uuid7(self._latest_ms, value.to_bytes(10, "big"))
