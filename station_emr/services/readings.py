"""Who looked at which record: a line in the audit chain for every look, without flooding it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakKeyDictionary

from station_emr.domain.errors import DiskFull
from station_emr.domain.user import Actor

from .ports import Clock, Store

ONE_LOOK: Final = timedelta(minutes=5)
"""A screen reads the same record many times while somebody works on it. Within this time it is one
look; who comes back later looks again."""
_MOST_REMEMBERED: Final = 4000


@dataclass(frozen=True, slots=True)
class _Look:
    actor: Actor
    action: str
    kind: str
    record_id: str
    patient_id: str
    at: datetime


@dataclass(slots=True)
class _Memory:
    """What one open database has seen lately, and what a full disk would not take."""

    looks: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    unwritten: list[_Look] = field(default_factory=list)


# Several use cases show the same record; it is one look for all of them.
_memories: WeakKeyDictionary[Store, _Memory] = WeakKeyDictionary()


class Readings:
    """Logs a person's look at a record, once for as long as it is one look."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._memory = _memories.setdefault(store, _Memory())

    def note(
        self,
        actor: Actor,
        kind: str,
        record_id: str,
        patient_id: str,
        *,
        action: str = "",
        once_in: timedelta = ONE_LOOK,
    ) -> None:
        """Log the look, unless it is a part of one that is in the log. ``action`` is ``<kind>.view``
        unless it is named.
        """
        now = self._clock.now()
        look = _Look(actor, action or f"{kind}.view", str(kind), record_id, patient_id, now)
        if not self._is_new(look, once_in):
            return
        memory = self._memory
        # On a full disk care goes before the log: the record can still be read, and the line is
        # written when there is room again.
        memory.unwritten.append(look)
        waiting, memory.unwritten = memory.unwritten, []
        try:
            with self._store.write() as work:
                for one in waiting:
                    late = {} if one is look else {"seen_at": f"{one.at:%d/%m/%Y %H:%M:%S}"}
                    work.audit.append(
                        one.actor,
                        one.action,
                        now,
                        kind=one.kind,
                        record_id=one.record_id,
                        patient_id=one.patient_id,
                        detail=late,
                    )
        except DiskFull:
            memory.unwritten = [*waiting, *memory.unwritten][:_MOST_REMEMBERED]

    def _is_new(self, look: _Look, once_in: timedelta) -> bool:
        """Two threads at once may both hear yes: it is logged twice then, which harms nobody."""
        looks = self._memory.looks
        key = (look.actor.user.id, look.action, look.record_id)
        last = looks.get(key)
        if last is not None and timedelta() <= look.at - last < once_in:
            return False
        if len(looks) >= _MOST_REMEMBERED:
            looks.clear()
        looks[key] = look.at
        return True
