from dataclasses import replace
from datetime import date

from station_emr.domain.birth import BirthDate
from station_emr.domain.patient import (
    Address,
    Coverage,
    CoverageValidity,
    Guardian,
    Patient,
    check_patient,
)
from station_emr.domain.record import Sex

TODAY = date(2026, 11, 22)
WOMAN = Patient(
    id="p",
    full_name="Rơ Châm H'Bĕ̆",
    birth=BirthDate(1992, 3, 12),
    sex=Sex.FEMALE,
    national_id="064192990001",
    phone="0900000001",
    coverages=(
        Coverage(
            number="GD4649900000001", valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31)
        ),
    ),
)


def found(patient):
    return {(p.field, p.code.replace("_", "-"), p.severity) for p in check_patient(patient, TODAY)}


def test_a_good_patient_has_no_problem():
    assert found(WOMAN) == set()


def test_name_and_birth():
    assert ("full_name", "name-required", "error") in found(replace(WOMAN, full_name=" . "))
    future = replace(WOMAN, birth=BirthDate(2027))
    assert ("birth", "birth-future", "error") in found(future)


def test_numbers_are_refused_beside_their_field():
    assert any(f == "national_id" for f, _, _ in found(replace(WOMAN, national_id="123")))
    assert any(f == "phone" for f, _, _ in found(replace(WOMAN, phone="12")))
    bad = replace(WOMAN, coverages=(Coverage(number="XX9"),))
    assert any(f == "coverages.0.number" for f, _, _ in found(bad))


def test_expired_card_is_questioned_and_wrong_dates_refused():
    card = WOMAN.coverages[0]
    expired = replace(WOMAN, coverages=(replace(card, valid_to=date(2026, 1, 31)),))
    assert found(expired) == {("coverages.0.valid_to", "coverage-expired", "confirm")}
    crossed = replace(WOMAN, coverages=(replace(card, valid_to=date(2025, 1, 31)),))
    assert found(crossed) == {("coverages.0.valid_to", "coverage-dates", "error")}
    later = replace(
        WOMAN,
        coverages=(replace(card, valid_from=date(2027, 1, 1), valid_to=date(2027, 12, 31)),),
    )
    assert found(later) == {("coverages.0.valid_from", "coverage-not-yet", "confirm")}


def test_small_child_needs_who_brought_it():
    child = replace(WOMAN, birth=BirthDate(2023, 5, 1), national_id="")
    assert found(child) == {("guardian", "guardian-missing", "confirm")}
    assert found(replace(child, guardian=Guardian(full_name="Người Mẫu"))) == set()


def test_card_in_force_wins_over_the_newest():
    card = WOMAN.coverages[0]
    old = replace(card, number="GD4649900000002", valid_to=date(2026, 2, 1))
    patient = replace(WOMAN, coverages=(card, old))
    assert patient.coverage_on(TODAY) == card
    assert patient.coverage_on(date(2027, 6, 1)) == old
    assert card.validity(TODAY) is CoverageValidity.IN_FORCE
    assert Coverage(number="x").validity(TODAY) is CoverageValidity.UNKNOWN


def test_a_card_that_is_not_in_force_pays_for_nothing():
    day = date(2026, 12, 31)
    assert WOMAN.payable_coverage_on(day) == WOMAN.coverages[0]
    assert WOMAN.payable_coverage_on(date(2027, 1, 1)) is None
    assert WOMAN.payable_coverage_on(date(2025, 12, 31)) is None
    undated = replace(WOMAN, coverages=(Coverage(number="GD4649900000001"),))
    assert undated.payable_coverage_on(day) == undated.coverages[0]


def test_a_guardian_without_a_name_is_nobody():
    child = replace(WOMAN, birth=BirthDate(2023, 5, 1), national_id="")
    nameless = replace(child, guardian=Guardian(full_name=" ", relationship="Mẹ"))
    assert found(nameless) == {("guardian", "guardian-missing", "confirm")}


def test_address_reads_from_small_to_large():
    address = Address(line="Làng Ơp", commune_name="Xã Mẫu", province_name="Tỉnh Gia Lai")
    assert address.text == "Làng Ơp, Xã Mẫu, Tỉnh Gia Lai"
