"""What the rows of a claim are made of: one visit with everything that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from .appointment import Appointment
from .billing import Bill
from .certificate import SickLeave
from .encounter import Encounter
from .patient import Patient
from .prescription import Prescription
from .record import PractitionerSnapshot
from .referral import Referral


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimOptions:
    """What a station fills in once. ``staff_codes``: user id to the employee code that stands in
    brackets for somebody without a licence.
    """

    facility_code: str
    version: str
    made_on: date
    department: str = ""  # MA_KHOA
    head_code: str = ""  # MA_TTDV
    district: str = ""  # MAHUYEN_CU_TRU
    staff_codes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def staff_code(self, person: PractitionerSnapshot | None) -> str:
        """MA_BAC_SI: the licence number, or the employee code in brackets; empty for nobody."""
        if person is None:
            return ""
        if person.licence_no:
            return person.licence_no
        code = self.staff_codes.get(person.user_id, "")
        return f"({code})" if code else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSource:
    """One visit as it stands. Papers are the signed ones, or those that are being written.

    ``tuberculosis`` is the row of table 15 by element, from whoever keeps that treatment.
    """

    encounter: Encounter
    patient: Patient
    options: ClaimOptions
    bill: Bill | None = None
    prescription: Prescription | None = None
    appointment: Appointment | None = None
    referral: Referral | None = None
    sick_leave: SickLeave | None = None
    tuberculosis: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
