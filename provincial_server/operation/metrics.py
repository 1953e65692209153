"""Prometheus metrics: how much, how long, how far behind; never who.

Labels come from fixed sets only: a method, a route's template, a status, a kind of record, a kind of
refusal, an age. What a sender wrote is never a label, or a card number could become one.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provincial_server import __version__
from provincial_server.database import Database
from provincial_server.records import ROOT_TYPES
from provincial_server.settings import Clock
from provincial_server.store import EVERY_FACILITY, Device, Facility

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MINUTE = 60_000
_AGES: tuple[tuple[str, int], ...] = (
    ("15m", 15 * _MINUTE),
    ("1h", 60 * _MINUTE),
    ("1d", 1440 * _MINUTE),
    ("3d", 3 * 1440 * _MINUTE),
    ("7d", 7 * 1440 * _MINUTE),
)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_KINDS = frozenset(ROOT_TYPES)
_REFUSALS = {"poison", "parent", "base", "busy", "denied"}
_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_FORWARDED = {"forwarded", "x-forwarded-for", "x-real-ip", "via"}


class Metrics:
    """One per application, with a registry of its own. Threads may share it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._requests = Counter(
            "provincial_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "provincial_request_seconds",
            "Time until the whole answer was sent.",
            ("route",),
            buckets=_DURATIONS,
            registry=self.registry,
        )
        self._running = Gauge(
            "provincial_requests_running", "Requests being answered.", registry=self.registry
        )
        self._taken = Counter(
            "provincial_operations_taken",
            "Operations that were new and were kept.",
            ("kind",),
            registry=self.registry,
        )
        self._refused = Counter(
            "provincial_operations_refused",
            "Operations that were not taken.",
            ("kind",),
            registry=self.registry,
        )
        build = Gauge("provincial_build", "The program.", ("version",), registry=self.registry)
        build.labels(__version__).set(1)
        self.registry.register(_Stored(database, clock))

    def begun(self) -> None:
        self._running.inc()

    def ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the template; an address that fits none is '-'."""
        self._running.dec()
        shown = method if method in _METHODS else "other"
        self._requests.labels(shown, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def operations(self, taken: Iterable[str], refused: Iterable[str]) -> None:
        """Kinds of the records that were new, kinds of the refusals."""
        for kind in taken:
            self._taken.labels(kind if kind in _KINDS else "other").inc()
        for kind in refused:
            self._refused.labels(kind if kind in _REFUSALS else "other").inc()

    def text(self) -> bytes:
        """Asks the database too: not for the event loop."""
        return generate_latest(self.registry)


class _Stored:
    """What the database knows, counted when somebody looks."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        with self._database.read(EVERY_FACILITY) as session:
            waiting, skipped, facilities = session.execute(
                select(
                    func.coalesce(
                        func.sum(Facility.operation_sequence - Facility.indexed_sequence), 0
                    ),
                    func.coalesce(func.sum(Facility.skipped_operations), 0),
                    func.count(),
                )
            ).one()
            ages = _last_contacts(session, self._clock())
            size = _size(session)
        yield GaugeMetricFamily(
            "provincial_index_waiting", "Operations not yet shown as resources.", value=waiting
        )
        yield GaugeMetricFamily(
            "provincial_index_skipped", "Operations that could not be shown.", value=skipped
        )
        yield GaugeMetricFamily("provincial_facilities", "Facilities.", value=facilities)
        yield GaugeMetricFamily("provincial_database_bytes", "Size of the database.", value=size)
        family = GaugeMetricFamily(
            "provincial_stations", "Facilities by their last contact.", labels=["last_contact"]
        )
        for age, count in ages.items():
            family.add_metric([age], count)
        yield family


def _last_contacts(session: Session, now: int) -> dict[str, int]:
    """Facilities that have a device, each in the first bucket that its last contact fits."""
    found = {name: 0 for name, _ in _AGES} | {"older": 0, "never": 0}
    rows = session.execute(
        select(func.max(Device.last_contact_at))
        .where(Device.revoked_at.is_(None))
        .group_by(Device.facility_code)
    )
    for (last,) in rows:
        if last is None:
            found["never"] += 1
            continue
        found[next((name for name, age in _AGES if now - last <= age), "older")] += 1
    return found


def _size(session: Session) -> int:
    if session.get_bind().dialect.name == "sqlite":
        pages = session.scalar(text("PRAGMA page_count")) or 0
        return int(pages) * int(session.scalar(text("PRAGMA page_size")) or 0)
    return int(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)


class Measured:
    """Counts and times every request, by the template of its route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._metrics.begun()
        try:
            await self._app(scope, receive, watch)
        finally:
            spent = time.perf_counter() - started
            self._metrics.ended(scope["method"], template_of(scope), status or 499, spent)


def template_of(scope: Scope) -> str:
    """The route's pattern instead of the address: addresses hold card numbers."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "-"))


def asked_on_this_machine(request: Request) -> bool:
    """By a program of this machine, not by a proxy for somebody else: the connection and the name
    are both loopback, and no header speaks of another hop."""
    if request.client is None or _FORWARDED & set(request.headers.keys()):
        return False
    try:
        if not ipaddress.ip_address(request.client.host).is_loopback:
            return False
    except ValueError:
        return False
    name = (request.url.hostname or "").lower()
    return name in {"localhost", "127.0.0.1", "::1"}
