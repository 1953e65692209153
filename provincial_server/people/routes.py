"""Addresses for stations: what other stations wrote of a person, consents, and who looked at theirs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from sqlalchemy import select

from provincial_server import wire
from provincial_server.context import Services
from provincial_server.exchange.indexing import catch_up, catch_up_with
from provincial_server.faults import refuse
from provincial_server.people import sharing
from provincial_server.people.consent import last_version, withdraw
from provincial_server.people.tables import SharedAccess
from provincial_server.settings import Limits
from provincial_server.store import EVERY_FACILITY, Facility
from provincial_server.structure import ID
from provincial_server.transport import fhir_response

_LIMITS = Limits(received_bytes=64 * 1024, body_bytes=64 * 1024, depth=16)
_PAGE = 200
_LARGEST = 2**62


def add_routes(app: FastAPI, services: Services) -> None:
    @app.post("/people/history")
    async def history(request: Request) -> Response:
        """Records of other stations, with the person's consent or in an emergency."""
        caller = await services.caller(request)
        asked = sharing.read_question(await services.json_body(request, _LIMITS))
        root = services.root(request)

        def work() -> str:
            now = services.settings.clock()
            database = services.database
            catch_up(database, services.settings.clock, caller.facility_code)
            with database.read(EVERY_FACILITY) as session:
                homes = sharing.homes(session, caller, asked)
            # What a home station has just taken back must not be shown because nobody read it yet.
            catch_up_with(database, services.settings.clock, homes)
            with database.write(EVERY_FACILITY) as session:
                return sharing.share(session, caller, asked, root, now, homes)

        return fhir_response(await services.run(work))

    @app.post("/people/consent/{consent_id}/withdraw")
    async def withdraw_consent(request: Request, consent_id: str) -> Response:
        """The person takes the consent back."""
        caller = await services.caller(request)
        _check_id(consent_id)

        def work() -> str:
            with services.database.write(caller.facility_code) as session:
                withdraw(session, caller, consent_id, services.settings.clock())
                last = last_version(session, caller.facility_code, consent_id)
                assert last is not None  # noqa: S101 -- withdraw answers 404
                return last.content

        return fhir_response(await services.run(work))

    @app.get("/people/consent/{consent_id}")
    async def consent(request: Request, consent_id: str) -> Response:
        """The newest version of a consent of this facility."""
        caller = await services.caller(request)
        _check_id(consent_id)

        def work() -> str:
            with services.database.read(caller.facility_code) as session:
                last = last_version(session, caller.facility_code, consent_id)
                if last is None:
                    raise refuse(404, "not-found", "no such consent")
                return last.content

        return fhir_response(await services.run(work))

    @app.get("/people/access-log")
    async def access_log(
        request: Request, after: Annotated[int, Query(ge=0, le=_LARGEST)] = 0
    ) -> Response:
        """Who of other facilities looked at this facility's charts, by number."""
        caller = await services.caller(request)

        def work() -> str:
            with services.database.read(EVERY_FACILITY) as session:
                rows = list(sharing.accesses(session, caller.facility_code, after, _PAGE))
                names = dict(
                    session.execute(
                        select(Facility.code, Facility.name).where(
                            Facility.code.in_({row.asking_facility_code for row in rows})
                        )
                    ).all()
                )
            last = rows[-1].sequence if rows else after
            entries = [_shown(row, names) for row in rows]
            return wire.canonical({"entries": entries, "last": last, "more": len(rows) == _PAGE})

        return Response(await services.run(work), media_type="application/json")


def _check_id(consent_id: str) -> None:
    """What cannot be an id is not found, before a database is asked that may not take it."""
    if not ID.fullmatch(consent_id):
        raise refuse(404, "not-found", "no such consent")


def _shown(row: SharedAccess, names: dict[str, str]) -> dict[str, Any]:
    return {
        "sequence": row.sequence,
        "at": wire.instant(row.at),
        "patient": row.patient_id,
        "facility": {
            "code": row.asking_facility_code,
            "name": names.get(row.asking_facility_code, ""),
        },
        "user": row.asking_user,
        "basis": row.basis,
        "reason": row.reason,
        "matched_by": row.matched_by,
        "resources": row.resources,
    }
