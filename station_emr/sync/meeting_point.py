"""Answers the exchanges of the station's other PCs from this machine's own record (docs/sync.md,
"Another peer"). What it takes it passes on; that the province has it, only the province says.

No listener: whoever carries requests here (another PC of the station, a test) has made sure who asks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from station_emr.domain.sync import OutboxItem
from station_emr.services.ports import Clock, Store, Work

from .applying import Applier, CannotApply
from .carried_letters import pass_on
from .exchange_peer import ExchangeReply, ExchangeRequest, Refusal, RefusalKind
from .operation_line import Unopenable, op_id, open_line
from .running import OUR_FAULTS
from .sealing import NotYet, Numbers, Sealer, key_of_item

_log = logging.getLogger(__name__)

_EVERY_ITEM: Final = 100_000
_LINES: Final = 500
_LARGEST_PAGE: Final = 4 * 1024 * 1024


@dataclass(slots=True)
class _Page:
    """What goes back. ``held`` are those that the province is known to have."""

    lines: list[bytes]
    held: set[str]
    cursor: int
    more: bool


class MeetingPoint:
    """An :class:`station_emr.sync.exchange_peer.ExchangePeer` over a store. May be called from any
    thread; each answer is one transaction.
    """

    def __init__(self, store: Store, clock: Clock, sealer: Sealer, applier: Applier) -> None:
        self._store = store
        self._clock = clock
        self._sealer = sealer
        self._applier = applier

    def exchange(self, request: ExchangeRequest) -> ExchangeReply:
        """Keep the lines, queue what is new for the province, give a page of what is here.

        Raises EnvironmentFailure when the disk refuses: nothing was taken then.
        """
        aside: frozenset[str] = frozenset()
        while True:
            try:
                with self._store.write() as work:
                    return self._answer(work, request, aside)
            except CannotApply as fault:
                aside |= {fault.name}  # kept and passed on, although it cannot be shown here

    def _answer(self, work: Work, request: ExchangeRequest, aside: frozenset[str]) -> ExchangeReply:
        life = self._sealer.incarnation.current(work) or self._sealer.incarnation.renew(work)
        names = [op_id(line) for line in request.lines]
        self._take(work, names, request.lines, aside)
        self._seal_own(work)
        refused = _refused(work, names)
        # A number of this database's log means nothing in another life of it.
        after = request.cursor if request.epoch == life else 0
        page = self._page(work, request, after, frozenset(names))
        page.held.update(name for name in names if work.operations.is_held(name))
        return ExchangeReply(
            epoch=life,
            taken=frozenset(range(len(names))) - {one.at for one in refused},
            refused=refused,
            cursor=page.cursor,
            more=page.more,
            lines=page.lines,
            held_by_province=False,
            held=frozenset(page.held),
            letter=pass_on(work, request.incarnation, request.letter),
        )

    def _take(
        self, work: Work, names: Sequence[str], lines: Sequence[bytes], aside: frozenset[str]
    ) -> None:
        known = work.operations.knows(names)
        self._applier.page(work, lines, held=False, aside=aside)
        for name in dict.fromkeys(names):
            if name not in known:
                work.outbox.queue_operation(name)

    def _seal_own(self, work: Work) -> None:
        """What was written here and has no line yet is shown to the others as well."""
        items = work.outbox.operations(_EVERY_ITEM, self._clock.now().date())
        numbers = {key_of_item(item): item.seq for item in items if item.version}
        for item in items:
            if item.version and not item.op_id:
                self._seal(work, item, numbers)

    def _seal(self, work: Work, item: OutboxItem, numbers: Numbers) -> None:
        try:
            self._sealer.seal_item(work, item, numbers)
        except NotYet:
            return
        except OUR_FAULTS as error:
            # The run to the province puts it aside and says so. The message may quote it.
            _log.warning("cannot build a %s: %s", item.kind.value, type(error).__name__)

    def _page(
        self, work: Work, request: ExchangeRequest, after: int, sent: frozenset[str]
    ) -> _Page:
        room = min(max(request.room, 1), _LARGEST_PAGE)
        page = _Page([], set(), after, more=False)
        size = 0
        for name in request.want:
            line = work.operations.line(name)
            if line is not None and size < room:
                size += self._put(work, page, name, line)
        while True:
            rows = work.operations.since(page.cursor, _LINES)
            for place, name, line in rows:
                if name not in sent and not self._is_own(request, line):
                    if size and size + len(line) > room:
                        page.more = True
                        return page
                    size += self._put(work, page, name, line)
                page.cursor = place
            if len(rows) < _LINES:
                return page

    @staticmethod
    def _put(work: Work, page: _Page, name: str, line: bytes) -> int:
        page.lines.append(line)
        if work.operations.is_held(name):
            page.held.add(name)
        return len(line)

    @staticmethod
    def _is_own(request: ExchangeRequest, line: bytes) -> bool:
        try:
            envelope, _ = open_line(line)
        except Unopenable:
            return False
        return envelope.incarnation == request.incarnation


def _refused(work: Work, names: Iterable[str]) -> tuple[Refusal, ...]:
    """What the province said of these, passed on in its words."""
    reasons = {item.op_id: item.reason for item in work.outbox.quarantined() if item.op_id}
    return tuple(
        Refusal(at=place, kind=RefusalKind.POISON, reason=reasons[name])
        for place, name in enumerate(names)
        if name in reasons
    )
