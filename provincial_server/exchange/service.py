"""One exchange, from the plain bytes of the request to those of the answer.

Lines are judged before any lock is taken; everything that is taken is written in one transaction,
which is on the disk before the answer says so; the page is read after it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from provincial_server import ready
from provincial_server.auth import Caller
from provincial_server.database import Database
from provincial_server.exchange import feed, log, protocol
from provincial_server.exchange.fast_judge import judge_quickly
from provincial_server.exchange.judge import Judged, judge, operation_id
from provincial_server.exchange.log import NewOperation
from provincial_server.exchange.protocol import RequestHeader
from provincial_server.exchange.tables import Among, DeviceState, table_of
from provincial_server.faults import Issue
from provincial_server.records import KINDS
from provincial_server.resources import Key
from provincial_server.settings import Settings
from provincial_server.store import Facility

_STATE_EVERY = 60_000
_NEW_EPOCH_EVERY = 86_400_000
_STANDING = text(
    "SELECT f.operation_sequence, e.value, f.epoch_part, i.id IS NOT NULL, i.device_id, i.highest_number "
    "FROM facility AS f CROSS JOIN server_fact AS e "
    "LEFT JOIN incarnation AS i ON i.facility_code = f.code AND i.id = :incarnation "
    "WHERE f.code = :code AND e.name = 'epoch'"
)
_LOCK = (
    select(table_of(Facility).c.code)
    .where(table_of(Facility).c.code == bindparam("of_facility"))
    .with_for_update(key_share=True)
)
_SAVE = text("UPDATE facility SET operation_sequence = :sequence WHERE code = :code")
_NEW_PART = text("UPDATE facility SET epoch_part = :part WHERE code = :code")
_NUMBERED = Among(
    "SELECT 1 FROM operation WHERE facility_code = :code AND incarnation = :incarnation "
    "AND number {among} LIMIT 1",
    "bigint",
)
_HEADS = Among(
    "SELECT resource_type, resource_id FROM resource WHERE facility_code = :code "
    "AND resource_type = :resource_type AND resource_id {among}"
)
_log = logging.getLogger("provincial_server.exchange")


Tell = Callable[[Iterable[str], Iterable[str]], None]
"""Learns the kinds of the records that were new, and of the refusals, once they are written."""


class _Standing(NamedTuple):
    """What the database knows of the asker. The last two are those of its incarnation, if known."""

    operation_sequence: int
    province_epoch: str
    epoch_part: str
    is_known: bool
    device_id: str | None
    highest_number: int | None

    @property
    def epoch(self) -> str:
        return self.province_epoch + self.epoch_part


@dataclass
class _Counted:
    """Of the facility, under its lock."""

    code: str
    operation_sequence: int


@dataclass(frozen=True)
class Refusal:
    kind: str
    issues: Sequence[Issue] = ()


@dataclass
class _Request:
    """One request on its way through."""

    caller: Caller
    header: RequestHeader
    lines: list[bytes]
    ids: list[str] = field(default_factory=list)
    judged: dict[str, Judged | Refusal] = field(default_factory=dict)
    """By operation id; what is known already is not judged."""
    taken: set[str] = field(default_factory=set)
    new: list[str] = field(default_factory=list)
    """The kinds of the taken ones that were not known before."""
    stale: bool = False
    brought_epoch: bool = False

    @property
    def code(self) -> str:
        return self.caller.facility_code


class Exchange:
    """Threads may share it."""

    def __init__(
        self, settings: Settings, database: Database, tell: Tell = lambda _new, _refused: None
    ) -> None:
        self._settings = settings
        self._database = database
        self._tell = tell
        # By device. Not in the database: restoring that must not bring back who was ahead before.
        self._last_ahead: dict[str, int] = {}

    def answer(self, caller: Caller, plain: bytes) -> bytes:
        header, lines = protocol.read_request(plain)
        request = _Request(caller, header, lines, [operation_id(line) for line in lines])
        with self._database.read(request.code) as session:
            request.taken = set(log.known_operations(session, request.code, request.ids))
            silent = self._nothing_to_write(session, request)
        for op_id, line in zip(request.ids, lines, strict=True):
            if op_id not in request.taken and op_id not in request.judged:
                request.judged[op_id] = self._judge(line)
        if not silent or request.judged:
            with self._database.write(request.code) as session:
                self._write(session, request)
            if request.brought_epoch:
                self._last_ahead[caller.device_id] = self._settings.clock()
            self._tell(request.new, _refusals(request))
        with self._database.read(request.code) as session:
            return self._reply(session, request)

    def _judge(self, line: bytes) -> Judged | Refusal:
        limits = self._settings.limits
        found = judge_quickly(line, limits) or judge(line, limits)
        return found if isinstance(found, Judged) else Refusal("poison", found)

    # --- what the database knows of the asker ----------------------------------------------------

    def _standing(self, session: Session, request: _Request, *, lock: bool = False) -> _Standing:
        """`lock`: nobody else writes for the facility from now on."""
        code = request.code
        asked = (_STANDING, {"code": code, "incarnation": request.header.inc})
        before = [(_LOCK, {"of_facility": code})] if lock else []
        ((row,),) = ready.ask_all(session, [*before, asked])[-1:]
        standing = _Standing(*row)
        self._database.epoch = standing.province_epoch
        return standing

    def _nothing_to_write(self, session: Session, request: _Request) -> bool:
        header = request.header
        standing = self._standing(session, request)
        request.stale = _is_stale(standing, request)
        known = standing.device_id is not None and standing.highest_number == header.n
        numbered = request.stale or known
        gone_back = self._takes_new_epoch(request, standing)
        return numbered and not gone_back and not self._state_is_due(session, request)

    def _takes_new_epoch(self, request: _Request, standing: _Standing) -> bool:
        """The station's word is all there is, so it moves its own facility alone, and a device is
        believed once a day in one life of this process. A database is restored between two lives.
        """
        if not _is_ahead(request.header, standing):
            return False
        last = self._last_ahead.get(request.caller.device_id)
        return last is None or self._settings.clock() - last >= _NEW_EPOCH_EVERY

    def _state_is_due(self, session: Session, request: _Request) -> bool:
        text = protocol.state_text(request.header)
        if not text:
            return False
        row = session.get(DeviceState, request.caller.device_id)
        if row is None:
            return True
        return row.state != text and self._settings.clock() - row.received_at >= _STATE_EVERY

    # --- the one transaction ---------------------------------------------------------------------

    def _write(self, session: Session, request: _Request) -> None:
        now = self._settings.clock()
        standing = self._standing(session, request, lock=True)
        header = request.header
        if self._takes_new_epoch(request, standing):
            _log.warning(
                "device %s is ahead of this database: facility %s takes a new epoch. If the database "
                "was restored, run `provincial-server new-epoch` for the others",
                request.caller.device_id,
                request.code,
            )
            ready.change(session, _NEW_PART, {"part": secrets.token_hex(8), "code": request.code})
            request.brought_epoch = True
        request.stale = _is_stale(standing, request)
        operations = self._decide(session, request)
        if _reuses_numbers(session, request, operations):
            request.stale = True
        request.new = [item.kind for item in operations]
        sender = "" if request.stale else header.inc
        for item in operations:
            item.sender = sender
        facility = _Counted(request.code, standing.operation_sequence)
        log.append(session, facility, operations, now)
        if operations:
            counted = {"code": facility.code, "sequence": facility.operation_sequence}
            ready.change(session, _SAVE, counted)
        if not request.stale:
            device = request.caller.device_id
            log.note_number(session, request.code, header.inc, header.n, device, now)
        if text := protocol.state_text(header):
            session.merge(
                DeviceState(device_id=request.caller.device_id, state=text, received_at=now)
            )

    def _decide(self, session: Session, request: _Request) -> list[NewOperation]:
        """Each line by itself, in the order in which they came."""
        fits = {op_id: item for op_id, item in request.judged.items() if isinstance(item, Judged)}
        bases = {base for item in fits.values() for base in item.base}
        known = log.known_operations(session, request.code, bases | fits.keys())
        stored = _stored_parents(session, request.code, fits.values())
        lines = dict(zip(request.ids, request.lines, strict=True))
        new: list[NewOperation] = []
        for op_id, item in fits.items():
            if op_id in known:  # another request brought it meanwhile
                request.taken.add(op_id)
                continue
            refusal = _refusal(item, known, stored)
            if refusal:
                request.judged[op_id] = self._explained(refusal, lines[op_id], known, stored)
                continue
            known[op_id] = (item.kind, item.record_id)
            stored.update(item.keys)
            request.taken.add(op_id)
            new.append(
                NewOperation(
                    op_id=op_id,
                    kind=item.kind,
                    record_id=item.record_id,
                    base=item.base,
                    incarnation=item.incarnation,
                    number=item.number,
                    line=lines[op_id],
                    device_id=request.caller.device_id,
                    sender="",
                )
            )
        return new

    def _explained(
        self, refusal: Refusal, line: bytes, known: dict[str, tuple[str, str]], stored: set[Key]
    ) -> Refusal:
        """The same refusal with the places of the missing parents, which the fast judge skips."""
        slow = judge(line, self._settings.limits)
        found = _refusal(slow, known, stored) if isinstance(slow, Judged) else None
        return found or refusal

    # --- the answer ------------------------------------------------------------------------------

    def _reply(self, session: Session, request: _Request) -> bytes:
        header, code = request.header, request.code
        standing = self._standing(session, request)
        epoch, newest = standing.epoch, standing.operation_sequence
        # A cursor of another epoch says nothing: the station compares, and asks for what it lacks.
        fresh = header.cursor == 0 and not header.epoch
        cursor = header.cursor if fresh or header.epoch == epoch else newest
        page = feed.read_page(
            session,
            code,
            cursor=min(cursor, newest),
            newest=newest,
            room=header.room,
            want=header.want,
            without="" if request.stale else header.inc,
        )
        answer: dict[str, Any] = {
            "v": protocol.VERSION,
            "rid": header.rid,
            "epoch": epoch,
            # Of who says again that it is ahead: it compares, as always when nothing more waits.
            "cursor": max(page.cursor, cursor),
            "more": page.more,
        }
        self._add_verdicts(answer, request)
        if not page.more or header.buckets is True:
            table = feed.read_tallies(session, code)
            if not page.more:
                answer["count"], answer["sum"] = feed.whole_tally(table)
            if header.buckets is True:
                answer["buckets"] = table
        if isinstance(header.buckets, list):
            answer["listed"] = feed.list_buckets(session, code, header.buckets)
        if request.stale:
            answer["incarnation"] = "stale"
        return protocol.write_answer(answer, page.lines, short=header.short)

    def _add_verdicts(self, answer: dict[str, Any], request: _Request) -> None:
        places = enumerate(request.ids)
        refused = []
        taken = []
        for place, op_id in places:
            if op_id in request.taken:
                taken.append(place)
                continue
            refusal = request.judged[op_id]
            assert isinstance(refusal, Refusal)  # noqa: S101 -- everything else has been taken
            issues = [issue.as_fhir() for issue in refusal.issues]
            refused.append({"at": place, "kind": refusal.kind, "issues": issues})
        if taken:
            answer["taken"] = protocol.ranges(taken)
        if request.new:
            answer["new"] = len(request.new)
        if refused:
            answer["refused"] = refused


def _refusals(request: _Request) -> list[str]:
    return [
        found.kind
        for op_id, found in request.judged.items()
        if isinstance(found, Refusal) and op_id not in request.taken
    ]


def _is_ahead(header: RequestHeader, standing: _Standing) -> bool:
    """The station has seen more of this epoch than the database holds."""
    return header.epoch == standing.epoch and header.cursor > standing.operation_sequence


def _is_stale(standing: _Standing, request: _Request) -> bool:
    """An incarnation that gave higher numbers was restored; one of another device was copied."""
    if not standing.is_known:
        return False
    other = standing.device_id not in {None, request.caller.device_id}
    return other or request.header.n < (standing.highest_number or 0)


def _reuses_numbers(
    session: Session, request: _Request, operations: Sequence[NewOperation]
) -> bool:
    """Another operation has this number already: the database was restored and went on counting."""
    own = [item.number for item in operations if item.incarnation == request.header.inc]
    if len(set(own)) != len(own):
        return True
    return bool(_NUMBERED.ask(session, own, code=request.code, incarnation=request.header.inc))


def _stored_parents(session: Session, code: str, items: Iterable[Judged]) -> set[Key]:
    """Those that the items point at and the facility has, as operations or as resources."""
    wanted = {
        (parent.resource_type, parent.resource_id) for item in items for parent in item.parents
    }
    records = {
        (KINDS[resource_type], name): (resource_type, name) for resource_type, name in wanted
    }
    stored = {records[found] for found in log.known_records(session, code, records)}
    for resource_type in sorted({key[0] for key in wanted - stored}):
        names = {name for kind, name in wanted - stored if kind == resource_type}
        stored.update(
            map(tuple, _HEADS.ask(session, names, code=code, resource_type=resource_type))
        )
    return stored


def _refusal(item: Judged, known: dict[str, tuple[str, str]], stored: set[Key]) -> Refusal | None:
    """What only the store can say: the bases and the parents."""
    for base in item.base:
        if base in known and known[base] != (item.kind, item.record_id):
            return Refusal("poison", [Issue("invariant", "a base belongs to another record")])
    if not all(base in known for base in item.base):
        return Refusal("base", [Issue("not-found", "a version it was written on is not here")])
    missing = [
        Issue(
            "not-found",
            f"the {parent.resource_type} this points at is not stored; send it first",
            parent.path,
            "Hồ sơ cha của mục này chưa có trên máy chủ.",
        )
        for parent in item.parents
        if (parent.resource_type, parent.resource_id) not in stored
    ]
    return Refusal("parent", missing[:20]) if missing else None
