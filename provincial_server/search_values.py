"""What can be searched for, per type, and how those values are read out of a resource.

The CapabilityStatement is generated from the tables here, so it cannot promise more than works.
Names are those of the R4 search parameters; all dates of a type share one indexed interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provincial_server.dates import interval
from provincial_server.structure import STORED_TYPES

_SUBJECT: Mapping[str, str] = {
    "AllergyIntolerance": "patient",
    "Communication": "subject",
    "Composition": "subject",
    "Condition": "subject",
    "Consent": "patient",
    "Coverage": "beneficiary",
    "DocumentReference": "subject",
    "Encounter": "subject",
    "Invoice": "subject",
    "MedicationRequest": "subject",
    "Observation": "subject",
    "Procedure": "subject",
    "QuestionnaireResponse": "subject",
    "ServiceRequest": "subject",
    "Task": "for",
}
_STATUS: Mapping[str, str] = {
    "Appointment": "status",
    "Communication": "status",
    "Composition": "status",
    "Consent": "status",
    "Coverage": "status",
    "DocumentReference": "status",
    "Encounter": "status",
    "Invoice": "status",
    "Location": "status",
    "MedicationRequest": "status",
    "Observation": "status",
    "Procedure": "status",
    "QuestionnaireResponse": "status",
    "ServiceRequest": "status",
    "Task": "status",
    "AllergyIntolerance": "clinical-status",
    "Condition": "clinical-status",
    "Organization": "active",
    "Patient": "active",
    "Practitioner": "active",
    "PractitionerRole": "active",
}
_STATUS_SYSTEM: Mapping[str, str] = {
    "Appointment": "http://hl7.org/fhir/appointmentstatus",
    "Communication": "http://hl7.org/fhir/event-status",
    "Composition": "http://hl7.org/fhir/composition-status",
    "Consent": "http://hl7.org/fhir/consent-state-codes",
    "Coverage": "http://hl7.org/fhir/fm-status",
    "DocumentReference": "http://hl7.org/fhir/document-reference-status",
    "Encounter": "http://hl7.org/fhir/encounter-status",
    "Invoice": "http://hl7.org/fhir/invoice-status",
    "Location": "http://hl7.org/fhir/location-status",
    "MedicationRequest": "http://hl7.org/fhir/CodeSystem/medicationrequest-status",
    "Observation": "http://hl7.org/fhir/observation-status",
    "Procedure": "http://hl7.org/fhir/event-status",
    "QuestionnaireResponse": "http://hl7.org/fhir/questionnaire-answers-status",
    "ServiceRequest": "http://hl7.org/fhir/request-status",
    "Task": "http://hl7.org/fhir/task-status",
    "AllergyIntolerance": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
    "Condition": "http://terminology.hl7.org/CodeSystem/condition-clinical",
}
_TRUE_OR_FALSE = "http://terminology.hl7.org/CodeSystem/special-values"
_DATE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "AllergyIntolerance": ("date", ("recordedDate",)),
    "Appointment": ("date", ("start",)),
    "Communication": ("sent", ("sent",)),
    "Composition": ("date", ("date",)),
    "Condition": ("recorded-date", ("recordedDate",)),
    "Consent": ("date", ("dateTime",)),
    "DocumentReference": ("date", ("date",)),
    "Encounter": ("date", ("period",)),
    "Invoice": ("date", ("date",)),
    "MedicationRequest": ("authoredon", ("authoredOn",)),
    "Observation": ("date", ("effectiveDateTime", "effectiveInstant", "effectivePeriod")),
    "Patient": ("birthdate", ("birthDate",)),
    "Procedure": ("date", ("performedDateTime", "performedPeriod")),
    "Provenance": ("recorded", ("recorded",)),
    "QuestionnaireResponse": ("authored", ("authored",)),
    "ServiceRequest": ("authored", ("authoredOn",)),
    "Task": ("authored-on", ("authoredOn",)),
}
_LONGEST_STATUS = 64
_WITHOUT_IDENTIFIER = frozenset({"Binary", "Linkage", "Provenance"})
_FIRST, _LAST = -(2**62), 2**62


@dataclass(frozen=True)
class SearchParameter:
    name: str
    kind: str
    """FHIR's search type: token, date, string or reference."""
    column: str
    system: str = ""
    """Of a status: the system that its codes are of."""


def _parameters(resource_type: str) -> dict[str, SearchParameter]:
    found = [
        SearchParameter("_id", "token", "resource_id"),
        SearchParameter("_lastUpdated", "date", "last_updated"),
    ]
    if resource_type not in _WITHOUT_IDENTIFIER:
        found.append(SearchParameter("identifier", "token", "identifier"))
    if resource_type == "Patient":
        found += [SearchParameter(name, "string", "name") for name in ("family", "name")]
    if resource_type in _SUBJECT or resource_type == "Appointment":
        found.append(SearchParameter("patient", "reference", "patient_id"))
    if _SUBJECT.get(resource_type) in {"subject", "for"}:
        found.append(SearchParameter("subject", "reference", "patient_id"))
    if resource_type in _STATUS:
        system = _STATUS_SYSTEM.get(resource_type, _TRUE_OR_FALSE)
        found.append(SearchParameter(_STATUS[resource_type], "token", "status", system))
    if resource_type in _DATE:
        found.append(SearchParameter(_DATE[resource_type][0], "date", "date"))
    return {parameter.name: parameter for parameter in found}


SEARCH_PARAMETERS = {name: _parameters(name) for name in STORED_TYPES}


@dataclass(frozen=True)
class SearchValues:
    patient_id: str | None
    status: str | None
    date_low: int | None
    date_high: int | None
    identifiers: frozenset[tuple[str, str]]
    """Pairs of system (empty when none) and value."""


def read_values(resource: Mapping[str, Any]) -> SearchValues:
    """The searchable values of a resource that has passed validation."""
    resource_type = resource["resourceType"]
    low, high = _dates(resource)
    return SearchValues(
        patient_id=_patient(resource),
        # A code that is longer than any real one can be read, and found by its beginning.
        status=(_status(resource, _STATUS.get(resource_type)) or "")[:_LONGEST_STATUS] or None,
        date_low=low,
        date_high=high,
        identifiers=frozenset(
            (item.get("system", ""), item["value"])
            for item in identifiers_of(resource)
            if "value" in item
        ),
    )


def identifiers_of(resource: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A Composition has one identifier, every other type a list."""
    found = resource.get("identifier", [])
    return [found] if isinstance(found, dict) else found


def _patient(resource: Mapping[str, Any]) -> str | None:
    if resource["resourceType"] == "Appointment":
        holders = [part.get("actor", {}) for part in resource.get("participant", [])]
    else:
        holders = [resource.get(_SUBJECT.get(resource["resourceType"], ""), {})]
    for holder in holders:
        target, _, rest = holder.get("reference", "").partition("/")
        if target == "Patient":
            return str(rest.split("/")[0])
    return None


def _status(resource: Mapping[str, Any], name: str | None) -> str | None:
    if name == "active":
        return {True: "true", False: "false"}.get(resource.get("active"))  # type: ignore[arg-type]
    if name == "clinical-status":
        codings = resource.get("clinicalStatus", {}).get("coding", [])
        return next((coding["code"] for coding in codings if "code" in coding), None)
    return resource.get("status") if name else None


def _dates(resource: Mapping[str, Any]) -> tuple[int | None, int | None]:
    _, elements = _DATE.get(resource["resourceType"], ("", ()))
    for element in elements:
        value = resource.get(element)
        if isinstance(value, str):
            return interval(value)
        if isinstance(value, dict):
            low = interval(value["start"])[0] if "start" in value else _FIRST
            high = interval(value["end"])[1] if "end" in value else _LAST
            return low, high
    return None, None
