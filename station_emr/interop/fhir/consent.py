"""What a person agreed to ↔ Consent. The plain elements say it to everybody; the extension exactly."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from station_emr.domain.consent import Consent, purpose_label

from .datatypes import Resource, day, filled, moment, present, reference, resource, terminology
from .own_extensions import OwnFields
from .reading import Parts, by_url, id_in
from .uris import UriTable, own_extension

DETAILS: Final = OwnFields(
    "consent-details",
    Consent,
    tuple(one.name for one in fields(Consent) if one.name not in {"id", "patient_id"}),
)
_LAW: Final = "Luật Bảo vệ dữ liệu cá nhân 91/2025/QH15"
_PURPOSE_SYSTEM: Final = own_extension("consent-purpose")


def consent_resources(consent: Consent, uris: UriTable) -> list[Resource]:
    del uris  # nothing in it depends on the target
    ended = consent.withdrawn_at is not None
    return [
        resource(
            "Consent",
            consent.id,
            extension=present(DETAILS.write(consent)),
            status="inactive" if ended else "active",
            scope=terminology("consentscope", "patient-privacy"),
            category=[
                filled(
                    coding=[{"system": _PURPOSE_SYSTEM, "code": consent.purpose}]
                    if consent.purpose
                    else None,
                    text=purpose_label(consent.purpose) or "—",
                )
            ],
            patient=reference("Patient", consent.patient_id),
            dateTime=moment(consent.given_at),
            policyRule={"text": _LAW},
            provision=filled(
                type="deny" if ended else "permit",
                period=filled(start=moment(consent.given_at), end=day(consent.valid_until)),
            ),
        )
    ]


def read_consent(parts: Parts, uris: UriTable) -> Consent:
    del uris
    root = parts.root
    told: dict[str, Any] = DETAILS.read(by_url(root))
    return Consent(id=parts.record_id, patient_id=id_in(root["patient"], "Patient"), **told)
