"""Applies a page in the caller's transaction: new records together, every other line by itself
(docs/sync.md, "One run over the exchange", 4 to 6).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, Protocol

from station_emr.domain.errors import EnvironmentFailure
from station_emr.domain.operation import Applied, Operation, ReadRecord
from station_emr.domain.record import Changed, Changes, RecordKind
from station_emr.services.first_versions import Newcomers, lay_firsts
from station_emr.services.late_acceptance import note_accepted, reconsider
from station_emr.services.merging import UnsealedVersion
from station_emr.services.ports import Work
from station_emr.services.replication import ApplyResult, note_received
from station_emr.services.sync_ports import KeptOperation

from .opening import Opened, open_operation
from .operation_line import op_id
from .sealing import Key, Sealer
from .unit import ReadUnit, Resource

_log = logging.getLogger(__name__)

CANNOT_APPLY: Final = "Chương trình không đưa được nội dung này vào hồ sơ."
_EVERY_ITEM: Final = 1_000_000
_TOGETHER: Final = 250
"""Lines that are opened before the first of them is laid in: what they hold stays in memory."""
_OWN_FAULTS: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


class CannotApply(Exception):
    """A fault of ours in one line. The transaction must be given up, because the line may have
    been half applied, and the page tried again with this line set aside.
    """

    def __init__(self, name: str) -> None:
        super().__init__("one line cannot be applied")
        self.name = name


class ApplyOperation(Protocol):
    """Lays an arrived version into its record: the use case that knows versions and merges."""

    def __call__(
        self, work: Work, operation: Operation, now: datetime, *, held: bool = True
    ) -> ApplyResult: ...


class ApplyFirsts(Protocol):
    """Lays several new records in."""

    def __call__(
        self, work: Work, operations: Sequence[Operation], *, held: bool
    ) -> tuple[Changed, ...]: ...


@dataclass(slots=True)
class Outcome:
    """What became of a page."""

    received: int = 0  # lines that were new here
    conflicts: int = 0
    parked: int = 0
    unreadable: int = 0
    stranded: int = 0  # sent lines whose base was refused for good
    changes: Changes = field(default_factory=Changes)
    kinds: Counter[RecordKind] = field(default_factory=Counter)  # versions that were laid in
    aside: frozenset[str] = frozenset()

    def add(self, part: Outcome) -> None:
        """Count a portion of the page in."""
        self.received += part.received
        self.conflicts += part.conflicts
        self.parked += part.parked
        self.unreadable += part.unreadable
        self.changes += part.changes
        self.kinds += part.kinds


class Applier:
    """``held`` of a line is whether the province itself gave it."""

    def __init__(
        self,
        read_unit: ReadUnit,
        apply: ApplyOperation,
        sealer: Sealer,
        now: Callable[[], datetime],
    ) -> None:
        self._read = read_unit
        self._apply = apply
        self._apply_firsts: ApplyFirsts = lay_firsts
        self._sealer = sealer
        self._now = now

    def read(self, resources: Sequence[Resource]) -> ReadRecord:
        """See :class:`.unit.ReadUnit`."""
        return self._read(resources)

    def open(self, work: Work, lines: Iterable[bytes]) -> Mapping[str, Opened]:
        """Those of ``lines`` that wrote no version here yet, opened. Needs no lock for writing."""
        named = {op_id(line): line for line in lines}
        known = work.operations.versions_of(list(named))
        return {
            name: open_operation(self._read, name, line)
            for name, line in named.items()
            if not known.get(name)
        }

    def page(
        self,
        work: Work,
        lines: Iterable[bytes],
        *,
        held: bool,
        aside: frozenset[str] = frozenset(),
        opened: Mapping[str, Opened] = MappingProxyType({}),
    ) -> Outcome:
        """Apply ``lines`` and what they release; those named in ``aside`` are kept only. What
        ``opened`` lacks is opened now. Raises CannotApply and EnvironmentFailure alone.
        """
        outcome = Outcome(aside=aside)
        numbers = _Numbers(work)
        rest = iter(lines)
        while some := list(islice(rest, _TOGETHER)):
            self._some(work, some, outcome, numbers, opened, held=held)
        note_received(work, outcome.kinds, self._now())
        return outcome

    def again(
        self, work: Work, lines: Iterable[bytes], aside: frozenset[str] = frozenset()
    ) -> Outcome:
        """Kept lines that could not be read before, after an update of this program."""
        outcome = Outcome(aside=aside)
        numbers = _Numbers(work)
        for line in lines:
            name = op_id(line)
            held = work.operations.is_held(name)
            opened = open_operation(self._read, name, line)
            released = self._one(work, opened, outcome, numbers, None, held=held)
            self._released(work, released, outcome, numbers, None)
        note_received(work, outcome.kinds, self._now())
        return outcome

    def take_late(self, work: Work) -> Changes:
        """What the province refused and holds after all counts again. To be called at the end of
        every transaction in which the province said what it holds.
        """
        numbers = _Numbers(work)
        changes = Changes()
        for name, kind, record_id, version in work.operations.accepted_late():
            note_accepted(work, name, kind, record_id, version)
            applied, changed = self._reconsidered(work, kind, record_id, numbers)
            if changed is not None:
                changes += Changes((changed,))
            if applied in {Applied.MERGED, Applied.CONFLICT}:
                self._sealer.seal_merges(work, kind, record_id)
        return changes

    def _reconsidered(
        self, work: Work, kind: RecordKind, record_id: str, numbers: Mapping[Key, int]
    ) -> tuple[Applied, Changed | None]:
        try:
            return reconsider(work, kind, record_id, self._now())
        except UnsealedVersion as version:
            key = (version.kind, version.record_id, version.version)
            self._sealer.seal_now(work, key, numbers)
        return self._reconsidered(work, kind, record_id, numbers)

    def _some(
        self,
        work: Work,
        lines: Sequence[bytes],
        outcome: Outcome,
        numbers: Mapping[Key, int],
        before: Mapping[str, Opened],
        *,
        held: bool,
    ) -> None:
        """In their order; new records that follow one another are laid in together."""
        named = [(op_id(line), line) for line in lines]
        known = work.operations.versions_of([name for name, _ in named])
        if held:
            work.operations.set_held([name for name, version in known.items() if version])
        opened = [
            before.get(name) or open_operation(self._read, name, line)
            for name, line in named
            if not known.get(name)
        ]
        newcomers = Newcomers(
            work,
            (
                one.operation
                for one in opened
                if one.operation and one.name not in known and one.name not in outcome.aside
            ),
        )
        for one in opened:
            if one.operation is not None and newcomers.take(one.operation):
                continue
            self._together(work, newcomers, outcome, numbers, held=held)
            released = self._line(work, one, outcome, numbers, newcomers, held=held)
            self._released(work, released, outcome, numbers, newcomers)
        self._together(work, newcomers, outcome, numbers, held=held)

    def _together(
        self,
        work: Work,
        newcomers: Newcomers,
        outcome: Outcome,
        numbers: Mapping[Key, int],
        *,
        held: bool,
    ) -> None:
        """Lay in what waits. Where one of them cannot be, one by one, so that it is found."""
        operations = newcomers.leave()
        if not operations:
            return
        try:
            with work.attempt():
                changed = self._apply_firsts(work, operations, held=held)
        except EnvironmentFailure:
            raise
        except _OWN_FAULTS as fault:
            _log.warning("not together: %s", type(fault).__name__)
            for operation in operations:
                self._laid(work, operation, outcome, numbers, newcomers, held=held)
            changed = ()
        else:
            outcome.kinds.update(operation.envelope.kind for operation in operations)
        outcome.received += len(operations)
        outcome.changes += Changes(changed)

    def _released(
        self,
        work: Work,
        lines: Sequence[bytes],
        outcome: Outcome,
        numbers: Mapping[Key, int],
        newcomers: Newcomers | None,
    ) -> None:
        """What waited for a line, and what waits for that. These were kept before, so whether the
        province has them is known, and says nothing about who sent what they waited for.
        """
        waiting = list(reversed(lines))
        while waiting:
            line = waiting.pop()
            opened = open_operation(self._read, op_id(line), line)
            released = self._line(work, opened, outcome, numbers, newcomers, held=False)
            waiting.extend(reversed(released))

    def _line(
        self,
        work: Work,
        opened: Opened,
        outcome: Outcome,
        numbers: Mapping[Key, int],
        newcomers: Newcomers | None,
        *,
        held: bool,
    ) -> Sequence[bytes]:
        name = opened.name
        known = work.operations.version_of(name)
        if known is None:
            outcome.received += 1
        elif held:
            work.operations.set_held([name])
        if known:
            return ()
        held = held or work.operations.is_held(name)
        return self._one(work, opened, outcome, numbers, newcomers, held=held)

    def _one(
        self,
        work: Work,
        opened: Opened,
        outcome: Outcome,
        numbers: Mapping[Key, int],
        newcomers: Newcomers | None,
        *,
        held: bool,
    ) -> Sequence[bytes]:
        """What this line releases. A line that cannot be shown is kept and passed over."""
        reason = opened.reason
        if opened.operation is not None and opened.name in outcome.aside:
            reason = CANNOT_APPLY
        if opened.operation is not None and not reason:
            return self._laid(work, opened.operation, outcome, numbers, newcomers, held=held)
        kept = KeptOperation(
            op_id=opened.name,
            kind=opened.kind,
            record_id=opened.record_id,
            version=0,
            line=opened.line,
            held=held,
        )
        work.operations.keep(kept)
        work.operations.unreadable(opened.name, reason)
        outcome.unreadable += 1
        return ()

    def _laid(
        self,
        work: Work,
        operation: Operation,
        outcome: Outcome,
        numbers: Mapping[Key, int],
        newcomers: Newcomers | None,
        *,
        held: bool,
    ) -> Sequence[bytes]:
        if newcomers is not None:
            newcomers.met(operation)
        try:
            result = self._lay(work, operation, outcome, numbers, held=held)
        except EnvironmentFailure:
            raise
        except _OWN_FAULTS as fault:
            # The message may quote a record: not logged.
            kind = operation.envelope.kind.value
            _log.warning("cannot apply a %s: %s", kind, type(fault).__name__)
            raise CannotApply(operation.op_id) from fault
        if newcomers is not None:
            newcomers.parked(result.missing)
        return result.released_lines

    def _lay(
        self,
        work: Work,
        operation: Operation,
        outcome: Outcome,
        numbers: Mapping[Key, int],
        *,
        held: bool,
    ) -> ApplyResult:
        envelope = operation.envelope
        result = self._applied(work, operation, numbers, held=held)
        outcome.parked += result.applied is Applied.PARKED
        outcome.conflicts += result.applied is Applied.CONFLICT
        outcome.changes += result.changes
        if result.applied not in {Applied.PARKED, Applied.KNOWN}:
            outcome.kinds[envelope.kind] += 1
        if result.applied in {Applied.MERGED, Applied.CONFLICT}:
            # Another machine may have made the same merge and gone on from it: what it wrote there
            # can have come before, and waits for this name.
            merges = self._sealer.seal_merges(work, envelope.kind, envelope.record_id)
            released = work.operations.released_by(*merges) if merges else ()
            result = replace(result, released_lines=(*result.released_lines, *released))
        return result

    def _applied(
        self, work: Work, operation: Operation, numbers: Mapping[Key, int], *, held: bool
    ) -> ApplyResult:
        try:
            return self._apply(work, operation, self._now(), held=held)
        except UnsealedVersion as version:
            # A merge orders its sides by their ids, so what was written here gets its own now.
            key = (version.kind, version.record_id, version.version)
            self._sealer.seal_now(work, key, numbers)
        return self._applied(work, operation, numbers, held=held)


class _Numbers(Mapping[Key, int]):
    """The outbox number of each version that waits, read when it is first asked for."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._read: dict[Key, int] | None = None

    def _all(self) -> dict[Key, int]:
        if self._read is None:
            self._read = numbers_of(self._work)
        return self._read

    def __getitem__(self, key: Key) -> int:
        return self._all()[key]

    def __iter__(self) -> Any:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def numbers_of(work: Work) -> dict[Key, int]:
    """The outbox number of every version that waits."""
    today = work.outbox.oldest_waiting_at()
    if today is None:
        return {}
    items = work.outbox.operations(_EVERY_ITEM, today.date())
    return {(item.kind, item.record_id, item.version): item.seq for item in items if item.version}
