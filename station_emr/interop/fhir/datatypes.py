"""The small FHIR datatypes all mappings are made of, and the rule that nothing empty is written."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any, Final

from station_emr.domain.ids import is_record_id
from station_emr.domain.record import PractitionerSnapshot, StationProfile

from .uris import IDENTIFIER_TYPE, TERMINOLOGY, UCUM, UriTable

Resource = dict[str, Any]
Json = dict[str, Any]

VIETNAM: Final = timezone(timedelta(hours=7))


def filled(**elements: Any) -> Json:
    """Only the elements that hold something: FHIR allows no empty string, array or object.

    A trailing underscore frees a Python keyword: ``class_`` is ``class``, ``for_`` is ``for``.
    """
    return {
        name if name[-1] != "_" else name[:-1]: value
        for name, value in elements.items()
        if value or value == 0  # zero and false say something
    }


def resource(kind: str, resource_id: str, **elements: Any) -> Resource:
    made = {"resourceType": kind, "id": resource_id}
    for name, value in elements.items():
        if value or value == 0:
            made[name if name[-1] != "_" else name[:-1]] = value
    return made


def moment(at: datetime | None) -> str | None:
    """A time with the Vietnamese offset, whatever offset this machine was set to."""
    if at is None:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=VIETNAM)
    elif at.tzinfo != VIETNAM:
        at = at.astimezone(VIETNAM)
    return at.isoformat()


def day(on: date | None) -> str | None:
    return None if on is None else on.isoformat()


def period(start: datetime | None, end: datetime | None) -> Json:
    made: Json = {}
    if start is not None:
        made["start"] = moment(start)
    if end is not None:
        made["end"] = moment(end)
    return made


def coding(system: str, code: str, display: str = "") -> Json:
    """A bare code with the display of our own list; empty without a code."""
    if not code:
        return {}
    if display:
        return {"system": system, "code": code, "display": display}
    return {"system": system, "code": code}


def concept(*codings: Json, text: str = "") -> Json:
    made: Json = {}
    given = [one for one in codings if one]
    if given:
        made["coding"] = given
    if text:
        made["text"] = text
    return made


@cache
def terminology(system: str, code: str) -> Json:
    """A concept of one of the HL7 terminology lists: one for all resources that say it, so nobody
    may write into it.
    """
    return {"coding": [{"system": f"{TERMINOLOGY}/{system}", "code": code}]}


def identifier(system: str, value: str, kind: str = "", **elements: Any) -> Json:
    """Empty without a value. ``kind`` is a code of HL7 table 0203 such as ``NI`` or ``MR``."""
    if not value:
        return {}
    named = concept(coding(IDENTIFIER_TYPE, kind)) if kind else {}
    return filled(type=named, system=system, value=value, **elements)


def present(*items: Json) -> list[Json]:
    return [item for item in items if item]


def reference(kind: str, resource_id: str, display: str = "") -> Json:
    """``Type/id`` relative: the ids are ours on every server."""
    if not resource_id:
        return {}
    if display:
        return {"reference": f"{kind}/{resource_id}", "display": display}
    return {"reference": f"{kind}/{resource_id}"}


def staff(person: PractitionerSnapshot | None) -> Json:
    if person is None:
        return {}
    return reference("Practitioner", person.user_id, person.printed_name)


def performer(name_or_id: str) -> list[Json]:
    """Who measured or did it: forms keep either the person's id or a name as typed."""
    if not name_or_id:
        return []
    if is_record_id(name_or_id):
        return [reference("Practitioner", name_or_id)]
    return [{"display": name_or_id}]


def organization(station: StationProfile | None) -> Json:
    return {} if station is None else reference("Organization", station.facility_id, station.name)


def facility_by_code(uris: UriTable, code: str, name: str) -> Json:
    """A facility we hold no record of: named by its official code."""
    return filled(identifier=identifier(uris.facility_code, code), display=name)


def quantity(value: Decimal | int, unit: str, ucum: str = "") -> Json:
    """``value`` keeps its digits (36.50 stays 36.50); a code only together with its system."""
    coded = {"system": UCUM, "code": ucum} if ucum else {}
    return {"value": value, "unit": unit, **coded} if unit else {"value": value, **coded}


def extension(url: str, **value: Any) -> Json:
    """A simple extension, ``extension(url, valueString="…")``; empty without a value."""
    held = filled(**value)
    return {"url": url, **held} if held else {}
