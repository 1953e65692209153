"""What both imitations of a national gateway share: a server on loopback, and faults on demand."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

LARGEST: Final = 16 * 1024 * 1024
_HTML: Final = b"<!DOCTYPE html><html><body>Wi-Fi: please log in</body></html>"


class Fault(StrEnum):
    """What goes wrong with one request. ``taken``: the file was kept all the same."""

    HTML = "html"  # 200 with a web page
    REDIRECT = "redirect"  # 302 to a log-in page
    ERROR = "error"  # 500 with a web page
    FAILED = "failed"  # the gateway's own JSON with result 500
    BUSY = "busy"  # 503 with Retry-After
    EXPIRED = "expired"  # 401: the token is not valid any more
    SLOW = "slow"  # taken; the answer does not come in time
    TRUNCATED = "truncated"  # taken; half of the answer
    CUT = "cut"  # taken; the connection ends without an answer
    CUT_EARLY = "cut_early"  # the connection ends while the request is still on its way
    HUGE = "huge"  # taken; an answer without end
    NONSENSE = "nonsense"  # taken; JSON, but not of this gateway
    NO_RECEIPT = "no_receipt"  # taken; success without a receipt
    DUPLICATE = "duplicate"  # taken; the receipt of an earlier file
    REFUSED = "refused"  # a refusal with the code of the imitation


AFTER_TAKING: Final = frozenset(
    {
        Fault.SLOW,
        Fault.TRUNCATED,
        Fault.CUT,
        Fault.HUGE,
        Fault.NONSENSE,
        Fault.NO_RECEIPT,
        Fault.DUPLICATE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it came."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One file that the imitation kept."""

    kind: str
    content: bytes
    receipt: str


@dataclass(slots=True)
class Given:
    """The answer of an imitation."""

    status: int
    body: Mapping[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


class GatewayImitation:
    """A server on loopback. Subclasses answer; this injects what goes wrong."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.asked: list[Asked] = []
        self.down = False  # a web page for everything, as behind a captive portal
        self.pause = 30.0  # seconds of a slow answer
        self.retry_after = 7
        self._wrong: deque[Fault] = deque()
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("not started")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self, port: int = 0) -> str:
        """Serve in a thread of its own; gives the address."""
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="gateway imitation", daemon=True
        )
        self._thread.start()
        return self.url

    def stop(self) -> None:
        self._ended.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        if self._thread is not None:
            self._thread.join(5)

    def fail(self, *faults: Fault) -> None:
        """What goes wrong with the next files that are sent, in this order."""
        with self._guard:
            self._wrong.extend(faults)

    def take_fault(self) -> Fault | None:
        with self._guard:
            return self._wrong.popleft() if self._wrong else None

    def answer(self, asked: Asked) -> tuple[Given, Fault | None]:
        """The answer, and what the server still does wrong with it."""
        raise NotImplementedError

    def wait(self) -> None:
        self._ended.wait(self.pause)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], imitation: GatewayImitation) -> None:
        super().__init__(address, _Handler)
        self.imitation = imitation


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "imitation"
    sys_version = ""

    @property
    def _imitation(self) -> GatewayImitation:
        server = self.server
        if not isinstance(server, _Server):
            raise TypeError("another server")
        return server.imitation

    def log_message(self, *_args: object) -> None:
        """Nothing is logged: what comes here looks like records."""

    def do_POST(self) -> None:
        try:
            self._post()
        except OSError:  # the station went away meanwhile
            self.close_connection = True

    def _post(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), LARGEST)
        parts = urlsplit(self.path)
        asked = Asked(
            path=parts.path,
            query=parts.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        self._imitation.asked.append(asked)
        if self._imitation.down:
            self._page(200)
            return
        given, fault = self._imitation.answer(asked)
        self._give(given, fault)

    def _give(self, given: Given, fault: Fault | None) -> None:
        wrong = {
            Fault.HTML: lambda: self._page(200),
            Fault.ERROR: lambda: self._page(500),
            Fault.REDIRECT: lambda: self._raw(302, b"", {"Location": "http://192.0.2.1/login"}),
            Fault.BUSY: lambda: self._raw(
                503, b"", {"Retry-After": str(self._imitation.retry_after)}
            ),
            Fault.CUT: lambda: None,
            Fault.CUT_EARLY: lambda: None,
            Fault.SLOW: self._imitation.wait,
            Fault.TRUNCATED: lambda: self._half(given),
            Fault.HUGE: self._huge,
        }
        if fault in wrong:
            self.close_connection = True
            wrong[fault]()
            return
        headers = {"Content-Type": "application/json", **given.headers}
        self._raw(given.status, json.dumps(given.body).encode(), headers)

    def _half(self, given: Given) -> None:
        whole = json.dumps(given.body).encode()
        self._head(given.status, {"Content-Length": str(len(whole))})
        self.wfile.write(whole[: len(whole) // 2])

    def _huge(self) -> None:
        self._head(200, {"Content-Type": "application/json"})
        for _ in range(8):
            self.wfile.write(b" " * 1024 * 1024)

    def _page(self, status: int) -> None:
        self._raw(status, _HTML, {"Content-Type": "text/html"})

    def _raw(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self._head(status, {**headers, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
