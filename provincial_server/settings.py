"""What an operator may choose, and the limits that keep one sender from hurting the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from provincial_server.stations.plan import Plan

Clock = Callable[[], int]
"""Milliseconds since 1970 in UTC."""


def system_clock() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Limits:
    """A station on a bad line sends small units; whatever is far larger is a fault or an attack."""

    received_bytes: int = 12 * 1024 * 1024
    body_bytes: int = 24 * 1024 * 1024
    depth: int = 32
    entries: int = 500
    address_letters: int = 8000
    page: int = 500
    default_page: int = 100


@dataclass(frozen=True)
class Rate:
    """`burst` requests at once, and `per_second` for as long as one likes."""

    per_second: float
    burst: int


@dataclass(frozen=True)
class Rates:
    """A station back after days of silence asks a few hundred times within a minute, and a whole
    province may stand behind one address when it asks for its tokens."""

    device: Rate = Rate(per_second=25, burst=1000)
    address: Rate = Rate(per_second=10, burst=600)
    """Of askers who have no device: tokens, enrolment, and every refused token."""


@dataclass(frozen=True)
class Settings:
    database_url: str
    public_url: str | None = None
    limits: Limits = field(default_factory=Limits)
    rates: Rates = field(default_factory=Rates)
    rates_on_loopback: bool = False
    """Whether the rates hold for askers on this machine of a server without a public address."""
    clock: Clock = system_clock
    enrol_code_hours: int = 72
    plan: Plan = field(default_factory=Plan)
