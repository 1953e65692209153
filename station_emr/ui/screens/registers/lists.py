"""The tables of the registers: lines, late corrections, months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from station_emr.domain.register import (
    COLUMNS,
    NUMBER,
    LateCorrection,
    RegisterColumn,
    RegisterDefinition,
    RegisterLine,
)
from station_emr.services.i18n import _
from station_emr.services.registers import MonthState
from station_emr.ui.kit import ChipSpec, Column, EmptyState, Severity, Table

_WIDTHS: Final = {
    "full_name": 170,
    "sex": 56,
    "birth": 96,
    "identity_paper": 120,
    "insurance_number": 140,
    "address": 190,
    "ethnic": 80,
    "occupation": 110,
    "symptoms": 180,
    "diagnosis": 230,
    "treatment": 260,
    "practitioner": 150,
    "note": 180,
    "visited_on": 96,
    "age": 56,
}
_DATES: Final = frozenset({"birth", "visited_on"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A line with its month and its number there."""

    month: str
    number: int
    line: RegisterLine


def lines_table(definition: RegisterDefinition, *, several: bool) -> Table[Shown]:
    """With the columns that this register has. ``several`` months: which one, first."""
    columns = [_column(one) for one in definition.columns]
    if several:
        columns.insert(0, Column(title=_("Tháng"), text=lambda row: row.month, width=80))
    return Table(
        "registers.table",
        definition.name,
        columns,
        empty=EmptyState("notebook", _("Chưa có lượt khám nào trong kỳ này")),
        dense=True,
    )


def _column(one: RegisterColumn) -> Column[Shown]:
    if one.key == NUMBER:
        return Column(
            title=one.title,
            text=lambda row: str(row.number),
            sort=lambda row: (row.month, row.number),
            numeric=True,
            width=56,
        )
    read = COLUMNS[one.key][1]
    return Column(
        title=one.title,
        text=lambda row: read(row.line),
        tip=lambda row: read(row.line),
        sort=partial(_date_key, one.key) if one.key in _DATES else None,
        strong=one.key == "full_name",
        width=_WIDTHS.get(one.key, 120),
    )


def _date_key(key: str, row: Shown) -> object:
    return row.line.birth.to_iso() if key == "birth" else row.line.arrived_at.isoformat()


def late_table() -> Table[LateCorrection]:
    return Table(
        "registers.late",
        _("Bổ sung, sửa sau khi khóa sổ"),
        [
            Column(title=_("Tháng"), text=lambda one: one.month, width=84),
            Column(
                title=_("Dòng gốc"),
                text=lambda one: str(one.number) if one.number else "",
                sort=lambda one: one.number,
                numeric=True,
                width=84,
            ),
            Column(
                title=_("Họ và tên"), text=lambda one: one.line.full_name, strong=True, width=170
            ),
            Column(
                title=_("Đã đổi gì"),
                text=lambda one: one.words,
                tip=lambda one: one.words,
                stretch=True,
            ),
            Column(title=_("Người ghi"), text=lambda one: one.by, width=150, spare=1),
            Column(
                title=_("Lúc"),
                text=lambda one: f"{one.at:%d/%m/%Y %H:%M}" if one.at else "",
                sort=lambda one: one.at.isoformat() if one.at else "",
                width=130,
            ),
            Column(
                title=_("Lý do"),
                text=lambda one: one.reason,
                tip=lambda one: one.reason,
                width=190,
                muted=True,
                spare=2,
            ),
        ],
        empty=EmptyState("check-circle", _("Không có bổ sung nào sau khi khóa sổ")),
        dense=True,
    )


def months_table(today: date) -> Table[MonthState]:
    return Table(
        "registers.months",
        _("Các tháng trong năm"),
        [
            Column(
                title=_("Tháng"),
                text=lambda one: one.month.label,
                sort=lambda one: one.month.number,
                strong=True,
                width=130,
            ),
            Column(
                title=_("Tình trạng"),
                text=lambda one: _state(one, today).text,
                chip=lambda one: _state(one, today),
                width=190,
            ),
            Column(
                title=_("Hạn nộp"),
                text=lambda one: f"{one.due:%d/%m/%Y}",
                sort=lambda one: one.due,
                width=110,
            ),
            Column(
                title=_("Số dòng"),
                text=lambda one: str(one.closing.lines) if one.closing else "",
                sort=lambda one: one.closing.lines if one.closing else -1,
                numeric=True,
                width=90,
            ),
            Column(
                title=_("Chưa ký"),
                text=lambda one: str(one.unsigned) if one.unsigned else "",
                sort=lambda one: one.unsigned,
                numeric=True,
                width=90,
            ),
            Column(title=_("Người khóa"), text=_closed_by, stretch=True, muted=True),
        ],
        empty=EmptyState("calendar", _("Năm này chưa có tháng nào")),
        dense=True,
    )


def _state(one: MonthState, today: date) -> ChipSpec:
    if one.closing is not None:
        if one.touched:
            return ChipSpec(_("Đã khóa, có bổ sung"), Severity.INFO)
        return ChipSpec(_("Đã khóa"), Severity.SUCCESS)
    if one.empty:
        return ChipSpec(_("Không có lượt khám"), Severity.NEUTRAL)
    if one.is_late(today):
        return ChipSpec(_("Quá hạn, chưa khóa"), Severity.DANGER)
    return ChipSpec(_("Chưa khóa"), Severity.WARNING)


def _closed_by(one: MonthState) -> str:
    if one.closing is None:
        return _("Đã mở lại") if one.times else ""
    at, by = one.closing.closed_at, one.closing.closed_by
    times = _("lần {times}").format(times=one.closing.times)
    return f"{by}, {at:%H:%M %d/%m/%Y}, {times}"
