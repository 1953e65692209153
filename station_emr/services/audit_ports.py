"""What the use cases need of the chain of who did what, and of the evidence outside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from station_emr.domain.audit import (
    AuditFilter,
    ChainCheck,
    ChainHead,
    ChainSize,
    Evidence,
    EvidenceKind,
)
from station_emr.domain.user import Actor

from .views import AuditRow

Progress = Callable[[int, int], bool]
"""Lines read and lines in all; False stops the reading."""


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
        purpose: str = "",
        result: str = "ok",
        source: str = "",
        account: str = "",
    ) -> None:
        """Add a line to the hash chain (hash of the line before it plus this line). Without
        ``purpose`` it is the actor's, or the usual one of the role; without an actor ``source`` is
        the sync.
        """

    def rows(
        self, limit: int, before: int | None = None, wanted: AuditFilter | None = None
    ) -> tuple[AuditRow, ...]:
        """Newest first."""

    def walk(self, wanted: AuditFilter, limit: int) -> Iterable[AuditRow]:
        """Newest first, a portion at a time."""

    def count(self, wanted: AuditFilter) -> int: ...
    def people(self) -> tuple[tuple[str, str], ...]:
        """Id and newest name of everybody who is in the log."""

    def actions(self) -> tuple[tuple[str, int], ...]:
        """Every action with how often it was done."""

    def head(self) -> ChainHead | None:
        """The newest line; None while there is none."""

    def hash_at(self, seq: int) -> str | None: ...
    def verify(self) -> int | None:
        """None when the chain is whole, otherwise the first broken sequence number."""

    def check(self, progress: Progress | None = None) -> ChainCheck:
        """Read every line from the first."""

    def size(self) -> ChainSize: ...
    def add_anchor(self, kind: EvidenceKind, head: ChainHead, at: datetime) -> None:
        """Keep that the end of the chain was shown to somebody outside."""

    def anchors(self, limit: int = 400) -> tuple[Evidence, ...]:
        """Newest first; ``kind`` says to whom the end was shown."""
