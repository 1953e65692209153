"""The next page of a long queue, made and packed while the answer to the present one is awaited, so that
on a quick line neither end waits for the other (docs/sync.md, "One run over the exchange", 4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .exchange_peer import ExchangeRequest
from .queueing import Batch, Sending


class Packs(Protocol):
    """A peer that can pack a request before its turn."""

    def get_ready(self, request: ExchangeRequest) -> None: ...


class NextPage:
    """At most one page. It goes only if the answer before it was nothing but "taken"."""

    def __init__(self, sending: Sending, peer: Packs) -> None:
        self._sending = sending
        self._peer = peer
        self._made: tuple[ExchangeRequest, Batch] | None = None

    def __bool__(self) -> bool:
        return self._made is not None

    def make(self, room: int, request_of: Callable[[Batch], ExchangeRequest]) -> None:
        """Of what is sealed at the head of the queue; nothing when none of it is."""
        batch = self._sending.ready(room)
        if batch.lines:
            request = request_of(batch)
            self._peer.get_ready(request)
            self._made = request, batch

    def take(self) -> tuple[ExchangeRequest, Batch] | None:
        made, self._made = self._made, None
        return made

    def drop(self) -> None:
        """Its lines go in their turn."""
        if made := self.take():
            self._sending.give_back(made[1])

    def forget(self) -> None:
        """The run has ended; the next one looks at everything anew."""
        self._made = None
