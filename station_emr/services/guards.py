"""Checks that several use cases share: rights, problems, states."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from station_emr.domain.errors import InvalidRecord, PermissionDenied, Problem, StateError
from station_emr.domain.permissions import Action, require, require_signer
from station_emr.domain.record import RecordStatus
from station_emr.domain.user import Actor

from .ports import Stored


def allow(actor: Actor, action: Action) -> None:
    """Raises PermissionDenied when the actor's role does not carry the action."""
    if not actor.user.active:
        raise PermissionDenied("Tài khoản này đã ngừng sử dụng. Hãy đăng nhập bằng tài khoản khác.")
    require(actor.role, action)


def allow_signing(actor: Actor, action: Action) -> None:
    """Only a licensed prescriber signs a diagnosis, prescription or referral (TT 26/2025)."""
    allow(actor, action)
    require_signer(actor.role, actor.user.licence_no, action)


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
