"""Between the right password and the record: what else is asked before anything is shown.

The key slot is open here and the database with it, but no use case has been handed out. Every step
that counts something commits before it refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from station_emr.domain.access import LONG_ENOUGH, AccountState
from station_emr.domain.audit import Result, Source
from station_emr.domain.door import (
    Credentials,
    JoiningNeeded,
    NewPasswordNeeded,
    SecondFactorNeeded,
    WrongCode,
)
from station_emr.domain.errors import (
    AccountLocked,
    InvalidRecord,
    PermissionDenied,
    Problem,
    StationError,
)
from station_emr.domain.user import Actor, User

from .access_rules import close_idle, is_exercise, read_policy, state_of
from .old_passwords import remembered, reuse_problems
from .ports import Clock, Store, Work
from .second_factor import (
    ASK_CODE,
    CODES_LOCKED,
    Picture,
    begin_within,
    check_code,
    join_within,
    wrong_within,
)
from .timekeeping import station_time

_JOIN: Final = (
    "Tài khoản này cần xác thực hai lớp. Hãy quét hình bằng ứng dụng xác thực trên điện thoại, "
    "rồi gõ mã 6 số đang hiện. Không cần mạng."
)
_JOIN_WRONG: Final = (
    "Mã này không khớp, chưa có gì thay đổi. Hãy chờ mã kế tiếp trên điện thoại rồi gõ lại."
)
_FIRST: Final = (
    "Mật khẩu này do người khác đặt nên chỉ dùng được một lần. Hãy tự chọn mật khẩu mới của bạn."
)
_OLD: Final = (
    "Mật khẩu quản trị đã quá {days} ngày. Hồ sơ vẫn nguyên. Hãy chọn mật khẩu mới để vào."
)
_SHORT: Final = "Mật khẩu này ngắn hơn 14 ký tự và tài khoản không còn xác thực hai lớp. Hãy chọn mật khẩu dài hơn."


class DoorKeys(Protocol):
    """The key slots as the door needs them."""

    def change_password(self, username: str, old: str, new: str) -> None: ...
    def password_problems(
        self, password: str, username: str, full_name: str, *, second_factor: bool = False
    ) -> tuple[Problem, ...]: ...


@dataclass(frozen=True, slots=True)
class Passed:
    """``codes`` are the recovery codes of a telephone that was joined just now, shown once."""

    codes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Outcome:
    refusal: StationError | None = None
    codes: tuple[str, ...] = ()
    changes_password: bool = False


class Door:
    """Lets one person in, or says what is still missing."""

    def __init__(self, store: Store, clock: Clock, keys: DoorKeys, picture: Picture) -> None:
        self._picture = picture
        self._store = store
        self._clock = clock
        self._keys = keys

    def enter(
        self, username: str, given: Credentials, device: str, *, recovery: bool = False
    ) -> Passed:
        """Raises what :mod:`station_emr.domain.door` names, AccountLocked or PermissionDenied.

        ``recovery``: the station's printed code opened, and a new password was set with it; that
        code stands in for the telephone.
        """
        now = self._clock.now()
        with self._store.write() as work:
            user = work.users.by_username(username)
            if user is None or not user.active:
                return Passed()  # logging in says so
            close_idle(work, now)
            outcome = self._judge(work, user, given, now, recovery=recovery)
        if outcome.refusal is not None:
            raise outcome.refusal
        if outcome.changes_password:
            self._change(user, given, device, now)
        with self._store.write() as work:
            moment = station_time(work, now)
            state = work.access.state(user.id)
            if recovery:
                state = _renewed(state, given.new_password, moment, self._clock.random)
            kept = replace(state, last_use=moment, password_at=state.password_at or moment)
            work.access.put_state(kept)
        return Passed(outcome.codes)

    def _judge(
        self, work: Work, user: User, given: Credentials, now: datetime, *, recovery: bool
    ) -> _Outcome:
        moment = station_time(work, now)
        state = state_of(work, user, moment)
        closed = state.refusal(moment.date())
        if closed:
            work.audit.append(
                None,
                "access.refused",
                now,
                detail={"account": user.username, "why": closed},
                result=Result.REFUSED,
                source=Source.BEFORE_OPENING,
                account=user.username,
            )
            return _Outcome(PermissionDenied(closed))
        if recovery:
            return _Outcome()
        if state.has_second_factor:
            opened = self._code(work, state, user, given.code, now)
            if isinstance(opened, StationError):
                return _Outcome(opened)
            state = opened
        why = _why_new(work, user, state, given, moment)
        refusal = self._refused(user, state, given, why) if why else None
        if refusal is not None:
            return _Outcome(refusal)  # the code was not used up: it is sent again with the password
        outcome = _Outcome(changes_password=bool(why))
        asked = read_policy(work).asks_second_factor(user.role) and not is_exercise(work)
        if asked and not state.has_second_factor:
            outcome.refusal, outcome.codes = self._join(work, state, user, given.code, now)
        else:
            work.access.put_state(state)
        return outcome

    def _code(
        self, work: Work, state: AccountState, user: User, code: str, now: datetime
    ) -> StationError | AccountState:
        if state.code_locked:
            return AccountLocked(CODES_LOCKED)
        if not code.strip():
            return SecondFactorNeeded(ASK_CODE)
        return check_code(state, code, now) or WrongCode(wrong_within(work, state, user, now))

    def _refused(
        self, user: User, state: AccountState, given: Credentials, why: str
    ) -> StationError | None:
        """Why the new password will not do, before anything is changed."""
        if not given.new_password:
            return NewPasswordNeeded(why, shorter=state.has_second_factor)
        problems = (
            *self._keys.password_problems(
                given.new_password,
                user.username,
                user.full_name,
                second_factor=state.has_second_factor,
            ),
            *same_problems(given.password, given.new_password),
            *reuse_problems(state, given.new_password),
        )
        return InvalidRecord(problems) if problems else None

    def _join(
        self, work: Work, state: AccountState, user: User, code: str, now: datetime
    ) -> tuple[StationError | None, tuple[str, ...]]:
        done = join_within(work, state, code, now, self._clock.random) if code.strip() else None
        if done is not None:
            actor = Actor(user=user, device=work.settings.station().device_name)
            work.audit.append(actor, "account.join_second_factor", now)
            return None, done[1]
        joining = begin_within(work, user, self._clock.random)
        sentence = _JOIN_WRONG if code.strip() else _JOIN
        asked = JoiningNeeded(
            sentence,
            secret=joining.secret,
            address=joining.address,
            squares=self._picture(joining.address),
        )
        return asked, ()

    def _change(self, user: User, given: Credentials, device: str, now: datetime) -> None:
        self._keys.change_password(user.username, given.password, given.new_password)
        with self._store.write() as work:
            state = work.access.state(user.id)
            if not state.used_passwords:  # the one that was given belongs to those used
                used = remembered((), given.password, self._clock.random(16))
                state = replace(state, used_passwords=used)
            moment = station_time(work, now)
            work.access.put_state(_renewed(state, given.new_password, moment, self._clock.random))
            work.audit.append(Actor(user=user, device=device), "account.change_password", now)


def refuse_closed(work: Work, user: User, now: datetime) -> None:
    """Raises PermissionDenied when the account is closed at this moment of the station's time."""
    closed = work.access.state(user.id).refusal(station_time(work, now).date())
    if closed:
        raise PermissionDenied(closed)


def same_problems(old: str, new: str) -> tuple[Problem, ...]:
    if old != new:
        return ()
    message = "Mật khẩu mới giống mật khẩu đang dùng. Hãy chọn mật khẩu khác."
    return (Problem(field="password", code="password-same", message=message),)


def _renewed(
    state: AccountState, password: str, moment: datetime, random: Callable[[int], bytes]
) -> AccountState:
    used = remembered(state.used_passwords, password, random(16)) if password else ()
    return replace(
        state, must_change=False, password_at=moment, used_passwords=used or state.used_passwords
    )


def _why_new(
    work: Work, user: User, state: AccountState, given: Credentials, moment: datetime
) -> str:
    if is_exercise(work):
        return ""
    if state.must_change:
        return _FIRST
    policy = read_policy(work)
    left = policy.days_left(user.role, state, moment)
    if left is not None and left < 0:
        return _OLD.format(days=policy.password_days)
    if 0 < len(given.password) < LONG_ENOUGH and not state.has_second_factor:
        return _SHORT
    return ""
