"""What registers and reports need of the database and of the printing shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from station_emr.domain.period import Period
from station_emr.domain.record import StationProfile
from station_emr.domain.register import (
    Closing,
    LateCorrection,
    RegisterDefinition,
    RegisterLine,
)
from station_emr.domain.report import CountedTable, ReportTemplate
from station_emr.domain.report_lists import InfectiousCase, ReferralSummary, ReferralTrack


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The newest version of a visit or of one of its papers."""

    at: datetime
    by: str
    reason: str


class RegisterStore(Protocol):
    """Signed visits as lines of registers, and the months that were locked."""

    def lines(self, start: datetime, end: datetime) -> tuple[RegisterLine, ...]:
        """Signed and not voided, who arrived from ``start`` and before ``end``, in that order."""

    def unsigned(self, start: datetime, end: datetime) -> int:
        """Visits of that time that are still drafts."""

    def marks(self, start: datetime, end: datetime) -> int:
        """A number that changes with every version written for a visit of that time."""

    def written(self, encounter_ids: Sequence[str]) -> Mapping[str, Written]: ...

    def tracks(self, start: datetime, end: datetime) -> tuple[ReferralTrack, ...]:
        """Letters signed in that time that are not voided, oldest first."""

    def reported(self, encounter_ids: Sequence[str]) -> Mapping[tuple[str, str], datetime]:
        """When an infectious disease was told of, by visit and the disease's own code."""

    def closings(self, first: str, last: str) -> tuple[Closing, ...]:
        """Of the months from ``first`` to ``last`` (``2026-11``), every closing, oldest first."""

    def snapshot(self, closing_id: str) -> tuple[RegisterLine, ...]:
        """What was locked. Raises DatabaseDamaged when it is not what the hash says."""

    def close(self, closing: Closing, lines: Sequence[RegisterLine]) -> Closing:
        """Lock a month; gives the closing with the hash of what is kept."""

    def reopen(self, closing_id: str, at: datetime, by: str, by_id: str, reason: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthPart:
    """One month of a register. ``lines`` carry the number they have in the month; those of a closed
    one are the snapshot, and ``late`` stands beside them.
    """

    month: Period
    lines: tuple[tuple[int, RegisterLine], ...]
    closing: Closing | None = None
    late: tuple[LateCorrection, ...] = ()
    unsigned: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterView:
    """A register over a period as it is shown, printed and exported. ``refused`` says why a
    restricted one shows nothing to this person.
    """

    definition: RegisterDefinition
    period: Period
    parts: tuple[MonthPart, ...]
    station: StationProfile
    at: datetime
    made_by: str
    masked: int = 0
    refused: str = ""

    @property
    def count(self) -> int:
        return sum(len(part.lines) for part in self.parts)

    @property
    def late(self) -> tuple[LateCorrection, ...]:
        return tuple(one for part in self.parts for one in part.late)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """A report over a period. Exactly one of the three is filled. ``late`` corrections of closed
    months are not in the numbers; ``open_months`` were not closed yet.
    """

    period: Period
    template: ReportTemplate
    station: StationProfile
    at: datetime
    made_by: str
    table: CountedTable | None = None
    tracks: tuple[ReferralTrack, ...] = ()
    summary: tuple[ReferralSummary, ...] = ()
    cases: tuple[InfectiousCase, ...] = ()
    late: int = 0
    open_months: tuple[Period, ...] = ()
    notes: tuple[str, ...] = field(default=())


class RegisterPapers(Protocol):
    """Registers and reports as PDF and as Excel files."""

    def register_pdf(self, view: RegisterView) -> bytes: ...
    def register_workbook(self, view: RegisterView) -> bytes: ...
    def report_pdf(self, view: ReportView) -> bytes: ...
    def report_workbook(self, view: ReportView) -> bytes: ...
