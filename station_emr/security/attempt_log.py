"""Attempts to open the record that did not succeed, kept while the database is still closed.

Whoever fails has no key, so the log in the database cannot be written. Each attempt is noted in a file
beside it before the password is tried: pulling the plug hides nothing. The next opening takes what is
here into the chain, and only then are the lines taken away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from station_emr.domain.errors import AccountLocked, EnvironmentFailure, WrongPassword
from station_emr.services.failed_attempts import FailedAttempt, How

from . import durable_file

FILE_NAME: Final = "attempts.json"
_FORMAT: Final = "station-emr-attempts"
_VERSION: Final = 1
_JUDGED_IN: Final = timedelta(minutes=2)
_MOST: Final = 400
"""Attempts told one by one; older ones of one account are then counted together."""


@dataclass(frozen=True, slots=True)
class _Content:
    name: str  # of this file: a number counts within it
    last: int
    attempts: tuple[FailedAttempt, ...]


class AttemptLog:
    """The file of one data folder, shared by every program that opens the folder."""

    def __init__(self, folder: Path, random: Callable[[int], bytes]) -> None:
        self._path = folder / FILE_NAME
        self._random = random
        self._succeeded: set[int] = set()

    def begin(self, account: str, how: How, at: datetime) -> int:
        """Note an attempt before it is judged; the number is for :meth:`succeeded`. ``account`` is
        empty for a name that nobody here has: what was typed there may be a password.

        Raises EnvironmentFailure: an attempt that cannot be noted is not made.
        """
        with self._changing() as content:
            number = content.last + 1
            made = FailedAttempt(number=number, account=account, how=how, at=at, settled=False)
            self._write(
                replace(content, last=number, attempts=_shortened((*content.attempts, made)))
            )
        return number

    @contextmanager
    def judging(self, account: str, how: How, at: datetime) -> Iterator[None]:
        """Around the trying: what leaves it by a refusal failed; a machine at fault judges nobody."""
        number = self.begin(account, how, at)
        try:
            yield
        except (WrongPassword, AccountLocked):
            self.settle(number)
            raise
        except EnvironmentFailure:
            self.succeeded(number)
            raise
        self.succeeded(number)

    def settle(self, number: int) -> None:
        """It was judged and did not succeed."""
        with suppress(EnvironmentFailure), self._changing() as content:
            self._write(
                replace(
                    content,
                    attempts=tuple(
                        replace(one, settled=True) if one.number == number else one
                        for one in content.attempts
                    ),
                )
            )

    def succeeded(self, number: int) -> None:
        """It was no failure. A full disk does not keep the right person out."""
        self._succeeded.add(number)
        with suppress(EnvironmentFailure), self._changing() as content:
            self._write(
                replace(
                    content,
                    attempts=tuple(one for one in content.attempts if one.number != number),
                )
            )

    def failed(self, now: datetime) -> tuple[str, tuple[FailedAttempt, ...]]:
        """The name of this file, and what failed, oldest first. One that nobody settled failed by a
        pulled plug, unless it is so young that another window may still be judging it.
        """
        content = self._read()
        if content is None:
            return "", ()
        return content.name, tuple(
            one
            for one in content.attempts
            if one.number not in self._succeeded
            and (one.settled or not timedelta() <= now - one.at < _JUDGED_IN)
        )

    def forget(self, numbers: Collection[int]) -> None:
        """These are in the chain now. They are told apart there, should the disk be full here."""
        with suppress(EnvironmentFailure), self._changing() as content:
            self._write(
                replace(
                    content,
                    attempts=tuple(one for one in content.attempts if one.number not in numbers),
                )
            )

    @contextmanager
    def _changing(self) -> Iterator[_Content]:
        with durable_file.locked(self._path):
            yield self._read() or _Content(self._random(8).hex(), 0, ())

    def _read(self) -> _Content | None:
        """None when there is none, or none that can be read."""
        for path in (self._path, durable_file.backup_of(self._path)):
            with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
                return _content(json.loads(path.read_bytes()))
        return None

    def _write(self, content: _Content) -> None:
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "name": content.name,
            "last": content.last,
            "attempts": [_line(one) for one in content.attempts],
        }
        durable_file.write_twice(self._path, json.dumps(document, ensure_ascii=False).encode())


def _shortened(attempts: tuple[FailedAttempt, ...]) -> tuple[FailedAttempt, ...]:
    """The oldest two of one account and kind become one line with their count, first and last time,
    so that somebody who tries for days fills no disk and nothing is lost but the times between.
    """
    if len(attempts) <= _MOST:
        return attempts
    for place, old in enumerate(attempts):
        for other in attempts[place + 1 :]:
            if (other.account, other.how, other.settled, old.settled) == (
                *(old.account, old.how),
                *(True, True),
            ):
                joined = replace(other, at=old.at, until=other.end, count=old.count + other.count)
                rest = tuple(one for one in attempts if one not in (old, other))
                return tuple(sorted((*rest, joined), key=lambda one: one.number))
    return attempts


def _line(attempt: FailedAttempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "account": attempt.account,
        "how": attempt.how.value,
        "at": attempt.at.isoformat(),
        "until": attempt.end.isoformat(),
        "count": attempt.count,
        "settled": attempt.settled,
    }


def _content(document: Any) -> _Content:
    if document["format"] != _FORMAT:
        raise ValueError("another format")
    return _Content(
        str(document["name"]),
        int(document["last"]),
        tuple(
            FailedAttempt(
                number=int(line["number"]),
                account=str(line["account"]),
                how=How(line["how"]),
                at=datetime.fromisoformat(line["at"]),
                until=datetime.fromisoformat(line["until"]),
                count=int(line["count"]),
                settled=bool(line["settled"]),
            )
            for line in document["attempts"]
        ),
    )
