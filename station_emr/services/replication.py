"""Apply what other machines wrote: nothing here is lost by it (docs/sync.md, "Two people, one record").

The outcome depends on the set of operations alone. Which version is the newest, and what the merge
rule writes, is computed from the graph of versions and never from the order of arrival or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from station_emr.domain.lineage import Lineage, by_rule
from station_emr.domain.operation import (
    MERGE_AUTHOR_ID,
    MERGE_AUTHOR_NAME,
    Applied,
    Operation,
    Origin,
    VersionNode,
)
from station_emr.domain.record import Changed, Changes, RecordKind, RecordStatus
from station_emr.domain.user import User

from .decisions import remember_decision
from .late_acceptance import reconsider
from .merging import MergedRecord, UnsealedVersion, says
from .ports import Work
from .record_stores import MERGED_KINDS, parents_of, record_store
from .rights_effect import RIGHTS_KINDS, take_effect, will_not_believe
from .sync_ports import SEALED_ON_OTHERS, KeptOperation


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyResult:
    """``released_lines`` waited for this operation: the caller opens and applies them next.
    ``changes`` are what screens have to read again; ``missing`` is what a parked one waits for.
    """

    applied: Applied
    released_lines: tuple[bytes, ...] = ()
    changes: Changes = field(default_factory=Changes)
    missing: tuple[str, ...] = ()


def apply_operation(
    work: Work, operation: Operation, now: datetime, *, held: bool = True
) -> ApplyResult:
    """Make an arrived operation part of this database, in the caller's transaction.

    ``held``: the province has it (a page of its answer), as opposed to another PC of the station.
    An operation that was parked may be given again at any time. Raises UnsealedVersion before
    anything is written. Never moves the time of the newest signature of this machine.
    """
    if work.operations.version_of(operation.op_id):
        if held:
            work.operations.set_held((operation.op_id,))
        return ApplyResult(applied=Applied.KNOWN)
    envelope = operation.envelope
    if envelope.kind is RecordKind.FACILITY:
        _keep(work, operation, 0, held=held)
        return _with_released(work, operation, Applied.KEPT)
    missing = _missing(work, operation)
    if missing:
        _keep(work, operation, 0, held=held)
        work.operations.park(operation.op_id, missing)
        return ApplyResult(applied=Applied.PARKED, missing=missing)
    if envelope.kind is RecordKind.SIGNATURE:
        applied, changed = _signature(work, operation, held=held)
    elif envelope.kind in MERGED_KINDS:
        applied, changed = _Arrival(work, operation, now, held=held).write()
        if envelope.kind in RIGHTS_KINDS:
            take_effect(work, operation, now)
    else:
        applied, changed = _colleague(work, operation, now, held=held)
    return _with_released(work, operation, applied, changed)


_COUNTED = {RecordKind.STANDING: "standings"}  # the log has another meaning for that word


def note_received(work: Work, kinds: Mapping[RecordKind, int], now: datetime) -> None:
    """One line of the log for what one transaction laid in, however much; none for nothing."""
    if kinds:
        counts = {_COUNTED.get(kind, kind.value): str(n) for kind, n in sorted(kinds.items())}
        work.audit.append(None, "sync.received", now, detail=counts)


def _with_released(
    work: Work, operation: Operation, applied: Applied, changed: Sequence[Changed] = ()
) -> ApplyResult:
    envelope = operation.envelope
    names = (operation.op_id, f"{envelope.kind.value}/{envelope.record_id}")
    lines = work.operations.released_by(*names)
    return ApplyResult(applied=applied, released_lines=lines, changes=Changes(tuple(changed)))


def _missing(work: Work, operation: Operation) -> tuple[str, ...]:
    """Operations it is based on, and records it hangs on, that are not here yet."""
    envelope = operation.envelope
    missing = [base for base in envelope.base if not work.operations.version_of(base)]
    missing += [  # also of a later version, which may have moved to another person
        f"{kind.value}/{record_id}"
        for kind, record_id in parents_of(envelope.kind, operation.record)
        if not record_store(work, kind).heads((record_id,)).get(record_id)
    ]
    return tuple(missing)


def _keep(work: Work, operation: Operation, version: int, *, held: bool) -> None:
    envelope = operation.envelope
    work.operations.keep(
        KeptOperation(
            op_id=operation.op_id,
            kind=envelope.kind.value,
            record_id=envelope.record_id,
            version=version,
            line=operation.line,
            held=held,
        )
    )


def _node_of(operation: Operation, version: int, parents: Sequence[int]) -> VersionNode:
    envelope = operation.envelope
    return VersionNode(
        version=version,
        status=envelope.status,
        parents=tuple(parents),
        op_id=operation.op_id,
        origin=Origin.REPLICA,
        # The rule's author is what tells its versions: a person's line cannot borrow it.
        author_id=MERGE_AUTHOR_ID if envelope.by_rule else envelope.author_id,
        author_name=envelope.author_name,
        at=envelope.at,
        open_fields=envelope.open_fields,
    )


class _Arrival(MergedRecord):
    """One operation of a record that two people may have written."""

    def __init__(self, work: Work, operation: Operation, now: datetime, *, held: bool) -> None:
        super().__init__(work, operation.envelope.kind, operation.envelope.record_id)
        self._operation = operation
        self._now = now
        self._held = held

    def write(self) -> tuple[Applied, Sequence[Changed]]:
        if not self.nodes:
            return Applied.NEWEST, (self._add((), move_head=True),)
        parents = self._parents()
        new = _node_of(self._operation, self.nodes[-1].version + 1, parents)
        self.contents[new.version] = self._operation.record
        twin = self._unsealed_twin(new)
        if twin is not None:
            return self._adopt(twin, new)
        before = Lineage(self.nodes, self.same)
        graph = Lineage((*self.nodes, new), self.same)
        newest = graph.newest()
        if newest is None or by_rule(new):
            self.must_be_sealed(graph, new)
        stands = graph.stands_for(new.version)
        if newest is None:
            added = self._add(parents, move_head=False)
            return self._merge(graph, added)
        if graph.stands_for(newest.version) != stands:
            self._add(parents, move_head=False)  # a merge of less than what is known here
            return Applied.KEPT, ()
        shown = before.newest()
        if shown is not None and graph.stands_for(shown.version) == stands:
            self._add(parents, move_head=False)  # the same, written by two people
            return Applied.KNOWN, ()
        added = self._add(parents, move_head=True)
        if not by_rule(new):
            self._note_decision(graph, new)
            return Applied.NEWEST, (added,)
        return (Applied.CONFLICT if new.open_fields else Applied.MERGED), (added,)

    def _parents(self) -> tuple[int, ...]:
        found = (self.work.operations.version_of(op) for op in self._operation.envelope.base)
        return tuple(sorted({version for version in found if version}))

    def _unsealed_twin(self, new: VersionNode) -> VersionNode | None:
        """The version of this machine that the arrived line is: our own merge before it got a line,
        or what the server wrote down when it came by plain FHIR.
        """
        graph = Lineage(self.nodes)
        base = set(new.parents)
        twins = [
            node
            for node in graph.nodes
            if not node.op_id
            and by_rule(node) == by_rule(new)
            and (not by_rule(new) or set(node.parents) == base)
            and set(node.open_fields) == set(new.open_fields)
            and (node.status is RecordStatus.VOIDED) == (new.status is RecordStatus.VOIDED)
            and says(self.content(node.version)) == says(self._operation.record)
        ]
        return min(twins, key=lambda node: (set(node.parents) != base, node.version), default=None)

    def _adopt(self, twin: VersionNode, new: VersionNode) -> tuple[Applied, Sequence[Changed]]:
        """The version here gets the line that was made in an earlier life of this database, and stands
        where that says: the one beneath it may have been refused then, and waits anew now.
        """
        elsewhere = set(twin.parents) != set(new.parents)
        if elsewhere:
            as_said = replace(twin, op_id=new.op_id, stands_on=new.parents)
            nodes = [as_said if node.version == twin.version else node for node in self.nodes]
            graph = Lineage(nodes, self.same)
            if graph.newest() is None:
                self.must_be_sealed(graph)
            self.work.settings.put(f"{SEALED_ON_OTHERS}{new.op_id}", "1")
        _keep(self.work, self._operation, twin.version, held=self._held)
        if not elsewhere:
            return Applied.KNOWN, ()
        applied, changed = reconsider(self.work, self.kind, self.id, self._now)
        return applied, () if changed is None else (changed,)

    def _add(self, parents: Sequence[int], *, move_head: bool) -> Changed:
        envelope = self._operation.envelope
        author = (envelope.author_id, envelope.author_name)
        if envelope.by_rule:
            author = (MERGE_AUTHOR_ID, MERGE_AUTHOR_NAME)
        added = self.store.add_replica(
            self._operation.record,
            envelope.status,
            author=author,
            at=envelope.at,
            parents=parents,
            origin=Origin.REPLICA,
            reason=envelope.reason,
            device=envelope.device,
            skew=envelope.skew,
            open_fields=envelope.open_fields,
            move_head=move_head,
        )
        _keep(self.work, self._operation, added.version, held=self._held)
        return added

    def _merge(self, graph: Lineage, added: Changed) -> tuple[Applied, Sequence[Changed]]:
        applied, changed = self.merge(graph, self._operation.envelope.device, self._now)
        return applied, (added, changed)

    def _note_decision(self, graph: Lineage, new: VersionNode) -> None:
        was_open = {path for parent in new.parents for path in graph[parent].open_fields}
        if was_open - set(new.open_fields):
            remember_decision(self.work, self.kind, self.id, new.version)


# Signatures -------------------------------------------------------------------------------


def _signature(
    work: Work, operation: Operation, *, held: bool
) -> tuple[Applied, Sequence[Changed]]:
    """A signature is written once. Whatever else comes under its id stays a line that nobody is
    shown; its own seal says whether the first one was genuine.
    """
    envelope = operation.envelope
    store = work.signatures
    nodes = store.lineage(envelope.record_id)
    if nodes:
        own = nodes[0]
        same = store.at_version(envelope.record_id, own.version) == operation.record
        _keep(work, operation, own.version if same and not own.op_id else 0, held=held)
        return (Applied.KNOWN if same else Applied.KEPT), ()
    changed = store.add_replica(
        operation.record,
        envelope.status,
        author=(envelope.author_id, envelope.author_name),
        at=envelope.at,
        parents=(),
        origin=Origin.REPLICA,
        reason=envelope.reason,
        device=envelope.device,
        skew=envelope.skew,
    )
    _keep(work, operation, changed.version, held=held)
    return Applied.NEWEST, (changed,)


# Staff ------------------------------------------------------------------------------------


def _colleague(
    work: Work, operation: Operation, now: datetime, *, held: bool
) -> tuple[Applied, Sequence[Changed]]:
    """Staff are not merged: of two changes at once the one with the longer history stands, then
    the one with the smaller operation id. The other stays in the history.
    """
    envelope = operation.envelope
    nodes = work.users.lineage(envelope.record_id)
    found = (work.operations.version_of(op) for op in envelope.base)
    parents = tuple(sorted({version for version in found if version}))
    unsealed = [node for node in nodes if not node.op_id]
    for node in unsealed:
        if _same_person(work.users.at_version(envelope.record_id, node.version), operation.record):
            _keep(work, operation, node.version, held=held)
            return Applied.KNOWN, ()
    if unsealed:
        raise UnsealedVersion(envelope.kind, envelope.record_id, unsealed[0].version)
    new = _node_of(operation, nodes[-1].version + 1 if nodes else 1, parents)
    graph = Lineage((*nodes, new))
    rank: Callable[[VersionNode], tuple[int, str]] = lambda node: (  # noqa: E731
        -len(graph.ancestors(node.version)),
        node.op_id,
    )
    stands = min(graph.nodes, key=rank).version == new.version
    if will_not_believe(work, operation, now):
        stands = False
    changed = work.users.add_replica(operation.record, operation, parents, move_head=stands)
    _keep(work, operation, changed.version, held=held)
    return (Applied.NEWEST, (changed,)) if stands else (Applied.KEPT, ())


def _same_person(here: User, arrived: User) -> bool:
    """Whether what travels of a colleague is the same."""
    names = ("full_name", "role", "title", "licence_no", "phone")
    return all(getattr(here, name) == getattr(arrived, name) for name in names)
