"""What the use cases of accounts and rights need of the database."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from station_emr.domain.access import (
    AccountState,
    EmergencyRow,
    Grant,
    Review,
    RightsReview,
    RoleChange,
)
from station_emr.domain.station_rights import Standing, StationRights

from .record_ports import RecordStore


class RightsStore(RecordStore[StationRights], Protocol):
    """The one record of what roles may do and what is restricted."""


class StandingStore(RecordStore[Standing], Protocol):
    """How each person stands."""


class AccessStore(Protocol):
    def state(self, user_id: str) -> AccountState:
        """A fresh one for an account of which nothing is kept yet."""

    def put_state(self, state: AccountState) -> None: ...
    def add_grant(self, grant: Grant) -> None: ...
    def end_grant(self, grant_id: str, by_id: str, at: datetime) -> None: ...
    def grant(self, grant_id: str) -> Grant | None: ...
    def grants_of(self, user_id: str, now: datetime) -> tuple[Grant, ...]:
        """Those that are open at this moment."""

    def given_to(self, user_id: str) -> tuple[Grant, ...]:
        """Every right for a time that this person ever had, oldest first."""

    def rights_given(self) -> tuple[Grant, ...]:
        """Rights for a time, newest first; those through the emergency door are not among them."""

    def emergencies(self, limit: int = 200) -> tuple[EmergencyRow, ...]:
        """Those that wait for a review first."""

    def emergency(self, grant_id: str) -> EmergencyRow | None: ...
    def add_review(self, review: Review) -> None: ...
    def add_role_change(self, change: RoleChange) -> None: ...
    def role_changes(self) -> tuple[RoleChange, ...]:
        """Oldest first."""

    def add_rights_review(self, review: RightsReview) -> None: ...
    def rights_reviews(self) -> tuple[RightsReview, ...]:
        """The newest of each person."""
