"""Approved lists of a station: read by their column titles, refused row by row, kept by date."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from station_emr.catalogs.importers import FileImporter
from station_emr.domain.billing import ItemKind
from station_emr.domain.catalog import CatalogKind, CatalogPreview
from station_emr.domain.errors import UserError
from station_emr.domain.prescription import PrescriptionLine
from station_emr.domain.price_list import answering, approved_of, drug_choices, item_from

FROM = date(2026, 7, 1)
SERVICE, DRUG, MATERIAL = (
    CatalogKind.APPROVED_SERVICE,
    CatalogKind.APPROVED_DRUG,
    CatalogKind.APPROVED_MATERIAL,
)


def read(folder: Path, kind: CatalogKind, *rows: list[str], now=()) -> CatalogPreview:
    path = folder / "danh-muc.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return FileImporter().preview(kind, str(path), now, FROM)


def test_services_are_read_by_the_titles_of_the_forms(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        SERVICE,
        ["DANH MỤC DỊCH VỤ KỸ THUẬT", "", "", "", "", "", ""],
        ["STT", "Mã dịch vụ", "Tên DVKT phê duyệt", "Mã nhóm", "Đơn giá BV", "Đơn giá BH", "Mã nội bộ"],
        ["1", "02.0001.0001", "Khám mẫu", "13", "36.500", "30100", "kham-benh; kham-lai"],
        ["2", "03.0002.0002", "Xét nghiệm mẫu", "01", "12.500,5", "", ""],
    )  # fmt: skip

    exam, test = (approved_of(row) for row in found.added)
    assert (exam.kind, exam.code, exam.group) == (ItemKind.SERVICE, "02.0001.0001", "13")
    assert (exam.price, exam.insured_price) == (Decimal(36500), Decimal(30100))
    assert (test.group, test.price, test.insured_price) == ("1", Decimal("12500.5"), test.price)
    assert test.unit == "lần"
    assert not exam.example
    assert answering("kham-lai", (test, exam)) is exam
    assert answering("03.0002.0002", (test, exam)) is test
    assert answering("khac", (test, exam)) is None


def test_a_drug_may_stand_there_once_for_each_registration_and_tender(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        DRUG,
        ["Mã thuốc", "Hoạt chất", "Tên thuốc", "Hàm lượng", "Đường dùng", "ĐVT", "Số đăng ký",
         "Thông tin thầu", "Đơn giá"],
        ["40.1", "Chất mẫu", "Một", "5 mg", "1.01", "viên", "VD-1", "1/QĐ;G1;N4;2026", "312,125"],
        ["40.1", "Chất mẫu", "Hai", "5 mg", "1.01", "viên", "VD-2", "1/QĐ;G1;N4;2026", "400"],
        ["40.1", "Chất mẫu", "Hai", "5 mg", "1.01", "viên", "VD-2", "1/QĐ;G1;N4;2026", "401"],
    )  # fmt: skip

    one, two = (approved_of(row) for row in found.added)
    assert (one.code, two.code) == ("40.1", "40.1")
    assert one.row != two.row
    assert (one.price, one.insured_price) == (Decimal("312.125"), Decimal("312.125"))
    ((refused),) = found.refused
    assert "đã có ở dòng 3" in refused.reason
    item = item_from(one, Decimal(3))
    assert (item.listed, item.code, item.tender) == (one.row, "40.1", "1/QĐ;G1;N4;2026")


def test_a_prescribed_line_finds_its_approved_drug_the_surest_first(tmp_path: Path) -> None:
    head = ["Mã thuốc", "Hoạt chất", "Tên thuốc", "Hàm lượng", "Đường dùng", "Đơn giá", "Mã nội bộ"]
    found = read(
        tmp_path,
        DRUG,
        head,
        ["40.1", "Chất mẫu", "Theo tên", "5 mg", "2.10", "1", ""],
        ["40.2", "Chất mẫu", "Theo hoạt chất", "5 mg", "1.01", "2", ""],
        ["40.3", "Chất khác", "Theo mã riêng", "9 mg", "1.01", "3", "thuoc-mau"],
        ["40.1", "Chất mẫu", "Khác hàm lượng", "10 mg", "1.01", "4", ""],
    )
    listed = [approved_of(row) for row in found.added]
    line = PrescriptionLine(
        drug_code="thuoc-mau",
        inn="Chất mẫu",
        label="Chất mẫu 5 mg",
        strength="5 mg",
        route_code="1.01",
        bhyt_code="40.1",
    )

    assert [one.name for one in drug_choices(line, listed)] == [
        "Theo mã riêng",
        "Theo tên",
        "Theo hoạt chất",
    ]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["", "Tên", "100", "", ""], "thiếu mã"),
        (["A", "", "100", "", ""], "thiếu tên"),
        (["A", "Tên", "", "", ""], "thiếu đơn giá"),
        (["A", "Tên", "mười", "", ""], "không phải là số tiền"),
        (["A", "Tên", "-5", "", ""], "không âm"),
        (["A", "Tên", "1,2345", "", ""], "3 số lẻ"),
        (["A", "Tên", "100", "150", ""], "từ 0 đến 100"),
        (["A", "Tên", "100", "", "5"], "phạm vi"),
    ],
)
def test_a_row_that_cannot_be_charged_is_refused_with_its_reason(
    tmp_path: Path, cells: list[str], reason: str
) -> None:
    head = ["Mã vật tư", "Tên vật tư", "Đơn giá", "Tỷ lệ BHYT", "Phạm vi"]
    found = read(tmp_path, MATERIAL, head, cells, ["B", "Vật tư tốt", "100", "50%", "1"])

    (refused,) = found.refused
    assert reason in refused.reason
    assert [approved_of(row).insured_ratio for row in found.added] == [50]


def test_a_row_outside_the_scope_is_not_insured(tmp_path: Path) -> None:
    head = ["Mã vật tư", "Tên vật tư", "Đơn giá", "Phạm vi"]
    found = read(tmp_path, MATERIAL, head, ["B", "Vật tư", "100", "2"])

    assert approved_of(found.added[0]).insured_ratio == 0


def test_a_file_without_prices_says_which_columns_are_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="“Đơn giá”"):
        read(tmp_path, DRUG, ["Mã thuốc", "Tên thuốc"], ["40.1", "Một"])


def test_a_new_price_begins_on_its_day_and_is_no_example_any_more(tmp_path: Path) -> None:
    head = ["code", "name", "unit_price", "example", "answers"]
    first = read(tmp_path, SERVICE, head, ["A", "Dịch vụ", "100", "1", "thay-bang"])
    assert approved_of(first.added[0]).example

    found = read(
        tmp_path, SERVICE, ["Mã dịch vụ", "Tên dịch vụ", "Đơn giá"], ["A", "Dịch vụ", "100"],
        now=first.added,
    )  # fmt: skip

    ((old, new),) = found.changed
    assert (old.valid_from, new.valid_from) == (FROM, FROM)
    assert not approved_of(new).example
    assert approved_of(new).answers == ("thay-bang",)  # what the file does not speak of stays
