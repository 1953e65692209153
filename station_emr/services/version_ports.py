"""What the use cases of versions need of the database, and what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from station_emr.domain.appointment import Appointment
from station_emr.domain.billing import Bill
from station_emr.domain.difference import Difference
from station_emr.domain.encounter import Encounter
from station_emr.domain.operation import Operation
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.referral import Referral


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVersion:
    """One version as it lies in the database, nothing of it believed. ``canonical`` is the content
    read and written again, empty when it cannot be read; ``signed`` are the hashes that confirmations
    and signatures were given for; ``op_id`` and ``line`` are empty while it was not sealed.
    """

    seq: int
    kind: str
    record_id: str
    version: int
    status: str
    content: str
    canonical: str
    content_sha256: str
    author_id: str
    author_name: str
    at: datetime
    reason: str
    origin: str
    device: str
    skew: int | None
    open_fields: tuple[str, ...]
    record: Any = None
    signed: tuple[str, ...] = ()
    op_id: str = ""
    line: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedAmendment:
    """An amendment as typed, over ``version`` of its record, which is a visit with the papers that
    follow it, a letter or a bill.
    """

    reason: str
    version: int
    encounter: Encounter | None = None
    prescription: Prescription | None = None
    appointment: Appointment | None = None
    referral: Referral | None = None
    bill: Bill | None = None


class VersionStore(Protocol):
    """Versions as evidence."""

    def digests(self, kind: RecordKind, record_id: str) -> Mapping[int, tuple[str, int | None]]:
        """Of each version the hash it was written with, and the earlier one it brought back."""

    def walk(self, after: int, limit: int) -> tuple[KeptVersion, ...]:
        """Versions in the order in which they were written, behind the place ``after``."""

    def count(self) -> int: ...
    def head_faults(self, limit: int) -> tuple[HeadFault, ...]:
        """Rows that lists show and that do not say what the version they name says."""

    def person_fault(self, user_id: str) -> str:
        """Why the row of a colleague is not what was written of that person; empty when it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadFault:
    """``fields`` are the columns that differ; empty when the row names a version that is not there,
    or versions are missing.
    """

    kind: str
    record_id: str
    version: int
    fields: tuple[str, ...] = ()


class ReadLine(Protocol):
    """The id that the bytes of a line have, and what the line holds; None when it is none of ours."""

    def __call__(self, line: bytes) -> tuple[str, Operation | None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One line of a record's history. ``at`` is the time of the writing machine's clock,
    ``corrected_at`` by the province's clock where the difference was known.
    """

    version: int
    status: RecordStatus
    author_name: str
    at: datetime
    corrected_at: datetime | None
    device: str
    reason: str
    parents: tuple[int, ...]
    by_rule: bool
    elsewhere: bool
    sha256: str
    restores: int | None = None
    open_fields: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHistory:
    """Every version of a record, the newest first."""

    kind: RecordKind
    record_id: str
    title: str
    patient_id: str
    patient_name: str
    status: RecordStatus
    rows: tuple[VersionRow, ...]

    @property
    def shown(self) -> int:
        """The version that stands."""
        return next((row.version for row in self.rows if row.shown), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """One version as it was written: field names and their words, and the bytes' hash."""

    row: VersionRow
    title: str
    lines: tuple[tuple[str, str], ...]
    printable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``older`` against ``newer`` in words."""

    older: int
    newer: int
    differences: Sequence[Difference]
