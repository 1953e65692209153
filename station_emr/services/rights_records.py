"""What those in charge decide on this machine, written down as records that travel to the others.

The tables that every use case is judged by stay as they are; a record says what they hold now, with
everything that a newer program wrote beside it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from station_emr.domain.access import Closed, Grant, RoleChange
from station_emr.domain.errors import NotFound
from station_emr.domain.merge import untouched
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import Changed, RecordKind, RecordStatus
from station_emr.domain.station_rights import (
    BY_HAND,
    LEFT,
    GivenRight,
    RightCell,
    Standing,
    StationRights,
    ordered_cells,
    ordered_rights,
    rights_id,
    standing_id,
)
from station_emr.domain.user import Actor, User

from .ports import Work
from .record_stores import record_store
from .restricted import ranges_of


def id_here(work: Work) -> str:
    """Of the one record of rights that the station has."""
    try:
        return rights_id(work.settings.station().code)
    except NotFound:
        return rights_id("")


def rights_in_force(work: Work) -> StationRights:
    """As everybody here is judged now."""
    device = _device(work)
    name = id_here(work)
    found = work.rights.find(name)
    unknown = [one for one in (found.record.cells if found else ()) if known_cell(one) is None]
    cells = [
        RightCell(
            role=one.role.value,
            action=one.action.value,
            granted=one.granted,
            by_id=one.by_id,
            by_name=one.by_name,
            at=one.at,
            device=one.device or device,
        )
        for one in work.access.role_changes()
    ]
    return StationRights(id=name, cells=ordered_cells([*unknown, *cells]), ranges=ranges_of(work))


def standing_in_force(work: Work, person: Standing, *, active: bool) -> Standing:
    """``person`` as the account stands here now. Who left this PC is closed without any mark."""
    state = work.access.state(person.user_id)
    shut = (person.shut or BY_HAND) if state.closed is Closed.BY_HAND else ""
    if person.shut == LEFT and not active:
        shut = LEFT
    here = {one.id: given_right(one) for one in work.access.given_to(person.user_id)}
    strange = [one for one in person.rights if one.id not in here]
    return replace(
        person,
        shut=shut,
        opens_on=state.valid_from,
        closes_on=state.valid_until,
        rights=ordered_rights([*strange, *here.values()]),
    )


def given_right(grant: Grant) -> GivenRight:
    return GivenRight(
        id=grant.id,
        since=grant.since,
        until=grant.until,
        reason=grant.reason,
        actions=tuple(sorted(one.value for one in grant.actions)),
        given_by=grant.given_by,
        ended_at=grant.ended_at,
    )


def known_cell(cell: RightCell) -> tuple[Role, Action] | None:
    """None for a role or a right of a newer program."""
    try:
        return Role(cell.role), Action(cell.action)
    except ValueError:
        return None


def write_rights(work: Work, actor: Actor, now: datetime) -> tuple[Changed, ...]:
    """To be called after the table or the restricted codes were changed, in the same transaction.
    What arrived and was held back is decided with it: it is as this machine says.
    """
    return _write(work, actor, RecordKind.RIGHTS, rights_in_force(work), now)


def write_standing(
    work: Work,
    actor: Actor,
    user: User,
    now: datetime,
    *,
    shut: str | None = None,
    days: bool = False,
) -> tuple[Changed, ...]:
    """To be called after an account was closed, opened, limited or given a right. ``shut`` is the word
    that was said on that, ``days``: the first and last day were set.
    """
    name = standing_id(user.id)
    found = work.standings.find(name)
    before = found.record if found else Standing(id=name, user_id=user.id)
    record = replace(
        standing_in_force(work, before, active=user.active),
        user_name=user.snapshot.printed_name,
        rights=_without_strange(work, before, now),
    )
    if shut is not None or record.shut != before.shut:
        said = record.shut if shut is None else shut
        who = actor.user.snapshot.printed_name
        record = replace(record, shut=said, shut_at=now, shut_by=who)
    if days:
        record = replace(record, days_at=now)
    if found is None and record == replace(before, user_name=record.user_name):
        return ()
    return _write(work, actor, RecordKind.STANDING, record, now)


def _without_strange(work: Work, before: Standing, now: datetime) -> tuple[GivenRight, ...]:
    """A right that was held back here has ended with what is said now."""
    here = {one.id: given_right(one) for one in work.access.given_to(before.user_id)}
    strange = [
        one if one.ended_at is not None else replace(one, ended_at=now)
        for one in before.rights
        if one.id not in here
    ]
    return ordered_rights([*strange, *here.values()])


def _write(
    work: Work, actor: Actor, kind: RecordKind, record: Any, now: datetime
) -> tuple[Changed, ...]:
    store = record_store(work, kind)
    found = store.find(record.id)
    left: list[str] = []
    if found is not None:
        opened = work.operations.node(kind, record.id, found.version).open_fields
        left = untouched(kind, found.record, record, opened)
        if record == found.record and len(left) == len(opened):
            return ()
    forget_held(work, record.id)
    changed = store.add_version(
        record,
        RecordStatus.SIGNED if found is None else RecordStatus.AMENDED,
        author=actor.user.snapshot,
        at=now,
        expected_version=0 if found is None else found.version,
        open_fields=tuple(left),
    )
    return (changed,)


def held_key(record_id: str) -> str:
    """Where it stands what arrived and was not let in."""
    return f"rights.held.{record_id}"


def forget_held(work: Work, record_id: str) -> None:
    if work.settings.get(held_key(record_id)):
        work.settings.put(held_key(record_id), "")


def role_change(cell: RightCell, role: Role, action: Action, at: datetime) -> RoleChange:
    return RoleChange(
        role=role,
        action=action,
        granted=cell.granted,
        by_id=cell.by_id,
        by_name=cell.by_name,
        at=cell.at or at,
        device=cell.device,
    )


def _device(work: Work) -> str:
    try:
        return work.settings.station().device_name
    except NotFound:
        return ""
