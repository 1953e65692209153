"""POST /log-letter: the end of a log that came through another PC of the same station.

The letter is a courier file: signed by the device whose log it is, encrypted to the province, so whoever
carries it can withhold it and no more. The answer goes back in the same way.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from fastapi import FastAPI, Request, Response

from provincial_server import wire
from provincial_server.auth import Caller
from provincial_server.context import Services
from provincial_server.courier.faults import CourierRefused
from provincial_server.courier.file import open_file
from provincial_server.courier.units import CourierDesk
from provincial_server.faults import refuse
from provincial_server.settings import Limits

_LIMITS = Limits(received_bytes=128 * 1024, body_bytes=128 * 1024, depth=4)
_LEAST = 1


def add_routes(app: FastAPI, services: Services) -> None:
    """`/fhir/$log-letter` stands under the address that stations keep."""
    desk = CourierDesk(services.settings, services.database)

    @app.post("/fhir/$log-letter", include_in_schema=False)
    @app.post("/log-letter")
    async def deliver(request: Request) -> Response:
        """Take a letter that a device of the same facility carries; the answer is for its writer."""
        caller = await services.caller(request)
        letter = _letter(await services.json_body(request, _LIMITS))
        answer = await services.run(lambda: _take(desk, caller, letter))
        text = wire.canonical({"reply": base64.b64encode(answer).decode("ascii")})
        return Response(text, media_type="application/json")


def _letter(body: object) -> bytes:
    said = body.get("letter") if isinstance(body, dict) else None
    try:
        if isinstance(said, str):
            return base64.b64decode(said, validate=True)
    except ValueError:
        pass
    raise refuse(400, "structure", "letter is a courier file in base64", "letter")


def _take(desk: CourierDesk, caller: Caller, letter: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path, reply = Path(folder) / "letter", Path(folder) / "reply"
        path.write_bytes(letter)
        try:
            if open_file(path).preamble.facility != caller.facility_code:
                raise refuse(403, "forbidden", "the letter is another facility's", "letter")
            desk.import_units(path, reply, room=_LEAST)
        except CourierRefused as refused:
            raise refuse(400, "value", f"the letter is refused: {refused.code}", "letter") from None
        return reply.read_bytes()
