"""What every route needs: the settings, the database, and who is calling."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from provincial_server import auth, wire
from provincial_server.audit import AccessBuffer, Actor
from provincial_server.auth import Caller
from provincial_server.bodies import read_body
from provincial_server.database import Database
from provincial_server.exchange.indexing import Indexer, catch_up
from provincial_server.faults import FhirFault
from provincial_server.operation.metrics import Metrics
from provincial_server.page_tokens import PageTokens
from provincial_server.rates import Buckets, address_name
from provincial_server.remembered import Remembered
from provincial_server.serving import is_loopback
from provincial_server.settings import Limits, Settings
from provincial_server.store import EVERY_FACILITY

_T = TypeVar("_T")
_AT_ONCE = 12
"""Exchanges, and transactions on PostgreSQL: fewer than the pool has connections, so that none is
opened for one request and closed behind it. Those who wait hold neither a thread nor a connection."""
_LOOKING_UP = 4
_SLOW_SECONDS = 2.0
"""A body that takes longer may outlast the device's right to send it."""


class Services:
    """What a request needs; one per application."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.indexer = Indexer(database, settings.clock)
        self.access = AccessBuffer(database)
        self.metrics = Metrics(database, settings.clock)
        self.page_tokens = PageTokens(database, settings)
        self._devices = Buckets(settings.rates.device)
        self._addresses = Buckets(settings.rates.address)
        self._taking = CapacityLimiter(_AT_ONCE)
        self._looking_up = CapacityLimiter(_LOOKING_UP)
        self._remembered = Remembered()
        self.slow_seconds = _SLOW_SECONDS

    def start(self) -> None:
        self.indexer.start()
        self.access.start()

    def stop(self) -> None:
        """Ends the threads and closes the database; what was to be noted is noted."""
        self.indexer.stop()
        self.access.stop()
        self.database.close()

    def take_turn(self, request: Request) -> None:
        """Of an asker without a device; 429 when its address has asked too often."""
        if self._is_limited(request):
            host = request.client.host if request.client else None
            self._addresses.take(address_name(host))

    def _is_limited(self, request: Request) -> bool:
        """A demonstration on this machine is not; a server with a public address always is."""
        if self.settings.public_url or self.settings.rates_on_loopback:
            return True
        return not (request.client and is_loopback(request.client.host))

    async def caller(self, request: Request, *, remembered: bool = False) -> Caller:
        """The device behind the request, before any of its body is read. `remembered`: it may be as
        it was found a moment ago, and `confirm` asks again."""
        token = self.bearer_token(request)
        if remembered and (known := self._remembered.get(token)) is not None:
            return self._welcome(request, known)
        program = request.headers.get("user-agent")

        def look_up() -> tuple[Caller, bool]:
            return auth.found(self.database.ask(EVERY_FACILITY, auth.holder(token, now)), now)

        def note_contact() -> None:
            with self.database.write(caller.facility_code) as session:
                auth.note_contact(session, caller.device_id, now, program)

        now = self.settings.clock()
        try:
            if self.database.is_at_hand:
                # Quicker than the way to a thread, and nobody waits behind those who write.
                caller, due = look_up()
            else:
                caller, due = await run_sync(look_up, limiter=self._looking_up)
        except FhirFault:  # whoever guesses tokens waits longer and longer for the answer
            self.take_turn(request)
            await self.name_former(request, token)
            raise
        if due:
            await run_in_threadpool(note_contact)
        if not self.database.is_at_hand:
            self._remembered.note(token, caller)
        return self._welcome(request, caller)

    async def name_former(self, request: Request, token: str) -> None:
        """For the access log: whose token it was, before it ran out or the device was revoked."""

        def look_up() -> tuple[str, str] | None:
            with self.database.read(EVERY_FACILITY) as session:
                return auth.former_holder(session, token)

        found = await run_in_threadpool(look_up)
        if found is not None:
            request.state.actor = Actor("device", *found)

    def confirm(self, caller: Caller) -> None:
        """401 where a remembered caller may no longer write."""
        if caller.remembered_by:
            now = self.settings.clock()
            question = auth.holder_by(caller.remembered_by, now)
            try:
                auth.found(self.database.ask(EVERY_FACILITY, question), now)
            except FhirFault:
                self._remembered.forget(caller)
                raise

    def _again(self, caller: Caller) -> Callable[[], Awaitable[None]]:
        """For whoever sends slowly: 401 when the device was revoked meanwhile. A token that ran out
        during a long upload is good to its end."""
        begun = time.monotonic()

        def look_up() -> None:
            auth.refuse_revoked(self.database.ask(EVERY_FACILITY, auth.standing(caller.device_id)))

        async def check() -> None:
            if time.monotonic() - begun > self.slow_seconds:
                await run_in_threadpool(look_up)

        return check

    def _welcome(self, request: Request, caller: Caller) -> Caller:
        request.state.welcome_again = self._again(caller)
        request.state.device_id = caller.device_id
        request.state.actor = Actor("device", caller.device_id, caller.facility_code)
        if self._is_limited(request):
            self._devices.take(caller.device_id)
        return caller

    async def administrator(self, request: Request) -> None:
        """401 for anybody but the holder of the administrator's token."""
        token = self.bearer_token(request)

        def check() -> None:
            with self.database.read(EVERY_FACILITY) as session:
                auth.check_admin(session, token)

        try:
            await run_in_threadpool(check)
        except FhirFault:
            self.take_turn(request)
            raise
        request.state.actor = Actor("administrator", "token")

    def bearer_token(self, request: Request) -> str:
        """401 without one; so is 429 where that has been tried too often."""
        try:
            return auth.bearer_token(request.headers.get("authorization"))
        except FhirFault:
            self.take_turn(request)
            raise

    async def json_body(self, request: Request, limits: Limits | None = None) -> object:
        chosen = limits or self.settings.limits
        body = await read_body(request, chosen)
        return await run_in_threadpool(wire.parse, body, depth=chosen.depth)

    async def text_body(self, request: Request) -> bytes:
        """For whoever reads the JSON where the rest of the work is done."""
        return await read_body(request, self.settings.limits)

    @contextmanager
    def reading(self, facility_code: str | None = None) -> Iterator[Session]:
        """Sees the resources of every operation that the facility (None: any) had sent by now."""
        catch_up(self.database, self.settings.clock, facility_code)
        with self.database.read(facility_code or EVERY_FACILITY) as session:
            yield session

    async def run(self, work: Callable[[], _T]) -> _T:
        return await run_in_threadpool(work)

    async def run_taking(self, work: Callable[[], _T], *, alone: bool = False) -> _T:
        """Work that takes much from one sender, not more of it at once than is good for all. Where
        writers share their commits the more wait the better, unless each reads by itself (`alone`)."""
        if self.database.group_commit is not None and not alone:
            return await self.run(work)
        return await run_sync(work, limiter=self._taking)

    def base(self, request: Request) -> str:
        return f"{self.root(request)}/fhir"

    def root(self, request: Request) -> str:
        """The server's own address as the stations see it, without a trailing slash."""
        return (self.settings.public_url or str(request.base_url)).rstrip("/")
