"""Which store keeps a kind, and which records have to be there before one of that kind can be."""

from __future__ import annotations

from typing import Any

from station_emr.domain.patient_link import PatientLink
from station_emr.domain.record import RecordKind
from station_emr.domain.referral_feedback import ReferralFeedback
from station_emr.domain.signature import SIGNED_KINDS, DocumentSignature

from .ports import RecordStore, Work

MERGED_KINDS = frozenset(
    {
        RecordKind.PATIENT,
        RecordKind.ENCOUNTER,
        RecordKind.PRESCRIPTION,
        RecordKind.REFERRAL,
        RecordKind.APPOINTMENT,
        RecordKind.LINK,
        RecordKind.FEEDBACK,
        RecordKind.CONSENT,
        RecordKind.CERTIFICATE,
        RecordKind.NOTIFICATION,
        RecordKind.BILL,
        RecordKind.RIGHTS,
        RecordKind.STANDING,
        RecordKind.REQUEST,
        RecordKind.BREACH,
    }
)
"""Kinds whose versions two people can write at once; the others belong to one machine or table."""

_PAPERS = frozenset(
    {
        RecordKind.PRESCRIPTION,
        RecordKind.REFERRAL,
        RecordKind.APPOINTMENT,
        RecordKind.CERTIFICATE,
        RecordKind.BILL,
    }
)


_OF_A_PERSON = frozenset(
    {RecordKind.ENCOUNTER, RecordKind.CONSENT, RecordKind.NOTIFICATION, RecordKind.REQUEST}
)


def record_store(work: Work, kind: RecordKind) -> RecordStore[Any]:
    """Raises KeyError for staff and the station, which have stores of their own."""
    stores: dict[RecordKind, RecordStore[Any]] = {
        RecordKind.PATIENT: work.patients,
        RecordKind.ENCOUNTER: work.encounters,
        RecordKind.PRESCRIPTION: work.prescriptions,
        RecordKind.REFERRAL: work.referrals,
        RecordKind.APPOINTMENT: work.appointments,
        RecordKind.LINK: work.links,
        RecordKind.FEEDBACK: work.feedback,
        RecordKind.SIGNATURE: work.signatures,
        RecordKind.CONSENT: work.consents,
        RecordKind.CERTIFICATE: work.certificates,
        RecordKind.NOTIFICATION: work.notifications,
        RecordKind.BILL: work.bills,
        RecordKind.RIGHTS: work.rights,
        RecordKind.STANDING: work.standings,
        RecordKind.REQUEST: work.requests,
        RecordKind.BREACH: work.breaches,
    }
    return stores[kind]


def parents_of(kind: RecordKind, record: Any) -> tuple[tuple[RecordKind, str], ...]:
    """The person, the visit or the letter a record hangs on."""
    if isinstance(record, PatientLink):
        return (RecordKind.PATIENT, record.survivor_id), (RecordKind.PATIENT, record.duplicate_id)
    if isinstance(record, ReferralFeedback):
        return (RecordKind.PATIENT, record.patient_id), (RecordKind.REFERRAL, record.referral_id)
    if isinstance(record, DocumentSignature):
        person = (RecordKind.PATIENT, record.patient_id)
        signed = (record.target_kind, record.target_id)
        return (person, signed) if record.target_kind in SIGNED_KINDS else (person,)
    found: list[tuple[RecordKind, str]] = []
    # A case may be told of before its visit is signed, so the visit is no parent of it.
    if kind in _OF_A_PERSON:
        found.append((RecordKind.PATIENT, record.patient_id))
    elif kind in _PAPERS:
        found.append((RecordKind.PATIENT, record.patient_id))
        found.append((RecordKind.ENCOUNTER, record.encounter_id))
    return tuple(found)


def patient_of(kind: RecordKind, record: Any) -> str:
    """Whose record it is; empty for what is about no patient: a leak is the station's."""
    if kind is RecordKind.BREACH:
        return ""
    return str(record.id if kind is RecordKind.PATIENT else record.patient_id)
