"""What goes next, and what an answer means for what went: the queue's side of an exchange."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from station_emr.domain.errors import NotFound
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import OutboxItem, UnitState
from station_emr.services.ports import Clock, Store, Work

from .exchange_peer import ExchangeReply, PageRefused, Refusal, RefusalKind
from .needed import offer_bases, offer_parents
from .operation_line import Unopenable, open_line
from .running import CANNOT_BUILD, OUR_FAULTS, Run
from .sealing import Key, NotYet, Sealer, is_dead, key_of_item, refuse, versions_of
from .verdicts import BUILT_ON_REFUSED, NOT_ALLOWED, refusal_reason, worst_issue

_log = logging.getLogger(__name__)

_LIST: Final = 2000
_LONG: Final = 100
_RUNS_LOW: Final = 400  # some pages before its end the next list is read, while an answer comes
_AHEAD_AT_ONCE: Final = (
    50  # fewer commits where thousands wait; a nurse waits some hundredths of a second
)
_SEALED_AT_ONCE: Final = 25  # one short transaction, so that a nurse's own write never waits long
_LINE_FAULTS: Final = (*OUR_FAULTS, RecursionError)
_FRESH: Final = timedelta(seconds=5)
_ASK_AGAIN: Final = timedelta(hours=1)
_ISSUES: Final = {413: {"severity": "error", "code": "too-long"}}  # a proxy says no more than that
_LETTER: Final = frozenset({RecordKind.PATIENT, RecordKind.ENCOUNTER, RecordKind.REFERRAL})


@dataclass(frozen=True, slots=True)
class Batch:
    """Items with their lines, place by place as they go."""

    items: Sequence[OutboxItem] = ()
    names: Sequence[str] = ()
    lines: Sequence[bytes] = ()

    @property
    def size(self) -> int:
        return sum(map(len, self.lines))


class Sending:
    """Remembers, as long as the program runs, what waits for its parent or base."""

    def __init__(self, store: Store, clock: Clock, sealer: Sealer) -> None:
        self._store = store
        self._clock = clock
        self._sealer = sealer
        self._queue: deque[OutboxItem] = deque()
        self._numbers: dict[Key, int] = {}
        self._ahead: dict[int, tuple[str, bytes]] = {}
        self._out: set[tuple[str, int]] = set()  # handed out, without an answer yet
        self._listed_at: datetime | None = None
        self._deferred: dict[str, tuple[OutboxItem, datetime]] = {}

    def start(self, run: Run) -> None:
        """A new run looks at everything anew but at what it can know to be in vain."""
        self._queue.clear()
        self._ahead.clear()
        self._out.clear()
        self._listed_at = None
        now = self._clock.now()
        self._deferred = {
            name: (item, at)
            for name, (item, at) in self._deferred.items()
            if abs(now - at) < _ASK_AGAIN
        }
        with self._store.read() as work:
            run.total = work.outbox.count(UnitState.WAITING)

    def has_urgent(self) -> bool:
        """Whether a referral letter waits."""
        return bool(_urgent(self._list(_LIST)))

    def has_more(self, run: Run, *, urgent_only: bool = False) -> bool:
        """Whether something waits that has no answer in this run and is not held back."""
        if not urgent_only and any(self._may_go(run, item) for item in self._queue):
            return True
        self._fill(run)
        return bool(_urgent(self._queue) if urgent_only else self._queue)

    def held_back(self, run: Run) -> bool:
        """Whether this run left something behind that waits for its parent or base."""
        tried = ((item.record_id, item.seq) for item, _ in self._deferred.values())
        return bool(run.waiting_for_parent) or any(key in run.tried for key in tried)

    def next(self, run: Run, room: int, *, most: int, urgent_only: bool = False) -> Batch:
        """The next page of at most ``most`` lines and ``room`` bytes of them, but at least one."""
        now = self._clock.now()
        if self._listed_at is None or not self._queue or abs(now - self._listed_at) > _FRESH:
            self._fill(run)  # a letter written meanwhile must not wait behind an old list
        if urgent_only:
            self._queue = deque(_urgent(self._queue))
        items: list[OutboxItem] = []
        names: list[str] = []
        lines: list[bytes] = []
        size = 0
        while self._queue and len(lines) < most and (size < room or not lines):
            count = min(_SEALED_AT_ONCE, len(self._queue), most - len(lines))
            some = [self._queue.popleft() for _ in range(count)]
            sealed = self._sealed(run, some)
            for place, (item, name, line) in enumerate(sealed):
                if lines and size + len(line) > room:
                    size = room
                    self._queue.extendleft(reversed(some[some.index(item) :]))
                    # Sealed already: at hand when their turn comes.
                    self._ahead |= {one.seq: (name, line) for one, name, line in sealed[place:]}
                    break
                items.append(item)
                names.append(name)
                lines.append(line)
                size += len(line)
        self._out.update(_places(items))
        return Batch(items, names, lines)

    def ready(self, room: int) -> Batch:
        """The next page as far as its lines are at hand, before the present one has its answer; empty
        when the list is too old for that.
        """
        items: list[OutboxItem] = []
        size = 0
        if self._listed_at is not None and abs(self._clock.now() - self._listed_at) <= _FRESH:
            while self._queue and self._queue[0].seq in self._ahead:
                size += len(self._ahead[self._queue[0].seq][1])
                if items and size > room:
                    break
                items.append(self._queue.popleft())
        made = [self._ahead.pop(item.seq) for item in items]
        self._out.update(_places(items))
        return Batch(items, [name for name, _ in made], [line for _, line in made])

    def give_back(self, batch: Batch) -> None:
        """Nothing was said about these: they go again."""
        self._out.difference_update(_places(batch.items))
        self._queue.extendleft(reversed(batch.items))

    def leave(self, run: Run, batch: Batch, refusal: PageRefused) -> None:
        """The server takes other requests, but not this one line: it is set aside if that is for
        what it says; else it waits, and the others pass.
        """
        (item,), (name,), now = batch.items, batch.names, self._clock.now()
        with self._store.write() as work:
            if refusal.lasting:
                issue = worst_issue(refusal.body) or _ISSUES.get(refusal.status, {})
                refuse(work, name)
                poison = Refusal(at=0, kind=RefusalKind.POISON, issues=(issue,))
                work.outbox.quarantine(item, _reason(poison, batch.lines[0]), now)
            else:
                work.outbox.count_attempt([item])
        run.tried.add((item.record_id, item.seq))
        self._out.discard((item.record_id, item.seq))
        if refusal.lasting:
            run.quarantined += 1
        else:
            self._deferred[name] = (item, now)

    def _list(self, limit: int) -> tuple[OutboxItem, ...]:
        with self._store.read() as work:
            return work.outbox.operations(limit, self._clock.now().date())

    def _fill(self, run: Run) -> None:
        limit = _LIST
        while True:
            found = self._list(limit)
            ready = [item for item in found if self._may_go(run, item)]
            if ready or len(found) < limit:
                break
            limit *= 2  # what stands at the head cannot go now; look behind it
        self._queue = deque(ready)
        self._numbers = {key_of_item(item): item.seq for item in found if item.version}
        self._listed_at = self._clock.now()

    def _may_go(self, run: Run, item: OutboxItem) -> bool:
        key = (item.record_id, item.seq)
        return (
            key not in run.tried
            and key not in self._out
            and key not in run.waiting_for_parent
            and item.op_id not in self._deferred
        )

    def _sealed(self, run: Run, items: Sequence[OutboxItem]) -> list[tuple[OutboxItem, str, bytes]]:
        """The items with their operations, sealed in one short transaction where they were not."""
        made = {item.seq: self._ahead.pop(item.seq) for item in items if item.seq in self._ahead}
        made |= self._made([item for item in items if item.seq not in made])
        late = any(not item.op_id and item.seq not in made for item in items)
        opened = self._store.write if late else self._store.read
        found: list[tuple[OutboxItem, str, bytes]] = []
        with opened() as work:
            for item in items:
                try:
                    name, line = made.get(item.seq) or self._sealer.seal_item(
                        work, item, self._numbers
                    )
                except NotYet:
                    run.waiting_for_parent.add((item.record_id, item.seq))
                    continue
                except OUR_FAULTS as error:
                    # One record must not stop the others. The message may quote it: not logged.
                    _log.warning("cannot build a %s: %s", item.kind.value, type(error).__name__)
                    work.outbox.quarantine(item, CANNOT_BUILD, self._clock.now())
                    run.quarantined += 1
                    continue
                if line:
                    found.append((item, name, line))
        return found

    def _firsts(self, work: Work, items: Sequence[OutboxItem]) -> dict[int, tuple[str, bytes]]:
        made = self._sealer.seal_firsts(work, items, self._numbers) if items else {}
        return {item.seq: made[key] for item in items if (key := key_of_item(item)) in made}

    @property
    def is_long(self) -> bool:
        """Whether so much waits that the next page is worth preparing before its turn."""
        return len(self._queue) >= _LONG

    def prepare(self, run: Run, room: int) -> None:
        """While an answer is awaited: have lines of the next page ready, as far as they need none."""
        size = 0
        if len(self._queue) < _RUNS_LOW:
            self._fill(run)  # behind what is on its way
        coming = [item for item in self._queue if item.seq not in self._ahead]
        for some in _portions(coming, _AHEAD_AT_ONCE):
            if size >= room:
                break
            made = self._made(some)
            self._ahead |= made
            size += sum(len(line) for _, line in made.values())

    def seal_fresh(self, work: Work, after: int) -> None:
        """Lines for the first versions that this transaction wrote, beyond version number ``after``:
        they are on the disk with the records, and sending finds nothing left to make. Of many at
        once, as an import writes them, the lines are made before they go.
        """
        items = work.outbox.fresh_firsts(after, _SEALED_AT_ONCE + 1)
        if 0 < len(items) <= _SEALED_AT_ONCE:
            numbers = {key_of_item(item): item.seq for item in items}
            try:
                with work.attempt():
                    self._sealer.seal_firsts(work, items, numbers)
            except _LINE_FAULTS as error:
                # The record comes first; its line is made, or what is wrong with it told, before it
                # goes. The message may quote it: not logged.
                _log.warning("cannot seal what was written: %s", type(error).__name__)

    def seal_waiting(self, stopping: threading.Event) -> None:
        """While the line is away: make the lines that need no answer, so that sending begins at
        once when it is back.
        """
        limit = _LIST
        while not stopping.is_set():
            found = self._list(limit)
            fresh = [item for item in found if not item.op_id and item.version == 1]
            self._numbers = {key_of_item(item): item.seq for item in found if item.version}
            made = 0
            for some in _portions(fresh, _SEALED_AT_ONCE):
                if stopping.is_set():
                    return
                made += len(self._made(some))
            if not made:  # what is left needs an answer first; look behind it
                if len(found) < limit:
                    return
                limit *= 2

    def _made(self, items: Sequence[OutboxItem]) -> dict[int, tuple[str, bytes]]:
        """Lines of first versions, sealed in one short transaction where they were not."""
        fresh = [item for item in items if not item.op_id]
        opened = self._store.write if fresh else self._store.read
        with opened() as work:
            made = self._firsts(work, fresh)
            lines = work.operations.lines([item.op_id for item in items if item.op_id])
        return made | {
            item.seq: (item.op_id, lines[item.op_id]) for item in items if item.op_id in lines
        }

    def answered(self, run: Run, batch: Batch, reply: ExchangeReply) -> None:
        """The same for this run's own memory, once that transaction is on the disk."""
        now = self._clock.now()
        for one in reply.refused:
            item, name = batch.items[one.at], batch.names[one.at]
            if one.kind in {RefusalKind.POISON, RefusalKind.DENIED}:
                run.quarantined += 1
            elif one.kind in {RefusalKind.PARENT, RefusalKind.BASE}:
                self._deferred[name] = (item, now)
        run.tried.update(_places(batch.items))
        self._out.difference_update(_places(batch.items))
        if reply.taken:
            self._let_go(run, [batch.items[place] for place in reply.taken])
        run.sent += len(reply.taken)
        run.changed += reply.new

    def _let_go(self, run: Run, taken: Iterable[OutboxItem]) -> None:
        """Something of the same person or record was taken: what waited for it may go now."""
        people = {item.patient_id for item in taken if item.patient_id}
        records = {item.record_id for item in taken}
        run.waiting_for_parent = {key for key in run.waiting_for_parent if key[0] not in records}
        for name, (item, _) in list(self._deferred.items()):
            if item.patient_id in people or item.record_id in records:
                del self._deferred[name]
                run.tried.discard((item.record_id, item.seq))


def settle(work: Work, batch: Batch, reply: ExchangeReply, now: datetime) -> int:
    """Write down what became of each operation, in the transaction of the answer. Gives how many
    of them can never be taken as they are, because what they were written on was refused for good:
    a person has to save the record once more.
    """
    taken = [
        batch.items[place]
        for place in sorted(reply.taken)
        if reply.held_by_province or batch.names[place] in reply.held
    ]
    work.outbox.acknowledge_numbers(taken, now)
    for item in taken:
        _leave_behind(work, item)
    waiting: list[tuple[OutboxItem, str]] = []
    said: dict[tuple[RecordKind, str], str] = {}
    if reply.refused:
        said = {(item.kind, item.record_id): item.reason for item in work.outbox.quarantined()}
    for one in reply.refused:
        item, name = batch.items[one.at], batch.names[one.at]
        if one.kind in {RefusalKind.POISON, RefusalKind.DENIED}:
            refuse(work, name)
            reason = _reason(one, batch.lines[one.at])
            said[item.kind, item.record_id] = reason
            work.outbox.quarantine(item, reason, now, alone=True)
        else:
            waiting.append((item, name))
            if one.kind is RefusalKind.BASE:
                offer_bases(work, batch.lines[one.at])
            elif one.kind is RefusalKind.PARENT:
                offer_parents(work, item)
    stranded = []
    for item, name in waiting:
        if is_dead(work, name):
            stranded.append(item)
            refuse(work, name)
            reason = _built_on(said.get((item.kind, item.record_id), ""))
            work.outbox.quarantine(item, reason, now, alone=True)
    work.outbox.count_attempt([item for item, _ in waiting if item not in stranded])
    return len(stranded)


def _built_on(said: str) -> str:
    """With what the province said of the version beneath, so that the way to its field stays."""
    return said if said.startswith(BUILT_ON_REFUSED) else f"{BUILT_ON_REFUSED} {said}".strip()


def _portions(items: Sequence[OutboxItem], size: int) -> Iterator[Sequence[OutboxItem]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _places(items: Iterable[OutboxItem]) -> list[tuple[str, int]]:
    return [(item.record_id, item.seq) for item in items]


def _urgent(items: Iterable[OutboxItem]) -> list[OutboxItem]:
    """Waiting letters, and what of their people must be there before them."""
    items = list(items)
    people = {item.patient_id for item in items if item.kind is RecordKind.REFERRAL}
    return [
        item
        for item in items
        if item.kind in _LETTER and item.patient_id and item.patient_id in people
    ]


def _leave_behind(work: Work, item: OutboxItem) -> None:
    """A correction was taken: the versions before it that the province refused need not go any
    more. They stay in the record's history here.
    """
    if item.version < 2:
        return
    nodes = {node.version: node for node in versions_of(work, item.kind, item.record_id)}
    refused: set[int] = set()
    waiting = list(nodes[item.version].parents)
    while waiting:  # only what this one corrects: beside it others may have been refused too
        above = nodes[waiting.pop()]
        if above.op_id and above.version not in refused and is_dead(work, above.op_id):
            refused.add(above.version)
            waiting += above.parents
    work.outbox.drop_versions(item.kind, item.record_id, sorted(refused))


def _reason(refusal: Refusal, line: bytes) -> str:
    if refusal.reason:
        return refusal.reason
    if refusal.kind is RefusalKind.DENIED:
        return NOT_ALLOWED
    try:
        _, resources = open_line(line)
        return refusal_reason(refusal.issues, resources)
    except (Unopenable, NotFound, *OUR_FAULTS):
        return CANNOT_BUILD
