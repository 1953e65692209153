"""Bảng kê 01/KBCB (QĐ 697/QĐ-BYT 2026): columns, sections under their numbers, one table per card."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from station_emr.domain.billing import Bill, BillItem, Help, ItemKind, Sources
from station_emr.domain.patient import Coverage
from station_emr.printing import bill as form
from station_emr.printing.documents import PdfDocuments
from station_emr.services.resources import resource_path
from tests.printing import pdf
from tests.printing.samples import DOCTOR, MAIN, MARK, PATIENT, SECOND, SIGNATURE, SIGNED, STATION

PDF = PdfDocuments()
D = Decimal
ONE, OTHER = "DN4520000000001", "GD4520000000002"
EXAM = BillItem(
    kind=ItemKind.SERVICE,
    code="VD.KHAM",
    name="Khám bệnh mẫu",
    unit="lần",
    group="13",
    price=D(36500),
    insured_price=D(30100),
    benefit=D(80),
)
DRUG = replace(
    EXAM,
    kind=ItemKind.DRUG,
    name="Thuốc mẫu",
    strength="5 mg",
    unit="viên",
    group="4",
    quantity=D("2.5"),
    price=D("312.125"),
    insured_price=D("312.125"),
    insured_ratio=50,
)
HELPED = replace(
    DRUG, name="Thuốc được hỗ trợ", card=OTHER, benefit=D(100), sources=Sources(nsnn=D(100)),
    help=Help.PERSON,
)  # fmt: skip
BED = replace(EXAM, name="Giường lưu mẫu", group="16", unit="ngày", price=D(1), insured_price=D(1))
BILL = Bill(
    id="0193a5f0-7c1e-7abc-8def-00000000b111",
    encounter_id="e",
    patient_id="p",
    number="A-0007/2026/BK",
    coverage=Coverage(number=ONE, initial_facility="99D01", initial_facility_name="Trạm mẫu"),
    more_coverages=(Coverage(number=OTHER),),
    items=(DRUG, EXAM, HELPED),
    visit_number="A-0123",
    department="K01",
    department_name="Khoa Khám bệnh",  # as the list of departments has it
    arrived_at=SIGNED,
    ended_at=SIGNED + timedelta(minutes=20),
    diagnoses=(MAIN, SECOND),
    closed_at=SIGNED,
    station=STATION,
    patient=PATIENT,
    practitioner=DOCTOR,
    signature=SIGNATURE,
)


@pdf.needs_poppler
def test_a_bill_holds_what_the_form_asks_for() -> None:
    data = PDF.bill(BILL, MARK)
    text = pdf.text(data)

    for part in (
        "TRẠM Y TẾ XÃ MẪU",
        "Khoa: Khám bệnh",
        "Mã khoa: K01",
        "Mẫu số: 01/KBCB",
        f"Mã số người bệnh: {PATIENT.chart_number}",
        "Số khám bệnh: A-0123",
        "BẢNG KÊ CHI PHÍ KHÁM BỆNH",
        "Loại: 01",
        "(1) Họ tên người bệnh: Rơ Châm H'Bĕ̆ Mẫu",
        "Trạm mẫu (99D01)",
        "(5) Chẩn đoán: Đau thắt ngực không ổn định",
        "Mã bệnh: I20.0",
        "Mã bệnh kèm theo: I10",
        "Mã tra cứu: A-0007/2026/BK",
        "NGƯỜI LẬP BẢNG KÊ",
        "KẾ TOÁN VIỆN PHÍ",
        "XÁC NHẬN CỦA NGƯỜI BỆNH",
        "GIÁM ĐỊNH BẢO HIỂM Y TẾ",
        "Bác sĩ Nguyễn Thị Hoa Mẫu",
        "Đã ký xác nhận điện tử lúc",
    ):
        assert part in text, part


@pdf.needs_poppler
def test_sections_keep_their_numbers_and_only_those_with_rows_stand_there() -> None:
    text = pdf.text(PDF.bill(replace(BILL, items=(DRUG, BED, EXAM)), MARK))

    assert pdf.in_order(text, ["1. Khám bệnh", "2. Ngày giường", "8. Thuốc, dịch truyền"]) is None
    for missing in ("3. Xét nghiệm", "9. Vật tư y tế", "12. Dịch vụ khác"):
        assert missing not in text


@pdf.needs_poppler
def test_each_card_and_level_has_a_table_with_its_sums() -> None:
    page = pdf.text(PDF.bill(BILL, MARK))

    # 2,5 × 312,125 = 780,3125 → 780,31; half of it insured, 80 percent of that paid by the fund.
    row = "Thuốc mẫu 5 mg viên 2,5 312,125 312,125 100 780,31 50 390,16 312,13 78,03 0,00 390,15"
    assert row in page
    assert "Khám bệnh mẫu" in page
    assert "36.500,000 30.100,000 100 36.500,00 100 30.100,00 24.080,00 6.020,00 0,00" in page
    assert pdf.in_order(
        page,
        [
            f"Mã thẻ BHYT: {ONE}", "Mức hưởng: 80%", "(13)",
            "Tổng cộng 37.280,31 30.490,16 24.392,13 6.098,03 0,00 6.790,15",
            f"Mã thẻ BHYT: {OTHER}", "Mức hưởng: 100%",
            "Tổng cộng 780,31 390,16 390,16 0,00 100,00 290,15",
            "Tổng chi phí lần khám bệnh, chữa bệnh: 38.060,62 đồng",
            "(viết bằng chữ: Ba mươi tám nghìn không trăm sáu mươi mốt đồng)",
            "Quỹ bảo hiểm y tế thanh toán: 24.782,29 đồng",
            "Nguồn khác: 100,00 đồng",
            "Người bệnh trả: 13.178,33 đồng",
        ],
    ) is None  # fmt: skip


def test_it_is_a4_across_with_the_head_on_every_page_and_nothing_beyond_the_paper() -> None:
    many = replace(BILL, items=tuple(replace(EXAM, name=f"Dịch vụ mẫu {n}") for n in range(120)))
    sheet = form.compose(many, MARK)

    assert len(sheet.pages) > 3
    for page in sheet.pages:
        wide, high = page.size
        assert (round(wide), round(high)) == (842, 595)
        texts = [run.text for run in page.runs]
        assert any(text.startswith("Trang ") for text in texts)
        for run in page.runs:
            assert 0 < run.x < wide
            assert 0 < run.y < high
    heads = [sum(run.text == "(13)" for run in page.runs) for page in sheet.pages]
    assert heads[:-1] == [1] * (len(heads) - 1)


def test_a_draft_names_no_signer_and_no_day() -> None:
    draft = replace(BILL, number="", signature=None, closed_at=None, items=())
    sheet = form.compose(draft, replace(MARK, draft=True))

    names = [run.text for run in sheet.pages[0].runs if "Nguyễn Thị Hoa Mẫu" in run.text]
    assert [name for name in names if not name.startswith("Người chuyển đổi")] == []
    assert any("ngày … tháng … năm" in run.text for run in sheet.pages[0].runs)


@pytest.mark.parametrize(
    ("care_kind", "kind"), [("01", "01"), ("07", "02"), ("06", "03"), ("03", "03"), ("12", "01")]
)
def test_the_box_says_which_kind_of_care(care_kind: str, kind: str) -> None:
    sheet = form.compose(replace(BILL, care_kind=care_kind), MARK)

    assert f"Loại: {kind}" in [run.text for run in sheet.pages[0].runs]


def test_every_group_has_one_section_and_the_columns_are_those_of_the_form() -> None:
    rules = json.loads(resource_path("billing", "rules.json").read_text(encoding="utf-8"))["rules"]
    known = {
        g for key in ("drug_groups", "service_groups", "material_groups") for g in rules[0][key]
    }
    wording = form.form_on(SIGNED.date())
    placed = [group for _number, _title, groups in wording["sections"] for group in groups]

    assert sorted(placed) == sorted(known)
    assert len(wording["columns"]) == 13


def test_the_same_bill_gives_the_same_bytes() -> None:
    assert PDF.bill(BILL, MARK) == PDF.bill(BILL, MARK)
