"""Where a finding is mended: which page, and which field of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from station_emr.domain.claim import ClaimPlace
from station_emr.domain.permissions import Action
from station_emr.ui.models import routes

Place = tuple[str, object]
_ON_THE_VISIT: Final = frozenset({"visit", "prescription", "certificate"})


def place_of(place: ClaimPlace, may: Callable[[Action], bool]) -> Place | None:
    """The page and what it is given; None when this person has no page for it."""
    if place.screen in _ON_THE_VISIT and place.encounter_id and may(Action.ENCOUNTER_VIEW):
        return routes.ENCOUNTER, routes.EncounterRoute(place.encounter_id, place.field)
    if place.screen == "patient" and place.patient_id and may(Action.PATIENT_EDIT):
        route = routes.RegistrationRoute(patient_id=place.patient_id, field=place.field)
        return routes.REGISTRATION, route
    if place.screen == "bill" and place.encounter_id and may(Action.BILL_PREPARE):
        return routes.BILLING, routes.BillRoute(place.encounter_id)
    if place.screen == "letter" and place.encounter_id and may(Action.ENCOUNTER_VIEW):
        return routes.REFERRALS, routes.ReferralRoute(encounter_id=place.encounter_id)
    if place.screen == "settings" and may(Action.SETTINGS_EDIT):
        return routes.SETTINGS, routes.SettingsRoute("gateways")
    if place.encounter_id and may(Action.ENCOUNTER_VIEW):
        return routes.ENCOUNTER, routes.EncounterRoute(place.encounter_id)
    return None
