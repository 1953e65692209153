"""How often a device, or an address without one, may ask: a bucket of turns that fills with time.

The buckets live in the memory of one process: a server of N processes lets through at most N times
as much. That is enough for what they are for, which is that one station gone astray, or one stranger
who guesses codes, leaves time for all the others.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

from provincial_server.faults import FhirFault, Issue
from provincial_server.settings import Rate

Beat = Callable[[], float]
"""Seconds of a clock that is never set."""

_MOST_BUCKETS = 20_000


class Buckets:
    """One bucket for each name. Threads may share it."""

    def __init__(self, rate: Rate, beat: Beat = time.monotonic) -> None:
        self._rate = rate
        self._beat = beat
        self._lock = threading.Lock()
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Name → turns that were left, and when; the one seen longest ago stands first."""

    def take(self, name: str) -> None:
        """Uses one turn; 429 with the seconds after which there is one again."""
        now = self._beat()
        with self._lock:
            left, seen = self._levels.pop(name, (float(self._rate.burst), now))
            left = min(self._rate.burst, left + (now - seen) * self._rate.per_second)
            allowed = left >= 1
            self._levels[name] = (left - 1 if allowed else left, now)
            if len(self._levels) > _MOST_BUCKETS:
                self._levels.popitem(last=False)
        if not allowed:
            raise _too_many(ceil((1 - left) / self._rate.per_second))


def _too_many(seconds: int) -> FhirFault:
    text = "Thiết bị hỏi quá nhanh. Dữ liệu ở trạm vẫn an toàn, máy sẽ tự gửi lại sau ít giây."
    issue = Issue("throttled", "too many requests", "http.rate", text)
    return FhirFault(429, issue, {"Retry-After": str(max(1, seconds))})


def address_name(host: str | None) -> str:
    """One name for all that one sender owns: an IPv6 line has 2^64 addresses."""
    try:
        address = ipaddress.ip_address((host or "").partition("%")[0])
    except ValueError:
        return "-"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
