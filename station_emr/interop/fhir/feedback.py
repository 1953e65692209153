"""The receiving facility's answer to a referral letter ↔ Task: focus is the letter, output the slip.

The province's server writes it (``provincial_server/referrals/answering.py``); the station reads it,
and can say the same in the same words when another server has to be told.
"""

from __future__ import annotations

from typing import Any, Final

from station_emr.domain.referral_feedback import FeedbackState, ReferralFeedback

from .datatypes import (
    Json,
    Resource,
    coding,
    concept,
    day,
    facility_by_code,
    filled,
    identifier,
    moment,
    present,
    reference,
    resource,
)
from .read_patient import read_facility_by_code
from .reading import Parts, coded, date_in, first, id_in, maybe_moment, text_in, unreadable
from .uris import ICD10, UriTable, own_system

ITEMS: Final = own_system("referral-feedback")
STATES: Final = own_system("referral-feedback-state")
_DATES: Final = ("admitted_on", "discharged_on", "follow_up_on")
_TEXTS: Final = ("treatment", "outcome", "medicines", "advice", "follow_up_at", "doctor")


def feedback_resources(feedback: ReferralFeedback, uris: UriTable) -> list[Resource]:
    return [
        resource(
            "Task",
            feedback.id,
            identifier=present(identifier(uris.record, feedback.id)),
            status=feedback.state.value,
            # A voided Task is "entered in error"; what it had said stands here.
            businessStatus=concept(coding(STATES, feedback.state.value)),
            statusReason=concept(text=feedback.reason),
            intent="order",
            code=concept(text="Trả lời phiếu chuyển cơ sở khám bệnh, chữa bệnh"),
            focus=reference("ServiceRequest", feedback.referral_id),
            for_=reference("Patient", feedback.patient_id),
            lastModified=moment(feedback.answered_at),
            owner=facility_by_code(uris, feedback.receiver_code, feedback.receiver_name),
            note=present(filled(text=feedback.answered_by)),
            output=_outputs(feedback),
        )
    ]


def _outputs(feedback: ReferralFeedback) -> list[Json]:
    diagnosis = concept(coding(ICD10, feedback.diagnosis_code), text=feedback.diagnosis)
    said: list[tuple[str, Json]] = [
        ("diagnosis", filled(valueCodeableConcept=diagnosis)),
        *((name, filled(valueDate=day(getattr(feedback, name)))) for name in _DATES),
        *((name, filled(valueString=getattr(feedback, name))) for name in _TEXTS),
    ]
    return [{"type": concept(coding(ITEMS, name)), **value} for name, value in said if value]


def read_feedback(parts: Parts, uris: UriTable) -> ReferralFeedback:
    """Outputs of a later program are passed over; they stay in the line."""
    del uris  # the receiving facility is named by whatever system it has
    task = parts.root
    state = coded(task.get("businessStatus", {}), STATES)[0] or text_in(task, "status")
    said: dict[str, Json] = {}
    for one in task.get("output", ()):
        name = coded(one["type"], ITEMS)[0]
        if name in said:
            raise unreadable("an item of the answer stands there twice")
        if name:
            said[name] = one
    code, name = read_facility_by_code(task.get("owner", {}))
    fields: dict[str, Any] = {item: text_in(said.get(item, {}), "valueString") for item in _TEXTS}
    fields |= {item: date_in(said[item]["valueDate"]) for item in _DATES if item in said}
    diagnosis = said.get("diagnosis", {}).get("valueCodeableConcept", {})
    return ReferralFeedback(
        id=parts.record_id,
        referral_id=id_in(task["focus"], "ServiceRequest"),
        patient_id=id_in(task["for"], "Patient"),
        state=FeedbackState(state),
        answered_at=maybe_moment(task, "lastModified"),
        answered_by=text_in(first(task, "note"), "text"),
        receiver_code=code,
        receiver_name=name,
        reason=text_in(task.get("statusReason", {}), "text"),
        diagnosis_code=coded(diagnosis, ICD10)[0],
        diagnosis=text_in(diagnosis, "text"),
        **fields,
    )
