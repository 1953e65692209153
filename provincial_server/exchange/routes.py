"""POST [base]/$exchange: addresses, headers and status codes."""

from __future__ import annotations

import msgspec
from fastapi import FastAPI, Request, Response

from provincial_server.context import Services
from provincial_server.exchange import packing
from provincial_server.exchange.service import Exchange
from provincial_server.faults import refuse
from provincial_server.transport import read_bytes

_ANY = {"*/*", "application/*", ""}


def add_routes(app: FastAPI, services: Services) -> None:
    exchange = Exchange(services.settings, services.database, services.metrics.operations)

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
            request.state.counts = _counts(answer)
            return packing.pack(answer, packing.answer_packing(request.headers))

        content, headers = await services.run_taking(work, alone=True)
        return Response(content, 200, headers)


class _Said(msgspec.Struct):
    """What the access log keeps of an answer's header."""

    taken: list[tuple[int, int]] = msgspec.field(default_factory=list)
    new: int = 0
    refused: list[msgspec.Raw] = msgspec.field(default_factory=list)


def _counts(answer: bytes) -> dict[str, int]:
    """How many lines came and went; never what was in them."""
    first, _, rest = answer.partition(b"\n")
    said = msgspec.json.decode(first, type=_Said)
    return {
        "taken": sum(last - start + 1 for start, last in said.taken),
        "new": said.new,
        "refused": len(said.refused),
        "given": rest.count(b"\n") + 1 if rest else 0,
    }


def _check_media(request: Request) -> None:
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media != packing.MEDIA_TYPE:
        raise refuse(415, "not-supported", f"the body is {packing.MEDIA_TYPE}", "http.content-type")
    accepted = request.headers.get("accept", "*/*").lower()
    names = {part.split(";")[0].strip() for part in accepted.split(",")}
    if not names & (_ANY | {packing.MEDIA_TYPE}):
        raise refuse(406, "not-supported", f"the answer is {packing.MEDIA_TYPE}", "http.accept")
