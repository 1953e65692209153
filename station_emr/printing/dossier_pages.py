"""The station's file for the inspection on paper, in the layout of NĐ 30/2020."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.dossier import Part, Row, Section, Standing
from station_emr.services.dossier_level import OLD_DOSSIER, description
from station_emr.services.dossier_ports import Dossier
from station_emr.services.dossier_state import Line, state_lines
from station_emr.services.ports import PrintMark

from .footer import Footer, page_format
from .letterhead import issuer, nation
from .sheet import A4, Sheet
from .table import Table, TableColumn
from .typeset import Blank, Inline, Tab, Text
from .wording import day_inlines, strong, value

_SIDES: Final = (30 * mm, 17 * mm)
_LOOK_UP: Final = {
    Part.ASSESSMENT: "TĐG",
    Part.REGULATION: "QC",
    Part.LEVEL: "CĐ",
    Part.STATE: "TT",
}
_ROWS: Final = (
    TableColumn("Điều, mục", 15),
    TableColumn("Yêu cầu", 28),
    TableColumn("Kết quả", 16),
    TableColumn("Dữ kiện lúc lập, nhận xét", 41),
)


def assessment(dossier: Dossier) -> Sheet:
    """The two tables and what they come to."""
    made, footer = _begin(dossier, Part.ASSESSMENT)
    _title(made, "PHIẾU TỰ ĐÁNH GIÁ", "Triển khai hồ sơ bệnh án điện tử", dossier)
    _note(
        made,
        "Dòng có kết quả do chương trình ghi là dữ kiện đọc từ hệ thống đúng lúc lập phiếu. Dòng ghi "
        "“Người đứng đầu tự đánh giá” là điều chương trình không thấy được; để trống khi chưa đánh giá.",
    )
    for place, section in enumerate((Section.CIRCULAR, Section.GUIDANCE), 1):
        _heading(made, f"{place}. {section.label}")
        _table(made, dossier.of(section))
    _heading(made, "3. Tổng hợp")
    rows = dossier.of(Section.CIRCULAR, Section.GUIDANCE)
    for standing in Standing:
        count = sum(1 for row in rows if row.shown is standing)
        _fact(made, f"{standing.label}:", f"{count} trong {len(rows)} dòng", 190)
    _signatures(made, dossier, "NGƯỜI LẬP PHIẾU", "GIÁM ĐỐC")
    footer.paint(made)
    return made


def regulation(dossier: Dossier) -> Sheet:
    """The regulation as it is issued: the decision's number and day, then the articles."""
    made, footer = _begin(dossier, Part.REGULATION, body=13, leading=18)
    settings = dossier.facts.settings
    made.flow(
        [
            made.block([strong("QUY CHẾ")], size=14, leading=20, before=10, align="center"),
            made.block(
                [
                    strong(
                        "Lập, cập nhật, quản lý, lưu trữ, sử dụng hồ sơ bệnh án điện tử và bảo đảm an toàn thông tin"
                    )
                ],
                size=13.5,
                leading=18,
                align="center",
            ),
        ]
    )
    issued: list[Inline] = [Text("(Ban hành kèm theo Quyết định số ")]
    if settings.decision_no and settings.decision_on is not None:
        issued += [Text(f"{value(settings.decision_no)} "), *day_inlines(settings.decision_on)]
    else:
        issued += [Blank(70), Text(" "), *day_inlines(None)]
    issued += [Text(f" của {value(dossier.facts.station.name)})")]
    made.flow([made.block(issued, size=12, before=4, align="center")])
    for place, block in enumerate(dossier.blocks, 1):
        made.flow(
            [
                made.block(
                    [strong(f"Điều {place}. {value(block.heading)}")], before=10, with_next=True
                )
            ]
        )
        made.flow(
            made.block([Text(value(line))], first=1 * 20.0, before=3)
            for line in block.text.split("\n")
            if line.strip()
        )
    _signatures(made, dossier, "", "GIÁM ĐỐC")
    footer.paint(made)
    return made


def level(dossier: Dossier) -> Sheet:
    """The data of a file for level 2, with the rows of level 3 marked."""
    made, footer = _begin(dossier, Part.LEVEL)
    _title(made, "THUYẾT MINH CẤP ĐỘ AN TOÀN HỆ THỐNG THÔNG TIN", "Cấp độ đề xuất: 2", dossier)
    _heading(made, "1. Mô tả hệ thống")
    for label, said in description(dossier.facts):
        _fact(made, f"{label}:", said, 140)
    _heading(made, "2. Phương án bảo đảm an toàn, đối chiếu TCVN 14423:2026 cấp độ 2")
    rows = dossier.of(Section.LEVEL)
    _table(made, [row for row in rows if not row.beyond])
    _heading(made, "3. Yêu cầu thêm của cấp độ 3 (tham khảo, không bắt buộc với cấp độ 2)")
    _table(made, [row for row in rows if row.beyond])
    _heading(made, "4. Tài khoản")
    table = Table(
        made,
        (
            TableColumn("Họ tên", 30),
            TableColumn("Vai trò", 24),
            TableColumn("Tình trạng", 22),
            TableColumn("Lớp thứ hai", 12),
            TableColumn("Ngày không dùng", 12),
        ),
    )
    table.rows(
        (
            one.name,
            one.role.label,
            "nghỉ việc" if not one.active else "tạm ngừng" if one.closed else "đang dùng",
            "có" if one.second_factor else "không",
            str(one.idle_days),
        )
        for one in dossier.facts.accounts
    )
    _heading(made, "5. Đối chiếu khi nộp hồ sơ theo Nghị định 85/2016 trong thời gian chuyển tiếp")
    _note(
        made,
        "Hệ thống xây dựng trước 01/7/2026 được hoàn tất hồ sơ theo Nghị định 85 đến 01/01/2027 và phải đạt "
        "biện pháp mới trước 01/7/2027 (Nghị định 331/2026 Điều 39).",
    )
    table = Table(made, (TableColumn("Phần của hồ sơ cũ", 45), TableColumn("Nằm ở đâu", 55)))
    table.rows(OLD_DOSSIER)
    _signatures(made, dossier, "NGƯỜI LẬP", "GIÁM ĐỐC")
    footer.paint(made)
    return made


def state(dossier: Dossier) -> Sheet:
    """Backup, people, log and lists on one page."""
    made, footer = _begin(dossier, Part.STATE)
    _title(made, "TÌNH TRẠNG HỆ THỐNG HÔM NAY", "", dossier)
    for heading, lines in state_lines(dossier.facts):
        _heading(made, heading)
        _lines(made, lines)
    _signatures(made, dossier, "NGƯỜI LẬP", "GIÁM ĐỐC")
    footer.paint(made)
    return made


def _lines(made: Sheet, lines: Iterable[Line]) -> None:
    for line in lines:
        _fact(made, f"{line.label}:", f"{'(!) ' if line.warns else ''}{line.text}", 165, size=10.5)


def _table(made: Sheet, rows: Iterable[Row]) -> None:
    table = Table(made, _ROWS)
    table.rows((row.article, row.demand, _result(row), _said(row)) for row in rows)
    made.y -= 4


def _result(row: Row) -> str:
    if row.standing is Standing.OWN and row.own is not None:
        return f"{row.own.standing.label} (tự đánh giá)"
    if row.standing is Standing.OWN:
        return f"{row.standing.label}: ………………"
    return row.standing.label


def _said(row: Row) -> str:
    if row.own is None:
        return row.facts
    note = f" Nhận xét: {row.own.note}" if row.own.note else ""
    return f"{row.facts}{note} ({row.own.by}, {row.own.at:%d/%m/%Y})"


def _begin(
    dossier: Dossier, part: Part, *, body: float = 11.5, leading: float = 15.5
) -> tuple[Sheet, Footer]:
    facts = dossier.facts
    mark = PrintMark(printed_at=facts.at, printed_by=dossier.made_by, copy=1)
    look_up = f"{_LOOK_UP[part]}-{value(facts.station.code)}-{facts.at:%Y%m%d%H%M}"
    footer = Footer(A4, _SIDES, mark, facts.station, look_up)
    form = page_format(A4, footer, top=20 * mm, least_bottom=20 * mm)
    made = Sheet(form, size=body, leading=leading)
    left = made.width * 0.4
    low = issuer(made, facts.station, left, 11)
    nation_low = nation(made, made.left + left, made.width - left, 11)
    made.y = min(low, nation_low) - 8
    return made, footer


def _title(made: Sheet, title: str, under: str, dossier: Dossier) -> None:
    facts = dossier.facts
    blocks = [made.block([strong(title)], size=14, leading=20, before=10, align="center")]
    if under:
        blocks.append(made.block([strong(under)], size=12.5, align="center"))
    blocks.append(
        made.block(
            [Text(f"Lập lúc {facts.at:%H:%M}, "), *day_inlines(facts.at.date())],
            size=10.5,
            align="center",
        )
    )
    made.flow(blocks)
    made.y -= 4


def _note(made: Sheet, text: str) -> None:
    made.flow([made.block([Text(text)], size=10.5, before=4)])
    made.y -= 2


def _heading(made: Sheet, text: str) -> None:
    made.need(54)
    made.flow([made.block([strong(text)], size=12, before=8)])
    made.y -= 3


def _fact(made: Sheet, label: str, text: str, at: float, *, size: float = 11) -> None:
    made.flow(
        [made.block([Text(label), Tab(at), Text(value(text))], size=size, rest=at, before=1.5)]
    )


def _signatures(made: Sheet, dossier: Dossier, left: str, right: str) -> None:
    made.need(38 * mm)
    y = made.y - 22
    half = made.width / 2
    for index, title in enumerate((left, right)):
        if not title:
            continue
        x = made.left + index * half
        if index:
            made.text(
                day_inlines(dossier.facts.at.date(), lead="Ngày"), x, y, width=half, align="center"
            )
        made.text([strong(title)], x, y - 16, width=half, align="center")
        made.text([Text("(Ký, ghi rõ họ tên)")], x, y - 30, width=half, size=10, align="center")
    made.y = y - 90
