"""The machine's own time and chance. Tests bring their own."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

from station_emr.domain.ids import uuid7


class SystemClock:
    """Local wall time with its offset, operating-system randomness, UUIDv7 ids."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC).astimezone()

    def random(self, count: int) -> bytes:
        return os.urandom(count)

    def new_id(self) -> str:
        return uuid7(time.time_ns() // 1_000_000, os.urandom(10))
