"""Lay in many new records at once: what most of a page is when a new PC is filled.

A first version of a record that nobody here knows meets nothing that it could differ from, so there is
no graph to look at and nothing to merge. What such versions need to know of this database is asked once
for all of them; anything else goes through :func:`.replication.apply_operation`, one by one, and the
outcome is the same either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from station_emr.domain.operation import Operation
from station_emr.domain.record import Changed, RecordKind

from .ports import Work
from .record_stores import parents_of, record_store
from .sync_ports import KeptOperation

_IN_ORDER: Final = (
    RecordKind.PATIENT,
    RecordKind.ENCOUNTER,
    RecordKind.PRESCRIPTION,
    RecordKind.REFERRAL,
    RecordKind.APPOINTMENT,
)
"""Each kind hangs on those before it. A link changes what every list shows, and goes alone."""

Name = tuple[RecordKind, str]


def lay_firsts(work: Work, operations: Sequence[Operation], *, held: bool) -> tuple[Changed, ...]:
    """Make these first versions part of this database: :class:`Newcomers` says that they may be. After
    an error what was written has to be undone (``Work.attempt``).
    """
    by_kind: dict[RecordKind, list[Operation]] = {}
    for operation in operations:
        by_kind.setdefault(operation.envelope.kind, []).append(operation)
    changed: dict[Name, Changed] = {}
    for kind in _IN_ORDER:
        if kind in by_kind:
            for one in record_store(work, kind).add_firsts(by_kind[kind]):
                changed[kind, one.record_id] = one
    work.operations.keep_all([_kept(operation, held=held) for operation in operations])
    return tuple(changed[_name(operation)] for operation in operations)


class Newcomers:
    """Which operations of a portion may be laid in together, and those that wait for it.

    Whatever else is laid in meanwhile has to be told (:meth:`met`, :meth:`parked`), because what this
    knows of the database was asked at the beginning.
    """

    def __init__(self, work: Work, operations: Iterable[Operation]) -> None:
        """``operations`` are unknown here."""
        able = [one for one in operations if _is_first(one)]
        self._able = frozenset(one.op_id for one in able)
        self._waiting: list[Operation] = []
        asked: dict[RecordKind, set[str]] = {}
        names: set[str] = set()
        for one in able:
            asked.setdefault(one.envelope.kind, set()).add(one.envelope.record_id)
            names |= _arrives(one)
            for kind, record_id in parents_of(one.envelope.kind, one.record):
                asked.setdefault(kind, set()).add(record_id)
        heads = {
            (kind, record_id): version
            for kind, ids in asked.items()
            for record_id, version in record_store(work, kind).heads(ids).items()
        }
        self._known = set(heads)
        self._written = {name for name, version in heads.items() if version}
        self._needed = set(work.operations.needed(names)) if names else set[str]()

    def take(self, operation: Operation) -> bool:
        """Whether this one may go with those that wait; it then waits with them."""
        name = _name(operation)
        if (
            operation.op_id not in self._able
            or name in self._known
            or not _arrives(operation).isdisjoint(self._needed)
            or not self._written.issuperset(parents_of(name[0], operation.record))
        ):
            return False
        self._known.add(name)
        self._written.add(name)
        self._waiting.append(operation)
        return True

    def met(self, operation: Operation) -> None:
        """Another way is taken for it."""
        self._known.add(_name(operation))

    def parked(self, missing: Iterable[str]) -> None:
        """Something waits for these from here on: their arrival releases it."""
        self._needed.update(missing)

    def leave(self) -> list[Operation]:
        """Those that waited, in their order; they wait no longer."""
        leaving, self._waiting = self._waiting, []
        return leaving


def _is_first(operation: Operation) -> bool:
    envelope = operation.envelope
    return not envelope.base and not envelope.by_rule and envelope.kind in _IN_ORDER


def _name(operation: Operation) -> Name:
    return operation.envelope.kind, operation.envelope.record_id


def _arrives(operation: Operation) -> set[str]:
    """The names by which others may wait for it."""
    return {operation.op_id, f"{operation.envelope.kind.value}/{operation.envelope.record_id}"}


def _kept(operation: Operation, *, held: bool) -> KeptOperation:
    return KeptOperation(
        op_id=operation.op_id,
        kind=operation.envelope.kind.value,
        record_id=operation.envelope.record_id,
        version=1,
        line=operation.line,
        held=held,
    )
