"""The end of the referral letter: the code, date and signature, and the form's notes."""

from __future__ import annotations

from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.referral import Referral

from . import qr
from .fonts import BOLD, ITALIC
from .sheet import Block, Code, Frame, Sheet
from .typeset import Text
from .wording import confirmation, day_inlines, signer, strong

QR_SIDE: Final = 32 * mm
NOTES_ABOVE: Final = 6.0

NOTES: Final = (
    (
        "(*) Cơ sở khám bệnh, chữa bệnh có thể ghi tóm tắt thông tin cơ bản, các nội dung chi tiết có "
        "thể gửi kèm theo dữ liệu khám bệnh, chữa bệnh."
    ),
    (
        "(**) Chuyển lên cấp trên, chuyển về cấp dưới hoặc chuyển giữa các cơ sở khám bệnh, chữa bệnh "
        "trong cùng cấp chuyên môn kỹ thuật theo quy định của pháp luật."
    ),
    "(***) Ghi rõ có hoặc không.",
    (
        "Phiếu chuyển cơ sở khám bệnh, chữa bệnh hiển thị trên ứng dụng VNeID và có ký số đầy đủ theo "
        "quy định thì có giá trị tương đương bản giấy."
    ),
)


def _code_side(referral: Referral) -> float:
    return qr.side_for(referral.letter_code, QR_SIDE) if referral.letter_code else QR_SIDE


def signature_height(referral: Referral) -> float:
    needed: float = max(_code_side(referral) + 9 * mm, 52 * mm)
    return needed


def add_signature(sheet: Sheet, referral: Referral) -> None:
    """Code at the left, date and signature at the right."""
    height = signature_height(referral)
    sheet.need(height)
    top = sheet.y - 6
    side = _code_side(referral)
    if referral.letter_code:
        x = sheet.left - qr.quiet_zone(referral.letter_code, side)
        sheet.page.shapes.append(Code(x, top - side, side, referral.letter_code))
        caption = "Quét mã để đọc và kiểm tra phiếu, không cần mạng."
    else:
        sheet.page.shapes.append(Frame(sheet.left, top - side, side, side, dashed=True))
        caption = "Mã QR có sau khi phiếu được ký."
    sheet.text([Text(caption, ITALIC)], sheet.left, top - side - 7, width=72 * mm, size=9)
    width = 88 * mm
    x = sheet.right - width
    signed_on = referral.signature.at.date() if referral.signature else None
    y = sheet.text(day_inlines(signed_on, lead="Ngày"), x, top - 14, width=width, align="center")
    y = sheet.text(
        [strong("ĐẠI DIỆN CƠ SỞ KCB/BS ĐIỀU TRỊ")], x, y - 18, width=width, align="center"
    )
    y = sheet.text(
        [Text("(Ký tên, đóng dấu)", ITALIC)], x, y - 15, width=width, size=11.5, align="center"
    )
    y = min(y - 58, top - side + 14)
    y = sheet.text(
        [strong(signer(referral.signature, referral.referrer))],
        x,
        y,
        width=width,
        size=13,
        align="center",
    )
    sheet.text(
        [Text(confirmation(referral.signature), ITALIC)],
        x,
        y - 13,
        width=width,
        size=9.5,
        align="center",
    )
    sheet.y -= height


def note_blocks(sheet: Sheet) -> list[Block]:
    return [
        sheet.block([Text("Ghi chú:", BOLD)], size=9.5, leading=12),
        *(sheet.block([Text(note, ITALIC)], size=9.5, leading=11.6) for note in NOTES),
    ]


def notes_height(notes: list[Block]) -> float:
    return sum(block.height for block in notes) + NOTES_ABOVE


def add_notes(sheet: Sheet, notes: list[Block]) -> None:
    """At the foot of the last page of the letter."""
    height = notes_height(notes)
    sheet.need(height)
    sheet.y = sheet.format.bottom + height - NOTES_ABOVE
    sheet.flow(notes)
