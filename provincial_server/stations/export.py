"""The overview as an Excel file: the same figures, numbers as numbers and days as days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any

import xlsxwriter

from provincial_server.dates import VIETNAM
from provincial_server.stations.figures import Figures, Station

_COLUMNS = (
    ("Mã trạm", 14),
    ("Tên trạm", 38),
    ("Đang dùng", 11),
    ("Liên lạc gần nhất", 18),
    ("Chưa gửi", 10),
    ("Cũ nhất", 18),
    ("Bị từ chối", 10),
    ("Chưa đọc được", 13),
    ("Chờ đối chiếu", 13),
    ("Lệch giờ (giây)", 14),
    ("Chương trình", 20),
    ("Danh mục", 16),
    ("Lượt khám 14 ngày", 17),
    ("Ngày không liên lạc", 18),
    ("Thư chuyển tuyến", 16),
    ("Đã tiếp nhận", 12),
    ("Đã phản hồi", 12),
    ("Chờ tiếp nhận (giờ)", 18),
    ("Chờ phản hồi (giờ)", 18),
    ("Cần gọi vì", 44),
)


def export(figures: Figures) -> bytes:
    """One workbook. Rows go to the disk as they are written, so its size costs no memory."""
    held = BytesIO()
    book = xlsxwriter.Workbook(
        held,
        {
            "constant_memory": True,
            "default_date_format": "dd/mm/yyyy",
        },
    )
    book.set_properties({"title": "Tổng quan các trạm y tế", "created": _local(figures.now)})
    _Sheets(book, figures).write()
    book.close()
    return held.getvalue()


class _Sheets:
    """The sheets of one workbook. In this mode rows must be written from the top down. Every cell is
    written by its kind, so a name that begins with "=" stays a name."""

    def __init__(self, book: Any, figures: Figures) -> None:
        self._book = book
        self._figures = figures
        self._head = book.add_format(
            {"bold": True, "bg_color": "#E6F0EE", "text_wrap": True, "valign": "vcenter"}
        )
        self._moment = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        self._day = book.add_format({"num_format": "dd/mm/yyyy"})
        self._hours = book.add_format({"num_format": "0.0"})

    def write(self) -> None:
        self._write_summary()
        self._write_stations("Theo trạm", self._figures.stations)
        self._write_days()
        self._write_weeks()
        self._write_stations("Cần gọi", self._figures.to_call)

    def _sheet(self, name: str, columns: Sequence[tuple[str, int]]) -> Any:
        sheet = self._book.add_worksheet(name)
        for place, (_, width) in enumerate(columns):
            sheet.set_column(place, place, width)
        sheet.freeze_panes(1, 0)
        for place, (title, _) in enumerate(columns):
            sheet.write_string(0, place, title, self._head)
        return sheet

    def _write_summary(self) -> None:
        figures = self._figures
        sheet = self._sheet("Tổng quan", (("Chỉ số", 44), ("Giá trị", 20)))
        sheet.write_string(1, 0, "Lúc xuất")
        sheet.write_datetime(1, 1, _local(figures.now), self._moment)
        rows = (
            ("Trạm theo kế hoạch", figures.plan.planned),
            (f"Trạm đang dùng ({figures.plan.live_days} ngày qua)", figures.live),
            ("Trạm đã khai báo", len(figures.stations)),
            ("Trạm cần gọi", len(figures.to_call)),
            ("Lượt khám 14 ngày", sum(figures.visits_by_day)),
            ("Hồ sơ chưa gửi", sum(one.waiting for one in figures.stations)),
            ("Hồ sơ bị từ chối, chưa đọc được", sum(one.rejected for one in figures.stations)),
        )
        for place, (title, value) in enumerate(rows, 2):
            sheet.write_string(place, 0, title)
            sheet.write_number(place, 1, value)

    def _write_stations(self, name: str, stations: Sequence[Station]) -> None:
        sheet = self._sheet(name, _COLUMNS)
        for row, one in enumerate(stations, 1):
            self._write_station(sheet, row, one)
        sheet.autofilter(0, 0, max(len(stations), 1), len(_COLUMNS) - 1)

    def _write_station(self, sheet: Any, row: int, one: Station) -> None:
        sheet.write_string(row, 0, one.code)
        sheet.write_string(row, 1, one.name)
        sheet.write_string(row, 2, "có" if one.is_live else "chưa")
        self._write_moment(sheet, row, 3, one.last_contact)
        sheet.write_number(row, 4, one.waiting)
        self._write_moment(sheet, row, 5, one.oldest)
        sheet.write_number(row, 6, one.refused)
        sheet.write_number(row, 7, one.skipped)
        sheet.write_number(row, 8, one.conflicts)
        if one.skew is not None:
            sheet.write_number(row, 9, one.skew)
        sheet.write_string(row, 10, one.program)
        sheet.write_string(row, 11, one.catalog)
        sheet.write_number(row, 12, one.visits)
        sheet.write_number(row, 13, one.days_away)
        turn = one.turnaround
        for place, value in enumerate((turn.sent, turn.accepted, turn.answered), 14):
            sheet.write_number(row, place, value)
        for place, minutes in enumerate((turn.to_accept, turn.to_feedback), 17):
            if minutes is not None:
                sheet.write_number(row, place, minutes / 60, self._hours)
        sheet.write_string(row, 19, "; ".join(one.reasons))

    def _write_moment(self, sheet: Any, row: int, place: int, moment: int | None) -> None:
        if moment is not None:
            sheet.write_datetime(row, place, _local(moment), self._moment)

    def _write_days(self) -> None:
        columns = (("Mã trạm", 14), ("Tên trạm", 38), ("Ngày", 12), ("Lượt khám", 11))
        sheet = self._sheet("Theo ngày", columns)
        row = 0
        for one in self._figures.stations:
            for label, count in zip(self._figures.day_labels, one.days, strict=True):
                row += 1
                sheet.write_string(row, 0, one.code)
                sheet.write_string(row, 1, one.name)
                sheet.write_datetime(row, 2, date.fromisoformat(label), self._day)
                sheet.write_number(row, 3, count)

    def _write_weeks(self) -> None:
        columns = (("Tuần từ ngày", 14), ("Trạm đang dùng", 16), ("Kế hoạch", 10))
        sheet = self._sheet("Theo tuần", columns)
        for row, (start, live) in enumerate(self._figures.weeks, 1):
            sheet.write_datetime(row, 0, date.fromisoformat(start), self._day)
            sheet.write_number(row, 1, live)
            sheet.write_number(row, 2, self._figures.plan.planned)


def _local(moment: int) -> datetime:
    """Excel knows no time zones: the wall clock in Vietnam."""
    found = datetime.fromtimestamp(moment / 1000, VIETNAM)
    return found.replace(microsecond=0, tzinfo=None)
