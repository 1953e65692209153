"""The web application: addresses, headers and status codes. What they mean is decided elsewhere.

Bodies are read on the event loop, everything that touches the database runs in a worker thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from provincial_server import __version__, auth, fhir_routes, wire
from provincial_server.context import Services
from provincial_server.database import Database
from provincial_server.faults import FhirFault, refuse
from provincial_server.overview import overview
from provincial_server.settings import Limits, Settings
from provincial_server.store import ServerFact
from provincial_server.transport import Guard, fault_response

_ENROLMENT_LIMITS = Limits(received_bytes=16 * 1024, body_bytes=16 * 1024, depth=2)
_RETRY_SECONDS = "5"


def create_app(settings: Settings, database: Database | None = None) -> FastAPI:
    """The application over one database, which it closes when it stops."""
    services = Services(settings, database or Database(settings.database_url))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        services.database.close()

    app = FastAPI(
        title="provincial-server",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(GZipMiddleware, minimum_size=400, compresslevel=6)
    app.add_middleware(Guard)
    _add_fault_handlers(app)
    _add_operation_routes(app, services)
    fhir_routes.add_routes(app, services)
    return app


def _add_fault_handlers(app: FastAPI) -> None:
    @app.exception_handler(FhirFault)
    async def _fault(_request: Request, fault: FhirFault) -> Response:
        return fault_response(fault)

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Response:
        code = "not-found" if error.status_code == 404 else "not-supported"
        fault = refuse(error.status_code, code, "there is nothing at this address")
        fault.headers = dict(error.headers or {})
        return fault_response(fault)

    @app.exception_handler(RequestValidationError)
    async def _request(_request: Request, _error: RequestValidationError) -> Response:
        return fault_response(refuse(400, "value", "the request is not as documented"))

    async def _busy(_request: Request, _error: Exception) -> Response:
        fault = refuse(503, "transient", "the database is busy or out of space")
        fault.headers = {"Retry-After": _RETRY_SECONDS}
        return fault_response(fault)

    app.add_exception_handler(OperationalError, _busy)
    app.add_exception_handler(PoolTimeout, _busy)


def _add_operation_routes(app: FastAPI, services: Services) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok", "version": __version__}

    @app.get("/ready")
    async def ready() -> dict[str, str]:
        """The database answers too."""

        def ask() -> dict[str, str]:
            with services.database.read() as session:
                session.scalars(select(ServerFact.value).limit(1)).one()
            return {"status": "ready"}

        return await services.run(ask)

    @app.post("/enrol")
    async def enrol(request: Request) -> Response:
        """Trades a one-time code for a device token."""
        body = await services.json_body(request, _ENROLMENT_LIMITS)
        code, name, public_key = _enrolment_request(body)

        def redeem() -> auth.Enrolment:
            now = services.settings.clock()
            with services.database.write() as session:
                return auth.redeem_code(session, code, name, now, public_key)

        enrolment = await services.run(redeem)
        answer = {
            "token": enrolment.token,
            "device_id": enrolment.device_id,
            "facility": {"code": enrolment.facility_code, "name": enrolment.facility_name},
            "fhir_base": services.base(request),
            "epoch": services.database.epoch,
        }
        return Response(wire.canonical(answer), 201, media_type="application/json")

    @app.get("/overview")
    async def show_overview(request: Request) -> Response:
        """Counts and last contacts per facility, for the administrator."""
        token = auth.bearer_token(request.headers.get("authorization"))

        def count() -> str:
            with services.database.read() as session:
                auth.check_admin(session, token)
                now = services.settings.clock()
                return wire.canonical(overview(session, services.database.epoch, now))

        text = await services.run(count)
        return Response(text, media_type="application/json")


def _enrolment_request(body: object) -> tuple[str, str, str | None]:
    if not isinstance(body, dict):
        raise refuse(400, "structure", "an object with code and device_name is expected")
    code, name = body.get("code"), body.get("device_name")
    public_key = body.get("public_key")
    if not isinstance(code, str) or not code or len(code) > 100:
        raise refuse(400, "required", "the code is missing", "code")
    if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name) <= 120:
        raise refuse(400, "required", "device_name has 1 to 120 letters", "device_name")
    if public_key is not None and (not isinstance(public_key, str) or len(public_key) > 4000):
        raise refuse(400, "value", "public_key is a PEM text", "public_key")
    return code, name, public_key
