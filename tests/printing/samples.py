"""People and papers that are visibly invented, for tests of the printed forms."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from station_emr.domain.appointment import Appointment
from station_emr.domain.catalog import DrugControl
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, PatientSnapshot
from station_emr.domain.identity import BirthDate
from station_emr.domain.patient import Coverage
from station_emr.domain.prescription import Prescription, PrescriptionLine
from station_emr.domain.record import PractitionerSnapshot, Sex, Signature, StationProfile
from station_emr.domain.referral import PriorCare, Referral, ReferralReason
from station_emr.services.ports import PrintMark

ZONE = timezone(timedelta(hours=7))
SIGNED = datetime(2026, 11, 22, 8, 46, 2, tzinfo=ZONE)
RECORD_ID = "0193a5f0-7c1e-7abc-8def-00000000a127"

STATION = StationProfile(
    facility_id="0193a5f0-7c1e-7abc-8def-0000000000f1",
    code="99D01",
    name="Trạm Y tế xã Mẫu",
    parent_authority="Ủy ban nhân dân xã Mẫu",
    commune_name="Xã Mẫu",
    province_name="Tỉnh Gia Lai",
    address="Thôn 1, xã Mẫu, tỉnh Gia Lai",
    phone="0269 000 0001",
    series="A1",
    demo=True,
)
DOCTOR = PractitionerSnapshot(
    user_id="u1",
    full_name="Nguyễn Thị Hoa Mẫu",
    title="BS.",
    role="doctor",
    licence_no="000001/GL-CCHN",
)
SIGNATURE = Signature(by=DOCTOR, at=SIGNED)
MARK = PrintMark(
    printed_at=datetime(2026, 11, 22, 8, 50, 0, tzinfo=ZONE),
    printed_by="Bác sĩ Nguyễn Thị Hoa Mẫu",
    copy=1,
)
PATIENT = PatientSnapshot(
    patient_id="p1",
    full_name="Rơ Châm H'Bĕ̆ Mẫu",
    birth=BirthDate(1968, 3, 5),
    sex=Sex.FEMALE,
    chart_number="A1-000127",
    national_id="064099100001",
    phone="0900000001",
    address="Làng Ŏ Mẫu, xã Mẫu, tỉnh Gia Lai",
    ethnic_name="Gia Rai",
    nationality_name="Việt Nam",
    occupation_name="Nông dân",
    workplace="Tại nhà",
    coverage=Coverage(
        number="DT2640000000001",
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 12, 31),
        initial_facility="99D01",
        initial_facility_name="Trạm Y tế xã Mẫu",
    ),
    allergies=("Penicillin",),
    weight_kg="52",
)
CHILD = PatientSnapshot(
    patient_id="p2",
    full_name="Siu Ƀlơ Y Ơ̆n Mẫu",
    birth=BirthDate(2024, 12, 10),
    sex=Sex.MALE,
    address="Làng Mẫu, xã Mẫu, tỉnh Gia Lai",
    guardian_name="Siu H'Ê̆ Mẫu",
    guardian_relationship="mẹ",
    coverage=Coverage(number="6400000002", valid_from=date(2025, 1, 1), valid_to=date(2030, 9, 30)),
    weight_kg="10,5",
)
MAIN = Diagnosis(icd_code="I20.0", title="Đau thắt ngực không ổn định", role=DiagnosisRole.MAIN)
SECOND = Diagnosis(icd_code="I10", title="Tăng huyết áp vô căn (nguyên phát)")

REFERRAL = Referral(
    id=RECORD_ID,
    patient_id="p1",
    encounter_id="e1",
    number="0127/2026-A1",
    record_number="000341/2026-A1",
    register_number="0127/2026",
    to_facility_code="99H01",
    to_facility_name="Bệnh viện đa khoa tỉnh (mẫu)",
    to_facility_level="Cấp cơ bản",
    prior_care=(
        PriorCare(
            facility="Trạm Y tế xã Mẫu",
            level="Cấp ban đầu",
            start=date(2026, 11, 20),
            end=date(2026, 11, 22),
        ),
    ),
    clinical_signs="Đau ngực trái từng cơn 3 ngày, lan vai trái, vã mồ hôi. Tỉnh, tiếp xúc tốt. Mạch 96 lần/phút, "
    "huyết áp 150/90 mmHg, nhiệt độ 36,8 °C, SpO₂ 96 %. Tim đều, phổi thông khí rõ hai bên, không ran.",
    test_results="Troponin xét nghiệm nhanh: âm tính (08 giờ 20). Đường máu mao mạch: 6,8 mmol/L. Điện tim: chưa làm được.",
    diagnoses=(MAIN, SECOND),
    procedures="Thở oxy qua gọng kính 3 lít/phút; đặt đường truyền tĩnh mạch ngoại vi.",
    procedures_start=datetime(2026, 11, 22, 8, 20, tzinfo=ZONE),
    procedures_end=datetime(2026, 11, 22, 8, 40, tzinfo=ZONE),
    treatment="Aspirin 81 mg x 4 viên nhai lúc 08 giờ 25; Nitroglycerin xịt dưới lưỡi 1 nhát; Natri clorid 0,9 % truyền tĩnh mạch giữ đường truyền.",
    condition_on_transfer="Tỉnh, còn đau nhẹ; huyết áp 140/85 mmHg; mạch 90 lần/phút; SpO₂ 96 %.",
    reason=ReferralReason.BEYOND_CAPACITY,
    plan="Chuyển bệnh viện đa khoa tỉnh để làm điện tim, định lượng Troponin và chụp mạch vành nếu cần.",
    transfer_at=datetime(2026, 11, 22, 9, 0, tzinfo=ZONE),
    one_year=False,
    transport="Xe cứu thương của trạm",
    escort="Trần Thị Mai Mẫu, điều dưỡng cao đẳng",
    letter_code="SEMR1:" + "B45 $%*+-./:XYZ0" * 55 + ".",  # as long as a letter may be
    station=STATION,
    patient=PATIENT,
    referrer=DOCTOR,
    signature=SIGNATURE,
)

LINES = (
    PrescriptionLine(
        drug_code="AML5",
        inn="Amlodipin",
        label="Amlodipin 5 mg",
        unit="viên",
        route_code="1.01",
        dose=Decimal(1),
        times_per_day=1,
        days=30,
    ),
    PrescriptionLine(
        drug_code="PAR500",
        inn="Paracetamol",
        label="Paracetamol 500 mg",
        unit="viên",
        route_code="1.01",
        dose=Decimal("0.5"),
        times_per_day=3,
        days=3,
        meal="sau ăn",
    ),
    PrescriptionLine(
        drug_code="MOR10",
        inn="Morphin",
        label="Morphin hydroclorid 10 mg/ml",
        unit="ống",
        route_code="2.10",
        route="Tiêm bắp",
        dose=Decimal(1),
        times_per_day=2,
        days=5,
        toxic=True,
        control=DrugControl.NARCOTIC,
    ),
)
PRESCRIPTION = Prescription(
    id="0193a5f0-7c1e-7abc-8def-00000000d001",
    patient_id="p1",
    encounter_id="e1",
    code="99D01k3x9a2m-N",
    lines=LINES,
    diagnoses=(SECOND, Diagnosis(icd_code="M54.5", title="Đau vùng thắt lưng")),
    advice="Ăn nhạt, đi bộ mỗi ngày 30 phút, đo huyết áp buổi sáng.",
    follow_up_on=date(2026, 12, 21),
    written_at=SIGNED,
    station=STATION,
    patient=PATIENT,
    prescriber=DOCTOR,
    signature=SIGNATURE,
)
APPOINTMENT = Appointment(
    id="0193a5f0-7c1e-7abc-8def-00000000c001",
    patient_id="p1",
    encounter_id="e1",
    number="0031/2026-A1",
    on=date(2026, 12, 21),
    visited_on=date(2026, 11, 22),
    diagnoses=(SECOND, Diagnosis(icd_code="M54.5", title="Đau vùng thắt lưng")),
    note="Nhịn ăn sáng để lấy máu.",
    station=STATION,
    patient=PATIENT,
    practitioner=DOCTOR,
    signature=SIGNATURE,
)
