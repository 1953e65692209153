"""Which field of a screen a refusal of the province is about.

A refusal names an element of what was sent (``Bundle.entry[2].resource.valueQuantity``). What that
element holds is looked up in the line that was sent, so that the fourth resource of a visit is the
pulse or the second diagnosis as it was then, whatever the record says by now.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from station_emr.domain.record import RecordKind

Resources = Sequence[Mapping[str, Any]]

# Status, issue code and expression, as they stand at the end of a reason.
_TECHNICAL: Final = re.compile(r" \[[0-9]{3}(?: [a-z-]+)?(?: (\S.*))?\]$")
_ENTRY: Final = re.compile(r"^Bundle\.entry\[([0-9]+)\](?:\.resource)?(?:\.(.+))?$")
_STEP: Final = re.compile(r"([A-Za-z]+)(?:\[([0-9]+)\])?")
_PART: Final = re.compile(r"^([a-z]+)([0-9]+)(?:-([a-z]+))?$")  # v2-hr, d1, l3
_EXTENSION: Final = "extension"

_PATIENT: Final[Mapping[str, str]] = {
    "name": "full_name",
    "birthDate": "birth",
    "gender": "sex",
    "telecom": "phone",
    "address": "commune",
    "contact": "guardian_name",
    "subscriberId": "coverage.number",
    "identifier": "national_id",
}
_VISIT: Final[Mapping[str, str]] = {
    "reasonCode": "reason",
    "diagnosis": "diagnoses",
    "hospitalization": "discharge",
    "treatment-outcome": "result",
    "vn-ext-treatment-outcome": "result",
}
_NOTES: Final = frozenset({"history", "past_history", "examination", "treatment", "advice"})
_SIGNS: Final[Mapping[str, str]] = {
    "bp": "systolic",
    "hr": "pulse",
    "temp": "temperature",
    "rr": "respiratory_rate",
    "spo2": "spo2",
    "wt": "weight",
    "ht": "height",
    "waist": "waist",
    "glu": "glucose",
}
_COMPONENTS: Final = ("systolic", "diastolic")
_LINE: Final[Mapping[str, str]] = {
    "medicationCodeableConcept": "drug_code",
    "doseAndRate": "dose",
    "frequency": "times_per_day",
    "boundsDuration": "days",
    "expectedSupplyDuration": "days",
    "quantity": "quantity",
    "override_reason": "override_reason",
    "dosageInstruction": "dose",
    "dispenseRequest": "quantity",
}
_LETTER: Final[Mapping[str, str]] = {
    "performer": "to_facility_name",
    "owner": "to_facility_name",
    "reasonCode": "diagnoses",
    "occurrenceDateTime": "transfer_at",
    "priority": "emergency",
    "referral-reason": "reason",
}
_ITEMS: Final = frozenset(
    {
        "to_facility_level",
        "clinical_signs",
        "test_results",
        "procedures",
        "procedures_start",
        "procedures_end",
        "treatment",
        "condition_on_transfer",
        "plan",
        "one_year",
        "transport",
        "escort",
    }
)
_CERTIFICATE: Final[Mapping[str, str]] = {  # by the linkId of an item
    "diagnosis": "diagnoses",
    "from": "first_day",
    "to": "last_day",
}
_NOTICE: Final[Mapping[str, str]] = {
    "topic": "disease_code",
    "reasonCode": "disease_code",
    "disease_name": "disease_code",
}
_BILL_ROW: Final[Mapping[str, str]] = {
    "chargeItemCodeableConcept": "name",
    "factor": "quantity",
    "priceComponent": "price",
}
_STAFF: Final[Mapping[str, str]] = {
    "prefix": "title",
    "name": "full_name",
    "telecom": "phone",
    "identifier": "licence_no",
    "code": "role",
    "active": "active",
}
_STATION: Final[Mapping[str, str]] = {
    "name": "name",
    "telecom": "phone",
    "address": "address",
    "identifier": "code",
    "partOf": "parent_authority",
    "vn-ext-facility-care-level": "level",
    "has_beds": "has_beds",
    "site": "site",
}
_PRIOR_CARE: Final = frozenset({"facility", "level", "start", "end"})


SHOWN_ELSEWHERE: Final = frozenset(
    {
        RecordKind.PRESCRIPTION,
        RecordKind.APPOINTMENT,
        RecordKind.CERTIFICATE,
        RecordKind.FEEDBACK,
        RecordKind.SIGNATURE,
        RecordKind.STANDING,
    }
)
"""Kinds whose page is called by the id of another record, which has to be looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedField:
    """Where a refused record is mended. ``encounter_id`` is the visit of a paper that is written on
    the visit's page, or of the papers whose page is called by their visit; ``about`` the record on
    whose page this one is shown, by kind and id: an answer on its letter, a signature on its paper.
    ``field`` is empty when the refusal named none that a screen shows.
    """

    encounter_id: str = ""
    field: str = ""
    about: tuple[RecordKind, str] | None = None


class _Step(NamedTuple):
    """``name`` of an element, or of an extension by the end of its URL; ``place`` among its like."""

    name: str
    place: int


def path_of(reason: str) -> str:
    """The element that a kept reason names, as the server wrote it; empty when it named none."""
    found = _TECHNICAL.search(reason)
    return (found.group(1) or "") if found else ""


def field_of(kind: RecordKind, record_id: str, reason: str, resources: Resources = ()) -> str:
    """The field of the record's screen that a kept reason is about; empty when there is none.

    Without ``resources`` only what the path itself says can be found.
    """
    path = path_of(reason)
    if not path:
        return ""
    resource, inner = _inside(path, resources)
    steps = _walk(resource, inner)
    part = str(resource.get("id", "")).removeprefix(f"{record_id}-")
    found = _PART.match(part) if part != resource.get("id") else None
    kind_of = str(resource.get("resourceType", ""))
    match kind:
        case RecordKind.PATIENT:
            return _first(steps, _PATIENT)
        case RecordKind.ENCOUNTER:
            return _of_visit(kind_of, found, steps)
        case RecordKind.PRESCRIPTION:
            return _of_line(int(found.group(2)) - 1 if found else 0, steps)
        case RecordKind.REFERRAL:
            return _of_letter(steps)
        case RecordKind.APPOINTMENT:
            names = {step.name for step in steps}
            return "diagnoses" if "reasonCode" in names else "appointment.on"
        case _:
            return _of_form(kind, resource, steps)


def _of_form(kind: RecordKind, resource: Mapping[str, Any], steps: Sequence[_Step]) -> str:
    """Forms, bills, staff and the station; other kinds have no fields on a screen of theirs."""
    match kind:
        case RecordKind.CERTIFICATE:
            return _of_certificate(resource, steps)
        case RecordKind.NOTIFICATION:
            return _of_details(steps, "disease-notification") or _first(steps[:1], _NOTICE)
        case RecordKind.BILL:
            return _of_bill(steps)
        case RecordKind.PRACTITIONER:
            return _last(steps, _STAFF)
        case RecordKind.FACILITY:
            site = resource.get("resourceType") == "Location" and steps and steps[0].name == "name"
            return "site" if site else _first(steps, _STATION)
        case _:
            return ""


def _inside(path: str, resources: Resources) -> tuple[Mapping[str, Any], str]:
    """The resource that a path is about, and the rest of the path."""
    if entry := _ENTRY.match(path):
        place, inner = int(entry.group(1)), entry.group(2) or ""
        return (resources[place] if place < len(resources) else {}), inner
    head, dot, inner = path.partition(".")
    if not dot and not any(one.get("resourceType") == head for one in resources):
        return (resources[0] if resources else {}), path
    mine = [one for one in resources if one.get("resourceType") == head]
    # One of many of its type: the path does not say which, so only the type is known.
    return (mine[0] if len(mine) == 1 else {"resourceType": head}), inner


def _walk(resource: Mapping[str, Any], inner: str) -> list[_Step]:
    steps: list[_Step] = []
    node: Any = resource
    for name, index in _STEP.findall(inner):
        place = int(index or 0)
        among = node.get(name) if isinstance(node, dict) else None
        node = among[place] if isinstance(among, list) and place < len(among) else among
        if name == _EXTENSION and isinstance(node, dict) and isinstance(among, list):
            url = node.get("url")
            same = sum(1 for one in among[:place] if one.get("url") == url)
            steps.append(_Step(str(url).rpartition("/")[2], same))
        else:
            steps.append(_Step(name, place))
    return steps


def _first(steps: Sequence[_Step], names: Mapping[str, str]) -> str:
    return next((names[step.name] for step in steps if step.name in names), "")


def _last(steps: Sequence[_Step], names: Mapping[str, str]) -> str:
    """The innermost: a dose is said inside of how to take the drug."""
    return next((names[step.name] for step in reversed(steps) if step.name in names), "")


def _of_visit(kind: str, part: re.Match[str] | None, steps: Sequence[_Step]) -> str:
    if kind == "Observation" and (part is None or part.group(1) == "v"):
        sign = _SIGNS.get(part.group(3) or "", "") if part is not None else ""
        component = next((step.place for step in steps if step.name == "component"), 0)
        if sign == "systolic":
            sign = _COMPONENTS[min(component, len(_COMPONENTS) - 1)]
        return f"vitals.{sign}" if sign else "vitals"
    if kind == "Condition":
        return "diagnoses"
    if kind in ("Procedure", "Observation"):
        return f"procedures.{int(part.group(2)) - 1}" if part is not None else "procedures"
    if steps and steps[0].name == "visit-details":
        return next((step.name for step in steps[1:] if step.name in _NOTES), "")
    return _first(steps, _VISIT)


def _of_line(line: int, steps: Sequence[_Step]) -> str:
    if steps and steps[0].name == "prescription-details":
        inside = {step.name for step in steps[1:]}
        return "appointment.on" if "follow_up_on" in inside else "advice"
    if steps and steps[0].name == "reasonCode":
        return "diagnoses"
    if steps and steps[0].name in ("as-signed", "requester", "subject", "encounter"):
        return ""
    return f"prescription.lines.{line}.{_last(steps, _LINE) or 'drug_code'}"


def _of_details(steps: Sequence[_Step], extension: str) -> str:
    """The field in the extension that holds what FHIR has no element for: parts are called so."""
    if len(steps) < 2 or steps[0].name != extension:
        return ""
    return _NOTICE.get(steps[1].name, steps[1].name)


def _of_certificate(resource: Mapping[str, Any], steps: Sequence[_Step]) -> str:
    if steps and steps[0].name == "item":
        items = resource.get("item", ())
        found = items[steps[0].place] if steps[0].place < len(items) else {}
        link = str(found.get("linkId", ""))
        return _CERTIFICATE.get(link, link)
    return _of_details(steps, "sick-leave-certificate")


def _of_bill(steps: Sequence[_Step]) -> str:
    if steps and steps[0].name == "lineItem":
        row = f"items.{steps[0].place}"
        inner = _last(steps[1:], _BILL_ROW)
        return f"{row}.{inner}" if inner else row
    if len(steps) > 1 and steps[0].name == "bill-details" and steps[1].name == "items":
        inner = steps[2].name if len(steps) > 2 else ""
        return f"items.{steps[1].place}.{inner}".rstrip(".")
    return ""


def _of_letter(steps: Sequence[_Step]) -> str:
    if not steps or steps[0].name != "referral-letter":
        return _first(steps[:1], _LETTER)
    item = steps[1] if len(steps) > 1 else _Step("", 0)
    if item.name == "prior_care":
        inside = next((step.name for step in steps[2:] if step.name in _PRIOR_CARE), "facility")
        return f"prior_care.{item.place}.{inside}"
    return item.name if item.name in _ITEMS else ""
