"""Phiếu phản hồi: the third page of a referral letter, the station's own slip.

The receiving facility fills it in and hands it back; the code is the letter's, so a scan at the
station finds the referral it answers.
"""

from __future__ import annotations

from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.identity import group_number
from station_emr.domain.referral import Referral

from . import letterhead, qr
from .fonts import BOLD, ITALIC
from .sheet import Block, Code, Sheet
from .typeset import Blank, Box, Fill, Inline, Tab, Text
from .wording import day_inlines, diagnosis_text, labelled, strong, value

INDENT: Final = 12.0
SIGNATURE: Final = 44 * mm
_OUTCOMES: Final = ("Khỏi", "Đỡ", "Không thay đổi", "Nặng hơn", "Chuyển tiếp", "Tử vong")


def add_reply_slip(sheet: Sheet, referral: Referral, number: str) -> None:
    """Add the slip as a page of its own; it always fits one page."""
    sheet.new_page()
    left, middle = 60 * mm, 96 * mm
    low = letterhead.issuer(sheet, referral.station, left - 4 * mm, 11)
    nation = letterhead.nation(sheet, sheet.right - middle, middle, 11.5)
    sheet.y = min(low, nation) - 16
    code_side = 0.0
    if referral.letter_code:
        code_side = qr.side_for(referral.letter_code, 32 * mm)
        sheet.page.shapes.append(
            Code(
                sheet.right - code_side + qr.quiet_zone(referral.letter_code, code_side),
                sheet.y - code_side,
                code_side,
                referral.letter_code,
            )
        )
    top = sheet.y
    beside = sheet.width - max(code_side, 10 * mm) - 4 * mm
    for block in _head(sheet, referral, number, beside):
        sheet.flow([block])
    sheet.y = min(sheet.y, top - code_side - 2)
    answers = _answers(sheet)
    left_over = sheet.room - SIGNATURE - sum(block.height for block in answers)
    sheet.flow(answers, gap=max(0.0, min(8.0, left_over / len(answers))))
    _signatures(sheet)


def _head(sheet: Sheet, referral: Referral, number: str, width: float) -> list[Block]:
    person = referral.patient
    own = value(referral.station.name) if referral.station else ""
    place = value(referral.station.address) if referral.station else ""
    phone = value(referral.station.phone) if referral.station else ""
    main = referral.main_diagnosis
    signed = referral.signature.at.date() if referral.signature else None
    card = person.coverage.number if person and person.coverage else ""
    person_row = labelled("Họ và tên người bệnh:", person.full_name if person else "", face=BOLD)
    born = person.birth.display() if person else ""
    rows: list[list[Inline]] = [
        labelled("Kính gửi:", ", ".join(part for part in (own, place) if part)),
        labelled("Điện thoại của trạm:", phone),
        [
            Text("Phản hồi phiếu chuyển số: "),
            Text(number.removeprefix("Số: ")) if number else Blank(110),
        ],
        labelled("Ngày ký phiếu chuyển:", f"{signed:%d/%m/%Y}" if signed else ""),
        person_row,
        [
            *labelled("Năm sinh:", born),
            Tab(width * 0.5),
            *labelled("Nam/Nữ:", person.sex.label if person else ""),
        ],
        labelled("Số thẻ bảo hiểm y tế:", group_number(value(card))),
        labelled("Chẩn đoán khi chuyển:", diagnosis_text(main) if main else ""),
    ]
    return [
        sheet.block([strong("PHIẾU PHẢN HỒI")], size=15, leading=20, before=4, width=width),
        sheet.block(
            [Text("(Phiếu của trạm, không phải biểu mẫu do Bộ Y tế ban hành)", ITALIC)],
            size=10.5,
            leading=14,
            width=width,
        ),
        *(
            sheet.block(row, width=width, rest=INDENT, size=12.5, leading=17, before=1)
            for row in rows
        ),
    ]


def _lines(label: str, count: int) -> list[Inline]:
    return labelled(label, "", lines=count)


def _answers(sheet: Sheet) -> list[Block]:
    outcome: list[Inline] = [Text("5. Kết quả:"), Tab(0)]
    for word in _OUTCOMES:
        outcome += [Text(word), Box(), Tab(0)]
    rows: list[list[Inline]] = [
        _lines("1. Cơ sở tiếp nhận:", 1),
        [
            Text("2. Tiếp nhận "),
            *day_inlines(None),
            Tab(sheet.width * 0.53),
            Text("Ra viện "),
            *day_inlines(None),
        ],
        _lines("3. Chẩn đoán của cơ sở tiếp nhận:", 2),
        _lines("4. Điều trị, thủ thuật, thuốc đã dùng:", 4),
        outcome,
        _lines("6. Thuốc dùng tiếp tại nhà (tên, hàm lượng, liều, số ngày):", 4),
        _lines("7. Đề nghị trạm theo dõi, chăm sóc:", 3),
        [
            Text("8. Hẹn khám lại "),
            *day_inlines(None),
            Text(" tại: "),
            Fill(),
        ],
    ]
    return [
        sheet.block(
            [strong("PHẦN CƠ SỞ TIẾP NHẬN GHI")], before=8, with_next=True, size=12, leading=17
        ),
        *(sheet.block(row, rest=INDENT, size=12.5, leading=19.5) for row in rows),
    ]


def _signatures(sheet: Sheet) -> None:
    width = 88 * mm
    x = sheet.right - width
    y = sheet.y - 22
    y = sheet.text(day_inlines(None, lead="Ngày"), x, y, width=width, size=12, align="center")
    y = sheet.text([strong("BÁC SĨ ĐIỀU TRỊ")], x, y - 17, width=width, size=12, align="center")
    sheet.text(
        [Text("(Ký, ghi rõ họ tên)", ITALIC)], x, y - 14, width=width, size=11, align="center"
    )
    sheet.text(
        [
            Text(
                "Nhờ người bệnh mang phiếu này về trạm, hoặc cơ sở tiếp nhận gửi ảnh chụp phiếu "
                "cho trạm.",
                ITALIC,
            )
        ],
        sheet.left,
        y,
        width=66 * mm,
        size=10.5,
    )
