"""What the use cases need of what a station keeps beside the clinical record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from station_emr.domain.operation import Operation, VersionNode
from station_emr.domain.record import Changed, PractitionerSnapshot, StationProfile
from station_emr.domain.user import User

from .version_ports import TypedAmendment
from .views import DisplacedForm, DraftForm, PrintRow


class UserStore(Protocol):
    def get(self, user_id: str) -> User: ...
    def at_version(self, user_id: str, version: int) -> User:
        """What one version says. Raises NotFound."""

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


class DraftStore(Protocol):
    """Unfinished forms. Outside the version rules: nothing here is part of the record yet."""

    def put(self, form: DraftForm) -> None: ...
    def get(self, key: str) -> DraftForm | None: ...
    def all(self) -> tuple[DraftForm, ...]: ...
    def displaced(self) -> tuple[DisplacedForm, ...]:
        """Drafts whose place a record from another machine took, oldest first."""

    def count_displaced(self) -> int: ...
    def put_amendment(
        self, key: str, user_id: str, typed: TypedAmendment, at: datetime
    ) -> None: ...
    def amendment(self, key: str) -> TypedAmendment | None:
        """None also for what a newer program kept and this one cannot read."""

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

    def station_at(self, facility_id: str, version: int) -> StationProfile:
        """What one version says. Raises NotFound."""

    def save_station(self, profile: StationProfile, at: datetime) -> None:
        """Keep the profile and queue the facility for the province."""


class PrintLog(Protocol):
    def add(
        self, kind: str, record_id: str, version: int, at: datetime, user: User, sha256: str
    ) -> int:
        """Log a print and return its copy number, 1 for the first of this version."""

    def copies(self, kind: str, record_id: str, version: int) -> int:
        """How often this version was printed; the first of an amended paper is no reprint."""

    def rows(self, limit: int) -> tuple[PrintRow, ...]: ...
