"""Giấy chứng nhận nghỉ việc hưởng bảo hiểm xã hội (TT 25/2025/TT-BYT, form 07): two equal copies
on one A4, one above the other, with a line to cut between.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.certificate import SickLeave
from station_emr.domain.record import Sex
from station_emr.services.ports import PrintMark

from . import letterhead
from .fonts import BOLD, ITALIC, face
from .footer import Footer, page_format
from .sheet import A4, Dots, Frame, Sheet
from .typeset import Inline, Tab, Text
from .wording import confirmation, day_inlines, labelled, signer, spelled, strong, value

SIZE: Final = 10.4
LEADING: Final = 14.0
REISSUED: Final = "CẤP LẠI"
_SMALLER: Final = (9.8, 9.2, 8.6, 8.0, 7.4)
_SIDES: Final = (16 * mm, 12 * mm)
_TOP: Final = 8 * mm
_GAP: Final = 3 * mm  # white above and below the line to cut
_ROOM_TO_SIGN: Final = 30.0


def compose(certificate: SickLeave, mark: PrintMark) -> Sheet:
    """Letters get smaller when a text is long, so that each copy stays in its half of the page."""
    sheet, fits = _at(certificate, mark, SIZE)
    for size in _SMALLER:
        if fits:
            break
        sheet, fits = _at(certificate, mark, size)
    return sheet


def _at(certificate: SickLeave, mark: PrintMark, size: float) -> tuple[Sheet, bool]:
    number = value(certificate.number)
    look_up = f"{number} ({certificate.id})" if number else certificate.id
    footer = Footer(A4, _SIDES, mark, certificate.station, look_up)
    form = page_format(A4, footer, top=_TOP, least_bottom=19 * mm)
    sheet = Sheet(form, size=size, leading=LEADING * size / SIZE)
    top = sheet.y
    middle = (top + form.bottom) / 2
    _copy(sheet, certificate)
    fits = sheet.y > middle + _GAP
    sheet.page.shapes.append(Dots(8 * mm, A4[0] - 8 * mm, middle))
    if fits:
        sheet.y = middle - _GAP
    else:
        sheet.new_page()
    _copy(sheet, certificate)
    fits = fits and sheet.y > form.bottom and len(sheet.pages) == 1
    footer.paint(sheet)
    return sheet, fits


def _copy(sheet: Sheet, certificate: SickLeave) -> None:
    _head(sheet, certificate)
    _heading(sheet, "I. Thông tin người bệnh")
    _rows(sheet, _person(sheet, certificate))
    _heading(sheet, "II. Chẩn đoán và phương pháp điều trị")
    _rows(sheet, _medical(certificate))
    _heading(sheet, "III. Thông tin cha, mẹ", " (chỉ áp dụng đối với trẻ em dưới 07 tuổi)")
    father = labelled("Họ và tên cha:", certificate.father_name)
    mother = labelled("Họ và tên mẹ:", certificate.mother_name)
    _rows(sheet, [[*father, Tab(sheet.width * 0.5), *mother]])
    _signatures(sheet, certificate)


def _heading(sheet: Sheet, title: str, aside: str = "") -> None:
    inlines: list[Inline] = [strong(title)]
    if aside:
        inlines.append(Text(aside, ITALIC))
    sheet.flow([sheet.block(inlines, before=3)])


def _rows(sheet: Sheet, rows: list[list[Inline]]) -> None:
    sheet.flow(sheet.block(row, rest=4 * mm) for row in rows)


def _head(sheet: Sheet, certificate: SickLeave) -> None:
    size = sheet.size
    left = sheet.width * 0.56
    low = letterhead.issuer(sheet, certificate.station, left, size)
    rows = (("Số:", value(certificate.number)), ("Số seri:", value(certificate.serial)))
    right_x = sheet.left + left + 14 * mm
    y = sheet.y - size
    sheet.text([strong("Mẫu số: 07")], right_x, y, width=sheet.right - right_x, size=size)
    sheet.y -= size * 1.3
    numbers_low = letterhead.numbers(sheet, rows, right_x, sheet.right - right_x, size)
    if certificate.reissued:
        _reissued(sheet, numbers_low)
    y = min(low, numbers_low) - size * 1.9
    for inline, larger, gap in (
        (strong("GIẤY CHỨNG NHẬN NGHỈ VIỆC HƯỞNG BẢO HIỂM XÃ HỘI"), 2.6, 1.35),
        (Text("(Chỉ áp dụng cho điều trị ngoại trú)", ITALIC), 0.0, 0.3),
    ):
        y = sheet.text(
            [inline], sheet.left, y, width=sheet.width, size=size + larger, align="center"
        )
        y -= size * gap
    sheet.y = y


def _reissued(sheet: Sheet, y: float) -> None:
    """The mark of a paper issued again, between the issuer and the numbers."""
    wide = face(BOLD).width(REISSUED, 13) + 12
    x = sheet.left + sheet.width * 0.56 - wide + 10 * mm
    sheet.page.shapes.append(Frame(x, y - 3, wide, 19))
    sheet.word(REISSUED, x + 6, y + 2, face=BOLD, size=13)


def _person(sheet: Sheet, certificate: SickLeave) -> list[list[Inline]]:
    person = certificate.patient
    card = person.coverage.number if person and person.coverage else certificate.temporary_card
    numbers = "/".join(filter(None, (certificate.social_insurance_no, value(card))))
    sex = person.sex.label if person and person.sex is not Sex.UNKNOWN else ""
    at = sheet.width * 0.68
    return [
        [
            *labelled("Họ và tên:", person.full_name if person else "", face=BOLD),
            Tab(at),
            *labelled("Ngày sinh:", person.birth.display() if person else ""),
        ],
        labelled("Mã số BHXH/Số thẻ BHYT:", numbers),
        [
            *labelled(
                "Số CCCD/CMND/Định danh công dân/Hộ chiếu:", person.national_id if person else ""
            ),
            Tab(at),
            *labelled("Ngày cấp:", _day(certificate.identity_issued_on)),
        ],
        labelled("Giới tính:", sex),
        labelled("Đơn vị làm việc:", certificate.workplace),
        labelled("Ngày khám bệnh, chữa bệnh:", _day(certificate.visited_on)),
    ]


def _medical(certificate: SickLeave) -> list[list[Inline]]:
    rows = [
        labelled("Chẩn đoán:", certificate.diagnosis_text),
        labelled("Phương pháp điều trị:", certificate.treatment),
    ]
    if certificate.pregnancy_ended:
        weeks = certificate.gestation_weeks
        rows.append(
            labelled(
                "Đình chỉ thai nghén:",
                f"{certificate.termination_cause}, tuổi thai {weeks} tuần"
                if weeks
                else certificate.termination_cause,
            )
        )
    days = f"{certificate.days:02d}" if certificate.days else ""
    rows.append(labelled("Số ngày nghỉ:", f"{days} ngày" if days else ""))
    rows.append(
        [
            Text("(Từ "),
            *day_inlines(certificate.first_day),
            Text(" đến hết "),
            *day_inlines(certificate.last_day),
            Text(")"),
        ]
    )
    return rows


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


def _signatures(sheet: Sheet, certificate: SickLeave) -> None:
    size = sheet.size
    half = sheet.width / 2
    right_x = sheet.left + half
    signed = certificate.signature
    place = value(certificate.station.commune_name) if certificate.station else ""
    issued = certificate.issued_on or (signed.at.date() if signed else None)
    dated = [
        Text(part.text, ITALIC) if isinstance(part, Text) else part
        for part in day_inlines(issued, lead=f"{place}, ngày" if place else "Ngày")
    ]
    top = sheet.y - size * 1.5
    sheet.text(dated, right_x, top, width=half, align="center")
    y = top - size * 1.4
    for x, title, how in (
        (sheet.left, "Đại diện đơn vị", "(Ký ghi rõ họ tên, đóng dấu)"),
        (right_x, "Người hành nghề KB, CB", "(Ký, ghi rõ họ tên)"),
    ):
        sheet.text([strong(title)], x, y, width=half, align="center")
        sheet.text([Text(how, ITALIC)], x, y - size * 1.25, width=half, align="center")
    y -= size * 1.25 + _ROOM_TO_SIGN + size
    sheet.text([strong(spelled(certificate.head_name))], sheet.left, y, width=half, align="center")
    name = signer(signed, certificate.practitioner)
    sheet.text([strong(name)], right_x, y, width=half, align="center")
    sheet.text(
        [Text(confirmation(signed), ITALIC)],
        right_x,
        y - 10,
        width=half,
        size=min(8.2, size),
        align="center",
    )
    sheet.y = y - 12
