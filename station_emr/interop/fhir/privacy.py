"""What people ask of their own record, and leaks of personal data ↔ Basic.

R4 has no resource for either. The plain elements say whose it is and since when; the extension says
the rest exactly, and only devices of the station itself get to read it.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from station_emr.domain.privacy_request import DataBreach, PrivacyRequest
from station_emr.domain.record import RecordKind

from .basic import basic_resource
from .datatypes import VIETNAM, Resource, day, reference
from .own_extensions import OwnFields
from .reading import Parts, by_url, id_in
from .uris import UriTable

REQUEST: Final = OwnFields(
    "privacy-request",
    PrivacyRequest,
    tuple(one.name for one in fields(PrivacyRequest) if one.name not in {"id", "patient_id"}),
)
BREACH: Final = OwnFields(
    "data-breach", DataBreach, tuple(one.name for one in fields(DataBreach) if one.name != "id")
)


def request_resources(request: PrivacyRequest, uris: UriTable) -> list[Resource]:
    return [
        basic_resource(
            RecordKind.REQUEST.value,
            request.id,
            uris,
            REQUEST.write(request),
            subject=reference("Patient", request.patient_id),
            created=_on(request.received_at),
        )
    ]


def breach_resources(breach: DataBreach, uris: UriTable) -> list[Resource]:
    return [
        basic_resource(
            RecordKind.BREACH.value,
            breach.id,
            uris,
            BREACH.write(breach),
            created=_on(breach.noticed_at),
        )
    ]


def read_request(parts: Parts, uris: UriTable) -> PrivacyRequest:
    del uris
    told: dict[str, Any] = REQUEST.read(by_url(parts.root))
    patient_id = id_in(parts.root["subject"], "Patient")
    return PrivacyRequest(id=parts.record_id, patient_id=patient_id, **told)


def read_breach(parts: Parts, uris: UriTable) -> DataBreach:
    del uris
    return DataBreach(id=parts.record_id, **BREACH.read(by_url(parts.root)))


def _on(at: datetime) -> str | None:
    """The day here, whatever clock it was written by: the same moment always gives the same unit."""
    return day(at.astimezone(VIETNAM).date())
