"""What the use cases of exporting need of the formats, and what they give back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from station_emr.domain.encounter import Encounter
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.visit_record import VisitRecord

if TYPE_CHECKING:
    from .ports import Work


class VisitFormat(StrEnum):
    """A file of one visit."""

    HOSO_XML = "hoso-xml"
    HOSO_JSON = "hoso-json"
    FHIR = "fhir"
    CHECK_UP = "check-up"
    HEALTH_BOOK = "health-book"

    @property
    def label(self) -> str:
        return {
            "hoso-xml": "HoSoBenhAn, XML (CV 365)",
            "hoso-json": "HoSoBenhAn, JSON (CV 365)",
            "fhir": "Tài liệu FHIR R4",
            "check-up": "Khám sức khỏe, JSON (QĐ 1551)",
            "health-book": "Sổ sức khỏe điện tử, XML 1, 2, 3, 4, 8 (QĐ 2733)",
        }[self.value]

    @property
    def suffix(self) -> str:
        return ".xml" if self in {VisitFormat.HOSO_XML, VisitFormat.HEALTH_BOOK} else ".json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedVisit:
    """A visit of which no file was written. ``name`` says which one, as people call it."""

    encounter_id: str
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenVisits:
    files: tuple[Path, ...] = ()
    refused: tuple[RefusedVisit, ...] = ()


class HealthBook(Protocol):
    """The tables that the electronic health book takes (services/claim_files.py)."""

    def health_book_of(self, work: Work, encounter: Encounter) -> bytes: ...


class VisitWriter(Protocol):
    """Turns a signed visit into the bytes of a format."""

    def write(
        self, visit: VisitRecord, form: VisitFormat, document_id: str, made_at: datetime
    ) -> bytes: ...

    def resources(
        self, kind: RecordKind, record: Any, status: RecordStatus
    ) -> Iterable[tuple[str, bytes]]:
        """FHIR resource type and JSON of each resource of a record as it stands."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRecord:
    """A record as it stands; ``record`` is None when its content cannot be read."""

    kind: RecordKind
    record_id: str
    status: str
    record: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRecord:
    """What is not signed yet; ``content`` as it lies in the database."""

    kind: RecordKind
    record_id: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLine:
    """One line of a book that the station keeps beside its records: a closed month, what was sent,
    an outage. ``file`` is what lies beside the line under the name ``held["file"]``.
    """

    part: str
    held: Mapping[str, Any]
    file: bytes = b""


class ExportSource(Protocol):
    """What a whole export reads beside the versions."""

    def visits(self, since: datetime, until: datetime) -> tuple[str, ...]:
        """Ids of signed visits that began between two moments, oldest first."""
        ...

    def standing(self) -> Iterable[StandingRecord]: ...
    def drafts(self) -> Iterable[DraftRecord]: ...
    def documents(self) -> Iterable[tuple[str, str, bytes]]:
        """Id of the signature, media type, bytes of what was signed."""
        ...

    def books(self) -> Iterable[BookLine]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReport:
    """What a whole export holds: lines of each file, and its check sums."""

    path: Path
    lines: Mapping[str, int] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0
    """Restricted visits that the person may not read."""


class Archive(Protocol):
    """One file being written. Nothing stands under its name before all of it is there."""

    def line(self, name: str, text: bytes) -> None:
        """Add one line to the part ``name``."""
        ...

    def whole(self, name: str, content: bytes) -> None:
        """A part of its own, such as a PDF."""
        ...

    def finish(self, manifest: Mapping[str, Any]) -> ArchiveReport:
        """Write the manifest with the sums of all parts, read the file back, give it its name.
        Raises EnvironmentFailure when it does not read back as written.
        """
        ...


class Archives(Protocol):
    def create(self, path: Path) -> AbstractContextManager[Archive]:
        """Raises EnvironmentFailure when the place cannot be written to. Left without ``finish``,
        nothing remains.
        """
        ...

    def keep(self, folder: Path, name: str, content: bytes) -> Path:
        """One file, whole or not at all; an older one of that name is replaced. Raises
        EnvironmentFailure.
        """
        ...
