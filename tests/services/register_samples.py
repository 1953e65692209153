"""Visits of any moment, written as signed records, for the tests of registers and reports."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from station_emr.domain.encounter import (
    Diagnosis,
    DiagnosisRole,
    Encounter,
    PatientSnapshot,
    Procedure,
)
from station_emr.domain.prescription import Prescription, PrescriptionLine
from station_emr.domain.record import RecordStatus, Signature
from station_emr.domain.referral import Referral, ReferralReason

VN = timezone(timedelta(hours=7))
ILLNESSES = (
    ("I10", "Tăng huyết áp mẫu"),
    ("J06.9", "Nhiễm trùng hô hấp mẫu"),
    ("K29.7", "Viêm dạ dày mẫu"),
    ("A97.0", "Sốt xuất huyết Dengue mẫu"),
    ("A15.0", "Lao phổi mẫu"),
    ("B20", "Bệnh do HIV mẫu"),
    ("F20.0", "Tâm thần phân liệt mẫu"),
)
DRUGS = (("Paracetamol 500 mg", "viên"), ("Oresol 20,5 g", "gói"), ("Amlodipin 5 mg", "viên"))


def at(day: int, hour: int = 8, minute: int = 0, month: int = 11, zone=VN) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=zone)


def write(station, patient, arrived, code="I10", title="Bệnh mẫu", **changes) -> Encounter:
    """A signed visit that began at ``arrived``."""
    doctor = station.doctor.user.snapshot
    fields = {
        "reason": "Đau đầu",
        "result": "2",
        "treatment": "Nghỉ ngơi",
        "diagnoses": (Diagnosis(icd_code=code, title=title, role=DiagnosisRole.MAIN),),
        "patient": snapshot(patient),
        "practitioner": doctor,
        "signature": Signature(by=doctor, at=arrived + timedelta(minutes=20)),
    } | changes
    visit = Encounter(
        id=station.clock.new_id(), patient_id=patient.id, arrived_at=arrived, **fields
    )
    add(station, "encounters", visit)
    return visit


def snapshot(patient) -> PatientSnapshot:
    return PatientSnapshot(
        patient_id=patient.id,
        full_name=patient.full_name,
        birth=patient.birth,
        sex=patient.sex,
        national_id=patient.national_id,
        address=patient.address.text,
        ethnic_name=patient.ethnic_name,
        occupation_name=patient.occupation_name,
    )


def add(station, store, record, version=0, status=RecordStatus.SIGNED, reason=""):
    with station.store.write() as work:
        getattr(work, store).add_version(
            record,
            status,
            author=station.doctor.user.snapshot,
            at=station.clock.now(),
            reason=reason,
            expected_version=version,
        )


def amend(station, visit, version=1, reason="Ghi nhầm", **changes) -> Encounter:
    changed = replace(visit, **changes)
    add(station, "encounters", changed, version, RecordStatus.AMENDED, reason)
    return changed


def void(station, visit, version=1) -> None:
    add(station, "encounters", visit, version, RecordStatus.VOIDED, "Ghi nhầm người")


def prescribe(station, visit, *lines) -> Prescription:
    doctor = station.doctor.user.snapshot
    paper = Prescription(
        id=station.clock.new_id(),
        patient_id=visit.patient_id,
        encounter_id=visit.id,
        code="DEMO1mau0001-C",
        lines=tuple(
            PrescriptionLine(
                drug_code=name, inn=name, label=name, unit=unit, quantity=Decimal(count)
            )
            for name, unit, count in lines
        ),
        diagnoses=visit.diagnoses,
        written_at=visit.arrived_at,
        patient=visit.patient,
        prescriber=doctor,
        signature=Signature(by=doctor, at=visit.arrived_at),
    )
    add(station, "prescriptions", paper)
    return paper


def refer(station, visit, signed, reason=ReferralReason.BEYOND_CAPACITY) -> Referral:
    doctor = station.doctor.user.snapshot
    letter = Referral(
        id=station.clock.new_id(),
        patient_id=visit.patient_id,
        encounter_id=visit.id,
        number="1/PCCKCB",
        to_facility_name="Bệnh viện Mẫu",
        diagnoses=visit.diagnoses,
        reason=reason,
        transfer_at=signed,
        patient=visit.patient,
        referrer=doctor,
        signature=Signature(by=doctor, at=signed),
    )
    add(station, "referrals", letter)
    return letter


def many(station, count: int, seed: int, first: datetime, days: int) -> list[Encounter]:
    """Visits of a few people over some days, some with drugs, letters, amendments, voided ones."""
    chance = random.Random(seed)
    people = [station.register() for _ in range(4)]
    made = []
    for _ in range(count):
        arrived = first + timedelta(minutes=chance.randrange(days * 1440))
        code, title = chance.choice(ILLNESSES)
        visit = write(
            station,
            chance.choice(people),
            arrived,
            code,
            title,
            result=chance.choice(("1", "2", "5")),
            coverage_number=chance.choice(("", "GD4640000000001")),
            procedures=(Procedure(code="T1", name="Đường máu mẫu", is_test=True),)
            if chance.random() < 0.3
            else (),
        )
        if chance.random() < 0.5:
            picked = chance.sample(DRUGS, chance.randint(1, 2))
            prescribe(station, visit, *((n, u, chance.randint(1, 30)) for n, u in picked))
        if chance.random() < 0.2:
            refer(station, visit, arrived + timedelta(minutes=30))
        fate = chance.random()
        if fate < 0.1:
            void(station, visit)
            continue
        if fate < 0.25:
            other, name = chance.choice(ILLNESSES)
            main = Diagnosis(icd_code=other, title=name, role=DiagnosisRole.MAIN)
            visit = amend(station, visit, diagnoses=(main,))
        made.append(visit)
    return made
