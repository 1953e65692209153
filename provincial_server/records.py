"""Which record a resource belongs to, by its id alone (docs/sync.md, "What a unit holds")."""

from __future__ import annotations

import re

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DERIVED = re.compile(rf"({UUID.pattern})(?:-.*)?", re.DOTALL)

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
    "practitioner": "Practitioner",
    "facility": "Organization",
}
"""Kind of record → type of its first resource. A prescription has lines only, no resource of its own."""

KINDS = {resource_type: kind for kind, resource_type in ROOT_TYPES.items()}


def record_of(resource_id: str) -> str:
    """`<uuid>-v1` belongs to the record `<uuid>`; an id that is not derived stands for itself."""
    match = _DERIVED.fullmatch(resource_id)
    return match[1] if match else resource_id
