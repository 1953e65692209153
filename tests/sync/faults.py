"""A proxy on loopback that breaks the line on purpose: real sockets, faults by a plan.

Each connection that carries a request takes the next fault of the plan; without one it is passed
on untouched. One request per connection: the proxy adds ``Connection: close`` to what it forwards.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

FHIR_JSON = "application/fhir+json"
_PATIENT = 60.0
"""Seconds: longer than any answer takes, on however slow a machine."""


@dataclass(frozen=True)
class Fault:
    """What happens to one request; the first field that is set decides.

    ``canned``: a raw answer, the server never sees the request. ``cut_request``: only so many bytes
    reach the server, then both ends are closed; ``cut`` finds that number by the request. ``drop_reply``: the server works, its answer is
    thrown away. ``cut_reply``: so many bytes of the answer arrive (all but so many when negative);
    ``then_silent``: after them the line stays open and dead. ``trickle``: seconds between single
    bytes of the answer. ``held``: the request stays on the way, to arrive by :meth:`FaultyLine.deliver`
    later. ``twice``: the request arrives two times. ``before``/``after``: called around the server's
    work; ``answered`` when the whole answer has been given to the system. ``spoil`` changes it.
    """

    canned: bytes | None = None
    cut_request: int | None = None
    cut: Callable[[bytes], int] | None = None
    drop_reply: bool = False
    cut_reply: int | None = None
    trickle: float | None = None
    silent: bool = False
    then_silent: bool = False
    held: bool = False
    twice: bool = False
    spoil: Callable[[bytes], bytes] | None = None
    answered: Callable[[], None] | None = None
    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None


def canned(
    status: str, body: str = "", kind: str = FHIR_JSON, headers: dict[str, str] | None = None
) -> Fault:
    """An answer that never came from the server."""
    content = body.encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return Fault(canned="\r\n".join([*lines, "Connection: close", "", ""]).encode() + content)


PORTAL = canned("200 OK", "<html><title>Đăng nhập Wi-Fi</title></html>", "text/html")


class FaultyLine:
    """``with FaultyLine(port, token) as line``: connect to ``line.url`` instead of the server."""

    def __init__(self, server_port: int, token: str) -> None:
        self.server_port = server_port
        self.token = token  # the device's, passed on untouched
        self.plan: list[Fault | None] = []
        self.down = False
        self.requests: list[str] = []
        self.on_the_way: list[bytes] = []
        self.always: Callable[[bytes], bytes | None] | None = None
        """Asked for every request without a fault of its own; a raw answer takes the server's place."""
        self.asked = threading.Event()
        self.sent_bytes = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.1)
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/fhir"

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(_PATIENT)
        self._listening.close()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                client, _ = self._listening.accept()
            except TimeoutError:
                continue
            client.settimeout(_PATIENT)
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self, client: socket.socket) -> None:
        with client:
            if self.down:
                return
            try:
                request = _read_message(client)
                if request:
                    self._handle(client, request)
            except OSError:
                return

    def _handle(self, client: socket.socket, request: bytes) -> None:
        line = request.split(b"\r\n", 1)[0].decode()
        self.requests.append(line.rsplit(" ", 1)[0])
        self.asked.set()
        fault = (self.plan.pop(0) if self.plan else None) or Fault()
        if fault == Fault() and self.always is not None:
            fault = Fault(canned=self.always(request))
        if fault.canned is not None:
            client.sendall(fault.canned)
            return
        if fault.silent:
            self._ending.wait(_PATIENT)
            return
        if fault.held:
            self.on_the_way.append(request)
            return
        cut = fault.cut(request) if fault.cut else fault.cut_request
        if cut is not None:
            with socket.create_connection(("127.0.0.1", self.server_port), _PATIENT) as server:
                server.sendall(_closing(request)[:cut])
            return
        if fault.before:
            fault.before()
        reply = self._ask(request)
        if fault.twice:
            reply = self._ask(request)
        if fault.after:
            fault.after()
        if not fault.drop_reply:
            self._answer(client, fault.spoil(reply) if fault.spoil else reply, fault)
            if fault.answered:
                fault.answered()
            if fault.then_silent:
                self._ending.wait(_PATIENT)

    def deliver(self) -> bytes:
        """The oldest request that was held arrives now; nobody hears the answer but the caller."""
        return self._ask(self.on_the_way.pop(0))

    def _ask(self, request: bytes) -> bytes:
        reply = b""
        with socket.create_connection(("127.0.0.1", self.server_port), _PATIENT) as server:
            server.sendall(_closing(request))
            while chunk := server.recv(65536):
                reply += chunk
        return reply

    def _answer(self, client: socket.socket, reply: bytes, fault: Fault) -> None:
        self.sent_bytes += len(reply)
        if fault.trickle is not None:
            for place in range(len(reply)):
                client.sendall(reply[place : place + 1])
                time.sleep(fault.trickle)
            return
        client.sendall(reply[: fault.cut_reply])


def _read_message(stream: socket.socket) -> bytes:
    """One request with its body; empty when the other side closed first."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = stream.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for header in head.split(b"\r\n")[1:]:
        name, _, value = header.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        chunk = stream.recv(65536)
        if not chunk:
            return b""
        body += chunk
    return head + b"\r\n\r\n" + body


def _closing(request: bytes) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    kept = [h for h in head.split(b"\r\n") if not h.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"Connection: close"]) + b"\r\n\r\n" + body
