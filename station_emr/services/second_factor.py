"""The telephone's code as second factor: joining it, checking a code, the ten recovery codes.

Functions here work within the transaction of the use case around them; :class:`SecondFactor` is what
the screens call for the person's own account.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from station_emr.domain import one_time_code as otp
from station_emr.domain.access import MAX_WRONG_CODES, AccountState
from station_emr.domain.audit import Result, Source
from station_emr.domain.door import WrongCode
from station_emr.domain.errors import NotFound, StateError
from station_emr.domain.permissions import Action
from station_emr.domain.user import Actor, User

from .access_rules import read_policy
from .guards import allow, allow_oneself
from .ports import Clock, Store, Work

CODES_LOCKED = (
    "Tài khoản này đã bị khóa vì sai mã xác thực 5 lần. Hồ sơ vẫn nguyên. "
    "Nhờ giám đốc hoặc người quản trị mở khóa trong mục Người dùng."
)
ASK_CODE = "Mật khẩu đúng. Hãy gõ mã 6 số đang hiện trên điện thoại, hoặc một mã dự phòng."
WRONG = (
    "Mã xác thực không đúng hoặc đã dùng. Còn {left} lần thử, sau đó tài khoản bị khóa. "
    "Nếu mã trên điện thoại luôn bị từ chối, giờ của máy tính hoặc điện thoại có thể sai: "
    "hãy dùng một mã dự phòng."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What the telephone needs; ``address`` is shown as a picture, its rows of ``squares``."""

    secret: str
    address: str
    squares: tuple[bytes, ...] = ()


Picture = Callable[[str], tuple[bytes, ...]]
"""The rows of a QR code; 0 is a dark square."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorStanding:
    """How a person's second factor stands."""

    joined: bool
    codes_left: int
    required: bool


def begin_within(work: Work, user: User, random: Callable[[int], bytes]) -> Joining:
    """A secret for a telephone. The one that was begun is kept, so that a picture that was scanned
    a minute ago still fits.
    """
    state = work.access.state(user.id)
    if not state.pending_secret:
        state = replace(state, pending_secret=random(otp.SECRET_BYTES).hex())
        work.access.put_state(state)
    secret = bytes.fromhex(state.pending_secret)
    return Joining(
        secret=otp.shown_secret(secret),
        address=otp.enrolment_address(secret, user.username),
    )


def join_within(
    work: Work, state: AccountState, code: str, now: datetime, random: Callable[[int], bytes]
) -> tuple[AccountState, tuple[str, ...]] | None:
    """The state with the telephone joined and ten fresh codes; None when the code does not fit."""
    if not state.pending_secret:
        return None
    secret = bytes.fromhex(state.pending_secret)
    step = otp.matching_step(secret, code, now, drift=0, after=-1, window=otp.JOINING_WINDOW)
    if step is None:
        return None
    codes = fresh_codes(random)
    joined = replace(
        state,
        totp_secret=state.pending_secret,
        pending_secret="",
        totp_step=step,
        totp_drift=step - otp.step_at(now),
        wrong_codes=0,
        recovery=tuple(otp.recovery_hash(one, state.user_id) for one in codes),
    )
    work.access.put_state(joined)
    return joined, codes


def check_code(state: AccountState, code: str, now: datetime) -> AccountState | None:
    """The state after a code that opens (it is used up), None for one that does not."""
    if otp.looks_like_recovery(code):
        typed = otp.recovery_hash(code, state.user_id)
        left = tuple(one for one in state.recovery if not hmac.compare_digest(one, typed))
        return None if left == state.recovery else replace(state, recovery=left, wrong_codes=0)
    secret = bytes.fromhex(state.totp_secret)
    step = otp.matching_step(secret, code, now, drift=state.totp_drift, after=state.totp_step)
    if step is None:
        return None
    drift = step - otp.step_at(now)
    return replace(state, totp_step=step, totp_drift=drift, wrong_codes=0)


def wrong_within(work: Work, state: AccountState, user: User, now: datetime) -> str:
    """Count a wrong code and note it; gives the sentence to be told."""
    counted = replace(state, wrong_codes=state.wrong_codes + 1)
    work.access.put_state(counted)
    work.audit.append(
        None,
        "account.failed_log_in",
        now,
        detail={"account": user.username, "how": "second_factor"},
        result=Result.FAILED,
        source=Source.BEFORE_OPENING,
        account=user.username,
    )
    left = MAX_WRONG_CODES - counted.wrong_codes
    return CODES_LOCKED if left <= 0 else WRONG.format(left=left)


def fresh_codes(random: Callable[[int], bytes]) -> tuple[str, ...]:
    return tuple(otp.recovery_code(random(otp.RECOVERY_BYTES)) for _ in range(otp.RECOVERY_CODES))


class SecondFactor:
    """The person's own telephone, and taking a lost one away from somebody."""

    def __init__(self, store: Store, clock: Clock, picture: Picture) -> None:
        self._store = store
        self._clock = clock
        self._picture = picture

    def standing(self, actor: Actor) -> FactorStanding:
        allow_oneself(actor)
        with self._store.read() as work:
            state = work.access.state(actor.user.id)
            return FactorStanding(
                joined=state.has_second_factor,
                codes_left=len(state.recovery),
                required=read_policy(work).asks_second_factor(actor.role),
            )

    def begin(self, actor: Actor) -> Joining:
        """Raises StateError when a telephone is joined already."""
        allow_oneself(actor)
        with self._store.write() as work:
            if work.access.state(actor.user.id).has_second_factor:
                raise StateError(
                    "Tài khoản này đã có điện thoại xác thực. Muốn đổi điện thoại, nhờ giám đốc hoặc "
                    "người quản trị gỡ điện thoại cũ trong mục Người dùng."
                )
            joining = begin_within(work, actor.user, self._clock.random)
            work.audit.append(actor, "account.begin_second_factor", self._clock.now())
            return replace(joining, squares=self._picture(joining.address))

    def join(self, actor: Actor, code: str) -> tuple[str, ...]:
        """The ten recovery codes, shown once. Raises WrongCode; nothing is changed then."""
        allow_oneself(actor)
        now = self._clock.now()
        with self._store.write() as work:
            done = join_within(
                work, work.access.state(actor.user.id), code, now, self._clock.random
            )
            if done is None:
                raise WrongCode(
                    "Mã này không khớp nên chưa bật xác thực hai lớp. Hãy chờ mã kế tiếp trên điện thoại rồi gõ lại."
                )
            work.audit.append(actor, "account.join_second_factor", now)
            return done[1]

    def new_codes(self, actor: Actor) -> tuple[str, ...]:
        """Ten new recovery codes; those before open nothing from then on."""
        allow_oneself(actor)
        codes = fresh_codes(self._clock.random)
        with self._store.write() as work:
            state = work.access.state(actor.user.id)
            if not state.has_second_factor:
                raise StateError("Tài khoản này chưa bật xác thực hai lớp nên chưa có mã dự phòng.")
            hashes = tuple(otp.recovery_hash(one, state.user_id) for one in codes)
            work.access.put_state(replace(state, recovery=hashes))
            work.audit.append(actor, "account.new_second_factor_codes", self._clock.now())
        return codes

    def reset(self, actor: Actor, username: str) -> None:
        """Take away a telephone that was lost. The person joins another one where the station asks
        for it, and chooses a long password again otherwise.
        """
        allow(actor, Action.USER_MANAGE)
        with self._store.write() as work:
            user = work.users.by_username(username)
            if user is None:
                raise NotFound(f"Không có tài khoản “{username}”.")
            if user.id == actor.user.id:
                raise StateError(
                    "Không tự gỡ điện thoại xác thực của chính mình. Hãy nhờ người quản lý khác."
                )
            state = work.access.state(user.id)
            work.access.put_state(
                replace(
                    state,
                    totp_secret="",
                    pending_secret="",
                    totp_step=0,
                    totp_drift=0,
                    wrong_codes=0,
                    recovery=(),
                    must_change=state.must_change or state.has_second_factor,
                )
            )
            work.audit.append(
                actor,
                "account.reset_second_factor",
                self._clock.now(),
                kind="practitioner",
                record_id=user.id,
            )
