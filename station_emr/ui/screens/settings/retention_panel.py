"""How long each kind of record must stay, and what has stayed long enough. Nothing is deleted."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.retention import SOURCE
from station_emr.services.i18n import _
from station_emr.services.retention import RetentionLine, RetentionReport
from station_emr.ui.kit import ChipSpec, Column, Severity, Table, label
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.tasks import Lane


class RetentionPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.retention_panel",
            _("Thời hạn lưu trữ"),
            _(
                "Theo {source}, tính từ hết năm kết thúc. Chương trình không tự xóa gì; trạm quyết "
                "định việc nộp lưu trữ."
            ).format(source=SOURCE),
        )
        self.sum = label("", "strong", wrap=True)
        self.add(self.sum)
        self.table: Table[RetentionLine] = Table(
            "settings.retention",
            _("Hồ sơ theo loại và năm kết thúc"),
            [
                Column(title=_("Loại hồ sơ"), text=lambda r: r.rule.title, stretch=True),
                Column(title=_("Năm"), text=lambda r: str(r.year), width=70, numeric=True),
                Column(title=_("Số"), text=lambda r: str(r.count), width=80, numeric=True),
                Column(
                    title=_("Giữ đến hết"),
                    text=lambda r: str(r.until) if r.until else _("vĩnh viễn"),
                    width=110,
                ),
                Column(title=_("Hiện nay"), text=_standing, chip=_chip, width=150),
            ],
        )
        self.table.setMinimumHeight(180)
        self.add(self.table)
        self.rules = label("", "muted", wrap=True)
        self.add(self.rules)
        self.body.addStretch(1)

    @override
    def load(self) -> None:
        self._session.runner.run(
            lambda: self._services.retention.report(self._actor),
            done=self._show,
            owner=self,
            lane=Lane.POOL,
        )

    @override
    def focus(self) -> QWidget:
        return self.table

    def _show(self, report: RetentionReport) -> None:
        self.table.set_rows(report.lines)
        done = report.archivable
        self.sum.setText(
            _("{count} hồ sơ đã đủ thời hạn.").format(count=done)
            if done
            else _("Chưa có hồ sơ nào đủ thời hạn lưu trữ.")
        )
        self.rules.setText(
            "\n".join(
                f"{rule.title}: "
                + (_("{years} năm").format(years=rule.years) if rule.years else _("vĩnh viễn"))
                + (f". {rule.note}" if rule.note else "")
                for rule in report.table
            )
        )


def _standing(line: RetentionLine) -> str:
    return _("Đủ thời hạn") if line.archivable else _("Còn phải giữ")


def _chip(line: RetentionLine) -> ChipSpec:
    return ChipSpec(_standing(line), Severity.INFO if line.archivable else Severity.NEUTRAL)
