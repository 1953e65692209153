"""The line between a simulated machine and the province, with everything that a bad one does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from provincial_server.faults import FhirFault
from station_emr.domain.errors import NetworkFailure
from station_emr.domain.record import RecordKind
from station_emr.sync.exchange_peer import ExchangeReply, ExchangeRequest
from station_emr.sync.exchange_wire import Garbled, decode_reply, encode_request
from station_emr.sync.peer import Busy, Traffic

from .province import Province, ServerDied

if TYPE_CHECKING:
    from .machine import Machine


class Killed(BaseException):
    """The power went, or the process was killed."""


class Line:
    """The peer as the engine sees it, with the faults of a bad line before and behind the server."""

    level = 1
    offered = True
    name = "simulated province"
    facts = ""
    stays: frozenset[RecordKind] = frozenset()
    clock_skew: timedelta | None = None

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.traffic = Traffic()

    @property
    def software(self) -> str:
        return str(self._machine.world.province.software)

    def is_fresh(self, now: datetime) -> bool:
        del now
        return True

    def recall(self, facts: str) -> None: ...
    def get_ready(self, request: ExchangeRequest) -> None: ...
    def greet(self) -> None: ...

    def exchange(self, request: ExchangeRequest) -> ExchangeReply:
        world = self._machine.world
        rid = world.chance.randbytes(8).hex()
        plain = encode_request(request, rid)
        self.traffic.requests += 1
        self.traffic.up += len(plain)
        self.clock_skew = world.now() - self._machine.clock.now()
        content = self._carried(world.draw_fault(), plain)
        world.old_answers.append(content)
        self.traffic.down += len(content)
        try:
            return decode_reply(content, rid, len(request.lines))
        except Garbled as error:
            raise NetworkFailure("garbled") from error

    def _carried(self, fault: str, plain: bytes) -> bytes:
        world, caller = self._machine.world, self._machine.caller
        province: Province = world.province
        self._machine.last_sent = plain
        if fault in {"lost", "late"}:
            if fault == "late":
                world.late.append((caller, plain))
            raise NetworkFailure("lost")
        if fault == "busy":
            raise Busy("busy", 1.0)
        if fault == "killed before":
            raise Killed
        try:
            died = {"server before": "before", "server after": "after"}.get(fault, "")
            content = province.answer(caller, plain, dies=died)
            if fault == "twice":
                content = province.answer(caller, plain)
        except (ServerDied, FhirFault) as error:
            raise NetworkFailure("the server failed") from error
        if fault == "killed after":
            raise Killed
        if fault == "answer lost":
            raise NetworkFailure("lost")
        if fault == "old answer" and world.old_answers:
            return world.chance.choice(world.old_answers)
        if fault == "cut":
            return content[: world.chance.randrange(len(content))]
        return content
