"""What another PC of the station says about rights takes effect here, as far as it may (docs/sync.md,
"Rights and standing"). The record itself is kept and merged like any other; this is what follows.

Every step is judged by what its author was allowed here before it: nobody's line gives its own author
more, and what somebody without the right wrote changes nothing. What is not let in is kept, and shown to
those in charge, who decide it by setting the same thing here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from station_emr.domain.errors import PermissionDenied
from station_emr.domain.lineage import Lineage, by_rule
from station_emr.domain.merge import Written, merge_all
from station_emr.domain.operation import Operation
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import RecordKind
from station_emr.domain.station_rights import Standing, StationRights
from station_emr.domain.user import Actor

from .desk_views import right_to_decide
from .guards import allow
from .merging import MergedRecord
from .ports import Work
from .record_stores import record_store
from .rights import rights_of
from .rights_records import held_key
from .rights_steps import Step, person, steps_to

RIGHTS_KINDS: Final = frozenset({RecordKind.RIGHTS, RecordKind.STANDING})
_ONESELF: Final = (
    "Không tự quyết định tình trạng hay quyền của chính mình. Hãy nhờ người quản lý khác làm."
)
_UNITS: Final = {"shut": "door", "closes_on": "days", "rights": "right.", "ranges": "ranges"}
ARRIVED: Final = "rights.arrived"
HELD: Final = "rights.held"

NO_RIGHT: Final = "người ghi không có quyền này trên máy này"
OWN: Final = "người ghi tự thêm quyền cho chính mình"
NOT_THE_RULE: Final = "bản gộp không đúng quy tắc"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A step that was not let in: who said it, where and when, and why it was not."""

    unit: str
    words: str
    by_name: str
    device: str
    at: str
    why: str


@dataclass(frozen=True, slots=True)
class _Author:
    """``role`` and ``actions`` are empty for somebody unknown here."""

    id: str = ""
    role: Role | None = None
    actions: frozenset[Action] = frozenset()


def take_effect(work: Work, operation: Operation, now: datetime) -> None:
    """Call it after ``operation`` was laid into its record, in the same transaction."""
    kind, record_id = operation.envelope.kind, operation.envelope.record_id
    found = record_store(work, kind).find(record_id)
    if found is None:
        return
    refused = _refusals(work, operation, now)
    _follow(work, operation, kind, found.record, refused, now)


def follow_decision(
    work: Work, kind: RecordKind, record_id: str, fields: Collection[str], now: datetime
) -> None:
    """A person has decided ``fields`` at the desk: of what was held back these are let in, and nothing
    else. A single cell of the table is decided on the page of rights alone.
    """
    units = tuple(_UNITS[field] for field in fields if field in _UNITS)
    held = held_back(work, record_id)
    left = {name: one for name, one in held.items() if not name.startswith(units)}
    if units and left != held:
        _keep(work, record_id, left)
    for step in steps_to(work, kind, record_store(work, kind).get(record_id).record, now):
        if step.unit not in left and not step.barred:
            step.take()


def follow_late(work: Work, kind: RecordKind, record_id: str, now: datetime) -> None:
    """The head moved without a line that arrived: the province took late what it had refused."""
    if kind not in RIGHTS_KINDS:
        return
    found = record_store(work, kind).get(record_id)
    node = work.operations.node(kind, record_id, found.version)
    judge = _judged_by(_author(work, node.author_id, now))
    held = held_back(work, record_id)
    taken = []
    for step in steps_to(work, kind, found.record, now):
        why = step.barred if by_rule(node) else judge(step)
        if not why and step.unit not in held:
            step.take()
            taken.append(step.words)
    if taken:
        said = {"written_by": node.author_name, "from": node.device, "what": "; ".join(taken)}
        work.audit.append(None, ARRIVED, now, kind=kind.value, record_id=record_id, detail=said)


def held_back(work: Work, record_id: str) -> dict[str, HeldBack]:
    """What arrived about this record and was not let in, by unit."""
    kept = json.loads(work.settings.get(held_key(record_id)) or "{}")
    return {unit: HeldBack(unit=unit, **said) for unit, said in kept.items()}


def may_decide(actor: Actor, kind: RecordKind, record: Any) -> None:
    """Raises PermissionDenied for whoever may not decide about a record without a signature, or a
    document, at the conflict desk.
    """
    allow(actor, right_to_decide(kind))
    if kind not in RIGHTS_KINDS:
        return
    if isinstance(record, StationRights):
        allow(actor, Action.SENSITIVE_VIEW)
        allow(actor, Action.SETTINGS_EDIT)
    elif record.user_id == actor.user.id:
        raise PermissionDenied(_ONESELF)


# Judging ----------------------------------------------------------------------------------


def _follow(
    work: Work,
    operation: Operation,
    kind: RecordKind,
    record: Any,
    refused: Callable[[Step], str],
    now: datetime,
) -> None:
    envelope = operation.envelope
    before = held_back(work, envelope.record_id)
    touched = _touched(work, operation) if before else frozenset[str]()
    held: dict[str, HeldBack] = {}
    new: list[HeldBack] = []
    taken: list[str] = []
    for step in steps_to(work, kind, record, now):
        known = before.get(step.unit)
        if known is not None and step.unit not in touched:
            held[step.unit] = known
            continue
        why = refused(step)
        if not why:
            step.take()
            taken.append(step.words)
            continue
        held[step.unit] = HeldBack(
            unit=step.unit,
            words=step.words,
            by_name=envelope.author_name,
            device=envelope.device,
            at=envelope.at.isoformat(),
            why=why,
        )
        new.append(held[step.unit])
    if held != before:
        _keep(work, envelope.record_id, held)
    if taken:
        _note(work, operation, record, ARRIVED, {"what": "; ".join(taken)}, now)
    for why in dict.fromkeys(one.why for one in new):
        words = "; ".join(one.words for one in new if one.why == why)
        _note(work, operation, record, HELD, {"what": words, "why": why}, now)


def _refusals(work: Work, operation: Operation, now: datetime) -> Callable[[Step], str]:
    """Why a step of this operation is not let in; empty for one that is."""
    if operation.envelope.by_rule:
        is_true = _is_the_rules(work, operation)
        return lambda step: step.barred or ("" if is_true else NOT_THE_RULE)
    return _judged_by(_author(work, operation.envelope.author_id, now))


def _judged_by(author: _Author) -> Callable[[Step], str]:
    def judge(step: Step) -> str:
        if step.barred:
            return step.barred
        if not step.needs <= author.actions:
            return NO_RIGHT
        if step.about == author.id or (step.widens is not None and step.widens is author.role):
            return OWN
        return ""

    return judge


def _author(work: Work, author_id: str, now: datetime) -> _Author:
    user = person(work, author_id)
    if user is None or work.settings.get(unproven_key(author_id)):
        return _Author()
    # Whether they have an account on this machine does not matter: they wrote on theirs.
    rights = rights_of(work, Actor(user=replace(user, active=True), device=""), now)
    if rights.closed:
        return _Author()
    return _Author(id=user.id, role=user.role, actions=frozenset(rights.table[user.role]))


def will_not_believe(work: Work, operation: Operation, now: datetime) -> bool:
    """Whether a line about a colleague changes a role although its author may not say so here. The
    version stays in the history. A person who is brought in by such a line decides nothing here.
    """
    envelope, arrived = operation.envelope, operation.record
    author = _author(work, envelope.author_id, now)
    here = person(work, envelope.record_id)
    may = Action.USER_MANAGE in author.actions and author.id != envelope.record_id
    if may:
        if work.settings.get(unproven_key(envelope.record_id)):
            work.settings.put(unproven_key(envelope.record_id), "")
        return False
    if here is None:
        known = person(work, envelope.author_id) is not None
        if known and arrived.role is not author.role:
            work.settings.put(unproven_key(envelope.record_id), envelope.author_id)
            _note_role(work, operation, now, NO_RIGHT)
        return False
    if here.role is arrived.role:
        return False
    _note_role(work, operation, now, OWN if author.id == envelope.record_id else NO_RIGHT)
    return True


def _note_role(work: Work, operation: Operation, now: datetime, why: str) -> None:
    envelope, arrived = operation.envelope, operation.record
    work.audit.append(
        None,
        HELD,
        now,
        kind=envelope.kind.value,
        record_id=envelope.record_id,
        detail={
            "written_by": envelope.author_name,
            "from": envelope.device,
            "account": arrived.full_name,
            "what": f"vai trò {arrived.role.label}",
            "why": why,
        },
    )


def unproven_key(user_id: str) -> str:
    """Set for a person whom somebody without the right brought in."""
    return f"rights.unproven.{user_id}"


def _is_the_rules(work: Work, operation: Operation) -> bool:
    """Whether a merge says what the rule makes of the versions it names: anybody can write that word."""
    envelope = operation.envelope
    store = record_store(work, envelope.kind)
    names = {work.operations.version_of(op): op for op in envelope.base}
    versions = sorted((version for version in names if version), key=lambda one: names[one])
    if len(versions) < 2:
        return False

    def written(version: int) -> Written:
        node = work.operations.node(envelope.kind, envelope.record_id, version)
        content = store.at_version(envelope.record_id, version)
        return Written(record=content, status=node.status, open_fields=node.open_fields)

    common = _common(work, operation, versions)
    base = None if common is None else written(common)
    made = merge_all(envelope.kind, base, [written(one) for one in versions])
    return bool(made.record == operation.record)


def _common(work: Work, operation: Operation, versions: Sequence[int]) -> int | None:
    record = MergedRecord(work, operation.envelope.kind, operation.envelope.record_id)
    found = Lineage(record.nodes, record.same).nearest_common(versions)
    return None if found is None else found.version


def _touched(work: Work, operation: Operation) -> frozenset[str]:
    """The units that this operation says something new about."""
    if operation.envelope.by_rule:
        return frozenset()
    store = record_store(work, operation.envelope.kind)
    now = _units(operation.record)
    found: set[str] = set()
    bases = [work.operations.version_of(op) for op in operation.envelope.base]
    before = [
        _units(store.at_version(operation.envelope.record_id, version))
        for version in bases
        if version
    ]
    for unit, value in now.items():
        if not before or any(one.get(unit) != value for one in before):
            found.add(unit)
    return frozenset(found)


def _units(record: Any) -> Mapping[str, Any]:
    if isinstance(record, StationRights):
        cells = {f"{one.role}.{one.action}": one for one in record.cells}
        return {**cells, "ranges": record.ranges}
    rights = {f"right.{one.id}": one for one in record.rights}
    door = (record.shut, record.shut_at, record.shut_by)
    return {"door": door, "days": (record.opens_on, record.closes_on, record.days_at), **rights}


def _keep(work: Work, record_id: str, held: Mapping[str, HeldBack]) -> None:
    said = {
        unit: {
            "words": one.words,
            "by_name": one.by_name,
            "device": one.device,
            "at": one.at,
            "why": one.why,
        }
        for unit, one in held.items()
    }
    work.settings.put(held_key(record_id), json.dumps(said, ensure_ascii=False) if said else "")


def _note(
    work: Work,
    operation: Operation,
    record: Any,
    action: str,
    detail: Mapping[str, str],
    now: datetime,
) -> None:
    envelope = operation.envelope
    about = {"account": record.user_name} if isinstance(record, Standing) else {}
    said = {"written_by": envelope.author_name, "from": envelope.device}
    work.audit.append(
        None,
        action,
        now,
        kind=envelope.kind.value,
        record_id=envelope.record_id,
        detail={**said, **about, **detail},
    )
