"""The FHIR addresses below /fhir: what the server can do, bundles, and writing one resource."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from provincial_server import answers, bundles, read_routes, wire
from provincial_server.auth import Caller
from provincial_server.capability import capability_statement
from provincial_server.conditions import query_of, read_condition
from provincial_server.context import Services
from provincial_server.exchange.plain import write_plainly
from provincial_server.faults import FhirFault, refuse
from provincial_server.links import Links
from provincial_server.negotiation import (
    GENERAL,
    Preference,
    check_accept,
    check_fields,
    conditions,
    fields,
    preference,
)
from provincial_server.read_routes import check_type, version_headers
from provincial_server.resources import Preconditions, Written, new_id
from provincial_server.transport import fhir_response
from provincial_server.validation import Checked, check, check_id
from provincial_server.writes import Write, apply_write

_MODES = {"full", "normative"}


def add_routes(app: FastAPI, services: Services) -> None:
    _add_metadata(app, services)
    read_routes.add_routes(app, services)
    _add_write_routes(app, services)


def _add_metadata(app: FastAPI, services: Services) -> None:
    started = services.settings.clock()

    @app.get("/fhir/metadata")
    async def metadata(request: Request) -> Response:
        check_accept(request)
        check_fields(request, {"mode"})
        for name, value in fields(request):
            if name == "mode" and value not in _MODES:
                raise refuse(400, "not-supported", "mode is full or normative", "http.mode")
        statement = capability_statement(services.base(request), started, services.settings.limits)
        return fhir_response(wire.canonical(statement))


def add_bundle_routes(app: FastAPI, services: Services) -> None:
    """POST [base]."""

    @app.post("/fhir")
    @app.post("/fhir/", include_in_schema=False)
    async def bundle(request: Request) -> Response:
        check_accept(request)
        caller = await services.caller(request, remembered=True)

        def confirm() -> None:
            services.confirm(caller)

        def work() -> bundles.Answer:
            body = wire.parse(text, depth=services.settings.limits.depth)
            with services.indexer.exchange(caller.facility_code):
                return bundles.process(
                    body,
                    services.database,
                    services.settings,
                    caller,
                    returning=preferred.returning,
                    confirm=confirm,
                    base=base,
                )

        try:
            check_fields(request)
            text = await services.text_body(request)
            base = services.base(request)
            preferred = preference(request)
            answer = await services.run_taking(work)
        except FhirFault:  # nobody learns what is wrong who may not ask
            await services.run(confirm)
            raise
        request.state.counts = {"taken": answer.taken, "refused": answer.refused}
        return fhir_response(answer.text, 200, _applied(preferred))


def _add_write_routes(app: FastAPI, services: Services) -> None:
    @app.post("/fhir/{resource_type}")
    async def create(request: Request, resource_type: str) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        check_type(resource_type)
        check_fields(request)
        condition = request.headers.get("if-none-exist")
        identifier = (
            read_condition(query_of(condition), "http.if-none-exist")
            if condition is not None
            else None
        )
        checked = _judge(await services.json_body(request), resource_type, services.base(request))
        key = None if identifier else (resource_type, new_id())
        write = Write(checked, key, Preconditions(), identifier, creates=True)
        return await _write(request, services, caller, write)

    @app.put("/fhir/{resource_type}")
    async def conditional_update(request: Request, resource_type: str) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        check_type(resource_type)
        identifier = read_condition(request.url.query, "http.identifier", passed_over=GENERAL)
        checked = _judge(await services.json_body(request), resource_type, services.base(request))
        write = Write(checked, None, conditions(request), identifier, creates=False)
        return await _write(request, services, caller, write)

    @app.put("/fhir/{resource_type}/{resource_id}")
    async def update(request: Request, resource_type: str, resource_id: str) -> Response:
        check_accept(request)
        caller = await services.caller(request)
        check_type(resource_type)
        check_fields(request)
        checked = _judge(await services.json_body(request), resource_type, services.base(request))
        issue = check_id(checked.resource, resource_id)
        if issue:
            raise FhirFault(
                400, issue
            )  # as R4 has it, though the rest of a resource's faults are 422
        key = (resource_type, resource_id)
        write = Write(checked, key, conditions(request), None, creates=False)
        return await _write(request, services, caller, write)


def _judge(body: object, resource_type: str, base: str) -> Checked:
    result = check(body, expected_type=resource_type, links=Links(base))
    if isinstance(result, Checked):
        return result
    raise FhirFault(422 if isinstance(body, dict) else 400, result)


async def _write(request: Request, services: Services, caller: Caller, write: Write) -> Response:
    def work() -> Written:
        return write_plainly(
            services.database,
            services.settings.clock,
            caller,
            lambda writer: apply_write(writer, write, set()),
        )

    try:
        written = await services.run(work)
    except FhirFault as fault:
        raise fault.at(_condition_place(request, write)) from None
    stored = written.stored
    own = f"{stored.resource_type}/{stored.resource_id}"
    preferred = preference(request)
    headers = {
        **version_headers(stored),
        "Location": f"{services.base(request)}/{own}/_history/{stored.version}",
        **_applied(preferred),
    }
    status = 201 if written.created else 200
    if preferred.returning == "minimal":
        return Response(status_code=status, headers=headers)
    if preferred.returning == "OperationOutcome":
        return fhir_response(wire.canonical(_outcome(written)), status, headers)
    return fhir_response(stored.as_json(), status, headers)


def _condition_place(request: Request, write: Write) -> str:
    """What a refusal that names no element is about."""
    if write.identifier and "if-match" not in request.headers:
        return "http.if-none-exist" if write.creates else "http.identifier"
    only_new = "if-none-match" in request.headers and "if-match" not in request.headers
    return "http.if-none-match" if only_new else "http.if-match"


def _applied(preferred: Preference) -> dict[str, str]:
    if preferred.returning is None:
        return {}
    return {"Preference-Applied": f"return={preferred.returning}"}


def _outcome(written: Written) -> dict[str, object]:
    return answers.stored_outcome() if written.changed else answers.unchanged_outcome()
