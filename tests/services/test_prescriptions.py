"""The legal and safety rules of TT 26/2025 through the real services and lists."""

from dataclasses import replace
from decimal import Decimal

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.errors import InvalidRecord
from station_emr.domain.patient import Allergy, Guardian
from station_emr.domain.record import RecordStatus

from .visit_samples import VITALS, prescription, sign, visit

CHILD = {
    "birth": BirthDate(2023, 2, 11),
    "national_id": "",
    "allergies": (),
    "coverages": (),
    "conditions": (),
}
ADULT = {**CHILD, "birth": BirthDate(1980)}
SMALL = replace(VITALS, systolic=None, diastolic=None, pulse=110)


def codes(refused):
    return {(p.field, p.code) for p in refused.value.problems}


def test_a_small_childs_paper_needs_weight_and_companion(station):
    child = station.register(**CHILD, guardian=None)
    encounter = visit(station, child, SMALL)
    with pytest.raises(InvalidRecord) as refused:
        sign(station, encounter, prescription=prescription(station, encounter))
    assert codes(refused) == {
        ("prescription.weight", "child-weight-required"),
        ("prescription.guardian", "child-companion-required"),
    }
    with station.store.read() as work:
        assert work.encounters.get(encounter.id).status is RecordStatus.DRAFT


def test_the_weight_may_come_from_an_earlier_measurement(station):
    child = station.register(**CHILD, guardian=Guardian(full_name="Người Mẫu"))
    encounter = visit(station, child, replace(SMALL, weight=Decimal("13.5")))
    encounter = replace(encounter, vitals=(*encounter.vitals, SMALL))
    paper = prescription(station, encounter)
    sign(station, encounter, prescription=paper)
    signed = station.services.prescriptions.get(station.doctor, paper.id).record
    assert signed.patient.weight_kg == "13,5"
    assert signed.patient.guardian_name == "Người Mẫu"


def test_a_weight_typed_but_not_yet_saved_counts_even_when_the_visit_is_refused(station):
    child = station.register(**CHILD, guardian=Guardian(full_name="Người Mẫu"))
    encounter = visit(station, child, SMALL)
    typed = replace(encounter, reason="", vitals=(replace(SMALL, weight=Decimal(13)),))
    with pytest.raises(InvalidRecord) as refused:
        sign(station, typed, prescription=prescription(station, encounter))
    assert codes(refused) == {("reason", "reason-required")}


def test_a_station_without_beds_prescribes_no_narcotic(station):
    person = station.register(**ADULT)
    encounter = visit(station, person)
    paper = prescription(station, encounter, "morphin")
    with pytest.raises(InvalidRecord) as refused:
        sign(station, encounter, prescription=paper)
    assert codes(refused) == {("prescription.lines.0.drug_code", "narcotic-without-beds")}
    profile = station.services.accounts.station()
    station.services.accounts.save_station(station.director, replace(profile, has_beds=True))
    sign(station, encounter, prescription=paper)
    signed = station.services.prescriptions.get(station.doctor, paper.id).record
    assert signed.code.endswith("-N")


@pytest.mark.parametrize("substance", ["Amoxicillin", "Penicillin", "Dị ứng ampicilin"])
def test_an_allergy_noted_in_words_warns_of_its_family(station, substance):
    person = station.register(**{**ADULT, "allergies": (Allergy(substance=substance),)})
    encounter = visit(station, person)
    paper = prescription(station, encounter, "amoxicilin 500")
    with pytest.raises(InvalidRecord) as refused:
        sign(station, encounter, prescription=paper)
    assert {p.code for p in refused.value.problems} <= {"allergy-ingredient", "allergy-group"}


def test_a_correction_is_a_new_prescription_in_the_old_ones_place(station):
    person = station.register(**ADULT)
    encounter = visit(station, person)
    paper = prescription(station, encounter)
    sign(station, encounter, prescription=paper)
    first = station.services.prescriptions.get(station.doctor, paper.id).record
    fewer = replace(first, lines=(replace(first.lines[0], days=2, instruction=""),))
    station.clock.forward(minutes=3)
    station.services.prescriptions.amend(station.doctor, fewer, 1, "Giảm số ngày")
    second = station.services.prescriptions.get(station.doctor, paper.id).record
    assert second.code != first.code
    assert second.replaces_code == first.code
    assert second.written_at > first.written_at
    assert second.patient == first.patient


def test_drugs_still_taken_are_named(station):
    person = station.register(**ADULT)
    one = visit(station, person)
    sign(station, one, prescription=prescription(station, one))
    station.clock.forward(days=2)
    two = visit(station, person)
    with pytest.raises(InvalidRecord) as refused:
        sign(station, two, prescription=prescription(station, two))
    assert codes(refused) == {("prescription.lines.0.override_reason", "duplicate-current")}
    station.clock.forward(days=1)
    sign(station, two, prescription=prescription(station, two))
