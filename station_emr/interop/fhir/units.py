"""One record as the group of resources that the province applies whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from station_emr.domain.record import RecordKind, RecordStatus

from .appointment import appointment_resources
from .basic import TYPE as BASIC
from .basic import retired_basic
from .bill import bill_resources
from .certificate import certificate_resources
from .consent import consent_resources
from .datatypes import VIETNAM, Resource, moment, terminology
from .encounter import encounter_resources
from .facility import facility_resources
from .feedback import feedback_resources
from .link import link_resources
from .notification import notification_resources
from .patient import patient_resources
from .practitioner import ACTIVE_BEFORE, practitioner_resources
from .prescription import prescription_resources
from .privacy import breach_resources, request_resources
from .reading import TAKEN_BACK
from .referral import referral_resources
from .signature import signature_resources
from .station_rights import rights_resources, standing_resources
from .uris import VN_CORE, UriTable

_MAPPINGS: Final[dict[RecordKind, Callable[[Any, UriTable], list[Resource]]]] = {
    RecordKind.PATIENT: patient_resources,
    RecordKind.ENCOUNTER: encounter_resources,
    RecordKind.PRESCRIPTION: prescription_resources,
    RecordKind.REFERRAL: referral_resources,
    RecordKind.APPOINTMENT: appointment_resources,
    RecordKind.LINK: link_resources,
    RecordKind.FEEDBACK: feedback_resources,
    RecordKind.SIGNATURE: signature_resources,
    RecordKind.CONSENT: consent_resources,
    RecordKind.CERTIFICATE: certificate_resources,
    RecordKind.NOTIFICATION: notification_resources,
    RecordKind.BILL: bill_resources,
    RecordKind.RIGHTS: rights_resources,
    RecordKind.STANDING: standing_resources,
    RecordKind.REQUEST: request_resources,
    RecordKind.BREACH: breach_resources,
    RecordKind.PRACTITIONER: practitioner_resources,
    RecordKind.FACILITY: facility_resources,
}

_BY_ACTIVE: Final = frozenset(
    {"Patient", "Linkage", "Practitioner", "PractitionerRole", "Organization"}
)
_VERIFICATION: Final = {
    "Condition": "condition-ver-status",
    "AllergyIntolerance": "allergyintolerance-verification",
}


def build_unit(
    kind: RecordKind,
    record: Any,
    status: RecordStatus,
    earlier: Sequence[Any] = (),
    *,
    uris: UriTable = VN_CORE,
) -> tuple[Resource, ...]:
    """The resources of ``record`` as it stands, the one others refer to first.

    ``earlier`` are older versions of the same record: a child that one of them had and this one
    lacks (a diagnosis taken back by an amendment) is sent as entered in error, because the server
    may hold it and nothing clinical is ever deleted. The same content always gives the same
    resources. Raises ValueError for a draft: a draft never leaves the machine.
    """
    if not status.is_final:
        raise ValueError("a draft never leaves the machine")
    mapping = _MAPPINGS[kind]
    current = mapping(record, uris)
    voided = status is RecordStatus.VOIDED
    if voided:
        current = [_voided(resource) for resource in current]
    if not earlier:
        return tuple(current)
    held = {key_of(resource) for resource in current}
    for version in reversed(earlier):
        for resource in mapping(version, uris):
            if key_of(resource) not in held:
                held.add(key_of(resource))
                current.append(leftover(resource, voided=voided))
    return tuple(current)


def _voided(resource: Resource) -> Resource:
    """Voiding must leave readable what was voided."""
    if resource["resourceType"] == "Practitioner":
        resource = _with_extension(resource, ACTIVE_BEFORE, resource["active"])
    return retired(resource)


def leftover(resource: Resource, *, voided: bool) -> Resource:
    """What the record once had. In a voided unit every part is entered in error, so there a
    leftover says that it is one.
    """
    return _with_extension(retired(resource), TAKEN_BACK, True) if voided else retired(resource)


def _with_extension(resource: Resource, url: str, value: bool) -> Resource:
    held = [*resource.get("extension", ()), {"url": url, "valueBoolean": value}]
    return {**resource, "extension": held}


def retired(resource: Resource) -> Resource:
    """The same resource marked as entered in error, in the way its type says that."""
    kind = resource["resourceType"]
    if kind in _BY_ACTIVE:
        return {**resource, "active": False}
    if kind in _VERIFICATION:
        kept = {name: value for name, value in resource.items() if name != "clinicalStatus"}
        return {**kept, "verificationStatus": terminology(_VERIFICATION[kind], "entered-in-error")}
    if kind == "Location":
        return {**resource, "status": "inactive"}
    if kind == BASIC:
        return retired_basic(resource)
    if kind == "Appointment":
        return {**resource, **_whole_day(resource), "status": "entered-in-error"}
    return {**resource, "status": "entered-in-error"}


def _whole_day(appointment: Resource) -> Resource:
    """R4 (app-3) wants start and end for every status but proposed, cancelled and waitlist."""
    asked = appointment.get("requestedPeriod")
    if not asked:
        return {"start": "1970-01-01T00:00:00+07:00", "end": "1970-01-01T00:00:00+07:00"}
    on = date.fromisoformat(asked[0]["start"])
    return {
        "start": moment(datetime.combine(on, time.min, VIETNAM)),
        "end": moment(datetime.combine(on, time(23, 59, 59), VIETNAM)),
    }


def key_of(resource: Resource) -> tuple[str, str]:
    """Type and id, the name of a resource within a unit."""
    return resource["resourceType"], resource["id"]
