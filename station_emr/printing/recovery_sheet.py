"""The sheet with the recovery code, printed once at set-up. It names no patient."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.text import clean

from . import qr
from .fonts import BOLD, ITALIC, face
from .sheet import A4, Code, Format, Frame, Rule, Sheet
from .typeset import Fill, Inline, Tab, Text
from .wording import day_inlines, strong, value

SIZE: Final = 12.5
LEADING: Final = 17.0
CODE_SIZE: Final = 26.0
QR_SIDE: Final = 26 * mm
_LONGEST: Final = 64
_CHECK: Final = (
    "Ký tự cuối là ký tự kiểm tra: gõ sai hoặc đổi chỗ một ký tự thì chương trình báo ngay. Mã vuông là chính "
    "mã này, để quét thay cho gõ."
)

_PURPOSE: Final = (
    (
        "Mở lại dữ liệu của trạm khi mọi người có quyền đều quên mật khẩu, hoặc khi phải đưa bản sao "
        "lưu sang một máy khác."
    ),
    (
        "Dữ liệu trên máy được mã hóa. Mất cả mật khẩu lẫn mã này thì không ai mở lại được hồ sơ, kể "
        "cả người làm ra chương trình."
    ),
)
_KEEPING: Final = (
    "Cho phiếu vào phong bì, niêm phong, ký qua mép dán và ghi ngày niêm phong.",
    "Giám đốc trạm cất phong bì trong tủ có khóa, tách khỏi máy tính và khỏi bản sao lưu.",
    "Khi giám đốc thay đổi: bàn giao phong bì và ghi biên bản.",
)
_NEVER: Final = (
    "Không chụp ảnh, không gửi qua tin nhắn, không chép vào máy tính.",
    "Không dán lên máy, không để trong ngăn bàn.",
    "Nếu phong bì bị mở hoặc thất lạc: báo giám đốc ngay để đổi mã và mật khẩu.",
)


def grouped(code: str) -> str:
    """Groups of four for the eye; a code that comes grouped is left alone."""
    text = clean(code)
    if " " in text or "-" in text:
        return text
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def compose(station_name: str, code: str, at: datetime) -> Sheet:
    form = Format(paper=A4, left=30 * mm, right=20 * mm, top=24 * mm, bottom=20 * mm)
    sheet = Sheet(form, size=SIZE, leading=LEADING)
    name = value(station_name)
    sheet.flow(
        [
            sheet.block([strong(name.upper())], align="center"),
            sheet.block(
                [strong("PHIẾU MÃ KHÔI PHỤC DỮ LIỆU")],
                size=18,
                leading=26,
                before=18,
                align="center",
            ),
            sheet.block(
                [Text("Lập lúc "), Text(f"{at:%H:%M}, "), *day_inlines(at.date())],
                align="center",
                size=12,
            ),
        ]
    )
    _code(sheet, grouped(code))
    for title, points in (
        ("Mã này dùng để làm gì", _PURPOSE),
        ("Cất giữ ở đâu", _KEEPING),
        ("Không được làm", _NEVER),
    ):
        sheet.flow([sheet.block([strong(title)], before=12, with_next=True)])
        sheet.flow(
            sheet.block([Text("–"), Tab(14), Text(point)], rest=14, before=2) for point in points
        )
    _signatures(sheet)
    return sheet


def _code(sheet: Sheet, code: str) -> None:
    size = CODE_SIZE
    widest = sheet.width - 16 * mm
    longest = max((face(BOLD).width(word, size) for word in code.split()), default=0.0)
    if longest > widest:
        size *= widest / longest
    block = sheet.block([strong(code)], size=size, leading=size * 1.5, align="center", width=widest)
    scanned = _plain(code)
    side = qr.side_for(scanned, QR_SIDE) if scanned else 0.0
    height = block.height + 14 * mm + side
    sheet.y -= 14
    bottom = sheet.y - height
    sheet.page.shapes.append(Frame(sheet.left, bottom, sheet.width, height))
    y = sheet.y - 7 * mm
    for line in block.lines:
        y -= block.leading
        sheet.put(line, sheet.left, y + block.leading * 0.3, "center", sheet.width)
    if scanned:
        x = sheet.left + (sheet.width - side) / 2
        sheet.page.shapes.append(Code(x, bottom + 4 * mm, side, scanned))
    sheet.y = bottom - 4
    sheet.flow([sheet.block([Text(_CHECK)], size=11, align="center", before=6)])


def _plain(code: str) -> str:
    """What a scanner types; empty for what is no code. The program puts no weight on the dashes."""
    usable = code.isascii() and code.replace("-", " ").replace(" ", "").isalnum()
    return "-".join(code.split()) if usable and len(code) <= _LONGEST else ""


def _signatures(sheet: Sheet) -> None:
    sheet.need(50 * mm)
    y = sheet.y - 34
    half = sheet.width / 2
    for index, title in enumerate(("NGƯỜI LẬP", "GIÁM ĐỐC")):
        x = sheet.left + index * half
        sheet.text([strong(title)], x, y, width=half, align="center")
        sheet.text(
            [Text("(Ký, ghi rõ họ tên)", ITALIC)], x, y - 15, width=half, size=11, align="center"
        )
    y -= 96
    sheet.page.shapes.append(Rule(sheet.left, y, sheet.right, y, 0.4))
    row: list[Inline] = [
        Text("Niêm phong ngày:"),
        Fill(),
        Tab(half),
        Text("Mở lần cuối ngày:"),
        Fill(),
    ]
    sheet.text(row, sheet.left, y - 18, width=sheet.width, size=11)
