"""Two charts of one person → Linkage: the source is the chart that stays, the alternate the other.

R4 gives Linkage no identifier element, so its id alone names it.
"""

from __future__ import annotations

from station_emr.domain.patient_link import PatientLink

from .datatypes import Resource, present, reference, resource
from .own_extensions import OwnFields
from .uris import UriTable

DETAILS = OwnFields("link-details", PatientLink, ("reason", "kept"))


def link_resources(link: PatientLink, uris: UriTable) -> list[Resource]:
    del uris  # nothing in it depends on the target
    return [
        resource(
            "Linkage",
            link.id,
            extension=present(DETAILS.write(link)),
            active=True,
            item=[
                {"type": "source", "resource": reference("Patient", link.survivor_id)},
                {"type": "alternate", "resource": reference("Patient", link.duplicate_id)},
            ],
        )
    ]
