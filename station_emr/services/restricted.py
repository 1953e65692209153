"""Which diagnoses are restricted at this station, and whether somebody holds a right."""

from __future__ import annotations

from typing import Final

from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Action
from station_emr.domain.sensitive import DEFAULT_RANGES, SensitiveRange, parse_ranges
from station_emr.domain.user import Actor

from .guards import allow
from .ports import Work

RANGES: Final = "privacy.sensitive"


def ranges_of(work: Work) -> tuple[SensitiveRange, ...]:
    """As the station set them; an unreadable setting never opens anything."""
    try:
        return parse_ranges(work.settings.get(RANGES) or "") or DEFAULT_RANGES
    except ValueError:
        return DEFAULT_RANGES


def holds(actor: Actor, action: Action) -> bool:
    try:
        allow(actor, action)
    except PermissionDenied:
        return False
    return True
