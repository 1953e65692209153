"""Numbers that identify a person, and birth dates as people know them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.domain.errors import InvalidRecord
from station_emr.domain.identity import (
    BirthDate,
    age_months,
    age_on,
    age_text,
    benefit_level,
    group_number,
    insurance_number_problem,
    mask_number,
    months_old,
    national_id_birth_years,
    national_id_problem,
    national_id_warnings,
    old_id_problem,
    parse_birth,
    parse_insurance_number,
    parse_national_id,
    parse_old_id,
    parse_phone,
    phone_problem,
)

TODAY = date(2026, 11, 22)


def code_of(call, *args, **kwargs) -> str:
    with pytest.raises(InvalidRecord) as caught:
        call(*args, **kwargs)
    (problem,) = caught.value.problems
    assert problem.message.endswith(".")
    return problem.code


def test_citizen_number_is_twelve_digits_however_it_is_spaced():
    assert parse_national_id(" 064 099 100 001 ") == "064099100001"
    assert parse_national_id("064.099.100.001") == "064099100001"
    assert national_id_problem("064099100001") is None
    assert code_of(parse_national_id, "06409910001") == "national-id-length"
    assert code_of(parse_national_id, "06409910000A") == "national-id-characters"
    assert code_of(parse_national_id, "٠٦٤٠٩٩١٠٠٠٠١") == "national-id-characters"


def test_refusal_names_the_field_it_was_asked_for():
    with pytest.raises(InvalidRecord) as caught:
        parse_national_id("1", field="guardian.national_id")
    assert caught.value.problems[0].field == "guardian.national_id"


def test_old_identity_card_is_nine_digits():
    assert parse_old_id("231 234 567") == "231234567"
    assert code_of(parse_old_id, "23123456") == "old-id-form"
    assert old_id_problem("231234567") is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("064092000001", (1992, "male")),
        ("064192000001", (1992, "female")),
        ("064205000001", (2005, "male")),
        ("064305000001", (2005, "female")),
        ("064905000001", None),
        ("12", None),
    ],
)
def test_century_and_sex_in_the_citizen_number(number, expected):
    assert national_id_birth_years(number) == expected


def test_disagreement_with_the_citizen_number_is_only_a_question():
    number = "064192000001"
    assert national_id_warnings(number, BirthDate(1992, 5), "female") == ()
    assert national_id_warnings(number, None, "unknown") == ()
    found = national_id_warnings(number, BirthDate(1993), "male")
    assert [p.code for p in found] == ["national-id-birth-year", "national-id-sex"]
    assert {p.severity for p in found} == {"confirm"}


def test_insurance_number_old_and_new():
    assert parse_insurance_number("gd 4 64 0000000001") == "GD4640000000001"
    assert parse_insurance_number("6400000001") == "6400000001"
    assert insurance_number_problem("TE1640000000001") is None
    assert code_of(parse_insurance_number, "GD6640000000001") == "insurance-number-benefit"
    assert code_of(parse_insurance_number, "GD46400000001") == "insurance-number-form"
    assert code_of(parse_insurance_number, "ĐN4640000000001") == "insurance-number-form"


def test_benefit_level_is_the_third_character():
    assert benefit_level("GD4640000000001") == 4
    assert benefit_level("6400000001") is None


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("0905 123 456", "0905123456"),
        ("+84 905 123 456", "0905123456"),
        ("+84(0)905123456", "0905123456"),
        ("0084905123456", "0905123456"),
        ("84905123456", "0905123456"),
        ("01651234567", "0351234567"),
        ("01201234567", "0701234567"),
        ("0269 3824 567", "02693824567"),
        ("+84 269 3824567", "02693824567"),
    ],
)
def test_phone_forms(typed, stored):
    assert parse_phone(typed) == stored
    assert phone_problem(stored) is None


@pytest.mark.parametrize("typed", ["", "0105123456", "090512345", "09051234567", "115", "abc"])
def test_phone_refused(typed):
    assert code_of(parse_phone, typed) == "phone-form"


def test_numbers_grouped_for_reading():
    assert group_number("GD4520000000001") == "GD 4 52 0000 000 001"
    assert group_number("064099100001") == "064 099 100 001"
    assert group_number("0905123456") == "0905 123 456"
    assert group_number("02693824567") == "0269 382 4567"
    assert group_number("231234567") == "231 234 567"
    assert group_number("không rõ") == "không rõ"


@given(st.text(alphabet="0123456789ABGD", max_size=20))
def test_grouping_only_adds_spaces_and_masking_keeps_four(number):
    assert group_number(number).replace(" ", "") == number
    masked = mask_number(number)
    assert len(masked) == len(number)
    assert masked.count("•") == (len(number) - 4 if len(number) > 4 else len(number))


@pytest.mark.parametrize(
    ("typed", "iso"),
    [
        ("3/5/92", "1992-05-03"),
        ("3-5-1992", "1992-05-03"),
        ("03.05.1992", "1992-05-03"),
        ("030592", "1992-05-03"),
        ("03051992", "1992-05-03"),
        ("19920503", "1992-05-03"),
        ("1992-05-03", "1992-05-03"),
        ("1992-05", "1992-05"),
        ("5/1992", "1992-05"),
        ("051992", "1992-05"),
        ("1992", "1992"),
        ("00/00/1992", "1992"),
        ("00/05/1992", "1992-05"),
        ("22/11/26", "2026-11-22"),
        ("22/11/27", "1927-11-22"),
        ("34t", "1992"),
        ("34 tuổi", "1992"),
        ("34 TUỔI", "1992"),
        ("18 tháng", "2025-05"),
        ("11 tháng", "2025-12"),
        ("12 ngày", "2026-11-10"),
        ("29/2/2024", "2024-02-29"),
    ],
)
def test_typed_birth_dates(typed, iso):
    assert parse_birth(typed, TODAY).to_iso() == iso


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "birth-missing"),
        ("  ", "birth-missing"),
        ("23/11/2026", "birth-future"),
        ("2027", "birth-future"),
        ("12/2026", "birth-future"),
        ("1895", "birth-too-old"),
        ("131 tuổi", "birth-too-old"),
        ("999t", "birth-too-old"),
        ("31/2/1992", "birth-form"),
        ("29/2/2023", "birth-form"),
        ("92", "birth-form"),
        ("hôm qua", "birth-form"),
        ("3/13/1992", "birth-form"),
        ("3//1992", "birth-form"),
        ("\u0663/\u0665/\u0661\u0669\u0669\u0662", "birth-form"),
    ],
)
def test_birth_dates_refused(typed, code):
    assert code_of(parse_birth, typed, TODAY) == code


@given(st.text(max_size=30))
def test_any_text_is_a_birth_date_or_a_sentence(typed):
    try:
        birth = parse_birth(typed, TODAY)
    except InvalidRecord:
        return
    assert birth.problem(TODAY) is None


births = st.one_of(
    st.dates(date(1900, 1, 1), TODAY).map(BirthDate.from_date),
    st.builds(BirthDate, st.integers(1900, 2025)),
    st.builds(BirthDate, st.integers(1900, 2025), st.integers(1, 12)),
)


@given(births)
def test_birth_dates_survive_iso_and_display(birth):
    assert BirthDate.from_iso(birth.to_iso()) == birth
    assert parse_birth(birth.display(), TODAY) == birth


@given(births, births)
def test_order_follows_what_is_known(one, other):
    assert (one < other) == (one.to_iso() < other.to_iso())
    assert one.agrees_with(other) == other.agrees_with(one)


def test_partial_dates_agree_when_they_can_mean_the_same_day():
    assert BirthDate(1992).agrees_with(BirthDate(1992, 5, 3))
    assert BirthDate(1992, 5).agrees_with(BirthDate(1992, 5, 31))
    assert not BirthDate(1992, 5).agrees_with(BirthDate(1992, 6, 1))
    assert BirthDate(1992, 12).latest() == date(1992, 12, 31)
    assert BirthDate(1992, 2).latest() == date(1992, 2, 29)


@pytest.mark.parametrize("parts", [(1992, 13), (1992, 2, 30), (1992, None, 3), (99,), (10000,)])
def test_impossible_birth_dates_cannot_be_built(parts):
    with pytest.raises(ValueError):
        BirthDate(*parts)


@pytest.mark.parametrize(
    "text", ["", "92", "1992-5-3", "1992-00", "1992-05-03T00:00", "03/05/1992"]
)
def test_strict_iso(text):
    with pytest.raises(ValueError):
        BirthDate.from_iso(text)


@pytest.mark.parametrize(
    ("birth", "years"),
    [
        ("1992-11-22", 34),
        ("1992-11-23", 33),
        ("1992", 34),
        ("1992-12", 33),
        ("2024-02-29", 2),
        ("2027", -1),
    ],
)
def test_age_in_years(birth, years):
    assert age_on(BirthDate.from_iso(birth), TODAY) == years


def test_leap_day_birthday_comes_on_the_first_of_march():
    born = BirthDate(2024, 2, 29)
    assert age_on(born, date(2025, 2, 28)) == 0
    assert age_on(born, date(2025, 3, 1)) == 1


def test_age_in_months():
    assert age_months(BirthDate(2025, 5, 22), TODAY) == 18
    assert age_months(BirthDate(2025, 5, 23), TODAY) == 17
    assert age_months(BirthDate(2025), TODAY) is None
    assert months_old(BirthDate(2025), TODAY) == 12
    assert months_old(BirthDate(2027), TODAY) == 0


@pytest.mark.parametrize(
    ("birth", "text"),
    [
        ("2026-11-22", "0 ngày"),
        ("2026-11-10", "12 ngày"),
        ("2026-10-23", "30 ngày"),
        ("2026-10-22", "1 tháng"),
        ("2025-05-22", "18 tháng"),
        ("2025-05", "18 tháng"),
        ("2026-11", "dưới 1 tháng"),
        ("2020-11-23", "71 tháng"),
        ("2020-11-22", "6 tuổi"),
        ("1992-05-03", "34 tuổi"),
        ("1992", "34 tuổi"),
        ("2026", "dưới 1 tuổi"),
        ("2027", "chưa sinh"),
    ],
)
def test_age_as_a_nurse_says_it(birth, text):
    assert age_text(BirthDate.from_iso(birth), TODAY) == text
