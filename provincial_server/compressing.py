"""Answers packed as zstd or gzip for whom can read them.

Pages are left alone: they hold a form's secret beside text that a stranger may choose, and the
length of what is packed together would give it away.
"""

from __future__ import annotations

import gzip

import zstandard
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provincial_server.exchange.packing import answer_packing

_PACKED_TYPES = {"application/fhir+json", "application/json", "text/plain", "text/css"}
_SMALLEST = 400
_BESIDE = 64 * 1024
"""Longer answers are packed beside the event loop."""


class Compress:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        encoding = answer_packing(Headers(scope=scope)).encoding
        await self._app(scope, receive, _Packer(send, encoding).take)


class _Packer:
    """Holds the head of one answer back until its length is known."""

    def __init__(self, send: Send, encoding: str) -> None:
        self._send = send
        self._encoding = encoding
        self._start: Message | None = None
        self._body = bytearray()

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            media = headers.get("content-type", "").split(";")[0].strip()
            if media in _PACKED_TYPES and "content-encoding" not in headers:
                headers.add_vary_header("Accept-Encoding")
                if self._encoding:
                    self._start = message
                    return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._start)
            return
        await self._send(message)

    async def _finish(self, start: Message) -> None:
        plain = bytes(self._body)
        if len(plain) >= _SMALLEST:
            if len(plain) > _BESIDE:
                plain = await run_in_threadpool(_pack, plain, self._encoding)
            else:
                plain = _pack(plain, self._encoding)
            headers = MutableHeaders(raw=start["headers"])
            headers["Content-Encoding"] = self._encoding
            headers["Content-Length"] = str(len(plain))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": plain, "more_body": False})


def _pack(plain: bytes, encoding: str) -> bytes:
    if encoding == "zstd":
        return zstandard.ZstdCompressor(level=6, write_checksum=True).compress(plain)
    return gzip.compress(plain, 6, mtime=0)
