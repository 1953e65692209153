"""What a station says of itself to the province: counts and times, nothing of any record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from station_emr.domain.catalog_pack import PackState
from station_emr.domain.outages import EARLIEST_RUN
from station_emr.domain.sync import UnitState
from station_emr.services.ports import Clock, Work

_EVERY: Final = 30.0
_LONGEST: Final = 100


class SelfReport:
    """Goes with the first request of a run, then twice a minute: counting takes its time where
    thousands wait. ``monotonic`` gives seconds.
    """

    def __init__(self, clock: Clock, program: str, monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._program = program
        self._monotonic = monotonic
        self._told_at: float | None = None

    def next_run(self) -> None:
        self._told_at = None

    def when_due(self, work: Work) -> dict[str, Any]:
        """Empty when it was told lately; nothing empty is in it."""
        now = self._monotonic()
        if self._told_at is not None and now - self._told_at < _EVERY:
            return {}
        self._told_at = now
        oldest = work.outbox.oldest_waiting_at(EARLIEST_RUN)
        state: dict[str, Any] = {
            "waiting": work.outbox.count(UnitState.WAITING),
            "oldest": oldest.isoformat(timespec="seconds") if oldest else "",
            "refused": work.outbox.count(UnitState.QUARANTINED),
            "conflicts": len(work.operations.conflicts()),
            "program": self._program,
            "catalog": lists_in_force(work),
            "clock": self._clock.now().isoformat(timespec="seconds"),
        }
        return {name: value for name, value in state.items() if value}


def lists_in_force(work: Work) -> str:
    """Of each of the province's lists the newest version that is applied here, in one short text."""
    newest: dict[str, str] = {}
    for known in work.packs.all():  # by number
        if known.state is PackState.APPLIED:
            newest[known.pack.kind.value] = known.pack.version
    said = ", ".join(f"{kind} {version}" for kind, version in sorted(newest.items()))
    return said[:_LONGEST]
