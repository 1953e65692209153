"""One rich record of each kind that a station writes every day, with its people and its cards."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from station_emr.domain.appointment import Appointment
from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import (
    Diagnosis,
    DiagnosisRole,
    Encounter,
    PatientSnapshot,
    Priority,
    Procedure,
    ProgressNote,
)
from station_emr.domain.patient import (
    Address,
    Allergy,
    AllergyCategory,
    ChronicCondition,
    Coverage,
    Guardian,
    Patient,
)
from station_emr.domain.permissions import Role
from station_emr.domain.prescription import Prescription, PrescriptionLine
from station_emr.domain.record import PractitionerSnapshot, Sex, Signature, StationProfile
from station_emr.domain.referral import PriorCare, Referral, ReferralReason
from station_emr.domain.user import User
from station_emr.domain.vitals import VitalSigns

VN = timezone(timedelta(hours=7))
AT = datetime(2026, 11, 20, 8, 15, tzinfo=VN)


def made_id(number: int) -> str:
    return f"019a0000-0000-7000-8000-{number:012x}"


PATIENT_ID, ENCOUNTER_ID, USER_ID, FACILITY_ID = (made_id(n) for n in range(1, 5))

STATION = StationProfile(
    facility_id=FACILITY_ID,
    code="DEMO1",
    name="Trạm Y tế xã Mẫu",
    parent_authority="Sở Y tế tỉnh Mẫu",
    commune_code="23638",
    commune_name="Xã Mẫu",
    province_code="52",
    province_name="Tỉnh Gia Lai",
    address="Thôn 1",
    phone="0269000000",
    demo=True,
)
DOCTOR = PractitionerSnapshot(
    user_id=USER_ID,
    full_name="Nguyễn Văn Mẫu",
    title="BS.",
    role="doctor",
    licence_no="000001/DEMO",
)
SIGNATURE = Signature(by=DOCTOR, at=AT + timedelta(minutes=30))
CARD = Coverage(
    number="GD4520000000001",
    valid_from=date(2026, 1, 1),
    valid_to=date(2026, 12, 31),
    initial_facility="DEMO1",
    initial_facility_name="Trạm Y tế xã Mẫu",
    living_area="K1",
    five_year_on=date(2030, 1, 1),
    copay_exempt_on=date(2026, 7, 1),
)
PATIENT = Patient(
    id=PATIENT_ID,
    full_name="Rơ Châm H'Bĕ̆ Mẫu",
    birth=BirthDate(1990, 5, 3),
    sex=Sex.FEMALE,
    chart_number="DEMO1.A.000001",
    national_id="064099100001",
    old_national_id="230000001",
    national_id_issued_on=date(2024, 7, 1),
    phone="0900000001",
    address=Address(
        line="Làng Mẫu",
        commune_code="23638",
        commune_name="Xã Mẫu",
        province_code="52",
        province_name="Tỉnh Gia Lai",
    ),
    ethnic_code="10",
    ethnic_name="Gia Rai",
    occupation_code="6",
    occupation_name="Nông dân",
    workplace="Làng Mẫu",
    guardian=Guardian(
        full_name="Siu Mẫu", relationship="mẹ", phone="0900000002", national_id="064099100002"
    ),
    coverages=(CARD, Coverage(number="6400000001")),
    allergies=(
        Allergy(
            substance="Penicillin",
            ingredient="benzylpenicillin",
            group="penicillin",
            reaction="nổi mày đay",
            severe=True,
            noted_on=date(2020, 2, 29),
        ),
        Allergy(substance="Tôm", category=AllergyCategory.FOOD),
        Allergy(substance="Thuốc trừ sâu", category=AllergyCategory.CHEMICAL, severe=True),
    ),
    conditions=(ChronicCondition(icd_code="I10", title="Tăng huyết áp", since_year=2015),),
    blood_type="O+",
    note="Nhà xa, đường đất.",
    card_extra=("trường thứ tám", "trường thứ chín"),
)
SNAPSHOT = PatientSnapshot(
    patient_id=PATIENT_ID,
    full_name=PATIENT.full_name,
    birth=PATIENT.birth,
    sex=PATIENT.sex,
    national_id=PATIENT.national_id,
    address=PATIENT.address.text,
    coverage=CARD,
    allergies=("Penicillin",),
)
DIAGNOSES = (
    Diagnosis(icd_code="I10", title="Tăng huyết áp vô căn", note="độ 1"),
    Diagnosis(icd_code="J00", title="Viêm mũi họng cấp", role=DiagnosisRole.MAIN),
    Diagnosis(icd_code="K29", title="Viêm dạ dày"),
)
ENCOUNTER = Encounter(
    id=ENCOUNTER_ID,
    patient_id=PATIENT_ID,
    number="2026.A.000001",
    arrived_at=AT,
    started_at=AT + timedelta(minutes=10),
    ended_at=AT + timedelta(minutes=30),
    priority=Priority.PRIORITY,
    coverage_number=CARD.number,
    reason="Đau đầu, sổ mũi",
    history="Ba ngày nay",
    past_history="Tăng huyết áp",
    vitals=(
        VitalSigns(pulse=80, systolic=190, diastolic=110, measured_by="ĐD. Mẫu"),
        VitalSigns(
            measured_at=AT + timedelta(minutes=12),
            measured_by=USER_ID,
            pulse=78,
            systolic=150,
            temperature=Decimal("37.50"),
            respiratory_rate=18,
            spo2=97,
            weight=Decimal("48.5"),
            height=Decimal(152),
            waist=Decimal("74.0"),
            glucose=Decimal("5.6"),
        ),
    ),
    accident="8",
    came_from="00DEM",
    came_with="PHIEU-MAU-1",
    admitted_at=AT + timedelta(minutes=20),
    admission_reason="Theo dõi huyết áp",
    examination="Họng đỏ",
    preliminary_diagnosis="Theo dõi tăng huyết áp",
    diagnoses=DIAGNOSES,
    procedures=(
        Procedure(
            code="01.0001",
            name="Rửa mũi",
            performed_by=USER_ID,
            performer_licence="000000/MAU-GPHN",
            ordered_at=AT,
            started_at=AT,
            note="nhẹ",
        ),
        Procedure(
            code="T1",
            name="Test nhanh cúm",
            is_test=True,
            result="Dương tính",
            unit="lần",
            indicator="CS-MAU",
            conclusion="Cúm",
            abnormal=True,
            ordered_at=AT,
        ),
        Procedure(code="T2", name="Test nhanh sốt rét", is_test=True),
    ),
    progress=(
        ProgressNote(
            at=AT + timedelta(hours=1),
            text="Tỉnh, huyết áp 140/90",
            consultation="Không",
            procedure="Không",
            written_by="BS. Mẫu",
            licence_no="000001/MAU-GPHN",
        ),
        ProgressNote(at=AT + timedelta(hours=2), text="Ổn định"),
    ),
    treatment="Thuốc uống",
    advice="Uống nhiều nước",
    result="2",
    confirmed=("unusual",),
    station=STATION,
    patient=SNAPSHOT,
    practitioner=DOCTOR,
    signature=SIGNATURE,
)
LINE = PrescriptionLine(
    drug_code="DEMO-AML5",
    inn="Amlodipin",
    label="Amlodipin 5 mg",
    strength="5 mg",
    form="viên nén",
    route_code="1.01",
    dose=Decimal("0.5"),
    times_per_day=2,
    daytimes=("sáng", "tối"),
    days=10,
    meal="sau ăn",
    ingredients=("amlodipin",),
    groups=("dihydropyridin",),
    bhyt_code="40.491",
)
PRESCRIPTION = Prescription(
    id=made_id(5),
    patient_id=PATIENT_ID,
    encounter_id=ENCOUNTER_ID,
    code="DEMO1abc1234-C",
    lines=(LINE, replace(LINE, label="Paracetamol 500 mg", quantity=Decimal(20), toxic=True)),
    diagnoses=DIAGNOSES,
    advice="Tái khám khi đau nhiều",
    follow_up_on=date(2026, 12, 1),
    written_at=AT,
    station=STATION,
    patient=SNAPSHOT,
    prescriber=DOCTOR,
    signature=SIGNATURE,
)
REFERRAL = Referral(
    id=made_id(6),
    patient_id=PATIENT_ID,
    encounter_id=ENCOUNTER_ID,
    number="01/2026/A/PCCKCB",
    record_number="HS1",
    register_number="1",
    to_facility_code="DEMO9",
    to_facility_name="Bệnh viện Mẫu",
    to_facility_level="Cấp cơ bản",
    prior_care=(PriorCare(facility="Trạm Y tế xã Mẫu", start=date(2026, 11, 19)),),
    clinical_signs="Đau đầu",
    diagnoses=DIAGNOSES,
    procedures="Thở oxy",
    procedures_start=AT,
    procedures_end=AT + timedelta(minutes=5),
    treatment="Paracetamol 500 mg",
    test_results="Test nhanh cúm: dương tính",
    escort="ĐD. Mẫu",
    condition_on_transfer="Tỉnh",
    reason=ReferralReason.BEYOND_CAPACITY,
    plan="Khám chuyên khoa",
    transfer_at=AT,
    one_year=True,
    transport="Xe cứu thương",
    emergency=True,
    letter_code="EMR1:abc",
    station=STATION,
    patient=SNAPSHOT,
    referrer=DOCTOR,
    signature=SIGNATURE,
)
APPOINTMENT = Appointment(
    id=made_id(7),
    patient_id=PATIENT_ID,
    encounter_id=ENCOUNTER_ID,
    number="01/2026/A",
    on=date(2026, 12, 1),
    visited_on=date(2026, 11, 20),
    admitted_on=date(2026, 11, 18),
    discharged_on=date(2026, 11, 19),
    diagnoses=DIAGNOSES,
    note="Mang theo sổ",
    station=STATION,
    patient=SNAPSHOT,
    practitioner=DOCTOR,
    signature=SIGNATURE,
)
USER = User(
    id=USER_ID,
    username="bs.mau",
    full_name="Nguyễn Văn Mẫu",
    role=Role.DOCTOR,
    title="BS.",
    licence_no="000001/DEMO",
    phone="0900000003",
)
