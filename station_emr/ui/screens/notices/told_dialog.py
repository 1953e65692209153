"""Writing down that the superior was told: by which way, whom, when."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.notification import ReportWay
from station_emr.services.i18n import _
from station_emr.ui.kit import ButtonKind, ChoiceField, Form, LineField, Option, named
from station_emr.ui.kit.dialogs import Box
from station_emr.ui.kit.text_fields import ParsedField
from station_emr.ui.models.moments import parse_moment, show_moment


class ToldDialog(Box):
    """Nothing is written before all that is asked for is there."""

    def __init__(self, parent: QWidget, who: str, now: datetime) -> None:
        super().__init__(
            parent,
            _("Ghi đã báo"),
            _(
                "{who}. Báo qua hệ thống trực tuyến; khi mất mạng thì báo bằng điện thoại hoặc văn "
                "bản rồi nhập bù."
            ).format(who=who),
        )
        self.setMinimumWidth(560)
        self.form = Form("told")
        named(self.form, "told.form")
        self.way = ChoiceField([Option(one, _(one.label)) for one in ReportWay])
        self.at: ParsedField[datetime] = ParsedField(
            lambda text: parse_moment(text, now),
            show_moment,
            refusal=_("Ghi giờ, ví dụ 8h25 hoặc 8h25 22/11"),
        )
        self.to = LineField(placeholder=_("Ví dụ: cơ quan kiểm soát bệnh tật của tỉnh"))
        self.form.add_row(
            ("way", _("&Báo bằng"), self.way),
            ("at", _("&Lúc"), self.at),
            required=("way", "at"),
        )
        self.form.add("to", _("&Nơi nhận báo"), self.to, required=True)
        self.form.add("receipt", _("Người nhận &tin, mã hồ sơ (nếu có)"), LineField())
        self.content.addWidget(self.form)
        self.at.set_value(now)
        self.add_button(_("Quay lại"), "dialog.no")
        self.add_button(_("Ghi đã báo"), "dialog.yes", kind=ButtonKind.PRIMARY, accept=True)
        self.way.set_value(ReportWay.ONLINE)
        self.to.editor.setFocus()

    @property
    def told(self) -> tuple[ReportWay, str, str, datetime | None]:
        way = self.way.value()
        receipt = str(self.form.field("receipt").value() or "")
        return (
            way if isinstance(way, ReportWay) else ReportWay.ONLINE,
            self.to.value(),
            receipt,
            self.at.value(),
        )

    @override
    def accept(self) -> None:
        if not self.to.value():
            self.to.set_problem(_("Hãy ghi đã báo cho ai."))
            self.to.editor.setFocus()
        elif self.at.value() is None:
            self.at.set_problem(_("Hãy ghi giờ đã báo."))
            self.at.editor.setFocus()
        else:
            super().accept()
