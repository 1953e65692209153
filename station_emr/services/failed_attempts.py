"""Failed attempts to open the record, brought into the chain by the next opening that succeeds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from station_emr.domain.audit import Result, Source

from .ports import Clock, Store

ACTION: Final = "account.failed_log_in"
_TAKEN: Final = "audit.attempts_taken"


class How(StrEnum):
    """With what it was tried."""

    PASSWORD = "password"  # noqa: S105  # a kind, no password
    RECOVERY = "recovery"
    SECOND_FACTOR = "second_factor"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """``count`` attempts between ``at`` and ``until``; ``account`` is empty for an unknown name."""

    number: int
    account: str
    how: How
    at: datetime
    until: datetime | None = None
    count: int = 1
    settled: bool = True  # else it is being judged, or the plug was pulled meanwhile

    @property
    def end(self) -> datetime:
        return self.until or self.at


class AttemptBook(Protocol):
    """The file beside the database."""

    def failed(self, now: datetime) -> tuple[str, tuple[FailedAttempt, ...]]: ...
    def forget(self, numbers: Collection[int]) -> None: ...


def bring_in(store: Store, clock: Clock, book: AttemptBook) -> int:
    """Write what failed since into the chain, each once, and say how many lines there were.

    Which were taken is kept in the same transaction as the lines: a power cut between the two files
    neither loses one nor writes it twice.
    """
    now = clock.now()
    name, attempts = book.failed(now)
    if not attempts:
        return 0
    numbers = [one.number for one in attempts]
    with store.write() as work:
        taken_from, _colon, taken = (work.settings.get(_TAKEN) or "").partition(":")
        known = set(taken.split(",")) if taken_from == name else set()
        fresh = [one for one in attempts if str(one.number) not in known]
        for one in fresh:
            work.audit.append(
                None,
                ACTION,
                now,
                detail=_detail(one),
                result=Result.FAILED,
                source=Source.BEFORE_OPENING,
                account=one.account,
            )
        work.settings.put(_TAKEN, f"{name}:{','.join(map(str, numbers))}")
    book.forget(numbers)
    return len(fresh)


def _detail(one: FailedAttempt) -> dict[str, str]:
    detail = {
        "account": one.account or "?",
        "how": one.how.value,
        "tried_at": f"{one.at:%d/%m/%Y %H:%M:%S}",
    }
    if one.count > 1:
        detail |= {"tried_until": f"{one.end:%d/%m/%Y %H:%M:%S}", "times": str(one.count)}
    return detail
