"""A clock that can be set to any moment of the made-up year."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from station_emr.domain.ids import uuid7


class DemoClock:
    """Time moves only when told; ids and randomness come from a seed.

    ``now`` adds a millisecond at each call so that ids made one after another still sort.
    """

    def __init__(self, start: datetime, seed: int) -> None:
        self._now = start
        self._random = random.Random(seed)  # noqa: S311  synthetic data, not a secret

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def set(self, moment: datetime) -> None:
        self._now = moment

    def forward(self, **delta: int) -> None:
        self._now += timedelta(**delta)

    def random(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def new_id(self) -> str:
        return uuid7(int(self.now().timestamp() * 1000), self._random.randbytes(10))
