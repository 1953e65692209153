"""GET and POST /audit-anchors: a device shows the end of its log, and asks what it showed before."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response

from provincial_server import wire
from provincial_server.anchors import keeping
from provincial_server.context import Services
from provincial_server.settings import Limits

_REFUSED: dict[str, Any] = {
    "description": "It cannot follow what this device showed before",
    "content": {"application/json": {"schema": {"type": "object", "required": ["accepted"]}}},
}
_LIMITS = Limits(received_bytes=4096, body_bytes=4096, depth=4)


def add_routes(app: FastAPI, services: Services) -> None:
    """`/fhir/$audit-anchors` stands under the address that stations keep."""

    @app.get("/fhir/$audit-anchors", include_in_schema=False)
    @app.get("/audit-anchors")
    async def anchors(request: Request) -> Response:
        """The last end of every life of this device's database, the newest life first."""
        caller = await services.caller(request)

        def look() -> str:
            with services.database.read(caller.facility_code) as session:
                rows = keeping.newest_of_each_life(session, caller)
                return wire.canonical({"anchors": [keeping.anchor_text(row) for row in rows]})

        return Response(await services.run(look), media_type="application/json")

    @app.post("/fhir/$audit-anchors", include_in_schema=False)
    @app.post("/audit-anchors", responses={409: _REFUSED})
    async def show(request: Request) -> Response:
        """Take the end of the log. 409 when it cannot follow what this device showed before; the
        answer holds the last end that was taken."""
        caller = await services.caller(request)
        shown = keeping.read_shown(await services.json_body(request, _LIMITS))

        def take() -> tuple[str, str]:
            with services.database.write(caller.facility_code) as session:
                return keeping.keep(session, caller, shown, services.settings.clock())

        text, reason = await services.run(take)
        return Response(text, 409 if reason else 200, media_type="application/json")
