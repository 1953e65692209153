"""One life of one database file: noticing that it was put back from a copy or carried elsewhere.

Such a database would give numbers a second time: of operations, and printed ones. So it begins a new
life (docs/sync.md, "New incarnation"): a new name for itself, operation numbers beyond all that are
known, and a new series for what is printed. Everything that was not sent is still offered.

What tells is the witness beside the database, which no backup holds. Both carry a mark that changes
at every opening and after every backup, so a copy of any earlier moment does not fit.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

from station_emr.domain.errors import EnvironmentFailure, NotFound

from .ports import Clock, Store, Work

INCARNATION: Final = "sync.incarnation"
MARK: Final = "station.mark"
SERIES_BASE: Final = "station.series_base"
SERIES_CLOSED: Final = "station.series_closed"
LIFE_ACTION: Final = "station.new_life"
_LONGEST_SERIES: Final = 3
# Without what is misread from paper: 0 and O, 1 and I.
_PLAIN: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """What the witness knows. ``marks`` are two only while an opening is under way; ``series`` are
    all that this folder ever printed with.
    """

    incarnation: str
    number: int
    machine: str
    marks: tuple[str, ...]
    series: tuple[str, ...]


class Witness(Protocol):
    """The file beside the database."""

    def held(self) -> AbstractContextManager[None]: ...
    def read(self) -> Testimony | None: ...
    def write(self, seen: Testimony) -> None: ...


class Lives:
    """Keeps database and witness together. ``machine`` names this machine."""

    def __init__(self, clock: Clock, witness: Witness, machine: str) -> None:
        self._clock = clock
        self._witness = witness
        self._machine = machine

    def opened(self, store: Store) -> bool:
        """To be called whenever a database is opened, before anything else is written; True when it
        begins a new life.
        """
        fresh_mark = self._clock.random(8).hex()
        with store.write() as work, self._witness.held():
            seen = self._witness.read()
            own = self.current(work) or self._begun(seen, work)
            # A new station, or one of the first release, has nothing to be compared with.
            renewed = (own != "" or seen is not None) and self._is_doubtful(seen, work)
            if renewed:
                elsewhere = seen is None or seen.machine != self._machine
                self._begin(work, seen, fresh_mark, by_chance=elsewhere)
            else:
                if not own:
                    work.settings.put(INCARNATION, self._new_name())
                self._change_mark(work, seen, fresh_mark)
        self._settle(fresh_mark)
        return renewed

    def _begun(self, seen: Testimony | None, work: Work) -> str:
        """The name that the first opening of all had told the witness when the power was cut: this
        database goes on with it.
        """
        if seen is None or "" not in seen.marks or work.settings.get(MARK):
            return ""
        work.settings.put(INCARNATION, seen.incarnation)
        return seen.incarnation

    def _is_doubtful(self, seen: Testimony | None, work: Work) -> bool:
        return (
            seen is None
            or seen.incarnation != self.current(work)
            or seen.machine != self._machine
            or (work.settings.get(MARK) or "") not in seen.marks
            or work.outbox.last_number() < seen.number
        )

    def copied(self, store: Store) -> None:
        """A backup was made: what it holds shall not be taken for this database later."""
        fresh_mark = self._clock.random(8).hex()
        with store.write() as work, self._witness.held():
            self._change_mark(work, self._witness.read(), fresh_mark)
        self._settle(fresh_mark)

    def note(self, store: Store) -> None:
        """Tell the witness the highest number, after a sync and at the end. Never raises for the
        disk: the mark alone tells a copy, too.
        """
        with suppress(EnvironmentFailure):
            with store.read() as work:
                own, number = self.current(work), work.outbox.last_number()
            with self._witness.held():
                seen = self._witness.read()
                if seen is not None and seen.incarnation == own and seen.number < number:
                    self._witness.write(replace(seen, number=number))

    def current(self, work: Work) -> str:
        """The name of this life."""
        return work.settings.get(INCARNATION) or ""

    def renew(self, work: Work) -> str:
        """Begin a new life in this transaction: the server knows of a later one than this."""
        with self._witness.held():
            self._begin(work, self._witness.read(), self._clock.random(8).hex(), by_chance=True)
        return self.current(work)

    def _begin(
        self, work: Work, seen: Testimony | None, fresh_mark: str, *, by_chance: bool
    ) -> None:
        """The witness is told before the commit: a life that was begun twice costs a series, one
        that nobody knows of costs numbers given twice.
        """
        marks = (work.settings.get(MARK) or "", fresh_mark)
        life = self._prepare(work, seen, marks, by_chance=by_chance)
        work.settings.put(MARK, fresh_mark)
        self._witness.write(life)

    def _change_mark(self, work: Work, seen: Testimony | None, fresh_mark: str) -> None:
        """While the witness names both marks, the database may hold either: a power cut between the
        two writes is no new life. On a full disk the old mark stays.
        """
        given = {*(seen.series if seen else ()), *_series_of(work)}
        testimony = Testimony(
            incarnation=self.current(work),
            number=max(work.outbox.last_number(), seen.number if seen else 0),
            machine=self._machine,
            marks=(work.settings.get(MARK) or "", fresh_mark),
            series=tuple(sorted(given)),
        )
        with suppress(EnvironmentFailure):
            self._witness.write(testimony)
            work.settings.put(MARK, fresh_mark)

    def _settle(self, mark: str) -> None:
        """The database holds this mark now, so no other one is good any more."""
        with suppress(EnvironmentFailure), self._witness.held():
            seen = self._witness.read()
            if seen is not None and mark in seen.marks:
                self._witness.write(replace(seen, marks=(mark,)))

    def _prepare(
        self, work: Work, seen: Testimony | None, marks: tuple[str, ...], *, by_chance: bool
    ) -> Testimony:
        number = max(work.outbox.last_number(), seen.number if seen else 0)
        work.outbox.raise_number(number)
        name = self._new_name()
        work.settings.put(INCARNATION, name)
        given = seen.series if seen else ()
        series = self._new_series(work, given, by_chance=by_chance)
        return Testimony(
            incarnation=name,
            number=number,
            machine=self._machine,
            marks=marks,
            series=tuple(sorted({*given, *series})),
        )

    def _new_series(
        self, work: Work, given: Collection[str], *, by_chance: bool
    ) -> tuple[str, ...]:
        """Old and new series; none before the station was set up."""
        if not _series_of(work):
            return ()
        station = work.settings.station()
        kept = (work.settings.get(SERIES_BASE) or "").split(":")
        base = kept[0] if len(kept) == 2 and kept[1] == station.series else station.series
        taken = {*given, station.series}
        chance = self._clock.random if by_chance else None
        series = next_series(base, taken, chance)
        now = self._clock.now()
        work.settings.save_station(replace(station, series=series), now)
        work.settings.put(SERIES_BASE, f"{base}:{series}")
        closed = {*closed_series(work), *taken}
        work.settings.put(SERIES_CLOSED, ",".join(sorted(closed)))
        work.audit.append(
            None, LIFE_ACTION, now, detail={"before": station.series, "series": series}
        )
        return (station.series, series)

    def _new_name(self) -> str:
        return self._clock.random(8).hex()


def _series_of(work: Work) -> tuple[str, ...]:
    """What this machine prints with; nothing before the station was set up."""
    try:
        return (work.settings.station().series,)
    except NotFound:
        return ()


def closed_series(work: Work) -> frozenset[str]:
    """Series that this machine must not print with again: numbers of an earlier life may stand on
    paper that the database does not know of.
    """
    kept = work.settings.get(SERIES_CLOSED) or ""
    return frozenset(one for one in kept.split(",") if one)


def next_series(
    base: str, taken: Collection[str], chance: Callable[[int], bytes] | None = None
) -> str:
    """A series for printed numbers that is not in ``taken``, at most three characters.

    On the machine that knows all it ever printed: ``A``, ``A2``, ``A3`` …; ``A1`` is likely one of
    several machines, so it goes on as ``A1B``, ``A1C`` …. Where that is not known (``chance`` given)
    two copies must not choose alike, so two characters are drawn.
    """
    used = {one.upper() for one in taken}
    candidates = _by_chance(base, chance) if chance else _in_order(base)
    return next(one for one in candidates if one.upper() not in used)


def _in_order(base: str) -> Iterator[str]:
    for stem in dict.fromkeys((base, base[:2], base[:1])):
        if len(stem) >= _LONGEST_SERIES:
            continue
        if stem[-1:].isdigit():
            yield from (f"{stem}{letter}" for letter in string.ascii_uppercase[1:])
        else:
            highest = 10 ** (_LONGEST_SERIES - len(stem))
            yield from (f"{stem}{number}" for number in range(2, highest))
    for first in _PLAIN:
        for second in _PLAIN:
            yield from (f"{first}{second}{third}" for third in _PLAIN)


def _by_chance(base: str, chance: Callable[[int], bytes]) -> Iterator[str]:
    """32 letters: each byte gives one without favour."""
    for _ in range(10_000):
        one, two = chance(2)
        yield f"{base[:1]}{_PLAIN[one % 32]}{_PLAIN[two % 32]}"
    yield from _in_order(base)
