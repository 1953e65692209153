"""What the use cases and the engine need to know of what travels: the queue and the lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from station_emr.domain.operation import Tally, VersionNode
from station_emr.domain.outages import LineRun
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import LinkState, OutboxItem, SyncRun, UnitState

REFUSED_OPERATION: Final = "sync.refused."
"""With the id of an operation behind it, the setting that says that the province refused it."""
REFUSED: Final = "1"
NO_LONGER_REFUSED: Final = "0"
"""It is offered once more. Versions may have been sealed that pass over it."""
TAKEN_LATE: Final = "2"
"""It was taken after all, and what its record shows was considered anew."""
SEALED_ON_OTHERS: Final = "sync.sealed_on_others."
"""With the id of an operation behind it, the setting that says that the version of this machine whose line
it is was written on others than the line says."""


class Outbox(Protocol):
    def waiting(self, limit: int) -> tuple[OutboxItem, ...]:
        """In sending order: referrals with what they need, then the rest by age; one item per
        record, the latest version only.
        """

    def acknowledge(self, item: OutboxItem, etags: Mapping[str, str], at: datetime) -> None:
        """The server holds this version: drop events of the record up to ``item.seq`` only."""

    def quarantine(
        self, item: OutboxItem, reason: str, at: datetime, *, alone: bool = False
    ) -> None:
        """With what it covers: the record's earlier versions; not those where each of them is judged
        by itself (``alone``).
        """

    def release_quarantined(self) -> int: ...
    def release_record(self, kind: RecordKind, record_id: str) -> None: ...
    def count_attempt(self, items: Sequence[OutboxItem]) -> None: ...
    def quarantined(self) -> tuple[OutboxItem, ...]: ...
    def count(self, state: UnitState) -> int:
        """How many records have their newest event in this state."""

    def oldest_waiting_at(self, since: datetime | None = None) -> datetime | None:
        """Of what was written ``since`` then: a wrong clock may have written the year 2000."""

    def requeue_all(self) -> int:
        """Queue the current version of every signed record again (a restored server, a replay)."""

    def requeue_person(self, patient_id: str) -> int:
        """The same for one person's records and what they refer to."""

    def etags(self, record_id: str) -> Mapping[str, str]:
        """ETags the server gave for the resources of a record, keyed ``Type/id``."""

    def add_run(self, run: SyncRun) -> None: ...
    def runs(self, limit: int) -> tuple[SyncRun, ...]: ...
    def last_complete(self) -> SyncRun | None:
        """However many runs came after it."""

    def away_since(self) -> datetime | None:
        """The start of the unbroken row of runs, the newest in it, that found no line; None when
        the newest that says anything of the line did find it. Impossible clocks are passed over.
        """

    def line_runs(self) -> tuple[LineRun, ...]:
        """What every run says of the line, oldest first by number, whatever its clock said."""

    def operations(self, limit: int, today: date) -> tuple[OutboxItem, ...]:
        """Every waiting version (not only the newest of a record), in the order in which an
        exchange sends them: see docs/sync.md, "One run over the exchange", 1. ``op_id`` is empty
        while a version is not sealed. An item of version 0 is a kept line without a version here
        (see :meth:`queue_operation`): its line is sent as it is, and its kind says nothing.
        """

    def fresh_firsts(self, after: int, limit: int) -> tuple[OutboxItem, ...]:
        """First versions that wait and were written after version number ``after`` of all, as
        :meth:`operations` gives them before they are sealed.
        """

    def acknowledge_numbers(self, items: Sequence[OutboxItem], at: datetime) -> None:
        """The province holds exactly these versions: drop these events by their ``seq``."""

    def overtaken(self) -> tuple[OutboxItem, ...]:
        """Refused events whose author has written a later version, not built on them, that the
        province holds.
        """

    def drop(self, items: Sequence[OutboxItem]) -> None:
        """These need not go any more. Versions and lines stay."""

    def drop_versions(self, kind: RecordKind, record_id: str, versions: Sequence[int]) -> None: ...
    def queue_operation(self, op_id: str) -> None:
        """Offer a kept operation again (the server lost it)."""

    def last_number(self) -> int:
        """The highest ``seq`` ever given in this database."""

    def raise_number(self, at_least: int) -> None:
        """Give no ``seq`` up to ``at_least`` from here on."""

    def add_traffic(self, day: date, up: int, down: int) -> None:
        """Count bytes towards the daily budget."""

    def traffic_on(self, day: date) -> tuple[int, int]:
        """Bytes up and down on a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOperation:
    """A line with where it stands. ``version`` is the local version it wrote, 0 when it wrote none
    (parked, unreadable, or of a kind this program does not know).
    """

    op_id: str
    kind: str
    record_id: str
    version: int
    line: bytes
    held: bool


class OperationLog(Protocol):
    """The lines, byte for byte, and what the province is known to hold of them."""

    def op_id_of(self, kind: RecordKind, record_id: str, version: int) -> str:
        """Empty while the version is not sealed."""

    def node(self, kind: RecordKind, record_id: str, version: int) -> VersionNode:
        """Who wrote a version and on what, for sealing. Raises NotFound."""

    def line(self, op_id: str) -> bytes | None: ...
    def lines(self, op_ids: Iterable[str]) -> Mapping[str, bytes]:
        """Of those that are here."""

    def version_of(self, op_id: str) -> int | None:
        """The local version of a kept line; 0 for a line that wrote none, None for an operation
        whose line is not here.
        """

    def versions_of(self, op_ids: Sequence[str]) -> Mapping[str, int]:
        """The same of many; those that are not here are left out."""

    def keep(self, kept: KeptOperation) -> None:
        """Store a line; a second time moves ``held`` from False to True and gives its version to a
        line that had written none (it was parked, or could not be read).
        """

    def keep_all(self, kept: Sequence[KeptOperation]) -> None: ...
    def unsealed_firsts(
        self, kind: RecordKind, record_ids: Sequence[str]
    ) -> Mapping[str, tuple[VersionNode, Any]]:
        """Of these records, the first versions that were written here and are not sealed yet, each
        with its content; empty for kinds that keep their newest alone.
        """

    def knows(self, op_ids: Iterable[str]) -> frozenset[str]:
        """Those of which the line is here."""

    def set_held(self, op_ids: Iterable[str], *, held: bool = True) -> None: ...
    def accepted_late(self) -> tuple[tuple[str, RecordKind, str, int], ...]:
        """Operations with their records and versions that the province refused once and now holds, also
        those that were offered once more, until their setting says so.
        """

    def is_held(self, op_id: str) -> bool: ...
    def unsent(self) -> tuple[str, ...]:
        """Lines that the province is not known to have, that it has not refused, and that nothing
        waits to send: heard of a colleague, who may have lost them since.
        """

    def holds_record(self, kind: RecordKind, record_id: str) -> bool:
        """Whether the province holds any version of the record."""

    def knows_record(self, kind: RecordKind, record_id: str) -> bool:
        """Whether any version of the record is here, or a line that waits or cannot be read."""

    def tally(self) -> Tally: ...
    def buckets(self) -> tuple[Tally, ...]:
        """256 of them, of what is held."""

    def listed(self, bucket: int) -> tuple[str, ...]:
        """Held operations of a bucket."""

    def want(self, op_ids: Iterable[str]) -> None: ...
    def wanted(self, limit: int) -> tuple[str, ...]: ...
    def unwant(self, op_ids: Iterable[str]) -> None: ...
    def park(self, op_id: str, needs: Iterable[str]) -> None:
        """A kept line waits for operations or records (``kind/id``) that have not arrived."""

    def needed(self, names: Iterable[str]) -> frozenset[str]:
        """Those of these operations and records that a parked line waits for."""

    def released_by(self, *arrived: str) -> tuple[bytes, ...]:
        """Lines that waited for these and for nothing else any more; they are parked no longer."""

    def parked(self, *, held: bool = False) -> int:
        """``held``: only what the province has. What a colleague passed on may wait for a version that
        was refused and never comes.
        """

    def unreadable(self, op_id: str, reason: str) -> None:
        """Note that a kept line cannot be shown by this program."""

    def unreadables(self, limit: int) -> tuple[tuple[str, str, str], ...]:
        """Id, kind and reason of lines that were noted so, the newest first."""

    def all_lines(self, after: str, limit: int) -> tuple[tuple[str, bytes], ...]:
        """Id and line in an order in which every base and parent comes before what needs it;
        ``after`` is the cursor that the last call's final id gives. For snapshots and relays.
        """

    def since(self, after: int, limit: int) -> tuple[tuple[int, str, bytes], ...]:
        """Place, id and line of what was kept here behind the place ``after``, in the order in
        which it came. A place is never given twice.
        """

    def conflicts(self) -> tuple[tuple[RecordKind, str], ...]:
        """Records whose newest version has open fields."""


class AttachmentState(StrEnum):
    EMPTY = "empty"  # queued; the file has not been made yet
    READY = "ready"
    DONE = "done"  # the province has it; the content is no longer kept here


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file on its way, without its content. ``sent`` bytes of ``size`` have arrived."""

    id: str
    kind: RecordKind
    record_id: str
    version: int
    title: str
    content_type: str
    sha256: str
    size: int
    sent: int
    state: AttachmentState
    created_at: datetime


class AttachmentStore(Protocol):
    """Printed forms that follow their records in pieces, after everything else."""

    def queue(
        self,
        kind: RecordKind,
        record_id: str,
        version: int,
        at: datetime,
        *,
        title: str = "",
        content_type: str = "application/pdf",
    ) -> str:
        """The id; a second time for the same version it is the same and nothing changes."""

    def due(self, limit: int) -> tuple[Attachment, ...]:
        """Oldest first, empty ones too."""

    def content(self, attachment_id: str) -> bytes | None: ...
    def fill(self, attachment_id: str, content: bytes, sha256: str) -> None:
        """The file is made: from here on it is due in pieces, from its start."""

    def progress(self, attachment_id: str, sent: int) -> None: ...
    def done(self, attachment_id: str) -> None: ...
    def drop(self, kind: RecordKind, record_id: str) -> None:
        """Forget what of a record's forms is not done."""

    def offer_signed(self, kind: RecordKind, record_id: str, version: int) -> None:
        """The file of this version is another one now, with its digital signature: send it, also
        when the plain one has gone.
        """

    def offer_again(self, since: datetime) -> int:
        """Make those that were done and are not older due once more (the province went back to a
        backup); how many.
        """

    def confirmed(self, since: datetime) -> tuple[Attachment, ...]:
        """Those that are done and not older."""

    def offer_these(self, ids: Iterable[str]) -> None:
        """Make these due once more (the province has lost them)."""

    def counts(self) -> tuple[int, int]:
        """How many are not done, and how many of their bytes are still to send."""


class SyncEngine(Protocol):
    def run_once(self) -> SyncRun: ...
    def link(self) -> LinkState: ...
