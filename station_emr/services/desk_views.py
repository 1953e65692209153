"""What the conflict desk shows: two versions side by side, and two charts of one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind, RecordStatus

UNSIGNED: Final = frozenset(
    {
        RecordKind.PATIENT,
        RecordKind.LINK,
        RecordKind.FEEDBACK,
        RecordKind.CONSENT,
        RecordKind.REQUEST,
        RecordKind.BREACH,
        RecordKind.RIGHTS,
        RecordKind.STANDING,
    }
)
"""Kinds that bear nobody's signature: a decision about them is none either."""
_PRIVACY: Final = frozenset({RecordKind.REQUEST, RecordKind.BREACH})
_RIGHTS: Final = frozenset({RecordKind.RIGHTS, RecordKind.STANDING})


def right_to_see(kind: RecordKind) -> Action:
    """What people ask of their own record, and leaks, are for those who answer them; accounts for those
    who run them.
    """
    if kind in _RIGHTS:
        return Action.USER_MANAGE
    return Action.PRIVACY_HANDLE if kind in _PRIVACY else Action.PATIENT_VIEW


def right_to_decide(kind: RecordKind) -> Action:
    """The least that a decision asks for."""
    if kind in _RIGHTS:
        return Action.USER_MANAGE
    if kind in _PRIVACY:
        return Action.PRIVACY_HANDLE
    if kind is RecordKind.CONSENT:
        return Action.CONSENT_RECORD
    return Action.PATIENT_EDIT if kind in UNSIGNED else Action.RECORD_AMEND


FURTHER: Final = "@"
"""Stands in ``FieldDifference.path`` before the place of a third value and of those after it."""


class Choice(StrEnum):
    """Which of the two a person takes for one field. ``BOTH`` is for lists such as allergies."""

    ONE = "one"
    OTHER = "other"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictRow:
    """A line of the desk. ``fields`` are labels in Vietnamese."""

    kind: RecordKind
    record_id: str
    patient_id: str
    patient_name: str
    title: str
    fields: tuple[str, ...]
    since: datetime
    safety: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Who wrote one of the two, where and when. ``at`` is by that machine's clock; ``corrected_at``
    by the server's, None when the difference was not known.
    """

    version: int
    author_name: str
    device: str
    at: datetime
    corrected_at: datetime | None
    status: RecordStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """``base``, ``one`` and ``other`` are texts for people, empty for "nothing written"; ``shown`` is
    what the chart shows until somebody decides. ``confirms``: ``other`` is as ``one``, because the value
    that stood against it never came here.
    """

    path: str
    label: str
    base: str
    one: str
    other: str
    shown: Choice
    safety: bool
    may_keep_both: bool = False
    confirms: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictView:
    """Everything the desk needs to decide one conflict. ``version`` guards the decision against
    whatever arrives meanwhile; ``signed`` means that deciding is an amendment with a reason.
    """

    row: ConflictRow
    version: int
    one: Side
    other: Side
    differences: tuple[FieldDifference, ...]
    signed: bool

    @property
    def right(self) -> Action:
        """Who may decide it."""
        return right_to_decide(self.row.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedRow:
    """A decision that can still be undone: the newest version of its record is the decision.
    ``papers_voided``: it voided a visit, whose papers went with it and stay voided.
    """

    kind: RecordKind
    record_id: str
    version: int
    patient_name: str
    title: str
    decided_by: str
    decided_at: datetime
    papers_voided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplacedDraft:
    """What was typed here before another machine's record of the same id arrived. ``lines`` are
    ``label: text`` in the order of the record's fields.
    """

    key: str
    kind: RecordKind
    record_id: str
    patient_id: str
    patient_name: str
    title: str
    saved_at: datetime
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSummary:
    """One of two charts that may be the same person's."""

    patient_id: str
    chart_number: str
    full_name: str
    birth: str
    sex: str
    address: str
    national_id: str
    insurance_number: str
    phone: str
    visits: int
    last_visit_at: datetime | None
    registered_by: str
    registered_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateProposal:
    """``why`` are plain sentences; ``certain`` when an identity number is the same."""

    one: ChartSummary
    other: ChartSummary
    why: tuple[str, ...]
    certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartComparison:
    """Two charts field by field; the fields that differ, one of which is taken into the survivor."""

    proposal: DuplicateProposal
    differences: tuple[FieldDifference, ...]
    survivor_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedCharts:
    """The two charts of one link; not ``joined`` any more once that was taken back."""

    link_id: str
    proposal: DuplicateProposal  # ``one`` is the chart that lists show
    joined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedRow:
    """Two charts that were joined, and by whom."""

    link_id: str
    survivor: ChartSummary
    duplicate: ChartSummary
    joined_by: str
    joined_at: datetime
    reason: str
