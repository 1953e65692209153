"""What stands outside the chain and tells whether its end is still the one that was seen.

The chain proves itself from its first line to its last, but not that the last line is the last one:
whoever has the key can cut it, write it anew, or put yesterday's database back. The end is therefore
shown to others: a file beside the database, the province, and paper.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol

from station_emr.domain.audit import (
    AuditFilter,
    ChainHead,
    Evidence,
    EvidenceKind,
    Result,
    compare,
)
from station_emr.domain.errors import EnvironmentFailure, StationError

from .incarnation import INCARNATION
from .ports import Clock, Store, Work

ACCEPTED: Final = "audit.accept"
ANCHORED: Final = "audit.anchor"
MISMATCH: Final = "audit.mismatch"
ANCHOR_EVERY: Final = timedelta(days=1)
_MOST_LOST: Final = 20
_HEAD: Final = re.compile(r"head: (\d+:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """The end that was seen last; ``lost`` are earlier ends that the database no longer held."""

    head: ChainHead
    lost: tuple[ChainHead, ...] = ()


class AuditWitness(Protocol):
    """The file beside the database."""

    def read(self) -> Witnessed | None: ...
    def write(self, seen: Witnessed) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorAnswer:
    """What the province says to an end that is shown to it. ``last`` is the end it holds."""

    accepted: bool
    unproven: bool = False  # it asks what the chain holds at ``last``
    last: ChainHead | None = None


class AnchorLine(Protocol):
    """The province's desk for it. Raises NetworkFailure, also where the server keeps no anchors."""

    def anchors(self) -> tuple[ChainHead, ...]:
        """The last end of every life of this machine's database, the newest first."""

    def show(self, head: ChainHead, continues: ChainHead | None) -> AnchorAnswer: ...
    def close(self) -> None: ...


def head_now(work: Work) -> ChainHead | None:
    """The end of the chain with the life of this database."""
    head = work.audit.head()
    life = work.settings.get(INCARNATION) or ""
    return replace(head, incarnation=life) if head is not None else None


def accepted_heads(work: Work) -> frozenset[str]:
    """Ends that the director has said are missing for a known reason."""
    rows = work.audit.rows(500, None, AuditFilter(actions=(ACCEPTED,)))
    return frozenset(found[1] for row in rows for found in [_HEAD.search(row.detail)] if found)


def unexplained(work: Work) -> tuple[str, ...]:
    """Ends that were missed, for which the director has given no reason."""
    noted = work.audit.rows(200, None, AuditFilter(actions=(MISMATCH,)))
    missed = (found[1] for row in noted for found in [_HEAD.search(row.detail)] if found)
    return tuple(sorted(set(missed) - accepted_heads(work)))


class WitnessWatch:
    """Compares the database with the witness at every opening, and keeps the witness up to date."""

    def __init__(self, store: Store, clock: Clock, witness: AuditWitness) -> None:
        self._store = store
        self._clock = clock
        self._witness = witness

    def opened(self) -> bool:
        """To be called when the database is open; False when it does not hold what was seen."""
        seen = self._witness.read()
        holds = True
        lost = seen.lost if seen is not None else ()
        if seen is not None:
            with self._store.read() as work:
                holds = work.audit.hash_at(seen.head.seq) == seen.head.hash
            if not holds and seen.head not in lost:
                note_mismatch(self._store, self._clock, EvidenceKind.WITNESS, seen.head)
                lost = (seen.head, *lost)[:_MOST_LOST]
        self._keep(lost)
        return holds

    def note(self) -> None:
        """The end as it is now: after a sync and when the program ends."""
        seen = self._witness.read()
        self._keep(seen.lost if seen is not None else ())

    def evidence(self) -> tuple[Evidence, ...]:
        seen = self._witness.read()
        if seen is None:
            return ()
        return tuple(
            Evidence(kind=EvidenceKind.WITNESS, head=head) for head in (seen.head, *seen.lost)
        )

    def _keep(self, lost: tuple[ChainHead, ...]) -> None:
        # On a full disk the earlier end stays, and it still has to be in the chain.
        with suppress(EnvironmentFailure):
            with self._store.read() as work:
                head = head_now(work)
            if head is not None:
                self._witness.write(Witnessed(head=replace(head, at=self._clock.now()), lost=lost))


class Anchoring:
    """Shows the end of the chain to the province, once a day."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def is_due(self) -> bool:
        now = self._clock.now()
        with self._store.read() as work:
            life = work.settings.get(INCARNATION) or ""
            last = next((one for one in work.audit.anchors() if _is_own(one, life)), None)
        if last is None or last.head.at is None:
            return True
        return not timedelta() <= now - last.head.at < ANCHOR_EVERY

    def run(self, line: AnchorLine) -> AnchorAnswer | None:
        """After a sync that went well; None while it is not due. Raises NetworkFailure."""
        return self.show(line) if self.is_due() else None

    def show(self, line: AnchorLine) -> AnchorAnswer | None:
        """Show the end now, and keep what the province took."""
        with self._store.read() as work:
            head = head_now(work)
            known = work.audit.anchors()
        if head is None:
            return None
        own = next((one.head for one in known if _is_own(one, head.incarnation)), None)
        before = own or next((one.head for one in known if one.kind is EvidenceKind.PROVINCE), None)
        answer = line.show(head, self._held(before))
        if answer.unproven and answer.last is not None:
            answer = line.show(head, self._held(answer.last))
        if answer.accepted:
            with self._store.write() as work:
                now = self._clock.now()
                work.audit.add_anchor(EvidenceKind.PROVINCE, replace(head, at=now), now)
                work.audit.append(None, ANCHORED, now, detail={"head": head.words})
            if own is None:
                self._note_missed(line)
        elif answer.last is not None:
            self._note_once(answer.last)
        return answer

    def answered(self, taken: ChainHead | None, ends: Sequence[ChainHead]) -> None:
        """What came home on a stick: the end that the province took, and the last end of every life
        of this database that it knows. The same answer twice is one.
        """
        if taken is not None:
            with self._store.write() as work:
                known = any(
                    (one.kind, one.head.words, one.head.incarnation)
                    == (EvidenceKind.PROVINCE, taken.words, taken.incarnation)
                    for one in work.audit.anchors()
                )
                if not known and work.audit.hash_at(taken.seq) == taken.hash:
                    now = self._clock.now()
                    work.audit.add_anchor(EvidenceKind.PROVINCE, taken, now)
                    work.audit.append(None, ANCHORED, now, detail={"head": taken.words})
        self._note_lost(ends)

    def _note_missed(self, line: AnchorLine) -> None:
        """A new life is taken by the province although lines of an earlier one are missing: a copy was
        put back. Whoever did not do it has to hear of it.
        """
        self._note_lost(line.anchors())

    def _note_lost(self, ends: Sequence[ChainHead]) -> None:
        for head in ends:
            with self._store.read() as work:
                held = work.audit.hash_at(head.seq) == head.hash
            if not held:
                self._note_once(head)

    def _held(self, place: ChainHead | None) -> ChainHead | None:
        """What this chain holds there, in its own words: the province compares."""
        if place is None:
            return None
        with self._store.read() as work:
            there = work.audit.hash_at(place.seq)
        return replace(place, hash=there) if there is not None else None

    def _note_once(self, head: ChainHead) -> None:
        with self._store.read() as work:
            noted = work.audit.rows(100, None, AuditFilter(actions=(MISMATCH,)))
        if not any(head.words in row.detail for row in noted):
            note_mismatch(self._store, self._clock, EvidenceKind.PROVINCE, head)


def _is_own(one: Evidence, life: str) -> bool:
    return one.kind is EvidenceKind.PROVINCE and one.head.incarnation == life


def note_mismatch(store: Store, clock: Clock, kind: EvidenceKind, head: ChainHead) -> None:
    """A line about what does not fit: what is missing is gone, but not that it was missed."""
    with store.write() as work:
        said = compare(
            Evidence(kind=kind, head=head),
            (found.seq if (found := work.audit.head()) else 0),
            work.audit.hash_at(head.seq),
        )
        work.audit.append(
            None,
            MISMATCH,
            clock.now(),
            detail={
                "evidence": kind.value,
                "compared": said.comparison.value,
                "head": head.words,
            },
            result=Result.FAILED,
        )


def gather(
    work: Work,
    others: tuple[Evidence, ...],
    ask: Callable[[], tuple[ChainHead, ...]] | None = None,
) -> tuple[tuple[Evidence, ...], str]:
    """Every piece of evidence there is, and why the province's is missing (empty when it is not)."""
    local = tuple(
        replace(one, kind=one.kind if one.kind is EvidenceKind.PRINTED else EvidenceKind.LOCAL)
        for one in work.audit.anchors()
    )
    if ask is None:
        return (*others, *local), ""
    try:
        told = ask()
    except StationError as error:
        return (*others, *local), str(error)
    province = tuple(Evidence(kind=EvidenceKind.PROVINCE, head=head) for head in told)
    return (*others, *province, *local), ""
