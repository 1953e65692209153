"""When to send to the national gateways: by its own thread, whatever the line to the province does.

A gateway that does not answer must not hold back a referral letter, nor the other way round.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from station_emr.domain.backoff import full_jitter
from station_emr.domain.errors import StationError
from station_emr.services.gateway_sending import GatewaySender, GatewayTurn
from station_emr.services.ports import Clock

_log = logging.getLogger(__name__)
_LEAST: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPace:
    """Seconds. ``settle``: let the commands of one click end; ``idle``: between looks; ``first`` and
    ``longest``: the wait after a gateway was away, doubling.
    """

    settle: float = 2.0
    idle: float = 120.0
    first: float = 15.0
    longest: float = 300.0


class GatewayLoop:
    """Implements :class:`station_emr.services.gateway_ports.Waker`. Every public method may be called
    from any thread and returns at once, but :meth:`stop`.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        pace: GatewayPace | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sender: GatewaySender | None = None
        self._clock = clock
        self._pace = pace or GatewayPace()
        self._monotonic = monotonic
        self._guard = threading.Condition()
        self._stopping = False
        self._news = False
        self._urgent = False
        self._failures = 0
        self._turn: GatewayTurn | None = None
        self._thread: threading.Thread | None = None

    def send_by(self, sender: GatewaySender) -> None:
        """What a turn is; to be told before :meth:`start`."""
        self._sender = sender

    def run_now(self) -> GatewayTurn:
        """One turn in the thread of the caller, for the command line."""
        if self._sender is None:
            raise RuntimeError("nothing to send by")
        return self._sender.run_once()

    def start(self) -> None:
        if self._thread is not None or self._sender is None:
            raise RuntimeError("already started, or nothing to send by")
        self._thread = threading.Thread(target=self._loop, name="gateways", daemon=True)
        self._thread.start()

    def stop(self, patience: float = 5.0) -> bool:
        """End the thread. False when it still hangs in the network; it dies with the process, and
        what it was sending is unknown at the next start.
        """
        with self._guard:
            self._stopping = True
            self._guard.notify_all()
        if self._sender is not None:
            self._sender.stop()
        if self._thread is None:
            return True
        self._thread.join(patience)
        return not self._thread.is_alive()

    def notify(self) -> None:
        """Something was committed: look soon, but respect a back-off."""
        with self._guard:
            self._news = True
            self._guard.notify_all()

    def wake(self) -> None:
        """Look now, whatever the back-off says: a person asked."""
        with self._guard:
            self._urgent = True
            self._guard.notify_all()

    def last_turn(self) -> GatewayTurn | None:
        with self._guard:
            return self._turn

    def _loop(self) -> None:
        while not self._is_stopping():
            delay = self._attempt()
            if self._rest(delay):
                self._settle()

    def _is_stopping(self) -> bool:
        with self._guard:
            return self._stopping

    def _attempt(self) -> float:
        with self._guard:
            self._news = self._urgent = False
        if self._sender is None:
            return self._pace.longest
        try:
            turn = self._sender.run_once()
        except StationError as error:
            _log.warning("gateways wait: %s", type(error).__name__)
            return self._pace.longest
        except Exception as error:  # noqa: BLE001 - a bug must not end sending for the day
            _log.error("a turn of the gateways failed: %s", _outline(error))
            return self._pace.longest
        with self._guard:
            self._turn = turn
        self._failures = self._failures + 1 if turn.away else 0
        return self._delay(turn, self._sender)

    def _delay(self, turn: GatewayTurn, sender: GatewaySender) -> float:
        if turn.away:
            wait = full_jitter(
                self._clock.random(4),
                self._failures,
                first=self._pace.first,
                longest=self._pace.longest,
            )
            return max(wait, turn.retry_after or 0.0)
        left = _until(sender.next_due_at(), self._clock.now())
        if left <= 0 and not turn.tried:  # what is due rests for another reason
            return self._pace.idle
        return min(self._pace.idle, left)

    def _rest(self, delay: float) -> bool:
        """Wait for the time, for a wish, or for news while no gateway is away; whether it was news."""
        until = self._monotonic() + max(delay, _LEAST)
        with self._guard:
            while not (self._stopping or self._urgent):
                left = until - self._monotonic()
                if left <= 0:
                    return False
                if self._news and not self._failures:
                    return True
                self._news = False
                self._guard.wait(left)
        return False

    def _settle(self) -> None:
        until = self._monotonic() + self._pace.settle
        with self._guard:
            while not (self._stopping or self._urgent):
                left = until - self._monotonic()
                if left <= 0:
                    return
                self._guard.wait(left)


def _until(due: datetime | None, now: datetime) -> float:
    return float("inf") if due is None else (due - now).total_seconds()


def _outline(error: BaseException) -> str:
    """Type and places of a fault without its message, which may quote a record."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = (f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {' < '.join(places)}"
