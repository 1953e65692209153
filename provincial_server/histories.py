"""Histories: of one resource, of a type and of everything that a facility has, newest first.

The history of a type or of all walks the facility's own feed of changes backwards: one row per
version, numbered without a gap, so that a page can neither skip nor repeat one.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from provincial_server.dates import interval
from provincial_server.faults import refuse
from provincial_server.negotiation import GENERAL, Pairs, shown
from provincial_server.resources import Key, Stored, stored_of
from provincial_server.settings import Limits
from provincial_server.store import Change, ResourceVersion

_LONGEST_NUMBER = 18
Rows = list[tuple[int, Stored]]
"""Each version with the number from which the next page goes on."""


@dataclass(frozen=True)
class Window:
    """Which part of a history is asked for."""

    count: int
    since: int | None
    before: int | None
    kept: Pairs
    """The parameters as the next link repeats them."""

    def next_query(self, rows: Rows) -> str | None:
        """`rows` were read with one more than the page holds."""
        if len(rows) <= self.count or not self.count:
            return None
        return urlencode([*self.kept, ("_cursor", str(rows[self.count - 1][0]))])


def read_window(parameters: Pairs, limits: Limits, *, lenient: bool) -> Window:
    count, since, before = limits.default_page, None, None
    kept: Pairs = []
    for name, value in parameters:
        if name in GENERAL:
            continue
        if name == "_count":
            count = min(_number(name, value), limits.page)
        elif name == "_cursor":
            before = _number(name, value)
            continue
        elif name == "_since":
            try:
                since = interval(value.replace(" ", "+"))[0]
            except ValueError:
                raise refuse(400, "value", "_since is not a date", "http._since") from None
        elif lenient:
            continue
        else:
            problem = "a history takes _count and _since"
            raise refuse(400, "value", problem, f"http.{shown(name)}")
        kept.append((name, value))
    return Window(count, since, before, kept)


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()) or len(value) > _LONGEST_NUMBER:
        raise refuse(400, "value", f"{name} is a whole number", f"http.{name}")
    return int(value)


def of_resource(session: Session, facility_code: str, key: Key, window: Window) -> tuple[Rows, int]:
    """One more version than the page holds, and how many there are; 404 where there is none."""
    own = (
        ResourceVersion.facility_code == facility_code,
        ResourceVersion.resource_type == key[0],
        ResourceVersion.resource_id == key[1],
    )
    query = select(ResourceVersion).where(*own).order_by(ResourceVersion.version.desc())
    counted = select(func.count()).select_from(ResourceVersion).where(*own)
    if session.scalars(query.limit(1)).first() is None:
        raise refuse(404, "not-found", "no such resource")
    if window.since is not None:
        recent = ResourceVersion.last_updated >= window.since
        query, counted = query.where(recent), counted.where(recent)
    if window.before is not None:
        query = query.where(ResourceVersion.version < window.before)
    rows = [(row.version, stored_of(row)) for row in session.scalars(query.limit(window.count + 1))]
    return rows, session.scalar(counted) or 0


def of_facility(
    session: Session, facility_code: str, resource_type: str | None, window: Window
) -> Rows:
    """One more version than the page holds, of one type or of all. They are not counted: that would
    read years of changes for one page."""
    query = (
        select(Change.sequence, ResourceVersion)
        .join(
            ResourceVersion,
            and_(
                ResourceVersion.facility_code == Change.owner_code,
                ResourceVersion.resource_type == Change.resource_type,
                ResourceVersion.resource_id == Change.resource_id,
                ResourceVersion.version == Change.version,
            ),
        )
        .where(Change.facility_code == facility_code, Change.owner_code == facility_code)
        .order_by(Change.sequence.desc())
        .limit(window.count + 1)
    )
    if resource_type is not None:
        query = query.where(Change.resource_type == resource_type)
    if window.before is not None:
        query = query.where(Change.sequence < window.before)
    rows = [(sequence, stored_of(row)) for sequence, row in session.execute(query)]
    # Times grow with the numbers, so older ones only follow; asking the database for the times
    # would have it walk back to the first change to find that there is no other.
    since = window.since
    return rows if since is None else [row for row in rows if row[1].last_updated >= since]
