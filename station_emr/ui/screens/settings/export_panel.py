"""Records as files that others can read: the visits of some days, or everything the station holds."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.services.export_ports import ArchiveReport, VisitFormat, WrittenVisits
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    Banner,
    ChoiceField,
    DateField,
    Form,
    Message,
    Severity,
    dialogs,
    hbox,
    label,
    primary,
    rule,
    secondary,
)
from station_emr.ui.models.moments import parse_day, show_day
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.tasks import Lane


class ExportPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.export_panel",
            _("Xuất dữ liệu"),
            _(
                "Dữ liệu thuộc về trạm. Tệp xuất ra không mã hóa: ai cầm tệp đều đọc được hồ sơ. Hãy cất "
                "như cất sổ khám bệnh và xóa khi đã dùng xong. Mỗi lần xuất đều được ghi vào nhật ký."
            ),
        )
        self.note = Banner("settings.export.note", closable=False)
        self.add(self.note)
        self.add(label(_("Các lượt khám đã ký"), "strong"))
        self.form = Form("settings.export")
        self.form.add_row(
            ("since", _("&Từ ngày"), self._day()),
            ("until", _("Đến &hết ngày"), self._day()),
            (
                "form",
                _("&Dạng tệp"),
                ChoiceField([(form.value, _(form.label)) for form in VisitFormat]),
            ),
            stretch=(1, 1, 2),
        )
        self.add(self.form)
        self.write = secondary(
            _("&Xuất các lượt khám…"), "settings.export.visits", icon="download-simple"
        )
        self.write.clicked.connect(self._write_visits)
        self.body.addLayout(hbox(self.write, None))
        self.body.addSpacing(GAP_S)
        self.add(rule())
        self.add(label(_("Toàn bộ dữ liệu của trạm"), "strong"))
        self.add(
            label(
                _(
                    "Mọi phiên bản của mọi hồ sơ, sổ đã khóa, tệp đã gửi cổng, nhật ký, danh mục và tài "
                    "liệu đã ký số trong một tệp ZIP, kèm mô tả dạng tệp. Dùng khi đổi chương trình "
                    "hoặc lưu trữ lâu dài."
                ),
                "muted",
                wrap=True,
            )
        )
        self.all = primary(
            _("Xuất toàn &bộ dữ liệu…"), "settings.export.station", icon="download-simple"
        )
        self.all.clicked.connect(self._write_station)
        self.body.addLayout(hbox(self.all, None))
        self.body.addStretch(1)
        today = self._today()
        self.form.set_values({"since": today, "until": today, "form": VisitFormat.HOSO_XML.value})

    def _today(self) -> date:
        return self._services.clock.now().date()

    def _day(self) -> DateField[date]:
        return DateField(
            lambda text: parse_day(text, self._today()),
            show_day,
            refusal=_("Ghi ngày, ví dụ 22/11/2026"),
        )

    @override
    def focus(self) -> QWidget:
        return self.form.field("since").editor

    # -- visits ----------------------------------------------------------------------------------

    def _write_visits(self) -> None:
        since, until = self.form.field("since").value(), self.form.field("until").value()
        if not isinstance(since, date) or not isinstance(until, date) or until < since:
            self._tell(_("Hãy ghi ngày đầu và ngày cuối, ngày đầu trước."), Severity.DANGER)
            self.form.field("since").editor.setFocus()
            return
        folder = dialogs.choose_folder(self, _("Chọn thư mục nhận các tệp"))
        if folder is None:
            return
        form = VisitFormat(str(self.form.field("form").value()))
        exports, actor = self._services.exports, self._actor
        zone = self._services.clock.now().tzinfo
        first = datetime.combine(since, time.min, zone)
        end = datetime.combine(until + timedelta(days=1), time.min, zone)

        def work() -> WrittenVisits:
            found = exports.signed_visits(actor, first, end)
            return exports.write_visits(actor, folder, found, form)

        self._enable(on=False)
        self._tell(_("Đang xuất. Bạn vẫn làm việc khác được."), Severity.INFO)
        self._session.runner.run(
            work,
            done=lambda made: self._visits_written(made, folder),
            failed=lambda error: self._tell(str(error), Severity.DANGER),
            finally_=lambda: self._enable(on=True),
            owner=self,
            lane=Lane.POOL,
        )

    def _visits_written(self, made: WrittenVisits, folder: Path) -> None:
        said = []
        if made.files:
            words = _("Đã ghi {count} tệp vào {folder}.")
            said.append(words.format(count=len(made.files), folder=folder))
        if made.refused:
            words = _("Chưa xuất {count} lượt khám. {first}")
            said.append(words.format(count=len(made.refused), first=made.refused[0]))
        if not said:
            self._tell(_("Không có lượt khám đã ký nào trong các ngày đó."), Severity.WARNING)
            return
        whole = not made.refused
        self._tell(" ".join(said), Severity.SUCCESS if whole else Severity.WARNING)

    # -- all of it -------------------------------------------------------------------------------

    def _write_station(self) -> None:
        reason = dialogs.ask_text(
            self,
            _("Xuất toàn bộ dữ liệu"),
            _("Tệp chứa mọi hồ sơ và không mã hóa. Lý do sẽ được ghi vào nhật ký."),
            label=_("Lý do"),
        )
        if not reason:
            return
        today = self._today()
        proposed = Path.home() / f"station-emr-{today:%Y-%m-%d}.zip"
        path = dialogs.save_file(self, _("Tệp nhận dữ liệu"), proposed, "ZIP (*.zip)")
        if path is None:
            return
        exports, actor = self._services.exports, self._actor
        self._enable(on=False)
        self._tell(_("Đang xuất toàn bộ dữ liệu. Bạn vẫn làm việc khác được."), Severity.INFO)
        self._session.runner.run(
            lambda: exports.station(actor, path, reason),
            done=self._station_written,
            failed=lambda error: self._tell(str(error), Severity.DANGER),
            finally_=lambda: self._enable(on=True),
            owner=self,
            lane=Lane.POOL,
        )

    def _station_written(self, report: ArchiveReport) -> None:
        words = _("Đã ghi và đọc lại được {name}: {lines} dòng.").format(
            name=report.path.name, lines=f"{sum(report.lines.values()):,}".replace(",", ".")
        )
        if report.left_out:
            words += " " + _("Để lại {count} mục hạn chế mà bạn không có quyền xem.").format(
                count=report.left_out
            )
        self._tell(words, Severity.SUCCESS)

    # -- both ------------------------------------------------------------------------------------

    def _enable(self, *, on: bool) -> None:
        self.write.setEnabled(on)
        self.all.setEnabled(on)

    def _tell(self, text: str, severity: Severity) -> None:
        self.note.show_message(Message(text=text, severity=severity))
