"""Requests as they come over the line: a head has a bounded size and comes in bounded time.

The web server keeps every header of every length that a stranger sends, long before anything of ours
is asked who that is; and it waits for the rest of a request as long as the line stands.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from provincial_server import wire
from provincial_server.faults import refuse

_LONGEST_HEAD = 64 * 1024
_MOST_HEADERS = 200
_NOT_HTTP = (400, "structure", "this is not a request of HTTP/1.1")
_LONG = (431, "too-long", "the head of the request is too long")
_LATE = (408, "timeout", "the head of the request did not come in time")


class Arriving(HttpToolsProtocol):
    """uvicorn's protocol with bounds; what it refuses by itself is an OperationOutcome too."""

    head_seconds: ClassVar[float] = 30
    """From the first byte of a request, or from the connection, to the end of its head."""
    silent_seconds: ClassVar[float] = 300
    """How long a body may pause, as at the proxy (packaging/server/nginx.conf)."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._in_head = self._has_asked = False
        self._head_bytes = 0
        self._begun = self._heard = self.loop.time()
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look_again(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._heard = self.loop.time()
        went_on = self._in_head
        super().data_received(data)
        # What came with the end of another request is not counted: one piece is bounded anyway.
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data) if went_on else 0
            if self._head_bytes > _LONGEST_HEAD or len(self.headers) > _MOST_HEADERS:
                self._refuse(*_LONG)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes, self._begun = True, 0, self._heard

    def on_headers_complete(self) -> None:
        self._in_head, self._has_asked = False, True
        if len(self.headers) > _MOST_HEADERS:
            self._refuse(*_LONG)
            raise httptools.HttpParserError  # nothing behind it is read
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- said in our own words
        if not self.transport.is_closing():
            self._refuse(*_NOT_HTTP)

    def _unsupported_upgrade_warning(self) -> None:
        """A request for another protocol is answered as if it had not asked for that."""

    def _refuse(self, status: int, code: str, diagnostics: str) -> None:
        fault = refuse(status, code, diagnostics, "http")
        body = wire.canonical(fault.outcome()).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            "content-type: application/fhir+json\r\n"
            f"content-length: {len(body)}\r\n"
            "cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()

    def _look_again(self, seconds: float) -> None:
        self._watch = self.loop.call_later(max(seconds, 0), self._look)

    def _look(self) -> None:
        """Closes a connection whose request does not come. One that rests between two requests is
        uvicorn's to close."""
        now = self.loop.time()
        if self.transport.is_closing():
            return
        if self._in_head or not self._has_asked:
            left = self._begun + self.head_seconds - now
            if left <= 0:
                if self._in_head:
                    self._refuse(*_LATE)
                else:
                    self.transport.close()  # who says nothing is told nothing
                return
        elif self.cycle.more_body:
            if self.flow.read_paused:  # it is we who let the sender wait
                self._heard = now
            left = self._heard + self.silent_seconds - now
            if left <= 0:
                self.transport.close()
                return
        else:
            left = self.head_seconds
        self._look_again(min(max(left, 0.01), self.head_seconds))
