"""Where a finding is mended: which page, and which field of it."""

from __future__ import annotations

from collections.abc import Callable

from station_emr.domain.claim import ClaimPlace
from station_emr.domain.permissions import Action
from station_emr.ui.models import routes
from station_emr.ui.models.claim_jump import HERE, page_of

Place = tuple[str, object]


def place_of(place: ClaimPlace, may: Callable[[Action], bool]) -> Place | None:
    """The page and what it is given; None when this person has no page for it."""
    elsewhere = page_of(place, may)
    if elsewhere is not None:
        return elsewhere
    if place.encounter_id and may(Action.ENCOUNTER_VIEW):
        field = place.field if place.screen in HERE else ""
        return routes.ENCOUNTER, routes.EncounterRoute(place.encounter_id, field)
    return None
