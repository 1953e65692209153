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
PROVINCE_KEY = "courier.province_key"
NOT_COMPARED = (
    "Dấu vân tay trong tệp là {shown}, không giống dấu đã so. Chưa có gì thay đổi. "
    "Hãy hỏi lại tỉnh: tệp có thể đã bị tráo."
)
_LONGEST_KEY = 100


class CourierRefused(UserError):
    """A file that changes nothing here. ``code`` is stable, for tests and logs: ``not-ours``,
    ``cut``, ``changed``, ``newer``, ``wrong-key``, ``unreadable``, ``wrong-kind``,
    ``other-facility``, ``other-device``, ``unknown-sender``, ``outdated``, ``not-ready``, ``too-many``.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierReport:
    """What an export put into the file, or what an import took from it.

    ``operations`` were written to, or came with, the file. Of an import: ``confirmed`` are those that the
    province says it has, ``acknowledged`` those of them that left the outbox just now, ``refused`` are
    in quarantine, ``applied`` are new here, ``conflicts`` need a person, ``unreadable`` are kept without
    being shown. ``created`` is by the writer's clock. ``waiting`` is what waits afterwards, ``more`` that
    the province has changes that did not fit, ``verified`` that both hold the same.
    """

    path: str
    number: int
    created: datetime
    size: int
    operations: int = 0
    acknowledged: int = 0
    confirmed: int = 0
    refused: int = 0
    applied: int = 0
    conflicts: int = 0
    unreadable: int = 0
    waiting: int = 0
    more: bool = False
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierKey:
    """The public half of this machine: ``encrypt`` is what a file for it is encrypted to,
    ``fingerprint`` tells its signature, in groups for reading aloud.
    """

    encrypt: str
    fingerprint: str


class CourierDesk(Protocol):
    """The adapter that knows the file's format and its keys. Every method raises CourierRefused
    having changed nothing, or EnvironmentFailure for disk and stick.
    """

    def export(self, path: str, at: datetime) -> CourierReport:
        """Write everything the province does not hold; acknowledges nothing. ``path`` is a file or
        a folder.
        """

    def import_reply(self, path: str, at: datetime) -> CourierReport:
        """Take in the province's answer."""

    def export_snapshot(self, path: str, recipient: str, at: datetime) -> CourierReport:
        """Write the whole record of the station for another PC of it."""

    def read_province_key(self, path: str) -> tuple[str, str]:
        """What to keep of a key file, and its fingerprint in groups."""

    def fingerprint_of(self, kept: str) -> str:
        """Of what was kept; empty when it is no key."""

    def own_key(self) -> CourierKey: ...


class Courier:
    """The use case for the screens and the command line."""

    def __init__(self, store: Store, clock: Clock, desk: CourierDesk) -> None:
        self._store = store
        self._clock = clock
        self._desk = desk

    def export(self, actor: Actor, path: str) -> CourierReport:
        """Put everything that waits into one encrypted file for the province."""
        allow(actor, Action.SYNC_RUN)
        report = self._desk.export(path, self._clock.now())
        self._note(actor, "courier.export", report, LAST_EXPORT)
        return report

    def import_reply(self, actor: Actor, path: str) -> CourierReport:
        """Take in the answer that came back from the province."""
        allow(actor, Action.SYNC_RUN)
        report = self._desk.import_reply(path, self._clock.now())
        self._note(actor, "courier.import", report, LAST_IMPORT)
        return report

    def export_snapshot(self, actor: Actor, path: str, recipient: str) -> CourierReport:
        """Put the whole record into one file that only the holder of that key can open: so it takes
        the right to read the record, not only to back it up.
        """
        for needed in (Action.BACKUP, Action.PATIENT_VIEW, Action.ENCOUNTER_VIEW):
            allow(actor, needed)
        # Before the file is there: nobody gets one by pulling the plug in time.
        with self._store.write() as work:
            detail = {"for_key": recipient.strip()[:_LONGEST_KEY]}
            work.audit.append(actor, "snapshot.begin", self._clock.now(), detail=detail)
        report = self._desk.export_snapshot(path, recipient.strip(), self._clock.now())
        self._note(actor, "snapshot.export", report)
        return report

    def last(self) -> tuple[datetime | None, datetime | None]:
        """When a file was last written, and when an answer was last taken in."""
        with self._store.read() as work:
            said = (work.settings.get(LAST_EXPORT), work.settings.get(LAST_IMPORT))
        exported, imported = (datetime.fromisoformat(text) if text else None for text in said)
        return exported, imported

    def own_key(self, actor: Actor) -> CourierKey:
        """What the province or a colleague needs to write a file for this machine."""
        allow(actor, Action.SYNC_VIEW)
        return self._desk.own_key()

    def province_fingerprint(self) -> str:
        """In groups, for comparing by telephone; empty while the province's key is not known."""
        with self._store.read() as work:
            kept = work.settings.get(PROVINCE_KEY) or ""
        return self._desk.fingerprint_of(kept) if kept else ""

    def read_province_key(self, path: str) -> str:
        """The fingerprint of a key file, to be compared before :meth:`trust`."""
        return self._desk.read_province_key(path)[1]

    def trust(self, actor: Actor, path: str, *, compared: str) -> str:
        """Believe the province of this key file from now on; gives its fingerprint, which must still
        be the one that was ``compared``.
        """
        allow(actor, Action.SETTINGS_EDIT)
        kept, shown = self._desk.read_province_key(path)
        if shown.replace(" ", "") != compared.replace(" ", "").lower():
            raise CourierRefused("unknown-sender", NOT_COMPARED.format(shown=shown))
        with self._store.write() as work:
            work.settings.put(PROVINCE_KEY, kept)
            work.audit.append(
                actor,
                "setting.update",
                self._clock.now(),
                detail={"key": PROVINCE_KEY, "fingerprint": shown},
            )
        return shown

    def _note(self, actor: Actor, action: str, report: CourierReport, key: str = "") -> None:
        now = self._clock.now()
        with self._store.write() as work:
            if key:
                work.settings.put(key, now.isoformat())
            detail = {
                "number": str(report.number),
                "operations": str(report.operations),
                "acknowledged": str(report.acknowledged),
            }
            work.audit.append(actor, action, now, detail=detail)
