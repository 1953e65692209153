"""A member of staff → Practitioner and the role they hold. Log-in names stay at the station."""

from __future__ import annotations

from station_emr.domain.user import User

from .datatypes import (
    Resource,
    coding,
    concept,
    filled,
    identifier,
    present,
    reference,
    resource,
)
from .uris import UriTable, own_extension

# Whether the person worked here before their record was voided: both say ``active: false``.
ACTIVE_BEFORE = own_extension("active-before-voiding")


def practitioner_resources(user: User, uris: UriTable) -> list[Resource]:
    licence = identifier(uris.licence, user.licence_no, "MD")
    return [
        resource(
            "Practitioner",
            user.id,
            identifier=present(identifier(uris.record, user.id), licence),
            active=user.active,
            name=[filled(text=user.full_name, prefix=[user.title] if user.title else [])],
            telecom=[{"system": "phone", "value": user.phone}] if user.phone else [],
        ),
        resource(
            "PractitionerRole",
            f"{user.id}-r1",
            identifier=present(identifier(uris.record, f"{user.id}-r1")),
            active=user.active,
            practitioner=reference("Practitioner", user.id, user.full_name),
            code=[concept(coding(uris.role_codes, user.role.value))],
        ),
    ]
