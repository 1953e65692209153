"""Registers and reports as Excel files. No cell is ever taken for a formula: what stands in a record may
have been typed by anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

import xlsxwriter

from station_emr.domain.period import PeriodKind
from station_emr.domain.register import NUMBER, cells, row_reader
from station_emr.domain.report import ChartKind, CountedTable
from station_emr.services.register_ports import RegisterView, ReportView
from station_emr.services.report_words import late_words, list_table, month_words

from .audit_workbook import harmless
from .filled_sheet import filled

_LINES: Final = "xl/worksheets/sheet1.xml"
_WIDE: Final = 1.25  # letters of a column for one part of the paper's width
_MOST_BARS: Final = 30


def register_workbook(view: RegisterView) -> bytes:
    """Three sheets: the lines, what was corrected late, and what the file is."""
    definition = view.definition
    several = view.period.kind is not PeriodKind.MONTH
    titles = [column.title for column in definition.columns]
    held = BytesIO()
    book = _book(held, f"{definition.code} {definition.name}", view)
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    text = book.add_format({"text_wrap": True, "valign": "top"})
    lines = book.add_worksheet("Sổ")
    for place, column in enumerate(definition.columns):
        lines.set_column(place, place, max(6, column.share * _WIDE), text)
        lines.write_string(0, place, harmless(column.title), head)
    if several:
        lines.set_column(len(titles), len(titles), 12, text)
        lines.write_string(0, len(titles), "Tháng", head)
    lines.freeze_panes(1, 0)
    lines.set_landscape()
    lines.repeat_rows(0)
    lines.autofilter(0, 0, max(1, view.count), len(titles) - (not several))
    _late_sheet(book, view, titles, head, text)
    _about(book, view, (month_words(part) for part in view.parts))
    book.close()
    numbers = frozenset(
        place for place, column in enumerate(definition.columns) if column.key == NUMBER
    )
    return filled(held.getvalue(), _LINES, _rows(view, several=several), below=1, numeric=numbers)


def _rows(view: RegisterView, *, several: bool) -> Iterator[tuple[str, ...]]:
    read = row_reader(view.definition.columns)
    for part in view.parts:
        month = (f"{part.month.number:02d}/{part.month.year}",) if several else ()
        for number, line in part.lines:
            yield read(str(number), line) + month


def _late_sheet(book: Any, view: RegisterView, titles: Sequence[str], head: Any, text: Any) -> None:
    sheet = book.add_worksheet("Bổ sung sau khóa sổ")
    heads = ("Tháng", "Dòng gốc", "Bổ sung, sửa", *(one for one in titles if one != titles[0]))
    for place, name in enumerate(heads):
        sheet.set_column(place, place, 40 if place == 2 else 16, text)
        sheet.write_string(0, place, harmless(name), head)
    sheet.freeze_panes(1, 0)
    for row, one in enumerate(view.late, 1):
        shown = cells(view.definition.columns, "", one.line)
        sheet.write_string(row, 0, one.month)
        if one.number:
            sheet.write_number(row, 1, one.number)
        for place, said in enumerate((late_words(one), *shown[1:]), 2):
            sheet.write_string(row, place, harmless(said), text)


def report_workbook(view: ReportView) -> bytes:
    """The table with its chart, or the cases, and what the file is."""
    held = BytesIO()
    book = _book(held, view.template.title, view)
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    text = book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet("Báo cáo")
    sheet.set_landscape()
    if view.table is not None:
        _counted(book, sheet, view.table, head, text)
    else:
        heads, rows = list_table(view)
        for place, name in enumerate(heads):
            sheet.set_column(place, place, 8 if place == 0 else 22, text)
            sheet.write_string(0, place, harmless(name), head)
        for number, row in enumerate(rows, 1):
            for place, said in enumerate(row):
                sheet.write_string(number, place, harmless(said), text)
        sheet.freeze_panes(1, 0)
    _about(book, view, view.notes)
    book.close()
    return held.getvalue()


def _counted(book: Any, sheet: Any, table: CountedTable, head: Any, text: Any) -> None:
    template = table.template
    sheet.set_column(0, 0, 46, text)
    sheet.set_column(1, len(template.columns), 13)
    for place, name in enumerate((template.row_head, *(one.title for one in template.columns))):
        sheet.write_string(0, place, harmless(name), head)
    bold = book.add_format({"bold": True, "top": 1})
    for number, row in enumerate(table.rows, 1):
        sheet.write_string(number, 0, harmless(row.title), text)
        for place, value in enumerate(row.values, 1):
            sheet.write_number(number, place, _plain(value))
    if template.total:
        last = len(table.rows) + 1
        sheet.write_string(last, 0, "Tổng số", bold)
        for place, value in enumerate(table.total, 1):
            sheet.write_number(last, place, _plain(value), bold)
    sheet.freeze_panes(1, 1)
    if template.chart is ChartKind.NONE or not table.rows:
        return
    kind = "line" if template.chart is ChartKind.LINE else "bar"
    chart = book.add_chart({"type": kind})
    shown = min(len(table.rows), _MOST_BARS)
    series = {
        "name": ["Báo cáo", 0, 1],
        "categories": ["Báo cáo", 1, 0, shown, 0],
        "values": ["Báo cáo", 1, 1, shown, 1],
    }
    chart.add_series(series)
    chart.set_title({"name": harmless(template.title)})
    chart.set_legend({"none": True})
    if kind == "bar":
        chart.set_y_axis({"reverse": True})
    sheet.insert_chart(len(table.rows) + 4, 0, chart, {"x_scale": 1.6, "y_scale": 1.4})


def _plain(value: Decimal) -> float | int:
    return int(value) if value == value.to_integral_value() else float(value)


def _book(held: BytesIO, title: str, view: RegisterView | ReportView) -> Any:
    book = xlsxwriter.Workbook(
        held,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": title, "created": view.at.replace(tzinfo=None)})
    return book


def _about(book: Any, view: RegisterView | ReportView, notes: Iterable[str]) -> None:
    sheet = book.add_worksheet("Về tệp này")
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    known = view.definition.known if isinstance(view, RegisterView) else view.template.known
    said = [
        ("Trạm", view.station.name),
        ("Mã cơ sở", view.station.code),
        ("Kỳ", view.period.label),
        ("Lập lúc", f"{view.at:%d/%m/%Y %H:%M:%S}"),
        ("Người lập", view.made_by),
    ]
    if not known:
        said.append(("Lưu ý", "Tên và đầu cột chưa đối chiếu với văn bản gốc."))
    if isinstance(view, RegisterView) and view.masked:
        said.append(("Nội dung hạn chế", f"{view.masked} lượt không ghi chẩn đoán"))
    said += [("Ghi chú", one) for one in notes]
    for place, (name, text) in enumerate(said):
        sheet.write_string(place, 0, name)
        sheet.write_string(place, 1, harmless(text))
