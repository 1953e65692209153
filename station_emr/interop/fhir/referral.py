"""A referral letter → ServiceRequest, the Task the receiving facility works on, DocumentReference."""

from __future__ import annotations

from base64 import b64encode

from station_emr.domain.referral import Referral

from .datatypes import (
    Json,
    Resource,
    coding,
    concept,
    extension,
    facility_by_code,
    filled,
    identifier,
    moment,
    organization,
    present,
    reference,
    resource,
    staff,
)
from .encounter import reason_concept
from .own_extensions import AsSigned, OwnFields
from .uris import LOINC, SNOMED, UriTable, own_extension

_PATIENT_REFERRAL = "3457005"
_REFERRAL_NOTE = "57133-1"
# The items of the form of TT 01/2025 (annex VI) that FHIR has no element for.
_ITEMS = (
    "record_number",
    "register_number",
    "to_facility_level",
    "card_unlimited",
    "prior_care",
    "clinical_signs",
    "test_results",
    "procedures",
    "procedures_start",
    "procedures_end",
    "treatment",
    "condition_on_transfer",
    "plan",
    "one_year",
    "transport",
    "escort",
)
REASON = own_extension("referral-reason")
LETTER = OwnFields("referral-letter", Referral, _ITEMS)
SIGNED = AsSigned(Referral, ("station", "patient", "referrer", "signature"))


def referral_resources(referral: Referral, uris: UriTable) -> list[Resource]:
    return [
        _request(referral, uris),
        _task(referral, uris),
        _letter(referral, uris),
    ]


def _signed_at(referral: Referral) -> str | None:
    return moment(referral.signature.at if referral.signature else referral.transfer_at)


def _receiver(referral: Referral, uris: UriTable) -> Json:
    return facility_by_code(uris, referral.to_facility_code, referral.to_facility_name)


def _priority(referral: Referral) -> str:
    return "stat" if referral.emergency else "routine"


def _request(referral: Referral, uris: UriTable) -> Resource:
    reason = referral.reason
    return resource(
        "ServiceRequest",
        referral.id,
        extension=present(
            extension(
                REASON,
                valueCodeableConcept=concept(
                    coding(uris.referral_reason_codes, reason.value, reason.label)
                )
                if reason is not None
                else None,
            ),
            LETTER.write(referral),
            SIGNED.write(referral),
        ),
        identifier=present(
            identifier(uris.record, referral.id),
            identifier(uris.referral_number, referral.number, "PLAC"),
        ),
        status="active",
        intent="order",
        category=[concept(coding(SNOMED, _PATIENT_REFERRAL))],
        priority=_priority(referral),
        code=concept(coding(SNOMED, _PATIENT_REFERRAL), text="Chuyển cơ sở khám bệnh, chữa bệnh"),
        subject=reference("Patient", referral.patient_id),
        encounter=reference("Encounter", referral.encounter_id),
        occurrenceDateTime=moment(referral.transfer_at),
        authoredOn=_signed_at(referral),
        requester=staff(referral.referrer),
        performer=present(_receiver(referral, uris)),
        reasonCode=[reason_concept(diagnosis) for diagnosis in referral.diagnoses],
        supportingInfo=[reference("DocumentReference", f"{referral.id}-d1")],
    )


def _task(referral: Referral, uris: UriTable) -> Resource:
    """``requested`` until the receiving facility answers; from then on the Task is theirs."""
    return resource(
        "Task",
        f"{referral.id}-t1",
        identifier=present(identifier(uris.record, f"{referral.id}-t1")),
        status="requested",
        intent="order",
        priority=_priority(referral),
        code=concept(
            coding("http://hl7.org/fhir/CodeSystem/task-code", "fulfill"),
            text="Tiếp nhận người bệnh chuyển đến",
        ),
        focus=reference("ServiceRequest", referral.id),
        for_=reference("Patient", referral.patient_id),
        encounter=reference("Encounter", referral.encounter_id),
        authoredOn=_signed_at(referral),
        requester=organization(referral.station) or staff(referral.referrer),
        owner=_receiver(referral, uris),
    )


def _letter(referral: Referral, uris: UriTable) -> Resource:
    """The letter's own signed text, the same as in its QR code; the PDF follows as a Binary."""
    code = referral.letter_code.encode()
    return resource(
        "DocumentReference",
        f"{referral.id}-d1",
        identifier=present(identifier(uris.record, f"{referral.id}-d1")),
        status="current",
        docStatus="final",
        type=concept(coding(LOINC, _REFERRAL_NOTE), text="Phiếu chuyển cơ sở khám bệnh, chữa bệnh"),
        subject=reference("Patient", referral.patient_id),
        date=_signed_at(referral),
        author=present(staff(referral.referrer)),
        custodian=organization(referral.station),
        content=[
            {
                "attachment": filled(
                    contentType="text/plain" if code else None,
                    language="vi",
                    data=b64encode(code).decode("ascii"),
                    title=f"Phiếu chuyển số {referral.number}".removesuffix(" số "),
                )
            }
        ],
        context=filled(encounter=present(reference("Encounter", referral.encounter_id))),
    )
