"""What the use cases need to put signed content on paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from station_emr.domain.appointment import Appointment
from station_emr.domain.billing import Bill
from station_emr.domain.certificate import SickLeave
from station_emr.domain.notification import CommunicableDiseaseNotification
from station_emr.domain.prescription import Prescription
from station_emr.domain.referral import Referral


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintMark:
    """What a print of an electronic record must say at its foot (NĐ 137/2024 art. 5)."""

    printed_at: datetime
    printed_by: str
    copy: int  # 1 for the first print; above 1 the page says "bản in lại"
    draft: bool = False
    voided: bool = False
    outdated: bool = False  # an earlier version, looked at; another one stands
    version: int = 1
    system: str = "Station EMR"
    electronic: bool = False  # sent as a file, never printed: no copy, and nobody converted it


class Documents(Protocol):
    """Printed forms: signed content in, PDF bytes out."""

    def referral(self, referral: Referral, mark: PrintMark) -> bytes: ...
    def prescription(self, prescription: Prescription, mark: PrintMark) -> bytes: ...
    def appointment(self, appointment: Appointment, mark: PrintMark) -> bytes: ...
    def certificate(self, certificate: SickLeave, mark: PrintMark) -> bytes: ...
    def bill(self, bill: Bill, mark: PrintMark) -> bytes: ...
    def notification(
        self, notification: CommunicableDiseaseNotification, mark: PrintMark
    ) -> bytes: ...
    def recovery_sheet(self, station_name: str, code: str, at: datetime) -> bytes: ...


class LetterSigner(Protocol):
    """The station's Ed25519 key."""

    def sign(self, referral: Referral) -> str:
        """The text of the letter's QR code."""
