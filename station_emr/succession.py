"""A new director by the code from the safe, when the one who was is dead or gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from station_emr.domain.errors import NotFound, Problem, StateError, UserError
from station_emr.domain.permissions import Role
from station_emr.domain.text import clean
from station_emr.domain.user import User
from station_emr.founding import DATABASE, KEY_SLOTS
from station_emr.key_keeping import compare_slots, open_store
from station_emr.security.key_ring import SlotKeyRing
from station_emr.security.keyslots import KeySlots
from station_emr.security.passwords import password_problems
from station_emr.services.account_rules import check_user
from station_emr.services.clock import SystemClock
from station_emr.services.guards import needs_reason, refuse
from station_emr.services.ports import Clock, Work

APPOINTED: Final = "account.appoint_director"


def appoint_director(
    folder: Path,
    code: str,
    user: User,
    password: str,
    *,
    reason: str,
    replaces: str = "",
    clock: Clock | None = None,
) -> None:
    """Open with the recovery code and make ``user`` the director; ``replaces`` leaves at once, and the
    data key is changed after the next log-in. The log tells who, whom and why.

    Raises UserError or WrongPassword for the code, InvalidRecord, NotFound, StateError.
    """
    clock = clock or SystemClock()
    reason = needs_reason(reason)
    user = replace(
        user,
        id=clock.new_id(),
        username=user.username.strip().lower(),
        full_name=clean(user.full_name),
        role=Role.DIRECTOR,
    )
    problems: list[Problem] = [*check_user(user)]
    problems += password_problems(password, user.username, user.full_name)
    refuse(problems)
    slots = KeySlots.load(folder / KEY_SLOTS, clock=clock.now)
    data_key = slots.unlock_with_recovery(code)
    store = open_store(folder / DATABASE, slots, data_key)
    try:
        compare_slots(store, slots, clock, recovery=True)
        ring = SlotKeyRing(slots, data_key)
        now = clock.now()
        with store.write() as work:
            if work.users.by_username(user.username) is not None:
                raise UserError("Tên đăng nhập này đã có người dùng. Hãy chọn tên khác.")
            before = work.users.by_username(replaces) if replaces else None
            if replaces and (before is None or before.role is not Role.DIRECTOR):
                raise NotFound(f"Không có giám đốc nào tên đăng nhập “{replaces}”. Chưa đổi gì.")
            work.users.save(user, author=None, at=now)
            _note(work, "user.add", user, now)
            detail = {"username": user.username, "replaces": replaces, "reason": reason}
            work.audit.append(
                None, APPOINTED, now, kind="practitioner", record_id=user.id, detail=detail
            )
            if before is not None:
                gone = replace(before, active=False)
                work.users.save(gone, author=user.snapshot, at=now)
                _note(work, "user.update", gone, now)
            # Last, as for every new person: a slot without a user is harmless, the reverse is not.
            ring.add(user.username, user.snapshot.printed_name, user.role.label, password)
        if before is not None:
            try:
                ring.remove(before.username)
            except (NotFound, StateError):  # the slot had gone before
                return
    finally:
        store.close()


def _note(work: Work, action: str, user: User, now: datetime) -> None:
    """As when a director does it: an account that no such line stands behind is not let in."""
    detail = {"role": user.role, "active": str(user.active)}
    work.audit.append(None, action, now, kind="practitioner", record_id=user.id, detail=detail)
