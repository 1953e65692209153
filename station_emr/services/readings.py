"""Who looked at which record: a line in the audit chain for every look, without flooding it."""

from __future__ import annotations

import contextlib

from station_emr.domain.errors import DiskFull
from station_emr.domain.record import RecordKind
from station_emr.domain.user import Actor

from .ports import Clock, Store


class Readings:
    """Logs the first look of a person at a record in each hour.

    A screen reads the same record many times while somebody works on it; once an hour says all
    that an inspection needs. Every change is logged by its own command besides.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._hour = ""
        self._seen: set[tuple[str, str, str]] = set()

    def note(self, actor: Actor, kind: RecordKind, record_id: str, patient_id: str) -> None:
        """Log the look, unless this person's look at this record is in the log of this hour."""
        now = self._clock.now()
        look = (actor.user.id, kind.value, record_id)
        hour = f"{now:%Y%m%d%H}"
        if hour != self._hour:
            self._hour, self._seen = hour, set()
        if look in self._seen:  # two threads at once log it twice, which harms nobody
            return
        self._seen.add(look)
        # On a full disk care goes before the log: the record can still be read.
        with contextlib.suppress(DiskFull), self._store.write() as work:
            work.audit.append(
                actor,
                f"{kind}.view",
                now,
                kind=kind,
                record_id=record_id,
                patient_id=patient_id,
            )
