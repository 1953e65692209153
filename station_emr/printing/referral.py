"""Phiếu chuyển cơ sở khám bệnh, chữa bệnh bảo hiểm y tế (annex VI of TT 01/2025/TT-BYT).

The 20 items stand in the order and words of the form: 1 to 11 on the first page, 12 to 20 with the
signature on the second. A text that does not fit flows on to further pages, nothing is cut.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.encounter import PatientSnapshot
from station_emr.domain.identity import group_number
from station_emr.domain.patient import Coverage, CoverageValidity
from station_emr.domain.record import Sex
from station_emr.domain.referral import PriorCare, Referral, ReferralReason
from station_emr.services.ports import PrintMark

from . import letterhead
from .fonts import BOLD
from .footer import Footer, page_format
from .referral_signature import (
    add_notes,
    add_signature,
    note_blocks,
    notes_height,
    signature_height,
)
from .reply_slip import add_reply_slip
from .sheet import A4, Block, Format, Sheet
from .typeset import Blank, Box, Inline, Ringed, Tab, Text
from .wording import (
    day_inlines,
    diagnoses_text,
    diagnosis_text,
    labelled,
    moment_inlines,
    strong,
    value,
)

SIZES: Final = (13.0, 12.5, 12.0)  # the largest with which the letter fits its two pages
LEADING: Final = 1.4
LETTER_PAGES: Final = 2
INDENT: Final = 12.0
PRIOR_CARE_LINES: Final = 2


def compose(referral: Referral, mark: PrintMark) -> Sheet:
    """The letter on two pages and the reply slip on a third."""
    footer = Footer(A4, (30 * mm, 16 * mm), mark, referral.station, look_up(referral))
    form = page_format(A4, footer, top=20 * mm, least_bottom=22 * mm)
    number = printed_number(referral)
    sheet = _letter(form, SIZES[0], referral, mark, number)
    for size in SIZES[1:]:
        if len(sheet.pages) > LETTER_PAGES:
            sheet = _letter(form, size, referral, mark, number)
    sheet.running = None
    add_reply_slip(sheet, referral, number)
    footer.paint(sheet)
    return sheet


def _letter(form: Format, size: float, referral: Referral, mark: PrintMark, number: str) -> Sheet:
    sheet = Sheet(form, size=size, leading=size * LEADING)
    letterhead.referral_head(
        sheet,
        referral.station,
        (
            ("Số hồ sơ:", referral.record_number),
            ("Vào sổ chuyển viện số:", referral.register_number),
        ),
        number,
    )
    sheet.running = lambda at: _running_head(at, referral, number)
    before = len(sheet.pages)
    first = [*_title(sheet, referral), *_person(sheet, referral, mark), *_summary(sheet, referral)]
    sheet.flow(first, gap=_spread(sheet, first, most=6.0))
    if len(sheet.pages) == before:
        sheet.new_page()
    second = _second_page(sheet, referral)
    signed = signature_height(referral)
    notes = note_blocks(sheet)
    below = signed + notes_height(notes)
    gap = _spread(sheet, second, most=4.0, keep=below)
    sheet.flow(second[:-1], gap=gap)
    sheet.need(second[-1].height + gap + signed)  # a signature never stands alone on a page
    sheet.flow(second[-1:], gap=gap)
    add_signature(sheet, referral)
    add_notes(sheet, notes)
    return sheet


def printed_number(referral: Referral) -> str:
    """``Số: 0127-A/PCCKCB``; empty while the letter has no number."""
    number = value(referral.number)
    if not number:
        return ""
    return f"Số: {number}" if "PCCKCB" in number else f"Số: {number}/PCCKCB"


def look_up(referral: Referral) -> str:
    number = value(referral.number)
    return f"{number} ({referral.id})" if number else referral.id


def _spread(sheet: Sheet, blocks: list[Block], *, most: float, keep: float = 0.0) -> float:
    """Extra space between items so that a page with little text is not empty at its lower half."""
    left = sheet.room - keep - sum(block.height for block in blocks)
    return max(0.0, min(most, left / max(len(blocks), 1)))


def _running_head(sheet: Sheet, referral: Referral, number: str) -> None:
    """Page number in the middle as on the form; number and name keep loose pages together."""
    y = sheet.format.paper[1] - 13 * mm
    name = value(referral.patient.full_name) if referral.patient else ""
    sheet.text([Text(str(len(sheet.pages)))], sheet.left, y, width=sheet.width, align="center")
    third = sheet.width * 0.44
    sheet.text([Text(number)], sheet.left, y, width=third, size=9.5)
    sheet.text([Text(name)], sheet.right - third, y, width=third, size=9.5, align="right")


def _title(sheet: Sheet, referral: Referral) -> list[Block]:
    to = value(referral.to_facility_name)
    own = value(referral.station.name) if referral.station else ""
    title = "PHIẾU CHUYỂN CƠ SỞ KHÁM BỆNH, CHỮA BỆNH\nBẢO HIỂM Y TẾ"
    dear: list[Inline] = [Text("Kính gửi: "), strong(to) if to else Blank(260)]
    return [
        sheet.block([strong(title)], size=14.5, leading=19, before=12, align="center"),
        sheet.block(dear, before=5, align="center", size=13),
        sheet.block(
            [
                Text("Cơ sở khám bệnh, chữa bệnh: "),
                Text(own) if own else Blank(190),
                Text(" trân trọng giới thiệu:"),
            ],
            before=6,
        ),
    ]


def _person(sheet: Sheet, referral: Referral, mark: PrintMark) -> list[Block]:
    person = referral.patient
    half = sheet.width * 0.5
    coverage = person.coverage if person else None
    day = referral.transfer_at or (referral.signature.at if referral.signature else mark.printed_at)
    name = person.full_name if person else ""
    rows: list[list[Inline]] = [
        labelled("- Họ và tên người bệnh:", name, face=BOLD),
        _pair(
            "- Nam/Nữ:", _sex(person), "Năm sinh:", person.birth.display() if person else "", half
        ),
        labelled("- Địa chỉ:", person.address if person else ""),
        _pair(
            "- Dân tộc:",
            person.ethnic_name if person else "",
            "Quốc tịch:",
            person.nationality_name if person else "",
            half,
        ),
        _pair(
            "- Nghề nghiệp:",
            person.occupation_name if person else "",
            "Nơi làm việc:",
            person.workplace if person else "",
            half,
        ),
        labelled(
            "- Số thẻ bảo hiểm y tế:", group_number(value(coverage.number)) if coverage else ""
        ),
        _card_validity(coverage, referral.card_unlimited, day.date()),
        [Text("- Đã được khám bệnh, điều trị:")],
    ]
    blocks = [sheet.block(row, rest=INDENT) for row in rows]
    care = [*referral.prior_care]
    care += [PriorCare(facility="")] * (PRIOR_CARE_LINES - len(care))
    blocks += [sheet.block(_prior_care(one), first=INDENT, rest=2 * INDENT) for one in care]
    return blocks


def _sex(person: PatientSnapshot | None) -> str:
    return person.sex.label if person and person.sex is not Sex.UNKNOWN else ""


def _pair(label: str, text: str, other: str, other_text: str, at: float) -> list[Inline]:
    return [*labelled(label, text), Tab(at), *labelled(other, other_text)]


def _card_validity(coverage: Coverage | None, unlimited: bool, day: date) -> list[Inline]:
    expired = coverage is not None and coverage.validity(day) is CoverageValidity.EXPIRED
    until = coverage.valid_to if coverage is not None and not unlimited else None
    return [
        Text("- Thời hạn sử dụng của thẻ bảo hiểm y tế đến "),
        *day_inlines(until),
        Text(";\nHết thời hạn"),
        Box(expired and not unlimited),
        Tab(110),
        Text("Không xác định được thời hạn"),
        Box(coverage is not None and unlimited),
    ]


def _prior_care(care: PriorCare) -> list[Inline]:
    level = value(care.level).removeprefix("Cấp ").removeprefix("cấp ")
    facility = value(care.facility)
    if not facility:
        return [
            Text("+ Tại: "),
            Blank(108),
            Text(" (Cấp "),
            Blank(48),
            Text(") từ ngày "),
            Blank(48),
            Text(" đến ngày "),
            Blank(48),
        ]
    return [
        Text(f"+ Tại: {facility} (Cấp "),
        Text(level) if level else Blank(56),
        Text(") từ ngày "),
        Text(f"{care.start:%d/%m/%Y}") if care.start else Blank(54),
        Text(" đến ngày "),
        Text(f"{care.end:%d/%m/%Y}") if care.end else Blank(54),
    ]


def _summary(sheet: Sheet, referral: Referral) -> list[Block]:
    main = referral.main_diagnosis
    diagnosis = labelled("- Chẩn đoán (bệnh chính):", diagnosis_text(main) if main else "", lines=2)
    if len(referral.diagnoses) > 1:
        diagnosis.append(Text(f"\nBệnh kèm theo: {diagnoses_text(referral.diagnoses[1:])}"))
    return [
        sheet.block(
            [strong("TÓM TẮT BỆNH ÁN "), Text("(*)")], before=8, align="center", with_next=True
        ),
        sheet.block(
            labelled("- Tóm tắt dấu hiệu lâm sàng:", referral.clinical_signs, lines=4),
            before=3,
            rest=INDENT,
        ),
        sheet.block(
            labelled(
                "- Tóm tắt kết quả xét nghiệm, cận lâm sàng chính có giá trị chẩn đoán, theo dõi "
                "điều trị:",
                referral.test_results,
                lines=3,
            ),
            rest=INDENT,
        ),
        sheet.block(diagnosis, rest=INDENT),
    ]


def _second_page(sheet: Sheet, referral: Referral) -> list[Block]:
    reason = referral.reason
    entitled = reason in {ReferralReason.LEVEL_APPROPRIATE, ReferralReason.BEYOND_CAPACITY}
    rows: list[tuple[list[Inline], float, float]] = [
        (
            labelled(
                "- Phương pháp, thủ thuật đã thực hiện (nếu có):", referral.procedures, lines=2
            ),
            0,
            INDENT,
        ),
        (
            [Text("Thời gian bắt đầu thực hiện: "), *moment_inlines(referral.procedures_start)],
            INDENT,
            INDENT,
        ),
        (
            [Text("Thời gian kết thúc thực hiện: "), *moment_inlines(referral.procedures_end)],
            INDENT,
            INDENT,
        ),
        (
            labelled("- Kỹ thuật, thuốc điều trị chính đã sử dụng:", referral.treatment, lines=2),
            0,
            INDENT,
        ),
        (
            labelled(
                "- Tình trạng người bệnh lúc chuyển cơ sở KCB:",
                referral.condition_on_transfer,
                lines=2,
            ),
            0,
            INDENT,
        ),
        (
            [
                Text(
                    "- Lý do chuyển cơ sở KCB: Khoanh tròn vào mục 1 hoặc 2 lý do chuyển cơ sở "
                    "KCB. Trường hợp chọn mục 1, đánh dấu (X) vào ô tương ứng:"
                )
            ],
            0,
            INDENT,
        ),
        ([Ringed("1.", entitled), Text("Đủ điều kiện chuyển cơ sở KCB:")], INDENT, 2 * INDENT),
        (
            [
                Text("a) Phù hợp với quy định chuyển cấp chuyên môn kỹ thuật (**)"),
                Box(reason is ReferralReason.LEVEL_APPROPRIATE),
            ],
            2 * INDENT,
            3 * INDENT,
        ),
        (
            [
                Text("b) Không phù hợp với khả năng đáp ứng của cơ sở KCB"),
                Box(reason is ReferralReason.BEYOND_CAPACITY),
            ],
            2 * INDENT,
            3 * INDENT,
        ),
        (
            [
                Ringed("2.", reason is ReferralReason.PATIENT_REQUEST),
                Text("Theo yêu cầu của người bệnh hoặc người đại diện hợp pháp"),
            ],
            INDENT,
            2 * INDENT,
        ),
        (labelled("- Hướng điều trị:", referral.plan, lines=2), 0, INDENT),
        (
            [Text("- Chuyển cơ sở KCB hồi: "), *moment_inlines(referral.transfer_at)],
            0,
            INDENT,
        ),
        (
            [
                Text("- Trường hợp chuyển cơ sở KCB có giá trị trong 01 năm: "),
                strong("có" if referral.one_year else "không"),
                Text(" (***)"),
            ],
            0,
            INDENT,
        ),
        (labelled("- Phương tiện vận chuyển:", referral.transport), 0, INDENT),
        (
            labelled(
                "- Họ tên, chức danh, trình độ chuyên môn của người hộ tống (nếu có):",
                referral.escort,
                lines=2,
            ),
            0,
            INDENT,
        ),
    ]
    return [sheet.block(row, first=first, rest=rest) for row, first, rest in rows]
