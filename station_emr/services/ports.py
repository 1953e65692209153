"""What the use cases need from the outside world. Adapters are joined in the composition root."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar

from station_emr.domain.appointment import Appointment
from station_emr.domain.catalog import (
    CatalogHit,
    CatalogKind,
    CatalogPreview,
    CatalogRow,
)
from station_emr.domain.encounter import Encounter, Stage
from station_emr.domain.operation import Operation, Origin, VersionNode
from station_emr.domain.patient import Patient
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import (
    Changed,
    PractitionerSnapshot,
    RecordStatus,
    StationProfile,
    VersionInfo,
)
from station_emr.domain.referral import Referral
from station_emr.domain.referral_feedback import ReferralFeedback
from station_emr.domain.user import Actor, User

from .catalog_ports import PackStore
from .sync_ports import AttachmentStore, OperationLog, Outbox
from .views import (
    AuditRow,
    CatalogSummary,
    Counts,
    DisplacedForm,
    DraftForm,
    PatientRow,
    PrintRow,
    QueueRow,
    ReferralRow,
    VisitRow,
    VitalPoint,
)

T = TypeVar("T")


class Clock(Protocol):
    """Time and chance, so that tests own both."""

    def now(self) -> datetime:
        """Aware local time of this machine (the offset is kept with every record)."""

    def random(self, count: int) -> bytes:
        """``count`` unpredictable bytes."""

    def new_id(self) -> str:
        """A fresh UUIDv7."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Generic[T]):
    """A record with where it stands. ``version`` is 0 while it is a draft that was never signed."""

    record: T
    version: int
    status: RecordStatus
    saved_at: datetime


class RecordStore(Protocol[T]):
    """One aggregate's rows. Signed content is written once, as a version, and never changed."""

    def get(self, record_id: str) -> Stored[T]:
        """Raises NotFound."""

    def find(self, record_id: str) -> Stored[T] | None: ...

    def at_version(self, record_id: str, version: int) -> T:
        """The content exactly as written then. Raises NotFound."""

    def versions(self, record_id: str) -> tuple[VersionInfo, ...]: ...

    def save_draft(self, record: T, at: datetime) -> None:
        """Insert or replace a draft in place. Raises StateError once anything was signed."""

    def discard_draft(self, record_id: str) -> None:
        """Remove a draft that was never signed. Raises StateError otherwise."""

    def add_version(
        self,
        record: T,
        status: RecordStatus,
        *,
        author: PractitionerSnapshot,
        at: datetime,
        reason: str = "",
        expected_version: int,
        open_fields: Sequence[str] = (),
    ) -> Changed:
        """Append a version, move the head to it and queue it for the province, all in this
        transaction. Raises Conflict when the head is not at ``expected_version``. A version that
        decides a conflict names the fields that are still open in ``open_fields``, and may follow
        a voided one.
        """

    def add_replica(
        self,
        record: T,
        status: RecordStatus,
        *,
        author: tuple[str, str],
        at: datetime,
        parents: Sequence[int],
        origin: Origin,
        reason: str = "",
        device: str = "",
        skew: int | None = None,
        open_fields: Sequence[str] = (),
        move_head: bool = True,
    ) -> Changed:
        """Append a version that was written elsewhere (``REPLICA``, not queued) or by the merge
        rule (``MERGE``, queued). ``author`` is id and name, ``parents`` are local version numbers.
        A draft of the same id on this machine gives way to it.
        """

    def add_firsts(self, operations: Sequence[Operation]) -> tuple[Changed, ...]:
        """Append the first versions of records that are unknown here and were written elsewhere
        (``REPLICA``, not queued): many in the time of a few.
        """

    def heads(self, record_ids: Iterable[str]) -> Mapping[str, int]:
        """The version that each of those that are here shows; 0 of a draft."""

    def lineage(self, record_id: str) -> tuple[VersionNode, ...]:
        """Every local version with what it was based on, oldest first; empty when unknown."""


class PatientStore(RecordStore[Patient], Protocol):
    def search(self, text: str, limit: int) -> tuple[PatientRow, ...]:
        """By words of the name in any order, with or without marks, chart number, phone or card
        numbers (from their start, or their last 4 digits); exact diacritics first.
        """

    def by_number(self, number: str) -> tuple[PatientRow, ...]:
        """People whose national id, old id, insurance number, chart number or phone is this."""

    def same_birth_year(
        self, year: int, folded_last_word: str, limit: int
    ) -> tuple[PatientRow, ...]:
        """Candidates for the duplicate warning: born that year ±1 with that word in the name."""

    def row(self, patient_id: str) -> PatientRow: ...
    def written_between(self, after: int, before: int, limit: int) -> tuple[tuple[int, str], ...]:
        """Place and id of charts in the order in which this database got to know versions of them,
        newest first, with ``after < place < before``. What arrives has a place like what is written
        here, whatever its own date.
        """


class EncounterStore(RecordStore[Encounter], Protocol):
    def queue(self, day: date) -> tuple[QueueRow, ...]:
        """Everyone who arrived on ``day`` plus unfinished drafts of any other: a clock that was set
        wrong meanwhile hides nobody.
        """

    def timeline(self, patient_id: str, limit: int) -> tuple[VisitRow, ...]: ...

    def vitals_of(self, patient_id: str, limit: int) -> tuple[VitalPoint, ...]:
        """Oldest first."""

    def set_stage(self, encounter_id: str, stage: Stage) -> None:
        """Move a visit in the queue; the signed content is not touched."""

    def open_of(self, patient_id: str, day: date) -> str | None:
        """The id of a visit of this person today that is not signed yet."""


class PaperStore(RecordStore[T], Protocol):
    """What hangs on a visit."""

    def of_encounter(self, encounter_id: str) -> Stored[T] | None:
        """The newest that is not voided; a voided one when there is no other."""


class PrescriptionStore(PaperStore[Prescription], Protocol):
    def signed_of(self, patient_id: str, since: date) -> tuple[Prescription, ...]:
        """Signed prescriptions written on or after ``since``, newest first."""


class ReferralStore(PaperStore[Referral], Protocol):
    def rows(self, limit: int) -> tuple[ReferralRow, ...]:
        """Newest first."""

    def row(self, referral_id: str) -> ReferralRow | None: ...


class FeedbackStore(RecordStore[ReferralFeedback], Protocol):
    """What receiving facilities answered to letters."""

    def of_referral(self, referral_id: str) -> Stored[ReferralFeedback] | None:
        """The answer that stands; None before there is one."""

    def mark_read(self, referral_id: str) -> bool:
        """Whether there was something new to be read."""

    def unread(self) -> int:
        """How many letters have an answer that nobody of this machine has opened."""


class AppointmentStore(PaperStore[Appointment], Protocol):
    """Follow-up slips."""


class PatientLinkStore(RecordStore[PatientLink], Protocol):
    """Charts joined by a decision. Writing a version refreshes which chart lists show."""

    def active(self) -> tuple[PatientLink, ...]:
        """Links that are not voided."""

    def survivor_of(self, patient_id: str) -> str:
        """The chart shown for this one; itself when it is in no group."""

    def group_of(self, patient_id: str) -> tuple[str, ...]:
        """Every chart of the same person, the one shown first."""

    def dismissed(self) -> frozenset[tuple[str, str]]:
        """Pairs (smaller id first) that a person on this machine called two different people."""

    def dismiss(self, one: str, other: str) -> None: ...


class UserStore(Protocol):
    def get(self, user_id: str) -> User: ...
    def by_username(self, username: str) -> User | None: ...
    def all(self) -> tuple[User, ...]: ...
    def save(self, user: User, *, author: PractitionerSnapshot | None, at: datetime) -> Changed:
        """Insert or update, keep the version and queue the practitioner for the province."""

    def add_replica(
        self,
        user: User,
        operation: Operation,
        parents: Sequence[int],
        *,
        move_head: bool = True,
    ) -> Changed:
        """Keep a colleague who was entered on another machine. Somebody unknown here becomes an
        inactive account under a placeholder name, without a key slot; log-in name, activity and
        last log-in of somebody known stay as they are here.
        """

    def lineage(self, record_id: str) -> tuple[VersionNode, ...]: ...


class CatalogStore(Protocol):
    def rows(self, kind: CatalogKind, day: date | None = None) -> tuple[CatalogRow, ...]:
        """All rows of a list, or only those in force on ``day``."""

    def apply(self, preview: CatalogPreview, at: datetime) -> None:
        """Write an import: close changed and vanished rows, add new ones, count a list version."""

    def load_starter(self, rows: Iterable[CatalogRow], at: datetime) -> None: ...

    def summaries(self, day: date) -> tuple[CatalogSummary, ...]:
        """Every list that was ever loaded, with its rows in force on ``day``."""

    def version(self, kind: CatalogKind) -> int:
        """0 when the list was never loaded; grows with every import."""


class DraftStore(Protocol):
    """Unfinished forms. Outside the version rules: nothing here is part of the record yet."""

    def put(self, form: DraftForm) -> None: ...
    def get(self, key: str) -> DraftForm | None: ...
    def all(self) -> tuple[DraftForm, ...]: ...
    def displaced(self) -> tuple[DisplacedForm, ...]:
        """Drafts whose place a record from another machine took, oldest first."""

    def count_displaced(self) -> int: ...
    def drop(self, key: str) -> None: ...


class CounterStore(Protocol):
    def next(self, name: str, series: str, year: int) -> int:
        """The next gap-free number of a series, starting at 1; part of this transaction."""

    def peek(self, name: str, series: str, year: int) -> int:
        """What :meth:`next` would give, taking nothing."""


class SettingStore(Protocol):
    def get(self, key: str) -> str | None: ...
    def put(self, key: str, value: str) -> None: ...
    def station(self) -> StationProfile:
        """Raises NotFound before set-up."""

    def save_station(self, profile: StationProfile, at: datetime) -> None:
        """Keep the profile and queue the facility for the province."""


class AuditLog(Protocol):
    def append(
        self,
        actor: Actor | None,
        action: str,
        at: datetime,
        *,
        kind: str = "",
        record_id: str = "",
        patient_id: str = "",
        detail: Mapping[str, str] | None = None,
    ) -> None:
        """Add a line to the hash chain (hash of the line before it plus this line)."""

    def rows(self, limit: int, before: int | None = None) -> tuple[AuditRow, ...]: ...

    def verify(self) -> int | None:
        """None when the chain is whole, otherwise the first broken sequence number."""


class PrintLog(Protocol):
    def add(
        self, kind: str, record_id: str, version: int, at: datetime, user: User, sha256: str
    ) -> int:
        """Log a print and return its copy number, 1 for the first of this version."""

    def copies(self, kind: str, record_id: str, version: int) -> int:
        """How often this version was printed; the first of an amended paper is no reprint."""

    def rows(self, limit: int) -> tuple[PrintRow, ...]: ...


class Work(Protocol):
    """One transaction: everything below commits together or not at all."""

    @property
    def patients(self) -> PatientStore: ...
    @property
    def encounters(self) -> EncounterStore: ...
    @property
    def prescriptions(self) -> PrescriptionStore: ...
    @property
    def referrals(self) -> ReferralStore: ...
    @property
    def appointments(self) -> AppointmentStore: ...
    @property
    def users(self) -> UserStore: ...
    @property
    def catalogs(self) -> CatalogStore: ...
    @property
    def drafts(self) -> DraftStore: ...
    @property
    def counters(self) -> CounterStore: ...
    @property
    def settings(self) -> SettingStore: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def prints(self) -> PrintLog: ...
    @property
    def links(self) -> PatientLinkStore: ...
    @property
    def feedback(self) -> FeedbackStore: ...
    @property
    def operations(self) -> OperationLog: ...
    @property
    def attachments(self) -> AttachmentStore: ...
    @property
    def packs(self) -> PackStore: ...
    def counts(self) -> Counts: ...
    def attempt(self) -> AbstractContextManager[None]:
        """What is written inside is undone when an error leaves it; the transaction goes on."""


class Store(Protocol):
    """The open encrypted database. ``write`` commits on a clean exit and rolls back on any error;
    a full disk arrives as DiskFull with nothing written.
    """

    def read(self) -> AbstractContextManager[Work]: ...
    def write(self) -> AbstractContextManager[Work]: ...
    def backup(self, target: str) -> None: ...
    def close(self) -> None: ...


class CatalogSearch(Protocol):
    """Searchable lists held in memory."""

    def search(
        self, kind: CatalogKind, text: str, limit: int, day: date
    ) -> tuple[CatalogHit, ...]: ...
    def find(self, kind: CatalogKind, code: str, day: date) -> CatalogRow | None: ...
    def rows(self, kind: CatalogKind, day: date) -> tuple[CatalogRow, ...]: ...
    def reload(self, kind: CatalogKind | None = None) -> None: ...


class CatalogImporter(Protocol):
    def preview(
        self, kind: CatalogKind, path: str, current: Sequence[CatalogRow], effective_from: date
    ) -> CatalogPreview:
        """Read a file and say what would change. Raises UserError for a file it cannot read."""


class Documents(Protocol):
    """Printed forms: signed content in, PDF bytes out."""

    def referral(self, referral: Referral, mark: PrintMark) -> bytes: ...
    def prescription(self, prescription: Prescription, mark: PrintMark) -> bytes: ...
    def appointment(self, appointment: Appointment, mark: PrintMark) -> bytes: ...
    def recovery_sheet(self, station_name: str, code: str, at: datetime) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintMark:
    """What a print of an electronic record must say at its foot (NĐ 137/2024 art. 5)."""

    printed_at: datetime
    printed_by: str
    copy: int  # 1 for the first print; above 1 the page says "bản in lại"
    draft: bool = False
    voided: bool = False
    version: int = 1
    system: str = "Station EMR"
    electronic: bool = False  # sent as a file, never printed: no copy, and nobody converted it


class LetterSigner(Protocol):
    """The station's Ed25519 key."""

    def sign(self, referral: Referral) -> str:
        """The text of the letter's QR code."""


class PersonMatcher(Protocol):
    """How alike two names are, 0 to 100."""

    def likeness(self, one: str, other: str) -> int: ...
