"""The referral letter against the official form, line by line."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from reportlab.lib.units import mm

from station_emr.domain.patient import Coverage
from station_emr.domain.referral import Referral, ReferralReason
from station_emr.printing import qr
from station_emr.printing import referral as form
from station_emr.printing.documents import PdfDocuments
from station_emr.printing.fonts import face
from station_emr.printing.sheet import Code, Ring, Run, Sheet
from tests.printing import pdf
from tests.printing.samples import MARK, PATIENT, RECORD_ID, REFERRAL, STATION

PDF = PdfDocuments()

FIRST_PAGE = [
    "PHIẾU CHUYỂN CƠ SỞ KHÁM BỆNH, CHỮA BỆNH BẢO HIỂM Y TẾ",
    "Kính gửi: Bệnh viện đa khoa tỉnh (mẫu)",
    "Cơ sở khám bệnh, chữa bệnh: Trạm Y tế xã Mẫu trân trọng giới thiệu:",
    "- Họ và tên người bệnh: Rơ Châm H'Bĕ̆ Mẫu",
    "- Nam/Nữ: Nữ",
    "Năm sinh: 05/03/1968",
    "- Địa chỉ: Làng Ŏ Mẫu, xã Mẫu, tỉnh Gia Lai",
    "- Dân tộc: Gia Rai",
    "Quốc tịch: Việt Nam",
    "- Nghề nghiệp: Nông dân",
    "Nơi làm việc: Tại nhà",
    "- Số thẻ bảo hiểm y tế: DT 2 64 0000 000 001",
    "- Thời hạn sử dụng của thẻ bảo hiểm y tế đến ngày 31 tháng 12 năm 2026;",
    "Hết thời hạn ☐",
    "Không xác định được thời hạn ☐",
    "- Đã được khám bệnh, điều trị:",
    "+ Tại: Trạm Y tế xã Mẫu (Cấp ban đầu) từ ngày 20/11/2026 đến ngày 22/11/2026",
    "+ Tại:",
    "TÓM TẮT BỆNH ÁN (*)",
    "- Tóm tắt dấu hiệu lâm sàng: Đau ngực trái từng cơn 3 ngày",
    "- Tóm tắt kết quả xét nghiệm, cận lâm sàng chính có giá trị chẩn đoán, theo dõi điều trị: Troponin",
    "- Chẩn đoán (bệnh chính): I20.0 Đau thắt ngực không ổn định",
]
SECOND_PAGE = [
    "- Phương pháp, thủ thuật đã thực hiện (nếu có): Thở oxy",
    "Thời gian bắt đầu thực hiện: 08 giờ 20 phút, ngày 22 tháng 11 năm 2026",
    "Thời gian kết thúc thực hiện: 08 giờ 40 phút, ngày 22 tháng 11 năm 2026",
    "- Kỹ thuật, thuốc điều trị chính đã sử dụng: Aspirin",
    "- Tình trạng người bệnh lúc chuyển cơ sở KCB: Tỉnh",
    "Khoanh tròn vào mục 1 hoặc 2",
    "Trường hợp chọn mục 1, đánh dấu (X) vào ô tương ứng:",
    "1. Đủ điều kiện chuyển cơ sở KCB:",
    "a) Phù hợp với quy định chuyển cấp chuyên môn kỹ thuật (**) ☐",
    "b) Không phù hợp với khả năng đáp ứng của cơ sở KCB ☒",
    "2. Theo yêu cầu của người bệnh hoặc người đại diện hợp pháp",
    "- Hướng điều trị: Chuyển bệnh viện",
    "- Chuyển cơ sở KCB hồi: 09 giờ 00 phút, ngày 22 tháng 11 năm 2026",
    "- Trường hợp chuyển cơ sở KCB có giá trị trong 01 năm: không (***)",
    "- Phương tiện vận chuyển: Xe cứu thương của trạm",
    "- Họ tên, chức danh, trình độ chuyên môn của người hộ tống (nếu có): Trần Thị Mai Mẫu",
    "Ngày 22 tháng 11 năm 2026",
    "ĐẠI DIỆN CƠ SỞ KCB/BS ĐIỀU TRỊ",
    "(Ký tên, đóng dấu)",
    "Bác sĩ Nguyễn Thị Hoa Mẫu",
    "Ghi chú:",
    "(*)",
    "(**)",
    "(***)",
    "VNeID",
]


@pytest.fixture(scope="module")
def letter() -> bytes:
    return PDF.referral(REFERRAL, MARK)


def rings(sheet: Sheet) -> list[str]:
    """The figures that stand inside a drawn circle."""
    found = []
    for page in sheet.pages:
        for ring in (shape for shape in page.shapes if isinstance(shape, Ring)):
            found += [
                run.text
                for run in page.runs
                if isinstance(run, Run)
                and abs(run.y - ring.y) < ring.radius
                and ring.x - ring.radius < run.x < ring.x
            ]
    return found


@pdf.needs_poppler
def test_the_first_page_holds_items_1_to_11_in_the_words_of_the_form(letter: bytes) -> None:
    assert pdf.in_order(pdf.words(pdf.pages(letter)[0]), FIRST_PAGE) is None


@pdf.needs_poppler
def test_the_second_page_holds_items_12_to_20_signature_and_notes(letter: bytes) -> None:
    page = pdf.words(pdf.pages(letter)[1])
    # The code's caption stands beside the signature and may be read between its lines.
    assert pdf.in_order(page, SECOND_PAGE) is None


@pdf.needs_poppler
def test_the_head_names_issuer_nation_and_the_three_numbers(letter: bytes) -> None:
    head = pdf.pages(letter)[0].split("PHIẾU CHUYỂN")[0]

    for part in (
        "ỦY BAN NHÂN DÂN XÃ MẪU",
        "TRẠM Y TẾ XÃ MẪU",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "Số: 0127/2026-A1/PCCKCB",
        "Số hồ sơ:",
        "000341/2026-A1",
        "Vào sổ chuyển viện số:",
        "0127/2026",
    ):
        assert part in pdf.words(head), part


@pdf.needs_poppler
def test_two_pages_and_the_reply_slip_with_the_same_number_on_each(letter: bytes) -> None:
    pages = pdf.pages(letter)

    assert len(pages) == 3
    for index, page in enumerate(pages, start=1):
        assert "0127/2026-A1/PCCKCB" in pdf.words(page)
        assert f"Trang {index}/3" in pdf.words(page)
    assert "PHIẾU PHẢN HỒI" in pages[2]
    assert "không phải biểu mẫu do Bộ Y tế ban hành" in pages[2]


@pdf.needs_poppler
@pytest.mark.parametrize("dpi", [150, 300])
@pytest.mark.parametrize("code", [REFERRAL.letter_code, "mã có dấu, " * 70, "SEMR1:7."])
def test_the_code_is_read_from_letter_and_slip(tmp_path: Path, dpi: int, code: str) -> None:
    letter = PDF.referral(replace(REFERRAL, letter_code=code), MARK)

    assert pdf.codes(letter, tmp_path, dpi=dpi) == [[], [code], [code]]


def test_the_code_is_large_enough_for_a_phone() -> None:
    for code in (REFERRAL.letter_code, "SEMR1:7."):
        sheet = form.compose(replace(REFERRAL, letter_code=code), MARK)
        sides = [s.side for page in sheet.pages for s in page.shapes if isinstance(s, Code)]

        assert len(sides) == 2
        assert min(sides) >= 30 * mm
        assert min(sides) / qr.modules(code) >= 0.4 * mm
        assert qr.modules(code) == len(qr.matrix(code)) + 8, "four white modules on each side"


def test_nothing_is_written_into_the_white_around_a_code() -> None:
    for page in form.compose(REFERRAL, MARK).pages:
        for code in (shape for shape in page.shapes if isinstance(shape, Code)):
            inside = [
                run.text
                for run in page.runs
                if code.y < run.y < code.y + code.side
                and run.x < code.x + code.side
                and run.x + face(run.face).width(run.text, run.size) > code.x
            ]
            assert inside == []


@pytest.mark.parametrize(
    ("reason", "ringed", "boxes"),
    [
        (ReferralReason.LEVEL_APPROPRIATE, ["1."], "☒☐"),
        (ReferralReason.BEYOND_CAPACITY, ["1."], "☐☒"),
        (ReferralReason.PATIENT_REQUEST, ["2."], "☐☐"),
        (None, [], "☐☐"),
    ],
)
def test_the_reason_is_encircled_and_crossed(
    reason: ReferralReason | None, ringed: list[str], boxes: str
) -> None:
    sheet = form.compose(replace(REFERRAL, reason=reason), MARK)

    assert rings(sheet) == ringed
    assert "".join(run.text for run in sheet.pages[1].runs if run.text in "☐☒") == boxes


@pytest.mark.parametrize(
    ("coverage", "unlimited", "boxes"),
    [
        (Coverage(number="6400000001", valid_to=date(2027, 1, 1)), False, "☐☐"),
        (Coverage(number="6400000001", valid_to=date(2026, 11, 21)), False, "☒☐"),
        (Coverage(number="6400000001"), True, "☐☒"),
        (None, False, "☐☐"),
    ],
)
def test_item_7_ticks_expired_and_unlimited_cards(
    coverage: Coverage | None, unlimited: bool, boxes: str
) -> None:
    changed = replace(
        REFERRAL, patient=replace(PATIENT, coverage=coverage), card_unlimited=unlimited
    )
    sheet = form.compose(changed, MARK)

    assert "".join(run.text for run in sheet.pages[0].runs if run.text in "☐☒") == boxes


@pdf.needs_poppler
def test_item_18_says_yes_for_the_diseases_of_the_one_year_list() -> None:
    text = pdf.text(PDF.referral(replace(REFERRAL, one_year=True), MARK))

    assert "có giá trị trong 01 năm: có (***)" in text


@pdf.needs_poppler
def test_a_long_summary_flows_on_and_loses_no_word() -> None:
    told = [f"chứng{number}" for number in range(420)]
    long = replace(REFERRAL, clinical_signs=" ".join(told))
    assert len(long.clinical_signs) > 3000

    data = PDF.referral(long, MARK)

    text = pdf.text(data)
    assert [word for word in told if word not in text.split()] == []
    assert len(pdf.pages(data)) == 4
    tail = pdf.words(" ".join(pdf.pages(data)[:3]))
    assert (
        pdf.in_order(tail, [line.split(":")[0] for line in (*FIRST_PAGE[-4:], *SECOND_PAGE)])
        is None
    )
    assert "người hộ tống" in pdf.pages(data)[2], "a signature must not stand alone on a page"


@pdf.needs_poppler
def test_an_empty_draft_is_the_blank_form() -> None:
    data = PDF.referral(
        Referral(id=RECORD_ID, patient_id="p", encounter_id="e", station=STATION),
        replace(MARK, draft=True),
    )
    labels = [line.split(":")[0].split(" 31 ")[0] for line in FIRST_PAGE[3:]]

    assert len(pdf.pages(data)) == 3
    assert pdf.in_order(pdf.words(pdf.pages(data)[0]), labels) is None


def test_nothing_reaches_into_the_margins() -> None:
    long = replace(
        REFERRAL,
        number="0127/2026-A1-LONG-NUMBER-SERIES",
        station=replace(STATION, name="Trạm Y tế xã " + "Ia Mơ Nông " * 6),
        patient=replace(PATIENT, full_name="Mẫu" * 60),
    )
    for sheet in (form.compose(REFERRAL, MARK), form.compose(long, MARK)):
        for page in sheet.pages:
            assert min(run.x for run in page.runs) >= sheet.left - 0.01
            assert min(run.y for run in page.runs) > 20
            for run in page.runs:
                assert run.x + face(run.face).width(run.text, run.size) <= sheet.right + 0.5, run
