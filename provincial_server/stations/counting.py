"""Keeps `daily_count` up to date, a portion of the change feed at a time.

Versions never change, so a count is a sum over changes: what the new version counts for, less what
the version before it counted for. The place in the feed moves in the same transaction, so nothing
is counted twice, however often and wherever this is stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, tuple_
from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.current_versions import VersionKey, read_changed, read_versions
from provincial_server.database import Database, lock_facility
from provincial_server.dates import VIETNAM, interval
from provincial_server.exchange.tables import portions
from provincial_server.settings import Clock
from provincial_server.stations.tables import (
    CONTACT,
    ENCOUNTER,
    RECEIVED,
    REFERRAL,
    CountedUpTo,
    DailyCount,
)
from provincial_server.store import EVERY_FACILITY, Device, Facility, ResourceVersion

_AT_ONCE = 2000
_DAY_OF = {"Encounter": (ENCOUNTER, "period"), "ServiceRequest": (REFERRAL, "authoredOn")}
_UNCOUNTED = frozenset({"entered-in-error", "cancelled", "draft", "planned", "in-progress"})
_Place = tuple[str, str]
"""Kind and day."""


def day_text(milliseconds: int) -> str:
    """The civil day in Vietnam."""
    return datetime.fromtimestamp(milliseconds / 1000, VIETNAM).date().isoformat()


def count_all(database: Database, clock: Clock, *, portions_at_most: int = 10_000) -> int:
    """Counts what came since the last time; how many portions of the feed that took."""
    done = 0
    with database.read(EVERY_FACILITY) as session:
        codes = list(_behind(session))
    for code in codes:
        while done < portions_at_most:
            with database.write(code) as session:
                finished = count_portion(session, code, clock())
            done += 1
            if finished:
                break
    with database.read(EVERY_FACILITY) as session:
        new = _new_contacts(session)
    for code, day in new:
        with database.write(code) as session:
            lock_facility(session, code)
            if session.get(DailyCount, (code, CONTACT, day)) is None:
                session.add(DailyCount(facility_code=code, kind=CONTACT, day=day, count=1))
    return done


def _behind(session: Session) -> Sequence[str]:
    return session.scalars(
        select(Facility.code)
        .outerjoin(CountedUpTo, CountedUpTo.facility_code == Facility.code)
        .where(Facility.last_sequence > func.coalesce(CountedUpTo.sequence, 0))
        .order_by(Facility.code)
    ).all()


def count_portion(session: Session, code: str, now: int, *, most: int = _AT_ONCE) -> bool:
    """The next changes of the facility's feed; True when nothing is left."""
    # The lock is on the facility, because on the first day there is no row of ours to lock.
    facility = lock_facility(session, code)
    place = session.get(CountedUpTo, code, populate_existing=True)
    if place is None:
        place = CountedUpTo(facility_code=code, sequence=0, counted_at=now)
        session.add(place)
    last = min(place.sequence + most, facility.last_sequence)
    _add(session, code, _difference(session, code, place.sequence, last))
    place.sequence, place.counted_at = last, now
    session.flush()
    return last >= facility.last_sequence


def _difference(session: Session, code: str, after: int, last: int) -> Counter[_Place]:
    rows = read_changed(session, code, list(_DAY_OF), after, last)
    before = _versions_before(session, code, rows)
    found: Counter[_Place] = Counter()
    for row in rows:
        new = _place(row)
        old = before.get((row.resource_type, row.resource_id, row.version - 1))
        if new:
            found[new] += 1
        if old:
            found[old] -= 1
        if new and not old and new[0] == ENCOUNTER:
            found[RECEIVED, day_text(row.last_updated)] += 1
    return found


def _versions_before(
    session: Session, code: str, rows: Iterable[ResourceVersion]
) -> dict[VersionKey, _Place | None]:
    keys = sorted((r.resource_type, r.resource_id, r.version - 1) for r in rows if r.version > 1)
    return {
        (row.resource_type, row.resource_id, row.version): _place(row)
        for row in read_versions(session, code, keys)
    }


def _place(row: ResourceVersion) -> _Place | None:
    """Where the version is counted; None for one that stands for nothing (any more)."""
    content: dict[str, Any] = wire.reread(row.content.encode())
    if content.get("status") in _UNCOUNTED:
        return None
    kind, element = _DAY_OF[row.resource_type]
    value = content.get(element)
    moment = value.get("start") if isinstance(value, dict) else value
    if isinstance(moment, str):
        with suppress(ValueError, OverflowError, OSError):  # a day that no calendar has
            return kind, day_text(interval(moment)[0])
    return kind, day_text(row.last_updated)


def _add(session: Session, code: str, found: Counter[_Place]) -> None:
    places = sorted(place for place, count in found.items() if count)
    for some in portions(places):
        rows = {
            (row.kind, row.day): row
            for row in session.scalars(
                select(DailyCount).where(
                    DailyCount.facility_code == code,
                    tuple_(DailyCount.kind, DailyCount.day).in_(some),
                )
            )
        }
        new = []
        for place in some:
            if place in rows:
                rows[place].count += found[place]
            else:
                kind, day = place
                new.append({"facility_code": code, "kind": kind, "day": day, "count": found[place]})
        if new:
            session.execute(insert(DailyCount), new)
    session.flush()


def _new_contacts(session: Session) -> list[_Place]:
    """Facilities and days of last contacts that are not noted yet."""
    newest = session.execute(
        select(Device.facility_code, func.max(Device.last_contact_at))
        .where(Device.last_contact_at.is_not(None))
        .group_by(Device.facility_code)
    )
    wanted = {(code, day_text(contact)) for code, contact in newest if contact is not None}
    if not wanted:
        return []
    days = sorted({day for _, day in wanted})
    noted = session.execute(
        select(DailyCount.facility_code, DailyCount.day).where(
            DailyCount.kind == CONTACT, DailyCount.day.in_(days)
        )
    )
    known = {(code, day) for code, day in noted}
    return sorted(wanted - known)
