"""What the station's file for the inspection is made of, and what makes it into papers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from station_emr.domain.dossier import Block, DossierSettings, Part, Row, Section
from station_emr.domain.errors import Problem
from station_emr.domain.permissions import Role
from station_emr.domain.record import StationProfile
from station_emr.domain.signature import KeySource, SigningPolicy
from station_emr.domain.sync import SyncStatus

from .backups import BackupState
from .views import CatalogSummary, Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFigures:
    """Numbers over the whole record; nobody can be told from them."""

    without_identity: int  # people whose identity number is not known
    shared_identity: int  # identity numbers that stand in more than one chart
    signed_visits: int
    open_visits: int  # begun and not signed
    late_visits: int  # of those, older than the station allows
    signed_files: int  # papers with a digital signature


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What can be seen of the database from outside. ``readable`` is whether its first bytes are
    those of a database without encryption.
    """

    readable: bool
    size: int
    schema: str
    version: str
    system: str


class DossierSource(Protocol):
    """The database and its file, as the station's file needs them."""

    def figures(self, older_than: datetime) -> RecordFigures: ...
    def file(self) -> FileFacts: ...


LookAtBackups = Callable[[], BackupState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account, without anything that opens it."""

    username: str
    name: str
    role: Role
    active: bool
    closed: str
    second_factor: bool
    second_factor_asked: bool
    idle_days: int
    licence: bool
    review_due: bool
    must_change: bool
    password_days: int | None  # since it was set; None where that is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorFacts:
    """What the door did with passwords that were tried on it, and after how many tries it shuts."""

    refuses_weak: bool  # 13 letters of four kinds, and 14 of three
    refuses_short: bool  # 7 letters beside a second factor
    takes_good: bool
    tries: int


class Door(Protocol):
    """The rules at the door, to be tried."""

    def password_problems(
        self, password: str, username: str, full_name: str, *, second_factor: bool = False
    ) -> tuple[Problem, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The newest time something was done, and how it ended."""

    at: datetime
    ok: bool
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The station as it stands at this moment. Nothing clinical."""

    at: datetime
    station: StationProfile
    settings: DossierSettings
    file: FileFacts
    counts: Counts
    figures: RecordFigures
    accounts: tuple[Account, ...]
    door: DoorFacts
    grants: int
    role_changes: int
    emergencies_open: int
    emergencies_late: int
    audit_lines: int
    audit_numbers: int  # the number of the newest line; as many as there are lines, or one is gone
    audit_oldest: datetime | None
    audit_check: Done | None
    audit_anchored: datetime | None
    audit_printed: datetime | None
    record_check: Done | None
    code_tested: datetime | None  # the recovery code; None also when a newer one was made since
    key_changed: datetime | None
    clock_trusted: bool
    clock_skew: timedelta | None
    backup: BackupState
    catalogs: tuple[CatalogSummary, ...]
    signing: SigningPolicy
    key_source: KeySource | None
    sign_waiting: int
    sync: SyncStatus
    sync_runs: int
    requests_open: int
    requests_late: int
    breaches: int
    breaches_late: int
    second_factor_roles: tuple[Role, ...]

    @property
    def active(self) -> tuple[Account, ...]:
        return tuple(one for one in self.accounts if one.active)

    @property
    def idle(self) -> tuple[Account, ...]:
        return tuple(one for one in self.accounts if one.active and one.closed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything the four papers say."""

    facts: Facts
    rows: tuple[Row, ...]
    blocks: tuple[Block, ...]
    made_by: str

    def of(self, *sections: Section) -> tuple[Row, ...]:
        return tuple(one for one in self.rows if one.section in sections)


class DossierPapers(Protocol):
    def paper(self, part: Part, dossier: Dossier) -> bytes:
        """One part as PDF."""
