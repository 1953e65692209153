"""Reads stored versions: those that stand now, in portions that a statement can name, and those that a
stretch of a facility's own feed brought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Result, and_, select, tuple_
from sqlalchemy.orm import Session

from provincial_server.exchange.tables import portions
from provincial_server.store import Change, ResourceHead, ResourceVersion

_AT_ONCE = 500
VersionKey = tuple[str, str, int]
"""Type, id and version, within a facility."""
STANDS = and_(
    ResourceHead.facility_code == ResourceVersion.facility_code,
    ResourceHead.resource_type == ResourceVersion.resource_type,
    ResourceHead.resource_id == ResourceVersion.resource_id,
    ResourceHead.version == ResourceVersion.version,
)
"""Joins a version to its resource where it is the one that stands now."""


def read_current(
    session: Session, facility_code: str, resource_type: str, ids: Sequence[str]
) -> Iterator[ResourceVersion]:
    """What these resources say now; one that is not there is left out."""
    for some in portions(ids):
        yield from session.scalars(
            select(ResourceVersion)
            .join(ResourceHead, STANDS)
            .where(
                ResourceHead.facility_code == facility_code,
                ResourceHead.resource_type == resource_type,
                ResourceHead.resource_id.in_(some),
            )
        )


def read_all_current(session: Session, facility_code: str, resource_type: str) -> Result[str, str]:
    """Id and content of every resource of the type, without holding all of them."""
    return session.execute(
        select(ResourceVersion.resource_id, ResourceVersion.content)
        .join(ResourceHead, STANDS)
        .where(
            ResourceHead.facility_code == facility_code,
            ResourceHead.resource_type == resource_type,
        )
        .execution_options(yield_per=_AT_ONCE)
    )


def read_versions(
    session: Session, facility_code: str, keys: Sequence[VersionKey]
) -> Iterator[ResourceVersion]:
    """These very versions."""
    for some in portions(keys):
        yield from session.scalars(
            select(ResourceVersion).where(
                ResourceVersion.facility_code == facility_code,
                tuple_(
                    ResourceVersion.resource_type,
                    ResourceVersion.resource_id,
                    ResourceVersion.version,
                ).in_(some),
            )
        )


def read_changed(
    session: Session, facility_code: str, types: Sequence[str], after: int, last: int
) -> Sequence[ResourceVersion]:
    """The versions of these types that the stretch of the feed brought."""
    return session.scalars(
        select(ResourceVersion)
        .join(
            Change,
            and_(
                Change.owner_code == ResourceVersion.facility_code,
                Change.resource_type == ResourceVersion.resource_type,
                Change.resource_id == ResourceVersion.resource_id,
                Change.version == ResourceVersion.version,
            ),
        )
        .where(own_changes(facility_code, types, after, last))
    ).all()


def own_changes(
    facility_code: str, types: Sequence[str], after: int, last: int
) -> ColumnElement[bool]:
    """The facility's own work in this stretch of its feed."""
    return and_(
        Change.facility_code == facility_code,
        Change.owner_code == facility_code,
        Change.sequence > after,
        Change.sequence <= last,
        Change.resource_type.in_(types),
    )
