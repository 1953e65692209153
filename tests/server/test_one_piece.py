"""What is written in one turn leaves as one piece, in order, and nothing stays behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from provincial_server.one_piece import Joined, OnePiece


class _Line(asyncio.Protocol):
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.received = b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set()


def _sent(say: Callable[[Joined], None]) -> tuple[list[int], bytes]:
    """The lengths of the pieces, and what arrived at the other end."""

    async def run() -> tuple[list[int], bytes]:
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=near)
        _, line = await loop.create_connection(_Line, sock=far)
        pieces: list[int] = []
        joined = Joined(_Noted(transport, pieces))  # type: ignore[arg-type]
        say(joined)
        await asyncio.sleep(0)
        joined.close()
        await line.ended.wait()
        return pieces, line.received

    return asyncio.run(run())


class _Noted:
    def __init__(self, transport: asyncio.Transport, pieces: list[int]) -> None:
        self._transport, self._pieces = transport, pieces

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._pieces.append(len(data))
        self._transport.write(data)


def test_head_and_body_are_one_piece():
    def say(joined: Joined) -> None:
        joined.write(b"head")
        joined.write(b"body")

    assert _sent(say) == ([8], b"headbody")


def test_what_is_long_is_not_held():
    long = b"x" * 70_000

    def say(joined: Joined) -> None:
        for _ in range(3):
            joined.write(long)
        joined.write(b"end")

    assert _sent(say) == ([70_000] * 3 + [3], long * 3 + b"end")


@pytest.mark.parametrize("parts", [[b"last"], [b"last ", b"words"]])
def test_nothing_is_lost_when_the_connection_is_closed(parts):
    def say(joined: Joined) -> None:
        for part in parts:
            joined.write(part)
        joined.close()

    assert _sent(say)[1] == b"".join(parts)


def test_an_answer_of_the_web_server_is_one_piece():
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        head = [(b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"body"})

    async def run() -> tuple[list[int], bytes]:
        loop = asyncio.get_running_loop()
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
        config.load()
        near, far = socket.socketpair()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=near)
        pieces: list[int] = []
        protocol = OnePiece(config, ServerState(), {})
        protocol.connection_made(_Noted(transport, pieces))
        protocol.data_received(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        _, line = await loop.create_connection(_Line, sock=far)
        await line.ended.wait()
        return pieces, line.received

    pieces, received = asyncio.run(run())
    assert pieces == [len(received)]
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\nbody")
