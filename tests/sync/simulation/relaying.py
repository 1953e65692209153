"""Two PCs of a story that meet over a cable, without the province: one asks, the other answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from station_emr.domain.errors import NetworkFailure
from station_emr.sync.exchange_engine import Exchange
from station_emr.sync.exchange_peer import ExchangeReply, ExchangeRequest
from station_emr.sync.meeting_point import MeetingPoint
from station_emr.sync.peer import Busy, Traffic
from station_emr.sync.running import Run


class Colleague:
    """Another machine as the engine's peer, over a line that loses things."""

    level = 1
    software = "station-emr"
    offered = True
    name = "another PC"
    facts = ""
    clock_skew: timedelta | None = None

    def __init__(self, world: Any, other: Any) -> None:
        self.traffic = Traffic()
        self._world = world
        self._point = MeetingPoint(other.store, other.clock, other.sealer, other.applier)

    def is_fresh(self, now: datetime) -> bool:
        del now
        return True

    def get_ready(self, request: ExchangeRequest) -> None: ...

    def exchange(self, request: ExchangeRequest) -> ExchangeReply:
        fault = self._world.draw_fault()
        if fault in {"lost", "late", "busy"}:
            raise NetworkFailure("lost")
        reply = self._point.exchange(request)
        if fault == "twice":
            reply = self._point.exchange(request)
        if fault in {"answer lost", "cut"}:
            raise NetworkFailure("the answer was lost")
        return reply


def meet(machine: Any, other: Any) -> None:
    """One run of ``machine`` with ``other``. Raises Killed when either of them died at a commit."""
    exchange = Exchange(
        machine.store,
        machine.clock,
        Colleague(machine.world, other),
        machine.sealer,
        machine.applier,
        program=machine.program,
        relay=other.name,
    )
    machine.make_repeatable(exchange)
    run = Run(machine.clock.now(), 0, 0)
    try:
        exchange.run(run)
    except (NetworkFailure, Busy):
        machine.world.happened["relay broke off"] += 1
    else:
        machine.world.happened["operations by relay"] += run.sent + run.received
