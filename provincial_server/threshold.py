"""What is refused before anybody looks at what is asked. It stands inside the access log, so that such
a refusal leaves its line like any other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from provincial_server.faults import FhirFault, refuse
from provincial_server.transport import refusal

# Of two that differ a proxy in between may have judged the other one.
_GIVEN_ONCE = frozenset(
    {
        *(b"authorization", b"host", b"content-type", b"content-encoding", b"content-range"),
        *(b"if-match", b"if-none-match", b"if-none-exist", b"repr-digest"),
        b"x-exchange-dictionary",
    }
)
_AUTHORIZATION = "authorization"
_TOO_OFTEN = 429
Naming = Callable[[Request], Awaitable[object]]


class Threshold:
    """Refuses an address that is too long (414), and a header that has one value by its nature and
    stands there again (400). `name` notes for the log which device asked, and counts its asking."""

    def __init__(self, app: ASGIApp, longest_address: int, name: Naming) -> None:
        self._app = app
        self._longest_address = longest_address
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        twice = _given_twice(scope["headers"])
        if len(scope["path"]) + len(scope["query_string"]) > self._longest_address:
            fault = refuse(414, "too-long", "the address is too long", "http.path")
        elif twice:
            fault = refuse(400, "structure", "a header is given twice", f"http.{twice}")
        else:
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["refused_unread"] = True
        _find_route(scope)
        if twice != _AUTHORIZATION:  # of two tokens neither says who asks
            fault = await self._named(Request(scope, receive), fault)
        await refusal(scope, fault)(scope, receive, send)

    async def _named(self, request: Request, fault: FhirFault) -> FhirFault:
        """What is answered: the refusal, or that it is asked too often."""
        try:
            await self._name(request)
        except FhirFault as other:
            return other if other.status == _TOO_OFTEN else fault
        except SQLAlchemyError:  # busy: the refusal stands, under the address alone
            return fault
        return fault


def _given_twice(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The name of a header that has one value by its nature and stands there again; else empty."""
    seen = set()
    for name, _ in headers:
        if name in _GIVEN_ONCE:
            if name in seen:
                return name.decode("ascii")
            seen.add(name)
    return ""


def _find_route(scope: Scope) -> None:
    """Which address was meant: the log names its pattern, never the address itself."""
    routes: Iterable[Any] = scope["app"].routes
    for route in routes:
        match, found = route.matches(scope)
        if match is Match.FULL:
            scope["route"], scope["path_params"] = route, found.get("path_params", {})
            return
