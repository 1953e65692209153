"""The end of the log of a PC that meets the province only through a colleague's (docs/sync.md,
"Another peer", 9): the header of a courier file without operations, which the relay passes on unread.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from station_emr.services.audit_evidence import Anchoring
from station_emr.services.courier import CourierRefused
from station_emr.services.ports import Clock, Store

from .courier import CourierDesk
from .exchange_peer import ExchangeReply, ExchangeRequest

WRITTEN_AT: Final = "relay.letter_written_at"
READ: Final = "relay.answer_read"
_AGAIN: Final = timedelta(hours=1)


class LogLetters:
    """Writes a letter while the last anchor is a day old, and reads what comes home."""

    def __init__(self, store: Store, clock: Clock, desk: CourierDesk) -> None:
        self._store = store
        self._clock = clock
        self._desk = desk

    def outgoing(self) -> bytes:
        """Empty while none is due, or while this machine may write none."""
        now = self._clock.now()
        with self._store.read() as work:
            written = work.settings.get(WRITTEN_AT) or ""
        with suppress(ValueError):
            if written and timedelta() <= now - datetime.fromisoformat(written) < _AGAIN:
                return b""
        if not Anchoring(self._store, self._clock).is_due():
            return b""
        with tempfile.TemporaryDirectory() as folder, suppress(CourierRefused):
            letter = Path(self._desk.export(folder, now, log_alone=True).path).read_bytes()
            with self._store.write() as work:
                work.settings.put(WRITTEN_AT, now.isoformat())
            return letter
        return b""

    def take(self, answer: bytes) -> None:
        """Anything that the province did not sign for this machine changes nothing."""
        name = hashlib.sha256(answer).hexdigest()
        with self._store.read() as work:
            if work.settings.get(READ) == name:
                return
        with tempfile.TemporaryDirectory() as folder, suppress(CourierRefused):
            path = Path(folder) / "tra-loi.semr"
            path.write_bytes(answer)
            self._desk.import_reply(str(path), self._clock.now())
        with self._store.write() as work:
            work.settings.put(READ, name)


class WithLetters:
    """A relay as the engine's peer, with the letters going along."""

    def __init__(self, relay: Any, letters: LogLetters) -> None:
        self._relay = relay
        self._letters = letters

    def __getattr__(self, name: str) -> Any:
        return getattr(self._relay, name)

    def exchange(self, request: ExchangeRequest) -> ExchangeReply:
        """One exchange of the relay. Raises what that raises."""
        ask: Callable[[ExchangeRequest], ExchangeReply] = self._relay.exchange
        reply = ask(replace(request, letter=self._letters.outgoing()))
        if reply.letter:
            self._letters.take(reply.letter)
        return reply
