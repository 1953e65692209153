"""What the receiving facility answered to a referral letter: its own record, written there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class FeedbackState(StrEnum):
    """The words of FHIR's Task."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ARRIVED = "in-progress"
    COMPLETED = "completed"

    @property
    def label(self) -> str:
        return {
            "accepted": "Bệnh viện đã nhận",
            "rejected": "Bệnh viện từ chối",
            "in-progress": "Người bệnh đã đến viện",
            "completed": "Đã phản hồi",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralFeedback:
    """The newest answer; the versions before it say what was answered earlier. The items are those
    of the reply slip, the letter's third page.
    """

    id: str
    referral_id: str
    patient_id: str
    state: FeedbackState
    answered_at: datetime | None = None
    answered_by: str = ""
    receiver_code: str = ""
    receiver_name: str = ""
    reason: str = ""  # of a rejection
    admitted_on: date | None = None
    discharged_on: date | None = None
    diagnosis_code: str = ""
    diagnosis: str = ""
    treatment: str = ""
    outcome: str = ""
    medicines: str = ""
    advice: str = ""
    follow_up_on: date | None = None
    follow_up_at: str = ""
    doctor: str = ""

    @property
    def has_slip(self) -> bool:
        """Whether the reply slip was filled, not only accepted or rejected."""
        return bool(self.diagnosis or self.diagnosis_code or self.treatment or self.advice)
