"""What the use cases need to keep consents, requests and breaches, and to know restricted visits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from station_emr.domain.consent import Consent
from station_emr.domain.encounter import Encounter
from station_emr.domain.patient import Patient
from station_emr.domain.prescription import Prescription
from station_emr.domain.privacy_request import DataBreach, PrivacyRequest
from station_emr.domain.record import RecordKind, StationProfile
from station_emr.domain.referral import Referral

from .paper_ports import PrintMark
from .record_ports import RecordStore, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFacts:
    """What decides whether a visit is restricted. ``authors`` wrote one of its versions."""

    patient_id: str
    signed: bool
    codes: tuple[str, ...]
    authors: frozenset[str]


class ConsentStore(RecordStore[Consent], Protocol):
    def of_patient(self, patient_id: str) -> tuple[Stored[Consent], ...]:
        """Of every chart of this person, newest first."""

    def unanswered(self) -> tuple[Stored[Consent], ...]:
        """Taken back, and the person has not been answered yet."""


class RequestStore(RecordStore[PrivacyRequest], Protocol):
    def every(self) -> tuple[Stored[PrivacyRequest], ...]:
        """Newest first; what was voided is left out."""

    def of_patient(self, patient_id: str) -> tuple[Stored[PrivacyRequest], ...]:
        """Of every chart of this person, newest first."""


class BreachStore(RecordStore[DataBreach], Protocol):
    def every(self) -> tuple[Stored[DataBreach], ...]:
        """Newest first; what was voided is left out."""


class PrivacyRegister(Protocol):
    def visits(self, encounter_ids: Collection[str]) -> Mapping[str, VisitFacts]: ...
    def visit_of(self, kind: RecordKind, record_id: str) -> str:
        """The visit a paper hangs on; empty for what hangs on none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryVisit:
    """One visit of the summary, with what was prescribed and where the person was sent. ``result``
    names how the treatment ended.
    """

    encounter: Encounter
    result: str = ""
    prescription: Prescription | None = None
    referral: Referral | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSummary:
    """What Mẫu 03 is filled from. ``left_out`` counts restricted visits for the log; the page never
    says whether there are any. ``whole``: they were asked for and are in it.
    """

    station: StationProfile
    patient: Patient
    visits: tuple[SummaryVisit, ...]
    left_out: int = 0
    whole: bool = False
    request: PrivacyRequest | None = None


class PrivacyPapers(Protocol):
    """Forms of privacy as PDF bytes."""

    def consent_form(
        self, station: StationProfile, patient: Patient, consent: Consent, mark: PrintMark
    ) -> bytes: ...
    def request_form(
        self,
        station: StationProfile,
        patient: Patient,
        request: PrivacyRequest | None,
        mark: PrintMark,
    ) -> bytes: ...
    def summary(self, summary: RecordSummary, mark: PrintMark) -> bytes: ...
    def breach_report(
        self, station: StationProfile, breach: DataBreach, now: datetime, mark: PrintMark
    ) -> bytes: ...
