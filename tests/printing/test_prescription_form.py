"""The prescription against TT 26/2025/TT-BYT, and the follow-up slip against TT 01/2025."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from station_emr.domain.catalog import DrugControl
from station_emr.domain.prescription import PrescriptionLine
from station_emr.printing import prescription as form
from station_emr.printing.documents import PdfDocuments
from tests.printing import pdf
from tests.printing.samples import (
    APPOINTMENT,
    CHILD,
    LINES,
    MARK,
    PATIENT,
    PRESCRIPTION,
    SIGNED,
)

PDF = PdfDocuments()


def line(**changes: object) -> PrescriptionLine:
    return replace(LINES[0], **changes)  # type: ignore[arg-type]


@pdf.needs_poppler
def test_a_prescription_holds_what_the_circular_asks_for(tmp_path: Path) -> None:
    data = PDF.prescription(PRESCRIPTION, MARK)
    text = pdf.text(data)

    assert len(pdf.pages(data)) == 1
    for part in (
        "TRẠM Y TẾ XÃ MẪU",
        "Điện thoại: 0269 000 0001",
        "ĐƠN THUỐC",
        "Mã đơn: 99D01k3x9a2m-N",
        "Họ tên: Rơ Châm H'Bĕ̆ Mẫu",
        "Số định danh cá nhân: 064 099 100 001",
        "Số thẻ bảo hiểm y tế: DT 2 64 0000 000 001",
        "Chẩn đoán: I10 Tăng huyết áp vô căn (nguyên phát); M54.5",
        "Cộng khoản: 03",
        "Lời dặn: Ăn nhạt",
        "Khám lại ngày 21 tháng 12 năm 2026.",
        "05 ngày",
        "NGƯỜI KÊ ĐƠN",
        "Bác sĩ Nguyễn Thị Hoa Mẫu",
    ):
        assert part in text, part
    left = " ".join(row[:30] for row in pdf.pages(data)[0].splitlines())
    assert "Khám lại xin mang theo đơn" in pdf.words(left)
    assert pdf.codes(data, tmp_path, dpi=150) == [["99D01k3x9a2m-N"]]


@pdf.needs_poppler
def test_controlled_drugs_come_first_and_carry_words() -> None:
    text = pdf.text(PDF.prescription(PRESCRIPTION, MARK))

    assert (
        pdf.in_order(
            text,
            [
                "1. Morphin hydroclorid 10 mg/ml Mười (10) ống",
                "Tiêm bắp sáng 1 ống, tối 1 ống. Dùng trong 05 ngày.",
                "2. Amlodipin 5 mg 30 viên",
                "3. Paracetamol 500 mg 05 viên",
            ],
        )
        is None
    )


@pytest.mark.parametrize(
    ("changes", "printed"),
    [
        ({"quantity": Decimal(6), "unit": "ống"}, "06 ống"),
        ({"quantity": Decimal(10)}, "10 viên"),
        ({"quantity": Decimal("2.5"), "unit": "ml"}, "2,5 ml"),
        ({"quantity": Decimal(21), "control": DrugControl.NARCOTIC}, "Hai mươi mốt (21) viên"),
        ({"quantity": Decimal(5), "control": DrugControl.NARCOTIC}, "Năm (05) viên"),
        ({"quantity": Decimal(5), "control": DrugControl.PSYCHOTROPIC}, "05 viên"),
    ],
)
def test_quantities_as_the_law_writes_them(changes: dict[str, object], printed: str) -> None:
    assert form.quantity_words(line(**changes)) == printed


def test_the_days_are_said_once() -> None:
    assert form.instruction(line(days=5)).endswith("Dùng trong 05 ngày.")
    assert form.instruction(line(days=5, instruction="Bôi mỏng trong 5 ngày")) == (
        "Bôi mỏng trong 5 ngày."
    )


@pdf.needs_poppler
def test_a_child_has_months_weight_and_companion() -> None:
    text = pdf.text(PDF.prescription(replace(PRESCRIPTION, patient=CHILD), MARK))

    assert "Tuổi: 23 tháng" in text
    assert "Cân nặng: 10,5 kg" in text
    assert "Người đưa trẻ đến khám: Siu H'Ê̆ Mẫu (mẹ)" in text
    assert "Người đưa trẻ" not in pdf.text(PDF.prescription(PRESCRIPTION, MARK))


@pdf.needs_poppler
def test_72_months_is_no_longer_a_child() -> None:
    born = replace(CHILD.birth, year=SIGNED.year - 6, month=SIGNED.month, day=SIGNED.day)
    text = pdf.text(
        PDF.prescription(replace(PRESCRIPTION, patient=replace(CHILD, birth=born)), MARK)
    )

    assert "Tuổi: 6" in text
    assert "Người đưa trẻ" not in text


@pdf.needs_poppler
def test_many_drugs_go_on_under_a_small_head_and_none_is_parted() -> None:
    many = tuple(line(label=f"Thuốc mẫu {number:02d} 10 mg") for number in range(1, 25))
    pages = pdf.pages(PDF.prescription(replace(PRESCRIPTION, lines=many), MARK))

    assert len(pages) > 1
    for number, page in enumerate(pages[1:], start=2):
        assert f"Đơn thuốc 99D01k3x9a2m-N, trang {number}: Rơ Châm H'Bĕ̆ Mẫu" in pdf.words(page)
    for page in pages:
        assert page.count("Thuốc mẫu") == page.count("Dùng trong 30 ngày")
    assert [f"Thuốc mẫu {number:02d} 10 mg" in " ".join(pages) for number in range(1, 25)] == [
        True
    ] * 24
    assert "NGƯỜI KÊ ĐƠN" in pages[-1]


@pdf.needs_poppler
def test_a_replacing_prescription_names_the_old_one() -> None:
    text = pdf.text(PDF.prescription(replace(PRESCRIPTION, replaces_code="99D01aaaaaaa-C"), MARK))

    assert "Đơn này thay cho đơn mã 99D01aaaaaaa-C" in text


@pdf.needs_poppler
def test_the_follow_up_slip_holds_every_field_of_the_form(tmp_path: Path) -> None:
    data = PDF.appointment(APPOINTMENT, MARK)
    text = pdf.text(data)

    assert len(pdf.pages(data)) == 1
    for part in (
        "Độc lập - Tự do - Hạnh phúc",
        "PHIẾU HẸN KHÁM LẠI",
        "Họ tên người bệnh: Rơ Châm H'Bĕ̆ Mẫu",
        "Giới: Nữ",
        "Sinh ngày: 05/03/1968",
        "Địa chỉ: Làng Ŏ Mẫu",
        "Số thẻ bảo hiểm y tế:",
        "Hạn sử dụng: Từ 01/01/2026 Đến 31/12/2026",
        "Ngày khám bệnh: 22/11/2026",
        "Ngày vào viện:",
        "Ngày ra viện:",
        "Chẩn đoán: I10 Tăng huyết áp vô căn (nguyên phát)",
        "Bệnh kèm theo: M54.5 Đau vùng thắt lưng",
        (
            "Hẹn khám lại vào ngày 21 tháng 12 năm 2026, hoặc đến bất kỳ thời gian nào trước ngày được "
            "hẹn khám lại nếu có dấu hiệu (triệu chứng) bất thường."
        ),
        "Phiếu hẹn khám lại chỉ có giá trị sử dụng 01 (một) lần",
        "Xã Mẫu, ngày 22 tháng 11 năm 2026",
        "Bác sĩ, Y sĩ khám bệnh",
        "(ký tên)",
    ):
        assert part in text, part
    assert "".join("DT2640000000001") in text.replace(" ", "")
    assert pdf.codes(data, tmp_path, dpi=150) == [[f"station-emr:appointment:{APPOINTMENT.id}"]]


@pdf.needs_poppler
def test_a_person_without_a_card_gets_empty_boxes() -> None:
    without = replace(APPOINTMENT, patient=replace(PATIENT, coverage=None), on=date(2026, 12, 1))

    assert "Hạn sử dụng: Từ Đến" in pdf.text(PDF.appointment(without, MARK))
