"""The station → Organization with its official code, and the Location where people come."""

from __future__ import annotations

from station_emr.domain.patient import Address
from station_emr.domain.record import StationProfile

from .datatypes import (
    Json,
    Resource,
    concept,
    extension,
    identifier,
    present,
    reference,
    resource,
)
from .own_extensions import OwnFields
from .patient import address
from .uris import UriTable

# ``site`` only where it is empty, and ``demo`` only where no code says it.
DETAILS = OwnFields("facility-details", StationProfile, ("has_beds", "site", "demo"))


def location_id(facility_id: str) -> str:
    return f"{facility_id}-l1"


def facility_resources(station: StationProfile, uris: UriTable) -> list[Resource]:
    """A demo station's code goes under a system of its own, never among the official codes."""
    code_system = uris.demo_facility_code if station.demo else uris.facility_code
    place = address(
        Address(
            line=station.address,
            commune_code=station.commune_code,
            commune_name=station.commune_name,
            province_code=station.province_code,
            province_name=station.province_name,
        ),
        uris,
    )
    phone: list[Json] = [{"system": "phone", "value": station.phone}] if station.phone else []
    return [
        resource(
            "Organization",
            station.facility_id,
            extension=present(
                extension(uris.facility_level, valueCodeableConcept=concept(text=station.level)),
                _details(station),
            ),
            identifier=present(
                identifier(uris.record, station.facility_id),
                identifier(code_system, station.code, "PRN"),
            ),
            active=True,
            name=station.name,
            telecom=phone,
            address=present(place),
            partOf={"display": station.parent_authority} if station.parent_authority else None,
        ),
        resource(
            "Location",
            location_id(station.facility_id),
            identifier=present(identifier(uris.record, location_id(station.facility_id))),
            status="active",
            name=station.site or station.name,
            telecom=phone,
            address=place,
            managingOrganization=reference("Organization", station.facility_id),
        ),
    ]


def _details(station: StationProfile) -> Json:
    said = {"site"} if station.site else set()
    if station.code:
        said.add("demo")
    return DETAILS.write(station, *said)
