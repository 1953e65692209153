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
from contextlib import AbstractContextManager
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
        """To be called whenever a database is opened, before anything is written; True when it
        begins a new life.
        """
        with self._witness.held():
            seen = self._witness.read()
            with store.read() as work:
                own = work.settings.get(INCARNATION) or ""
                mark = work.settings.get(MARK) or ""
                number = work.outbox.last_number()
            fresh = not own and seen is None  # a new station, or one of the first release
            if not fresh and (seen is None or self._doubtful(seen, own, mark, number)):
                self._begin(store, seen, mark)
                return True
            self._change_mark(store, own or self._new_name(), mark)
            return False

    def _doubtful(self, seen: Testimony, own: str, mark: str, number: int) -> bool:
        return (
            seen.incarnation != own
            or seen.machine != self._machine
            or mark not in seen.marks
            or number < seen.number
        )

    def copied(self, store: Store) -> None:
        """A backup was made: what it holds shall not be taken for this database later."""
        with self._witness.held():
            with store.read() as work:
                own = work.settings.get(INCARNATION) or ""
                mark = work.settings.get(MARK) or ""
            self._change_mark(store, own, mark)

    def note(self, store: Store) -> None:
        """Tell the witness the highest number, after a sync and at the end. Never raises for the
        disk: the mark alone tells a copy, too.
        """
        try:
            with self._witness.held():
                seen = self._witness.read()
                with store.read() as work:
                    own = work.settings.get(INCARNATION)
                    number = work.outbox.last_number()
                if seen is not None and seen.incarnation == own and seen.number < number:
                    self._witness.write(replace(seen, number=number))
        except EnvironmentFailure:
            return

    def current(self, work: Work) -> str:
        """The name of this life."""
        return work.settings.get(INCARNATION) or ""

    def renew(self, work: Work) -> str:
        """Begin a new life in this transaction: the server knows of a later one than this."""
        with self._witness.held():
            seen = self._witness.read()
            mark = work.settings.get(MARK) or ""
            life = self._prepare(work, seen, (mark,), by_chance=True)
            self._witness.write(life)
            return life.incarnation

    def _begin(self, store: Store, seen: Testimony | None, mark: str) -> None:
        fresh_mark = self._clock.random(8).hex()
        elsewhere = seen is None or seen.machine != self._machine
        with store.write() as work:
            life = self._prepare(work, seen, (mark, fresh_mark), by_chance=elsewhere)
            work.settings.put(MARK, fresh_mark)
            # Before the commit: a life that was begun twice costs a series, one that nobody knows
            # of costs numbers given twice.
            self._witness.write(life)
        self._witness.write(replace(life, marks=(fresh_mark,)))

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
        try:
            station = work.settings.station()
        except NotFound:
            return ()
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

    def _change_mark(self, store: Store, name: str, mark: str) -> None:
        """Full of care for a full disk: as long as the witness cannot be written, the mark stays."""
        with store.read() as work:
            number = work.outbox.last_number()
            before = work.settings.get(INCARNATION)
            try:
                series = work.settings.station().series
            except NotFound:
                series = ""
        seen = self._witness.read()
        fresh_mark = self._clock.random(8).hex()
        given = {*(seen.series if seen else ()), *((series,) if series else ())}
        next_seen = Testimony(
            incarnation=name,
            number=max(number, seen.number if seen else 0),
            machine=self._machine,
            marks=tuple(dict.fromkeys((mark, fresh_mark))),
            series=tuple(sorted(given)),
        )
        try:
            self._witness.write(next_seen)
        except EnvironmentFailure:
            return
        with store.write() as work:
            work.settings.put(MARK, fresh_mark)
            if before != name:
                work.settings.put(INCARNATION, name)
        try:
            self._witness.write(replace(next_seen, marks=(fresh_mark,)))
        except EnvironmentFailure:
            return  # both marks are named: the next opening fits

    def _new_name(self) -> str:
        return self._clock.random(8).hex()


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
