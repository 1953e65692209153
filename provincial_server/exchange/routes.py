"""POST [base]/$exchange: addresses, headers and status codes."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from provincial_server.context import Services
from provincial_server.exchange import packing
from provincial_server.exchange.service import Exchange
from provincial_server.faults import refuse
from provincial_server.transport import read_bytes

_ANY = {"*/*", "application/*", ""}


def add_routes(app: FastAPI, services: Services) -> None:
    exchange = Exchange(services.settings, services.database)

    @app.post("/fhir/$exchange")
    async def run_exchange(request: Request) -> Response:
        """One round trip of a station."""
        _check_media(request)
        caller = await services.caller(request)
        came = packing.request_packing(request.headers)
        body = await read_bytes(request, services.settings.limits)

        def work() -> tuple[bytes, dict[str, str]]:
            plain = packing.unpack(body, came, services.settings.limits.body_bytes)
            with services.indexer.exchange(caller.facility_code):
                answer = exchange.answer(caller, plain)
            return packing.pack(answer, packing.answer_packing(request.headers))

        content, headers = await services.run(work)
        return Response(content, 200, headers)


def _check_media(request: Request) -> None:
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media != packing.MEDIA_TYPE:
        raise refuse(415, "not-supported", f"the body is {packing.MEDIA_TYPE}")
    accepted = request.headers.get("accept", "*/*").lower()
    names = {part.split(";")[0].strip() for part in accepted.split(",")}
    if not names & (_ANY | {packing.MEDIA_TYPE}):
        raise refuse(406, "not-supported", f"the answer is {packing.MEDIA_TYPE}")
