"""Made-up visits of a made-up station, for the claims of the tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from station_emr.domain.appointment import Appointment
from station_emr.domain.billing import Bill, BillItem, ItemKind, Sources
from station_emr.domain.birth import BirthDate
from station_emr.domain.certificate import SickLeave
from station_emr.domain.claim_source import ClaimOptions, ClaimSource
from station_emr.domain.encounter import (
    Diagnosis,
    DiagnosisRole,
    Encounter,
    Procedure,
    ProgressNote,
)
from station_emr.domain.patient import Address, Coverage, Guardian, Patient
from station_emr.domain.prescription import Prescription, PrescriptionLine
from station_emr.domain.record import PractitionerSnapshot, Sex, Signature
from station_emr.domain.referral import Referral, ReferralReason
from station_emr.domain.vitals import VitalSigns

VIETNAM = timezone(timedelta(hours=7))
DOCTOR = PractitionerSnapshot(
    user_id="u1", full_name="Trần Văn Giả Định", title="BS.", licence_no="000000/MAU-GPHN"
)
NURSE = PractitionerSnapshot(user_id="u2", full_name="Lê Thị Giả Định")
CARD = Coverage(
    number="DN4520000000001",
    valid_from=date(2026, 1, 1),
    valid_to=date(2026, 12, 31),
    initial_facility="52000",
    living_area="K1",
    five_year_on=date(2020, 3, 1),
    copay_exempt_on=date(2026, 9, 15),
)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=VIETNAM)


def options(version: str = "1931", **changes: Any) -> ClaimOptions:
    kept = ClaimOptions(
        facility_code="MAU01",
        version=version,
        made_on=date(2026, 11, 23),
        department="K01",
        head_code="000001/MAU-GPHN",
        staff_codes={"u2": "NV02"},
    )
    return replace(kept, **changes)


OPTIONS_OLD = options("4750", head_code="5200000009", district="999")


def patient(**changes: Any) -> Patient:
    kept = Patient(
        id="00000000-0000-7000-8000-000000000001",
        full_name="Nguyễn Thị Mẫu Ngần",
        birth=BirthDate(1992, 5),
        sex=Sex.FEMALE,
        chart_number="BN000123",
        national_id="052192000000",
        phone="0900000000",
        address=Address(
            line="Làng Mẫu",
            commune_code="99901",
            commune_name="xã Giả Định",
            province_code="52",
            province_name="tỉnh Gia Lai",
        ),
        ethnic_code="10",
        occupation_code="63",
        workplace="Hợp tác xã Mẫu",
        coverages=(CARD,),
        blood_type="O+",
    )
    return replace(kept, **changes)


COLD = Diagnosis(
    icd_code="J06.9", title="Nhiễm khuẩn hô hấp trên cấp", role=DiagnosisRole.MAIN, note="ngày 2"
)
PRESSURE = Diagnosis(icd_code="I10", title="Tăng huyết áp vô căn")


def visit(**changes: Any) -> Encounter:
    """An examination with a rapid test, J06.9 and I10."""
    kept = Encounter(
        id="01930000-0000-7000-8000-0000000000a1",
        patient_id=patient().id,
        number="KB26-00012",
        arrived_at=at(10, 8, 5),
        started_at=at(10, 8, 12),
        ended_at=at(10, 8, 40),
        reason="Ho & sốt > 2 ngày",
        preliminary_diagnosis="Theo dõi nhiễm khuẩn hô hấp",
        history="Ho hai ngày nay.",
        vitals=(
            VitalSigns(
                measured_at=at(10, 8, 10),
                pulse=82,
                systolic=120,
                diastolic=70,
                temperature=Decimal("38.5"),
                weight=Decimal("52.50"),
            ),
        ),
        examination="Họng đỏ.",
        diagnoses=(PRESSURE, COLD),
        procedures=(
            Procedure(
                code="XN.MAU",
                name="Xét nghiệm nhanh cúm A",
                is_test=True,
                result="Âm tính",
                unit="",
                indicator="CS.MAU",
                conclusion="Không thấy cúm A",
                ordered_at=at(10, 8, 15),
                started_at=at(10, 8, 18),
                ended_at=at(10, 8, 30),
                performer_licence="000002/MAU-GPHN",
            ),
        ),
        treatment="Điều trị nội khoa",
        advice="Uống nhiều nước",
        result="2",
        practitioner=DOCTOR,
        signature=Signature(by=DOCTOR, at=at(10, 8, 41)),
    )
    return replace(kept, **changes)


def prescription(**changes: Any) -> Prescription:
    line = PrescriptionLine(
        drug_code="T1",
        inn="Paracetamol",
        label="Paracetamol 500 mg",
        strength="500 mg",
        form="Viên nén",
        route_code="1.01",
        dose=Decimal(1),
        times_per_day=4,
        days=5,
        meal="sau ăn",
    )
    kept = Prescription(
        id="p1",
        patient_id=patient().id,
        encounter_id=visit().id,
        lines=(line,),
        written_at=at(10, 8, 35),
        prescriber=DOCTOR,
    )
    return replace(kept, **changes)


EXAM = BillItem(
    kind=ItemKind.SERVICE,
    code="99.0001.0001",
    name="Khám bệnh",
    unit="Lần",
    group="13",
    price=Decimal(36500),
    insured_price=Decimal(36500),
    ordered_at=at(10, 8, 12),
    done_at=at(10, 8, 12),
    done_by="000000/MAU-GPHN",
)
TEST = BillItem(
    kind=ItemKind.SERVICE,
    code="99.0002.0002",
    name="Xét nghiệm nhanh cúm A",
    unit="Lần",
    group="1",
    price=Decimal(25400),
    insured_price=Decimal(20000),
    benefit=Decimal("47.5"),
    device="HH.3.MAU",
    procedure=0,
)
DRUG = BillItem(
    kind=ItemKind.DRUG,
    code="40.48",
    name="Thuốc Mẫu 500",
    unit="Viên",
    group="4",
    quantity=Decimal("20.000"),
    price=Decimal("187.500"),
    insured_price=Decimal("187.500"),
    tender="000/QĐ-MAU;G1;N1;2026",
    registration="VD-00000 -00",
    prescription_id="p1",
    prescription_line=0,
    sources=Sources(nsnn=Decimal(750)),
)
MATERIAL = BillItem(
    kind=ItemKind.MATERIAL,
    code="N01.MAU",
    name="Băng mẫu",
    unit="Cái",
    group="10",
    quantity=Decimal(2),
    price=Decimal("1234.567"),
    insured_price=Decimal("1234.567"),
    tender="000/QĐ-MAU;G2;N0;2026",
    service_code="99.0001.0001",
)


def bill(**changes: Any) -> Bill:
    kept = Bill(
        id="b1",
        encounter_id=visit().id,
        patient_id=patient().id,
        coverage=CARD,
        items=(EXAM, TEST, DRUG, MATERIAL),
        closed_at=at(10, 8, 50),
    )
    return replace(kept, **changes)


def appointment() -> Appointment:
    return Appointment(
        id="a1",
        patient_id=patient().id,
        encounter_id=visit().id,
        number="HK26-00007",
        on=date(2026, 11, 17),
        practitioner=DOCTOR,
        signature=Signature(by=DOCTOR, at=at(10, 8, 41)),
    )


def sick_leave() -> SickLeave:
    return SickLeave(
        id="s1",
        patient_id=patient().id,
        encounter_id=visit().id,
        number="0003/KCB",
        serial="MAU26A000003",
        social_insurance_no="5200000001",
        workplace="Hợp tác xã Mẫu",
        diagnoses=(PRESSURE, COLD),
        treatment="nội khoa",
        days=3,
        first_day=date(2026, 11, 10),
        last_day=date(2026, 11, 12),
        issued_on=date(2026, 11, 10),
        head_code="000001/MAU-GPHN",
        practitioner_code="000000/MAU-GPHN",
    )


def outpatient(version: str = "1931", **changes: Any) -> ClaimSource:
    kept = ClaimSource(
        encounter=visit(),
        patient=patient(),
        options=options(version),
        bill=bill(),
        prescription=prescription(),
        appointment=appointment(),
        sick_leave=sick_leave(),
    )
    return replace(kept, **changes)


def kept_visit(**changes: Any) -> Encounter:
    """Kept from the afternoon to the next morning, then sent on; written by somebody unlicensed."""
    kept = visit(
        id="01930000-0000-7000-8000-0000000000b2",
        arrived_at=at(12, 13, 30),
        started_at=at(12, 13, 40),
        ended_at=at(13, 9, 0),
        admitted_at=at(12, 14, 0),
        admission_reason="Theo dõi sốt cao",
        care_kind="06",
        discharge="2",
        result="4",
        came_from="52099",
        came_with="GC26-00001",
        practitioner=NURSE,
        diagnoses=(COLD,),
        vitals=(
            VitalSigns(
                measured_at=at(12, 13, 35),
                pulse=75,
                systolic=120,
                diastolic=70,
                temperature=Decimal("37.0"),
                respiratory_rate=18,
                spo2=97,
                weight=Decimal(48),
            ),
            VitalSigns(measured_at=at(13, 6, 0), temperature=Decimal("39.2"), pulse=110),
        ),
        progress=(
            ProgressNote(
                at=at(13, 6, 10),
                text="Sốt lại <39,2>",
                consultation="Hội chẩn qua điện thoại",
                procedure="Chườm mát",
                licence_no="000002/MAU-GPHN",
            ),
            ProgressNote(at=at(12, 20, 0), text="Ngủ được"),
        ),
    )
    return replace(kept, **changes)


def letter() -> Referral:
    return Referral(
        id="r1",
        patient_id=patient().id,
        encounter_id=kept_visit().id,
        number="0009/PCCKCB",
        record_number="HS26-0044",
        register_number="SC26-0009",
        to_facility_code="52001",
        to_facility_name="Bệnh viện Mẫu",
        clinical_signs="Sốt 39,2; họng đỏ",
        test_results="Cúm A âm tính",
        diagnoses=(COLD,),
        condition_on_transfer="Tỉnh, tiếp xúc tốt",
        reason=ReferralReason.BEYOND_CAPACITY,
        plan="Nhập viện theo dõi",
        transfer_at=at(13, 9, 15),
        transport="Xe cứu thương",
        escort="Lê Thị Giả Định, điều dưỡng",
        referrer=DOCTOR,
        signature=Signature(by=DOCTOR, at=at(13, 9, 5)),
    )


def kept_and_referred(version: str = "1931", **changes: Any) -> ClaimSource:
    kept = ClaimSource(
        encounter=kept_visit(),
        patient=patient(),
        options=options(version),
        bill=bill(items=(EXAM, DRUG), encounter_id=kept_visit().id),
        prescription=prescription(encounter_id=kept_visit().id),
        referral=letter(),
    )
    return replace(kept, **changes)


def day_patient() -> ClaimSource:
    """A boy treated by day; his mother stands on the discharge paper."""
    boy = patient(
        full_name="Nguyễn Văn Mẫu Bé",
        birth=BirthDate(2020),
        sex=Sex.MALE,
        guardian=Guardian(full_name="Nguyễn Thị Mẫu Ngần", relationship="Mẹ đẻ"),
    )
    seen = visit(
        id="01930000-0000-7000-8000-0000000000c3", care_kind="04", diagnoses=(COLD,), number="LT-04"
    )
    return ClaimSource(
        encounter=seen,
        patient=boy,
        options=options(),
        bill=bill(),
        prescription=prescription(encounter_id=seen.id),
    )
