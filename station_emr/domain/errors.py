"""What can go wrong, sorted by who can mend it.

``UserError``: the person can correct what was typed; the sentence goes beside the field.
``EnvironmentFailure``: the machine or the file is at fault; the sentence says what to do.
Everything else is a bug and reaches the bug report without patient data.
"""

from __future__ import annotations

from dataclasses import dataclass


class StationError(Exception):
    """Base of every expected failure; ``str(error)`` is a Vietnamese sentence for the person."""


class UserError(StationError):
    """The input cannot be accepted as it stands; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One refused or questioned field.

    ``field`` is the dotted name of the record's field (``vitals.systolic``, ``lines.0.days``).
    ``code`` is stable and English, for tests and logs. ``message`` is the Vietnamese sentence.
    ``severity``: ``error`` refuses, ``confirm`` needs the person's yes or a reason.
    """

    field: str
    code: str
    message: str
    severity: str = "error"


class InvalidRecord(UserError):
    """A record was refused; ``problems`` holds every field at fault, not only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


class PermissionDenied(UserError):
    """The person's role does not allow this action."""


class NotFound(UserError):
    """The record asked for does not exist on this machine."""


class Conflict(UserError):
    """Somebody else saved a newer version since this one was opened."""


class StateError(UserError):
    """The action does not fit the record's state, such as changing signed content."""


class WrongPassword(UserError):
    """The password does not open this person's key slot."""


class AccountLocked(UserError):
    """Five wrong passwords in a row; a director or an administrator unlocks it."""


class EnvironmentFailure(StationError):
    """The machine, disk or network is at fault; the sentence says what is safe and what to do."""


class DatabaseMissing(EnvironmentFailure):
    """There is no station database in the folder."""


class DatabaseDamaged(EnvironmentFailure):
    """The file cannot be read as an encrypted station database."""


class DatabaseTooNew(EnvironmentFailure):
    """The database was written by a newer program than this one."""


class DiskFull(EnvironmentFailure):
    """No room to write; the transaction was rolled back whole."""


class NetworkFailure(EnvironmentFailure):
    """No usable answer from the server; the work stays queued."""
