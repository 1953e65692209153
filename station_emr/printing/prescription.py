"""Đơn thuốc by TT 26/2025/TT-BYT, A5.

Toxic, narcotic and psychotropic drugs come first; quantities below 10 carry a leading zero and
narcotics are counted in words; a child under 72 months has months, weight and companion.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from reportlab.lib.units import mm
from vn_numberwords import number_to_words

from station_emr.domain.catalog import DrugControl
from station_emr.domain.encounter import PatientSnapshot
from station_emr.domain.identity import group_number
from station_emr.domain.prescription import (
    PURCHASE_DAYS,
    Prescription,
    PrescriptionLine,
    quantity_text,
)
from station_emr.domain.record import Sex
from station_emr.services.ports import PrintMark

from . import qr
from .fonts import BOLD, ITALIC
from .footer import Footer, page_format
from .sheet import A5, Block, Code, Format, Frame, Sheet
from .typeset import Blank, Inline, Tab, Text, lay
from .wording import (
    age_words,
    confirmation,
    day_inlines,
    diagnoses_text,
    full_title,
    is_child,
    labelled,
    strong,
    value,
    values,
)

SIZES: Final = (11.5, 11.0, 10.5)  # the largest with which it stays on one page
LEADING: Final = 1.3
QR_SIDE: Final = 22 * mm
NUMBER_WIDTH: Final = 7 * mm
QUANTITY_WIDTH: Final = 27 * mm


def compose(prescription: Prescription, mark: PrintMark) -> Sheet:
    """One page for the usual prescription; more drugs go on under a small head."""
    code = value(prescription.code)
    look_up = code or prescription.id
    footer = Footer(A5, (15 * mm, 11 * mm), mark, prescription.station, look_up)
    form = page_format(A5, footer, top=10 * mm, least_bottom=18 * mm)
    written = prescription.written_at or (
        prescription.signature.at if prescription.signature else mark.printed_at
    )
    day = written.date()
    sheet = _paper(form, SIZES[0], prescription, day, code)
    for size in SIZES[1:]:
        if len(sheet.pages) > 1:
            sheet = _paper(form, size, prescription, day, code)
    footer.paint(sheet)
    return sheet


def _paper(form: Format, size: float, prescription: Prescription, day: date, code: str) -> Sheet:
    sheet = Sheet(form, size=size, leading=size * LEADING)
    _head(sheet, prescription, code)
    sheet.running = lambda at: _running_head(at, prescription, code)
    sheet.flow(_person(sheet, prescription, day))
    _drugs(sheet, prescription)
    sheet.flow(_advice(sheet, prescription))
    _signature(sheet, prescription, day)
    return sheet


def quantity_words(line: PrescriptionLine) -> str:
    """``30 viên``, ``06 ống``, and for a narcotic ``Mười (10) ống``: words cannot be altered."""
    figures = quantity_text(line)
    if line.control is DrugControl.NARCOTIC:
        quantity = line.computed_quantity
        whole = quantity == quantity.to_integral_value()
        words = number_to_words(int(quantity) if whole else float(quantity))
        return f"{words[:1].upper()}{words[1:]} ({figures}) {value(line.unit)}"
    return f"{figures} {value(line.unit)}"


def in_order(lines: tuple[PrescriptionLine, ...]) -> list[PrescriptionLine]:
    """Toxic and specially controlled drugs first, otherwise as the prescriber wrote them."""
    return sorted(
        lines, key=lambda line: not (line.toxic or line.control is not DrugControl.ORDINARY)
    )


def instruction(line: PrescriptionLine) -> str:
    """The patient's sentence with the number of days."""
    sentence = value(line.sentence).rstrip(".")
    if f"{line.days} ngày" in sentence:
        return f"{sentence}."
    return f"{sentence}. Dùng trong {line.days:02d} ngày."


def _head(sheet: Sheet, prescription: Prescription, code: str) -> None:
    station = prescription.station
    width = sheet.width - QR_SIDE - 6 * mm
    top = sheet.y
    parent = value(station.parent_authority).upper() if station else ""
    name = value(station.name).upper() if station else ""
    contact: list[str] = []
    if station and value(station.address):
        contact.append(f"Địa chỉ: {value(station.address)}")
    phone = value(station.phone) if station else ""
    y = top - 10
    if parent:
        y = sheet.text([Text(parent)], sheet.left, y, width=width, size=10) - 12.5
    y = sheet.text([strong(name) if name else Blank(150)], sheet.left, y, width=width, size=10.5)
    for line in contact:
        y = sheet.text([Text(line)], sheet.left, y - 12, width=width, size=9.5)
    y = sheet.text(labelled("Điện thoại:", phone), sheet.left, y - 12, width=width * 0.8, size=9.5)
    if code:
        x = sheet.right - QR_SIDE + qr.quiet_zone(code, QR_SIDE)
        sheet.page.shapes.append(Code(x, top - QR_SIDE + 4, QR_SIDE, code))
    else:
        sheet.page.shapes.append(
            Frame(sheet.right - QR_SIDE, top - QR_SIDE + 4, QR_SIDE, QR_SIDE, dashed=True)
        )
    below = top - QR_SIDE + 4
    shown: list[Inline] = [Text("Mã đơn: "), strong(code)]
    if not code:
        shown = [Text("Mã đơn có sau khi ký", ITALIC)]
    sheet.text(
        shown,
        sheet.right - QR_SIDE - 30 * mm,
        below - 8,
        width=QR_SIDE + 30 * mm,
        size=9.5,
        align="right",
    )
    sheet.y = min(y, below - 8)
    sheet.flow([sheet.block([strong("ĐƠN THUỐC")], size=16, leading=20, before=2, align="center")])
    replaced = value(prescription.replaces_code)
    if replaced:
        said = [Text(f"Đơn này thay cho đơn mã {replaced}")]
        sheet.flow([sheet.block(said, size=10, leading=12.5, align="center")])
    sheet.y -= 3


def _running_head(sheet: Sheet, prescription: Prescription, code: str) -> None:
    name = value(prescription.patient.full_name) if prescription.patient else ""
    words = f"Đơn thuốc {code}, trang {len(sheet.pages)}: {name}"
    y = sheet.text([Text(words, ITALIC)], sheet.left, sheet.y - 9, width=sheet.width, size=9.5)
    sheet.y = y - 8


def _person(sheet: Sheet, prescription: Prescription, day: date) -> list[Block]:
    person = prescription.patient
    half = sheet.width * 0.58
    if person is None:
        rows: list[list[Inline]] = [labelled("Họ tên:", ""), labelled("Nơi cư trú:", "")]
    else:
        rows = _person_rows(person, day, half)
    rows.append(labelled("Chẩn đoán:", diagnoses_text(prescription.diagnoses)))
    return [sheet.block(row, rest=4 * mm) for row in rows]


def _person_rows(person: PatientSnapshot, day: date, half: float) -> list[list[Inline]]:
    sex = person.sex.label if person.sex is not Sex.UNKNOWN else ""
    child = is_child(person, day)
    weight = value(person.weight_kg)
    rows: list[list[Inline]] = [labelled("Họ tên:", person.full_name, face=BOLD)]
    about: list[Inline] = [*labelled("Tuổi:", age_words(person, day))]
    if weight or child:
        about += [Tab(half * 0.52), *labelled("Cân nặng:", f"{weight} kg" if weight else "")]
    about += [Tab(half), *labelled("Giới tính:", sex)]
    rows.append(about)
    if child:
        companion = value(person.guardian_name)
        relation = value(person.guardian_relationship)
        shown = f"{companion} ({relation})" if companion and relation else companion
        rows.append(labelled("Người đưa trẻ đến khám:", shown))
    if person.national_id:
        rows.append(labelled("Số định danh cá nhân:", group_number(person.national_id)))
    rows.append(labelled("Nơi cư trú:", person.address))
    card = person.coverage.number if person.coverage else ""
    if card:
        rows.append(labelled("Số thẻ bảo hiểm y tế:", group_number(value(card))))
    if person.allergies:
        rows.append([strong("Dị ứng: "), strong(value("; ".join(person.allergies)))])
    return rows


def _drugs(sheet: Sheet, prescription: Prescription) -> None:
    sheet.flow([sheet.block([strong("Thuốc điều trị:")], before=3, with_next=True)])
    for number, line in enumerate(in_order(prescription.lines), start=1):
        _drug(sheet, number, line)
    count = len(prescription.lines)
    sheet.flow([sheet.block([Text(f"Cộng khoản: {count:02d}")], before=3, size=10.5)])


def _drug(sheet: Sheet, number: int, line: PrescriptionLine) -> None:
    """Number, name and quantity on one line, the instruction under them; never parted."""
    label_x = sheet.left + NUMBER_WIDTH
    label_width = sheet.width - NUMBER_WIDTH - QUANTITY_WIDTH - 2 * mm
    leading = sheet.leading
    label = lay([strong(value(line.label))], label_width, sheet.size)
    quantity = lay([strong(quantity_words(line))], QUANTITY_WIDTH, sheet.size)
    said = lay([Text(instruction(line))], sheet.width - NUMBER_WIDTH, sheet.size)
    rows = max(len(label), len(quantity))
    sheet.need((rows + len(said)) * leading + 2)
    sheet.y -= 2
    for index in range(rows):
        sheet.y -= leading
        y = sheet.y + leading * 0.25
        if index == 0:
            sheet.text([strong(f"{number}.")], sheet.left, y, width=NUMBER_WIDTH)
        if index < len(label):
            sheet.put(label[index], label_x, y)
        if index < len(quantity):
            sheet.put(quantity[index], sheet.right - QUANTITY_WIDTH, y, "right", QUANTITY_WIDTH)
    for one in said:
        sheet.need(leading)
        sheet.y -= leading
        sheet.put(one, label_x, sheet.y + leading * 0.25)


def _advice(sheet: Sheet, prescription: Prescription) -> list[Block]:
    rows: list[list[Inline]] = [labelled("Lời dặn:", values(prescription.advice))]
    if prescription.follow_up_on is not None:
        rows.append([Text("Khám lại "), *day_inlines(prescription.follow_up_on), Text(".")])
    return [sheet.block(row, rest=4 * mm, before=2) for row in rows]


def _signature(sheet: Sheet, prescription: Prescription, day: date) -> None:
    height = 37 * mm
    sheet.need(height)
    width = 70 * mm
    x = sheet.right - width
    signed = prescription.signature
    y = sheet.y - 14
    shown = day if signed or prescription.written_at else None
    sheet.text(day_inlines(shown, lead="Ngày"), x, y, width=width, size=11.5, align="center")
    author = signed.by if signed else prescription.prescriber
    sheet.text(
        [
            Text(
                f"Đơn thuốc có giá trị mua trong {PURCHASE_DAYS:02d} ngày, kể từ ngày kê đơn.\n"
                "Khám lại xin mang theo đơn này.",
                ITALIC,
            )
        ],
        sheet.left,
        y,
        width=sheet.width - width - 4 * mm,
        size=10.5,
    )
    y -= 15
    sheet.text([strong("NGƯỜI KÊ ĐƠN")], x, y, width=width, align="center")
    y -= 12.5
    sheet.text([Text("(Ký, ghi rõ họ tên)", ITALIC)], x, y, width=width, size=10, align="center")
    y -= 34
    name = full_title(author) if author else ""
    y = sheet.text([strong(name)], x, y, width=width, size=11.5, align="center")
    licence = value(author.licence_no) if author else ""
    if licence:
        y -= 11.5
        sheet.text(
            [Text(f"Giấy phép hành nghề số: {licence}")], x, y, width=width, size=9, align="center"
        )
    said = confirmation(signed)
    if said:
        y -= 11
        y = sheet.text([Text(said, ITALIC)], x, y, width=width, size=8.6, align="center")
    sheet.y = y - 4
