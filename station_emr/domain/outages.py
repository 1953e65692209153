"""When nothing could be sent to the province, worked out from the runs (NĐ 188/2025 art. 38).

Runs are taken in the order of their numbers. Their clocks are believed only where they agree with
that order: a PC whose battery is dead wakes up in the year 2000, and that is not an outage of 26
years.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Final, NamedTuple

EARLIEST_RUN: Final = datetime(2025, 12, 31, 17, tzinfo=UTC)
"""Midnight in Vietnam before the first release: no run can rightly be older. Not raised with a
later release, which keeps the runs of earlier ones."""


class OutageKind(StrEnum):
    AWAY = "away"  # nobody answered
    REFUSED = "refused"  # somebody answered, and would not let this machine send


class LineRun(NamedTuple):
    """``outcome`` as in SyncRun; ``answered``: bytes came back."""

    started_at: datetime
    outcome: str
    answered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A stretch in which nothing could be sent; ``ended`` None: it lasts. With ``at_least`` it may
    have been longer: runs at its begin or its end had a clock that cannot be believed.
    """

    kind: OutageKind = OutageKind.AWAY
    started: datetime
    ended: datetime | None
    tries: int
    at_least: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineHistory:
    """``outages`` newest first; ``since`` the first run that counts. ``odd_clocks`` runs had a time
    that cannot be right; ``timeless`` outages had no other and are not listed.
    """

    outages: tuple[Outage, ...] = ()
    since: datetime | None = None
    odd_clocks: int = 0
    timeless: int = 0


def line_history(runs: Iterable[LineRun]) -> LineHistory:
    """``runs`` oldest first by number."""
    told = [run for run in runs if _says_something(run)]
    times = believable([run.started_at for run in told])
    rows = [
        (kind, list(row))
        for kind, row in groupby(zip(told, times, strict=True), lambda pair: _kind(pair[0]))
    ]
    found: list[Outage] = []
    timeless = 0
    for place, (kind, row) in enumerate(rows):
        if kind is None:
            continue
        known = [at for _run, at in row if at is not None]
        if not known:
            timeless += 1
            continue
        after = rows[place + 1][1][0] if place + 1 < len(rows) else None
        ended = None if after is None else after[1] or known[-1]
        found.append(
            Outage(
                kind=kind,
                started=known[0],
                ended=ended,
                tries=len(row),
                at_least=row[0][1] is None or (after is not None and after[1] is None),
            )
        )
    return LineHistory(
        outages=tuple(reversed(found)),
        since=next((at for at in times if at is not None), None),
        odd_clocks=sum(at is None for at in times),
        timeless=timeless,
    )


def is_believable(moment: datetime) -> bool:
    """Whether a run, or what waits for one, can be from that time."""
    return moment >= EARLIEST_RUN


def _says_something(run: LineRun) -> bool:
    """A run that rested (the day's bytes are spent, the link is a paid one) never tried the line."""
    return run.outcome != "elsewhere" and (run.outcome != "waiting" or run.answered)


def _kind(run: LineRun) -> OutageKind | None:
    if run.outcome == "offline":
        return OutageKind.AWAY
    return OutageKind.REFUSED if run.outcome == "refused" else None


def believable(moments: Sequence[datetime]) -> list[datetime | None]:
    """Of moments in the order in which they were written down: None in the place of each that cannot
    be right, as few as make the others run forwards.
    """
    possible = [place for place, moment in enumerate(moments) if is_believable(moment)]
    if not all(moments[one] <= moments[next_] for one, next_ in pairwise(possible)):
        possible = _longest_forwards(moments, possible)
    kept = set(possible)
    return [moment if place in kept else None for place, moment in enumerate(moments)]


def _longest_forwards(moments: Sequence[datetime], places: Sequence[int]) -> list[int]:
    """The longest of ``places``, in order, along which time does not run backwards."""
    ends: list[datetime] = []  # the earliest end of a row of each length
    last: list[int] = []
    before: dict[int, int | None] = {}
    for place in places:
        length = bisect_right(ends, moments[place])
        before[place] = last[length - 1] if length else None
        ends[length : length + 1] = [moments[place]]
        last[length : length + 1] = [place]
    row: list[int] = []
    at: int | None = last[-1] if last else None
    while at is not None:
        row.append(at)
        at = before[at]
    row.reverse()
    if len(row) > 1:  # of several possible beginnings the latest: never longer than is known
        begins = (one for one in places if one < row[1] and moments[one] <= moments[row[1]])
        row[0] = max(begins, key=moments.__getitem__)
    return row
