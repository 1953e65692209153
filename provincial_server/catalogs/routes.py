"""GET /catalogs and GET /catalogs/{name}/{number}: for enrolled devices."""

from __future__ import annotations

import hashlib
import re

from fastapi import FastAPI, Request, Response

from provincial_server.catalogs import publishing
from provincial_server.context import Services
from provincial_server.faults import refuse
from provincial_server.store import EVERY_FACILITY

MEDIA_TYPE = "application/vnd.station-emr.catalog"
DIFFERENCE = "X-Catalog-From"
_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")
_LARGEST_NUMBER = 1_000_000


def add_routes(app: FastAPI, services: Services) -> None:
    """`/fhir/$catalogs` stands under the address that stations keep."""

    @app.get("/fhir/$catalogs", include_in_schema=False)
    @app.get("/catalogs")
    async def catalogs(request: Request) -> Response:
        """Which lists and versions there are, each in its signed words. 304 when nothing is new; 204
        when nothing is new since `known`, for programs to which every 3xx is somebody else's page.
        """
        await services.caller(request)

        def look() -> str:
            with services.database.read(EVERY_FACILITY) as session:
                return publishing.index(session)

        text = await services.run(look)
        tag = f'"{hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        if request.query_params.get("known") == tag.strip('"'):
            return Response(status_code=204, headers={"ETag": tag})
        return Response(text, media_type="application/json", headers={"ETag": tag})

    @app.get("/fhir/$catalogs/{name}/{number}", include_in_schema=False)
    @app.get("/catalogs/{name}/{number}")
    async def catalog(request: Request, name: str, number: int) -> Response:
        """A version, whole or as what is new since `from`; goes on at the byte that `Range` names."""
        await services.caller(request)
        known = request.query_params.get("from", "0")
        if not 0 < number < _LARGEST_NUMBER or not re.fullmatch(r"\d{1,7}", known):
            raise refuse(404, "not-found", "there is no such version")

        def look() -> tuple[bytes, bool] | None:
            with services.database.read(EVERY_FACILITY) as session:
                return publishing.body(session, name, number, int(known))

        found = await services.run(look)
        if found is None:
            raise refuse(404, "not-found", "there is no such version")
        return _part(request, *found, known)


def _part(request: Request, content: bytes, is_difference: bool, known: str) -> Response:
    headers = {
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "Accept-Ranges": "bytes",
        DIFFERENCE: known if is_difference else "0",
    }
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    same = request.headers.get("if-range", headers["ETag"]) == headers["ETag"]
    if asked is None or not same:
        return Response(content, media_type=MEDIA_TYPE, headers=headers)
    start = int(asked[1])
    end = min(int(asked[2]) + 1 if asked[2] else len(content), len(content))
    if start >= end:
        headers["Content-Range"] = f"bytes */{len(content)}"
        return Response(status_code=416, headers=headers)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
    return Response(content[start:end], 206, headers, media_type=MEDIA_TYPE)
