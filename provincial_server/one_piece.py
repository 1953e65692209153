"""The head of an answer and its body leave in one piece.

The web server hands them to the line one after the other, and each way to the kernel wakes whoever
waits for the answer: a short answer cost as much to send as its request to understand.
"""

from __future__ import annotations

import asyncio
from typing import Any

from provincial_server.arriving import Arriving

_MOST = 64 * 1024
"""Bytes that are held until the end of this turn of the loop; what is longer goes at once."""


class Joined:
    """A transport that sends what was written in one turn of the loop as one piece."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)
        self._size += len(data)
        if self._size > _MOST:
            self._send()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if not self._held:
            return
        piece, self._held, self._size = b"".join(self._held), [], 0
        self._transport.write(piece)


class OnePiece(Arriving):
    """The protocol of the server, on such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Joined(transport))  # type: ignore[arg-type]
