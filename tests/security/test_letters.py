"""The signed letter code: it fits, it comes back whole, and no changed byte passes."""

from __future__ import annotations

import zlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import cbor2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.domain.birth import BirthDate
from station_emr.domain.errors import UserError
from station_emr.domain.letter import LetterContent
from station_emr.domain.scan import LetterScan, parse_scan
from station_emr.security import base45, letter_code
from station_emr.security.letters import (
    MAX_CHARACTERS,
    LetterCheck,
    TrustedStation,
    encode_letter,
    key_id,
    public_key_of,
    signing_key_from_bytes,
    trusted_keys_from_json,
    trusted_keys_to_json,
    verify_letter,
)

KEY = signing_key_from_bytes(bytes(range(32)))
OTHER_KEY = signing_key_from_bytes(bytes(32))
STATION = TrustedStation(facility_code="DEMO1", name="Trạm Y tế mẫu", public_key=public_key_of(KEY))
TRUSTED = {key_id(STATION.public_key): STATION}
CONTENT = LetterContent(
    letter_number="A-000123/2026/PCCKCB",
    from_code="DEMO1",
    from_name="Trạm Y tế xã Ia Mẫu",
    to_code="DEMO2",
    to_name="Bệnh viện đa khoa tỉnh (mẫu)",
    patient_name="Rơ Châm H'Bĕ̆",
    birth=BirthDate(1992, 5),
    sex="female",
    issued_at=datetime(2026, 11, 22, 10, 5, 3, tzinfo=timezone(timedelta(hours=7))),
    main_diagnosis="I10",
    other_diagnoses=("E11.9", "N18.3"),
    diagnosis_text="Cơn tăng huyết áp",
    allergies="Penicillin (mề đay, khó thở)",
    treatment="Amlodipin 5 mg uống 1 viên lúc 8 giờ; Furosemid 20 mg tiêm tĩnh mạch chậm",
    signs="M 112 l/ph; HA 210/120 mmHg; SpO2 91%; đau đầu dữ dội, khó thở khi nằm",
    reason="1",
    prescriber_name="BS. Nguyễn Văn Mẫu",
    prescriber_licence="000123/GL-CCHN",
    national_id="064192000001",
    insurance_number="DT2640000000001",
    one_year=True,
)
CODE = encode_letter(CONTENT, KEY)


def resigned(packed: bytes, key=KEY, version: int = 1) -> str:
    """A code whose signature is right, around any content."""
    body = bytes([version]) + public_key_of(key) + packed
    signature = key.sign(b"station-emr referral letter\x00" + body)
    return "SEMR1:" + base45.encode(body + signature) + "."


def test_a_letter_comes_back_whole_and_trusted():
    found = verify_letter(CODE, TRUSTED)
    assert found.check is LetterCheck.VALID
    assert found.trusted
    assert found.content == CONTENT
    assert found.key_id == key_id(STATION.public_key)
    assert "hợp lệ" in found.message


def test_the_code_is_qr_alphanumeric_and_short():
    assert len(CODE) <= MAX_CHARACTERS
    assert set(CODE) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


def test_the_code_survives_a_printed_qr_and_the_scanner():
    image = zxingcpp.create_barcode(CODE, zxingcpp.BarcodeFormat.QRCode).to_image(scale=3)
    (read,) = zxingcpp.read_barcodes(image)
    scanned = parse_scan(read.text + "\r\n")
    assert scanned == LetterScan(text=CODE)
    assert verify_letter(scanned.text, TRUSTED).trusted


def test_a_letter_of_an_unknown_station_is_readable_but_not_trusted():
    found = verify_letter(CODE, {})
    assert found.check is LetterCheck.UNKNOWN_STATION
    assert not found.trusted
    assert found.content == CONTENT
    assert "Chữ ký khớp" in found.message
    assert "chưa biết trạm" in found.message
    assert "giả" not in found.message


def test_a_forger_with_an_own_key_claiming_a_known_station_is_pointed_out():
    found = verify_letter(encode_letter(CONTENT, OTHER_KEY), TRUSTED)
    assert found.check is LetterCheck.UNKNOWN_STATION
    assert "có thể là giả" in found.message


def test_a_trusted_station_cannot_sign_for_another():
    found = verify_letter(encode_letter(replace(CONTENT, from_code="DEMO9"), KEY), TRUSTED)
    assert found.check is LetterCheck.WRONG_STATION
    assert not found.trusted


def test_a_key_listed_under_a_false_name_is_not_trusted():
    listed = {key_id(public_key_of(OTHER_KEY)): STATION}
    assert not verify_letter(encode_letter(CONTENT, OTHER_KEY), listed).trusted


def test_every_changed_byte_is_noticed():
    signed = base45.decode(CODE[6:-1])
    for at in range(len(signed)):
        for bit in (0x01, 0x80):
            changed = bytearray(signed)
            changed[at] ^= bit
            found = verify_letter("SEMR1:" + base45.encode(bytes(changed)) + ".", TRUSTED)
            assert not found.trusted, at
            assert found.content is None, at
            assert found.check in {
                LetterCheck.TAMPERED,
                LetterCheck.TOO_NEW,
                LetterCheck.NOT_A_LETTER,
            }


def test_every_cut_is_noticed():
    for at in range(len(CODE)):
        assert verify_letter(CODE[:at], TRUSTED).content is None
        assert verify_letter(CODE[:at] + CODE[at + 1 :], TRUSTED).content is None


def test_a_signature_for_another_use_is_no_letter():
    body = bytes([1]) + public_key_of(KEY) + letter_code.pack(CONTENT)
    code = "SEMR1:" + base45.encode(body + KEY.sign(body)) + "."
    assert verify_letter(code, TRUSTED).check is LetterCheck.TAMPERED


def test_a_later_version_asks_for_a_newer_program():
    found = verify_letter(resigned(letter_code.pack(CONTENT), version=2), TRUSTED)
    assert found.check is LetterCheck.TOO_NEW
    assert found.content is None


@pytest.mark.parametrize(
    "text", ["", "SEMR1:", "SEMR1:.", "SEMR1:ABC.", "SEMR1:é.", "https://x.invalid", CODE[:-1]]
)
def test_other_codes_are_no_letters(text):
    assert verify_letter(text, TRUSTED).check is LetterCheck.NOT_A_LETTER


@given(st.one_of(st.text(), st.text(alphabet="SEMR1:0AZ $%*+-./.").map(lambda t: f"SEMR1:{t}.")))
def test_any_text_gets_a_verdict(text):
    assert not verify_letter(text, TRUSTED).trusted


def deflated(plain: bytes) -> bytes:
    squeeze = zlib.compressobj(
        9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, letter_code._DICTIONARY
    )
    return squeeze.compress(plain) + squeeze.flush()


GOOD = {1: "A-1", 2: "DEMO1", 6: "Mẫu", 7: "1992", 8: 1, 11: [1_800_000_000, 420], 19: "BS. Mẫu"}


def test_a_small_map_is_enough_and_unknown_keys_are_ignored():
    found = verify_letter(resigned(deflated(cbor2.dumps({**GOOD, 99: {"x": 1}}))), TRUSTED)
    assert found.trusted
    assert found.content is not None
    assert found.content.patient_name == "Mẫu"


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(deflated(b"\xff"), id="not cbor"),
        pytest.param(deflated(cbor2.dumps([1, 2])), id="no map"),
        pytest.param(deflated(b"\x81" * 3000), id="deep nesting"),
        pytest.param(deflated(b"\x00" * 5000), id="inflates too far"),
        pytest.param(deflated(b"\x00" * 10_000_000), id="bomb"),
        pytest.param(deflated(cbor2.dumps({**GOOD, 99: "x" * 5000})), id="well-formed but huge"),
        pytest.param(deflated(cbor2.dumps(GOOD)) + b"x", id="more after the end"),
        pytest.param(deflated(cbor2.dumps({**GOOD, 6: 5})), id="name is a number"),
        pytest.param(deflated(cbor2.dumps({**GOOD, 6: ""})), id="no name"),
        pytest.param(deflated(cbor2.dumps({**GOOD, 7: "hôm qua"})), id="no birth"),
        pytest.param(deflated(cbor2.dumps({**GOOD, 8: 7})), id="no such sex"),
        pytest.param(deflated(cbor2.dumps({**GOOD, 11: [10**30, 0]})), id="time too far"),
        pytest.param(deflated(cbor2.dumps({**GOOD, 11: [0, 10**9]})), id="offset too far"),
        pytest.param(deflated(cbor2.dumps({**GOOD, 11: "x"})), id="time is a text"),
        pytest.param(deflated(cbor2.dumps({**GOOD, 13: "I10"})), id="codes are no list"),
        pytest.param(deflated(cbor2.dumps({**GOOD, 13: [1]})), id="a code is a number"),
        pytest.param(deflated(cbor2.dumps({**GOOD, 21: True})), id="flags are a truth value"),
        pytest.param(
            deflated(cbor2.dumps({**GOOD, 99: cbor2.CBORTag(5, [10**9, 1])})), id="huge big float"
        ),
        pytest.param(
            deflated(cbor2.dumps({**GOOD, 99: cbor2.CBORTag(35, "(a+)+$")})), id="pattern"
        ),
        pytest.param(deflated(cbor2.dumps({**GOOD, 99: cbor2.CBORTag(70000, "x")})), id="odd tag"),
    ],
)
def test_well_signed_rubbish_is_refused(hostile):
    found = verify_letter(resigned(hostile), TRUSTED)
    assert found.check is LetterCheck.TAMPERED
    assert found.content is None


def test_long_texts_are_cut_by_rule_and_said_to_be():
    long = "".join(chr(0x4E00 + i) for i in range(2000))
    content = replace(
        CONTENT,
        treatment=long,
        signs=long,
        diagnosis_text=long,
        allergies="Penicillin, " + long,
        from_name=long,
        to_name=long,
        other_diagnoses=tuple(f"A{i:02d}" for i in range(20)),
    )
    code = encode_letter(content, KEY)
    assert len(code) <= MAX_CHARACTERS
    found = verify_letter(code, TRUSTED)
    assert found.trusted
    assert found.content is not None
    assert found.content.shortened
    assert "tờ giấy" in found.message
    assert found.content.allergies.startswith("Penicillin, ")
    assert found.content.other_diagnoses == content.other_diagnoses[:5]
    for name in ("patient_name", "national_id", "insurance_number", "letter_number", "birth"):
        assert getattr(found.content, name) == getattr(content, name)
    for name in ("treatment", "signs", "diagnosis_text", "allergies", "from_name", "to_name"):
        assert getattr(found.content, name).endswith("…")


def test_treatment_is_cut_before_allergies():
    content = replace(CONTENT, treatment="".join(chr(0x4E00 + i * 7) for i in range(250)))
    found = verify_letter(encode_letter(content, KEY), TRUSTED).content
    assert found is not None
    assert found.treatment != content.treatment
    assert found.allergies == content.allergies


def test_names_that_cannot_fit_stop_the_signature_with_a_sentence():
    content = replace(CONTENT, patient_name="".join(chr(0x4E00 + i) for i in range(400)))
    with pytest.raises(UserError, match="Phiếu chưa được ký"):
        encode_letter(content, KEY)


@settings(max_examples=40)
@given(
    st.builds(
        LetterContent,
        letter_number=st.text(min_size=1, max_size=20),
        from_code=st.just("DEMO1"),
        from_name=st.text(max_size=60),
        to_name=st.text(max_size=60),
        patient_name=st.text(min_size=1, max_size=30),
        birth=st.dates(min_value=datetime(1900, 1, 1).date()).map(BirthDate.from_date),
        sex=st.sampled_from(["male", "female", "unknown"]),
        issued_at=st.datetimes(
            datetime(2026, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)
        ).map(lambda t: t.replace(microsecond=0)),
        main_diagnosis=st.just("I10"),
        prescriber_name=st.text(min_size=1, max_size=20),
        prescriber_licence=st.text(max_size=10),
        allergies=st.text(max_size=200),
        treatment=st.text(max_size=900),
        signs=st.text(max_size=300),
        one_year=st.booleans(),
        emergency=st.booleans(),
    )
)
def test_any_letter_fits_and_verifies(content):
    code = encode_letter(content, KEY)
    assert len(code) <= MAX_CHARACTERS
    found = verify_letter(code, TRUSTED)
    assert found.trusted
    assert found.content is not None
    if not found.content.shortened:
        assert found.content == content
    assert found.content.patient_name == content.patient_name


def test_every_field_of_the_content_is_carried():
    carried = letter_code.unpack(letter_code.pack(replace(CONTENT, emergency=True, shortened=True)))
    for field in fields(LetterContent):
        if field.name not in {"emergency", "shortened"}:
            assert getattr(carried, field.name) == getattr(CONTENT, field.name)
    assert carried.emergency
    assert carried.shortened


def test_base45_vectors_of_rfc_9285():
    assert base45.encode(b"AB") == "BB8"
    assert base45.encode(b"Hello!!") == "%69 VD92EX0"
    assert base45.encode(b"base-45") == "UJCLQE7W581"
    assert base45.decode("QED8WEX0") == b"ietf!"
    for wrong in ("GGW", ":::", "A", "ab", "::", "AAAA"):
        with pytest.raises(ValueError):
            base45.decode(wrong)


@given(st.binary(max_size=200))
def test_base45_round_trip(data):
    text = base45.encode(data)
    assert base45.decode(text) == data
    assert len(text) == base45.encoded_length(len(data))


def test_list_of_trusted_stations_round_trip():
    assert trusted_keys_from_json(trusted_keys_to_json(TRUSTED)) == TRUSTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "other", "stations": []}',
        '{"format": "station-emr-trusted-keys"}',
        '{"format": "station-emr-trusted-keys", "stations": [{}]}',
        '{"format": "station-emr-trusted-keys", "stations": 5}',
        '{"format": "station-emr-trusted-keys", "stations": [{"facility_code": "A", "name": "B", "public_key": "AAAA"}]}',
    ],
)
def test_a_damaged_list_is_refused(text):
    with pytest.raises(UserError, match="danh sách khóa"):
        trusted_keys_from_json(text)
