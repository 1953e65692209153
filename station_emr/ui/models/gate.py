"""The closed station as the log-in page sees it, and the open one as the frame needs it.

Both are protocols: the composition root joins them to key slots, database and sync.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from station_emr.domain.errors import Problem
from station_emr.domain.record import Changes, StationProfile
from station_emr.domain.sync import SyncStatus
from station_emr.domain.user import Actor, User
from station_emr.services.station_services import StationServices
from station_emr.services.views import QueueRow
from station_emr.ui.models.restorer import Restorer

JOINING: Final = "setup.joining"
"""Kept by the window while a machine that was just set up has yet to get the station's record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffTile:
    """One person who may log in. Nothing here is about a patient."""

    username: str
    name: str
    role: str
    locked: bool = False
    attempts_left: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFace:
    """What the log-in page shows. ``demo_password`` is set only for the made-up station."""

    station: str
    people: tuple[StaffTile, ...]
    demo_password: str = ""


@dataclass(frozen=True, slots=True)
class LetterVerdict:
    """The answer to the scanned code of a referral letter."""

    message: str
    trusted: bool
    readable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A province or a commune. ``province`` is empty for a province itself."""

    code: str
    name: str
    province: str = ""


class OpenDesk(Protocol):
    """An open station with the person who opened it; lives until log-out."""

    @property
    def services(self) -> StationServices: ...
    @property
    def actor(self) -> Actor: ...
    @property
    def profile(self) -> StationProfile: ...
    @property
    def first_queue(self) -> tuple[QueueRow, ...]:
        """Today's queue, read while the database was being opened."""

    @property
    def fresh_codes(self) -> tuple[str, ...]:
        """Recovery codes of a telephone that was joined at this log-in; shown once."""

    def listen(self, listener: Callable[[SyncStatus], None]) -> Callable[[], None]:
        """Call from the sync thread after every change of the status; returns what ends that."""

    def hear(self, listener: Callable[[Changes], None]) -> None:
        """Call from the sync thread with what each page brought from other machines."""

    def start(self) -> None:
        """Begin sending in the background."""

    def notify(self) -> None:
        """Something was committed; send it soon."""

    def read_letter(self, text: str) -> LetterVerdict:
        """Judge the code of a referral letter; no network."""

    def close(self) -> None:
        """End the background work and close the database; may take seconds."""

    def forget(self) -> None:
        """After the close, on the GUI thread: nothing secret stays in memory (best effort)."""


class Gate(Protocol):
    """One data folder. Everything but ``has_station`` may take a second: never on the GUI thread."""

    def has_station(self) -> bool:
        """Whether anything of a station lies in the folder, whole or not."""

    def restorer(self) -> Restorer:
        """The way back from a copy; the station must be closed."""

    def look(self) -> GateFace:
        """Who works here. Raises EnvironmentFailure when files are missing or damaged."""

    def open(
        self, username: str, password: str, code: str = "", new_password: str = ""
    ) -> OpenDesk:
        """Log in. Raises WrongPassword, AccountLocked or EnvironmentFailure, and what
        :mod:`station_emr.domain.door` names.
        """

    def check(self, username: str, password: str) -> None:
        """Whether this is the person's password; a wrong one counts. Raises as :meth:`open`."""

    def recover(self, username: str, code: str, new_password: str) -> OpenDesk:
        """Open with the printed recovery code and give the person a new password."""

    def password_problems(
        self, password: str, username: str, full_name: str
    ) -> tuple[Problem, ...]:
        """Why this password may not be used; cheap enough for every key."""

    def places(self) -> tuple[Place, ...]:
        """The provinces, then the communes, from the lists that ship with the program."""

    def create(self, profile: StationProfile, director: User, password: str) -> str:
        """Set a station up and give its recovery code. Raises InvalidRecord, StateError."""

    def recovery_sheet(self, station_name: str, code: str) -> bytes:
        """The page with the recovery code, as PDF."""
