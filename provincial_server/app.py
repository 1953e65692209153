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

from provincial_server import __version__, auth, binary_routes, fhir_routes, identity_routes, wire
from provincial_server.context import Services
from provincial_server.courier import routes as courier_routes
from provincial_server.database import Database
from provincial_server.exchange import routes as exchange_routes
from provincial_server.exchange.indexing import Indexer
from provincial_server.faults import FhirFault, refuse
from provincial_server.overview import overview
from provincial_server.settings import Settings
from provincial_server.store import EVERY_FACILITY, ServerFact
from provincial_server.transport import Guard, fault_response
from provincial_server.web import routes as web_routes
from provincial_server.web.pages import Pages, not_found

_RETRY_SECONDS = "5"


def create_app(settings: Settings, database: Database | None = None) -> FastAPI:
    """The application over one database, which it closes when it stops."""
    opened = database or Database(settings.database_url)
    services = Services(settings, opened, Indexer(opened, settings.clock))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        services.indexer.start()
        yield
        services.indexer.stop()
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
    _add_fault_handlers(app, web_routes.add_routes(app, services))
    _add_operation_routes(app, services)
    identity_routes.add_routes(app, services)
    exchange_routes.add_routes(app, services)
    courier_routes.add_routes(app, services)
    binary_routes.add_routes(app, services)
    fhir_routes.add_routes(app, services)
    return app


def _add_fault_handlers(app: FastAPI, pages: Pages) -> None:
    @app.exception_handler(FhirFault)
    async def _fault(_request: Request, fault: FhirFault) -> Response:
        return fault_response(fault)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith("/web"):
            return pages.fault_page(request, not_found())
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

    @app.get("/overview")
    async def show_overview(request: Request) -> Response:
        """Counts and last contacts per facility, for the administrator."""
        token = auth.bearer_token(request.headers.get("authorization"))

        def count() -> str:
            with services.database.read(EVERY_FACILITY) as session:
                auth.check_admin(session, token)
            with services.reading() as session:
                now = services.settings.clock()
                return wire.canonical(
                    overview(session, services.database.current_epoch(session), now)
                )

        text = await services.run(count)
        return Response(text, media_type="application/json")
