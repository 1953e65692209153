"""The form before it is a person: drafts, cards, places, merging. No widgets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from station_emr.catalogs.search import CatalogIndex
from station_emr.catalogs.starter import starter_rows
from station_emr.demo.day import CARD_MINORITY, CARD_OLD_MAN, insurance_card
from station_emr.demo.people import People
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.patient import Allergy, Coverage
from station_emr.domain.scan import NumberScan, parse_scan
from station_emr.ui.screens.registration.places import split_address, suggest_communes
from station_emr.ui.screens.registration.reading import patient_of
from station_emr.ui.screens.registration.scans import Filled, SomebodyElse, fill
from station_emr.ui.screens.registration.state import (
    AllergyEntry,
    Coded,
    CoverageEntry,
    RegistrationState,
    merge,
    read_state,
    state_of,
    write_state,
)

TODAY = date(2026, 11, 20)
HOME = Coded(name="Xã Mẫu", parent_code="52", parent_name="Tỉnh Gia Lai")
TYPED = RegistrationState(full_name="Ksor Mẫu", birth="34t", sex="male")


# -- a person there and back -------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_a_person_passes_through_the_form_unchanged(seed: int) -> None:
    people = People(seed, TODAY)
    for _ in range(20):
        patient = replace(people.next(), id="p", chart_number="A1-1", blood_type="O")
        shown = read_state(write_state(state_of(patient, 3)))
        assert shown is not None
        again, problems = patient_of(shown, patient, TODAY)
        assert problems == ()
        # Somebody with an allergy cannot have none: the form settles what the record left open.
        settled = patient.no_known_allergy and not patient.allergies
        assert again == replace(patient, no_known_allergy=settled)


def test_every_field_survives_the_draft() -> None:
    state = replace(
        TYPED,
        commune=Coded(typed="ia pa"),
        coverages=(CoverageEntry(number="gd4", facility=Coded(code="DEMO1", name="Trạm")),),
        allergies=(AllergyEntry(substance="Aspirin", severe=True),),
        scanned=("full_name",),
        confirmed=("guardian:guardian-missing",),
        card_extra=("a", "b"),
    )
    assert read_state(write_state(state)) == state


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"form": 0, "state": {}}', '{"form": 1}'])
def test_a_draft_of_another_form_is_no_draft(text: str) -> None:
    assert read_state(text) is None


def test_without_birth_or_sex_there_is_no_person() -> None:
    patient, problems = patient_of(RegistrationState(full_name="Ksor Mẫu"), None, TODAY)
    assert patient is None
    assert {problem.field for problem in problems} == {"birth", "sex"}
    nobody = RegistrationState(national_id="12", phone="1", coverages=(CoverageEntry(),))
    _patient, problems = patient_of(nobody, None, TODAY)
    fields = {"birth", "sex", "full_name", "national_id", "phone", "coverages.0.number"}
    assert {problem.field for problem in problems} == fields


def test_words_that_name_nothing_are_refused_and_not_dropped() -> None:
    state = replace(TYPED, commune=Coded(typed="xứ lạ"), issued_on="hôm qua", guardian_phone="123")
    _patient, problems = patient_of(state, None, TODAY)
    assert {problem.field for problem in problems} == {"commune", "issued_on", "guardian_name"}


def test_what_the_form_does_not_show_is_kept() -> None:
    stored = replace(People(1, TODAY).next(), id="p", blood_type="AB", nationality_name="Lào")
    patient, _problems = patient_of(
        replace(state_of(stored, 1), full_name="Tên Mới"), stored, TODAY
    )
    assert patient is not None
    assert (patient.blood_type, patient.nationality_name) == ("AB", "Lào")
    assert patient.full_name == "Tên Mới"


# -- scans -------------------------------------------------------------------------------------


def scan(text: str):
    return parse_scan(text)


def test_a_citizen_card_fills_and_marks() -> None:
    outcome = fill(RegistrationState(), scan(CARD_MINORITY), TODAY)
    assert isinstance(outcome, Filled)
    assert outcome.state.full_name == "Rơ Châm H'Bĕ̆"
    assert outcome.state.birth == "12/03/1992"
    assert outcome.state.sex == "female"
    assert set(outcome.state.scanned) == {
        "national_id", "full_name", "birth", "sex", "issued_on",
    }  # fmt: skip
    assert outcome.address == "Làng Ơp, Xã Mẫu, Gia Lai"


def test_a_card_of_somebody_else_changes_nothing() -> None:
    first = fill(RegistrationState(), scan(CARD_MINORITY), TODAY)
    assert isinstance(first, Filled)
    second = fill(first.state, scan(CARD_OLD_MAN), TODAY)
    assert isinstance(second, SomebodyElse)
    assert "Võ Hữu Tài" in second.message
    assert "068990002" not in second.message  # a number is never shown whole by a message


def test_a_typed_name_that_differs_stops_a_card_too() -> None:
    assert isinstance(fill(TYPED, scan(CARD_MINORITY), TODAY), SomebodyElse)
    same = replace(TYPED, full_name="ro cham h'be", birth="", sex="")
    assert isinstance(fill(same, scan(CARD_MINORITY), TODAY), Filled)


def test_an_insurance_card_is_added_to_the_person() -> None:
    child = replace(TYPED, full_name="Nguyễn Văn Đạt", birth="11/2/2022")
    outcome = fill(child, scan(insurance_card(TODAY)), TODAY)
    assert isinstance(outcome, Filled)
    assert [card.number for card in outcome.state.coverages] == ["TE1649900000003"]
    assert outcome.state.birth == "11/2/2022"  # what was typed stays as typed
    again = fill(outcome.state, scan(insurance_card(TODAY)), TODAY)
    assert isinstance(again, Filled)
    assert len(again.state.coverages) == 1


def test_an_insurance_card_of_another_name_is_asked_about() -> None:
    outcome = fill(TYPED, scan(insurance_card(TODAY)), TODAY)
    assert isinstance(outcome, SomebodyElse)
    forced = fill(TYPED, scan(insurance_card(TODAY)), TODAY, forced=True)
    assert isinstance(forced, Filled)
    assert forced.state.full_name == TYPED.full_name
    assert len(forced.state.coverages) == 1


def test_a_number_goes_where_it_belongs() -> None:
    for kind, value, key in (
        ("national_id", "064099100001", "national_id"),
        ("old_id", "230000001", "old_national_id"),
        ("phone", "0900000001", "phone"),
    ):
        outcome = fill(TYPED, NumberScan(kind=kind, value=value), TODAY)
        assert isinstance(outcome, Filled)
        assert getattr(outcome.state, key) == value
    card = fill(TYPED, NumberScan(kind="insurance", value="6499000001"), TODAY)
    assert isinstance(card, Filled)
    assert card.state.coverages[0].number == "6499000001"


def test_a_number_of_two_meanings_or_another_value_is_not_guessed() -> None:
    two = NumberScan(kind="phone", value="0900000001", also=("insurance",))
    assert isinstance(fill(TYPED, two, TODAY), SomebodyElse)
    known = replace(TYPED, national_id="064 099 100 001")
    other = NumberScan(kind="national_id", value="064099100002")
    assert isinstance(fill(known, other, TODAY), SomebodyElse)


# -- merging -----------------------------------------------------------------------------------


def test_merging_keeps_mine_over_the_newer_version() -> None:
    stored = replace(People(2, TODAY).next(), id="p", phone="0900000001")
    base = state_of(stored, 1)
    theirs = state_of(
        replace(stored, phone="0900000002", allergies=(Allergy(substance="Aspirin"),)), 2
    )
    mine = replace(base, workplace="Chợ Mẫu", phone="0900000003")
    merged, clashes = merge(mine, base, theirs)
    assert merged.workplace == "Chợ Mẫu"
    assert merged.allergies == theirs.allergies
    assert merged.phone == "0900000003"
    assert merged.version == 2
    assert clashes == ("phone",)


def test_coverage_entries_follow_the_card() -> None:
    card = Coverage(number="TE1649900000003", valid_to=date(2028, 9, 30), living_area="K1")
    patient = replace(People(2, TODAY).next(), id="p", coverages=(card,))
    again, _problems = patient_of(state_of(patient, 1), patient, TODAY)
    assert again is not None
    assert again.coverages == (card,)


# -- places ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lists():
    kinds = (CatalogKind.COMMUNE, CatalogKind.COMMUNE_MAP)
    indexes = {kind: CatalogIndex(starter_rows(kind)) for kind in kinds}
    return (
        lambda kind, text, limit: indexes[kind].search(text, limit, TODAY),
        lambda kind, code: indexes[kind].find(code, TODAY),
    )


@pytest.mark.parametrize(
    ("address", "line", "commune"),
    [
        ("Thôn 2, Xã Ia Băng, Gia Lai", "Thôn 2", "Xã Ia Băng"),
        ("Tổ 3, Yên Đỗ, Pleiku, Gia Lai", "Tổ 3", "Phường Diên Hồng"),
        ("Thôn 1, Thị trấn Phú Thiện, Phú Thiện, Gia Lai", "Thôn 1", "Xã Phú Thiện"),
        ("Phường Diên Hồng, Gia Lai", "", "Phường Diên Hồng"),
        ("Làng Ơp, Xã Mẫu, Gia Lai", "Làng Ơp", "Xã Mẫu"),
        ("12 Lê Lợi, Bến Nghé, Quận 1, TP Hồ Chí Minh", "12 Lê Lợi", "Phường Sài Gòn"),
        # Divided among several new communes, or not known: the nurse decides.
        ("5 Phố Mẫu, Kim Mã, Ba Đình, Hà Nội", "5 Phố Mẫu, Kim Mã, Ba Đình, Hà Nội", ""),
        # Ba Đình was a district and is a ward today; without a ward the card says neither.
        ("5 Phố Mẫu, Ba Đình, Hà Nội", "5 Phố Mẫu, Ba Đình, Hà Nội", ""),
        ("5 Phố Mẫu, Phường Ba Đình, Hà Nội", "5 Phố Mẫu", "Phường Ba Đình"),
        ("Đâu đó", "Đâu đó", ""),
        ("", "", ""),
    ],
)
def test_a_cards_address_is_split_only_where_it_is_certain(lists, address, line, commune) -> None:
    found_line, found = split_address(address, *lists, HOME)
    assert (found_line, found.name) == (line, commune)


def test_old_names_lead_to_the_commune_of_today(lists) -> None:
    found = suggest_communes("yen do pleiku", *lists)
    assert [row.title for row in found] == ["Phường Diên Hồng"]
    assert "trước là Phường Yên Đỗ" in found[0].detail
    place = found[0].payload
    assert isinstance(place, Coded)
    assert (place.code, place.parent_name) == ("23563", "Tỉnh Gia Lai")
