"""Scanned codes: cards of every layout, scanners of every kind, and rubbish."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.domain.birth import BirthDate
from station_emr.domain.scan import (
    CitizenCardScan,
    ForeignScan,
    InsuranceCardScan,
    LetterScan,
    NumberScan,
    parse_scan,
)

NAME = "Nguyễn Thị Mẫu"
ADDRESS = "Thôn 3, Xã Ia Mẫu, Gia Lai"
CARD = f"064192000001|231234567|{NAME}|03051992|Nữ|{ADDRESS}|01022022"
EXPECTED = CitizenCardScan(
    national_id="064192000001",
    old_id="231234567",
    full_name=NAME,
    birth=BirthDate(1992, 5, 3),
    sex="female",
    address=ADDRESS,
    issued_on=date(2022, 2, 1),
)


def hexed(text: str) -> str:
    return text.encode().hex().upper()


INSURANCE = (
    f"TE1640000000001|{hexed(NAME)}|03/05/1992|2|{hexed(ADDRESS)}|64 - 001|01/01/2026|31/12/2026|"
    f"02/01/2026|64|{hexed('Trần Mẫu')}|4|01/01/2030|abc-12|4|{hexed('Gia Lai')}|$"
)


def through_wedge(text: str, code_page: str) -> str:
    """UTF-8 bytes typed as characters of a code page; undefined places stand for themselves."""
    return "".join(bytes([byte]).decode(code_page, "ignore") or chr(byte) for byte in text.encode())


def test_citizen_card():
    assert parse_scan(CARD) == EXPECTED


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(CARD.encode(), id="bytes"),
        pytest.param(f"]Q1{CARD}\r\n", id="aim prefix and enter"),
        pytest.param(f"\ufeff\x02{CARD}\x03\t", id="control characters around"),
        pytest.param(through_wedge(CARD, "latin-1"), id="utf-8 as latin-1"),
        pytest.param(through_wedge(CARD, "cp1252"), id="utf-8 as windows-1252"),
        pytest.param(through_wedge(CARD, "cp1258"), id="utf-8 as windows-1258"),
        pytest.param(CARD.encode().decode("latin-1").encode(), id="doubly encoded bytes"),
        pytest.param(CARD.replace("|", "~"), id="separator ~"),
        pytest.param(CARD.replace("|", ">"), id="separator >"),
        pytest.param(CARD.replace("|", "£"), id="separator £"),
        pytest.param(CARD.replace("|", ""), id="separators lost"),
        pytest.param(CARD.swapcase(), id="caps lock"),
        pytest.param(CARD.replace("03051992", "03/05/1992"), id="birth with slashes"),
    ],
)
def test_mangled_citizen_card_is_repaired(sent):
    found = parse_scan(sent)
    assert isinstance(found, CitizenCardScan)
    assert found.national_id == EXPECTED.national_id
    assert found.old_id == EXPECTED.old_id
    assert found.full_name == NAME
    assert not found.name_uncertain
    assert (found.birth, found.sex, found.issued_on) == (
        EXPECTED.birth,
        EXPECTED.sex,
        EXPECTED.issued_on,
    )


@pytest.mark.parametrize(
    "name",
    ["Rơ Châm H'Bĕ̆", "Ksor Ŏ", "Kpă Y Blơi", "Rah Lan Nay", "Siu H’Nhung", "Y Ƀan Mẫu"],
)
def test_highland_names_are_names(name):
    found = parse_scan(CARD.replace(NAME, name))
    assert isinstance(found, CitizenCardScan)
    assert found.full_name == name
    assert not found.name_uncertain


@pytest.mark.parametrize(
    ("name", "address", "sex", "proposed"),
    [
        ("NGUYEN THI MAU", "THON 3, XA IA MAU", "Nu", "NGUYEN THI MAU"),
        ("Nguyeexn Thij Maaxu", "Thoon 3", "Nuwx", "Nguyễn Thị Mẫu"),
        ("Nguye6n4 Thi5 Ma6u4", "Tho6n 3", "Nu74", "Nguyễn Thị Mẫu"),
        ("Dduwowngf Vawn Maaux", "Thoon 3", "Nuwx", "Đường Văn Mẫu"),
        ("Nguy?n Th? M?u", "Th?n 3", "N?", "Nguy?n Th? M?u"),
        ("Nguyá»n Thá» Máº«u", "ThÃ\u00b4n 3", "Ná»¯", "Nguyn Th Mẫu"),
    ],
)
def test_lost_diacritics_are_handed_to_the_nurse(name, address, sex, proposed):
    found = parse_scan(f"064192000001||{name}|03051992|{sex}|{address}|01022022")
    assert isinstance(found, CitizenCardScan)
    assert found.full_name == proposed
    assert found.name_uncertain
    assert found.national_id == "064192000001"
    assert found.birth == BirthDate(1992, 5, 3)
    assert found.sex == "female"


def test_card_of_2024_keeps_its_extra_fields_raw():
    found = parse_scan(f"{CARD}|064092000009|Trần Mẫu|01012020|")
    assert isinstance(found, CitizenCardScan)
    assert found.issued_on == date(2022, 2, 1)
    assert found.address == ADDRESS
    assert found.extra == ("064092000009", "Trần Mẫu", "01012020", "")


@pytest.mark.parametrize(
    ("written", "birth"),
    [
        ("1992", BirthDate(1992)),
        ("00001992", BirthDate(1992)),
        ("05/1992", BirthDate(1992, 5)),
        ("99999999", None),
    ],
)
def test_partial_birth_on_a_card(written, birth):
    found = parse_scan(CARD.replace("03051992", written))
    assert isinstance(found, CitizenCardScan)
    assert found.birth == birth


def test_card_that_broke_off_keeps_what_is_certain():
    found = parse_scan(CARD[: CARD.index("Thôn")] + "Thôn")
    assert isinstance(found, CitizenCardScan)
    assert found.national_id == "064192000001"
    assert found.birth == BirthDate(1992, 5, 3)
    assert found.issued_on is None
    assert found.name_uncertain


def test_insurance_card():
    found = parse_scan(INSURANCE)
    assert isinstance(found, InsuranceCardScan)
    assert found.raw[0] == "TE1640000000001"
    assert len(found.raw) == 17
    assert found == InsuranceCardScan(
        number="TE1640000000001",
        full_name=NAME,
        birth=BirthDate(1992, 5, 3),
        sex="female",
        address=ADDRESS,
        initial_facility="64001",
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 12, 31),
        five_year_on=date(2030, 1, 1),
        issued_on=date(2026, 1, 2),
        raw=found.raw,
    )


def test_living_area_only_where_it_is_one():
    found = parse_scan(INSURANCE.replace("|4|01/01/2030", "|K2|01/01/2030"))
    assert isinstance(found, InsuranceCardScan)
    assert found.living_area == "K2"


def test_short_old_insurance_card():
    sent = f"6400000001|{hexed(NAME)}|1992|1|-|64 - 001|01/01/2026|-|01/01/2026|64$"
    found = parse_scan(sent)
    assert isinstance(found, InsuranceCardScan)
    assert found.number == "6400000001"
    assert found.full_name == NAME
    assert found.birth == BirthDate(1992)
    assert found.sex == "male"
    assert found.address == ""
    assert found.valid_to is None
    assert not found.name_uncertain


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(INSURANCE.lower(), id="lower case"),
        pytest.param(INSURANCE.replace("|", "~"), id="separator ~"),
        pytest.param(INSURANCE.replace("TE1", "TÉ").replace("E1", "É"), id="VNI took digits"),
        pytest.param(INSURANCE.replace("EE", "Ê").replace("AA", "Â"), id="Telex took letters"),
        pytest.param(INSURANCE.replace("|", ""), id="separators lost"),
        pytest.param(INSURANCE.encode(), id="bytes"),
    ],
)
def test_mangled_insurance_card_is_repaired(sent):
    found = parse_scan(sent)
    assert isinstance(found, InsuranceCardScan)
    assert found.number == "TE1640000000001"
    assert found.full_name == NAME
    assert found.birth == BirthDate(1992, 5, 3)
    assert found.initial_facility == "64001"
    assert found.valid_to == date(2026, 12, 31)


def test_damaged_hexadecimal_gives_no_half_name():
    broken = hexed(NAME)[:-3]
    found = parse_scan(INSURANCE.replace(hexed(NAME), broken))
    assert isinstance(found, InsuranceCardScan)
    assert found.number == "TE1640000000001"
    assert found.full_name == ""
    assert found.name_uncertain


def test_plain_name_on_an_insurance_card():
    found = parse_scan(INSURANCE.replace(hexed(NAME), NAME))
    assert isinstance(found, InsuranceCardScan)
    assert found.full_name == NAME


@pytest.mark.parametrize(
    ("typed", "kind", "value", "also"),
    [
        ("064 192 000 001", "national_id", "064192000001", ()),
        ("231234567", "old_id", "231234567", ()),
        ("gd 4 64 0000000001", "insurance", "GD4640000000001", ()),
        ("TÉ640000000001", "insurance", "TE1640000000001", ()),
        ("6400000001", "insurance", "6400000001", ()),
        ("0905123456", "phone", "0905123456", ("insurance",)),
        ("+84 905 123 456", "phone", "0905123456", ()),
        ("02693824567", "phone", "02693824567", ()),
    ],
)
def test_typed_numbers(typed, kind, value, also):
    assert parse_scan(typed) == NumberScan(kind=kind, value=value, also=also)


def test_letter_code_is_passed_on_whole():
    assert parse_scan("SEMR1:AB C .\r\n") == LetterScan(text="SEMR1:AB C .")


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        ("", "quét lại"),
        ("\r\n\x00", "quét lại"),
        ("https://example.invalid/abc", "trang web"),
        ("00020101021238570010A00000072701", "chuyển tiền"),
        ("Nguyễn Thị Mẫu", "không phải"),
        ("4006381333931", "gõ số thẻ"),
        ("064192000001|x", "đọc bị lỗi"),
        ("GD46400000|x", "đọc bị lỗi"),
        ("0905123456 a b c d e f g", "đọc bị lỗi"),
    ],
)
def test_foreign_codes_say_what_to_do(sent, word):
    found = parse_scan(sent)
    assert isinstance(found, ForeignScan)
    assert word in found.message
    assert "Hồ sơ chưa thay đổi" in found.message or "Chưa đọc được" in found.message


@given(st.one_of(st.text(), st.binary(), st.text(alphabet="0123456789|ABE1ÉĐ$-/ ~éữ\x85")))
def test_nothing_raises(sent):
    assert parse_scan(sent) is not None


@given(st.data())
def test_a_card_cut_or_changed_anywhere_never_raises_nor_invents_a_number(data):
    source = data.draw(st.sampled_from([CARD, INSURANCE]))
    at = data.draw(st.integers(0, len(source) - 1))
    changed = data.draw(
        st.sampled_from(
            [source[:at], source[:at] + source[at + 1 :], source[:at] + "�" + source[at + 1 :]]
        )
    )
    found = parse_scan(changed)
    if isinstance(found, CitizenCardScan) and at > 13:
        assert found.national_id == EXPECTED.national_id
    if isinstance(found, InsuranceCardScan) and at > 16:
        assert found.number == "TE1640000000001"


@pytest.mark.parametrize("piece", ["|", "|1111", "~a", "A1", "Nam", "00000000Nam", "41"])
def test_long_hostile_codes_end(piece):
    assert parse_scan("064192000001|" + piece * 5000) is not None
    assert parse_scan("6400000001" + piece * 5000) is not None
    assert parse_scan("064192000001" + piece * 5000) is not None


@given(
    name=st.text(
        alphabet="AĂÂBCDĐEÊGHIKLMNOÔƠPQRSTUƯVXYaăâáàảãạbcdđeêếghimnoôơpqrstuưvxy ", min_size=2
    )
    .map(lambda n: " ".join(n.split()))
    .filter(lambda n: len(n) > 1 and not n.isascii()),
    birth=st.dates(date(1900, 1, 1), date(2026, 1, 1)),
    wedge=st.sampled_from([None, "latin-1", "cp1252"]),
    mark=st.sampled_from("|~>"),
)
def test_any_name_comes_back(name, birth, wedge, mark):
    card = mark.join(
        ["064192000001", "", name, f"{birth:%d%m}{birth.year:04d}", "Nam", ADDRESS, "01022022"]
    )
    found = parse_scan(through_wedge(card, wedge) if wedge else card)
    assert isinstance(found, CitizenCardScan)
    assert found.birth == BirthDate.from_date(birth)
    assert found.sex == "male"
    assert found.full_name in {name, name.swapcase()}
