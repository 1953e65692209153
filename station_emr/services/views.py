"""Rows ready for a screen: frozen, small, with nothing left to look up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from station_emr.domain.birth import BirthDate
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.encounter import Priority, Stage
from station_emr.domain.record import RecordKind, RecordStatus, Sex
from station_emr.domain.referral import ReferralReason
from station_emr.domain.referral_feedback import FeedbackState


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRow:
    """One answer of the patient search."""

    id: str
    full_name: str
    birth: BirthDate
    sex: Sex
    address_line: str = ""
    commune_name: str = ""
    phone: str = ""
    national_id: str = ""
    insurance_number: str = ""
    chart_number: str = ""
    last_visit_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateRow:
    """A person who may be the one being registered; ``reason`` says why in Vietnamese."""

    patient: PatientRow
    score: int  # 0 to 100
    reason: str
    certain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One card of today's screen."""

    encounter_id: str
    patient_id: str
    full_name: str
    birth: BirthDate
    sex: Sex
    address_line: str
    stage: Stage
    priority: Priority
    status: RecordStatus
    arrived_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    practitioner: str = ""
    has_vitals: bool = False
    allergies: str = ""
    chronic: bool = False
    last_blood_pressure: str = ""
    drug_count: int = 0
    prescription_status: RecordStatus | None = None
    referred_to: str = ""
    follow_up_on: date | None = None
    weight: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRow:
    """One visit in a patient's timeline, newest first."""

    encounter_id: str
    on: datetime
    status: RecordStatus
    stage: Stage
    reason: str
    diagnoses: tuple[str, ...] = ()
    drugs: tuple[str, ...] = ()
    practitioner: str = ""
    referred_to: str = ""
    referral_id: str = ""
    prescription_id: str = ""
    appointment_id: str = ""
    follow_up_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalPoint:
    """One point of a patient's trend."""

    at: datetime
    systolic: int | None = None
    diastolic: int | None = None
    weight: Decimal | None = None
    height: Decimal | None = None
    glucose: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralRow:
    """One letter in the referral list."""

    id: str
    encounter_id: str
    patient_id: str
    full_name: str
    birth: BirthDate
    sex: Sex
    number: str
    to_facility: str
    diagnosis: str
    status: RecordStatus
    written_at: datetime
    reason: ReferralReason | None = None
    printed: bool = False
    sent: bool = False
    emergency: bool = False
    answer: FeedbackState | None = None
    answer_reason: str = ""  # why the receiving facility refused
    answer_new: bool = False  # nobody on this machine has opened it


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogSummary:
    """One code list as it stands. ``version`` 1 is the starter list, each import adds one."""

    kind: CatalogKind
    count: int  # rows in force
    version: int
    source: str  # what was loaded last
    loaded_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintRow:
    """One print in the log."""

    kind: str
    record_id: str
    version: int
    copy: int
    printed_at: datetime
    user_name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One line of the audit chain."""

    seq: int
    at: datetime
    user_name: str
    role: str
    action: str
    kind: str = ""
    record_id: str = ""
    patient_id: str = ""
    detail: str = ""
    hash: str = ""
    user_id: str = ""
    account: str = ""
    device: str = ""
    source: str = ""
    purpose: str = ""
    result: str = "ok"
    skew: int | None = None  # seconds the server's clock was ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftForm:
    """An unfinished form as it stood when last saved by itself."""

    key: str
    user_id: str
    content: str  # JSON written by the screen
    saved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplacedForm:
    """A draft that gave way to a record of the same id from another machine. ``record`` is None when
    this program cannot read ``content`` any more.
    """

    key: str
    kind: RecordKind
    record_id: str
    record: Any | None
    content: str
    saved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much the station holds; the scripted day compares it with the server's own count."""

    patients: int
    encounters: int
    prescriptions: int
    referrals: int
    appointments: int
    outbox: int
    quarantined: int
