"""The FHIR addresses below /fhir."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

from fastapi import FastAPI, Request, Response

from provincial_server import answers, bundles, search, wire
from provincial_server.auth import Caller
from provincial_server.capability import capability_statement
from provincial_server.context import Services
from provincial_server.dates import interval
from provincial_server.exchange.plain import plain_writer
from provincial_server.faults import FhirFault, Issue, operation_outcome, refuse
from provincial_server.resources import (
    Preconditions,
    Stored,
    Written,
    history,
    new_id,
    read,
    read_etags,
)
from provincial_server.structure import ID, STORED_TYPES
from provincial_server.transport import check_accept, fhir_response
from provincial_server.validation import Checked, check, check_id

_PREFER = re.compile(r"return\s*=\s*\"?(minimal|representation|OperationOutcome)\b")
_VERSION = re.compile(r"[1-9]\d{0,17}")
_MOST_FIELDS = 60


def add_routes(app: FastAPI, services: Services) -> None:
    started = services.settings.clock()

    @app.get("/fhir/metadata")
    async def metadata(request: Request) -> Response:
        check_accept(request)
        statement = capability_statement(services.base(request), started)
        return fhir_response(wire.canonical(statement))

    _add_bundle_routes(app, services)
    _add_read_routes(app, services)
    _add_write_routes(app, services)


def _add_bundle_routes(app: FastAPI, services: Services) -> None:
    @app.post("/fhir")
    @app.post("/fhir/", include_in_schema=False)
    async def bundle(request: Request) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        body = await services.json_body(request)
        representation = _preferred(request) == "representation"

        def work() -> str:
            return bundles.process(
                body, services.database, services.settings, caller, representation=representation
            )

        return fhir_response(await services.run(work))


def _add_read_routes(app: FastAPI, services: Services) -> None:
    @app.get("/fhir/{resource_type}")
    async def search_type(request: Request, resource_type: str) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        _check_type(resource_type)
        query = search.understand(resource_type, _fields(request), services.settings.limits)

        def work() -> str:
            with services.reading(caller.facility_code) as session:
                page = search.run(session, caller.facility_code, query)
            return answers.search_bundle(services.base(request), query, page)

        return fhir_response(await services.run(work))

    @app.get("/fhir/{resource_type}/{resource_id}")
    async def read_current(request: Request, resource_type: str, resource_id: str) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        _check_key(resource_type, resource_id)
        return await _read(request, services, caller, (resource_type, resource_id), None)

    @app.get("/fhir/{resource_type}/{resource_id}/_history/{version}")
    async def read_version(
        request: Request, resource_type: str, resource_id: str, version: str
    ) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        _check_key(resource_type, resource_id)
        if not _VERSION.fullmatch(version):
            raise refuse(404, "not-found", "no such version")
        return await _read(request, services, caller, (resource_type, resource_id), int(version))

    @app.get("/fhir/{resource_type}/{resource_id}/_history")
    async def instance_history(request: Request, resource_type: str, resource_id: str) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        _check_key(resource_type, resource_id)
        count, since, before = _history_window(request, services)

        def work() -> str:
            key = (resource_type, resource_id)
            with services.reading(caller.facility_code) as session:
                rows, total = history(
                    session,
                    caller.facility_code,
                    key,
                    count=count + 1,
                    since=since,
                    before=before,
                )
            address = f"{services.base(request)}/{resource_type}/{resource_id}/_history"
            links = [("self", address)]
            if len(rows) > count > 0:
                rows = rows[:count]
                kept = [pair for pair in _fields(request) if pair[0] != "_cursor"]
                kept.append(("_cursor", str(rows[-1].version)))
                links.append(("next", f"{address}?{urlencode(kept)}"))
            return answers.history_bundle(services.base(request), rows[:count], total, links)

        return fhir_response(await services.run(work))


def _add_write_routes(app: FastAPI, services: Services) -> None:
    @app.post("/fhir/{resource_type}")
    async def create(request: Request, resource_type: str) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        _check_type(resource_type)
        condition = request.headers.get("if-none-exist")
        identifier = bundles.read_condition(condition.rpartition("?")[2]) if condition else None
        checked = _judge(await services.json_body(request), resource_type)
        key = None if identifier else (resource_type, new_id())
        write = bundles.Write(checked, key, Preconditions(), identifier, creates=True)
        return await _write(request, services, caller, write)

    @app.put("/fhir/{resource_type}")
    async def conditional_update(request: Request, resource_type: str) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        _check_type(resource_type)
        identifier = bundles.read_condition(request.url.query)
        checked = _judge(await services.json_body(request), resource_type)
        write = bundles.Write(checked, None, _conditions(request), identifier, creates=False)
        return await _write(request, services, caller, write)

    @app.put("/fhir/{resource_type}/{resource_id}")
    async def update(request: Request, resource_type: str, resource_id: str) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        _check_type(resource_type)
        checked = _judge(await services.json_body(request), resource_type)
        issue = check_id(checked.resource, resource_id)
        if issue:
            raise FhirFault(422 if ID.fullmatch(resource_id) else 400, issue)
        key = (resource_type, resource_id)
        write = bundles.Write(checked, key, _conditions(request), None, creates=False)
        return await _write(request, services, caller, write)


def _check_type(resource_type: str) -> None:
    if resource_type not in STORED_TYPES:
        raise refuse(404, "not-supported", "this type of resource is not stored")


def _check_key(resource_type: str, resource_id: str) -> None:
    _check_type(resource_type)
    if not ID.fullmatch(resource_id):
        raise refuse(404, "not-found", "no such resource")


def _fields(request: Request) -> search.Pairs:
    try:
        return parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise refuse(400, "too-costly", "too many search parameters") from None


def _conditions(request: Request) -> Preconditions:
    return Preconditions(request.headers.get("if-match"), request.headers.get("if-none-match"))


def _preferred(request: Request) -> str | None:
    match = _PREFER.search(request.headers.get("prefer", ""))
    return match[1] if match else None


def _judge(body: object, resource_type: str) -> Checked:
    result = check(body, expected_type=resource_type)
    if isinstance(result, Checked):
        return result
    raise FhirFault(422 if isinstance(body, dict) else 400, result)


def _history_window(request: Request, services: Services) -> tuple[int, int | None, int | None]:
    limits = services.settings.limits
    count, since, before = limits.default_page, None, None
    for name, value in _fields(request):
        if name == "_count" and re.fullmatch(r"\d{1,9}", value, re.ASCII):
            count = min(int(value), limits.page)
        elif name == "_cursor" and _VERSION.fullmatch(value):
            before = int(value)
        elif name == "_since":
            try:
                since = interval(value.replace(" ", "+"))[0]
            except ValueError:
                raise refuse(400, "value", "_since is not a date") from None
        elif name != "_format":
            raise refuse(400, "value", "a history takes _count and _since")
    return count, since, before


def _version_headers(stored: Stored) -> dict[str, str]:
    return {
        "ETag": wire.etag(stored.version),
        "Last-Modified": wire.http_date(stored.last_updated),
    }


async def _read(
    request: Request, services: Services, caller: Caller, key: tuple[str, str], version: int | None
) -> Response:
    def work() -> Stored:
        with services.reading(caller.facility_code) as session:
            return read(session, caller.facility_code, *key, version)

    stored = await services.run(work)
    headers = _version_headers(stored)
    known = request.headers.get("if-none-match")
    tags = read_etags(known, "If-None-Match") if known is not None else []
    if "*" in tags or str(stored.version) in tags:
        return Response(status_code=304, headers=headers)
    return fhir_response(stored.as_json(), 200, headers)


async def _write(
    request: Request, services: Services, caller: Caller, write: bundles.Write
) -> Response:
    def work() -> Written:
        with plain_writer(services.database, services.settings.clock, caller) as writer:
            return bundles.apply_write(writer, write, set())

    written = await services.run(work)
    stored = written.stored
    own = f"{stored.resource_type}/{stored.resource_id}"
    location = f"{services.base(request)}/{own}/_history/{stored.version}"
    headers = {**_version_headers(stored), "Location": location}
    status = 201 if written.created else 200
    preferred = _preferred(request)
    if preferred == "minimal":
        return Response(status_code=status, headers=headers)
    if preferred == "OperationOutcome":
        return fhir_response(wire.canonical(_outcome(written)), status, headers)
    return fhir_response(stored.as_json(), status, headers)


def _outcome(written: Written) -> dict[str, object]:
    if not written.changed:
        return answers.unchanged_outcome()
    text = "Máy chủ đã lưu hồ sơ."
    return operation_outcome([Issue("informational", "stored", text=text, severity="information")])
