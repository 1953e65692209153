"""The province's plan, and from when on somebody should call a station."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Settings of the overview.

    ``planned`` stations are to work with the program; one counts as live when the province got a
    signed visit from it within ``live_days``. ``program`` is the version that stations should have;
    empty: the one that was announced, else the newest that any station uses.
    """

    planned: int = 135
    live_days: int = 7
    silent_days: int = 3
    backlog: int = 200
    program: str = ""
    weeks: int = 12
    days: int = 14
