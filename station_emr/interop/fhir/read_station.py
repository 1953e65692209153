"""Practitioner, Organization and Linkage → a member of staff, the station, two charts of one person."""

from __future__ import annotations

from typing import Any

from station_emr.domain.patient_link import PatientLink
from station_emr.domain.permissions import Role
from station_emr.domain.record import StationProfile
from station_emr.domain.user import User

from .facility import DETAILS
from .link import DETAILS as LINK_DETAILS
from .practitioner import ACTIVE_BEFORE
from .read_patient import read_address
from .reading import (
    Parts,
    by_url,
    coded,
    first,
    first_text,
    id_in,
    identified,
    must_refer,
    phone_in,
    text_in,
    unreadable,
)
from .uris import UriTable


def read_practitioner(parts: Parts, uris: UriTable) -> User:
    """Log-in names and log-ins do not travel: the machine that applies this keeps its own."""
    person = parts.root
    role = parts.only("r1", "PractitionerRole")
    must_refer(role, "practitioner", f"Practitioner/{parts.record_id}")
    before = by_url(person).get(ACTIVE_BEFORE)
    active = person["active"] if before is None else before["valueBoolean"]
    if active.__class__ is not bool:
        raise unreadable("active is neither true nor false")
    name = first(person, "name")
    return User(
        id=parts.record_id,
        username="",
        full_name=text_in(name, "text"),
        role=Role(coded(first(role, "code"), uris.role_codes)[0]),
        title=first_text(name, "prefix"),
        licence_no=text_in(identified(person, uris.licence), "value"),
        phone=phone_in(person),
        active=active,
    )


def read_facility(parts: Parts, uris: UriTable) -> StationProfile:
    """Name and series of a machine do not travel."""
    station = parts.root
    place = parts.only("l1", "Location")
    must_refer(place, "managingOrganization", f"Organization/{parts.record_id}")
    extensions = by_url(station)
    address = read_address(first(station, "address"), uris)
    level = extensions.get(uris.facility_level, {}).get("valueCodeableConcept", {})
    official = text_in(identified(station, uris.facility_code), "value")
    demo = text_in(identified(station, uris.demo_facility_code), "value")
    fields: dict[str, Any] = {
        "site": text_in(place, "name"),
        "demo": bool(demo),
        **DETAILS.read(extensions),
    }
    return StationProfile(
        facility_id=parts.record_id,
        code=official or demo,
        name=text_in(station, "name"),
        parent_authority=text_in(station.get("partOf", {}), "display"),
        commune_code=address.commune_code,
        commune_name=address.commune_name,
        province_code=address.province_code,
        province_name=address.province_name,
        address=address.line,
        phone=phone_in(station),
        level=text_in(level, "text"),
        **fields,
    )


def read_link(parts: Parts, uris: UriTable) -> PatientLink:
    del uris  # nothing in it depends on the target
    charts = {
        one["type"]: id_in(one["resource"], "Patient")
        for one in parts.root["item"]
        if one["type"] in ("source", "alternate")
    }
    return PatientLink(
        id=parts.record_id,
        survivor_id=charts["source"],
        duplicate_id=charts["alternate"],
        **LINK_DETAILS.read(by_url(parts.root)),
    )
