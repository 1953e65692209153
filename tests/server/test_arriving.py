"""What is no request of HTTP, or comes without end, is refused before it costs anything."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Sequence
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from provincial_server.arriving import Arriving

HEAD = b"GET /health HTTP/1.1\r\nHost: a\r\n"
LONG = b"x" * 50_000


async def _app(_scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body; a body that breaks off is not answered."""
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length += len(message["body"])
        if not message["more_body"]:
            break
    body = str(length).encode()
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


class _Quick(Arriving):
    head_seconds = 0.05
    silent_seconds = 0.05


class _Line(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set()


def _answer(pieces: Sequence[bytes], protocol: type[Arriving] = Arriving) -> bytes:
    """What comes back until the server closes the line; each piece arrives by itself."""

    async def run() -> bytes:
        loop = asyncio.get_running_loop()
        config = uvicorn.Config(_app, lifespan="off", log_config=None, access_log=False, ws="none")
        config.load()
        near, far = socket.socketpair()
        serving: Arriving
        _, serving = await loop.create_connection(
            lambda: protocol(config, ServerState(), {}), sock=near
        )
        _, line = await loop.create_connection(_Line, sock=far)
        for piece in pieces:
            if serving.transport.is_closing():
                break
            serving.data_received(piece)
            await asyncio.sleep(0)
        await line.ended.wait()
        return line.received

    return asyncio.run(asyncio.wait_for(run(), 60))


def _refusal(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/fhir+json" in head
    outcome = json.loads(body)
    assert outcome["resourceType"] == "OperationOutcome"
    [issue] = outcome["issue"]
    assert issue["details"]["text"]
    return int(head.split()[1]), issue["code"]


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD + b"X: ", *[LONG] * 3],
        [b"GET /", *[LONG] * 3],
        [HEAD, *[b"A: b\r\n" * 50] * 5],
        [HEAD + b"A: b\r\n" * 300 + b"\r\n"],
    ],
    ids=["one header", "address", "many headers", "many at once"],
)
def test_a_head_without_end_is_refused(pieces: list[bytes]) -> None:
    assert _refusal(_answer(pieces)) == (431, "too-long")


def test_a_long_head_that_ends_is_taken() -> None:
    pieces = [HEAD + b"Connection: close\r\nX: ", LONG, b"\r\n\r\n"]
    assert _answer(pieces).startswith(b"HTTP/1.1 200 ")


def test_a_head_behind_a_large_body_is_not_mistaken_for_long() -> None:
    first = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n"
    pieces = [first + LONG, LONG, LONG + HEAD, b"Connection: close\r\n\r\n"]
    answer = _answer(pieces)
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert b"\r\n\r\n150000" in answer


@pytest.mark.parametrize(
    "piece",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_no_request_is_told_so_as_fhir_says_it(piece: bytes) -> None:
    assert _refusal(_answer([piece])) == (400, "structure")


def test_a_wish_for_another_protocol_is_passed_over() -> None:
    wish = b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    assert _answer([HEAD + wish + b"Connection: upgrade, close\r\n\r\n"]).startswith(
        b"HTTP/1.1 200 "
    )


def test_a_head_that_does_not_come_is_not_waited_for() -> None:
    assert _refusal(_answer([HEAD], _Quick)) == (408, "timeout")


def test_who_says_nothing_is_not_waited_for() -> None:
    assert _answer([], _Quick) == b""


def test_a_body_that_stops_coming_is_not_waited_for() -> None:
    begun = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc"
    assert _answer([begun], _Quick) == b""
