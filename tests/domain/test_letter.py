"""What goes into a letter's code."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, PatientSnapshot
from station_emr.domain.letter import LetterContent, content_of
from station_emr.domain.patient import Coverage
from station_emr.domain.record import PractitionerSnapshot, Sex, Signature, StationProfile
from station_emr.domain.referral import Referral, ReferralReason

AT = datetime(2026, 11, 22, 3, 5, tzinfo=UTC)
DOCTOR = PractitionerSnapshot(
    user_id="u1", full_name="Nguyễn Văn Mẫu", title="BS.", role="doctor", licence_no="000123/GL"
)
REFERRAL = Referral(
    id="r1",
    patient_id="p1",
    encounter_id="e1",
    number="A-1/2026",
    to_facility_code="DEMO2",
    to_facility_name="Bệnh viện mẫu",
    clinical_signs="HA 210/120 mmHg",
    diagnoses=(
        Diagnosis(icd_code="I10", title="Tăng huyết áp vô căn", role=DiagnosisRole.MAIN),
        Diagnosis(icd_code="E11.9", title="Đái tháo đường"),
    ),
    treatment="Amlodipin 5 mg",
    reason=ReferralReason.LEVEL_APPROPRIATE,
    one_year=True,
    station=StationProfile(
        facility_id="f1", code="DEMO1", name="Trạm Y tế mẫu", parent_authority="UBND xã mẫu"
    ),
    patient=PatientSnapshot(
        patient_id="p1",
        full_name="Rơ Châm H'Bĕ̆",
        birth=BirthDate(1992),
        sex=Sex.FEMALE,
        national_id="064192000001",
        coverage=Coverage(number="DT2640000000001"),
        allergies=("Penicillin", "Aspirin"),
    ),
    referrer=DOCTOR,
    signature=Signature(by=DOCTOR, at=AT),
)


def test_essential_content_of_a_signed_letter():
    assert content_of(REFERRAL) == LetterContent(
        letter_number="A-1/2026",
        from_code="DEMO1",
        from_name="Trạm Y tế mẫu",
        to_code="DEMO2",
        to_name="Bệnh viện mẫu",
        patient_name="Rơ Châm H'Bĕ̆",
        birth=BirthDate(1992),
        sex="female",
        national_id="064192000001",
        insurance_number="DT2640000000001",
        issued_at=AT,
        main_diagnosis="I10",
        other_diagnoses=("E11.9",),
        diagnosis_text="Tăng huyết áp vô căn",
        allergies="Penicillin, Aspirin",
        treatment="Amlodipin 5 mg",
        signs="HA 210/120 mmHg",
        reason="1",
        prescriber_name="BS. Nguyễn Văn Mẫu",
        prescriber_licence="000123/GL",
        one_year=True,
    )


@pytest.mark.parametrize("missing", ["station", "patient", "signature"])
def test_an_unsigned_letter_has_no_code(missing):
    from dataclasses import replace

    with pytest.raises(ValueError):
        content_of(replace(REFERRAL, **{missing: None}))


def test_the_time_of_issue_is_aware():
    from dataclasses import replace

    with pytest.raises(ValueError):
        replace(content_of(REFERRAL), issued_at=datetime(2026, 11, 22))
