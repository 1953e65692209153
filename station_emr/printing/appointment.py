"""Phiếu hẹn khám lại (annex V of TT 01/2025/TT-BYT), A5."""

from __future__ import annotations

from datetime import date
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.appointment import Appointment
from station_emr.domain.record import Sex
from station_emr.services.ports import PrintMark

from . import letterhead, qr
from .fonts import BOLD, ITALIC
from .footer import Footer, page_format
from .sheet import A5, Block, Code, Frame, Sheet
from .typeset import Blank, Inline, Tab, Text
from .wording import (
    confirmation,
    day_inlines,
    diagnoses_text,
    diagnosis_text,
    labelled,
    signer,
    strong,
    value,
    values,
)

SIZE: Final = 12.0
LEADING: Final = 17.0
CARD_LENGTHS: Final = (10, 15)
QR_SIDE: Final = 22 * mm


def compose(appointment: Appointment, mark: PrintMark) -> Sheet:
    number = value(appointment.number)
    look_up = f"{number} ({appointment.id})" if number else appointment.id
    footer = Footer(A5, (15 * mm, 11 * mm), mark, appointment.station, look_up)
    form = page_format(A5, footer, top=12 * mm, least_bottom=19 * mm)
    sheet = Sheet(form, size=SIZE, leading=LEADING)
    _head(sheet, appointment, number)
    sheet.flow(_person(sheet, appointment))
    _card(sheet, appointment)
    sheet.flow(_visit(sheet, appointment))
    _signature(sheet, appointment)
    footer.paint(sheet)
    return sheet


def _head(sheet: Sheet, appointment: Appointment, number: str) -> None:
    left = 46 * mm
    low = letterhead.issuer(sheet, appointment.station, left - 2 * mm, 9.2)
    nation_x = sheet.left + left
    nation = letterhead.nation(sheet, nation_x, sheet.right - nation_x, 9.6)
    shown: list[Inline] = [Text(f"Số: {number}")] if number else [Text("Số: "), Blank(60)]
    low = sheet.text(shown, sheet.left, low - 15, width=left - 2 * mm, size=10, align="center")
    sheet.y = min(low, nation)
    sheet.flow(
        [
            sheet.block(
                [strong("PHIẾU HẸN KHÁM LẠI")], size=15, leading=20, before=12, align="center"
            )
        ]
    )
    sheet.y -= 6


def _person(sheet: Sheet, appointment: Appointment) -> list[Block]:
    person = appointment.patient
    sex = person.sex.label if person and person.sex is not Sex.UNKNOWN else ""
    at = sheet.width * 0.72
    rows: list[list[Inline]] = [
        [
            *labelled("Họ tên người bệnh:", person.full_name if person else "", face=BOLD),
            Tab(at),
            *labelled("Giới:", sex),
        ],
        labelled("Sinh ngày:", person.birth.display() if person else ""),
        labelled("Địa chỉ:", person.address if person else ""),
    ]
    return [sheet.block(row, rest=4 * mm) for row in rows]


def _card(sheet: Sheet, appointment: Appointment) -> None:
    """The insurance number in boxes, one character each, then its term."""
    coverage = appointment.patient.coverage if appointment.patient else None
    card = value(coverage.number).replace(" ", "") if coverage else ""
    count = len(card) if card and len(card) <= max(CARD_LENGTHS) else max(CARD_LENGTHS)
    side = 5.1 * mm
    label = "Số thẻ bảo hiểm y tế:"
    sheet.need(2 * LEADING + 4)
    sheet.y -= LEADING + 1
    y = sheet.y + LEADING * 0.25
    sheet.text([Text(label)], sheet.left, y, width=40 * mm)
    x = sheet.right - count * side if count > min(CARD_LENGTHS) else sheet.left + 42 * mm
    for index in range(count):
        sheet.page.shapes.append(Frame(x + index * side, y - 4, side, side))
        letter = card[index] if index < len(card) else ""
        if letter:
            sheet.text([Text(letter)], x + index * side, y, width=side, size=11.5, align="center")
    if len(card) > count:
        sheet.flow([sheet.block([Text(card)])])
    start = coverage.valid_from if coverage else None
    end = coverage.valid_to if coverage else None
    sheet.flow(
        [
            sheet.block(
                [
                    Text("Hạn sử dụng: Từ "),
                    Text(f"{start:%d/%m/%Y}") if start else Blank(80),
                    Text(" Đến "),
                    Text(f"{end:%d/%m/%Y}") if end else Blank(80),
                ],
                before=3,
            )
        ]
    )


def _day(label: str, day: date | None) -> list[Inline]:
    return labelled(label, f"{day:%d/%m/%Y}" if day else "")


def _visit(sheet: Sheet, appointment: Appointment) -> list[Block]:
    half = sheet.width * 0.5
    main = appointment.diagnoses[0] if appointment.diagnoses else None
    rows: list[list[Inline]] = [
        _day("Ngày khám bệnh:", appointment.visited_on),
        [
            *_day("Ngày vào viện:", appointment.admitted_on),
            Tab(half),
            *_day("Ngày ra viện:", appointment.discharged_on),
        ],
        labelled("Chẩn đoán:", diagnosis_text(main) if main else ""),
        labelled("Bệnh kèm theo:", diagnoses_text(appointment.diagnoses[1:])),
    ]
    if values(appointment.note):
        rows.append(labelled("Dặn thêm:", appointment.note))
    promise: list[Inline] = [
        Text("Hẹn khám lại vào "),
        *_bold_day(appointment.on),
        Text(
            ", hoặc đến bất kỳ thời gian nào trước ngày được hẹn khám lại nếu có dấu hiệu "
            "(triệu chứng) bất thường."
        ),
    ]
    return [
        *(sheet.block(row, rest=4 * mm) for row in rows),
        sheet.block(promise, before=5),
        sheet.block(
            [
                Text(
                    "Phiếu hẹn khám lại chỉ có giá trị sử dụng 01 (một) lần. Trường hợp không "
                    "đúng hẹn cần liên hệ với cơ sở khám bệnh, chữa bệnh để được giải quyết."
                )
            ],
            before=3,
        ),
    ]


def _bold_day(day: date | None) -> list[Inline]:
    if day is None:
        return day_inlines(None)
    return [strong(f"ngày {day:%d} tháng {day:%m} năm {day:%Y}")]


def _signature(sheet: Sheet, appointment: Appointment) -> None:
    height = 40 * mm
    sheet.need(height)
    top = sheet.y - 4
    code = f"station-emr:appointment:{appointment.id}"
    sheet.page.shapes.append(
        Code(sheet.left - qr.quiet_zone(code, QR_SIDE), top - QR_SIDE - 6, QR_SIDE, code)
    )
    sheet.text(
        [Text("Mã tra cứu tại trạm", ITALIC)],
        sheet.left,
        top - QR_SIDE - 14,
        width=40 * mm,
        size=8.6,
    )
    width = 80 * mm
    x = sheet.right - width
    signed = appointment.signature
    place = value(appointment.station.commune_name) if appointment.station else ""
    lead = f"{place}, ngày" if place else "Ngày"
    day = signed.at.date() if signed else None
    italic = [
        Text(part.text, ITALIC) if isinstance(part, Text) else part
        for part in day_inlines(day, lead=lead)
    ]
    y = sheet.text(italic, x, top - SIZE, width=width, align="center")
    y = sheet.text([strong("Bác sĩ, Y sĩ khám bệnh")], x, y - 16, width=width, align="center")
    y = sheet.text([Text("(ký tên)", ITALIC)], x, y - 14, width=width, size=11, align="center")
    y -= 42
    name = signer(signed, appointment.practitioner)
    y = sheet.text([strong(name)], x, y, width=width, align="center")
    sheet.text(
        [Text(confirmation(signed), ITALIC)], x, y - 11, width=width, size=8.8, align="center"
    )
