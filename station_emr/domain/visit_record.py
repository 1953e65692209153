"""A whole visit: the person, what was found, and every paper that came out of it."""

from __future__ import annotations

from dataclasses import dataclass

from .appointment import Appointment
from .encounter import Encounter
from .patient import Patient
from .prescription import Prescription
from .record import RecordStatus, StationProfile
from .referral import Referral


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRecord:
    """As it stands now. A paper that was voided or never signed is None."""

    station: StationProfile
    patient: Patient
    encounter: Encounter
    status: RecordStatus
    version: int
    prescription: Prescription | None = None
    referral: Referral | None = None
    appointment: Appointment | None = None
    national_code: str = ""  # the facility's 13-digit code (QĐ 1551), a setting
