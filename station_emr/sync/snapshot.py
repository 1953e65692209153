"""Fills a new PC from a snapshot file, in steps that survive a kill (docs/courier.md, "Snapshot")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from station_emr.domain.operation import Tally
from station_emr.services.courier import PROVINCE_KEY, CourierRefused
from station_emr.services.ports import Store, Work
from station_emr.services.rebuild import RebuildProgress, RebuildReport, SnapshotFacts

from .applying import Applier, Outcome
from .courier import OTHER_FINGERPRINT, check_facility
from .courier_file import SNAPSHOT, CourierFile, grouped, open_file
from .courier_reply import apply_lines, decode_note, unreadable
from .operation_line import OP_ID, op_id
from .place import Place, read_place, write_place
from .province_key import ProvinceKey

FILE: Final = "rebuild.file"
DONE: Final = "rebuild.done"
STEP: Final = 250

NOT_A_SNAPSHOT: Final = (
    "Đây không phải tệp hồ sơ của cả trạm. Chưa có gì thay đổi. "
    "Hãy chọn tệp do tỉnh hoặc một máy khác của trạm xuất cho máy mới."
)
NOT_COMPARED: Final = (
    "Chưa biết tệp này do ai lập. Chưa có gì thay đổi. "
    "Hãy so dấu vân tay của tệp với dấu vân tay hiện trên máy đã xuất tệp, rồi xác nhận."
)


class _Header(msgspec.Struct):
    v: int
    epoch: str
    cursor: int
    lines: int
    count: int
    sum: int
    notes: int = 0


class _Note(msgspec.Struct):
    waiting: list[str] = []


class _Cancelled(Exception):
    """Somebody pressed cancel; what was applied stays."""


@dataclass(slots=True)
class _Position:
    """``skip`` lines were applied by an earlier attempt with the same file."""

    name: str
    skip: int
    read: int = 0


class SnapshotReader:
    """See :class:`station_emr.services.rebuild.SnapshotReader`."""

    def __init__(self, store: Store, applier: Applier, identity: str, *, step: int = STEP) -> None:
        self._store = store
        self._applier = applier
        self._identity = identity
        self._step = step

    def facts(self, path: str) -> SnapshotFacts:
        courier = self._open(path)
        by_province = not courier.preamble.device
        return SnapshotFacts(
            facility=courier.preamble.facility,
            created=courier.preamble.created,
            size=courier.size,
            by_province=by_province,
            trusted=self._is_province(courier),
            fingerprint=grouped(courier.signer),
        )

    def apply(
        self,
        path: str,
        signer: str,
        progress: Callable[[RebuildProgress], None],
        cancelled: Callable[[], bool],
    ) -> RebuildReport:
        courier = self._open(path)
        if not self._is_province(courier):
            given = signer.replace(" ", "").lower()
            if not given:
                raise CourierRefused("unknown-sender", NOT_COMPARED)
            if given != courier.signer:
                raise CourierRefused("unknown-sender", OTHER_FINGERPRINT)
        filling = _Filling(
            self._store, self._applier, self._position(courier), progress, cancelled, self._step
        )
        try:
            courier.read(self._identity, filling.take)
        except _Cancelled:
            return filling.report(finished=False, verified=False)
        return filling.finish()

    def _open(self, path: str) -> CourierFile:
        courier = open_file(Path(path))
        if courier.preamble.kind != SNAPSHOT:
            raise CourierRefused("wrong-kind", NOT_A_SNAPSHOT)
        with self._store.read() as work:
            check_facility(courier, work.settings.station().code)
        return courier

    def _is_province(self, courier: CourierFile) -> bool:
        with self._store.read() as work:
            key = ProvinceKey.kept(work.settings.get(PROVINCE_KEY) or "")
        return key is not None and courier.signer_key in key.signers

    def _position(self, courier: CourierFile) -> _Position:
        name = courier.digest
        with self._store.read() as work:
            same = work.settings.get(FILE) == name
            return _Position(name, int(work.settings.get(DONE) or "0") if same else 0)


class _Filling:
    """Takes the lines of one snapshot in their order."""

    def __init__(
        self,
        store: Store,
        applier: Applier,
        position: _Position,
        progress: Callable[[RebuildProgress], None],
        cancelled: Callable[[], bool],
        step: int,
    ) -> None:
        self._store = store
        self._applier = applier
        self._position = position
        self._progress = progress
        self._cancelled = cancelled
        self._step = step
        self._header: _Header | None = None
        self._notes = 0
        self._waiting: set[str] = set()
        self._lines: list[bytes] = []
        self._tally = Tally()
        self._outcome = Outcome()

    def take(self, line: bytes) -> None:
        if self._header is None:
            self._begin(decode_note(line, _Header))
        elif self._notes:
            self._notes -= 1
            note = decode_note(line, _Note)
            self._waiting.update(name for name in note.waiting if OP_ID.fullmatch(name))
        else:
            self._operation(line)

    def _begin(self, header: _Header) -> None:
        if header.v != 1 or min(header.lines, header.cursor, header.notes) < 0:
            raise unreadable()
        self._header, self._notes = header, header.notes
        self._progress(RebuildProgress(min(self._position.skip, header.lines), header.lines))

    def _operation(self, line: bytes) -> None:
        name = op_id(line)
        if name not in self._waiting:
            self._tally = self._tally.plus(name)
        self._position.read += 1
        if self._position.read <= self._position.skip:
            return
        self._lines.append(line)
        if len(self._lines) >= self._step:
            self._apply()

    def _apply(self) -> None:
        """One step: the lines and how far they reach, together."""
        if self._cancelled():
            raise _Cancelled
        lines, self._lines = self._lines, []
        held = [line for line in lines if op_id(line) not in self._waiting]
        others = [line for line in lines if op_id(line) in self._waiting]
        if others:
            # The province has these not yet. In their order they come after all that it has, as
            # far as they need it; a line that came too early would be parked and applied later.
            self._add(apply_lines(self._store, self._applier, held, _nothing, held=True))
            self._add(
                apply_lines(self._store, self._applier, others, self._note(others), held=False)
            )
        else:
            self._add(apply_lines(self._store, self._applier, held, self._note(()), held=True))
        if self._header is not None:
            self._progress(RebuildProgress(self._position.read, self._header.lines))

    def _note(self, offer: list[bytes] | tuple[()]) -> Callable[[Work], None]:
        position = self._position

        def note(work: Work) -> None:
            for line in offer:
                name = op_id(line)
                if not work.operations.is_held(name):
                    work.outbox.queue_operation(name)
            work.settings.put(FILE, position.name)
            work.settings.put(DONE, str(position.read))

        return note

    def _add(self, outcome: Outcome) -> None:
        self._outcome.conflicts += outcome.conflicts
        self._outcome.unreadable += outcome.unreadable

    def finish(self) -> RebuildReport:
        """Everything is here: the exchange goes on from where the writer stood."""
        header = self._header
        if header is None or self._notes or self._position.read != header.lines:
            raise unreadable()
        if self._lines:
            try:
                self._apply()
            except _Cancelled:
                return self.report(finished=False, verified=False)
        expected = Tally(header.count, header.sum)
        if self._tally != expected:
            raise unreadable()
        with self._store.write() as work:
            place = read_place(work)
            if place.epoch in {"", header.epoch} and place.cursor < header.cursor:
                write_place(work, Place(header.epoch, header.cursor))
            work.settings.put(DONE, "0")
            work.settings.put(FILE, "")
            verified = work.operations.tally() == expected and not work.operations.parked()
        return self.report(finished=True, verified=verified)

    def report(self, *, finished: bool, verified: bool) -> RebuildReport:
        total = self._header.lines if self._header is not None else 0
        return RebuildReport(
            finished=finished,
            verified=verified,
            operations=total if finished else max(self._position.skip, self._done()),
            total=total,
            conflicts=self._outcome.conflicts,
            unreadable=self._outcome.unreadable,
        )

    def _done(self) -> int:
        return self._position.read - len(self._lines)


def _nothing(_work: Work) -> None:
    """Nothing goes with these lines."""
