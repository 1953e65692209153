"""Accounts in use: opened again, closed, limited in time; rights for a time; the yearly review."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from station_emr.domain.access import (
    LONGEST_GRANT,
    RIGHTS_REVIEW_DAYS,
    AccessPolicy,
    AccountState,
    Closed,
    Grant,
    GrantKind,
    RightsReview,
)
from station_emr.domain.errors import InvalidRecord, NotFound, Problem, StateError
from station_emr.domain.permissions import Action, PermissionTable, Role, never
from station_emr.domain.record import Changes
from station_emr.domain.station_rights import BY_HAND
from station_emr.domain.text import clean
from station_emr.domain.user import Actor, User

from .access_rules import close_idle, idle_warning, password_warning, read_policy, write_policy
from .accounts import Accounts
from .guards import allow, allow_oneself
from .ports import Clock, Store, Work
from .rights import station_table
from .rights_records import write_standing
from .timekeeping import note_use, station_time, use_is_old

_SHORTEST_REASON: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """One account as those in charge see it. ``refusal`` is why it is closed now."""

    user: User
    refusal: str
    closed: Closed | None
    second_factor: bool
    second_factor_asked: bool
    code_locked: bool
    must_change: bool
    idle_days: int
    valid_from: date | None
    valid_until: date | None
    password_at: datetime | None
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsRow:
    """One person in the yearly review."""

    user: User
    actions: frozenset[Action]
    grants: tuple[Grant, ...]
    last_use: datetime | None
    review: RightsReview | None
    due: bool


class Access:
    """Use cases of those who run the accounts."""

    def __init__(self, store: Store, clock: Clock, accounts: Accounts) -> None:
        self._store = store
        self._clock = clock
        self._accounts = accounts

    def rows(self, actor: Actor) -> tuple[AccountRow, ...]:
        allow(actor, Action.USER_MANAGE)
        with self._store.read() as work:
            moment = station_time(work, self._clock.now())
            policy = read_policy(work)
            return tuple(
                _row(work, user, work.access.state(user.id), policy, moment)
                for user in work.users.all()
            )

    def sweep(self, actor: Actor) -> int:
        """Close now what was not used for too long, and say how many that were."""
        allow(actor, Action.USER_MANAGE)
        with self._store.write() as work:
            return len(close_idle(work, self._clock.now()))

    def suspend(self, actor: Actor, username: str) -> None:
        """Close an account until somebody opens it again."""
        allow(actor, Action.USER_MANAGE)
        with self._store.write() as work:
            user, now = self._other(work, actor, username), self._clock.now()
            if user.role is Role.DIRECTOR:
                self._keep_a_director(work, user)
            state = work.access.state(user.id)
            moment = station_time(work, now)
            work.access.put_state(replace(state, closed=Closed.BY_HAND, closed_at=moment))
            _note(work, actor, "account.suspend", user, now)
            write_standing(work, actor, user, now, shut=BY_HAND)

    def reopen(self, actor: Actor, username: str) -> None:
        """Open an account that was closed; its days without use begin anew."""
        allow(actor, Action.USER_MANAGE)
        with self._store.write() as work:
            user, now = self._other(work, actor, username), self._clock.now()
            state = work.access.state(user.id)
            moment = station_time(work, now)
            work.access.put_state(replace(state, closed=None, closed_at=None, last_use=moment))
            _note(work, actor, "account.reopen", user, now)
            write_standing(
                work, actor, user, now, shut="" if state.closed is Closed.BY_HAND else None
            )

    def limit(
        self, actor: Actor, username: str, valid_from: date | None, valid_until: date | None
    ) -> None:
        """The first and the last day on which the account may be used; None for no limit."""
        allow(actor, Action.USER_MANAGE)
        if valid_from is not None and valid_until is not None and valid_until < valid_from:
            raise InvalidRecord(
                (
                    _problem(
                        "valid_until", "Ngày hết hạn phải sau ngày bắt đầu. Chưa có gì thay đổi."
                    ),
                )
            )
        with self._store.write() as work:
            user, now = self._other(work, actor, username), self._clock.now()
            if user.role is Role.DIRECTOR and (valid_from or valid_until):
                self._keep_a_director(work, user)
            state = work.access.state(user.id)
            work.access.put_state(replace(state, valid_from=valid_from, valid_until=valid_until))
            days = {
                "from_day": f"{valid_from:%d/%m/%Y}" if valid_from else "-",
                "until_day": f"{valid_until:%d/%m/%Y}" if valid_until else "-",
            }
            _note(work, actor, "account.limit", user, now, days)
            write_standing(work, actor, user, now, days=True)

    def leave(self, actor: Actor, username: str) -> Changes:
        """Somebody has left the station: the account, its key slot and its rights for a time end."""
        allow(actor, Action.USER_MANAGE)
        now = self._clock.now()
        with self._store.read() as work:
            user = self._other(work, actor, username)
        changes = self._accounts.update_user(actor, replace(user, active=False))
        with self._store.write() as work:
            moment = station_time(work, now)
            for grant in work.access.grants_of(user.id, moment):
                work.access.end_grant(grant.id, actor.user.id, moment)
            _note(work, actor, "account.leave", user, now)
            write_standing(work, actor, work.users.get(user.id), now)
        return changes

    # -- rights for a time -----------------------------------------------------------------------

    def give(
        self,
        actor: Actor,
        username: str,
        actions: Collection[Action],
        *,
        since: datetime,
        until: datetime,
        reason: str,
    ) -> Grant:
        """Let a person do more than the role does, from one moment to another."""
        allow(actor, Action.USER_MANAGE)
        reason, now = clean(reason), self._clock.now()
        with self._store.write() as work:
            user, moment = self._other(work, actor, username), station_time(work, now)
            problems = _grant_problems(user, actions, since, until, reason, moment)
            if problems:
                raise InvalidRecord(problems)
            grant = Grant(
                id=self._clock.new_id(),
                kind=GrantKind.RIGHT,
                user_id=user.id,
                user_name=user.snapshot.printed_name,
                since=since,
                until=until,
                reason=reason,
                actions=frozenset(actions),
                given_by=actor.user.snapshot.printed_name,
            )
            work.access.add_grant(grant)
            detail = {
                "right": "; ".join(sorted(one.label for one in actions)),
                "from_day": f"{since:%d/%m/%Y %H:%M}",
                "until_day": f"{until:%d/%m/%Y %H:%M}",
                "reason": reason,
            }
            _note(work, actor, "user.give_right", user, now, detail)
            write_standing(work, actor, user, now)
        return grant

    def end(self, actor: Actor, grant_id: str) -> None:
        """Take a right for a time back before its end."""
        allow(actor, Action.USER_MANAGE)
        now = self._clock.now()
        with self._store.write() as work:
            grant = work.access.grant(grant_id)
            if grant is None:
                raise NotFound("Không có quyền có thời hạn này.")
            work.access.end_grant(grant_id, actor.user.id, station_time(work, now))
            user = work.users.get(grant.user_id)
            _note(work, actor, "user.end_right", user, now)
            write_standing(work, actor, user, now)

    def grants(self, actor: Actor) -> tuple[Grant, ...]:
        allow(actor, Action.USER_MANAGE)
        with self._store.read() as work:
            return work.access.rights_given()

    # -- rules and reviews -----------------------------------------------------------------------

    def policy(self, actor: Actor) -> AccessPolicy:
        allow(actor, Action.USER_MANAGE)
        with self._store.read() as work:
            return read_policy(work)

    def save_policy(self, actor: Actor, policy: AccessPolicy) -> None:
        """For whom the second factor is asked; administrators cannot be left out."""
        allow(actor, Action.USER_MANAGE)
        with self._store.write() as work:
            write_policy(work, policy)
            named = read_policy(work).second_factor
            detail = {"roles": "; ".join(sorted(role.label for role in named))}
            work.audit.append(actor, "account.policy", self._clock.now(), detail=detail)

    def rights_rows(self, actor: Actor) -> tuple[RightsRow, ...]:
        """Who may do what, and when that was last looked at; those that are due come first."""
        allow(actor, Action.USER_MANAGE)
        with self._store.read() as work:
            moment = station_time(work, self._clock.now())
            table = station_table(work)
            reviews = {review.user_id: review for review in work.access.rights_reviews()}
            rows = [
                _rights_row(work, user, table, reviews.get(user.id), moment)
                for user in work.users.all()
                if user.active
            ]
        return tuple(sorted(rows, key=lambda row: not row.due))

    def review_rights(self, actor: Actor, username: str, *, keeps: bool, note: str) -> RightsReview:
        """Note that one person's rights were looked at. Taking them away is done beside it."""
        allow(actor, Action.USER_MANAGE)
        now = self._clock.now()
        with self._store.write() as work:
            user = _user(work, username)
            review = RightsReview(
                user_id=user.id,
                user_name=user.snapshot.printed_name,
                role=user.role,
                keeps=keeps,
                note=clean(note),
                by_id=actor.user.id,
                by_name=actor.user.snapshot.printed_name,
                at=station_time(work, now),
            )
            work.access.add_rights_review(review)
            detail = {"result": "giữ nguyên" if keeps else "cần đổi"}
            _note(work, actor, "user.review_rights", user, now, detail)
        return review

    def warning(self, actor: Actor) -> str:
        """What the person should know of the own account; empty when all is well. Asked all day long,
        so it also notes that time has passed: a clock set back afterwards prolongs nothing.
        """
        allow_oneself(actor)
        now = self._clock.now()
        with self._store.read() as work:
            old = use_is_old(work, now)
        if old:
            with self._store.write() as work:
                note_use(work, now)
        with self._store.read() as work:
            return password_warning(work, actor.user, now) or idle_warning(work, actor.user, now)

    def _other(self, work: Work, actor: Actor, username: str) -> User:
        user = _user(work, username)
        if user.id == actor.user.id:
            raise StateError(
                "Không tự đổi tình trạng hay quyền của chính mình. Hãy nhờ người quản lý khác làm."
            )
        return user

    @staticmethod
    def _keep_a_director(work: Work, leaving: User) -> None:
        for user in work.users.all():
            state = work.access.state(user.id)
            stays = user.role is Role.DIRECTOR and user.active and user.id != leaving.id
            if stays and state.closed is None and state.valid_until is None:
                return
        raise StateError(
            "Trạm phải còn ít nhất một giám đốc vào được không thời hạn. Hãy thêm giám đốc khác trước."
        )


def _row(
    work: Work, user: User, state: AccountState, policy: AccessPolicy, moment: datetime
) -> AccountRow:
    grants = work.access.grants_of(user.id, moment)
    return AccountRow(
        user=user,
        refusal=state.refusal(moment.date()),
        closed=state.closed,
        second_factor=state.has_second_factor,
        second_factor_asked=policy.asks_second_factor(user.role),
        code_locked=state.code_locked,
        must_change=state.must_change,
        idle_days=state.idle_days(moment),
        valid_from=state.valid_from,
        valid_until=state.valid_until,
        password_at=state.password_at,
        grants=tuple(one for one in grants if one.kind is GrantKind.RIGHT),
    )


def _rights_row(
    work: Work,
    user: User,
    table: PermissionTable,
    review: RightsReview | None,
    moment: datetime,
) -> RightsRow:
    changed_role = review is not None and review.role is not user.role
    old = review is None or (moment - review.at).days >= RIGHTS_REVIEW_DAYS
    return RightsRow(
        user=user,
        actions=table[user.role],
        grants=tuple(
            one for one in work.access.grants_of(user.id, moment) if one.kind is GrantKind.RIGHT
        ),
        last_use=work.access.state(user.id).last_use or user.last_login_at,
        review=review,
        due=old or changed_role,
    )


def _grant_problems(
    user: User,
    actions: Collection[Action],
    since: datetime,
    until: datetime,
    reason: str,
    now: datetime,
) -> tuple[Problem, ...]:
    found: list[Problem] = []
    walls = [action for action in actions if action in never(user.role)]
    if not actions:
        found.append(_problem("actions", "Chưa chọn quyền nào."))
    found += [
        _problem(
            "actions",
            f"Vai trò “{user.role.label}” không bao giờ được {action.label}, kể cả có thời hạn.",
        )
        for action in walls
    ]
    if not since < until or until <= now:
        found.append(_problem("until", "Thời hạn phải kết thúc sau lúc bắt đầu và sau bây giờ."))
    elif until - since > LONGEST_GRANT:
        found.append(
            _problem("until", "Quyền có thời hạn dài nhất là một năm. Lâu hơn thì đổi vai trò.")
        )
    if len(reason) < _SHORTEST_REASON:
        found.append(_problem("reason", "Hãy ghi lý do cấp quyền (ít nhất 10 ký tự)."))
    return tuple(found)


def _problem(field: str, message: str) -> Problem:
    return Problem(field=field, code=f"{field}-refused", message=message)


def _user(work: Work, username: str) -> User:
    user = work.users.by_username(username)
    if user is None:
        raise NotFound(f"Không có tài khoản “{username}”.")
    return user


def _note(
    work: Work,
    actor: Actor,
    action: str,
    user: User,
    now: datetime,
    detail: dict[str, str] | None = None,
) -> None:
    work.audit.append(
        actor,
        action,
        now,
        kind="practitioner",
        record_id=user.id,
        detail={"account": user.username, **(detail or {})},
    )
