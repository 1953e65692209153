"""Who may come in, for how long, and what is looked at again afterwards.

What an account is allowed by its role stands in :mod:`permissions`; here is what surrounds it: a
password's age, the second factor, days without use, rights for a time, and the emergency door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from .permissions import Action, Role, never

MAX_WRONG_CODES: Final = 5
IDLE_DAYS: Final = 45
WARN_DAYS: Final = 7
REMEMBERED_PASSWORDS: Final = 10
SHORT_WITH_SECOND: Final = 8
LONG_ENOUGH: Final = 14
ADMIN_PASSWORD_DAYS: Final = 60
EMERGENCY_LASTS: Final = timedelta(hours=4)
REVIEW_WITHIN: Final = timedelta(days=3)
RIGHTS_REVIEW_DAYS: Final = 365
LONGEST_GRANT: Final = timedelta(days=366)

EMERGENCY_ACTIONS: Final = frozenset(
    {Action.PATIENT_VIEW, Action.ENCOUNTER_VIEW, Action.SENSITIVE_VIEW}
)
"""What the emergency door opens: reading, restricted visits too. Never signing, printing nor export."""


class Closed(StrEnum):
    """Why nobody comes in with this account."""

    IDLE = "idle"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """What is kept of an account beside the person's record, on this machine. Who was closed by hand,
    and the first and last day, follow what those in charge decided on any PC of the station
    (:mod:`station_rights`); the rest never leaves the machine.

    ``totp_secret`` and ``pending_secret`` are hexadecimal; ``recovery`` holds hashes of the codes
    that are left; ``used_passwords`` hashes of earlier passwords, newest first.
    """

    user_id: str
    last_use: datetime | None = None
    must_change: bool = False
    password_at: datetime | None = None
    used_passwords: tuple[str, ...] = ()
    totp_secret: str = ""
    pending_secret: str = ""
    totp_step: int = 0
    totp_drift: int = 0
    wrong_codes: int = 0
    recovery: tuple[str, ...] = ()
    closed: Closed | None = None
    closed_at: datetime | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    @property
    def has_second_factor(self) -> bool:
        return bool(self.totp_secret)

    @property
    def code_locked(self) -> bool:
        return self.wrong_codes >= MAX_WRONG_CODES

    def idle_days(self, now: datetime) -> int:
        """Whole days since the account was last used; 0 while that is not known."""
        return max(0, (now - self.last_use).days) if self.last_use is not None else 0

    def is_idle(self, now: datetime) -> bool:
        return self.idle_days(now) >= IDLE_DAYS

    def refusal(self, today: date) -> str:
        """Why the account is closed on this day, as a sentence; empty when it is open."""
        if self.closed is Closed.IDLE:
            return (
                f"Tài khoản này đã bị ngừng vì {IDLE_DAYS} ngày không dùng. Hồ sơ vẫn nguyên. "
                "Nhờ giám đốc hoặc người quản trị mở lại trong mục Người dùng."
            )
        if self.closed is Closed.BY_HAND:
            return (
                "Tài khoản này đang bị tạm ngừng. Hồ sơ vẫn nguyên. "
                "Nhờ giám đốc hoặc người quản trị mở lại trong mục Người dùng."
            )
        if self.valid_from is not None and today < self.valid_from:
            return (
                f"Tài khoản này dùng được từ ngày {self.valid_from:%d/%m/%Y}. "
                "Nhờ giám đốc hoặc người quản trị xem lại thời hạn trong mục Người dùng."
            )
        if self.valid_until is not None and today > self.valid_until:
            return (
                f"Tài khoản này đã hết hạn ngày {self.valid_until:%d/%m/%Y}. Hồ sơ vẫn nguyên. "
                "Nhờ giám đốc hoặc người quản trị gia hạn trong mục Người dùng."
            )
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """What the station asks for at the door. Administrators always need the second factor
    (TCVN 14423), the others where the station says so.
    """

    second_factor: frozenset[Role] = frozenset({Role.ADMINISTRATOR})
    password_days: int = ADMIN_PASSWORD_DAYS

    def asks_second_factor(self, role: Role) -> bool:
        return role is Role.ADMINISTRATOR or role in self.second_factor

    def days_left(self, role: Role, state: AccountState, now: datetime) -> int | None:
        """Days until the password must be changed; None where nobody asks for it."""
        if role is not Role.ADMINISTRATOR or state.password_at is None:
            return None
        return self.password_days - max(0, (now - state.password_at).days)


DEFAULT_POLICY: Final = AccessPolicy()


class GrantKind(StrEnum):
    RIGHT = "right"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A right for a time: given by a manager, or taken through the emergency door for one patient."""

    id: str
    kind: GrantKind
    user_id: str
    user_name: str
    since: datetime
    until: datetime
    reason: str
    actions: frozenset[Action]
    patient_id: str = ""
    patient_name: str = ""
    given_by: str = ""
    ended_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        return self.since <= now < self.until and self.ended_at is None

    @property
    def review_due(self) -> datetime:
        return self.since + REVIEW_WITHIN

    def allowed(self, role: Role) -> frozenset[Action]:
        """What of it may be given to this role at all: the walls stand."""
        return self.actions - never(role)


class Verdict(StrEnum):
    """What the review of an emergency access found."""

    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"

    @property
    def label(self) -> str:
        return "Có lý do chính đáng" if self is Verdict.JUSTIFIED else "Không chính đáng"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Somebody else's judgement of one emergency access."""

    grant_id: str
    verdict: Verdict
    note: str
    by_id: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRow:
    """An emergency access with its review, None while it waits for one."""

    grant: Grant
    review: Review | None = None

    def is_overdue(self, now: datetime) -> bool:
        return self.review is None and now > self.grant.review_due


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    """One cell of the table of rights, as it was set. ``device`` is where; empty on this machine."""

    role: Role
    action: Action
    granted: bool
    by_id: str
    by_name: str
    at: datetime
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsReview:
    """The yearly look at one person's rights, with what was seen."""

    user_id: str
    user_name: str
    role: Role
    keeps: bool
    note: str
    by_id: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Rights:
    """What one person may do during one use case. ``closed`` is why nothing at all."""

    table: Mapping[Role, frozenset[Action]]
    closed: str = ""


def overrides_of(changes: tuple[RoleChange, ...]) -> Mapping[Role, Mapping[Action, bool]]:
    """The newest word on every cell that was ever changed."""
    cells: dict[Role, dict[Action, bool]] = {role: {} for role in Role}
    for change in changes:
        cells[change.role][change.action] = change.granted
    return MappingProxyType(cells)
