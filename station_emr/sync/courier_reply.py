"""What the province's answer on a stick does here (docs/courier.md, "Reply")."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from station_emr.domain.operation import Tally
from station_emr.domain.sync import OutboxItem, UnitState
from station_emr.services.courier import CourierRefused, CourierReport
from station_emr.services.ports import Clock, Store, Work

from .applying import Applier, CannotApply, Outcome
from .courier_file import UNREADABLE
from .courier_log import LogAnswer, take_answer
from .exchange_peer import ExchangeReply, Refusal, RefusalKind
from .operation_line import OP_ID
from .place import Place, read_place, write_place
from .province_key import ProvinceKey, adopt
from .queueing import Batch, settle
from .sealing import Sealer

_ALL: Final = 1_000_000
_FOR_GOOD: Final = frozenset({RefusalKind.POISON, RefusalKind.DENIED})
OUTDATED: Final = (
    "Tệp trả lời này lập trước khi máy chủ tỉnh được khôi phục từ bản sao lưu, nên không còn đúng. "
    "Chưa có gì thay đổi. Hãy xuất tệp mới cho tỉnh."
)


class _Header(msgspec.Struct):
    v: int
    epoch: str
    asked: str
    since: int
    inc: str
    verdicts: int
    stale: bool = False
    province: dict[str, Any] | None = None
    log: LogAnswer | None = None


class _RefusedOp(msgspec.Struct):
    op: str
    kind: str
    issues: list[dict[str, Any]] = []


class _Verdict(msgspec.Struct):
    taken: list[str] = []
    refused: _RefusedOp | None = None


class _Page(msgspec.Struct):
    lines: int
    cursor: int
    more: bool = False
    count: int | None = None
    sum: int | None = None


def unreadable() -> CourierRefused:
    return CourierRefused("unreadable", UNREADABLE)


def decode_note(line: bytes, shape: type[Any]) -> Any:
    """A line of a courier file that is no operation. Raises CourierRefused."""
    try:
        return msgspec.json.decode(line, type=shape)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise unreadable() from error


def apply_lines(
    store: Store,
    applier: Applier,
    lines: Iterable[bytes],
    also: Callable[[Work], None],
    *,
    held: bool,
) -> Outcome:
    """Lines and what belongs to them in one transaction; a line that cannot be applied is set
    aside and the others tried again.
    """
    kept = tuple(lines)
    aside: frozenset[str] = frozenset()
    while True:
        try:
            with store.write() as work:
                outcome = applier.page(work, kept, held=held, aside=aside)
                also(work)
                outcome.changes += applier.take_late(work)
                return outcome
        except CannotApply as fault:
            if fault.name in aside:
                raise
            aside |= {fault.name}


class ReplyIntake:
    """Takes the lines of a reply in their order: the verdicts in one transaction, then each page."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        applier: Applier,
        clock: Clock,
        province: ProvinceKey,
    ) -> None:
        self._province = province
        self._store = store
        self._sealer = sealer
        self._applier = applier
        self._clock = clock
        self._header: _Header | None = None
        self._open_verdicts = 0
        self._taken: set[str] = set()
        self._refused: dict[str, _RefusedOp] = {}
        self._page: _Page | None = None
        self._lines: list[bytes] = []
        self._since = 0
        self._done = {"operations": 0, "acknowledged": 0, "confirmed": 0, "refused": 0}
        self._outcome = Outcome()
        self._last: _Page | None = None

    def take(self, line: bytes) -> None:
        if self._header is None:
            self._begin(decode_note(line, _Header))
        elif self._open_verdicts:
            self._note(decode_note(line, _Verdict))
        elif self._page is None:
            self._page = decode_note(line, _Page)
        else:
            self._lines.append(line)
        if self._page is not None and len(self._lines) >= self._page.lines:
            self._apply_page(self._page)

    def finish(self, path: str, created: datetime, number: int, size: int) -> CourierReport:
        if self._header is None or self._open_verdicts or self._lines or self._last is None:
            raise unreadable()
        if self._header.log is not None:
            take_answer(self._store, self._clock, self._header.log)
        with self._store.write() as work:
            work.outbox.drop(work.outbox.overtaken())
            waiting = work.outbox.count(UnitState.WAITING)
            verified = (
                not self._last.more
                and not waiting
                and not work.outbox.count(UnitState.QUARANTINED)
                and not work.operations.parked(held=True)
                and not work.operations.wanted(1)
                and work.operations.tally() == _tally(self._last)
            )
        return CourierReport(
            path=path,
            created=created,
            number=number,
            size=size,
            **self._done,
            applied=self._outcome.received,
            conflicts=self._outcome.conflicts,
            unreadable=self._outcome.unreadable,
            waiting=waiting,
            more=self._last.more,
            verified=verified,
        )

    # --- the verdicts ----------------------------------------------------------------------------

    def _begin(self, header: _Header) -> None:
        if header.v != 1 or header.verdicts < 0 or not header.epoch:
            raise unreadable()
        with self._store.read() as work:
            known = read_place(work).epoch
        # Of two epochs nobody can tell the newer one by itself; but an answer to a request that was
        # written under the epoch this database still has must be newer than that.
        if known not in {"", header.epoch, header.asked}:
            raise CourierRefused("outdated", OUTDATED)
        self._header, self._since = header, header.since
        self._open_verdicts = header.verdicts
        if not self._open_verdicts:
            self._settle(header)

    def _note(self, verdict: _Verdict) -> None:
        self._taken.update(name for name in verdict.taken if OP_ID.fullmatch(name))
        if verdict.refused is not None:
            self._refused[verdict.refused.op] = verdict.refused
        self._open_verdicts -= 1
        if not self._open_verdicts and self._header is not None:
            self._settle(self._header)

    def _settle(self, header: _Header) -> None:
        with self._store.write() as work:
            place = read_place(work)
            if place.epoch != header.epoch:
                if place.epoch:
                    _offer_everything(work)
                write_place(work, Place(header.epoch, 0))
            if header.stale and header.inc == self._sealer.incarnation.current(work):
                self._sealer.incarnation.renew(work)
            self._acknowledge(work)
            self._applier.take_late(work)
            newer = self._province.follow(header.province) if header.province else None
            if newer is not None:
                adopt(work, newer, self._clock.now())

    def _acknowledge(self, work: Work) -> None:
        """As if the answer had come over the line, but by name: places mean nothing any more."""
        items = [
            item for item in _named_items(work, self._clock.now()) if self._is_news(work, item)
        ]
        batch = Batch(
            items,
            [item.op_id for item in items],
            [work.operations.line(item.op_id) or b"" for item in items],
        )
        places = {name: place for place, name in enumerate(batch.names)}
        reply = ExchangeReply(
            epoch="",
            taken=frozenset(places[name] for name in self._taken if name in places),
            refused=[
                Refusal(at=places[name], kind=_kind(one.kind), issues=one.issues)
                for name, one in self._refused.items()
                if name in places
            ],
            cursor=0,
            more=False,
            lines=(),
        )
        stranded = settle(work, batch, reply, self._clock.now())
        confirmed = work.operations.knows(self._taken)
        work.operations.set_held(confirmed)
        self._done["confirmed"] = len(confirmed)
        self._done["acknowledged"] = len(reply.taken)
        self._done["refused"] = stranded + sum(one.kind in _FOR_GOOD for one in reply.refused)

    def _is_news(self, work: Work, item: OutboxItem) -> bool:
        if item.op_id in self._taken:
            return True
        refused = item.op_id in self._refused and item.state is UnitState.WAITING
        return refused and not work.operations.is_held(item.op_id)

    # --- the pages -------------------------------------------------------------------------------

    def _apply_page(self, page: _Page) -> None:
        header = self._header
        if header is None or page.lines < 0 or page.cursor < 0:
            raise unreadable()
        lines, self._lines, self._page = self._lines, [], None
        since, self._since = self._since, page.cursor

        def move(work: Work) -> None:
            place = read_place(work)
            if (
                place.epoch == header.epoch
                and header.asked in {"", header.epoch}  # else its page begins behind what was asked
                and header.inc == self._sealer.incarnation.current(work)
                and since <= place.cursor < page.cursor
            ):
                write_place(work, Place(place.epoch, page.cursor))

        outcome = apply_lines(self._store, self._applier, lines, move, held=True)
        self._last = page
        self._done["operations"] += len(lines)
        self._outcome.received += outcome.received
        self._outcome.conflicts += outcome.conflicts
        self._outcome.unreadable += outcome.unreadable


def _offer_everything(work: Work) -> None:
    """The province was restored from a backup: what it held may be gone."""
    last = ""
    while some := work.operations.all_lines(last, 500):
        for name, _line in some:
            if work.operations.is_held(name):
                work.outbox.queue_operation(name)
        last = some[-1][0]


def _named_items(work: Work, now: datetime) -> list[OutboxItem]:
    """What waits, and what an earlier verdict had put aside."""
    found = list(work.outbox.operations(_ALL, now.date()))
    for item in work.outbox.quarantined():
        name = work.operations.op_id_of(item.kind, item.record_id, item.version)
        found.append(replace(item, op_id=name))
    return [item for item in found if item.op_id]


def _kind(said: str) -> RefusalKind:
    """A kind of a later protocol is a passing reason."""
    return RefusalKind(said) if said in set(RefusalKind) else RefusalKind.BUSY


def _tally(page: _Page) -> Tally | None:
    if page.count is None or page.sum is None:
        return None
    return Tally(page.count, page.sum)
