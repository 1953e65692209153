"""/fhir/Binary: printed forms in pieces or whole, and reading them (docs/sync.md, "Printed forms")."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from fastapi import FastAPI, Request, Response
from starlette.convertors import Convertor, register_url_convertor

from provincial_server import binaries, wire
from provincial_server.auth import Caller
from provincial_server.binaries import FORM_ID, LARGEST, LARGEST_PIECE, Piece, Received
from provincial_server.context import Services
from provincial_server.faults import refuse
from provincial_server.form_tally import FormTally, read_names, tally
from provincial_server.negotiation import check_accept, check_fields
from provincial_server.records import UUID
from provincial_server.settings import Limits
from provincial_server.transport import FHIR_JSON, fhir_response, read_bytes

_RANGE = re.compile(r"bytes (\d{1,9})-(\d{1,9})/(\d{1,9})")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]{44}):")
_JSON = {FHIR_JSON, "application/json", "text/json"}


class _FormId(Convertor[str]):
    """Ids of printed forms; a Binary of any other id is a resource like all others."""

    regex = FORM_ID.pattern

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("form", _FormId())


def add_routes(app: FastAPI, services: Services) -> None:
    """Before the routes of the other types, which would take these addresses."""
    _add_comparing(app, services)
    _add_reading(app, services)
    _add_writing(app, services)


def _add_reading(app: FastAPI, services: Services) -> None:
    @app.get("/fhir/Binary/{binary_id:form}/$received")
    async def how_much(request: Request, binary_id: str) -> Response:
        """How many bytes of a file are here."""
        check_accept(request)
        caller = await services.caller(request)
        check_fields(request)

        def work() -> Received:
            with services.database.read(caller.facility_code) as session:
                now = services.settings.clock()
                return binaries.received(session, caller.facility_code, binary_id, now)

        return fhir_response((await services.run(work)).as_fhir())

    @app.get("/fhir/Binary/{binary_id:form}")
    async def read_binary(request: Request, binary_id: str) -> Response:
        """The file itself, or the resource for whom asks for JSON."""
        caller = await services.caller(request)
        accepted = _accepted(request)

        def work() -> Response:
            with services.reading(caller.facility_code) as session:
                found = binaries.find(session, caller.facility_code, binary_id)
                if accepted & _JSON:
                    return fhir_response(
                        wire.canonical(binaries.as_fhir(session, found, data=True))
                    )
                if not accepted & {found.content_type, "application/*", "*/*", ""}:
                    raise refuse(406, "not-supported", f"it is {found.content_type} or JSON")
                headers = {"Content-Disposition": "attachment", "ETag": wire.etag(1)}
                return Response(found.content, 200, headers, media_type=found.content_type)

        return await services.run(work)

    @app.get("/fhir/Binary/$forms")
    async def list_binaries(request: Request) -> Response:
        """The printed forms of one record, without their bytes: `?record=<uuid>`."""
        check_accept(request)
        caller = await services.caller(request)
        check_fields(request, {"record"})
        record_id = request.query_params.get("record", "")
        if not UUID.fullmatch(record_id):
            raise refuse(400, "required", "ask by ?record=<uuid>", "http.record")
        base = services.base(request)

        def work() -> str:
            with services.reading(caller.facility_code) as session:
                rows = binaries.of_record(session, caller.facility_code, record_id)
                entries = [
                    {
                        "fullUrl": f"{base}/Binary/{row.id}",
                        "resource": binaries.as_fhir(session, row, data=False),
                        "search": {"mode": "match"},
                    }
                    for row in rows
                ]
            bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
            return wire.canonical({**bundle, "entry": entries} if entries else bundle)

        return fhir_response(await services.run(work))


def _add_comparing(app: FastAPI, services: Services) -> None:
    @app.get("/fhir/Binary/$tally")
    async def count_forms(request: Request) -> Response:
        """How many printed forms this device brought, and their sum."""
        check_accept(request)
        caller = await services.caller(request)
        check_fields(request)
        return await _tally(services, caller, ())

    @app.post("/fhir/Binary/$tally")
    async def name_forms(request: Request) -> Response:
        """The same, and which of the named ones are not here."""
        check_accept(request)
        caller = await services.caller(request)
        check_fields(request)
        return await _tally(services, caller, read_names(await services.json_body(request)))


async def _tally(services: Services, caller: Caller, named: Sequence[str]) -> Response:
    def work() -> FormTally:
        with services.database.read(caller.facility_code) as session:
            return tally(session, caller, named)

    return fhir_response((await services.run(work)).as_fhir())


def _add_writing(app: FastAPI, services: Services) -> None:
    @app.put("/fhir/Binary/{binary_id:form}")
    async def put_binary(request: Request, binary_id: str) -> Response:
        """A piece where `Content-Range` says which, else the whole resource as JSON."""
        check_accept(request)
        caller = await services.caller(request)
        piece = await _piece(request) if "content-range" in request.headers else None
        body = None if piece else await services.json_body(request, _whole(services))

        def work() -> Received:
            with services.database.write(caller.facility_code) as session:
                now = services.settings.clock()
                if piece is None:
                    return binaries.take_whole(session, caller, binary_id, body, now)
                return binaries.take(session, caller, binary_id, piece, now)

        done = await services.run(work)
        if piece and not done.received:  # kept: the unfinished file is forgotten, so say it here
            raise refuse(422, "invalid", "the bytes do not fit the hash; all are forgotten")
        headers = {"ETag": wire.etag(1)} if done.whole else {}
        status = 201 if done.created else 200 if done.whole else 202
        return fhir_response(done.as_fhir(), status, headers)


def _whole(services: Services) -> Limits:
    """Base64 makes four bytes of three."""
    limits = services.settings.limits
    return Limits(
        received_bytes=min(limits.received_bytes, LARGEST * 3 // 2),
        body_bytes=min(limits.body_bytes, LARGEST * 3 // 2),
        depth=limits.depth,
    )


async def _piece(request: Request) -> Piece:
    found = _RANGE.fullmatch(request.headers["content-range"].strip())
    if found is None:
        raise refuse(400, "value", "Content-Range is bytes <first>-<last>/<size>")
    first, last, size = (int(number) for number in found.groups())
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise refuse(415, "not-supported", "pieces are not compressed")
    if last - first >= LARGEST_PIECE:
        raise refuse(413, "too-long", f"a piece may have {LARGEST_PIECE} bytes")
    content = await read_bytes(request, Limits(received_bytes=LARGEST_PIECE))
    if len(content) != last - first + 1:
        raise refuse(400, "value", "the piece has not the length that Content-Range says")
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return Piece(
        content_type=media, sha256=_digest(request), size=size, start=first, content=content
    )


def _digest(request: Request) -> bytes:
    """The hash of the whole file, as RFC 9530 writes it."""
    found = _DIGEST.fullmatch(request.headers.get("repr-digest", "").strip())
    try:
        digest = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        raise refuse(400, "required", "Repr-Digest: sha-256=:<base64>: is needed")
    return digest


def _accepted(request: Request) -> set[str]:
    accepted = request.headers.get("accept", "*/*").lower()
    return {part.split(";")[0].strip() for part in accepted.split(",")}
