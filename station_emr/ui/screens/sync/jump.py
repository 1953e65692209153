"""Where a refused record is mended: which page, and which field the province named."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import OutboxItem
from station_emr.ui.models import routes

Place = tuple[str, object]
_CODE: Final = re.compile(r" \[([^\]]*(?:\[[0-9]+\][^\]]*)*)\]$")
# The element of FHIR in the form of registration.
_FIELDS: Final[Mapping[str, str]] = {
    "name": "full_name",
    "birthDate": "birth",
    "gender": "sex",
    "telecom": "phone",
    "address": "commune",
    "contact": "guardian_name",
    "subscriberId": "coverage.number",
    "identifier": "national_id",
}


def field_of(item: OutboxItem) -> str:
    """The field of the form that the refusal named, empty when it named none we know."""
    found = _CODE.search(item.reason)
    if item.kind is not RecordKind.PATIENT or found is None:
        return ""
    path = found.group(1).split(" ")[-1]
    for part in path.replace("[", ".").split("."):
        if part in _FIELDS:
            return _FIELDS[part]
    return ""


def place_of(item: OutboxItem, may: Callable[[Action], bool]) -> Place | None:
    """The page and what it is given; None when this person has no page for it."""
    patient = (routes.PATIENTS, routes.PatientRoute(item.patient_id)) if item.patient_id else None
    if item.kind is RecordKind.PATIENT and may(Action.PATIENT_EDIT):
        route = routes.RegistrationRoute(patient_id=item.record_id, field=field_of(item))
        return routes.REGISTRATION, route
    if item.kind is RecordKind.ENCOUNTER and may(Action.ENCOUNTER_VIEW):
        return routes.ENCOUNTER, routes.EncounterRoute(item.record_id)
    if item.kind is RecordKind.REFERRAL and may(Action.ENCOUNTER_VIEW):
        return routes.REFERRALS, routes.ReferralRoute(referral_id=item.record_id)
    if item.kind is RecordKind.LINK and may(Action.PATIENT_VIEW):
        return routes.CONFLICTS, routes.PAIRS
    if item.kind is RecordKind.FACILITY:
        return routes.SETTINGS, None
    if item.kind is RecordKind.PRACTITIONER and may(Action.USER_MANAGE):
        return routes.USERS, None
    return patient if may(Action.PATIENT_VIEW) else None
