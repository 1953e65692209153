"""The log on paper: its end for the file of the station, lines of it, and one person's report."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.audit import AuditFilter
from station_emr.domain.record import StationProfile
from station_emr.services.audit_detail_words import detail_text
from station_emr.services.audit_trail import AccessReport, HeadSheet, LogPages
from station_emr.services.audit_words import (
    action_text,
    patient_action_text,
    person_text,
    purpose_text,
    result_text,
    role_text,
    source_text,
)
from station_emr.services.ports import PrintMark
from station_emr.services.views import AuditRow

from . import qr
from .footer import Footer, page_format
from .letterhead import issuer, nation
from .sheet import A4, Block, Code, Frame, Sheet
from .table import Table, TableColumn
from .typeset import Tab, Text
from .wording import day_inlines, strong, value

_WIDE: Final = (A4[1], A4[0])
_SIDES: Final = (20 * mm, 15 * mm)
_NAMES_LONG: Final = 90.0


def head_sheet(sheet: HeadSheet) -> Sheet:
    """One page for the file of the station: what the log's end was on this day."""
    made, footer = _begin(A4, sheet.station, sheet.at, sheet.printed_by, f"NK-{sheet.head.seq}")
    _title(made, "MỐC NHẬT KÝ TRUY CẬP", sheet.at)
    facts = (
        ("Số dòng nhật ký:", f"{sheet.head.seq:,}".replace(",", ".")),
        ("Dòng đầu tiên:", _when(sheet.size.oldest)),
        ("Dòng cuối cùng:", _when(sheet.size.newest)),
        ("Đời của cơ sở dữ liệu:", sheet.head.incarnation or "đời đầu"),
    )
    made.flow(
        made.block([Text(label), Tab(170), strong(text)], rest=170, before=2)
        for label, text in facts
    )
    side = qr.side_for(sheet.head.words, 34 * mm)
    made.need(side + 20)
    made.y -= 10
    bottom = made.y - side - 8
    made.page.shapes.append(Frame(made.left, bottom, made.width, side + 8))
    made.page.shapes.append(Code(made.left + 4, bottom + 4, side, sheet.head.words))
    half = sheet.head.hash[:32], sheet.head.hash[32:]
    made.text(
        [
            Text("Mốc đầy đủ (số dòng và dấu vân SHA-256 của dòng cuối):\n"),
            strong(f"{sheet.head.seq}:\n{_grouped(half[0])}\n{_grouped(half[1])}"),
        ],
        made.left + side + 14,
        bottom + side - 10,
        width=made.width - side - 24,
        size=11,
        leading=16,
    )
    made.y = bottom - 4
    points = (
        (
            "Mỗi dòng nhật ký mang dấu vân của dòng trước. Nếu sau này có dòng bị sửa, đổi chỗ, chèn "
            "hay xóa, kể cả bởi người có khóa dữ liệu, mốc này sẽ không còn khớp."
        ),
        (
            "Cách kiểm tra: mở mục Nhật ký, chọn Kiểm tra chuỗi và nhập mốc; hoặc chạy lệnh "
            f"station-emr verify-audit --anchor {sheet.head.seq}:… với đủ 64 ký tự đọc từ mã QR."
        ),
        "Lưu phiếu này cùng hồ sơ giấy của trạm, nơi người vận hành máy tính không tự thay được.",
    )
    made.flow(made.block([Text("–"), Tab(14), Text(point)], rest=14, before=5) for point in points)
    _signatures(made, sheet.at, ("NGƯỜI IN", "GIÁM ĐỐC"))
    footer.paint(made)
    return made


def log_pages(pages: LogPages) -> Sheet:
    """Lines of the log, newest first."""
    made, footer = _begin(_WIDE, pages.station, pages.at, pages.printed_by, "NK")
    _title(made, "NHẬT KÝ TRUY CẬP HỆ THỐNG", pages.at)
    shown = min(pages.total, pages.most)
    said = asked_words(pages.asked, pages.person)
    count = f"{shown:,} dòng".replace(",", ".")
    if shown < pages.total:
        count = f"{count} mới nhất trong {pages.total:,} dòng".replace(",", ".")
    rows = tuple(pages.rows)
    told = f"Đã chọn: {said}. In {count}."
    if rows and shown < pages.total:
        told = (
            f"{told} Bản in này bắt đầu từ dòng số {rows[-1].seq}, {_when(rows[-1].at)}; những dòng "
            "trước đó có trong tệp Excel, hoặc in riêng theo khoảng ngày."
        )
    made.flow([made.block([Text(told)], size=10, before=2)])
    made.y -= 6
    table = Table(
        made,
        (
            TableColumn("Số", 6),
            TableColumn("Lúc", 13),
            TableColumn("Người", 15),
            TableColumn("Vai trò", 11),
            TableColumn("Việc", 19),
            TableColumn("Chi tiết", 26),
            TableColumn("Máy, nơi", 15),
            TableColumn("Kết quả", 8),
        ),
    )
    table.rows(
        (
            str(row.seq),
            f"{row.at:%d/%m/%Y %H:%M:%S}",
            person_text(row),
            role_text(row.role),
            action_text(row.action),
            detail_text(row),
            source_text(row),
            result_text(row),
        )
        for row in rows
    )
    footer.paint(made)
    return made


def access_report(report: AccessReport) -> Sheet:
    """What is handed to a person who asks who has seen the record."""
    made, footer = _begin(A4, report.station, report.at, report.printed_by, "NK-NB")
    _title(made, "DANH SÁCH NGƯỜI ĐÃ XEM VÀ GHI HỒ SƠ BỆNH ÁN", report.at)
    person = report.patient
    made.flow(
        [
            made.block(
                [
                    Text("Người bệnh: "),
                    strong(value(person.full_name)),
                    Text(f", sinh {person.birth.display()}, mã người bệnh {person.chart_number}."),
                ]
            ),
            made.block(
                [
                    Text(
                        "Danh sách kể mọi lần hồ sơ của Ông/Bà được mở xem, ghi, ký, in hoặc sửa "
                        "tại trạm, từ lần cũ nhất. Nhiều lần mở liền nhau của một người trong năm "
                        "phút là một lần xem. Danh sách không kể những lúc nhân viên chỉ thấy tên "
                        "trong hàng chờ hoặc trong kết quả tìm kiếm."
                    )
                ],
                size=10,
                before=4,
            ),
            _heading(made, "1. Tại trạm"),
        ]
    )
    _at_station(made, report.rows)
    made.flow([_heading(made, "2. Tại cơ sở khác, do máy chủ tỉnh báo")])
    _elsewhere(made, report)
    made.flow(
        [
            made.block(
                [
                    Text(
                        "Nếu thấy người hoặc việc không đúng, Ông/Bà có quyền đề nghị trạm giải thích "
                        "và khiếu nại theo Luật Bảo vệ dữ liệu cá nhân."
                    )
                ],
                size=10,
                before=10,
            )
        ]
    )
    _signatures(made, report.at, ("NGƯỜI NHẬN", "ĐẠI DIỆN TRẠM"))
    footer.paint(made)
    return made


def _at_station(made: Sheet, rows: tuple[AuditRow, ...]) -> None:
    if not rows:
        made.flow([made.block([Text("Chưa có lần nào được ghi.")], size=10, before=2)])
        return
    table = Table(
        made,
        (
            TableColumn("Lúc", 17),
            TableColumn("Người", 23),
            TableColumn("Vai trò", 16),
            TableColumn("Việc đã làm", 26),
            TableColumn("Để làm gì", 18),
        ),
    )
    table.rows(
        (
            f"{row.at:%H:%M ngày %d/%m/%Y}",
            person_text(row),
            role_text(row.role),
            patient_action_text(row),
            purpose_text(row),
        )
        for row in rows
    )


def _elsewhere(made: Sheet, report: AccessReport) -> None:
    told = (
        f"Theo trả lời của máy chủ tỉnh lúc {report.told_at:%H:%M ngày %d/%m/%Y}."
        if report.told_at
        else "Trạm chưa hỏi được máy chủ tỉnh, nên phần này có thể còn thiếu."
    )
    made.flow([made.block([Text(told)], size=10, before=2)])
    if not report.looks:
        if report.told_at:
            made.flow([made.block([Text("Không có cơ sở nào khác đã xem.")], size=10, before=2)])
        return
    made.y -= 4
    table = Table(
        made,
        (
            TableColumn("Lúc", 17),
            TableColumn("Cơ sở", 27),
            TableColumn("Người", 22),
            TableColumn("Vì sao được xem", 34),
        ),
    )
    table.rows(
        (
            f"{look.at.astimezone(report.at.tzinfo):%H:%M ngày %d/%m/%Y}",
            look.facility,
            look.user,
            (f"Cấp cứu: {look.reason}" if look.emergency else look.reason or "Có sự đồng ý"),
        )
        for look in report.looks
    )


def asked_words(asked: AuditFilter, person: str = "") -> str:
    """The filter as a phrase."""
    parts = []
    if person:
        parts.append(f"người {person}")
    if asked.patient_id:
        parts.append("một người bệnh")
    if asked.actions:
        parts.append("việc " + ", ".join(action_text(one) for one in asked.actions[:4]))
    if asked.since:
        parts.append(f"từ {asked.since:%d/%m/%Y}")
    if asked.until:
        parts.append(f"trước {asked.until:%d/%m/%Y}")
    if asked.result:
        parts.append(f"kết quả {asked.result.label.lower()}")
    return "; ".join(parts) or "tất cả các dòng"


def _begin(
    paper: tuple[float, float], station: StationProfile, at: datetime, by: str, look_up: str
) -> tuple[Sheet, Footer]:
    mark = PrintMark(printed_at=at, printed_by=by, copy=1)
    footer = Footer(paper, _SIDES, mark, station, look_up)
    form = page_format(paper, footer, top=16 * mm, least_bottom=16 * mm)
    made = Sheet(form, size=11.5, leading=16)
    left = made.width * 0.42
    low = issuer(made, station, left, 10.5)
    nation_low = nation(made, made.left + left, made.width - left, 10.5)
    made.y = min(low, nation_low) - 10
    return made, footer


def _title(made: Sheet, title: str, at: datetime) -> None:
    made.flow(
        [
            made.block([strong(title)], size=14, leading=20, before=12, align="center"),
            made.block(
                [Text(f"Lập lúc {at:%H:%M}, "), *day_inlines(at.date())], size=10, align="center"
            ),
        ]
    )
    made.y -= 6


def _heading(made: Sheet, text: str) -> Block:
    return made.block([strong(text)], before=10, with_next=True)


def _signatures(made: Sheet, at: datetime, titles: tuple[str, str]) -> None:
    made.need(42 * mm)
    y = made.y - 26
    half = made.width / 2
    made.text(day_inlines(at.date(), lead="Ngày"), made.left + half, y, width=half, align="center")
    for index, title in enumerate(titles):
        x = made.left + index * half
        made.text([strong(title)], x, y - 16, width=half, align="center")
        made.text([Text("(Ký, ghi rõ họ tên)")], x, y - 30, width=half, size=10, align="center")
    made.y = y - _NAMES_LONG


def _when(at: datetime | None) -> str:
    return f"{at:%H:%M:%S ngày %d/%m/%Y}" if at else "chưa có"


def _grouped(text: str) -> str:
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
