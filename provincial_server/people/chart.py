"""What of another facility's chart is shown.

All of a chart is judged first, and only then it is cut: what tells that a visit is restricted may be its
oldest part, or one without a date. It is cut by whole visits, the newest first, so that nothing is shown
without what belongs to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.current_versions import STANDS, VersionKey, read_current
from provincial_server.dates import VIETNAM
from provincial_server.people.matching import Chart
from provincial_server.people.restricted import (
    RESTRICTED,
    Marks,
    Ranges,
    closed_places,
    is_labelled,
    is_withdrawn,
    marks_of,
    ranges_of,
    rights_id,
)
from provincial_server.resources import Stored, stored_of
from provincial_server.store import ResourceHead, ResourceVersion

_ALLERGY = "AllergyIntolerance"
SHARED_TYPES = (
    _ALLERGY,
    "Condition",
    "Encounter",
    "MedicationRequest",
    "Observation",
    "Procedure",
    "ServiceRequest",
)
MOST_RESOURCES = 1000
"""Of each chart, its person not counted."""
_AT_ONCE = 500
_UNDATED = -(2**62)


@dataclass(frozen=True, slots=True)
class _Part:
    key: VersionKey
    marks: Marks
    at: int


def read_chart(session: Session, chart: Chart, now: int, *, restricted: bool) -> list[Stored]:
    """The person and the newest visits, restricted ones only where they are asked for. Nothing where
    the person's own chart is labelled and that was not asked for."""
    facility, patient = chart
    if not restricted and _is_closed(session, chart):
        return []
    parts = list(_parts(session, chart, _ranges(session, facility, now)))
    if not restricted:
        closed = closed_places([part.marks for part in parts])
        parts = [part for place, part in enumerate(parts) if place not in closed]
    own = session.execute(
        select(ResourceHead.resource_type, ResourceHead.resource_id, ResourceHead.version).where(
            ResourceHead.facility_code == facility,
            ResourceHead.resource_type == "Patient",
            ResourceHead.resource_id == patient,
        )
    )
    keys = [(row[0], row[1], row[2]) for row in own]
    return _versions(session, facility, keys + [part.key for part in _newest(parts)])


def _is_closed(session: Session, chart: Chart) -> bool:
    """By the label of the person's own resource."""
    found = read_current(session, chart[0], "Patient", [chart[1]])
    return any(is_labelled(_meta(row.meta)) for row in found)


def _ranges(session: Session, facility: str, now: int) -> Ranges:
    """What the home station has set for itself, if it ever did, and what is restricted everywhere."""
    today = datetime.fromtimestamp(now / 1000, VIETNAM).date()
    for row in read_current(session, facility, "Basic", [rights_id(facility)]):
        return ranges_of(wire.reread(row.content.encode()), today)
    return RESTRICTED


def _meta(text: str) -> dict[str, Any]:
    """Few resources have a label, so few are read for it."""
    found: dict[str, Any] = wire.reread(text.encode()) if '"security"' in text else {}
    return found


def _parts(session: Session, chart: Chart, ranges: Ranges) -> Iterator[_Part]:
    """Everything that stands in the chart, without holding what it says."""
    facility, patient = chart
    rows = session.execute(
        select(
            ResourceVersion.resource_type,
            ResourceVersion.resource_id,
            ResourceVersion.version,
            ResourceVersion.content,
            ResourceVersion.meta,
            ResourceHead.date_low,
        )
        .join(ResourceHead, STANDS)
        .where(
            ResourceHead.facility_code == facility,
            ResourceHead.patient_id == patient,
            ResourceHead.resource_type.in_(SHARED_TYPES),
        )
        .execution_options(yield_per=_AT_ONCE)
    )
    for resource_type, resource_id, version, content, meta, at in rows:
        said = wire.reread(content.encode())
        if not is_withdrawn(said):
            marks = marks_of(resource_type, resource_id, said, patient, ranges, _meta(meta))
            key = (resource_type, resource_id, version)
            yield _Part(key, marks, _UNDATED if at is None else at)


def _newest(parts: Iterable[_Part]) -> list[_Part]:
    """Whole visits, the newest first, as many as may be shown. What hangs on no visit (an allergy, a
    lasting disease) comes before them: it is of today, whenever it was written down."""
    lasting: list[_Part] = []
    visits: dict[str, list[_Part]] = {}
    for part in sorted(parts, key=lambda part: (-part.at, part.key)):
        is_lasting = part.key[0] == _ALLERGY or not part.marks.visit
        (lasting if is_lasting else visits.setdefault(part.marks.visit, [])).append(part)
    lasting.sort(key=lambda part: part.key[0] != _ALLERGY)
    found = lasting[:MOST_RESOURCES]
    for number, visit in enumerate(visits.values()):  # each has the place of its newest part
        room = MOST_RESOURCES - len(found)
        if len(visit) > room:
            # One that never fits is better shown in part than not at all: it is judged already.
            return found if number else found + visit[:room]
        found += visit
    return found


def _versions(session: Session, facility: str, keys: list[VersionKey]) -> list[Stored]:
    found: dict[VersionKey, Stored] = {}
    for resource_type in sorted({key[0] for key in keys}):
        ids = [key[1] for key in keys if key[0] == resource_type]
        for row in read_current(session, facility, resource_type, ids):
            found[row.resource_type, row.resource_id, row.version] = stored_of(row)
    return [found[key] for key in keys if key in found]
