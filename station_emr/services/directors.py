"""A director makes somebody a director, beside or instead of himself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from station_emr.domain.errors import NotFound, PermissionDenied, StateError
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import Changed, Changes
from station_emr.domain.user import Actor, User

from .accounts import Accounts
from .guards import allow, needs_reason
from .ports import Clock, Store, Work
from .timekeeping import station_time


class Directors:
    """The station is never without a director who may log in: the new one is there before the old
    one steps back, in one transaction.
    """

    def __init__(self, store: Store, clock: Clock, accounts: Accounts) -> None:
        self._store = store
        self._clock = clock
        self._accounts = accounts

    def appoint(self, actor: Actor, username: str, password: str, reason: str) -> Changes:
        """Make one more person a director. ``password`` is the actor's own."""
        return self._appoint(actor, username, password, reason, None)

    def hand_over(
        self, actor: Actor, username: str, password: str, reason: str, own_role: Role
    ) -> Changes:
        """The same, and the actor goes on as ``own_role`` from the next log-in."""
        if own_role is Role.DIRECTOR:
            raise StateError("Hãy chọn vai trò mới của bạn sau khi bàn giao. Chưa có gì thay đổi.")
        return self._appoint(actor, username, password, reason, own_role)

    def _appoint(
        self, actor: Actor, username: str, password: str, reason: str, own_role: Role | None
    ) -> Changes:
        allow(actor, Action.USER_MANAGE)
        if actor.role is not Role.DIRECTOR:
            raise PermissionDenied("Chỉ giám đốc trạm được cử giám đốc khác hay bàn giao chức vụ.")
        reason = needs_reason(reason)
        with self._store.read() as work:
            self._may_become(work, actor, username)
        self._accounts.confirm_oneself(actor, password)
        now = self._clock.now()
        with self._store.write() as work:
            user = replace(self._may_become(work, actor, username), role=Role.DIRECTOR)
            changed = [self._save(work, actor, user, now)]
            detail = {"account": user.username, "reason": reason}
            action = "user.appoint_director" if own_role is None else "user.hand_over"
            work.audit.append(
                actor, action, now, kind="practitioner", record_id=user.id, detail=detail
            )
            if own_role is not None:
                oneself = work.users.get(actor.user.id)
                changed.append(self._save(work, actor, replace(oneself, role=own_role), now))
        return Changes(tuple(changed))

    def _save(self, work: Work, actor: Actor, user: User, now: datetime) -> Changed:
        changed = work.users.save(user, author=actor.user.snapshot, at=now)
        work.audit.append(
            actor,
            "user.update",
            now,
            kind="practitioner",
            record_id=user.id,
            detail={"role": user.role, "active": str(user.active)},
        )
        self._accounts.describe(user)
        return changed

    def _may_become(self, work: Work, actor: Actor, username: str) -> User:
        """One who can log in today and on every day to come."""
        user = work.users.by_username(username)
        if user is None:
            raise NotFound(f"Không có tài khoản “{username}”.")
        oneself = work.users.get(actor.user.id)
        if not oneself.active or oneself.role is not Role.DIRECTOR:
            raise PermissionDenied(
                "Bạn không còn là giám đốc trạm. Chưa có gì thay đổi. Hãy đăng nhập lại."
            )
        if user.id == actor.user.id or (user.role is Role.DIRECTOR and user.active):
            raise StateError("Người này đã là giám đốc trạm. Chưa có gì thay đổi.")
        state = work.access.state(user.id)
        moment = station_time(work, self._clock.now())
        shut = state.refusal(moment.date()) or state.closed is not None
        if not user.active or shut or state.valid_until is not None:
            raise StateError(
                "Giám đốc phải có tài khoản đang dùng và không thời hạn. Hãy mở lại tài khoản hoặc bỏ "
                "ngày hết hạn của người này trước. Chưa có gì thay đổi."
            )
        return user
