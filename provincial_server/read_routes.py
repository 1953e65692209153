"""Reading and searching below /fhir: current versions, old ones, histories, searches."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response

from provincial_server import answers, histories, page_tokens, search, wire
from provincial_server.auth import Caller
from provincial_server.context import Services
from provincial_server.faults import refuse
from provincial_server.histories import Window
from provincial_server.negotiation import (
    Pairs,
    check_accept,
    check_content_type,
    check_fields,
    fields,
    is_known,
    preference,
    read_fields,
)
from provincial_server.resources import Stored, read
from provincial_server.structure import ID, STORED_TYPES
from provincial_server.transport import fhir_response, read_bytes

_VERSION = re.compile(r"[1-9]\d{0,17}", re.ASCII)
_FORM = frozenset({"application/x-www-form-urlencoded"})


def add_routes(app: FastAPI, services: Services) -> None:
    """The longer addresses first: `_history` and `_search` are no ids."""
    _add_histories(app, services)
    _add_searches(app, services)
    _add_reads(app, services)


def check_type(resource_type: str) -> None:
    if resource_type not in STORED_TYPES:
        raise refuse(404, "not-supported", "this type of resource is not stored", "http.path")


def _check_key(resource_type: str, resource_id: str) -> None:
    check_type(resource_type)
    if not ID.fullmatch(resource_id):
        raise refuse(404, "not-found", "no such resource", "http.path")


def _add_histories(app: FastAPI, services: Services) -> None:
    @app.get("/fhir/_history")
    async def system_history(request: Request) -> Response:
        """Everything that the facility has, newest version first."""
        return await _history(request, services, None)

    @app.get("/fhir/{resource_type}/_history")
    async def type_history(request: Request, resource_type: str) -> Response:
        return await _history(request, services, resource_type)

    @app.get("/fhir/{resource_type}/{resource_id}/_history")
    async def instance_history(request: Request, resource_type: str, resource_id: str) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        _check_key(resource_type, resource_id)
        window = _window(request, services)

        def work() -> str:
            with services.reading(caller.facility_code) as session:
                key = (resource_type, resource_id)
                rows, total = histories.of_resource(session, caller.facility_code, key, window)
            address = f"{services.base(request)}/{resource_type}/{resource_id}/_history"
            return _page(request, services, address, window, rows, total)

        return fhir_response(await services.run(work))


async def _history(request: Request, services: Services, resource_type: str | None) -> Response:
    check_accept(request)
    caller = await services.caller(request)
    if resource_type is not None:
        check_type(resource_type)
    window = _window(request, services)

    def work() -> str:
        with services.reading(caller.facility_code) as session:
            rows = histories.of_facility(session, caller.facility_code, resource_type, window)
        below = f"/{resource_type}" if resource_type else ""
        address = f"{services.base(request)}{below}/_history"
        return _page(request, services, address, window, rows, None)

    return fhir_response(await services.run(work))


def _window(request: Request, services: Services) -> Window:
    lenient = preference(request).lenient
    return histories.read_window(fields(request), services.settings.limits, lenient=lenient)


def _page(
    request: Request,
    services: Services,
    address: str,
    window: Window,
    rows: histories.Rows,
    total: int | None,
) -> str:
    links = [("self", f"{address}?{urlencode(window.kept)}" if window.kept else address)]
    following = window.next_query(rows)
    if following:
        links.append(("next", f"{address}?{following}"))
    shown = [stored for _, stored in rows[: window.count]]
    request.state.counts = {"given": len(shown)}
    return answers.history_bundle(services.base(request), shown, total, links)


def _add_searches(app: FastAPI, services: Services) -> None:
    @app.get("/fhir/{resource_type}")
    async def search_type(request: Request, resource_type: str) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        check_type(resource_type)
        return await _search(request, services, caller, resource_type, fields(request))

    @app.post("/fhir/{resource_type}/_search")
    async def search_form(request: Request, resource_type: str) -> Response:
        """The same with the parameters in the body, where no log of a proxy keeps them."""
        check_accept(request)
        caller = await services.caller(request)
        check_type(resource_type)
        check_content_type(request, _FORM)
        body = await read_bytes(request, services.settings.limits)
        if len(body) > services.settings.limits.address_letters:
            raise refuse(413, "too-long", "the form is too large", "http.body")
        try:
            asked = read_fields(body.decode("ascii"))
        except UnicodeDecodeError:
            raise refuse(400, "structure", "the form is not ASCII", "http.body") from None
        asked = fields(request) + asked
        return await _search(request, services, caller, resource_type, asked, sealed=True)


async def _search(
    request: Request,
    services: Services,
    caller: Caller,
    resource_type: str,
    asked: Pairs,
    *,
    sealed: bool = False,
) -> Response:
    """`sealed`: the conditions came where no log keeps them, so they must not stand in a link."""
    lenient = preference(request).lenient
    limits = services.settings.limits
    tokens, own = services.page_tokens, (caller.facility_code, resource_type)
    if any(name == page_tokens.PARAMETER for name, _ in asked):
        sealed = True
        asked = await services.run(lambda: tokens.open(*own, asked))
    query = search.understand(resource_type, asked, limits, lenient=lenient)

    def work() -> str:
        with services.reading(caller.facility_code) as session:
            page = search.run(session, caller.facility_code, query)
        request.state.counts = {"given": len(page.rows) + len(page.people)}
        following = None
        if page.next_fields:
            further = page.next_fields
            following = tokens.seal(*own, further) if sealed else urlencode(further)
        return answers.search_bundle(services.base(request), query, page, following)

    return fhir_response(await services.run(work))


def _add_reads(app: FastAPI, services: Services) -> None:
    @app.get("/fhir/{resource_type}/{resource_id}")
    async def read_current(request: Request, resource_type: str, resource_id: str) -> Response:
        return await _read(request, services, resource_type, resource_id, None)

    @app.get("/fhir/{resource_type}/{resource_id}/_history/{version}")
    async def read_version(
        request: Request, resource_type: str, resource_id: str, version: str
    ) -> Response:
        return await _read(request, services, resource_type, resource_id, version)


async def _read(
    request: Request,
    services: Services,
    resource_type: str,
    resource_id: str,
    version: str | None,
) -> Response:
    check_accept(request)
    caller = await services.caller(request)
    _check_key(resource_type, resource_id)
    check_fields(request)
    if version is not None and not _VERSION.fullmatch(version):
        raise refuse(404, "not-found", "no such version", "http.path")

    def work() -> Stored:
        number = None if version is None else int(version)
        with services.reading(caller.facility_code) as session:
            return read(session, caller.facility_code, resource_type, resource_id, number)

    stored = await services.run(work)
    headers = version_headers(stored)
    if is_known(request, stored):
        return Response(status_code=304, headers=headers)
    return fhir_response(stored.as_json(), 200, headers)


def version_headers(stored: Stored) -> dict[str, str]:
    return {
        "ETag": wire.etag(stored.version),
        "Last-Modified": wire.http_date(stored.last_updated),
    }
