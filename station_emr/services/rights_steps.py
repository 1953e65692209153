"""What would have to change on this machine for it to be as a record of rights or standing says: step by
step, with who may say so and why nobody can.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from station_emr.domain.access import LONGEST_GRANT, Closed, Grant, GrantKind
from station_emr.domain.errors import NotFound
from station_emr.domain.permissions import DEFAULT_TABLE, Action, Role, never
from station_emr.domain.record import RecordKind
from station_emr.domain.sensitive import parse_ranges, ranges_text
from station_emr.domain.station_rights import LEFT, GivenRight, Standing, StationRights
from station_emr.domain.user import User

from .ports import Work
from .restricted import RANGES, ranges_of
from .rights_records import known_cell, role_change
from .timekeeping import station_time

KEPT: Final = frozenset({Action.USER_MANAGE, Action.SETTINGS_EDIT, Action.AUDIT_VIEW})
"""What a director cannot lose: nobody could give it back."""

WALL: Final = "trái giới hạn chung của chương trình"
LAST_DIRECTOR: Final = "đó là giám đốc cuối cùng vào được máy này"
UNREADABLE: Final = "máy này không đọc được"

_MANAGES: Final = frozenset({Action.USER_MANAGE})
_RESTRICTS: Final = frozenset({Action.SENSITIVE_VIEW, Action.SETTINGS_EDIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One difference between the record and what holds here. ``needs`` are the rights of whoever
    says so; ``widens`` is the role and ``about`` the person who would get more by it; ``barred`` is
    why nobody can say so.
    """

    unit: str
    words: str
    take: Callable[[], None]
    needs: frozenset[Action] = _MANAGES
    widens: Role | None = None
    about: str = ""
    barred: str = ""


def is_last_director(work: Work, user_id: str) -> bool:
    """Whether nobody else could run this machine's accounts without this person."""
    user = person(work, user_id)
    if user is None or user.role is not Role.DIRECTOR or not user.active:
        return False
    for other in work.users.all():
        state = work.access.state(other.id)
        stays = other.role is Role.DIRECTOR and other.active and other.id != user_id
        if stays and state.closed is None and state.valid_until is None:
            return False
    return True


def steps_to(work: Work, kind: RecordKind, record: Any, now: datetime) -> tuple[Step, ...]:
    """What would have to change here for it to be as ``record`` says."""
    if kind is RecordKind.RIGHTS:
        return (*_cell_steps(work, record, now), *_range_steps(work, record))
    return (*_door_steps(work, record, now), *_day_steps(work, record), *_given(work, record))


def _cell_steps(work: Work, record: StationRights, now: datetime) -> list[Step]:
    here: dict[tuple[Role, Action], bool] = {}
    for change in work.access.role_changes():
        here[change.role, change.action] = change.granted
    steps = []
    for cell in record.cells:
        place = known_cell(cell)
        if place is None:
            continue
        role, action = place
        if cell.granted is here.get(place, action in DEFAULT_TABLE[role]):
            continue
        barred = cell.granted and action in never(role)
        barred = barred or (not cell.granted and role is Role.DIRECTOR and action in KEPT)
        change = role_change(cell, role, action, now)
        steps.append(
            Step(
                unit=f"{cell.role}.{cell.action}",
                words=f"{role.label}: {'được' if cell.granted else 'không được'} {action.label}",
                take=lambda change=change: work.access.add_role_change(change),  # type: ignore[misc]
                widens=role if cell.granted else None,
                barred=WALL if barred else "",
            )
        )
    return steps


def _range_steps(work: Work, record: StationRights) -> list[Step]:
    here = ranges_of(work)
    if set(record.ranges) == set(here):
        return []
    told = ranges_text(record.ranges)
    added = ranges_text(one for one in record.ranges if one not in here)
    removed = ranges_text(one for one in here if one not in record.ranges)
    words = [f"thêm mã hạn chế {added}"] if added else []
    words += [f"bỏ mã hạn chế {removed}"] if removed else []
    try:
        is_whole = parse_ranges(told) == record.ranges
    except ValueError:
        is_whole = False
    return [
        Step(
            unit="ranges",
            words="; ".join(words).replace("\n", " | "),
            take=lambda: work.settings.put(RANGES, told),
            needs=_RESTRICTS,
            barred="" if is_whole and record.ranges else UNREADABLE,
        )
    ]


def _door_steps(work: Work, record: Standing, now: datetime) -> list[Step]:
    state = work.access.state(record.user_id)
    is_shut = state.closed is Closed.BY_HAND or _has_left(work, record)
    if bool(record.shut) is is_shut:
        return []
    moment = station_time(work, now)
    if record.shut:
        then = replace(state, closed=Closed.BY_HAND, closed_at=record.shut_at or moment)
    else:
        then = replace(state, closed=None, closed_at=None, last_use=moment)
    last = bool(record.shut) and is_last_director(work, record.user_id)
    return [
        Step(
            unit="door",
            words="ngừng tài khoản" if record.shut else "mở lại tài khoản",
            take=lambda: work.access.put_state(then),
            about=record.user_id,
            barred=LAST_DIRECTOR if last else "",
        )
    ]


def _has_left(work: Work, record: Standing) -> bool:
    """Whether somebody who left is out here as well, without any mark."""
    user = person(work, record.user_id)
    return record.shut == LEFT and user is not None and not user.active


def _day_steps(work: Work, record: Standing) -> list[Step]:
    state = work.access.state(record.user_id)
    if (state.valid_from, state.valid_until) == (record.opens_on, record.closes_on):
        return []
    limited = record.opens_on is not None or record.closes_on is not None

    def take() -> None:
        now = work.access.state(record.user_id)  # the step before may have closed it
        first, last = record.opens_on, record.closes_on
        work.access.put_state(replace(now, valid_from=first, valid_until=last))

    days = f"{record.opens_on or '-'} – {record.closes_on or '-'}"
    return [
        Step(
            unit="days",
            words=f"thời hạn tài khoản {days}",
            take=take,
            about=record.user_id,
            barred=LAST_DIRECTOR if limited and is_last_director(work, record.user_id) else "",
        )
    ]


def _given(work: Work, record: Standing) -> list[Step]:
    here = {one.id: one for one in work.access.given_to(record.user_id)}
    steps = []
    for one in record.rights:
        known = here.get(one.id)
        ended = one.ended_at
        if known is not None and known.ended_at is None and ended is not None:
            steps.append(
                Step(
                    unit=f"right.{one.id}",
                    words=f"thu lại quyền có thời hạn: {_labels(known.actions)}",
                    take=lambda one=one, ended=ended: work.access.end_grant(one.id, "", ended),  # type: ignore[misc]
                    about=record.user_id,
                )
            )
        elif known is None and work.access.grant(one.id) is None:
            steps.append(_new_right(work, record, one))
    return steps


def _new_right(work: Work, record: Standing, given: GivenRight) -> Step:
    actions = frozenset(Action(one) for one in given.actions if one in set(Action))
    grant = Grant(
        id=given.id,
        kind=GrantKind.RIGHT,
        user_id=record.user_id,
        user_name=record.user_name,
        since=given.since,
        until=given.until,
        reason=given.reason,
        actions=actions,
        given_by=given.given_by,
    )

    def take() -> None:
        work.access.add_grant(grant)
        if given.ended_at is not None:
            work.access.end_grant(grant.id, "", given.ended_at)

    too_long = not given.since < given.until or given.until - given.since > LONGEST_GRANT
    return Step(
        unit=f"right.{given.id}",
        words=f"quyền có thời hạn: {_labels(actions)}",
        take=take,
        about=record.user_id,
        barred=UNREADABLE if not actions else WALL if too_long else "",
    )


def _labels(actions: frozenset[Action]) -> str:
    return "; ".join(sorted(one.label for one in actions))


def person(work: Work, user_id: str) -> User | None:
    try:
        return work.users.get(user_id)
    except NotFound:
        return None
