"""Applies a page: each line by itself, all of them in the caller's transaction (docs/sync.md, "One
run over the exchange", 4 to 6).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from station_emr.domain.errors import EnvironmentFailure
from station_emr.domain.operation import Applied, Operation, ReadRecord
from station_emr.domain.record import RecordKind
from station_emr.services.ports import Work
from station_emr.services.sync_ports import KeptOperation

from .loading import content_of
from .operation_line import Unopenable, op_id, open_line
from .sealing import Key, Sealer, versions_of
from .unit import ReadUnit

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

    def __call__(self, work: Work, operation: Operation) -> Applied: ...


@dataclass(slots=True)
class Outcome:
    """What became of a page."""

    received: int = 0  # lines that were new here
    conflicts: int = 0
    parked: int = 0
    unreadable: int = 0
    changed: set[tuple[RecordKind, str]] = field(default_factory=set)
    aside: frozenset[str] = frozenset()


class Applier:
    """``held`` of a line is whether the province itself gave it."""

    def __init__(self, read_unit: ReadUnit, apply: ApplyOperation, sealer: Sealer) -> None:
        self._read = read_unit
        self._apply = apply
        self._sealer = sealer

    def page(
        self, work: Work, lines: Iterable[bytes], *, held: bool, aside: frozenset[str] = frozenset()
    ) -> Outcome:
        """Apply ``lines`` and what they release; those named in ``aside`` are kept only. Raises
        CannotApply and EnvironmentFailure alone.
        """
        outcome = Outcome(aside=aside)
        numbers = _Numbers(work)
        waiting = list(reversed(tuple(lines)))
        while waiting:
            line = waiting.pop()
            name = op_id(line)
            released = self._line(work, line, name, outcome, numbers, held=held)
            waiting.extend(reversed(released))
        return outcome

    def again(
        self, work: Work, lines: Iterable[bytes], aside: frozenset[str] = frozenset()
    ) -> Outcome:
        """Kept lines that could not be read before, after an update of this program."""
        outcome = Outcome(aside=aside)
        numbers = _Numbers(work)
        for line in lines:
            name = op_id(line)
            self._open(work, line, name, outcome, numbers, held=work.operations.is_held(name))
        return outcome

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
            return self._lay(work, operation, read, outcome, numbers, held=held)
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
        read: ReadRecord,
        outcome: Outcome,
        numbers: Mapping[Key, int],
        *,
        held: bool,
    ) -> Sequence[bytes]:
        envelope = operation.envelope
        kind, record_id = envelope.kind, envelope.record_id
        if self._recognised(work, operation, read, numbers, held=held):
            return work.operations.released_by(operation.op_id)
        self._sealer.seal_record(work, kind, record_id, numbers)
        applied = self._apply(work, operation)
        if applied is Applied.PARKED:
            outcome.parked += 1
            return ()
        if applied in {Applied.NEWEST, Applied.MERGED, Applied.CONFLICT}:
            outcome.changed.add((kind, record_id))
            outcome.conflicts += applied is Applied.CONFLICT
            self._sealer.seal_record(work, kind, record_id, _NONE)
        return (
            *work.operations.released_by(operation.op_id),
            *work.operations.released_by(f"{kind.value}/{record_id}"),
        )

    def _recognised(
        self,
        work: Work,
        operation: Operation,
        read: ReadRecord,
        numbers: Mapping[Key, int],
        *,
        held: bool,
    ) -> bool:
        """A version of the first release that the plain way acknowledged comes back as the server
        wrote it down: that is its operation from here on, and nothing is doubled.
        """
        envelope = operation.envelope
        kind, record_id = envelope.kind, envelope.record_id
        if kind in {RecordKind.PRACTITIONER, RecordKind.FACILITY}:
            return False
        for node in reversed(versions_of(work, kind, record_id)):
            if node.op_id or (kind, record_id, node.version) in numbers:
                continue
            if content_of(work, kind, record_id, node.version) == read.record:
                work.operations.keep(
                    KeptOperation(
                        op_id=operation.op_id,
                        kind=kind.value,
                        record_id=record_id,
                        version=node.version,
                        line=operation.line,
                        held=held,
                    )
                )
                return True
        return False


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


_NONE: Final[Mapping[Key, int]] = {}


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
