"""What the use cases of copies need of disks, and what they know of places and copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from .ports import Store


class Trouble(StrEnum):
    """Why a place took no copy, or why a person should look."""

    NO_PLACE = "no_place"
    NEVER = "never"
    LATE = "late"
    ABSENT = "absent"
    SAME_DISK = "same_disk"
    NO_ROOM = "no_room"
    NOT_WRITABLE = "not_writable"
    DAMAGED = "damaged"
    FAILED = "failed"
    NO_DRILL = "no_drill"
    DRILL_FAILED = "drill_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFacts:
    """What a copy held when it was opened. ``head`` is the end of its log, ``SEQ:HASH``;
    ``chain_whole`` says whether every line of that log follows from the one before.
    """

    counts: Mapping[str, int]
    head: str
    chain_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCopy:
    """A copy that was opened and checked. ``place`` is the folder it lies in."""

    place: str
    size: int  # bytes
    at: datetime
    facts: CopyFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlace:
    """A folder that is to have a copy each day. ``mark`` is written in it, so that another stick
    under the same letter is not taken for it.
    """

    path: str
    mark: str
    last_at: datetime | None = None
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """The last proof that a copy can be opened and holds what it held when it was made."""

    at: datetime
    passed: bool
    place: str
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupBook:
    """What this machine knows of its copies."""

    places: tuple[BackupPlace, ...] = ()
    copies: tuple[BackupCopy, ...] = ()  # newest first
    drill: Drill | None = None


class BackupRegister(Protocol):
    """Kept beside the database in the clear: after the database is spoilt it still says where the
    newest good copy lies. Nothing in it is about a patient.
    """

    def read(self) -> BackupBook: ...
    def change(self, changed: Callable[[BackupBook], BackupBook]) -> None:
        """Raises EnvironmentFailure with the old one still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCopy:
    """A folder that looks like a copy, by what lies in it in the clear."""

    place: str
    station: str
    code: str
    at: datetime
    size: int
    own: bool  # of the station in the data folder
    recorded: CopyFacts | None = None


class BackupSource(Store, Protocol):
    """The open database as the shelf needs it."""

    def check_pages(self) -> None:
        """Every page of the file, also those that nobody reads. Raises DatabaseDamaged."""

    def size(self) -> int:
        """Bytes on the disk."""

    def opened_copy(self, path: str) -> Store:
        """Another file under the same key; the caller closes it."""


class BackupShelf(Protocol):
    """Where copies are put: a folder with everything a station needs to be opened again."""

    def write(self, folder: str, name: str, at: datetime, code: str) -> BackupCopy:
        """Make ``folder/name``, open it and read it through; only then it gets its name. Raises
        EnvironmentFailure with nothing left behind.
        """

    def rehearse(self, place: str) -> AbstractContextManager[CopyFacts]:
        """Open the copy aside, as a restore would, and read it through. Leaves nothing behind."""

    def copies(self, folder: str) -> tuple[FoundCopy, ...]:
        """Copies of this database in a folder, newest first."""

    def remove(self, place: str) -> None:
        """Only the files a copy is made of; a folder with anything else in it stays."""

    def mark(self, folder: str) -> str:
        """Make the folder a place for copies; the mark that is in it from now on."""

    def look(self, place: BackupPlace) -> Trouble | None:
        """What keeps the place from taking a copy, or makes one there worth little."""

    def size(self) -> int:
        """Bytes that a copy takes, about."""

    def turn(self) -> AbstractContextManager[bool]:
        """Whether no other program of this machine makes a copy now; never waits."""
