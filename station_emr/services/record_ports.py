"""What the use cases need of the clinical record: one store for every aggregate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar

from station_emr.domain.appointment import Appointment
from station_emr.domain.encounter import Encounter, Stage
from station_emr.domain.operation import Operation, Origin, VersionNode
from station_emr.domain.patient import Patient
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import Changed, PractitionerSnapshot, RecordStatus, VersionInfo
from station_emr.domain.referral import Referral
from station_emr.domain.referral_feedback import ReferralFeedback

from .views import PatientRow, QueueRow, ReferralRow, VisitRow, VitalPoint

T = TypeVar("T")


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
        restores: int | None = None,
    ) -> Changed:
        """Append a version, move the head to it and queue it for the province, all in this
        transaction. Raises Conflict when the head is not at ``expected_version``. A version that
        decides a conflict names the fields that are still open in ``open_fields``, and may follow
        a voided one; so may one that brings an earlier version back (``restores``).
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

    def show(self, record_id: str, version: int) -> Changed:
        """Move the head to a version that was written before. Raises NotFound."""

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
