"""Which page a fault of the claim is mended on, when it is not the page of the visit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from station_emr.domain.claim import ClaimPlace
from station_emr.domain.permissions import Action
from station_emr.ui.models import routes

HERE: Final = ("visit", "prescription")


def page_of(place: ClaimPlace, may: Callable[[Action], bool]) -> tuple[str, object] | None:
    """None when it is mended here, or this person has no page for it."""
    if place.screen == "patient" and may(Action.PATIENT_EDIT):
        route = routes.RegistrationRoute(patient_id=place.patient_id, field=place.field)
        return routes.REGISTRATION, route
    if place.screen == "letter" and may(Action.ENCOUNTER_VIEW):
        route_to = routes.ReferralRoute(encounter_id=place.encounter_id, field=place.field)
        return routes.REFERRALS, route_to
    if place.screen == "bill" and may(Action.BILL_PREPARE):
        return routes.BILLING, routes.BillRoute(place.encounter_id, field=place.field)
    if place.screen == "certificate" and may(Action.CERTIFICATE_PREPARE):
        return routes.CERTIFICATE, routes.CertificateRoute(place.encounter_id)
    if place.screen == "settings" and may(Action.SETTINGS_EDIT):
        return routes.SETTINGS, routes.SettingsRoute(place.field) if place.field else None
    return None
