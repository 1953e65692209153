"""What the screens ask of the conflict desk and of people registered twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from station_emr.domain.field_labels import field_label
from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.user import Actor
from station_emr.services.desk_views import (
    ChartComparison,
    Choice,
    ConflictRow,
    ConflictView,
    DecidedRow,
    DuplicateProposal,
    JoinedRow,
    LinkedCharts,
)
from station_emr.services.duplicates import Separated


class ConflictDesk(Protocol):
    """Records that two machines wrote differently."""

    def rows(self, actor: Actor) -> tuple[ConflictRow, ...]: ...
    def count(self) -> int: ...
    def open(self, actor: Actor, kind: RecordKind, record_id: str) -> ConflictView: ...
    def decide(
        self,
        actor: Actor,
        kind: RecordKind,
        record_id: str,
        choices: Mapping[str, Choice],
        *,
        reason: str,
        expected_version: int,
        confirmed: Collection[str] = (),
    ) -> Changes: ...
    def decided(self, actor: Actor, limit: int) -> tuple[DecidedRow, ...]: ...
    def undo(self, actor: Actor, kind: RecordKind, record_id: str, *, reason: str) -> Changes: ...


class DuplicateDesk(Protocol):
    """Charts that may be one person's. In a comparison *one* is the chart that stays."""

    def proposals(self, actor: Actor, limit: int = 50) -> tuple[DuplicateProposal, ...]: ...
    def compare(self, actor: Actor, one_id: str, other_id: str) -> ChartComparison: ...
    def merge(
        self,
        actor: Actor,
        survivor_id: str,
        duplicate_id: str,
        choices: Mapping[str, Choice],
        *,
        reason: str,
        expected_version: int,
    ) -> Changes: ...
    def undo(self, actor: Actor, link_id: str, *, reason: str) -> Separated: ...
    def dismiss(self, actor: Actor, one_id: str, other_id: str) -> None: ...
    def joined(self, actor: Actor) -> tuple[JoinedRow, ...]: ...
    def of_link(self, actor: Actor, link_id: str) -> LinkedCharts: ...


def allergies_open(rows: Sequence[ConflictRow]) -> bool:
    """Whether nobody has decided yet which allergies are true; the chart shows both meanwhile."""
    name = field_label(RecordKind.PATIENT, "allergies")
    return any(row.kind is RecordKind.PATIENT and name in row.fields for row in rows)
