"""A new PC for a station that has a record already: after a theft, or beside the first one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from station_emr.domain.permissions import Action
from station_emr.domain.sync import SyncRun
from station_emr.domain.user import Actor

from .guards import allow
from .ports import Clock, Store

OFFLINE = (
    "Chưa lấy được hết hồ sơ từ máy chủ tỉnh. Phần đã lấy vẫn còn. "
    "Hãy kiểm tra mạng rồi bấm làm tiếp; máy sẽ tiếp tục từ chỗ đã dừng."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFacts:
    """What a snapshot file says of itself, checked from the first byte to the last. ``fingerprint``
    is the writer's, to be compared with the one its screen shows; ``trusted`` means that it is the
    province's own key, which this machine knows.
    """

    facility: str
    created: str
    size: int
    by_province: bool
    trusted: bool
    fingerprint: str


@dataclass(frozen=True, slots=True)
class RebuildProgress:
    """``total`` is 0 while it is not known."""

    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildReport:
    """``finished`` is False after a cancel or a broken line: doing it again goes on from there.
    ``verified``: count and sum agree with what the writer held.
    """

    finished: bool
    verified: bool
    operations: int
    total: int
    conflicts: int = 0
    unreadable: int = 0
    detail: str = ""


Progress = Callable[[RebuildProgress], None]
Cancelled = Callable[[], bool]


def _never() -> bool:
    return False


def _nobody(_progress: RebuildProgress) -> None:
    """Nobody looks."""


class SnapshotReader(Protocol):
    """Raises CourierRefused having changed nothing, EnvironmentFailure for disk and stick."""

    def facts(self, path: str) -> SnapshotFacts: ...
    def apply(
        self, path: str, signer: str, progress: Progress, cancelled: Cancelled
    ) -> RebuildReport:
        """``signer`` is the fingerprint a person compared; not needed for the province's."""


class ProvinceLine(Protocol):
    """The engine, as far as fetching everything needs it."""

    def run_once(self) -> SyncRun: ...


class Rebuild:
    """Fills a freshly set up station. Every method may be called again at any time: what is here
    already is passed over quickly.
    """

    def __init__(
        self, store: Store, clock: Clock, reader: SnapshotReader, line: ProvinceLine | None
    ) -> None:
        self._store = store
        self._clock = clock
        self._reader = reader
        self._line = line

    def inspect(self, actor: Actor, path: str) -> SnapshotFacts:
        """Look at a snapshot before anything is applied."""
        allow(actor, Action.SETTINGS_EDIT)
        return self._reader.facts(path)

    def from_file(
        self,
        actor: Actor,
        path: str,
        signer: str = "",
        progress: Progress = _nobody,
        cancelled: Cancelled = _never,
    ) -> RebuildReport:
        """Apply a snapshot. ``progress`` is told after every transaction, in this thread.

        ``signer`` is the fingerprint that the actor vouches for: what lies in such a file counts as
        signed, so it takes somebody who may sign. The province's own file needs none.
        """
        allow(actor, Action.SETTINGS_EDIT)
        if signer:
            allow(actor, Action.RECORD_AMEND)
        report = self._reader.apply(path, signer, progress, cancelled)
        self._note(actor, "rebuild.from_file", report, signer)
        return report

    def from_province(
        self, actor: Actor, progress: Progress = _nobody, cancelled: Cancelled = _never
    ) -> RebuildReport:
        """Fetch everything over the line: the ordinary sync, from the beginning. Each of its pages
        is a checkpoint.
        """
        allow(actor, Action.SETTINGS_EDIT)
        allow(actor, Action.SYNC_RUN)
        fetched, run = 0, None
        while self._line is not None and not cancelled():
            run = self._line.run_once()
            with self._store.read() as work:
                held = work.operations.tally().count
            progress(RebuildProgress(held, held if run.outcome == "complete" else 0))
            if run.outcome != "partial" or held == fetched:
                break
            fetched = held
        finished = run is not None and run.outcome == "complete"
        with self._store.read() as work:
            count = work.operations.tally().count
        report = RebuildReport(
            finished=finished,
            verified=run is not None and run.verified,
            operations=count,
            total=count if finished else 0,
            detail="" if finished else (run.detail if run and run.detail else OFFLINE),
        )
        self._note(actor, "rebuild.from_province", report)
        return report

    def _note(self, actor: Actor, action: str, report: RebuildReport, signer: str = "") -> None:
        detail = {
            "operations": str(report.operations),
            "finished": str(report.finished),
            "verified": str(report.verified),
            **({"fingerprint": signer} if signer else {}),
        }
        with self._store.write() as work:
            work.audit.append(actor, action, self._clock.now(), detail=detail)
