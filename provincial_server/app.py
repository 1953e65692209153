"""The web application: addresses, headers and status codes. What they mean is decided elsewhere.

Bodies are read on the event loop, everything that touches the database runs in a worker thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy import select
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from provincial_server import __version__, binary_routes, fhir_routes, identity_routes, wire
from provincial_server.anchors import relayed
from provincial_server.anchors import routes as anchor_routes
from provincial_server.audit import Audited
from provincial_server.catalogs import routes as catalog_routes
from provincial_server.compressing import Compress
from provincial_server.context import Services
from provincial_server.courier import routes as courier_routes
from provincial_server.database import Database
from provincial_server.exchange import routes as exchange_routes
from provincial_server.exchange.indexing import reread_due
from provincial_server.faults import FhirFault, Issue, refuse
from provincial_server.methods import HeadAsGet, offered
from provincial_server.openapi import describe
from provincial_server.operation import routes as operation_routes
from provincial_server.overview import overview
from provincial_server.people import routes as people_routes
from provincial_server.people.matching import match_people
from provincial_server.serving import Leaving
from provincial_server.settings import Settings
from provincial_server.stations.chores import Chores
from provincial_server.stations.counting import count_all
from provincial_server.store import EVERY_FACILITY, ServerFact
from provincial_server.threshold import Threshold
from provincial_server.transport import Guard, fault_response, is_page
from provincial_server.web import routes as web_routes
from provincial_server.web.pages import Pages

_RETRY_SECONDS = "5"


def create_app(settings: Settings, database: Database | None = None) -> FastAPI:
    """The application over one database, which it closes when it stops."""
    opened = database or Database(settings.database_url)
    services = Services(settings, opened)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        services.start()
        chores = Chores(
            [
                lambda: reread_due(opened, settings.clock),
                lambda: count_all(opened, settings.clock),
                lambda: match_people(opened, settings.clock),
            ]
        )
        chores.start()
        yield
        chores.stop()
        services.stop()

    app = FastAPI(
        title="provincial-server",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # an address that is not ours is told so, not sent elsewhere
        lifespan=lifespan,
    )
    app.state.leaving = Leaving()
    # The last one stands outermost.
    app.add_middleware(Compress)
    app.add_middleware(
        Threshold, longest_address=settings.limits.address_letters, name=services.caller
    )
    app.add_middleware(Audited, buffer=services.access, clock=settings.clock)
    app.add_middleware(Guard)
    app.add_middleware(HeadAsGet)
    fhir_routes.add_bundle_routes(app, services)  # first found: it is asked for most
    operation_routes.add_routes(app, services)
    _add_fault_handlers(app, services, web_routes.add_routes(app, services))
    _add_operation_routes(app, services)
    identity_routes.add_routes(app, services)
    exchange_routes.add_routes(app, services)
    courier_routes.add_routes(app, services)
    catalog_routes.add_routes(app, services)
    people_routes.add_routes(app, services)
    anchor_routes.add_routes(app, services)
    relayed.add_routes(app, services)
    binary_routes.add_routes(app, services)
    fhir_routes.add_routes(app, services)
    describe(app)
    return app


def _add_fault_handlers(app: FastAPI, services: Services, pages: Pages) -> None:
    def told(request: Request, fault: FhirFault) -> Response:
        """People are told on a page, programs as FHIR says it."""
        return pages.refused(request, fault) if is_page(request.scope) else fault_response(fault)

    app.state.told = told  # also for what is refused before or behind all handlers

    @app.exception_handler(FhirFault)
    async def _fault(request: Request, fault: FhirFault) -> Response:
        return told(request, fault)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if is_page(request.scope):
            return await pages.nothing_here(request)
        if error.status_code == 405:
            return await _other_method(app, services, request)
        code = "not-found" if error.status_code == 404 else "not-supported"
        fault = refuse(error.status_code, code, "there is nothing at this address")
        fault.headers = dict(error.headers or {})
        return fault_response(fault)

    @app.exception_handler(RequestValidationError)
    async def _request(request: Request, _error: RequestValidationError) -> Response:
        return told(request, refuse(400, "value", "the request is not as documented"))

    async def _busy(request: Request, _error: Exception) -> Response:
        fault = refuse(503, "transient", "the database is busy or out of space")
        fault.headers = {"Retry-After": _RETRY_SECONDS}
        return told(request, fault)

    async def _unstorable(request: Request, _error: Exception) -> Response:
        return told(request, refuse(422, "value", "a value cannot be stored"))

    # PostgreSQL's strictness: time-outs and deadlocks pass, a value it cannot hold never does.
    app.add_exception_handler(DataError, _unstorable)
    app.add_exception_handler(OperationalError, _busy)
    app.add_exception_handler(PoolTimeout, _busy)


async def _other_method(app: FastAPI, services: Services, request: Request) -> Response:
    allowed = {"Allow": ", ".join(offered(app, request.scope))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allowed)
    try:
        await services.caller(request)  # the access log names who tried
    except FhirFault as fault:
        if fault.status == 429:
            return fault_response(fault)
    text = "Máy chủ không hỗ trợ thao tác này; hồ sơ không bao giờ bị xóa."
    issue = Issue("not-supported", "this address does not take this method", "http.method", text)
    return fault_response(FhirFault(405, issue, allowed))


def _add_operation_routes(app: FastAPI, services: Services) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok", "version": __version__}

    @app.get("/ready")
    async def ready() -> dict[str, str]:
        """The database answers too, and the process is not about to stop."""

        if app.state.leaving:
            raise refuse(503, "transient", "the server is about to stop")

        def ask() -> dict[str, str]:
            with services.database.read(EVERY_FACILITY) as session:
                session.scalars(select(ServerFact.value).limit(1)).one()
            return {"status": "ready"}

        return await services.run(ask)

    @app.get("/overview")
    async def show_overview(request: Request) -> Response:
        """Counts and last contacts per facility, for the administrator."""
        await services.administrator(request)

        def count() -> str:
            with services.reading() as session:
                now = services.settings.clock()
                return wire.canonical(
                    overview(session, services.database.current_epoch(session), now)
                )

        text = await services.run(count)
        return Response(text, media_type="application/json")
