"""What every route needs: the settings, the database, and who is calling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from provincial_server import auth, wire
from provincial_server.auth import Caller
from provincial_server.database import Database
from provincial_server.exchange.indexing import Indexer, catch_up
from provincial_server.settings import Limits, Settings
from provincial_server.transport import read_body

_T = TypeVar("_T")


@dataclass(frozen=True)
class Services:
    """What a request needs; one per application."""

    settings: Settings
    database: Database
    indexer: Indexer

    async def caller(self, request: Request) -> Caller:
        """The device behind the request, before any of its body is read."""
        token = auth.bearer_token(request.headers.get("authorization"))
        program = request.headers.get("user-agent")

        def look_up() -> Caller:
            now = self.settings.clock()
            with self.database.read() as session:
                caller = auth.authenticate(session, token, now)
                due = auth.contact_is_due(session, caller.device_id, now)
            if due:
                with self.database.write() as session:
                    auth.note_contact(session, caller.device_id, now, program)
            return caller

        caller = await run_in_threadpool(look_up)
        request.state.device_id = caller.device_id
        return caller

    async def json_body(self, request: Request, limits: Limits | None = None) -> object:
        chosen = limits or self.settings.limits
        body = await read_body(request, chosen)
        return await run_in_threadpool(wire.parse, body, depth=chosen.depth)

    @contextmanager
    def reading(self, facility_code: str | None = None) -> Iterator[Session]:
        """Sees the resources of every operation that the facility (None: any) had sent by now."""
        catch_up(self.database, self.settings.clock, facility_code)
        with self.database.read() as session:
            yield session

    async def run(self, work: Callable[[], _T]) -> _T:
        return await run_in_threadpool(work)

    def base(self, request: Request) -> str:
        return f"{self.root(request)}/fhir"

    def root(self, request: Request) -> str:
        """The server's own address as the stations see it, without a trailing slash."""
        return (self.settings.public_url or str(request.base_url)).rstrip("/")
