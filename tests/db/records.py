"""Synthetic records and a store that tests may fill."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from station_emr.db.store import EncryptedStore
from station_emr.domain.appointment import Appointment
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Encounter
from station_emr.domain.identity import BirthDate
from station_emr.domain.patient import Address, Allergy, ChronicCondition, Coverage, Patient
from station_emr.domain.permissions import Role
from station_emr.domain.prescription import Prescription, PrescriptionLine
from station_emr.domain.record import PractitionerSnapshot, RecordStatus, Sex, StationProfile
from station_emr.domain.referral import Referral, ReferralReason
from station_emr.domain.user import Actor, User
from station_emr.domain.vitals import VitalSigns

KEY = bytes(range(32))
ZONE = timezone(timedelta(hours=7))
NOW = datetime(2026, 3, 4, 8, 0, tzinfo=ZONE)
TODAY = date(2026, 3, 4)
LATER = NOW + timedelta(minutes=30)
UTC_NOW = NOW.astimezone(UTC)

DOCTOR = User(
    id="00000000-0000-7000-8000-00000000d0c0",
    username="bs.mau",
    full_name="Trần Thị Mẫu",
    role=Role.DOCTOR,
    title="BS.",
    licence_no="MAU-0001",
)
ME: PractitionerSnapshot = DOCTOR.snapshot
ACTOR = Actor(user=DOCTOR, device="Máy 1")
STATION = StationProfile(
    facility_id="00000000-0000-7000-8000-00000000face",
    code="DEMO1",
    name="Trạm Y tế xã Mẫu",
    parent_authority="Sở Y tế tỉnh Mẫu",
    demo=True,
)


def record_id(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012x}"


def patient(number: int = 1, name: str = "Rơ Châm H'Bĕ̆", **changes) -> Patient:
    return replace(
        Patient(
            id=record_id(number),
            full_name=name,
            birth=BirthDate(1990, 3),
            sex=Sex.FEMALE,
            chart_number=f"A26.{number:06d}",
            national_id=f"064190{number:06d}",
            phone=f"09{number:08d}",
            address=Address(line="Làng Mẫu 1", commune_name="Xã Mẫu"),
            coverages=(Coverage(number=f"GD466{number:010d}", valid_from=TODAY),),
            allergies=(Allergy(substance="Penicillin", noted_on=TODAY),),
            conditions=(ChronicCondition(icd_code="I10", title="Tăng huyết áp"),),
        ),
        **changes,
    )


def encounter(number: int = 101, patient_number: int = 1, **changes) -> Encounter:
    return replace(
        Encounter(
            id=record_id(number),
            patient_id=record_id(patient_number),
            arrived_at=NOW,
            reason="Đau đầu nhiều ngày",
            vitals=(VitalSigns(systolic=150, diastolic=90, weight=Decimal("52.5")),),
            diagnoses=(
                Diagnosis(icd_code="I10", title="Tăng huyết áp vô căn", role=DiagnosisRole.MAIN),
            ),
            practitioner=ME,
        ),
        **changes,
    )


def prescription(number: int = 201, **changes) -> Prescription:
    line = PrescriptionLine(drug_code="D1", inn="Amlodipin", label="Amlodipin 5 mg", days=30)
    return replace(
        Prescription(
            id=record_id(number),
            patient_id=record_id(1),
            encounter_id=record_id(101),
            lines=(line,),
            written_at=NOW,
        ),
        **changes,
    )


def referral(number: int = 301, **changes) -> Referral:
    return replace(
        Referral(
            id=record_id(number),
            patient_id=record_id(1),
            encounter_id=record_id(101),
            number="A26.0001",
            to_facility_name="Bệnh viện Mẫu",
            diagnoses=encounter().diagnoses,
            reason=ReferralReason.BEYOND_CAPACITY,
            transfer_at=NOW,
        ),
        **changes,
    )


def appointment(number: int = 401, **changes) -> Appointment:
    return replace(
        Appointment(
            id=record_id(number),
            patient_id=record_id(1),
            encounter_id=record_id(101),
            on=TODAY + timedelta(days=14),
            diagnoses=encounter().diagnoses,
        ),
        **changes,
    )


def create(folder: Path) -> EncryptedStore:
    return EncryptedStore.create(folder / "station.db", KEY)


def sign(repository, record, *, version: int = 0, status=RecordStatus.SIGNED, reason="", at=NOW):
    """Write the next version of ``record`` as the demo doctor."""
    return repository.add_version(
        record, status, author=ME, at=at, reason=reason, expected_version=version
    )
