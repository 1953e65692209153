"""What is asked of a server without the exchange: which types make up which kinds of records, and
what of it is the station's (docs/sync.md, "The way back").

Rights and standing are not among them: a foreign server proves no author ("Rights and standing").
Staff and the station itself are written by their own machine alone.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from station_emr.domain.record import RecordKind
from station_emr.services.ports import Work
from station_emr.services.record_stores import parents_of

from .plain_resources import ID_LENGTH, is_of
from .plain_types import TYPES
from .running import OUR_FAULTS
from .sealing import versions_of
from .unit import ReadUnit, Resource

_OUR_WORDS: Final = "https://station-emr.example/fhir/"


class Group(NamedTuple):
    """Types of which records are made. ``hangs``: one resource each, which as a rule does not name
    the station and is known by whom it is about.
    """

    kinds: tuple[RecordKind, ...]
    types: tuple[str, ...]
    hangs: bool

    def name_of(self, resource_type: str) -> str:
        """Under which the mark of a type is kept; a type may stand in several groups."""
        return f"{self.kinds[0].value}/{resource_type}"


def _group(*kinds: RecordKind, hangs: bool = False) -> Group:
    return Group(kinds, TYPES[kinds[0]], hangs)


# A group is read to its end before anything of it is applied, because a record is applied whole.
GROUPS: Final = (
    _group(RecordKind.PATIENT),
    _group(RecordKind.ENCOUNTER),
    _group(RecordKind.PRESCRIPTION),
    _group(RecordKind.REFERRAL),
    _group(RecordKind.APPOINTMENT),
    _group(RecordKind.CERTIFICATE, hangs=True),
    _group(RecordKind.NOTIFICATION, hangs=True),
    _group(RecordKind.BILL, hangs=True),
    _group(RecordKind.LINK, hangs=True),
    _group(RecordKind.CONSENT, hangs=True),
    _group(RecordKind.REQUEST, RecordKind.BREACH, hangs=True),
    _group(RecordKind.FEEDBACK, hangs=True),
    _group(RecordKind.SIGNATURE, hangs=True),
)
HANGING: Final = frozenset(kind for group in GROUPS if group.hangs for kind in group.kinds)
PEOPLE: Final = GROUPS[0].name_of("Patient")
"""The mark up to which it is known who is here."""


def kind_of(work: Work, group: Group, resource: Resource, read: ReadUnit) -> RecordKind | None:
    """Which of a group's kinds it is; None for one of somebody else's."""
    if len(group.kinds) == 1:
        return group.kinds[0]
    record_id = resource["id"][:ID_LENGTH]
    known = next((kind for kind in group.kinds if versions_of(work, kind, record_id)), None)
    if known is not None:
        return known
    try:
        found = read([resource]).kind
    except OUR_FAULTS:
        return None
    return found if found in group.kinds else None


def is_the_stations(
    work: Work, kind: RecordKind, resource: Resource, station: tuple[str, str], read: ReadUnit
) -> bool:
    """Whether a record of one resource was written at this station: it is known here, or it is in
    words of ours and names the station or is about somebody whose chart is here. Others keep
    consents, messages and bills of their own about the same people there.
    """
    if work.operations.knows_record(kind, resource["id"]):
        return True
    if _OUR_WORDS not in str(resource):
        return False
    if is_of(station, (resource,)):
        return True
    try:
        found = read([resource])
        parents = parents_of(kind, found.record)
    except OUR_FAULTS:
        return False
    return found.kind is kind and any(work.operations.knows_record(*one) for one in parents)
