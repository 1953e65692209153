"""The list of cases: what is late, what waits, what was told."""

from __future__ import annotations

from datetime import datetime, timedelta

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.services.i18n import _
from station_emr.services.notifications import NoticeRow
from station_emr.ui.kit import (
    GAP_M,
    Card,
    ChipSpec,
    Column,
    EmptyState,
    Severity,
    Table,
    named,
    plain_table,
)
from station_emr.ui.models.moments import show_moment, show_when

_SOON = timedelta(hours=6)


def time_words(left: timedelta) -> str:
    """``còn 3 giờ 20 phút`` or ``quá hạn 2 giờ``."""
    minutes = int(abs(left).total_seconds() // 60)
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        told = _("{n} ngày").format(n=hours // 24)
    elif hours and rest:
        told = _("{h} giờ {m} phút").format(h=hours, m=rest)
    else:
        told = _("{h} giờ").format(h=hours) if hours else _("{m} phút").format(m=rest)
    words = _("quá hạn {time}") if left < timedelta(0) else _("còn {time}")
    return words.format(time=told)


def clock_chip(row: NoticeRow, now: datetime) -> ChipSpec:
    """The clock of one case, in words and with a sign, never by colour alone."""
    left = row.left(now)
    if left is None:
        if row.was_late:
            return ChipSpec(_("Đã báo, trễ hạn"), Severity.WARNING)
        return ChipSpec(_("Đã báo"), Severity.SUCCESS)
    words = time_words(left)
    text = words[:1].upper() + words[1:]
    if left < timedelta(0):
        return ChipSpec(text, Severity.DANGER)
    return ChipSpec(text, Severity.WARNING if left < _SOON else Severity.INFO, icon="clock")


def paper_text(row: NoticeRow) -> str:
    if not row.notification_id:
        return _("Chưa lập phiếu")
    return row.number or _("Nháp")


class ListPage(QWidget):
    """``opened(NoticeRow)`` follows Enter or a double click."""

    opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        named(self, "notices.list")
        self._now: datetime | None = None
        self.empty = EmptyState(
            "check-circle",
            _("Không có ca bệnh truyền nhiễm nào phải báo"),
            _("Khi một chẩn đoán trong danh mục được ghi, ca bệnh hiện ở đây cùng hạn báo."),
        )
        self.table: Table[NoticeRow] = Table(
            "notices.table",
            _("Ca bệnh truyền nhiễm"),
            [
                Column(
                    title=_("Hạn báo"),
                    text=lambda r: clock_chip(r, self._now or r.due_at).text,
                    chip=lambda r: clock_chip(r, self._now or r.due_at),
                    sort=lambda r: (r.reported_at is not None, r.due_at),
                    width=190,
                ),
                Column(
                    title=_("Người bệnh"),
                    text=lambda r: r.patient_name,
                    tip=lambda r: r.patient_name,
                    width=210,
                    strong=True,
                ),
                Column(
                    title=_("Bệnh"),
                    text=lambda r: f"{r.disease} ({r.icd_code})" if r.icd_code else r.disease,
                    tip=lambda r: r.disease,
                    stretch=True,
                ),
                Column(
                    title=_("Phát hiện"),
                    text=lambda r: show_when(r.detected_at, self._now or r.detected_at),
                    sort=lambda r: r.detected_at,
                    width=150,
                    spare=2,
                ),
                Column(title=_("Phiếu báo"), text=paper_text, width=160),
                Column(
                    title=_("Đã báo"),
                    text=lambda r: show_moment(r.reported_at) if r.reported_at else "",
                    tip=lambda r: r.reported_to,
                    width=140,
                    spare=1,
                ),
            ],
            empty=self.empty,
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP_M)
        card = Card(margin=1)
        card.add(plain_table(self.table), 1)
        column.addWidget(card, 1)
        self.table.opened.connect(self.opened)

    def show_rows(self, rows: tuple[NoticeRow, ...], now: datetime) -> None:
        self._now = now
        self.table.set_rows(rows)
        if rows and self.table.current() is None:
            self.table.choose_first()
