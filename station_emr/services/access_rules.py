"""The station's rules at the door, and the sweep that closes accounts nobody uses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from station_emr.domain.access import (
    ADMIN_PASSWORD_DAYS,
    DEFAULT_POLICY,
    IDLE_DAYS,
    WARN_DAYS,
    AccessPolicy,
    AccountState,
    Closed,
)
from station_emr.domain.permissions import Role
from station_emr.domain.user import User

from .ports import Work
from .timekeeping import station_time

POLICY: Final = "access.policy"
_SWEPT: Final = "access.swept"


def read_policy(work: Work) -> AccessPolicy:
    """The default for whatever the station has not decided, or cannot be read."""
    try:
        kept: Any = json.loads(work.settings.get(POLICY) or "{}")
        roles = frozenset(Role(name) for name in kept["second_factor"])
    except (ValueError, KeyError, TypeError):
        return DEFAULT_POLICY
    return AccessPolicy(second_factor=roles | DEFAULT_POLICY.second_factor)


def write_policy(work: Work, policy: AccessPolicy) -> None:
    roles = sorted(role.value for role in policy.second_factor | DEFAULT_POLICY.second_factor)
    work.settings.put(POLICY, json.dumps({"second_factor": roles}))


def is_exercise(work: Work) -> bool:
    """The made-up station shows its passwords on the log-in page; asking for more would be theatre."""
    return work.settings.station().demo


def state_of(work: Work, user: User, now: datetime) -> AccountState:
    """What is kept of the account; the days without use begin with what is known of its last one."""
    state = work.access.state(user.id)
    if state.last_use is None:
        last = user.last_login_at
        state = replace(state, last_use=now if last is None else min(last, now))
    return state


def close_idle(work: Work, now: datetime) -> tuple[User, ...]:
    """Close what was not used for 45 days of the station's time. Gives those it closed.

    The last director stays: nobody could open the station's settings again. He is warned instead.
    """
    if is_exercise(work):
        return ()
    moment = station_time(work, now)
    active = [user for user in work.users.all() if user.active]
    states = {user.id: state_of(work, user, moment) for user in active}
    for state in states.values():
        if work.access.state(state.user_id) != state:
            work.access.put_state(state)
    open_ones = [user for user in active if states[user.id].closed is None]
    idle = {user.id for user in open_ones if states[user.id].is_idle(moment)}
    directors = [user for user in open_ones if user.role is Role.DIRECTOR]
    if directors and all(user.id in idle for user in directors):
        newest = max(directors, key=lambda user: states[user.id].last_use or moment)
        idle.discard(newest.id)
    closed = tuple(user for user in open_ones if user.id in idle)
    for user in closed:
        work.access.put_state(replace(states[user.id], closed=Closed.IDLE, closed_at=moment))
        work.audit.append(
            None,
            "account.close_idle",
            now,
            kind="practitioner",
            record_id=user.id,
            account=user.username,
            detail={"account": user.username, "days": str(states[user.id].idle_days(moment))},
        )
    return closed


def sweep_daily(work: Work, now: datetime) -> tuple[User, ...]:
    """Once a day of the station's time is enough for what nobody waits for."""
    today = station_time(work, now).date().isoformat()
    if work.settings.get(_SWEPT) == today:
        return ()
    work.settings.put(_SWEPT, today)
    return close_idle(work, now)


def idle_warning(work: Work, user: User, now: datetime) -> str:
    """What the last director is told who would have been closed."""
    if user.role is not Role.DIRECTOR:
        return ""
    days = work.access.state(user.id).idle_days(station_time(work, now))
    if days < IDLE_DAYS:
        return ""
    return (
        f"Tài khoản giám đốc này đã {days} ngày không dùng. Tài khoản khác bị ngừng sau {IDLE_DAYS} ngày; "
        "tài khoản này được giữ vì là giám đốc duy nhất. Hãy thêm một giám đốc dự phòng."
    )


def password_warning(work: Work, user: User, now: datetime) -> str:
    """Seven days before an administrator's password must be changed."""
    if is_exercise(work):
        return ""
    state = work.access.state(user.id)
    left = read_policy(work).days_left(user.role, state, station_time(work, now))
    if left is None or left > WARN_DAYS:
        return ""
    return (
        f"Mật khẩu quản trị phải đổi sau mỗi {ADMIN_PASSWORD_DAYS} ngày. Còn {max(left, 0)} ngày. "
        "Hãy đổi trong Quản trị, mục Của tôi."
    )
