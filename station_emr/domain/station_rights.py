"""What those in charge decide for the whole station, as records: what each role may do and which
diagnoses are restricted, and how one person stands. They travel to every PC of the station.

What belongs to one machine is no part of them: passwords, the second factor, days without use.
Words of a newer program are kept as they are, so roles and rights are texts here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from .sensitive import SensitiveRange

LEFT: Final = "left"
BY_HAND: Final = "by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class RightCell:
    """One cell of the table that was ever changed: who set it last, when, and on which machine."""

    role: str
    action: str
    granted: bool
    by_id: str = ""
    by_name: str = ""
    at: datetime | None = None
    device: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.role, self.action


@dataclass(frozen=True, slots=True, kw_only=True)
class StationRights:
    """One per station. ``cells`` are in the order of their keys, what none of them names is as
    the program came; ``ranges`` are all that are restricted.
    """

    id: str
    cells: tuple[RightCell, ...] = ()
    ranges: tuple[SensitiveRange, ...] = ()

    @property
    def patient_id(self) -> str:
        """It is about nobody."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRight:
    """A right for a time. ``ended_at`` is when it was taken back before its end."""

    id: str
    since: datetime
    until: datetime
    reason: str = ""
    actions: tuple[str, ...] = ()
    given_by: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One per person. ``shut`` is why the account is closed, empty while it is open; ``shut_at`` and
    ``shut_by`` are of the last word on that, ``days_at`` of the last on the first and last day.
    """

    id: str
    user_id: str
    user_name: str = ""
    shut: str = ""
    shut_at: datetime | None = None
    shut_by: str = ""
    opens_on: date | None = None
    closes_on: date | None = None
    days_at: datetime | None = None
    rights: tuple[GivenRight, ...] = ()

    @property
    def patient_id(self) -> str:
        """It is about somebody who works here."""
        return ""


def rights_id(facility_code: str) -> str:
    """The same on every PC of a station: there is one record, whoever writes it first."""
    return _derived(f"rights/{facility_code}")


def standing_id(user_id: str) -> str:
    return _derived(f"standing/{user_id}")


def _derived(name: str) -> str:
    """A UUID of version 8 (RFC 9562 §5.8)."""
    value = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")
    value = value & ~(0xF << 76) | 0x8 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))


def ordered_cells(cells: Iterable[RightCell]) -> tuple[RightCell, ...]:
    """One per key, the last of them, in the order of the keys."""
    found = {cell.key: cell for cell in cells}
    return tuple(found[key] for key in sorted(found))


def ordered_rights(rights: Iterable[GivenRight]) -> tuple[GivenRight, ...]:
    return tuple(sorted(rights, key=lambda one: one.id))
