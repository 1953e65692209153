"""The table of a report: its columns are those of the template."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from station_emr.domain.report import CountedRow, CountedTable, number_text
from station_emr.domain.report_lists import ReferralSummary, hours_text
from station_emr.services.i18n import _
from station_emr.ui.kit import Column, EmptyState, Table
from station_emr.ui.kit.bar_chart import ChartBar


def counted_table(table: CountedTable) -> Table[CountedRow]:
    template = table.template
    head: Column[CountedRow] = Column(
        title=template.row_head,
        text=lambda row: row.title,
        tip=lambda row: row.title,
        strong=True,
        width=330,
    )
    made: Table[CountedRow] = Table(
        "reports.table",
        template.title,
        [head, *(_number(one.title, place) for place, one in enumerate(template.columns))],
        empty=EmptyState("chart-bar", _("Không có lượt khám nào trong kỳ này")),
        dense=True,
    )
    rows = list(table.rows)
    if template.total and rows:
        rows.append(CountedRow(title=_("Tổng số"), values=table.total))
    made.set_rows(rows)
    return made


def _number(title: str, place: int) -> Column[CountedRow]:
    return Column(
        title=title,
        text=lambda row: number_text(row.values[place]),
        sort=lambda row: row.values[place],
        numeric=True,
        width=max(84, 9 * len(title)),
    )


_WIDTHS: Final = {
    "STT": 56,
    "Tuổi": 60,
    "Mã ICD-10": 96,
    "Chẩn đoán lúc": 138,
    "Ký lúc": 138,
    "Hạn báo": 200,
    "Đã báo lúc": 210,
    "Địa chỉ": 230,
    "Lý do": 240,
    "Chẩn đoán": 240,
}


def text_table(
    name: str, heads: Sequence[str], rows: Sequence[tuple[str, ...]]
) -> Table[tuple[str, ...]]:
    """Cases as they are printed."""
    made: Table[tuple[str, ...]] = Table(
        "reports.table",
        name,
        [_words(head, place) for place, head in enumerate(heads)],
        empty=EmptyState("check-circle", _("Không có ca nào trong kỳ này")),
        dense=True,
    )
    made.set_rows(rows)
    return made


def _words(head: str, place: int) -> Column[tuple[str, ...]]:
    return Column(
        title=head,
        text=lambda row: row[place],
        tip=lambda row: row[place],
        sort=(lambda row: int(row[0])) if place == 0 else None,
        numeric=place == 0,
        width=_WIDTHS.get(head, 160),
    )


def bars_of(table: CountedTable) -> list[ChartBar]:
    """The first column of a report as bars."""
    return [
        ChartBar(row.title, float(row.values[0]), number_text(row.values[0])) for row in table.rows
    ]


def bars_of_reasons(summary: Sequence[ReferralSummary]) -> list[ChartBar]:
    """Letters by reason, with how long the answer took."""
    bars = []
    for one in summary[:-1]:
        shown = number_text(Decimal(one.letters))
        if one.answer_after is not None:
            shown += _(", trả lời sau {time}").format(time=hours_text(one.answer_after))
        bars.append(ChartBar(one.title, float(one.letters), shown))
    return bars
