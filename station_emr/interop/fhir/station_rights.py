"""What those in charge decided for the station ↔ Basic, of which the code says the kind.

The rights of the roles are about the station, the standing of a person is about a Practitioner.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from station_emr.domain.record import RecordKind
from station_emr.domain.station_rights import Standing, StationRights

from .basic import basic_resource
from .datatypes import Resource, reference
from .own_extensions import OwnFields
from .reading import Parts, by_url, id_in
from .uris import UriTable

_RIGHTS: Final = OwnFields(
    "station-rights",
    StationRights,
    tuple(one.name for one in fields(StationRights) if one.name != "id"),
)
_STANDING: Final = OwnFields(
    "account-standing",
    Standing,
    tuple(one.name for one in fields(Standing) if one.name not in {"id", "user_id"}),
)


def rights_resources(rights: StationRights, uris: UriTable) -> list[Resource]:
    return [basic_resource(RecordKind.RIGHTS.value, rights.id, uris, _RIGHTS.write(rights))]


def read_rights(parts: Parts, uris: UriTable) -> StationRights:
    del uris
    told: dict[str, Any] = _RIGHTS.read(by_url(parts.root))
    return StationRights(id=parts.record_id, **told)


def standing_resources(standing: Standing, uris: UriTable) -> list[Resource]:
    return [
        basic_resource(
            RecordKind.STANDING.value,
            standing.id,
            uris,
            _STANDING.write(standing),
            subject=reference("Practitioner", standing.user_id),
        )
    ]


def read_standing(parts: Parts, uris: UriTable) -> Standing:
    del uris
    told: dict[str, Any] = _STANDING.read(by_url(parts.root))
    return Standing(
        id=parts.record_id, user_id=id_in(parts.root["subject"], "Practitioner"), **told
    )
