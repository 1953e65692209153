"""Phiếu báo ca bệnh truyền nhiễm (TT 15/2026/TT-BYT, art. 10): a page of our own with the fields that
the superior asks for; no official layout was found (docs/open-questions.md).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.birth import age_text
from station_emr.domain.notification import (
    CaseClass,
    CaseState,
    CommunicableDiseaseNotification,
    SpecimenResult,
    YesNo,
)
from station_emr.services.ports import PrintMark

from . import letterhead
from .fonts import BOLD, ITALIC
from .footer import Footer, page_format
from .sheet import A4, Sheet
from .typeset import Box, Inline, Tab, Text
from .wording import confirmation, day_inlines, labelled, signer, strong, value

SIZE: Final = 11.0
LEADING: Final = 14.8
TITLE: Final = "PHIẾU BÁO CA BỆNH TRUYỀN NHIỄM"
_SIDES: Final = (25 * mm, 15 * mm)
_ON_ONE_LINE: Final = 4
_INDENT: Final = 20 * mm
Choice = CaseClass | CaseState | YesNo | SpecimenResult


def compose(notification: CommunicableDiseaseNotification, mark: PrintMark) -> Sheet:
    number = value(notification.number)
    look_up = f"{number} ({notification.id})" if number else notification.id
    footer = Footer(A4, _SIDES, mark, notification.station, look_up)
    form = page_format(A4, footer, top=11 * mm, least_bottom=19 * mm)
    sheet = Sheet(form, size=SIZE, leading=LEADING)
    _head(sheet, notification)
    _section(sheet, "I. Người bệnh", _person(sheet, notification))
    _section(sheet, "II. Ca bệnh", _case(sheet, notification))
    _section(sheet, "III. Xét nghiệm", _tests(sheet, notification))
    _section(sheet, "IV. Tiêm chủng, dịch tễ, xử lý", _around(sheet, notification))
    _section(sheet, "V. Báo cấp trên", _told(sheet, notification))
    _signature(sheet, notification)
    footer.paint(sheet)
    return sheet


def _head(sheet: Sheet, notification: CommunicableDiseaseNotification) -> None:
    left = sheet.width * 0.4
    low = letterhead.issuer(sheet, notification.station, left - 6 * mm, 10.4)
    nation_x = sheet.left + left
    nation_low = letterhead.nation(sheet, nation_x, sheet.right - nation_x, 10.4)
    low = sheet.text(
        labelled("Số:", notification.number),
        sheet.left,
        low - 17,
        width=left - 6 * mm,
        size=10.4,
        align="center",
    )
    sheet.y = min(low, nation_low)
    due = notification.due_at
    aside = f"Hạn báo {notification.hours} giờ kể từ lúc phát hiện"
    if due is not None:
        aside += f": trước {due:%H:%M} ngày {due:%d/%m/%Y}"
    sheet.flow(
        [
            sheet.block([strong(TITLE)], size=15, leading=19, before=7, align="center"),
            sheet.block([Text(f"({aside})", ITALIC)], size=10.4, align="center"),
        ]
    )


def _section(sheet: Sheet, title: str, rows: list[list[Inline]]) -> None:
    sheet.flow(
        [
            sheet.block([strong(title)], before=4, with_next=True),
            *(sheet.block(row, rest=4 * mm) for row in rows),
        ]
    )


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


def _moment(at: datetime | None) -> str:
    return f"{at:%H:%M} ngày {at:%d/%m/%Y}" if at else ""


def _choices(
    label: str, options: tuple[Choice, ...], chosen: Choice | None, first: int = 1
) -> list[Inline]:
    inlines: list[Inline] = [Text(label)] if label else []
    for number, option in enumerate(options, first):
        inlines += [Text(f" {number}. {option.label}"), Box(option is chosen)]
    return inlines


def _person(sheet: Sheet, notification: CommunicableDiseaseNotification) -> list[list[Inline]]:
    person = notification.patient
    at = sheet.width * 0.62
    detected = notification.detected_at
    age = age_text(person.birth, detected.date()) if person and detected else ""
    sex = person.sex.label if person else ""
    return [
        [
            *labelled("1. Họ và tên:", person.full_name if person else "", face=BOLD),
            Tab(at),
            *labelled("2. Giới:", sex),
        ],
        [
            *labelled("3. Ngày sinh:", person.birth.display() if person else ""),
            Tab(at),
            *labelled("Tuổi:", age),
        ],
        [
            *labelled("4. Số định danh cá nhân:", person.national_id if person else ""),
            Tab(at),
            *labelled("5. Dân tộc:", person.ethnic_name if person else ""),
        ],
        [
            *labelled("6. Nghề nghiệp:", notification.occupation),
            Tab(at),
            *labelled("7. Điện thoại:", notification.phone),
        ],
        labelled("8. Nơi ở hiện nay:", notification.home_address),
        labelled("9. Nơi khởi phát:", notification.onset_address),
        labelled("10. Nơi làm việc, học tập:", notification.workplace),
        _choices("11. Có thai:", tuple(YesNo), notification.pregnant),
        labelled("12. Bệnh nền:", notification.underlying),
    ]


def _case(sheet: Sheet, notification: CommunicableDiseaseNotification) -> list[list[Inline]]:
    at = sheet.width * 0.5
    states = tuple(CaseState)
    coded = " ".join(filter(None, (notification.icd_code, notification.icd_title)))
    rows: list[list[Inline]] = [
        labelled("13. Bệnh cần báo:", notification.disease_name, face=BOLD),
        labelled("14. Chẩn đoán (ICD-10):", coded),
        labelled("15. Phân độ:", notification.grade),
        _choices("16. Phân loại:", tuple(CaseClass), notification.case_class),
        [
            *labelled("17. Ngày khởi phát:", _day(notification.onset_on)),
            Tab(at),
            *labelled("18. Phát hiện:", _moment(notification.detected_at)),
        ],
        _choices("19. Tình trạng:", states[:_ON_ONE_LINE], notification.state),
        [
            Tab(_INDENT),  # or its numbers would read as items of the form
            *_choices("", states[_ON_ONE_LINE:], notification.state, _ON_ONE_LINE + 1),
        ],
    ]
    if notification.died_at is not None:
        rows.append(labelled("Tử vong lúc:", _moment(notification.died_at)))
    return rows


def _tests(sheet: Sheet, notification: CommunicableDiseaseNotification) -> list[list[Inline]]:
    at = sheet.width * 0.5
    return [
        _choices("20. Lấy mẫu:", tuple(YesNo), notification.specimen_taken),
        [
            *labelled("21. Loại bệnh phẩm:", notification.specimen),
            Tab(at),
            *labelled("Ngày lấy:", _day(notification.specimen_on)),
        ],
        [
            *labelled("22. Xét nghiệm:", notification.test_name),
        ],
        _choices("23. Kết quả:", tuple(SpecimenResult), notification.test_result),
    ]


def _around(sheet: Sheet, notification: CommunicableDiseaseNotification) -> list[list[Inline]]:
    at = sheet.width * 0.5
    doses = notification.vaccine_doses
    return [
        _choices("24. Đã tiêm chủng bệnh này:", tuple(YesNo), notification.vaccinated),
        [
            *labelled("Số mũi:", "" if doses is None else str(doses)),
            Tab(at),
            *labelled("Mũi cuối ngày:", _day(notification.last_vaccine_on)),
        ],
        labelled("25. Yếu tố dịch tễ, người tiếp xúc:", notification.contacts, lines=2),
        labelled("26. Xử lý ban đầu:", notification.measures, lines=2),
        labelled("27. Ghi chú:", notification.note),
    ]


def _told(sheet: Sheet, notification: CommunicableDiseaseNotification) -> list[list[Inline]]:
    at = sheet.width * 0.5
    way = notification.reported_way
    return [
        labelled("28. Nơi nhận báo:", notification.reported_to),
        [
            *labelled("29. Báo lúc:", _moment(notification.reported_at)),
            Tab(at),
            *labelled("Bằng:", way.label if way else ""),
        ],
        labelled("30. Người nhận tin, mã hồ sơ:", notification.receipt),
    ]


def _signature(sheet: Sheet, notification: CommunicableDiseaseNotification) -> None:
    sheet.need(32 * mm)
    width = sheet.width / 2
    x = sheet.left + width
    signed = notification.signature
    place = value(notification.station.commune_name) if notification.station else ""
    day = signed.at.date() if signed else None
    dated = [
        Text(part.text, ITALIC) if isinstance(part, Text) else part
        for part in day_inlines(day, lead=f"{place}, ngày" if place else "Ngày")
    ]
    y = sheet.text(dated, x, sheet.y - 18, width=width, align="center")
    top = y - 16
    for left, title in ((sheet.left, "ĐẠI DIỆN ĐƠN VỊ"), (x, "NGƯỜI BÁO CÁO")):
        sheet.text([strong(title)], left, top, width=width, align="center")
        sheet.text(
            [Text("(Ký, ghi rõ họ tên)", ITALIC)],
            left,
            top - 14,
            width=width,
            size=10.4,
            align="center",
        )
    y = sheet.text(
        [strong(signer(signed, notification.practitioner))],
        x,
        top - 14 - 36,
        width=width,
        align="center",
    )
    sheet.text(
        [Text(confirmation(signed), ITALIC)], x, y - 11, width=width, size=8.8, align="center"
    )
    sheet.y = y - 14
