"""Registers on paper: A4 across, the columns of the annex, month by month, corrections beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.period import PeriodKind
from station_emr.domain.register import LateCorrection, RegisterDefinition, cells, row_reader
from station_emr.services.ports import PrintMark
from station_emr.services.register_ports import RegisterView
from station_emr.services.report_words import late_words, month_words

from .dense_table import DenseTable
from .footer import Footer, page_format
from .letterhead import issuer, nation
from .sheet import A4, Sheet
from .table import TableColumn
from .typeset import Text
from .wording import day_inlines, strong

_WIDE: Final = (A4[1], A4[0])
_SIDES: Final = (20 * mm, 12 * mm)
_NAMES: Final = 78.0


def register_pages(view: RegisterView) -> Sheet:
    """The register of a period."""
    made, footer = begun(view, _WIDE, _SIDES, f"SO-{view.definition.code}-{view.period.key}")
    title(made, view.definition.name, f"({view.definition.code})  {view.period.label}")
    _about(made, view)
    table = DenseTable(made, tuple(_columns(view.definition)))
    read = row_reader(view.definition.columns)
    several = view.period.kind is not PeriodKind.MONTH
    for part in view.parts:
        if several:
            table.wide(month_words(part), heavy=True)
        table.rows(read(str(number), line) for number, line in part.lines)
        _late(table, view, part.late)
    signatures(made, view, ("NGƯỜI LẬP SỔ", "GIÁM ĐỐC"))
    footer.paint(made)
    return made


def begun(
    view: RegisterView, paper: tuple[float, float], sides: tuple[float, float], look_up: str
) -> tuple[Sheet, Footer]:
    """The first page with its letterhead (NĐ 30/2020)."""
    mark = PrintMark(printed_at=view.at, printed_by=view.made_by, copy=1)
    footer = Footer(paper, sides, mark, view.station, look_up)
    made = Sheet(page_format(paper, footer, top=14 * mm, least_bottom=14 * mm), size=11, leading=15)
    half = made.width * 0.44
    low = issuer(made, view.station, half, 11)
    nation_low = nation(made, made.left + half, made.width - half, 11)
    made.y = min(low, nation_low) - 8
    return made, footer


def title(made: Sheet, main: str, below: str) -> None:
    made.flow(
        [
            made.block([strong(main.upper())], size=14, leading=19, before=8, align="center"),
            made.block([strong(below)], size=11.5, leading=15, align="center"),
        ]
    )
    made.y -= 4


def signatures(made: Sheet, view: RegisterView, titles: tuple[str, str]) -> None:
    """Two places to sign, on one page with each other."""
    made.need(_NAMES + 62)
    y, half = made.y - 24, made.width / 2
    made.text(
        day_inlines(view.at.date(), lead="Ngày"), made.left + half, y, width=half, align="center"
    )
    for index, text in enumerate(titles):
        x = made.left + index * half
        made.text([strong(text)], x, y - 16, width=half, align="center")
        made.text([Text("(Ký, ghi rõ họ tên)")], x, y - 30, width=half, size=10, align="center")
    made.y = y - _NAMES


def _about(made: Sheet, view: RegisterView) -> None:
    months = [part for part in view.parts if part.closing is None]
    said = [f"{view.count} lượt khám."]
    if view.period.kind is PeriodKind.MONTH:
        said = [month_words(part) for part in view.parts] or ["Chưa có lượt khám."]
    elif months:
        said.append(f"Chưa khóa sổ: {', '.join(part.month.label.lower() for part in months)}.")
    if view.late:
        said.append(
            f"{len(view.late)} dòng bổ sung, sửa sau khi khóa sổ ghi riêng cuối từng tháng."
        )
    if view.masked:
        said.append(f"{view.masked} lượt có nội dung hạn chế không ghi chẩn đoán.")
    if not view.definition.known:
        said.append("Tên sổ và đầu cột chưa đối chiếu với văn bản gốc.")
    if view.definition.remark:
        said.append(view.definition.remark)
    made.flow([made.block([Text(" ".join(said))], size=9, leading=11.5)])
    made.y -= 5


def _columns(definition: RegisterDefinition) -> Iterator[TableColumn]:
    for one in definition.columns:
        yield TableColumn(one.title, one.share)


def _late(table: DenseTable, view: RegisterView, late: Iterable[LateCorrection]) -> None:
    told = list(late)
    if not told:
        return
    table.wide("Bổ sung, sửa sau khi khóa sổ", heavy=True)
    for one in told:
        table.wide(late_words(one))
        number = str(one.number) if one.number else "+"
        table.rows([cells(view.definition.columns, number, one.line)])
