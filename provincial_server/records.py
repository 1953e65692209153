"""Which record a resource belongs to, by its id alone (docs/sync.md, "What a unit holds")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DERIVED = re.compile(rf"({UUID.pattern})(?:-.*)?", re.DOTALL)

BASIC = "Basic"
KIND_SYSTEM = "https://station-emr.example/fhir/CodeSystem/record-kind"
"""A Basic is a record of the kind that its code of this system says."""

ROOT_TYPES = {
    "patient": "Patient",
    "encounter": "Encounter",
    "prescription": "MedicationRequest",
    "referral": "ServiceRequest",
    "appointment": "Appointment",
    "link": "Linkage",
    "feedback": "Task",
    "signature": "Provenance",
    "consent": "Consent",
    "certificate": "QuestionnaireResponse",
    "notification": "Communication",
    "bill": "Invoice",
    "rights": BASIC,
    "standing": BASIC,
    "request": BASIC,
    "breach": BASIC,
    "practitioner": "Practitioner",
    "facility": "Organization",
}
"""Kind of record → type of its first resource. A prescription has lines only, no resource of its own."""

KINDS = {
    resource_type: kind for kind, resource_type in ROOT_TYPES.items() if resource_type != BASIC
}
"""The other way round, where the type alone says the kind."""


def kind_of_basic(resource: Mapping[str, Any]) -> str:
    """The word of its kind, empty for a Basic of somebody else."""
    for coding in resource.get("code", {}).get("coding", ()):
        if coding.get("system") == KIND_SYSTEM:
            return str(coding.get("code", ""))
    return ""


def record_of(resource_id: str) -> str:
    """`<uuid>-v1` belongs to the record `<uuid>`; an id that is not derived stands for itself."""
    match = _DERIVED.fullmatch(resource_id)
    return match[1] if match else resource_id
