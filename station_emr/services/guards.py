"""Checks that several use cases share: rights, problems, states."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from station_emr.domain.errors import (
    InvalidRecord,
    NotFound,
    PermissionDenied,
    Problem,
    StateError,
)
from station_emr.domain.permissions import SIGNING, Action, Role, may, require, require_signer
from station_emr.domain.record import RecordStatus
from station_emr.domain.user import Actor

from .ports import Stored, Work
from .rights import held
from .timekeeping import keep_time


def allow(actor: Actor, action: Action) -> None:
    """Raises PermissionDenied when neither the actor's role nor a right for a time carries the
    action, or the account is closed at this moment.
    """
    allow_oneself(actor)
    require(actor.role, action, held().table)


def allow_oneself(actor: Actor) -> None:
    """What concerns the own account asks for no right, only for an account that is open."""
    if not actor.user.active:
        raise PermissionDenied("Tài khoản này đã ngừng sử dụng. Hãy đăng nhập bằng tài khoản khác.")
    if held().closed:
        raise PermissionDenied(held().closed)


def allow_recovery(actor: Actor) -> None:
    """The recovery code opens the record without a password, clinical content included, so an
    administrator, who manages people but reads no record, does not get to see it.
    """
    allow(actor, Action.USER_MANAGE)
    if actor.role is not Role.DIRECTOR:
        raise PermissionDenied("Chỉ giám đốc trạm được cấp mã khôi phục mới.")


def allow_signing(actor: Actor, action: Action) -> None:
    """Only a licensed prescriber signs a diagnosis, prescription or referral (TT 26/2025). Other
    papers that bear a name, such as a bill, ask for their own right alone.
    """
    allow(actor, action)
    if action in SIGNING:
        require_signer(actor.role, actor.user.licence_no, action, held().table)


def allow_any(actor: Actor, actions: tuple[Action, ...]) -> None:
    """One of these rights is enough; raises the refusal of the first otherwise."""
    granted = [action for action in actions if may(actor.role, action, held().table)]
    allow(actor, next(iter(granted or actions)))


def begin_signing(work: Work, actor: Actor, action: Action, now: datetime) -> None:
    """What must hold the moment a name is put under content.

    The person is asked for again, because the account may have been closed or the licence
    withdrawn while this window was open; the clock must not run behind what was signed before.
    """
    allow_signing(actor, action)
    try:
        person = work.users.get(actor.user.id)
    except NotFound:
        raise PermissionDenied(
            "Tài khoản này không còn trong danh sách người dùng của trạm. Hãy đăng nhập lại."
        ) from None
    allow_signing(replace(actor, user=person), action)
    keep_time(work, now)


def refuse(problems: Iterable[Problem], confirmed: Collection[str] = ()) -> None:
    """Raise InvalidRecord for errors and for questions nobody has answered yet.

    ``confirmed`` holds ``field:code`` of the questions the person said yes to.
    """
    open_ones = tuple(
        problem
        for problem in problems
        if problem.severity == "error"
        or (problem.severity == "confirm" and confirmation_key(problem) not in confirmed)
    )
    if open_ones:
        raise InvalidRecord(open_ones)


def confirmation_key(problem: Problem) -> str:
    return f"{problem.field}:{problem.code}"


def still_draft(stored: Stored[Any] | None) -> None:
    """Raises StateError once the record was signed."""
    if stored is not None and stored.status is not RecordStatus.DRAFT:
        raise StateError(
            "Hồ sơ này đã ký nên không sửa trực tiếp được. Hãy chọn “Sửa đổi có lý do” để lập bản mới."
        )


def needs_reason(reason: str) -> str:
    """The trimmed reason of an amendment or a voiding; refuses an empty one (Luật KCB 15/2023)."""
    reason = reason.strip()
    if not reason:
        raise InvalidRecord(
            (
                Problem(
                    field="amendment_reason",
                    code="reason-required",
                    message="Hãy ghi lý do sửa đổi hoặc hủy: lý do được giữ cùng hồ sơ.",
                ),
            )
        )
    return reason
