"""Applies a page: each line by itself, all of them in the caller's transaction (docs/sync.md, "One
run over the exchange", 4 to 6).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from station_emr.domain.errors import EnvironmentFailure
from station_emr.domain.operation import Applied, Operation, ReadRecord
from station_emr.domain.record import Changes, RecordKind
from station_emr.services.ports import Work
from station_emr.services.replication import ApplyResult, UnsealedVersion, note_received
from station_emr.services.sync_ports import KeptOperation

from .operation_line import Unopenable, op_id, open_line
from .sealing import Key, Sealer
from .unit import ReadUnit, Resource

_log = logging.getLogger(__name__)

NOT_A_LINE: Final = "Dòng dữ liệu hỏng, chương trình không đọc được."
NOT_A_UNIT: Final = "Nội dung không phải một hồ sơ mà bản chương trình này đọc được."
NOT_ITS_PLACE: Final = "Nội dung không khớp với hồ sơ mà nó tự nhận."
NEWER_PROGRAM: Final = "Loại hồ sơ của bản chương trình mới hơn. Hãy cập nhật chương trình."
CANNOT_APPLY: Final = "Chương trình không đưa được nội dung này vào hồ sơ."
_EVERY_ITEM: Final = 1_000_000
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


@dataclass(slots=True)
class Outcome:
    """What became of a page."""

    received: int = 0  # lines that were new here
    conflicts: int = 0
    parked: int = 0
    unreadable: int = 0
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
        self._sealer = sealer
        self._now = now

    def read(self, resources: Sequence[Resource]) -> ReadRecord:
        """See :class:`.unit.ReadUnit`."""
        return self._read(resources)

    def page(
        self, work: Work, lines: Iterable[bytes], *, held: bool, aside: frozenset[str] = frozenset()
    ) -> Outcome:
        """Apply ``lines`` and what they release; those named in ``aside`` are kept only. Raises
        CannotApply and EnvironmentFailure alone.
        """
        outcome = Outcome(aside=aside)
        numbers = _Numbers(work)
        for line in lines:
            name = op_id(line)
            released = self._line(work, line, name, outcome, numbers, held=held)
            self._released(work, released, outcome, numbers)
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
            released = self._open(work, line, name, outcome, numbers, held=held)
            self._released(work, released, outcome, numbers)
        note_received(work, outcome.kinds, self._now())
        return outcome

    def _released(
        self, work: Work, lines: Sequence[bytes], outcome: Outcome, numbers: Mapping[Key, int]
    ) -> None:
        """What waited for a line, and what waits for that. These were kept before, so whether the
        province has them is known, and says nothing about who sent what they waited for.
        """
        waiting = list(reversed(lines))
        while waiting:
            line = waiting.pop()
            released = self._line(work, line, op_id(line), outcome, numbers, held=False)
            waiting.extend(reversed(released))

    def _line(
        self,
        work: Work,
        line: bytes,
        name: str,
        outcome: Outcome,
        numbers: Mapping[Key, int],
        *,
        held: bool,
    ) -> Sequence[bytes]:
        known = work.operations.version_of(name)
        if known is None:
            outcome.received += 1
        elif held:
            work.operations.set_held([name])
        if known:
            return ()
        return self._open(
            work, line, name, outcome, numbers, held=held or work.operations.is_held(name)
        )

    def _open(
        self,
        work: Work,
        line: bytes,
        name: str,
        outcome: Outcome,
        numbers: Mapping[Key, int],
        *,
        held: bool,
    ) -> Sequence[bytes]:
        """What this line releases. A line that cannot be shown is kept and passed over."""
        try:
            envelope, resources = open_line(line)
        except Unopenable as fault:
            kind, record_id = fault.kind, fault.record_id
            kept = KeptOperation(
                op_id=name, kind=kind, record_id=record_id, version=0, line=line, held=held
            )
            work.operations.keep(kept)
            reason = NEWER_PROGRAM if fault.foreign_kind else NOT_A_LINE
            _set_aside(work, name, reason, outcome)
            return ()
        kept = KeptOperation(
            op_id=name,
            kind=envelope.kind.value,
            record_id=envelope.record_id,
            version=0,
            line=line,
            held=held,
        )
        work.operations.keep(kept)
        try:
            read = self._read(resources)
        except ValueError:
            _set_aside(work, name, NOT_A_UNIT, outcome)
            return ()
        record_id = getattr(read.record, "id", "") or getattr(read.record, "facility_id", "")
        if read.kind is not envelope.kind or record_id != envelope.record_id:
            _set_aside(work, name, NOT_ITS_PLACE, outcome)
            return ()
        if name in outcome.aside:
            _set_aside(work, name, CANNOT_APPLY, outcome)
            return ()
        operation = Operation(op_id=name, envelope=envelope, record=read.record, line=line)
        try:
            return self._lay(work, operation, outcome, numbers, held=held)
        except EnvironmentFailure:
            raise
        except _OWN_FAULTS as fault:
            # The message may quote a record: not logged.
            _log.warning("cannot apply a %s: %s", envelope.kind.value, type(fault).__name__)
            raise CannotApply(name) from fault

    def _lay(
        self,
        work: Work,
        operation: Operation,
        outcome: Outcome,
        numbers: Mapping[Key, int],
        *,
        held: bool,
    ) -> Sequence[bytes]:
        envelope = operation.envelope
        result = self._applied(work, operation, numbers, held=held)
        outcome.parked += result.applied is Applied.PARKED
        outcome.conflicts += result.applied is Applied.CONFLICT
        outcome.changes += result.changes
        if result.applied not in {Applied.PARKED, Applied.KNOWN}:
            outcome.kinds[envelope.kind] += 1
        if result.applied in {Applied.MERGED, Applied.CONFLICT}:
            self._sealer.seal_merges(work, envelope.kind, envelope.record_id)
        return result.released_lines

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


def _set_aside(work: Work, name: str, reason: str, outcome: Outcome) -> None:
    work.operations.unreadable(name, reason)
    outcome.unreadable += 1
