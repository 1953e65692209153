"""The follow-up appointment: "Phiếu hẹn khám lại" (annex V of TT 01/2025/TT-BYT)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from .encounter import Diagnosis, PatientSnapshot
from .errors import Problem
from .record import PractitionerSnapshot, Signature, StationProfile

FARTHEST = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A follow-up visit asked for; one slip after one course of care (TT 01/2025 art. 11)."""

    id: str
    patient_id: str
    encounter_id: str
    number: str = ""
    on: date | None = None
    visited_on: date | None = None
    admitted_on: date | None = None
    discharged_on: date | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    note: str = ""
    station: StationProfile | None = None
    patient: PatientSnapshot | None = None
    practitioner: PractitionerSnapshot | None = None
    signature: Signature | None = None


def check_appointment(appointment: Appointment, today: date) -> tuple[Problem, ...]:
    """A follow-up needs a day after today and a diagnosis."""
    problems: list[Problem] = []
    if appointment.on is None:
        problems.append(
            Problem(field="on", code="date-required", message="Chưa chọn ngày hẹn khám lại.")
        )
    elif appointment.on <= today:
        problems.append(
            Problem(
                field="on",
                code="date-past",
                message="Ngày hẹn khám lại phải sau ngày hôm nay. Hãy chọn lại ngày.",
            )
        )
    elif appointment.on - today > FARTHEST:
        problems.append(
            Problem(
                field="on",
                code="date-far",
                message="Ngày hẹn xa hơn một năm. Hãy xem lại năm đã nhập.",
            )
        )
    elif appointment.on.weekday() == 6:
        problems.append(
            Problem(
                field="on",
                code="date-sunday",
                message="Ngày hẹn rơi vào Chủ nhật. Hãy xác nhận nếu trạm có làm việc.",
                severity="confirm",
            )
        )
    if not appointment.diagnoses:
        problems.append(
            Problem(
                field="diagnoses",
                code="diagnosis-required",
                message="Chưa có chẩn đoán trên phiếu hẹn khám lại.",
            )
        )
    return tuple(problems)
