"""GET /courier-key: what a station encrypts to, and whose answers it believes."""

from __future__ import annotations

from fastapi import FastAPI, Response

from provincial_server import wire
from provincial_server.context import Services
from provincial_server.courier.keys import courier_keys, find_keys
from provincial_server.store import EVERY_FACILITY


def add_routes(app: FastAPI, services: Services) -> None:
    @app.get("/courier-key")
    async def courier_key() -> Response:
        """Public halves only; the certificate of the line vouches for them."""

        def find() -> str:
            with services.database.read(EVERY_FACILITY) as session:
                keys = find_keys(session)
            if keys is not None:
                return wire.canonical(keys.public())
            with services.database.write(EVERY_FACILITY) as session:
                return wire.canonical(courier_keys(session).public())

        return Response(await services.run(find), media_type="application/json")
