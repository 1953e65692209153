"""ServiceRequest with Task and letter → a referral; Appointment → a follow-up slip."""

from __future__ import annotations

from base64 import b64decode

from station_emr.domain.appointment import Appointment
from station_emr.domain.referral import Referral, ReferralReason

from .appointment import SIGNED as SLIP_SIGNED
from .appointment import SLIP
from .read_encounter import read_reasons
from .read_patient import read_facility_by_code
from .reading import (
    Parts,
    by_url,
    coded,
    first,
    id_in,
    identified,
    maybe_date,
    maybe_moment,
    must_refer,
    referred,
    text_in,
    unreadable,
)
from .referral import LETTER, REASON, SIGNED
from .uris import UriTable


def read_referral(parts: Parts, uris: UriTable) -> Referral:
    """The Task is the receiving facility's once they have answered; only its place is looked at."""
    request = parts.root
    patient = request["subject"]["reference"]
    must_refer(parts.only("t1", "Task"), "for", patient)
    letter = parts.only("d1", "DocumentReference")
    must_refer(letter, "subject", patient)
    extensions = by_url(request)
    reason = extensions.get(REASON)
    code, name = read_facility_by_code(first(request, "performer"))
    return Referral(
        id=parts.record_id,
        patient_id=id_in(request["subject"], "Patient"),
        encounter_id=referred(request, "encounter", "Encounter"),
        number=text_in(identified(request, uris.referral_number), "value"),
        to_facility_code=code,
        to_facility_name=name,
        diagnoses=read_reasons(request),
        reason=None
        if reason is None
        else ReferralReason(coded(reason["valueCodeableConcept"], uris.referral_reason_codes)[0]),
        transfer_at=maybe_moment(request, "occurrenceDateTime"),
        emergency=request.get("priority") == "stat",
        letter_code=b64decode(
            text_in(letter["content"][0]["attachment"], "data"), validate=True
        ).decode(),
        **LETTER.read(extensions),
        **SIGNED.read(extensions),
    )


def read_appointment(parts: Parts, uris: UriTable) -> Appointment:
    slip = parts.root
    extensions = by_url(slip)
    return Appointment(
        id=parts.record_id,
        patient_id=_patient(parts),
        encounter_id=_encounter(parts),
        number=text_in(identified(slip, uris.appointment_number), "value"),
        on=maybe_date(first(slip, "requestedPeriod"), "start"),
        diagnoses=read_reasons(slip),
        note=text_in(slip, "comment"),
        **SLIP.read(extensions),
        **SLIP_SIGNED.read(extensions),
    )


def _patient(parts: Parts) -> str:
    for one in parts.root["participant"]:
        if one.get("actor", {}).get("reference", "").startswith("Patient/"):
            return id_in(one["actor"], "Patient")
    raise unreadable("an appointment without a patient")


def _encounter(parts: Parts) -> str:
    for one in parts.root.get("supportingInformation", ()):
        if one.get("reference", "").startswith("Encounter/"):
            return id_in(one, "Encounter")
    return ""
