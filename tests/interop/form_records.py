"""A certificate and a notice with something in most fields."""

from __future__ import annotations

from station_emr.domain.certificate import SickLeave
from station_emr.domain.notification import (
    CaseClass,
    CaseState,
    CommunicableDiseaseNotification,
    ReportWay,
    YesNo,
)
from tests.interop import fhir_records as sample

CERTIFICATE = SickLeave(
    id=sample.made_id(13),
    patient_id=sample.PATIENT_ID,
    encounter_id=sample.ENCOUNTER.id,
    number="A-0001/2026/KCB",
    serial="A26000001",
    social_insurance_no="0123456789",
    workplace="Công ty Mẫu",
    diagnoses=sample.ENCOUNTER.diagnoses,
    treatment="Nội khoa",
    pregnancy_ended=True,
    termination_cause="Sảy thai",
    gestation_weeks=9,
    days=3,
    first_day=sample.AT.date(),
    last_day=sample.AT.date(),
    issued_on=sample.AT.date(),
    visited_on=sample.AT.date(),
    station=sample.STATION,
)
NOTIFICATION = CommunicableDiseaseNotification(
    id=sample.made_id(14),
    patient_id=sample.PATIENT_ID,
    encounter_id=sample.ENCOUNTER.id,
    number="A-0001/2026/BTN",
    disease_code="dengue",
    disease_name="Sốt xuất huyết Dengue",
    icd_code="A97.0",
    icd_title="Sốt xuất huyết Dengue không có dấu hiệu cảnh báo",
    detected_at=sample.AT,
    onset_on=sample.AT.date(),
    grade="Sốt xuất huyết Dengue",
    case_class=CaseClass.SUSPECTED,
    state=CaseState.OUTPATIENT,
    phone="0900000001",
    home_address="Làng Mẫu",
    onset_address="Làng Mẫu",
    pregnant=YesNo.NO,
    vaccine_doses=0,
    reported_at=sample.AT,
    reported_way=ReportWay.PHONE,
    reported_to="Trung tâm Kiểm soát bệnh tật Mẫu",
)
