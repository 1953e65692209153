from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.catalog import IcdCode
from station_emr.domain.encounter import (
    Diagnosis,
    DiagnosisRole,
    Encounter,
    check_diagnoses,
    check_for_signing,
)
from station_emr.domain.record import Sex
from station_emr.domain.vitals import VitalSigns

CODES = {
    "I10": IcdCode(code="I10", title="Tăng huyết áp"),
    "W19": IcdCode(code="W19", title="Ngã", not_main=True),
    "G01": IcdCode(code="G01", title="Viêm màng não", mark="*"),
    "I46": IcdCode(code="I46", title="Ngừng tim", death_only=True),
    "O80": IcdCode(code="O80", title="Đẻ thường", female_only=True),
    "N40": IcdCode(code="N40", title="Phì đại tuyến tiền liệt", male_only=True),
    "R50": IcdCode(code="R50", title="Sốt", discouraged_main=True),
    "K29": IcdCode(code="K29", title="Viêm dạ dày", more_specific_exists=True),
}
MAIN, SECOND = DiagnosisRole.MAIN, DiagnosisRole.SECONDARY


def dx(code, role=MAIN):
    return Diagnosis(icd_code=code, title=code, role=role)


def found(*diagnoses, sex=Sex.FEMALE):
    return {(p.code, p.severity) for p in check_diagnoses(diagnoses, CODES.get, sex)}


@pytest.mark.parametrize(
    ("diagnosis", "sex", "expected"),
    [
        (dx("I10"), Sex.FEMALE, set()),
        (dx("W19"), Sex.FEMALE, {("icd-not-main", "error")}),
        (dx("W19", SECOND), Sex.FEMALE, set()),
        (dx("G01"), Sex.FEMALE, {("icd-not-main", "error")}),
        (dx("I46"), Sex.FEMALE, {("icd-death-only", "error")}),
        (dx("O80"), Sex.MALE, {("icd-female-only", "error")}),
        (dx("O80"), Sex.UNKNOWN, set()),
        (dx("N40"), Sex.FEMALE, {("icd-male-only", "error")}),
        (dx("R50"), Sex.FEMALE, {("icd-discouraged-main", "confirm")}),
        (dx("K29"), Sex.FEMALE, {("icd-more-specific", "confirm")}),
        (dx("X99"), Sex.FEMALE, {("icd-unknown", "error")}),
    ],
)
def test_flags_of_the_official_list(diagnosis, sex, expected):
    assert found(diagnosis, sex=sex) == expected


def test_one_main_no_repeats_at_most_twelve_more():
    assert ("main-twice", "error") in found(dx("I10"), dx("K29"))
    assert ("diagnosis-twice", "error") in found(dx("I10"), dx("I10", SECOND))
    many = [dx("W19", SECOND)] * 13
    assert ("secondary-many", "error") in found(dx("I10"), *many)


ENCOUNTER = Encounter(
    id="e",
    patient_id="p",
    arrived_at=datetime(2026, 11, 22, 8, tzinfo=UTC),
    reason="Đau đầu",
    diagnoses=(dx("I10"),),
    result="2",
    vitals=(VitalSigns(pulse=80),),
)


def signing(encounter):
    return {
        (p.field, p.code)
        for p in check_for_signing(
            encounter, BirthDate(1980), Sex.MALE, CODES.get, date(2026, 11, 22)
        )
    }


def test_a_complete_visit_may_be_signed():
    assert signing(ENCOUNTER) == set()


def test_what_is_missing_is_named_beside_its_field():
    empty = replace(ENCOUNTER, reason="", diagnoses=(), result="")
    assert signing(empty) == {
        ("reason", "reason-required"),
        ("diagnoses", "main-required"),
        ("result", "result-required"),
    }


def test_only_the_last_vitals_count_and_time_runs_forward():
    wrong = VitalSigns(temperature=Decimal(60))
    assert signing(replace(ENCOUNTER, vitals=(wrong, VitalSigns(pulse=80)))) == set()
    assert signing(replace(ENCOUNTER, vitals=(wrong,))) == {("vitals.temperature", "impossible")}
    back = replace(ENCOUNTER, ended_at=datetime(2026, 11, 22, 7, tzinfo=UTC))
    assert signing(back) == {("ended_at", "time-order")}


@pytest.mark.parametrize(("result", "allowed"), [("5", True), ("8", True), ("2", False)])
def test_codes_of_the_mortality_statistics_need_a_death(result, allowed):
    ended = replace(ENCOUNTER, diagnoses=(dx("I46"),), result=result)
    assert (signing(ended) == set()) is allowed


def test_the_latest_of_each_sign_over_all_sets():
    first = VitalSigns(pulse=80, systolic=150, diastolic=90)
    second = VitalSigns(pulse=90, weight=Decimal(61))
    merged = replace(ENCOUNTER, vitals=(first, second)).latest_vitals
    assert (merged.pulse, merged.systolic, merged.weight) == (90, 150, Decimal(61))
    assert replace(ENCOUNTER, vitals=()).latest_vitals is None
