"""Transactions of plain FHIR that bring new records alone: taken as a station's lines are.

Nearly every transaction brings a record that nobody has seen. What its answer says is certain
beforehand: each resource is version 1. So the line is written, which is durable, and the resources
follow from it as those of an exchange do (`indexing.py`); whoever reads waits for them. Everything
else, and every fault, goes the usual way (`plain.py`), which also says what is wrong.

Times of a facility grow without a step back: its next time is promised here and kept by the index,
so lines of an exchange whose resources have not followed yet, which get theirs later, send a
transaction the usual way, behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from provincial_server import ready, wire
from provincial_server.auth import Caller
from provincial_server.database import Database
from provincial_server.exchange import expected, log
from provincial_server.exchange.current import CurrentVersions
from provincial_server.exchange.fast_judge import judge_quickly
from provincial_server.exchange.judge import Judged, operation_id
from provincial_server.exchange.tables import REST, table_of
from provincial_server.exchange.units import Resource, content_of, kind_of, moment
from provincial_server.postgres.gathering import Alone, Answers
from provincial_server.records import KINDS, record_of
from provincial_server.resources import Key, Stored, Written
from provincial_server.settings import Clock, Limits, Settings
from provincial_server.store import Facility

_ENTRY, _WITH_URL = {"resource", "request"}, {"resource", "request", "fullUrl"}
_SET_BY_SERVER = ("versionId", "lastUpdated")
_NUMBER = b'"n":0,"resources":'
_FACILITY = table_of(Facility)
_LOCK = (
    select(
        _FACILITY.c.last_write_at,
        _FACILITY.c.operation_sequence,
        _FACILITY.c.indexed_sequence,
    )
    .where(_FACILITY.c.code == bindparam("of_facility"))
    .with_for_update(key_share=True)
)
_LOCK_FREE = text(
    "SELECT last_write_at, operation_sequence, indexed_sequence FROM facility "  # noqa: S608 -- words of ours
    f"WHERE code = :of_facility AND {expected.MAY_WRITE} FOR NO KEY UPDATE SKIP LOCKED"
)
_SAVE = update(_FACILITY).where(_FACILITY.c.code == bindparam("of_facility"))
_NEWEST, _OPERATION, _RESOURCE, _NUMBER_OF = "newest", "operation", "resource", "number"


def _find(among: str) -> str:
    """Who brought the newest operation; what stands of the records."""
    return (
        f"SELECT '{_NEWEST}', '', sender FROM (SELECT sender FROM operation "  # noqa: S608 -- words of ours
        "WHERE facility_code = :code ORDER BY sequence DESC LIMIT 1) AS newest UNION ALL "
        f"SELECT '{_OPERATION}', kind, record_id FROM operation_record "
        f"WHERE facility_code = :code AND record_id {among} UNION ALL "
        f"SELECT '{_RESOURCE}', resource_type, resource_id FROM resource "
        f"WHERE facility_code = :code AND record_id {among}"
    )


_FIND = text(_find("IN (SELECT value FROM json_each(:records))"))
_FIND_AND_TAKE = text(  # as `log.TAKE_NUMBERS`, in the same message
    "WITH taken AS (UPDATE incarnation SET highest_number = highest_number + :more "  # noqa: S608 -- words of ours
    f"WHERE facility_code = :code AND id = '{REST}' RETURNING highest_number) "
    f"SELECT '{_NUMBER_OF}', '', CAST(highest_number AS text) FROM taken UNION ALL "
    + _find("= ANY(CAST(:records AS varchar[]))")
)
_FIND_ALL = text(  # the number is given out later, which the lock allows
    f"SELECT '{_NUMBER_OF}', '', CAST(highest_number AS text) FROM incarnation "  # noqa: S608 -- words of ours
    f"WHERE facility_code = :code AND id = '{REST}' UNION ALL "
    + _find("= ANY(CAST(:records AS varchar[]))")
)
_GIVE_NUMBERS = text(
    "UPDATE incarnation SET highest_number = :highest "  # noqa: S608 -- words of ours
    f"WHERE facility_code = :code AND id = '{REST}'"
)
_ENCODER = msgspec.json.Encoder()


class _Usual(Alone):
    """It is not new, or something it needs is not there: the usual way decides."""


@dataclass(slots=True)
class _Unit:
    """One record, judged. Its line lacks the time and the number, which the lock gives."""

    judged: Judged
    line: bytes
    places: list[int]
    """Of its resources, in the transaction."""


@dataclass(slots=True)
class _Counters:
    code: str
    operation_sequence: int


class _Errand:
    """To be done together with those of other facilities."""

    def __init__(
        self,
        caller: Caller,
        units: Sequence[_Unit],
        clock: Clock,
        standing: dict[str, expected.Standing],
    ) -> None:
        """`standing`: what is known of facilities, by their codes."""
        self._caller, self._units, self._clock = caller, units, clock
        self._known = standing
        self._next: expected.Standing | None = None
        self.facility = caller.facility_code
        device = {"device": caller.device_id, "hashed": caller.remembered_by, "now": clock()}
        trusted = {"trusted": not caller.remembered_by, "of_facility": self.facility}
        self._device = {**trusted, **device}
        asked = {"code": self.facility, "records": list(_wanted(units))}
        self.questions: list[ready.Question] = [(_LOCK_FREE, self._device), (_FIND_ALL, asked)]

    def guess(self) -> ready.Question | None:
        standing = self._known.pop(self.facility, None)
        if standing is None or len(self._units) > 1:
            return None
        (unit,) = self._units
        now = max(self._clock(), standing.last_write_at + 1)
        self._next = expected.Standing(standing.sequence + 1, standing.number + 1, now)
        item = _operation(unit, self._caller, self._next.number, now)
        parents = [
            key
            for parent in unit.judged.parents
            if (key := (parent.resource_type, parent.resource_id)) not in unit.judged.keys
        ]
        return expected.question(standing, item, parents, self._device)

    def guessed(self) -> list[int]:
        assert self._next is not None  # noqa: S101 -- it was asked by `guess`
        self._known[self.facility] = self._next
        return [self._next.last_write_at]

    def write(self, session: Session, answers: Answers) -> list[int]:
        lock, rows = answers
        last = [row[2] for row in rows if row[0] == _NUMBER_OF]
        if not lock or not last:  # somebody holds it, it may not write, or it never did
            raise Alone
        highest = int(last[0]) + len(self._units)
        answered = [lock, rows, [(highest,)]]
        times = _write(session, answered, self._caller, self._units, self._clock, is_shared=True)
        # Once it is on the disk; where it never is, nothing stands as expected.
        sequence = lock[0][1] + len(times)
        self._known[self.facility] = expected.Standing(sequence, highest, times[-1])
        return times


def take(
    raw: Sequence[Any],
    database: Database,
    settings: Settings,
    caller: Caller,
    *,
    whole: bool,
    confirm: Callable[[], object] = lambda: None,
) -> list[Written] | None:
    """The verdict on each entry once all are on the disk; None where the usual way has to be gone.
    `whole`: the stored resources are wanted too. `confirm` looks up a caller who was remembered."""
    resources = _resources(raw)
    if not resources or not caller.device_name:
        return None
    units = _units(resources, caller, settings.limits)
    if units is None:
        return None

    try:
        times = _taken(database, settings.clock, caller, units, confirm)
    except _Usual:
        return None
    return _verdicts(resources, units, times, whole=whole)


def _taken(
    database: Database,
    clock: Clock,
    caller: Caller,
    units: Sequence[_Unit],
    confirm: Callable[[], object],
) -> list[int]:
    gathering = database.gathering
    if gathering is not None:
        try:
            times: list[int] = gathering.run(_Errand(caller, units, clock, gathering.standing))
        except _Usual:
            raise
        except Alone:
            confirm()
        else:
            return times
    questions = _questions(database.engine.dialect.name, caller, units)

    def share(session: Session) -> list[int]:
        return _write(session, ready.ask_all(session, questions), caller, units, clock)

    if database.group_commit is not None:
        return database.group_commit.run(share)
    with database.write_asking(caller.facility_code, questions) as (session, answers):
        return _write(session, answers, caller, units, clock)


# --- before the lock -----------------------------------------------------------------------------


def _resources(raw: Sequence[Any]) -> list[Resource] | None:
    """Those of a transaction that puts each of them at its own id, without conditions."""
    found: dict[str, Resource] = {}
    names = set()
    for item in raw:
        if type(item) is not dict or (item.keys() != _ENTRY and item.keys() != _WITH_URL):
            return None
        resource, request = item["resource"], item["request"]
        if type(resource) is not dict or type(request) is not dict or len(request) != 2:
            return None
        address = request.get("url")
        if request.get("method") != "PUT" or type(address) is not str or address in found:
            return None
        if address != f"{resource.get('resourceType')}/{resource.get('id')}":
            return None
        meta = resource.get("meta")
        if meta is not None and (type(meta) is not dict or any(map(meta.get, _SET_BY_SERVER))):
            return None
        name = item.get("fullUrl", address)
        if type(name) is not str or name in names:
            return None
        names.add(name)
        found[address] = resource
    return list(found.values())


def _units(resources: Sequence[Resource], caller: Caller, limits: Limits) -> list[_Unit] | None:
    """In the order of their first resources; None when the slow judge has to look at one."""
    records: dict[str, dict[Key, int]] = {}
    for place, resource in enumerate(resources):
        key = (resource["resourceType"], resource["id"])
        if type(key[0]) is not str or type(key[1]) is not str:
            return None
        records.setdefault(record_of(key[1]), {})[key] = place
    units = []
    for record_id, places in records.items():
        unit = {key: resources[place] for key, place in places.items()}
        content = content_of(record_id, unit, kind_of(unit, record_id))
        content["by"] = {"id": caller.device_id, "name": caller.device_name}
        content |= {"at": moment(0), "device": caller.device_name, "inc": REST, "n": 0}
        line = wire.canonical(content).encode()
        judged = judge_quickly(line, limits)
        if judged is None:
            return None
        units.append(_Unit(judged, line, list(places.values())))
    return units


# --- under the lock ------------------------------------------------------------------------------


def _questions(dialect: str, caller: Caller, units: Sequence[_Unit]) -> list[ready.Question]:
    wanted = _wanted(units)
    code, count = caller.facility_code, len(units)
    lock = (_LOCK, {"of_facility": code})
    if dialect == "sqlite":
        listed = _ENCODER.encode(list(wanted)).decode()
        number = {"of_facility": code, "of_incarnation": REST, "more": count}
        return [lock, (_FIND, {"code": code, "records": listed}), (log.TAKE_NUMBERS, number)]
    return [lock, (_FIND_AND_TAKE, {"code": code, "records": list(wanted), "more": count})]


def _wanted(units: Sequence[_Unit]) -> set[str]:
    """Records that come, and those that they point at."""
    return {unit.judged.record_id for unit in units} | {
        record_of(parent.resource_id) for unit in units for parent in unit.judged.parents
    }


def _write(
    session: Session,
    answers: Sequence[list[Any]],
    caller: Caller,
    units: Sequence[_Unit],
    clock: Clock,
    *,
    is_shared: bool = False,
) -> list[int]:
    """The time of each unit. `is_shared`: the transaction goes on, and the number was not taken."""
    ((last_write_at, sequence, indexed),), rows, *taken = answers
    found = {tuple(row) for row in rows}
    if indexed < sequence and (_NEWEST, "", REST) not in found:
        raise _Usual
    _check(units, found)
    last = taken[0] if taken else [(row[2],) for row in rows if row[0] == _NUMBER_OF]
    code, now = caller.facility_code, max(clock(), last_write_at + 1)
    number = log.numbers_taken(session, code, last, len(units), now)
    times, operations = [], []
    for place, unit in enumerate(units):
        times.append(now + place)
        operations.append(_operation(unit, caller, number + place, now + place))
    if is_shared and len(operations) == 1:
        log.append_one(session, code, sequence + 1, operations[0])
        return times
    facility = _Counters(code, sequence)
    with ready.together(session):
        log.append(session, facility, operations, now, CurrentVersions(session, code, ()))
        changed = {"operation_sequence": facility.operation_sequence, "last_write_at": times[-1]}
        ready.change(session, _SAVE, {"of_facility": code, **changed})
        if is_shared:
            ready.change(session, _GIVE_NUMBERS, {"code": code, "highest": last[0][0]})
        else:
            ready.end(session)
    return times


def _operation(unit: _Unit, caller: Caller, number: int, now: int) -> log.NewOperation:
    line = _completed(unit.line, now, number)
    return log.NewOperation(
        op_id=operation_id(line),
        kind=unit.judged.kind,
        record_id=unit.judged.record_id,
        base=(),
        incarnation=REST,
        number=number,
        line=line,
        device_id=caller.device_id,
        sender=REST,
        is_numbered=True,
        received_at=now,
    )


def _check(units: Sequence[_Unit], found: set[tuple[str, ...]]) -> None:
    """Raises `_Usual` where a record is known, or a person or a visit is not."""
    own = {unit.judged.record_id for unit in units}
    coming = {key for unit in units for key in unit.judged.keys}
    if any(record_of(name) in own for _, kind, name in found if kind):
        raise _Usual
    for unit in units:
        for parent in unit.judged.parents:
            key = (parent.resource_type, parent.resource_id)
            if (
                key not in coming
                and (_OPERATION, KINDS[key[0]], key[1]) not in found
                and (_RESOURCE, *key) not in found
            ):
                raise _Usual


def _completed(line: bytes, now: int, number: int) -> bytes:
    """With its time, and the number that none of its texts can be taken for: quotes in them are
    escaped."""
    before, _, after = line.partition(_NUMBER)
    head = b'{"at":"%s"' % moment(now).encode()
    return b'%s%s"n":%d,"resources":%s' % (head, before[len(head) :], number, after)


def _verdicts(
    resources: Sequence[Resource], units: Sequence[_Unit], times: Sequence[int], *, whole: bool
) -> list[Written]:
    at = {place: time for unit, time in zip(units, times, strict=True) for place in unit.places}
    found = []
    for place, resource in enumerate(resources):
        texts = wire.split(resource) if whole else ("", "")
        key = (resource["resourceType"], resource["id"])
        found.append(Written(Stored(*key, 1, at[place], *texts), created=True, changed=True))
    return found
