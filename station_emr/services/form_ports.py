"""What the use cases need to keep certificates and notices, and to know which visits need one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from station_emr.domain.appointment import Appointment
from station_emr.domain.certificate import SickLeave
from station_emr.domain.encounter import Encounter, PatientSnapshot
from station_emr.domain.notification import CommunicableDiseaseNotification
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import StationProfile
from station_emr.domain.referral import Referral

from .form_data import FormTemplate
from .paper_ports import PrintMark
from .record_ports import PaperStore, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedVisit:
    """A visit with its diagnoses as shown (code, then words), and the diseases already told of."""

    encounter_id: str
    patient_id: str
    patient_name: str
    arrived_at: datetime
    diagnoses: tuple[str, ...]
    told: frozenset[str]


class CertificateStore(PaperStore[SickLeave], Protocol):
    def between(self, since: date, until: date) -> tuple[Stored[SickLeave], ...]:
        """Signed ones, voided ones too, by their first day."""


class NotificationStore(PaperStore[CommunicableDiseaseNotification], Protocol):
    def since(self, at: datetime) -> tuple[Stored[CommunicableDiseaseNotification], ...]:
        """Not voided: every one that was not told yet, and those detected since. Newest first."""

    def untold(self) -> tuple[Stored[CommunicableDiseaseNotification], ...]:
        """Kept but not told yet, the most urgent first."""

    def of_visit(self, encounter_id: str) -> tuple[Stored[CommunicableDiseaseNotification], ...]:
        """Not voided; a visit may need several."""

    def coded_visits(self, since: date) -> tuple[CodedVisit, ...]:
        """Visits with a diagnosis, drafts too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDossier:
    """Everything a form about one visit is filled from. ``result`` and ``transport`` are words."""

    station: StationProfile
    patient: PatientSnapshot
    encounter: Encounter
    prescription: Prescription | None = None
    referral: Referral | None = None
    appointment: Appointment | None = None
    result: str = ""
    transport: str = ""
    head_name: str = ""


class TemplateForms(Protocol):
    """Forms whose labels and order are data, as PDF bytes."""

    def visit_form(
        self, template: FormTemplate, dossier: VisitDossier, mark: PrintMark
    ) -> bytes: ...
