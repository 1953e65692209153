"""Which FHIR types the units of each kind of record are made of, for servers without the exchange."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from station_emr.domain.record import RecordKind

_BASIC: Final = ("Basic",)
TYPES: Final[Mapping[RecordKind, tuple[str, ...]]] = {
    RecordKind.PATIENT: ("Patient", "Coverage", "AllergyIntolerance", "Condition"),
    RecordKind.ENCOUNTER: ("Encounter", "Observation", "Condition", "Procedure"),
    RecordKind.PRESCRIPTION: ("MedicationRequest",),
    RecordKind.REFERRAL: ("ServiceRequest", "Task", "DocumentReference"),
    RecordKind.APPOINTMENT: ("Appointment",),
    RecordKind.LINK: ("Linkage",),
    RecordKind.FEEDBACK: ("Task",),
    RecordKind.SIGNATURE: ("Provenance",),
    RecordKind.CONSENT: ("Consent",),
    RecordKind.CERTIFICATE: ("QuestionnaireResponse",),
    RecordKind.NOTIFICATION: ("Communication",),
    RecordKind.BILL: ("Invoice",),
    RecordKind.RIGHTS: _BASIC,
    RecordKind.STANDING: _BASIC,
    RecordKind.REQUEST: _BASIC,
    RecordKind.BREACH: _BASIC,
    RecordKind.PRACTITIONER: ("Practitioner", "PractitionerRole"),
    RecordKind.FACILITY: ("Organization", "Location"),
}
_POINTED_AT: Final = (
    RecordKind.PATIENT,
    RecordKind.ENCOUNTER,
    RecordKind.PRACTITIONER,
    RecordKind.FACILITY,
)
NEEDED: Final = frozenset(name for kind in _POINTED_AT for name in TYPES[kind])
"""Everything else points at these: a server that does not take them gets nothing."""
USED: Final = frozenset(name for types in TYPES.values() for name in types)


def kinds_without(lacking: Collection[str]) -> frozenset[RecordKind]:
    """Kinds that cannot go where these types are not taken."""
    found = {kind for kind, types in TYPES.items() if not set(types).isdisjoint(lacking)}
    if RecordKind.REFERRAL in found:
        found.add(RecordKind.FEEDBACK)  # an answer points at its letter
    return frozenset(found)
