from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.domain.vitals import (
    SIGNS,
    VitalSigns,
    check_vitals,
    limits_for,
    normal_text,
)

ADULT, TODDLER, NEWBORN = 40 * 12, 30, 0


def codes(vitals, months=ADULT):
    return {(p.field, p.code, p.severity) for p in check_vitals(vitals, months)}


def test_impossible_is_refused_beside_its_field():
    assert codes(VitalSigns(pulse=400)) == {("vitals.pulse", "impossible", "error")}
    assert codes(VitalSigns(temperature=Decimal(368))) == {
        ("vitals.temperature", "impossible", "error")
    }
    assert codes(VitalSigns(spo2=101)) == {("vitals.spo2", "impossible", "error")}


def test_unusual_is_questioned_not_refused():
    assert codes(VitalSigns(pulse=140)) == {("vitals.pulse", "unusual", "confirm")}
    assert codes(VitalSigns(systolic=210, diastolic=100)) == {
        ("vitals.systolic", "unusual", "confirm")
    }


def test_limits_follow_age():
    assert codes(VitalSigns(pulse=140), TODDLER) == set()
    assert codes(VitalSigns(respiratory_rate=45), NEWBORN) == set()
    assert codes(VitalSigns(respiratory_rate=45), ADULT) == {
        ("vitals.respiratory_rate", "unusual", "confirm")
    }
    assert codes(VitalSigns(weight=Decimal(60)), 5) == {("vitals.weight", "impossible", "error")}


def test_blood_pressure_is_a_pair_in_order():
    assert codes(VitalSigns(systolic=120)) == {("vitals.diastolic", "blood-pressure-pair", "error")}
    assert codes(VitalSigns(systolic=80, diastolic=90)) >= {
        ("vitals.systolic", "blood-pressure-order", "error")
    }


def test_message_says_what_to_do_in_vietnamese():
    (problem,) = check_vitals(VitalSigns(temperature=Decimal("46.5")), ADULT)
    assert "46,5" in problem.message
    assert "Hãy đo hoặc nhập lại" in problem.message


def test_bmi():
    assert VitalSigns(weight=Decimal(58), height=Decimal(162)).bmi == Decimal("22.1")
    assert VitalSigns(weight=Decimal(58)).bmi is None


@pytest.mark.parametrize("sign", SIGNS)
@given(months=st.integers(0, 1500))
def test_every_age_has_ordered_limits(sign, months):
    limits = limits_for(sign, months)
    assert limits.low <= limits.usual_low < limits.usual_high <= limits.high


@given(months=st.integers(0, 1500))
def test_every_age_has_a_normal_range_text(months):
    assert normal_text("pulse", months)
    assert "/" in normal_text("blood_pressure", months)
