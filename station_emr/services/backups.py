"""Copies of the station on another disk, made on demand and remembered for the status line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from station_emr.domain.permissions import Action
from station_emr.domain.user import Actor

from .guards import allow
from .ports import Clock, Store

LAST_BACKUP = "backup.last_at"
LAST_PLACE = "backup.last_place"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCopy:
    """A copy that was opened and checked. ``place`` is the folder it lies in."""

    place: str
    size: int  # bytes
    at: datetime


class BackupShelf(Protocol):
    """Where copies are put: a folder with everything a station needs to be opened again."""

    def write(self, folder: str, name: str) -> tuple[str, int]:
        """Make ``folder/name`` and give its path and size in bytes. Raises EnvironmentFailure with
        nothing left behind.
        """


class Backups:
    def __init__(self, store: Store, clock: Clock, shelf: BackupShelf) -> None:
        self._store = store
        self._clock = clock
        self._shelf = shelf

    def make(self, actor: Actor, folder: str) -> BackupCopy:
        """Copy the station, still encrypted, into a new folder inside ``folder``."""
        allow(actor, Action.BACKUP)
        now = self._clock.now()
        with self._store.read() as work:
            code = work.settings.station().code
        place, size = self._shelf.write(folder, f"tram-{code}-{now:%Y%m%d-%H%M%S}")
        with self._store.write() as work:
            work.settings.put(LAST_BACKUP, now.isoformat())
            work.settings.put(LAST_PLACE, place)
            work.audit.append(actor, "backup.make", now, detail={"size": str(size)})
        return BackupCopy(place=place, size=size, at=now)

    def last(self) -> tuple[datetime, str] | None:
        """When and where the last copy was made, None before the first."""
        with self._store.read() as work:
            at, place = work.settings.get(LAST_BACKUP), work.settings.get(LAST_PLACE)
        return (datetime.fromisoformat(at), place or "") if at else None
