"""Bytes in and out: bounded bodies, gzip that cannot explode, no traceback and no name in a log."""

from __future__ import annotations

import logging
import time
import traceback
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provincial_server import wire
from provincial_server.faults import FhirFault, Issue, refuse
from provincial_server.settings import Limits

FHIR_JSON = "application/fhir+json"
_PLACES = {
    401: "http.authorization",
    403: "http.authorization",
    404: "http.path",
    405: "http.method",
    406: "http.accept",
    412: "http.if-match",
    414: "http.path",
    415: "http.content-type",
    500: "http",
    503: "http",
}
# Records must stay out of caches, and a browser must not guess that JSON is a page.
_HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_LAST = (b"connection", b"close")  # while the process is leaving
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_access = logging.getLogger("provincial_server.access")
_log = logging.getLogger("provincial_server")


def fhir_response(
    content: str, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return Response(content, status, headers, media_type=FHIR_JSON)


def fault_response(fault: FhirFault) -> Response:
    """Every refusal names an element, or else the part of the request that it is about."""
    placed = fault.at(_PLACES.get(fault.status, "http.body"))
    return fhir_response(wire.canonical(placed.outcome()), fault.status, fault.headers)


def is_page(scope: Scope) -> bool:
    """Whether a person asks, and not a program."""
    return f"{scope['path']}/".startswith("/web/")


def refusal(scope: Scope, fault: FhirFault) -> Response:
    """The answer of what stands before or behind all handlers of the application."""
    told: Response = scope["app"].state.told(Request(scope), fault)
    return told


async def read_bytes(request: Request, limits: Limits) -> bytes:
    """The body as it came; 413 before more than the limit is in memory."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > limits.received_bytes:
            raise refuse(413, "too-long", "the body is too large")
    again: Callable[[], Awaitable[None]] | None = getattr(request.state, "welcome_again", None)
    if again is not None:
        await again()
    return bytes(received)


def gunzip(packed: bytes, limit: int) -> bytes:
    """Unpacks at most `limit` bytes; a body that holds more is refused, not unpacked."""
    inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = inflate.decompress(packed, limit + 1)
    except zlib.error:
        raise refuse(400, "structure", "the body is not valid gzip") from None
    if len(plain) > limit or inflate.unconsumed_tail:
        raise refuse(413, "too-long", "the unpacked body is too large")
    if not inflate.eof or inflate.unused_data:
        raise refuse(400, "structure", "the gzip body is cut short or has a tail")
    return plain


class Guard:
    """The outermost layer of our own: turns a fault nobody expected into a plain 500, and writes
    one access line per request with the route's pattern instead of the address, because addresses
    hold card numbers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = _HEADERS if not scope["app"].state.leaving else [*_HEADERS, _LAST]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            status = 499  # the line broke; the station will send again
        except Exception as error:  # noqa: BLE001 -- the last place where it can be caught
            _log.error("fault %s at %s", type(error).__name__, _places(error))
            if status:
                raise ConnectionError("the answer could not be completed") from None
            problem = Issue("exception", "the server met a fault", severity="fatal")
            await refusal(scope, FhirFault(500, problem))(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            spent = (time.perf_counter() - started) * 1000
            said = _told(scope, route, status, spent)
            _access.info("%s %s %d %.1fms %s", *list(said.values())[:5], extra={"request": said})


def _told(scope: Scope, route: str, status: int, spent: float) -> dict[str, Any]:
    """The fields of an access line; nothing that the sender chose."""
    state = scope.get("state", {})
    method = scope["method"] if scope["method"] in _METHODS else "other"
    said = {
        "method": method,
        "route": route,
        "status": status,
        "ms": round(spent, 1),
        "device": state.get("device_id", "-"),
    }
    facility = getattr(state.get("actor"), "facility_code", None)
    return {**said, "facility": facility} if facility else said


def _places(error: BaseException) -> str:
    """File and line of each frame, without the message: it might quote what was sent."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
