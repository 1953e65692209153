"""Visits of some days with their bills, and what the closed ones add up to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.birth import age_text
from station_emr.domain.money import money_text
from station_emr.domain.record import RecordStatus
from station_emr.services.billing_ports import BillRow, BillSums
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Card,
    ChipSpec,
    Column,
    EmptyState,
    SegmentedField,
    Severity,
    Table,
    hbox,
    label,
    named,
    plain_table,
    vbox,
)
from station_emr.ui.models.moments import show_moment

TODAY, WEEK, MONTH = "today", "week", "month"
_PERIODS: Final = ((TODAY, "Hôm nay"), (WEEK, "7 ngày"), (MONTH, "Tháng này"))


def state_chip(row: BillRow) -> ChipSpec:
    if row.status is None:
        return ChipSpec(_("Chưa lập"), Severity.NEUTRAL)
    if row.status is RecordStatus.DRAFT:
        return ChipSpec(_("Đang lập"), Severity.WARNING)
    if row.status is RecordStatus.VOIDED:
        return ChipSpec(_("Đã hủy"), Severity.NEUTRAL)
    return ChipSpec(
        _("Đã chốt") if row.status is RecordStatus.SIGNED else _("Đã sửa đổi"), Severity.SUCCESS
    )


def period(key: object, today: date) -> tuple[date, date]:
    """First and last day of a choice."""
    if key == WEEK:
        return today - timedelta(days=6), today
    return (today.replace(day=1), today) if key == MONTH else (today, today)


class BillList(QWidget):
    """``opened(row)`` follows Enter; ``period_changed`` another choice of days."""

    opened = Signal(object)
    period_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._now: datetime | None = None
        self.days = SegmentedField([(key, _(text)) for key, text in _PERIODS])
        for place, button in enumerate(self.days.buttons):
            named(button, f"billing.days.{place}")
        self.days.set_spoken(_("Khoảng ngày"))
        self.days.set_value(TODAY)
        self.count = label("", "muted")
        self.sums = label("", "strong", wrap=True)
        self.table: Table[BillRow] = Table(
            "billing.visits",
            _("Lượt khám và bảng kê"),
            self._columns(),
            empty=EmptyState(
                "receipt",
                _("Không có lượt khám trong những ngày này"),
                _("Chọn khoảng ngày khác, hoặc tiếp đón người bệnh ở Hôm nay (F2)."),
            ),
        )
        card = Card(margin=1)
        card.add(plain_table(self.table), 1)
        column = vbox(hbox(self.days, None, self.count), card, self.sums, parent=self)
        column.setStretch(1, 1)
        self.table.opened.connect(self.opened)
        self.days.changed.connect(self.period_changed)

    def _columns(self) -> list[Column[BillRow]]:
        def money(title: str, read: str, spare: int = 0) -> Column[BillRow]:
            return Column(
                title=title,
                text=lambda r: money_text(getattr(r, read)) if r.bill_id else "",
                sort=lambda r: getattr(r, read),
                width=112,
                numeric=True,
                spare=spare,
            )

        return [
            Column(
                title=_("Đến lúc"),
                text=lambda r: show_moment(r.arrived_at),
                sort=lambda r: r.arrived_at,
                width=136,
                spare=4,
            ),
            Column(title=_("Người bệnh"), text=self._person, width=220, stretch=True, strong=True),
            Column(title=_("Thẻ BHYT"), text=lambda r: r.card or "—", width=162, spare=2),
            Column(title=_("Số bảng kê"), text=lambda r: r.number or "—", width=150, spare=1),
            money(_("Tổng chi phí"), "amount"),
            money(_("Quỹ BHYT trả"), "fund", spare=3),
            money(_("Người bệnh trả"), "patient_pays"),
            Column(
                title=_("Bảng kê"),
                text=lambda r: state_chip(r).text,
                chip=state_chip,
                width=110,
            ),
        ]

    def _person(self, row: BillRow) -> str:
        day = (self._now or row.arrived_at).date()
        return f"{row.full_name}, {age_text(row.birth, day)}"

    def set_rows(self, rows: Sequence[BillRow], sums: BillSums, now: datetime) -> None:
        self._now = now
        self.table.set_rows(rows)
        if self.table.current() is None:
            self.table.choose_first()
        waiting = sum(row.status in {None, RecordStatus.DRAFT} for row in rows)
        said = _("{count} lượt khám").format(count=len(rows))
        if waiting:
            said += " · " + _("{count} chưa chốt").format(count=waiting)
        self.count.setText(said)
        self.sums.setText(
            _(
                "Đã chốt {count} bảng kê: tổng {amount}, quỹ BHYT {fund}, cùng chi trả {copay}, "
                "tự trả {alone}, nguồn khác {other} đồng."
            ).format(
                count=sums.count,
                amount=money_text(sums.amount),
                fund=money_text(sums.fund),
                copay=money_text(sums.copay),
                alone=money_text(sums.self_pay),
                other=money_text(sums.other),
            )
        )
