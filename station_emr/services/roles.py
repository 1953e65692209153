"""The station's own table of rights: shown with its default, changed cell by cell, walls standing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from station_emr.domain.access import RoleChange
from station_emr.domain.errors import InvalidRecord, Problem
from station_emr.domain.permissions import (
    DEFAULT_TABLE,
    Action,
    PermissionTable,
    Role,
    never,
)
from station_emr.domain.record import RecordKind
from station_emr.domain.station_rights import standing_id
from station_emr.domain.user import Actor

from .guards import allow, allow_oneself
from .ports import Clock, Store
from .rights import held, station_table
from .rights_effect import HeldBack, held_back
from .rights_records import id_here, write_rights
from .rights_steps import KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One role and one action. ``fixed`` says why it cannot be changed; empty when it can."""

    role: Role
    action: Action
    granted: bool
    default: bool
    fixed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the present table comes from; ``at`` is None where nobody has changed anything. ``held``
    are decisions of other PCs that were not let in here, about the table or about anybody.
    """

    by_name: str = ""
    device: str = ""
    at: datetime | None = None
    held: tuple[HeldBack, ...] = ()


class Roles:
    """What each role may do at this station: one table for all its PCs."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def table(self, actor: Actor) -> PermissionTable:
        """What holds for this person now, rights for a time included; screens hide by it."""
        allow_oneself(actor)
        return held().table

    def cells(self, actor: Actor) -> tuple[Cell, ...]:
        """The whole table, in the order of actions and roles."""
        allow(actor, Action.USER_MANAGE)
        with self._store.read() as work:
            table = station_table(work)
        return tuple(
            Cell(
                role=role,
                action=action,
                granted=action in table[role],
                default=action in DEFAULT_TABLE[role],
                fixed=_why_fixed(role, action),
            )
            for action in Action
            for role in Role
        )

    def origin(self, actor: Actor) -> Origin:
        """Who wrote the present table, when and on which PC; and what waits for a word here."""
        allow(actor, Action.USER_MANAGE)
        with self._store.read() as work:
            name = id_here(work)
            names = (name, *(standing_id(user.id) for user in work.users.all()))
            held = tuple(one for each in names for one in held_back(work, each).values())
            found = work.rights.find(name)
            if found is None:
                return Origin(held=held)
            node = work.operations.node(RecordKind.RIGHTS, name, found.version)
            return Origin(by_name=node.author_name, device=node.device, at=node.at, held=held)

    def changes(self, actor: Actor) -> tuple[RoleChange, ...]:
        """Every change that was made, newest first."""
        allow(actor, Action.USER_MANAGE)
        with self._store.read() as work:
            return tuple(reversed(work.access.role_changes()))

    def change(
        self, actor: Actor, wanted: Iterable[tuple[Role, Action, bool]]
    ) -> tuple[RoleChange, ...]:
        """Set cells; the next use case of anybody is judged by them. Gives what was really changed.

        Raises InvalidRecord when one of them touches a wall; then nothing is changed.
        """
        allow(actor, Action.USER_MANAGE)
        now = self._clock.now()
        wanted = tuple(wanted)
        problems = [
            Problem(field=f"{role.value}.{action.value}", code="wall", message=why)
            for role, action, granted in wanted
            if (why := _why_fixed(role, action))
            and granted is not (action in KEPT and role is Role.DIRECTOR)
        ]
        if problems:
            raise InvalidRecord(tuple(problems))
        with self._store.write() as work:
            before = station_table(work)
            made = tuple(
                RoleChange(
                    role=role,
                    action=action,
                    granted=granted,
                    by_id=actor.user.id,
                    by_name=actor.user.snapshot.printed_name,
                    at=now,
                )
                for role, action, granted in wanted
                if granted is not (action in before[role])
            )
            for change in made:
                work.access.add_role_change(change)
                work.audit.append(
                    actor,
                    "user.change_rights",
                    now,
                    detail={
                        "role": change.role.label,
                        "right": change.action.label,
                        "before_right": _yes(not change.granted),
                        "after_right": _yes(change.granted),
                    },
                )
            if made:
                write_rights(work, actor, now)
        return made


def _yes(granted: bool) -> str:  # one of two words
    return "được" if granted else "không"


def _why_fixed(role: Role, action: Action) -> str:
    if action in never(role):
        return (
            f"Vai trò “{role.label}” không bao giờ được {action.label}: đây là giới hạn chung của chương trình, "
            "trạm không đổi được."
        )
    if role is Role.DIRECTOR and action in KEPT:
        return f"Giám đốc trạm luôn giữ quyền {action.label} để còn người đặt lại quyền cho người khác."
    return ""
