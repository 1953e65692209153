"""Reports on paper in the layout of NĐ 30/2020, with their chart in greys that any printer can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.report import ChartKind, CountedTable, number_text
from station_emr.domain.report_lists import hours_text
from station_emr.services.ports import PrintMark
from station_emr.services.register_ports import ReportView
from station_emr.services.report_words import list_table

from .dense_table import DenseTable
from .fonts import REGULAR, face
from .footer import Footer, page_format
from .letterhead import issuer, nation
from .sheet import A4, Bar, Rule, Sheet
from .table import TableColumn
from .typeset import Text
from .wording import day_inlines, strong

_WIDE: Final = (A4[1], A4[0])
_SIDES: Final = (30 * mm, 15 * mm)
_WIDE_SIDES: Final = (20 * mm, 15 * mm)
_MOST_ACROSS: Final = 7
_MOST_BARS: Final = 12
_BAR: Final = 15.0
_NAMES: Final = 78.0


def report_pages(view: ReportView) -> Sheet:
    """One report of one period."""
    table = view.table
    wide = table is None or len(table.template.columns) > _MOST_ACROSS
    made, footer = _begun(view, wide=wide)
    _title(made, view)
    if table is not None:
        _chart(made, table)
        _table(made, table)
    elif view.summary:
        _summary(made, view)
        _list(made, view)
    else:
        _list(made, view)
    _signed(made)
    footer.paint(made)
    return made


def _begun(view: ReportView, *, wide: bool) -> tuple[Sheet, Footer]:
    paper, sides = (_WIDE, _WIDE_SIDES) if wide else (A4, _SIDES)
    mark = PrintMark(printed_at=view.at, printed_by=view.made_by, copy=1)
    look_up = f"BC-{view.template.key}-{view.period.key}"
    footer = Footer(paper, sides, mark, view.station, look_up)
    form = page_format(paper, footer, top=20 * mm, least_bottom=20 * mm)
    made = Sheet(form, size=12, leading=16)
    left = made.width * 0.42
    low = issuer(made, view.station, left, 11)
    nation_low = nation(made, made.left + left, made.width - left, 11)
    made.y = min(low, nation_low) - 18
    made.text([Text("Số: ……/BC-TYT")], made.left, made.y, width=left, size=12, align="center")
    day = view.at.date()
    place = made.left + left
    made.text(day_inlines(day, lead="Ngày"), place, made.y, width=made.width - left, align="center")
    made.y -= 6
    return made, footer


def _title(made: Sheet, view: ReportView) -> None:
    template = view.template
    last = view.period.last_day
    spans = f"Từ 0h00 ngày {view.period.first_day:%d/%m/%Y} đến 24h00 ngày {last:%d/%m/%Y}"
    blocks = [made.block([strong("BÁO CÁO")], size=14, leading=19, before=14, align="center")]
    if template.number:
        blocks.append(made.block([strong(template.number)], size=12, align="center"))
    blocks += [
        made.block([strong(template.title)], size=13, leading=17, align="center"),
        made.block([Text(f"{view.period.label}. {spans}")], size=11, leading=15, align="center"),
    ]
    blocks += [made.block([Text(note)], size=9.5, leading=12, before=3) for note in view.notes]
    made.flow(blocks)
    made.y -= 8


def _table(made: Sheet, table: CountedTable) -> None:
    template = table.template
    if not table.rows:
        made.flow([made.block([Text("Không có lượt khám nào trong kỳ này.")], before=4)])
        return
    across = len(template.columns)
    columns = (
        TableColumn(template.row_head, max(30.0, 100 - 9 * across)),
        *(TableColumn(one.title, 9) for one in template.columns),
    )
    size = 9.0 if across <= _MOST_ACROSS else 7.6
    figures = frozenset(range(1, across + 1))
    put = DenseTable(made, columns, size=size, leading=size * 1.25, numeric=figures)
    put.rows((row.title, *map(number_text, row.values)) for row in table.rows)
    if template.total:
        put.rows([("Tổng số", *map(number_text, table.total))])
    if table.left_out:
        put.wide(f"Còn {table.left_out} dòng ít hơn không ghi ở đây.")


def _chart(made: Sheet, table: CountedTable) -> None:
    """The first column as bars with their numbers: nothing hangs on a colour."""
    if table.template.chart is ChartKind.NONE or not table.rows:
        return
    shown = _shown(table)
    names = made.width * 0.38
    most = max((value for _title, value in shown), default=0.0) or 1.0
    room = made.width - names - 48
    made.need(len(shown) * _BAR + 26)
    head = f"{table.template.columns[0].title}, theo {table.template.row_head.lower()}"
    made.flow([made.block([strong(head)], size=10, leading=13)])
    made.y -= 3
    top = made.y
    for text, value in shown:
        y = made.y - _BAR + 3
        made.word(_fitting(text, names - 8, 8.6), made.left, y + 2, size=8.6)
        long = room * value / most
        made.page.shapes.append(Bar(made.left + names, y, max(long, 0.4), _BAR - 5))
        made.word(number_text_of(value), made.left + names + long + 4, y + 2, size=8.6)
        made.y -= _BAR
    made.page.shapes.append(Rule(made.left + names, top, made.left + names, made.y, 0.6))
    made.y -= 12


def number_text_of(value: float) -> str:
    return f"{value:,.0f}".replace(",", ".")


def _shown(table: CountedTable) -> Sequence[tuple[str, float]]:
    rows = [(row.title, float(row.values[0])) for row in table.rows]
    if table.template.chart is ChartKind.LINE or len(rows) <= _MOST_BARS:
        return rows[:40]
    largest = sorted(rows, key=lambda row: -row[1])[:_MOST_BARS]
    return [row for row in rows if row in largest][:_MOST_BARS]


def _fitting(text: str, width: float, size: float) -> str:
    """The beginning of a text that fits on one line; the table below has all of it."""
    if face(REGULAR).width(text, size) <= width:
        return text
    while text and face(REGULAR).width(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _summary(made: Sheet, view: ReportView) -> None:
    heads = ("Lý do chuyển", "Phiếu", "Có trả lời", "Từ chối", "Có phản hồi")
    shares = (40.0, 8, 9, 8, 10, 13, 13)
    titles = (*heads, "Trả lời sau (trung vị)", "Phản hồi sau (trung vị)")
    columns = tuple(TableColumn(one, share) for one, share in zip(titles, shares, strict=True))
    put = DenseTable(made, columns, size=9, leading=11.5, numbered=False)
    put.rows(
        (
            one.title,
            str(one.letters),
            str(one.answered),
            str(one.rejected),
            str(one.completed),
            hours_text(one.answer_after),
            hours_text(one.completed_after),
        )
        for one in view.summary
    )
    made.y -= 14


def _list(made: Sheet, view: ReportView) -> None:
    heads, rows = list_table(view)
    if not rows:
        made.flow([made.block([Text("Không có ca nào trong kỳ này.")], before=4)])
        return
    shares = (4.0, *(12.0 for _ in heads[1:]))
    columns = tuple(TableColumn(one, share) for one, share in zip(heads, shares, strict=True))
    DenseTable(made, columns, size=8, leading=10, numbered=False).rows(rows)


def _signed(made: Sheet) -> None:
    made.need(_NAMES + 62)
    y, half = made.y - 24, made.width / 2
    for index, text in enumerate(("NGƯỜI LẬP BÁO CÁO", "GIÁM ĐỐC")):
        x = made.left + index * half
        made.text([strong(text)], x, y, width=half, align="center")
        made.text([Text("(Ký, ghi rõ họ tên)")], x, y - 14, width=half, size=10, align="center")
    made.y = y - _NAMES
