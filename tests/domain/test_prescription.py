from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.domain.birth import BirthDate
from station_emr.domain.catalog import Drug, DrugControl
from station_emr.domain.encounter import Diagnosis
from station_emr.domain.patient import Allergy
from station_emr.domain.prescription import (
    Prescription,
    PrescriptionLine,
    check_facility,
    check_prescription,
    check_small_child,
    compose_instruction,
    is_prescription_code,
    line_from_drug,
    number_text,
    prescription_code,
    quantity_text,
)

AMLODIPIN = PrescriptionLine(
    drug_code="amlodipin",
    inn="Amlodipin",
    label="Amlodipin 5 mg",
    dose=Decimal(1),
    times_per_day=1,
    days=30,
    ingredients=("amlodipin",),
    route_code="1.01",
    meal="sau ăn",
)
AMOXICILLIN = replace(
    AMLODIPIN,
    drug_code="amox",
    inn="Amoxicilin",
    label="Amoxicilin 500 mg",
    ingredients=("amoxicilin",),
    groups=("penicillin",),
    days=5,
)


def prescription(*lines, icd="J06.9"):
    return Prescription(
        id="p",
        patient_id="x",
        encounter_id="e",
        lines=lines,
        diagnoses=(Diagnosis(icd_code=icd, title="…"),),
    )


def problems(paper, allergies=(), current=(), long_days=lambda _code: None):
    return {
        (p.field, p.code, p.severity)
        for p in check_prescription(paper, allergies, current, long_days)
    }


def test_quantity_is_computed_and_rounded_up():
    line = replace(AMLODIPIN, dose=Decimal("0.5"), times_per_day=1, days=15)
    assert line.computed_quantity == 8
    assert quantity_text(line) == "08"
    assert quantity_text(AMLODIPIN) == "30"
    assert replace(AMLODIPIN, quantity=Decimal(2)).computed_quantity == 2


def test_sentence_the_patient_reads():
    assert compose_instruction(AMLODIPIN) == "Uống sáng 1 viên, sau ăn"
    assert (
        compose_instruction(replace(AMLODIPIN, times_per_day=2, dose=Decimal("0.5"), meal=""))
        == "Uống sáng ½ viên, tối ½ viên"
    )
    assert (
        compose_instruction(replace(AMLODIPIN, times_per_day=6, meal=""))
        == "Uống mỗi lần 1 viên, ngày 6 lần"
    )


@pytest.mark.parametrize(
    ("value", "text"), [("0.5", "½"), ("1.5", "1½"), ("2", "2"), ("7.5", "7,5"), ("10", "10")]
)
def test_numbers_as_people_read_them(value, text):
    assert number_text(Decimal(value)) == text


def test_thirty_days_are_the_limit_without_a_listed_disease():
    over = replace(AMLODIPIN, days=31)
    assert problems(prescription(over)) == {("lines.0.days", "days-over-limit", "error")}
    assert problems(prescription(AMLODIPIN)) == set()


def test_a_listed_chronic_disease_allows_ninety():
    long_days = {"I10": 90}.get
    assert (
        problems(prescription(replace(AMLODIPIN, days=90), icd="I10"), long_days=long_days) == set()
    )
    assert problems(prescription(replace(AMLODIPIN, days=91), icd="I10"), long_days=long_days) == {
        ("lines.0.days", "days-over-limit", "error")
    }


@pytest.mark.parametrize(
    ("control", "days", "ok"),
    [
        (DrugControl.NARCOTIC, 7, True),
        (DrugControl.NARCOTIC, 8, False),
        (DrugControl.PSYCHOTROPIC, 10, True),
        (DrugControl.PSYCHOTROPIC, 11, False),
    ],
)
def test_controlled_drugs_have_shorter_limits(control, days, ok):
    found = problems(prescription(replace(AMLODIPIN, control=control, days=days)))
    assert (found == set()) is ok


def test_allergy_needs_a_reason_by_ingredient_and_by_group():
    by_name = Allergy(substance="Amoxicilin")
    by_group = Allergy(substance="Penicillin", group="penicillin")
    for allergy, code in ((by_name, "allergy-ingredient"), (by_group, "allergy-group")):
        assert problems(prescription(AMOXICILLIN), [allergy]) == {
            ("lines.0.override_reason", code, "error")
        }
        given_reason = replace(AMOXICILLIN, override_reason="Đã test da âm tính")
        assert problems(prescription(given_reason), [allergy]) == {
            ("lines.0.override_reason", code, "info")
        }
    assert problems(prescription(AMLODIPIN), [by_group]) == set()


def test_same_ingredient_twice_and_still_taken():
    assert ("lines.1.override_reason", "duplicate-line", "error") in problems(
        prescription(AMOXICILLIN, AMOXICILLIN)
    )
    assert problems(prescription(AMOXICILLIN), current=[AMOXICILLIN]) == {
        ("lines.0.override_reason", "duplicate-current", "error")
    }


def test_empty_and_nonsense_are_refused():
    assert problems(prescription()) == {("lines", "lines-required", "error")}
    bad = replace(AMLODIPIN, dose=Decimal(0), times_per_day=0, days=0)
    assert {code for _, code, _ in problems(prescription(bad))} == {
        "dose-required",
        "times-range",
        "days-required",
        "quantity-required",
    }


@given(
    st.binary(min_size=7, max_size=7).filter(lambda b: max(b) < 252), st.sampled_from(DrugControl)
)
def test_code_has_fourteen_characters_and_its_kind(randomness, control):
    code = prescription_code("DEMO1", randomness, control)
    assert is_prescription_code(code)
    assert code[-1] == {"narcotic": "N", "psychotropic": "H", "ordinary": "C"}[control.value]


def test_code_refuses_what_would_be_wrong():
    with pytest.raises(ValueError):
        prescription_code("DEMO", bytes(7), DrugControl.ORDINARY)
    with pytest.raises(ValueError):
        prescription_code("DEMO1", b"\xff" * 7, DrugControl.ORDINARY)


def test_line_takes_the_drug_as_the_law_writes_it():
    drug = Drug(
        code="d", inn="Paracetamol", brand="Hapacol", strength="500 mg", form="viên nén",
        unit="viên", route_code="1.01", route="Uống", ingredients=("paracetamol",),
    )  # fmt: skip
    assert line_from_drug(drug).label == "Paracetamol (Hapacol) 500 mg"
    two = replace(drug, ingredients=("paracetamol", "codein"))
    assert line_from_drug(two).label == "Hapacol 500 mg"


def test_a_prescription_names_its_diagnosis():
    bare = replace(prescription(AMLODIPIN), diagnoses=())
    assert problems(bare) == {("diagnoses", "diagnosis-required", "error")}


def test_another_spelling_of_an_allergy_is_still_found():
    for written in ("Amoxicillin", "penicilin G", "Thuốc amoxicilline"):
        assert problems(prescription(AMOXICILLIN), [Allergy(substance=written)]), written


def test_a_child_under_72_months_has_weight_and_companion():
    day = date(2026, 11, 22)

    def found(birth, weight="", companion=""):
        return {
            p.code for p in check_small_child(birth, day, weight_kg=weight, companion=companion)
        }

    small, grown = BirthDate(2020, 11, 23), BirthDate(2020, 11, 22)
    assert found(small) == {"child-weight-required", "child-companion-required"}
    assert found(small, weight="16") == {"child-companion-required"}
    assert found(small, companion="Người Mẫu") == {"child-weight-required"}
    assert found(small, weight="16", companion="Người Mẫu") == set()
    assert found(grown) == set()


def test_narcotics_need_a_facility_with_beds():
    narcotic = replace(AMLODIPIN, control=DrugControl.NARCOTIC, days=3)
    paper = prescription(AMOXICILLIN, narcotic)
    (refused,) = check_facility(paper, has_beds=False)
    assert (refused.field, refused.severity) == ("lines.1.drug_code", "error")
    assert check_facility(paper, has_beds=True) == ()
    assert check_facility(prescription(AMOXICILLIN), has_beds=False) == ()


def test_the_same_drug_of_three_earlier_visits_is_one_warning():
    found = check_prescription(prescription(AMOXICILLIN), (), [AMOXICILLIN] * 3, lambda _code: None)
    assert [p.code for p in found] == ["duplicate-current"]
