"""Count and sum differ from the province's: find out what, by buckets (docs/sync.md, "Repair")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from station_emr.domain.operation import Tally
from station_emr.services.ports import Work

_IDS_AT_ONCE: Final = 8000


def differing(mine: Sequence[Tally], theirs: Sequence[Tally]) -> tuple[int, ...]:
    """The numbers of the buckets that are not the same."""
    return tuple(
        number
        for number, (here, there) in enumerate(zip(mine, theirs, strict=True))
        if here != there
    )


def portions(buckets: Sequence[int], theirs: Sequence[Tally]) -> Iterator[tuple[int, ...]]:
    """Groups of buckets whose lists are short enough for one answer."""
    group: list[int] = []
    size = 0
    for number in buckets:
        if group and size + theirs[number].count > _IDS_AT_ONCE:
            yield tuple(group)
            group, size = [], 0
        group.append(number)
        size += theirs[number].count
    if group:
        yield tuple(group)


def settle(
    work: Work, listed: Mapping[int, Sequence[str]], asked: Sequence[int]
) -> tuple[int, int]:
    """Offer again what the province lost, and want what is missing here; all of it is remembered
    in this transaction. Gives how many of each. A bucket that was not answered is left alone.
    """
    lost = missing = 0
    for number in asked:
        if number not in listed:
            continue
        theirs = frozenset(listed[number])
        mine = frozenset(work.operations.listed(number))
        gone = sorted(mine - theirs)
        work.operations.set_held(gone, held=False)
        for one in gone:
            work.outbox.queue_operation(one)
        unknown = theirs - mine
        here = work.operations.knows(unknown)
        work.operations.set_held(here)
        work.operations.want(unknown - here)
        lost += len(gone)
        missing += len(unknown - here)
    return lost, missing
