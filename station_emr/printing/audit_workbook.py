"""The log as an Excel file. Rows go to the disk as they are written, so a million cost no memory."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

import xlsxwriter

from station_emr.services.audit_detail_words import detail_text
from station_emr.services.audit_trail import LogPages
from station_emr.services.audit_words import (
    action_text,
    person_text,
    purpose_text,
    result_text,
    role_text,
    source_text,
)
from station_emr.services.views import AuditRow

from .audit_pages import asked_words

_COLUMNS: Final = (
    ("Số", 9),
    ("Lúc", 20),
    ("Người", 26),
    ("Tài khoản", 14),
    ("Vai trò", 18),
    ("Việc", 34),
    ("Chi tiết", 60),
    ("Máy, nơi", 28),
    ("Để làm gì", 22),
    ("Kết quả", 14),
    ("Mã người bệnh trong máy", 38),
    ("Mã hồ sơ trong máy", 38),
    ("Dấu vân của dòng", 66),
    ("Lệch giờ máy chủ (giây)", 14),
)
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula, also when it is saved as CSV and opened again:
    what stands in a log may have been typed by anybody.
    """
    cleaned = "".join(letter for letter in text if letter >= " " or letter in "\t\n")
    return (
        f"'{cleaned}"
        if cleaned.lstrip().startswith(FORMULA) or cleaned[:1] in {"\t", "\n"}
        else cleaned
    )


def workbook(pages: LogPages) -> bytes:
    """Two sheets: the lines, and what was asked for."""
    held = BytesIO()
    book = xlsxwriter.Workbook(
        held,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "dd/mm/yyyy hh:mm:ss",
        },
    )
    book.set_properties({"title": "Nhật ký truy cập", "created": pages.at.replace(tzinfo=None)})
    bold = book.add_format({"bold": True, "bottom": 1})
    _lines(book.add_worksheet("Nhật ký"), pages, bold)
    about = book.add_worksheet("Về tệp này")
    about.set_column(0, 0, 24)
    about.set_column(1, 1, 70)
    said = (
        ("Trạm", pages.station.name),
        ("Mã cơ sở", pages.station.code),
        ("Lập lúc", f"{pages.at:%d/%m/%Y %H:%M:%S}"),
        ("Người lập", pages.printed_by),
        ("Đã chọn", asked_words(pages.asked, pages.person)),
        ("Số dòng khớp", str(pages.total)),
        ("Số dòng trong tệp", str(min(pages.total, pages.most))),
    )
    for place, (name, text) in enumerate(said):
        about.write_string(place, 0, name)
        about.write_string(place, 1, harmless(text))
    book.close()
    return held.getvalue()


def _lines(sheet: Any, pages: LogPages, bold: Any) -> None:
    for place, (title, width) in enumerate(_COLUMNS):
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, title, bold)
    sheet.freeze_panes(1, 0)
    count = 0
    for count, row in enumerate(pages.rows, 1):  # the last number is used below
        sheet.write_number(count, 0, row.seq)
        sheet.write_datetime(count, 1, row.at.replace(tzinfo=None))
        for place, text in enumerate(_texts(row), 2):
            sheet.write_string(count, place, harmless(text))
        if row.skew is not None:
            sheet.write_number(count, len(_COLUMNS) - 1, row.skew)
    sheet.autofilter(0, 0, count, len(_COLUMNS) - 1)


def _texts(row: AuditRow) -> Sequence[str]:
    return (
        person_text(row),
        row.account,
        role_text(row.role),
        action_text(row.action),
        detail_text(row),
        source_text(row),
        purpose_text(row),
        result_text(row),
        row.patient_id,
        row.record_id,
        row.hash,
    )
