"""Bảng kê chi phí (form 01/KBCB, QĐ 697/QĐ-BYT 2026): A4 across, one table per card and level."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

from reportlab.lib.units import mm

from station_emr.domain.billing import Bill, BillItem, BillPart, BillTotals, totals_of
from station_emr.domain.encounter import DiagnosisRole
from station_emr.domain.money import in_words, money_text
from station_emr.domain.patient import Coverage
from station_emr.domain.record import Sex
from station_emr.services.ports import PrintMark
from station_emr.services.resources import resource_path

from . import letterhead
from .bill_grid import Grid, GridColumn
from .fonts import BOLD, ITALIC
from .footer import Footer, page_format
from .sheet import A4, Block, Sheet
from .typeset import Inline, Tab, Text
from .wording import confirmation, labelled, signer, strong, value

PAPER: Final = (A4[1], A4[0])
SIZE: Final = 9.6
LEADING: Final = 12.6
_SIDE: Final = 10 * mm
SIGN_HERE: Final = "(Ký, ghi rõ họ tên)"
_SIGN_HEIGHT: Final = 29 * mm


@cache
def _forms() -> tuple[Mapping[str, Any], ...]:
    file = resource_path("billing", "form-01kbcb.json")
    forms = json.loads(file.read_text(encoding="utf-8"))["forms"]
    return tuple(sorted(forms, key=lambda form: str(form["valid_from"])))


def form_on(day: date) -> Mapping[str, Any]:
    """The wording in force on a day; the oldest for a day before all of them."""
    standing = [form for form in _forms() if date.fromisoformat(form["valid_from"]) <= day]
    return standing[-1] if standing else _forms()[0]


def compose(bill: Bill, mark: PrintMark) -> Sheet:
    number = value(bill.number)
    look_up = f"{number} ({bill.id})" if number else bill.id
    footer = Footer(PAPER, (_SIDE, _SIDE), mark, bill.station, look_up)
    layout = page_format(PAPER, footer, top=9 * mm, least_bottom=15 * mm)
    sheet = Sheet(layout, size=SIZE, leading=LEADING)
    form = form_on((bill.closed_at or mark.printed_at).date())
    _head(sheet, bill, form)
    sheet.flow(_person(sheet, bill))
    sheet.flow([sheet.block([strong("II. Chi phí khám bệnh, chữa bệnh")], before=3)])
    for part in bill.parts() or (BillPart(card="", benefit=Decimal(0), items=()),):
        _part(sheet, bill, part, form)
    _sums(sheet, bill)
    _signatures(sheet, bill, mark)
    footer.paint(sheet)
    return sheet


# The head and the person ----------------------------------------------------------------


def _head(sheet: Sheet, bill: Bill, form: Mapping[str, Any]) -> None:
    left = 84 * mm
    low = letterhead.issuer(sheet, bill.station, left - 4 * mm, 9.6)
    size = 9.2
    department: list[Inline] = labelled("Khoa:", _without_label(bill.department_name))
    department += [Tab(left * 0.62), *labelled("Mã khoa:", bill.department)]
    low = sheet.text(department, sheet.left, low - 15, width=left, size=size)
    right_x = sheet.right - 62 * mm
    rows = (
        (form["form"], None),
        ("Mã số người bệnh:", bill.patient.chart_number if bill.patient else ""),
        ("Số khám bệnh:", bill.visit_number),
        ("Số bảng kê:", bill.number),
    )
    y = sheet.y - size
    for label, said in rows:
        shown: list[Inline] = [strong(label)] if said is None else labelled(label, value(said))
        sheet.text(shown, right_x, y, width=62 * mm, size=size)
        y -= size * 1.35
    kind = form["kinds"].get(bill.care_kind, "01")
    middle = sheet.left + left
    width = right_x - middle - 3 * mm
    title = form["titles"][kind]
    y2 = sheet.text(
        [strong(title)], middle, sheet.y - 16, width=width, size=14, leading=17, align="center"
    )
    sheet.text(
        [Text(f"Loại: {kind}", ITALIC)], middle, y2 - 14, width=width, size=size, align="center"
    )
    sheet.y = min(low, y + size * 1.35, y2 - 14) - 2


def _without_label(department: str) -> str:
    """The list says “Khoa Khám bệnh”, and so does the form before it."""
    return department.removeprefix("Khoa ").strip()


def _person(sheet: Sheet, bill: Bill) -> list[Block]:
    person, card = bill.patient, bill.coverage
    sex = person.sex.label if person and person.sex is not Sex.UNKNOWN else ""
    half, third = sheet.width * 0.5, sheet.width * 0.75
    main = next((d for d in bill.diagnoses if d.role is DiagnosisRole.MAIN), None)
    others = [d for d in bill.diagnoses if d.role is not DiagnosisRole.MAIN]
    rows: list[list[Inline]] = [
        [strong("I. Phần hành chính")],
        [
            *labelled("(1) Họ tên người bệnh:", person.full_name if person else "", face=BOLD),
            Tab(half),
            *labelled("Ngày sinh:", person.birth.display() if person else ""),
            Tab(third),
            *labelled("Giới:", sex),
        ],
        [
            *labelled("(2) Địa chỉ hiện tại:", person.address if person else ""),
            Tab(third),
            *labelled("Mã khu vực:", card.living_area if card else "không"),
        ],
        [*_card_inlines(card), Tab(half), *_facility(card)],
        [
            *_at("(3) Đến khám:", bill.arrived_at),
            Tab(half),
            *_at("(4) Kết thúc:", bill.ended_at),
            Tab(third),
            *labelled("Đối tượng:", bill.visit_object),
        ],
        [
            *labelled("(5) Chẩn đoán:", value(main.title) if main else ""),
            Tab(third),
            *labelled("Mã bệnh:", main.icd_code if main else ""),
        ],
    ]
    if others:
        rows.append(
            [
                *labelled("(6) Bệnh kèm theo:", "; ".join(value(d.title) for d in others)),
                Tab(third),
                *labelled("Mã bệnh kèm theo:", ";".join(d.icd_code for d in others)),
            ]
        )
    if card and (card.five_year_on or card.copay_exempt_on):
        rows.append(
            [
                *_day("(7) Đủ 05 năm liên tục từ ngày:", card.five_year_on),
                Tab(half),
                *_day("Miễn cùng chi trả từ ngày:", card.copay_exempt_on),
            ]
        )
    return [sheet.block(row, rest=5 * mm) for row in rows]


def _card_inlines(card: Coverage | None) -> list[Inline]:
    if card is None:
        return [Text("Thẻ BHYT: không sử dụng")]
    return [Text("Mã thẻ BHYT: "), strong(value(card.number)), Text(_term(card))]


def _term(card: Coverage) -> str:
    if card.valid_from is None and card.valid_to is None:
        return ""
    start = f"{card.valid_from:%d/%m/%Y}" if card.valid_from else "…"
    end = f"{card.valid_to:%d/%m/%Y}" if card.valid_to else "…"
    return f", giá trị từ {start} đến {end}"


def _facility(card: Coverage | None) -> list[Inline]:
    if card is None:
        return []
    place = value(card.initial_facility_name)
    code = value(card.initial_facility)
    said = f"{place} ({code})" if place and code else place or code
    return labelled("Nơi đăng ký khám, chữa bệnh ban đầu:", said)


def _at(label: str, at: datetime | None) -> list[Inline]:
    return labelled(label, f"{at:%H} giờ {at:%M} phút, ngày {at:%d/%m/%Y}" if at else "")


def _day(label: str, day: date | None) -> list[Inline]:
    return labelled(label, f"{day:%d/%m/%Y}" if day else "")


# One card at one level -------------------------------------------------------------------


def _part(sheet: Sheet, bill: Bill, part: BillPart, form: Mapping[str, Any]) -> None:
    card = next((one for one in bill.coverages if one.number == part.card), None)
    who: list[Inline] = [Text("Không có thẻ BHYT")]
    if part.card:
        who = [Text("Mã thẻ BHYT: "), strong(part.card), Text(_term(card) if card else "")]
    sheet.need(60)
    sheet.flow(
        [
            sheet.block(
                [*who, Tab(sheet.width * 0.6), Text(f"Mức hưởng: {money_text(part.benefit)}%")],
                before=2,
                with_next=True,
            )
        ]
    )
    sheet.y -= 3
    titles = form["columns"]
    columns = [
        GridColumn(title, width, "left" if index == 0 else "center" if index == 1 else "right")
        for index, (title, width) in enumerate(titles)
    ]
    grid = Grid(sheet, columns)
    for number, title, items in sections(part.items, form):
        grid.band(f"{number}. {title}", _amounts(totals_of(items)))
        for item in items:
            grid.row(_cells(item))
    grid.band("Tổng cộng", _amounts(part.totals))
    sheet.y -= 3


def sections(
    items: Sequence[BillItem], form: Mapping[str, Any]
) -> list[tuple[str, str, list[BillItem]]]:
    """Sections that hold something, under the number that the form gives them."""
    places = {group: number for number, _title, groups in form["sections"] for group in groups}
    found: dict[str, list[BillItem]] = {}
    for item in items:
        place = places.get(item.group, form["other_section"])
        if item.package and item.group in {"10", "11"}:
            place = form["package_section"]
        found.setdefault(place, []).append(item)
    return [
        (number, title, found[number])
        for number, title, _groups in form["sections"]
        if number in found
    ]


def _cells(item: BillItem) -> list[str]:
    split = item.split
    name = value(item.name)
    if item.strength and item.strength not in name:
        name = f"{name} {value(item.strength)}"
    return [
        f"{name} ({item.package})" if item.package else name,
        value(item.unit),
        money_text(item.quantity),
        money_text(item.price, places=3),
        money_text(item.insured_price, places=3),
        str(item.service_ratio),
        money_text(split.amount_bv, places=2),
        str(item.insured_ratio),
        money_text(split.amount_bh, places=2),
        money_text(split.fund_pays, places=2),
        money_text(split.copay, places=2),
        money_text(split.other, places=2),
        money_text(split.self_pay, places=2),
    ]


def _amounts(sums: BillTotals) -> list[str]:
    """Under the columns from THANH_TIEN_BV on; the ratio between has none."""
    shown = [sums.t_tongchi_bv, None, sums.t_tongchi_bh, sums.t_bhtt, sums.t_bncct]
    shown += [sums.t_nguonkhac, sums.t_bntt]
    return ["" if amount is None else money_text(amount, places=2) for amount in shown]


# Sums and signatures -----------------------------------------------------------------------


def _sums(sheet: Sheet, bill: Bill) -> None:
    sums = bill.totals
    half = sheet.width * 0.5
    whole = [*_sum("Tổng chi phí lần khám bệnh, chữa bệnh:", sums.t_tongchi_bv)]
    paid = [*_sum("Người bệnh trả:", sums.patient_pays)]
    rows: list[list[Inline]] = [
        [*whole, Text(f" (viết bằng chữ: {in_words(sums.t_tongchi_bv)})", ITALIC)],
        [
            *_sum("Trong đó: Quỹ bảo hiểm y tế thanh toán:", sums.t_bhtt),
            Tab(half),
            *_sum("Nguồn khác:", sums.t_nguonkhac),
        ],
        [*paid, Text(f" (viết bằng chữ: {in_words(sums.patient_pays)})", ITALIC)],
        [
            *_sum("- Cùng chi trả trong phạm vi bảo hiểm y tế:", sums.t_bncct),
            Tab(half),
            *_sum("- Các khoản phải trả khác:", sums.t_bntt),
        ],
    ]
    blocks = [sheet.block(row, together=True) for row in rows]
    if value(bill.note):
        blocks.append(sheet.block(labelled("Ghi chú:", bill.note)))
    sheet.flow(blocks)


def _sum(label: str, amount: Decimal) -> list[Inline]:
    return [Text(f"{label} "), strong(f"{money_text(amount, places=2)} đồng")]


def _signatures(sheet: Sheet, bill: Bill, mark: PrintMark) -> None:
    sheet.need(_SIGN_HEIGHT)
    signed = bill.signature
    day = signed.at.date() if signed else None
    width = sheet.width / 4
    place = value(bill.station.commune_name) if bill.station else ""
    said = f"ngày {day:%d} tháng {day:%m} năm {day:%Y}" if day else "ngày … tháng … năm ……"
    said = f"{place}, {said}" if place else said[0].upper() + said[1:]
    top = sheet.y - 6
    sheet.text([Text(said, ITALIC)], sheet.left, top - 8, width=width, size=SIZE, align="center")
    name = "" if mark.draft else signer(signed, bill.practitioner)
    places = (
        ("NGƯỜI LẬP BẢNG KÊ", SIGN_HERE, name, confirmation(signed)),
        ("KẾ TOÁN VIỆN PHÍ", SIGN_HERE, "", ""),
        ("XÁC NHẬN CỦA NGƯỜI BỆNH", SIGN_HERE, "", ""),
        ("GIÁM ĐỊNH BẢO HIỂM Y TẾ", SIGN_HERE, "", ""),
    )
    for number, (title, words, who, how) in enumerate(places):
        x = sheet.left + number * width
        y = top - 21
        sheet.text([strong(title)], x, y, width=width, size=SIZE, align="center")
        sheet.text([Text(words, ITALIC)], x, y - 12, width=width, size=9, align="center")
        if who:
            sheet.text([strong(who)], x, y - 52, width=width, size=SIZE, align="center")
            sheet.text([Text(how, ITALIC)], x, y - 62, width=width, size=8, align="center")
    sheet.y = top - _SIGN_HEIGHT + 10
