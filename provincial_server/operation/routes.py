"""GET /metrics, for this machine or with the administrator's token."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from provincial_server.context import Services
from provincial_server.operation.metrics import (
    CONTENT_TYPE,
    Measured,
    asked_on_this_machine,
)


def add_routes(app: FastAPI, services: Services) -> None:
    """Also counts and times every request of the application."""
    app.add_middleware(Measured, metrics=services.metrics)

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        """Counts and times; nothing about a person or a record."""
        if not asked_on_this_machine(request):
            await services.administrator(request)
        return Response(await services.run(services.metrics.text), media_type=CONTENT_TYPE)
