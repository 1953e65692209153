"""Which diagnoses are restricted at this station, and whether somebody holds a right."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Action
from station_emr.domain.sensitive import (
    DEFAULT_RANGES,
    SensitiveRange,
    is_sensitive,
    parse_ranges,
)
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


def hidden_visits(work: Work, actor: Actor, visits: Collection[str], today: date) -> frozenset[str]:
    """Those of ``visits`` whose words this person may not see: restricted, and not written by them."""
    if holds(actor, Action.SENSITIVE_VIEW):
        return frozenset()
    ranges = ranges_of(work)
    return frozenset(
        visit
        for visit, facts in work.privacy.visits(visits).items()
        if is_sensitive(facts.codes, ranges, today) and actor.user.id not in facts.authors
    )
