"""Sending by hand: what waits goes onto a stick, the province's answer comes back on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from station_emr.domain.errors import UserError
from station_emr.domain.permissions import Action
from station_emr.domain.user import Actor

from .guards import allow
from .ports import Clock, Store

LAST_EXPORT = "courier.last_export_at"
LAST_IMPORT = "courier.last_import_at"


class CourierRefused(UserError):
    """A file that changes nothing here. ``code`` is stable, for tests and logs: ``not-ours``,
    ``cut``, ``changed``, ``newer``, ``wrong-key``, ``unreadable``, ``other-facility``,
    ``other-device``, ``unknown-sender``, ``revoked``, ``wrong-kind``, ``not-ready``.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierReport:
    """What an export put into the file, or what an import took from it.

    ``operations`` were written to, or arrived with, the file. Of an import: ``acknowledged`` leave
    the outbox, ``refused`` are in quarantine, ``conflicts`` need a person, ``unreadable`` are kept
    without being shown. ``waiting`` is what still waits afterwards, ``more`` that the province has
    changes that did not fit.
    """

    path: str
    number: int
    created: datetime
    size: int
    operations: int = 0
    acknowledged: int = 0
    refused: int = 0
    applied: int = 0
    conflicts: int = 0
    unreadable: int = 0
    waiting: int = 0
    more: bool = False


class CourierDesk(Protocol):
    """The adapter that knows the file's format and its keys."""

    def export(self, path: str, at: datetime) -> CourierReport:
        """Write everything the province does not hold; acknowledges nothing. ``path`` is a file or
        a folder. Raises CourierRefused, EnvironmentFailure.
        """

    def import_reply(self, path: str, at: datetime) -> CourierReport:
        """Take in the province's answer, whole or not at all."""


class Courier:
    """The use case for the screens and the command line."""

    def __init__(self, store: Store, clock: Clock, desk: CourierDesk) -> None:
        self._store = store
        self._clock = clock
        self._desk = desk

    def export(self, actor: Actor, path: str) -> CourierReport:
        """Put everything that waits into one encrypted file for the province."""
        allow(actor, Action.SYNC_RUN)
        now = self._clock.now()
        report = self._desk.export(path, now)
        self._note(actor, "courier.export", LAST_EXPORT, report)
        return report

    def import_reply(self, actor: Actor, path: str) -> CourierReport:
        """Take in the answer that came back from the province."""
        allow(actor, Action.SYNC_RUN)
        now = self._clock.now()
        report = self._desk.import_reply(path, now)
        self._note(actor, "courier.import", LAST_IMPORT, report)
        return report

    def last(self) -> tuple[datetime | None, datetime | None]:
        """When a file was last written, and when an answer was last taken in."""
        with self._store.read() as work:
            said = (work.settings.get(LAST_EXPORT), work.settings.get(LAST_IMPORT))
        exported, imported = (datetime.fromisoformat(text) if text else None for text in said)
        return exported, imported

    def _note(self, actor: Actor, action: str, key: str, report: CourierReport) -> None:
        now = self._clock.now()
        with self._store.write() as work:
            work.settings.put(key, now.isoformat())
            detail = {
                "number": str(report.number),
                "operations": str(report.operations),
                "acknowledged": str(report.acknowledged),
            }
            work.audit.append(actor, action, now, detail=detail)
