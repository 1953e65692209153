"""Official lists come in whole: rows recognised by header, bad rows refused with a reason."""

from __future__ import annotations

import contextlib
import os
import random
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.catalogs.importers import FileImporter, read_list
from station_emr.catalogs.starter import starter_file, starter_rows
from station_emr.domain.catalog import CatalogKind, DrugControl, drug_of, icd_of
from station_emr.domain.errors import UserError

OFFICIAL = Path(__file__).resolve().parents[3] / "shared" / "catalogs"
DATA = Path(__file__).parent / "data"
FROM = date(2026, 7, 1)

ICD_HEADER = [
    "Mã bệnh",
    "Tên bệnh",
    "Không được sử dụng làm bệnh chính",
    "Không khuyến khích làm bệnh chính",
    "Có mã chi tiết hơn",
    "Chỉ dùng khi tử vong",
    "Giới nữ",
    "Giới nam",
]


def official(name: str) -> str:
    path = OFFICIAL / name
    if not path.exists():
        pytest.skip(f"the official file {name} is not on this machine")
    return str(path)


def excel(path: Path, rows: list[list[object]], *, before: int = 0) -> str:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Danh muc")
        for number, row in enumerate(rows):
            sheet.write_row(number + before, 0, row)
    return str(path)


# Official files


def test_the_official_icd_file_is_taken_whole() -> None:
    path = official("icd10_tt06_2026.csv")
    now = tuple(starter_rows(CatalogKind.ICD10))

    result = FileImporter().preview(CatalogKind.ICD10, path, now, FROM)

    assert result.refused == ()
    assert result.closed == ()
    assert len(result.added) + len(result.changed) + result.unchanged == 15_844
    assert len(result.added) == 15_844 - len(now)
    rows = {row.code: icd_of(row) for row in result.added}
    rows |= {new.code: icd_of(new) for _, new in result.changed}
    assert (
        sum(code.mark == "*" for code in rows.values())
        + sum(icd_of(row).mark == "*" for row in now if row.code not in rows)
        == 807
    )
    assert rows["O00.0"].female_only
    # What only the starter list knows stays with the code.
    hypertension = next((new for _, new in result.changed if new.code == "E11.9"), None)
    kept = hypertension or next(row for row in now if row.code == "E11.9")
    assert kept.attributes["common"] is True
    assert "tiểu đường" in str(kept.attributes["keywords"])


def test_the_official_drug_file_is_taken_whole_and_learns_families() -> None:
    path = official("thuoc_sdk_bhyt.csv")
    now = tuple(starter_rows(CatalogKind.DRUG))

    result = FileImporter().preview(CatalogKind.DRUG, path, now, FROM)

    assert len(result.added) == 14_834
    assert result.refused == ()
    assert len(result.closed) == len(now)
    drugs = [drug_of(row) for row in result.added]
    amoxicillin = [drug for drug in drugs if drug.inn == "Amoxicilin"]
    assert amoxicillin
    assert all("penicillin" in drug.groups for drug in amoxicillin)
    assert all(drug.ingredients == ("amoxicillin",) for drug in amoxicillin)
    assert all(
        drug.control is DrugControl.PSYCHOTROPIC for drug in drugs if drug.inn == "Phenobarbital"
    )


def test_the_official_commune_file_changes_nothing() -> None:
    path = official("don_vi_hanh_chinh_2025.csv")

    result = FileImporter().preview(
        CatalogKind.COMMUNE, path, tuple(starter_rows(CatalogKind.COMMUNE)), FROM
    )

    assert (result.added, result.changed, result.closed, result.refused) == ((), (), (), ())
    assert result.unchanged == 3321


def test_only_annex_three_becomes_the_one_year_list() -> None:
    path = official("icd_tt01_2025_phu_luc.csv")

    read = read_list(CatalogKind.ONE_YEAR_REFERRAL, path, FROM)

    codes = {row.code for row in read.rows}
    assert {"I10", "J45", "L40"} <= codes
    assert "A15" not in codes


@pytest.mark.parametrize("name", ["drugs_tcvn3.xls", "drugs_vni.xls"])
def test_an_old_xls_in_an_old_font_reads_as_vietnamese(name: str) -> None:
    now = tuple(starter_rows(CatalogKind.DRUG))

    read = read_list(CatalogKind.DRUG, DATA / name, FROM, now)

    assert read.refused == ()
    drugs = [drug_of(row) for row in read.rows]
    assert [drug.brand for drug in drugs][-1] == "Thuốc tiêm mẫu"
    assert [drug.unit for drug in drugs] == ["viên", "viên", "lọ", "chai", "ống"]
    assert [drug.route for drug in drugs][2] == "Tiêm tĩnh mạch"
    # Excel keeps 2.10 as the number 2.1.
    assert [drug.route_code for drug in drugs] == ["1.01", "1.01", "2.04", "3.05", "2.10"]
    assert drugs[1].groups == ("beta_lactam", "penicillin")
    assert read.rows[0].name == "Paracetamol (Paracetamol mẫu) 500mg"


@pytest.mark.parametrize("kind", list(CatalogKind))
def test_every_starter_file_comes_in_again_without_a_change(kind: CatalogKind) -> None:
    if kind is CatalogKind.FACILITY:
        pytest.skip("demo codes must be typed, a real facility code has five characters")
    now = tuple(starter_rows(kind))

    result = FileImporter().preview(kind, str(starter_file(kind)), now, FROM)

    assert (result.added, result.changed, result.closed, result.refused) == ((), (), (), ())
    assert result.unchanged == len(now)


# Headers


def test_flags_are_found_by_the_sentences_of_the_official_header(tmp_path: Path) -> None:
    path = excel(
        tmp_path / "icd.xlsx",
        [
            ["DANH MỤC MÃ BỆNH"],
            ICD_HEADER,
            ["B37.3†", "Nhiễm nấm", "", "", "", "", "x", ""],
            ["H36.0*", "Bệnh lý võng mạc", "x", "", "", "", "", ""],
            ["n40", "Tăng sản", "", "X", "", "", "", "x"],
            ["A00", "Bệnh tả", "", "", "Có", "", "", ""],
        ],
    )

    rows = {row.code: icd_of(row) for row in read_list(CatalogKind.ICD10, path, FROM).rows}

    assert rows["B37.3"].mark == "†"
    assert rows["B37.3"].female_only
    assert rows["H36.0"].mark == "*"
    assert rows["H36.0"].not_main
    assert rows["N40"].male_only
    assert rows["N40"].discouraged_main
    assert not rows["N40"].not_main
    assert rows["A00"].more_specific_exists
    assert not rows["A00"].female_only


def test_flags_are_found_by_column_numbers_24_to_29(tmp_path: Path) -> None:
    header: list[object] = [f"Cột {n}" for n in range(1, 30)]
    header[15], header[17] = "Mã bệnh", "Tên bệnh"
    row: list[object] = [""] * 29
    row[15], row[17], row[23], row[28] = "C61", "U ác tính", "1", "1"
    path = excel(tmp_path / "icd.xlsx", [header, [f"({n})" for n in range(1, 30)], row], before=3)

    read = read_list(CatalogKind.ICD10, path, FROM)

    (found,) = [icd_of(row) for row in read.rows]
    assert found.not_main
    assert found.male_only
    assert not found.female_only
    assert not found.discouraged_main


def test_the_list_approved_for_a_station_has_its_own_header(tmp_path: Path) -> None:
    path = excel(
        tmp_path / "thuoc.xlsx",
        [
            ["STT", "MA_THUOC", "TEN_HOAT_CHAT", "TEN_THUOC", "DON_VI_TINH", "HAM_LUONG",
             "DUONG_DUNG", "SO_DANG_KY"],
            [1, "40.155", "Amoxicilin + Acid clavulanic", "Mẫu 625", "Viên", "500mg + 125mg",
             "1.01", "VD-9999-99"],
            [2, "05C.1", "Diệp hạ châu", "Cao mẫu", "Gói", "3g", "1.01", ""],
        ],
    )  # fmt: skip

    read = read_list(CatalogKind.DRUG, path, FROM, tuple(starter_rows(CatalogKind.DRUG)))

    first, second = (drug_of(row) for row in read.rows)
    assert first.code == "VD-9999-99"
    assert first.ingredients == ("amoxicillin", "clavulanic acid")
    assert "penicillin" in first.groups
    assert first.route_code == "1.01"
    assert second.code == "05c-1-cao-mau-3g-1-01"


def test_a_sheet_that_is_not_the_list_is_passed_over(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "x.xlsx")) as book:
        book.add_worksheet("Bìa").write_row(0, 0, ["Quyết định ban hành danh mục"])
        sheet = book.add_worksheet("Danh mục")
        sheet.write_row(0, 0, ["Mã", "Tên"])
        sheet.write_row(1, 0, [5, "Khơ-me"])

    read = read_list(CatalogKind.ETHNIC_GROUP, tmp_path / "x.xlsx", FROM)

    assert [(row.code, row.name) for row in read.rows] == [("05", "Khơ-me")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1258"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_files_of_any_usual_kind_are_read(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    # cp1258 writes the tone as a mark of its own.
    text = delimiter.join(["Mã", "Tên"]) + "\r\n" + delimiter.join(["61", "Nông dân"]) + "\r\n"
    content = text.replace("ã", "a\u0303") if encoding == "cp1258" else text
    (tmp_path / "x.csv").write_bytes(content.encode(encoding))

    read = read_list(CatalogKind.OCCUPATION, tmp_path / "x.csv", FROM)

    assert [(row.code, row.name) for row in read.rows] == [("61", "Nông dân")]


# Refusals


def test_bad_rows_are_refused_with_line_and_reason_and_the_rest_is_taken(tmp_path: Path) -> None:
    path = excel(
        tmp_path / "icd.xlsx",
        [
            ["Mã bệnh", "Tên bệnh"],
            ["A00.0", "Bệnh tả"],
            ["", "Không có mã"],
            ["A01", ""],
            ["XYZ", "Mã sai"],
            [],
            ["A000", "Bệnh tả lần nữa"],
            ["A01", "Thương hàn"],
        ],
        before=2,
    )

    read = read_list(CatalogKind.ICD10, path, FROM)

    assert [row.code for row in read.rows] == ["A00.0", "A01"]
    assert [(row.line, row.reason) for row in read.refused] == [
        (5, "thiếu mã"),
        (6, "thiếu tên"),
        (7, "mã bệnh “XYZ” không đúng dạng A00, A00.0 hoặc A00.00"),
        (9, "mã A00.0 đã có ở dòng 4"),
    ]
    assert read.refused[2].text == "XYZ | Mã sai"


def test_a_refused_row_of_a_csv_is_named_by_its_line_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(
        'Mã,Tên\n01,"Kinh\ncòn gọi là Việt"\n1a,Sai\n', encoding="utf-8"
    )

    read = read_list(CatalogKind.ETHNIC_GROUP, tmp_path / "x.csv", FROM)

    assert [row.name for row in read.rows] == ["Kinh còn gọi là Việt"]
    assert [(row.line, row.reason) for row in read.refused] == [
        (4, "mã dân tộc phải có 2 chữ số, không phải “1a”")
    ]


def test_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Mã ICD,Tên,Số ngày\nI10,A,ba mươi\nE11,B,90\n", "utf-8")

    read = read_list(CatalogKind.LONG_PRESCRIPTION, tmp_path / "x.csv", FROM)

    assert [(row.code, row.attributes["max_days"]) for row in read.rows] == [("E11", 90)]
    assert read.refused[0].reason == "giá trị “ba mươi” không phải là số"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "trống"),
        (b"\0" * 300, "trống"),
        (b"\n\n ,, \n", "không có dòng nào"),
        (random.Random(1).randbytes(4000), "Không đọc được tệp"),
        (b"PK\x03\x04" + random.Random(2).randbytes(4000), "Không đọc được tệp"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000), "Không đọc được tệp"),
        (b"%PDF-1.7\n" + random.Random(3).randbytes(4000), "Không đọc được tệp"),
        ("Họ tên,Tuổi\nA,1\n".encode(), "Không thấy dòng tiêu đề"),
        ("Mã,Tên\n".encode(), "không có dòng nào dùng được"),
        ("Mã,Tên\nsai,Mã sai\n".encode(), "Dòng 2: mã bệnh “sai”"),
    ],
)
def test_a_file_that_is_no_list_gives_one_clear_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "tệp.xlsx").write_bytes(content)

    with pytest.raises(UserError) as caught:
        FileImporter().preview(CatalogKind.ICD10, str(tmp_path / "tệp.xlsx"), (), FROM)

    assert sentence in str(caught.value)
    assert "tệp.xlsx" in str(caught.value)


def test_a_missing_file_a_folder_and_a_locked_file_say_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Không thấy tệp"):
        read_list(CatalogKind.ICD10, tmp_path / "x.xlsx", FROM)
    with pytest.raises(UserError, match="không phải một tệp"):
        read_list(CatalogKind.ICD10, tmp_path, FROM)
    locked = tmp_path / "locked.xlsx"
    locked.write_bytes(b"PK")
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        pytest.skip("this account may read every file")
    with pytest.raises(UserError, match="đang được chương trình khác giữ"):
        read_list(CatalogKind.ICD10, locked, FROM)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=600), st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"]))
def test_no_content_ever_escapes_as_anything_but_a_user_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "x"
    path.write_bytes(start + content)

    with pytest.raises(UserError):
        read_list(CatalogKind.ICD10, path, FROM)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5000), st.integers(1, 64), st.randoms(use_true_random=False))
def test_a_damaged_old_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, length: int, rng: random.Random
) -> None:
    content = bytearray((DATA / "drugs_tcvn3.xls").read_bytes())
    content[at : at + length] = rng.randbytes(length)
    path = tmp_path_factory.mktemp("damaged") / "x.xls"
    path.write_bytes(bytes(content))

    with contextlib.suppress(UserError):
        for row in read_list(CatalogKind.DRUG, path, FROM).rows:
            assert row.code
            assert row.name
            assert row.valid_from == FROM
