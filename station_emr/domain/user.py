"""People who may log in. The password lives in the key slots, never in the record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .audit import Purpose, Source
from .permissions import Role
from .record import PractitionerSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A member of staff. ``licence_no`` is the practising licence; without it nobody signs."""

    id: str
    username: str
    full_name: str
    role: Role
    title: str = ""
    licence_no: str = ""
    phone: str = ""
    active: bool = True
    last_login_at: datetime | None = None

    @property
    def snapshot(self) -> PractitionerSnapshot:
        return PractitionerSnapshot(
            user_id=self.id,
            full_name=self.full_name,
            title=self.title,
            role=self.role.value,
            licence_no=self.licence_no,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, with which right, on which machine and by which door: the first argument of every
    command. ``purpose`` is set where it is not the usual one of the role.
    """

    user: User
    device: str
    source: Source = Source.WINDOW
    purpose: Purpose | None = None
    session: str = ""  # from one log-in to its log-out

    @property
    def role(self) -> Role:
        return self.user.role
