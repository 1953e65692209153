"""How long another machine may ask to be left alone, and how the header says it (RFC 9110, 10.2.3)."""

from __future__ import annotations

import math
import re
from email.utils import parsedate_to_datetime
from typing import Final

HOUR: Final = 3600.0
"""The longest pause that the province is believed. A server that is mended after an hour is met
within the hour, and one question an hour from each station burdens none. Beyond that it is a fault
(milliseconds for seconds, a wrong clock), and it would keep the station's referral letters with it.
"""
DAY: Final = 86_400.0
"""For national gateways: their messages are no records, and a spent daily quota is a usual reason."""

_NUMBER: Final = re.compile(r"\d+(\.\d*)?(e\d+)?", re.ASCII | re.IGNORECASE)


def bounded(seconds: float | None, longest: float = HOUR) -> float | None:
    """At most ``longest``; None for what is no length of time (negative, not a number)."""
    if seconds is None or math.isnan(seconds) or seconds < 0:
        return None
    return min(seconds, longest)


def pause_of(value: str | None, date: str | None, longest: float = HOUR) -> float | None:
    """Seconds that a ``Retry-After`` asks for, never more than ``longest``.

    A date is measured from the answer's own ``Date``: both are the server's clock, and the clock of
    this machine may be anything. None when nothing usable was said; a date that is past is 0.
    """
    said = (value or "").strip()
    if _NUMBER.fullmatch(said):
        return bounded(float(said), longest)
    until, since = _moment(said), _moment(date or "")
    return None if until is None or since is None else bounded(max(until - since, 0.0), longest)


def _moment(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.timestamp() if moment.tzinfo is not None else None
    except (ValueError, OverflowError, OSError):
        return None
