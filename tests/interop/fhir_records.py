"""Records for the mapping tests: one rich sample of each kind, and strategies around them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import strategies as st

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

_LETTERS = "abcđưạẽờ ƠŬĕŏ'HBY’\n"
texts = st.text(_LETTERS, max_size=30).map(str.strip)
names = st.text("Rơ Châm H'BĕŬĐạ", min_size=1, max_size=30).map(lambda t: t.strip() or "Mẫu")
days = st.dates(date(1930, 1, 1), date(2099, 12, 31))
times = st.datetimes(
    datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.sampled_from([UTC, VN])
)
births = st.one_of(
    st.builds(BirthDate, st.integers(1900, 2026)),
    st.builds(BirthDate, st.integers(1900, 2026), st.integers(1, 12)),
    days.map(BirthDate.from_date),
)
diagnoses = st.lists(
    st.builds(
        Diagnosis,
        icd_code=st.sampled_from(["J00", "I10", "E11.9", "A09"]),
        title=names,
        note=texts,
        role=st.sampled_from(DiagnosisRole),
    ),
    max_size=4,
).map(tuple)
coverages = st.builds(
    Coverage,
    number=st.sampled_from(["GD4520000000001", "6400000001"]),
    valid_from=st.none() | days,
    valid_to=st.none() | days,
    initial_facility=st.sampled_from(["", "DEMO1"]),
    living_area=st.sampled_from(["", "K1"]),
)
snapshots = st.builds(
    PatientSnapshot,
    patient_id=st.just(PATIENT_ID),
    full_name=names,
    birth=births,
    sex=st.sampled_from(Sex),
    coverage=st.none() | coverages,
    allergies=st.lists(names, max_size=2).map(tuple),
)
_signed = {
    "station": st.none() | st.just(STATION),
    "patient": st.none() | snapshots,
    "signature": st.none() | st.just(SIGNATURE),
}
patients = st.builds(
    Patient,
    id=st.just(PATIENT_ID),
    full_name=names,
    birth=births,
    sex=st.sampled_from(Sex),
    chart_number=st.sampled_from(["", "DEMO1.A.000001"]),
    national_id=st.sampled_from(["", "064099100001"]),
    phone=st.sampled_from(["", "0900000001"]),
    address=st.builds(Address, line=texts, commune_name=texts, province_code=st.just("52")),
    ethnic_code=st.sampled_from(["", "10"]),
    guardian=st.none() | st.builds(Guardian, full_name=names, relationship=texts),
    coverages=st.lists(coverages, max_size=3).map(tuple),
    allergies=st.lists(
        st.builds(
            Allergy,
            substance=names,
            category=st.sampled_from(AllergyCategory),
            reaction=texts,
            severe=st.booleans(),
            noted_on=st.none() | days,
        ),
        max_size=3,
    ).map(tuple),
    no_known_allergy=st.booleans(),
    conditions=st.lists(
        st.builds(
            ChronicCondition,
            icd_code=st.just("I10"),
            title=names,
            since_year=st.none() | st.integers(1950, 2026),
        ),
        max_size=2,
    ).map(tuple),
    note=texts,
    card_extra=st.lists(texts, max_size=2).map(tuple),
)
_tenths = st.decimals(1, 300, places=1)
vitals = st.builds(
    VitalSigns,
    measured_at=st.none() | times,
    measured_by=st.sampled_from(["", "ĐD. Mẫu", USER_ID]),
    pulse=st.none() | st.integers(20, 300),
    systolic=st.none() | st.integers(20, 300),
    diastolic=st.none() | st.integers(20, 200),
    temperature=st.none() | _tenths,
    spo2=st.none() | st.integers(20, 100),
    weight=st.none() | _tenths,
    glucose=st.none() | _tenths,
)
encounters = st.builds(
    Encounter,
    id=st.just(ENCOUNTER_ID),
    patient_id=st.just(PATIENT_ID),
    arrived_at=times,
    started_at=st.none() | times,
    ended_at=st.none() | times,
    priority=st.sampled_from(Priority),
    reason=texts,
    history=texts,
    vitals=st.lists(vitals, max_size=2).map(tuple),
    diagnoses=diagnoses,
    procedures=st.lists(
        st.builds(
            Procedure,
            code=st.just("T1"),
            name=names,
            is_test=st.booleans(),
            result=texts,
            abnormal=st.booleans(),
            started_at=st.none() | times,
            performed_by=st.sampled_from(["", "ĐD. Mẫu", USER_ID]),
            note=texts,
        ),
        max_size=2,
    ).map(tuple),
    result=st.sampled_from(["", "2"]),
    practitioner=st.none() | st.just(DOCTOR),
    **_signed,
)
prescriptions = st.builds(
    Prescription,
    id=st.just(made_id(5)),
    patient_id=st.just(PATIENT_ID),
    encounter_id=st.just(ENCOUNTER_ID),
    code=st.sampled_from(["", "DEMO1abc1234-C"]),
    lines=st.lists(
        st.builds(
            PrescriptionLine,
            drug_code=st.just("DEMO-AML5"),
            inn=names,
            label=names,
            dose=_tenths,
            times_per_day=st.integers(1, 6),
            daytimes=st.sampled_from([(), ("sáng",), ("sáng", "tối"), ("lúc đau",)]),
            days=st.integers(1, 90),
            meal=texts,
            instruction=texts,
            toxic=st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
    diagnoses=diagnoses,
    advice=texts,
    written_at=st.none() | times,
    prescriber=st.none() | st.just(DOCTOR),
    **_signed,
)
referrals = st.builds(
    Referral,
    id=st.just(made_id(6)),
    patient_id=st.just(PATIENT_ID),
    encounter_id=st.just(ENCOUNTER_ID),
    number=st.sampled_from(["", "01/2026/A/PCCKCB"]),
    to_facility_code=st.sampled_from(["", "DEMO9"]),
    to_facility_name=names,
    prior_care=st.lists(st.builds(PriorCare, facility=names, end=st.none() | days), max_size=2).map(
        tuple
    ),
    clinical_signs=texts,
    diagnoses=diagnoses,
    reason=st.none() | st.sampled_from(ReferralReason),
    transfer_at=st.none() | times,
    emergency=st.booleans(),
    letter_code=st.sampled_from(["", "EMR1:abc"]),
    referrer=st.none() | st.just(DOCTOR),
    **_signed,
)
appointments = st.builds(
    Appointment,
    id=st.just(made_id(7)),
    patient_id=st.just(PATIENT_ID),
    encounter_id=st.just(ENCOUNTER_ID),
    on=st.none() | days,
    diagnoses=diagnoses,
    note=texts,
    practitioner=st.none() | st.just(DOCTOR),
    **_signed,
)
