"""The machine's own time and chance. Tests bring their own."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone

from station_emr.domain.ids import uuid7

# Vietnam keeps UTC+7 all year; a PC set to another zone must not print another hour.
VIETNAM = timezone(timedelta(hours=7))


class SystemClock:
    """Vietnamese wall time, operating-system randomness, UUIDv7 ids."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), VIETNAM)

    def random(self, count: int) -> bytes:
        return os.urandom(count)

    def new_id(self) -> str:
        return uuid7(time.time_ns() // 1_000_000, os.urandom(10))
