"""A unit back to the record it was made of: the reverse of :func:`.units.build_unit`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from station_emr.domain.operation import ReadRecord
from station_emr.domain.record import RecordKind, RecordStatus

from .basic import TYPE as BASIC
from .basic import basic_kind
from .bill import read_bill
from .certificate import read_certificate
from .consent import read_consent
from .datatypes import Resource
from .feedback import read_feedback
from .notification import read_notification
from .practitioner import ACTIVE_BEFORE
from .privacy import read_breach, read_request
from .read_encounter import read_encounter
from .read_papers import read_appointment, read_referral
from .read_patient import read_patient
from .read_prescription import read_prescription
from .read_station import read_facility, read_link, read_practitioner
from .reading import BROKEN, Parts, UnreadableUnit, by_url, is_gone, is_retired, unreadable
from .signature import read_signature
from .station_rights import read_rights, read_standing
from .uris import VN_CORE, UriTable


class _Reader(NamedTuple):
    kind: RecordKind
    read: Callable[[Parts, UriTable], Any]


_READERS: Final = {
    "Patient": _Reader(RecordKind.PATIENT, read_patient),
    "Encounter": _Reader(RecordKind.ENCOUNTER, read_encounter),
    "MedicationRequest": _Reader(RecordKind.PRESCRIPTION, read_prescription),
    "ServiceRequest": _Reader(RecordKind.REFERRAL, read_referral),
    "Appointment": _Reader(RecordKind.APPOINTMENT, read_appointment),
    "Linkage": _Reader(RecordKind.LINK, read_link),
    "Task": _Reader(RecordKind.FEEDBACK, read_feedback),
    "Provenance": _Reader(RecordKind.SIGNATURE, read_signature),
    "Consent": _Reader(RecordKind.CONSENT, read_consent),
    "QuestionnaireResponse": _Reader(RecordKind.CERTIFICATE, read_certificate),
    "Communication": _Reader(RecordKind.NOTIFICATION, read_notification),
    "Invoice": _Reader(RecordKind.BILL, read_bill),
    "Practitioner": _Reader(RecordKind.PRACTITIONER, read_practitioner),
    "Organization": _Reader(RecordKind.FACILITY, read_facility),
}
_BASICS: Final = {
    one.kind.value: one
    for one in (
        _Reader(RecordKind.RIGHTS, read_rights),
        _Reader(RecordKind.STANDING, read_standing),
        _Reader(RecordKind.REQUEST, read_request),
        _Reader(RecordKind.BREACH, read_breach),
    )
}
"""What a Basic is, by its code."""
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_FIRST_LINE: Final = (
    "-l1"  # a prescription has no resource of its own, its first line stands for it
)


def read_unit(resources: Sequence[Resource], *, uris: UriTable = VN_CORE) -> ReadRecord:
    """The record that ``resources`` were built of, with everything they say.

    What earlier versions had and this one took back is no part of it; a voided record keeps its
    whole content. Resources that the mapping does not know are passed over if their id is derived
    from the record's. Raises ValueError, without a word of the record, for anything that is not a
    whole unit of ours.
    """
    try:
        reader, parts = _take_apart(resources)
        record = reader.read(parts, uris)
    except UnreadableUnit:
        raise
    except BROKEN:
        raise unreadable("the resources are not a whole unit") from None
    status = RecordStatus.VOIDED if parts.voided else RecordStatus.SIGNED
    return ReadRecord(reader.kind, record, status)


def _take_apart(resources: Sequence[Resource]) -> tuple[_Reader, Parts]:
    root = resources[0]
    reader = _reader_of(root)
    if reader is None:
        raise unreadable("the first resource is not a record's own")
    record_id = _record_id(root, reader.kind)
    parts = Parts(root, record_id, is_voided(resources, reader.kind))
    start, cut = f"{record_id}-", len(record_id) + 1
    live, gone = parts.live, parts.gone
    seen: set[tuple[str, str]] = set()
    children = resources if reader.kind is RecordKind.PRESCRIPTION else resources[1:]
    for child in children:
        name = child["id"]
        if not name.startswith(start) or _ID.fullmatch(name) is None:
            raise unreadable("a resource of another record")
        end = name[cut:]
        key = (child["resourceType"], end)
        if key in seen:
            raise unreadable("a resource stands there twice")
        seen.add(key)
        if is_gone(child, voided=parts.voided):
            gone[end] = child
        else:
            live[end] = child
    return reader, parts


def _reader_of(root: Resource) -> _Reader | None:
    if root["resourceType"] == BASIC:
        return _BASICS.get(basic_kind(root))
    return _READERS.get(root["resourceType"])


def _record_id(root: Resource, kind: RecordKind) -> str:
    name = root["id"]
    if _ID.fullmatch(name) is None:
        raise unreadable("an id that FHIR does not allow")
    if kind is not RecordKind.PRESCRIPTION:
        return str(name)
    if not name.endswith(_FIRST_LINE):
        raise unreadable("the first line of a prescription is missing")
    return str(name[: -len(_FIRST_LINE)])


def is_voided(resources: Sequence[Resource], kind: RecordKind) -> bool:
    """Whether the record is, not merely a part of it.

    A person who no longer works here is not active either; a prescription of which another system
    stopped the first line still has the others.
    """
    if kind is RecordKind.PRACTITIONER:
        return ACTIVE_BEFORE in by_url(resources[0])
    if kind is RecordKind.PRESCRIPTION:
        return all(is_retired(line) for line in resources)
    return is_retired(resources[0])
