"""The JSON of the national e-prescription system, held against one written by hand."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.catalog import DrugControl
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, PatientSnapshot
from station_emr.domain.errors import InvalidRecord
from station_emr.domain.patient import Coverage
from station_emr.domain.prescription import Prescription, PrescriptionLine
from station_emr.domain.record import Sex
from station_emr.interop.prescription.national import national_document

AT = datetime(2026, 11, 20, 8, 30, 5, tzinfo=timezone(timedelta(hours=7)))
PERSON = PatientSnapshot(
    patient_id="p",
    full_name="Nguyễn Thị Mẫu",
    birth=BirthDate(1992, 5, 3),
    sex=Sex.FEMALE,
    national_id="000000000001",
    phone="0900000001",
    address="Thôn 1, xã Mẫu, tỉnh Gia Lai",
    coverage=Coverage(number="GD4520000000001"),
    weight_kg="52",
)
PAPER = Prescription(
    id="d",
    patient_id="p",
    encounter_id="e",
    code="DEMO1abc1234-C",
    lines=(
        PrescriptionLine(
            drug_code="MAU-1",
            inn="Paracetamol",
            label="Paracetamol (Mẫudol) 500 mg",
            dose=Decimal(1),
            times_per_day=2,
            days=3,
            meal="sau ăn",
        ),
        PrescriptionLine(drug_code="MAU-2", inn="Cetirizin", label="Cetirizin 10 mg", days=10),
    ),
    diagnoses=(
        Diagnosis(icd_code="J00", title="Viêm mũi họng cấp", role=DiagnosisRole.MAIN, note="nhẹ"),
    ),
    advice="Uống nhiều nước",
    follow_up_on=date(2026, 11, 27),
    written_at=AT,
    patient=PERSON,
)
BY_HAND = {
    "loai_don_thuoc": "c",
    "ma_don_thuoc": "DEMO1abc1234-C",
    "ho_ten_benh_nhan": "Nguyễn Thị Mẫu",
    "ma_dinh_danh_y_te": "",
    "ma_dinh_danh_cong_dan": "000000000001",
    "ngay_sinh_benh_nhan": "03/05/1992",
    "can_nang": "52",
    "gioi_tinh": 3,
    "ma_so_the_bao_hiem_y_te": "GD4520000000001",
    "thong_tin_nguoi_giam_ho": "",
    "dia_chi": "Thôn 1, xã Mẫu, tỉnh Gia Lai",
    "chan_doan": [{"ma_chan_doan": "J00", "ten_chan_doan": "Viêm mũi họng cấp", "ket_luan": "nhẹ"}],
    "luu_y": "",
    "thong_tin_don_thuoc": [
        {
            "ma_thuoc": "MAU-1",
            "biet_duoc": "Mẫudol",
            "ten_thuoc": "Paracetamol (Mẫudol) 500 mg",
            "don_vi_tinh": "viên",
            "so_luong": "06",
            "cach_dung": "Uống sáng 1 viên, tối 1 viên, sau ăn",
        },
        {
            "ma_thuoc": "MAU-2",
            "biet_duoc": "Cetirizin",
            "ten_thuoc": "Cetirizin 10 mg",
            "don_vi_tinh": "viên",
            "so_luong": "10",
            "cach_dung": "Uống sáng 1 viên",
        },
    ],
    "loi_dan": "Uống nhiều nước",
    "so_dien_thoai_nguoi_kham_benh": "0900000001",
    "ngay_tai_kham": "7",
    "ngay_gio_ke_don": "2026-11-20 08:30:05",
    "signature": "",
}


def document(paper=PAPER):
    return json.loads(national_document(paper))


def test_the_whole_document_is_as_written_by_hand() -> None:
    assert document() == BY_HAND
    assert "Nguyễn Thị Mẫu".encode() in national_document(PAPER)


@pytest.mark.parametrize(("sex", "code"), [(Sex.UNKNOWN, 1), (Sex.MALE, 2), (Sex.FEMALE, 3)])
def test_the_codes_of_sex_are_not_those_of_the_insurance(sex, code) -> None:
    assert document(replace(PAPER, patient=replace(PERSON, sex=sex)))["gioi_tinh"] == code


def test_a_birth_of_which_only_the_year_is_known() -> None:
    paper = replace(PAPER, patient=replace(PERSON, birth=BirthDate(1950)))
    assert document(paper)["ngay_sinh_benh_nhan"] == "01/01/1950"


def test_a_small_child_names_who_brought_it() -> None:
    child = replace(PERSON, birth=BirthDate(2024, 1, 1), guardian_name="Trần Thị Mẫu")
    assert document(replace(PAPER, patient=child))["thong_tin_nguoi_giam_ho"] == "Trần Thị Mẫu"
    grown = replace(child, birth=BirthDate(2019, 1, 1))
    assert document(replace(PAPER, patient=grown))["thong_tin_nguoi_giam_ho"] == ""


def test_controlled_drugs_carry_their_period() -> None:
    line = replace(PAPER.lines[1], control=DrugControl.PSYCHOTROPIC)
    paper = replace(PAPER, code="DEMO1abc1234-H", lines=(line,))
    assert document(paper)["dot_dung_thuoc"] == {
        "dot": 1,
        "tu_ngay": "20/11/2026",
        "den_ngay": "29/11/2026",
        "so_thang_thuoc": 1,
    }
    assert document(paper)["loai_don_thuoc"] == "h"


def test_what_the_system_would_refuse_is_refused_here() -> None:
    for paper, field in (
        (replace(PAPER, code=""), "code"),
        (replace(PAPER, written_at=None), "signature"),
        (replace(PAPER, patient=replace(PERSON, address=" ")), "address"),
        (replace(PAPER, diagnoses=()), "diagnoses"),
        (replace(PAPER, lines=()), "lines"),
    ):
        with pytest.raises(InvalidRecord) as refused:
            national_document(paper)
        assert [problem.field for problem in refused.value.problems] == [field]
