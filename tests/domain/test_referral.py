from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from station_emr.domain.encounter import Diagnosis
from station_emr.domain.referral import Referral, ReferralReason, check_referral, valid_until

LETTER = Referral(
    id="r",
    patient_id="p",
    encounter_id="e",
    to_facility_name="Bệnh viện (mẫu)",
    clinical_signs="Đau ngực",
    diagnoses=(Diagnosis(icd_code="I20.0", title="Đau thắt ngực"),),
    condition_on_transfer="Tỉnh",
    reason=ReferralReason.LEVEL_APPROPRIATE,
    plan="Theo dõi",
    transfer_at=datetime(2026, 11, 22, 9, tzinfo=UTC),
    transport="Xe cứu thương",
)


def test_a_complete_letter_may_be_signed():
    assert check_referral(LETTER) == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to_facility_name": " "}, "to_facility_name"),
        ({"diagnoses": ()}, "diagnoses"),
        ({"reason": None}, "reason"),
        ({"transfer_at": None}, "transfer_at"),
        ({"clinical_signs": ""}, "clinical_signs"),
        ({"condition_on_transfer": ""}, "condition_on_transfer"),
        ({"plan": ""}, "plan"),
        ({"transport": ""}, "transport"),
    ],
)
def test_each_required_item_is_refused_beside_its_field(change, field):
    (problem,) = check_referral(replace(LETTER, **change))
    assert problem.field == field
    assert problem.severity == "error"


def test_procedure_times_run_forward():
    wrong = replace(
        LETTER,
        procedures_start=datetime(2026, 11, 22, 9, tzinfo=UTC),
        procedures_end=datetime(2026, 11, 22, 8, tzinfo=UTC),
    )
    assert [p.field for p in check_referral(wrong)] == ["procedures_end"]


def test_validity_ten_working_days_or_one_year():
    friday = date(2026, 11, 20)
    assert valid_until(friday, one_year=False) == date(2026, 12, 4)
    assert valid_until(friday, one_year=False, holidays=frozenset({date(2026, 11, 23)})) == date(
        2026, 12, 7
    )
    assert valid_until(friday, one_year=True) == date(2027, 11, 19)
    assert valid_until(date(2028, 2, 29), one_year=True) == date(2029, 2, 28)
