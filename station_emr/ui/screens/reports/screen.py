"""Báo cáo: one report of one period, as a chart and as a table; templates go out and come in here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.period import Period
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.report import ChartKind, ReportTemplate
from station_emr.services.i18n import _
from station_emr.services.register_ports import ReportView
from station_emr.services.report_words import list_table
from station_emr.ui.kit import (
    Banner,
    Card,
    FlowLayout,
    Message,
    Option,
    Screen,
    Severity,
    Table,
    clear,
    combo,
    dialogs,
    fixed_width,
    hbox,
    label,
    plain_table,
    primary,
    secondary,
    vbox,
)
from station_emr.ui.kit.bar_chart import BarChart
from station_emr.ui.kit.period_picker import PeriodPicker
from station_emr.ui.models import routes
from station_emr.ui.models.saved_file import content_of, written
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane

from .tables import bars_of, bars_of_reasons, counted_table, text_table

_PDF: Final = "PDF (*.pdf)"
_EXCEL: Final = "Excel (*.xlsx)"
_JSON: Final = "JSON (*.json)"
_FIRST: Final = "benh-theo-chuong"
_OUT, _IN, _DROP = "out", "in", "drop"
_KINDS: Final = (
    RecordKind.ENCOUNTER,
    RecordKind.PRESCRIPTION,
    RecordKind.REFERRAL,
    RecordKind.FEEDBACK,
)


class ReportsScreen(Screen):
    """``table`` is made anew for every report: each has columns of its own."""

    least_height = 640

    def __init__(self, session: Session) -> None:
        super().__init__("reports")
        self._session, self._actor = session, session.actor
        self._service = session.services.reports
        self._known: tuple[ReportTemplate, ...] = ()
        self._view: ReportView | None = None
        self._stale = True
        self.back = secondary(_("&Sổ khám bệnh"), "reports.registers", icon="notebook")
        self.template = secondary(_("&Mẫu…"), "reports.template", icon="sliders-horizontal")
        self.export = primary(_("&Xuất…"), "reports.export", icon="export")
        self.header = self.add_header(_("Báo cáo"), " ", self.back, self.template, self.export)
        self.banner = Banner("reports.banner")
        self.page.addWidget(self.banner)
        self._choices()
        self._body()
        self.back.clicked.connect(lambda: self.go(routes.REGISTERS, self.picker.period))
        self.template.clicked.connect(self._templates)
        self.export.clicked.connect(self._export)
        session.changed.connect(self._changed)

    def _choices(self) -> None:
        now = self._session.services.clock.now()
        self.report = combo([(_FIRST, _("Báo cáo"))], "reports.report", _("Báo cáo"))
        self.picker = PeriodPicker("reports.picker", Period.at(now))
        row = QWidget()
        flow = FlowLayout(row)
        flow.setContentsMargins(0, 0, 0, 0)
        flow.addWidget(fixed_width(self.report, 52))
        self.report.setMinimumWidth(self.report.maximumWidth())
        flow.addWidget(self.picker)
        self.page.addWidget(row)
        self.report.changed.connect(self._read)
        self.picker.changed.connect(self._read)

    def _body(self) -> None:
        self.chart = BarChart("reports.chart", _("Biểu đồ"))
        self.chart_title = label("", "heading")
        self.chart_card = Card()
        self.chart_card.add(self.chart_title)
        self.chart_card.add(self.chart)
        self.chart_card.hide()
        self.page.addWidget(self.chart_card)
        self.table: Table[Any] | None = None
        holder = QWidget()
        self._box = vbox(parent=holder, gap=0)
        card = Card(margin=1)
        card.add(holder, 1)
        self.page.addWidget(card, 1)
        self.why = label("", "muted", wrap=True)
        self.page.addLayout(hbox(self.why))

    # -- hooks of the frame --------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        if isinstance(context, Period):
            self.picker.set_period(context)
        if self._stale:
            self._read()
        self.picker.field.editor.setFocus()

    def _changed(self, changes: Changes) -> None:
        if changes.touches(*_KINDS):
            self._stale = True
            if self.isVisible():
                self._read()

    # -- reading -------------------------------------------------------------------------------

    def _read(self) -> None:
        period, name, actor = self.picker.period, str(self.report.value() or _FIRST), self._actor
        self._stale = False
        self.why.setText(_("Đang lập báo cáo…"))
        self._session.runner.run(
            lambda: (self._service.templates(actor), self._service.show(actor, name, period)),
            done=lambda found: self._show(*found),
            failed=self._failed,
            owner=self,
            lane=Lane.POOL,
            latest="reports.show",
        )

    def _show(self, known: tuple[ReportTemplate, ...], view: ReportView) -> None:
        if known != self._known:
            self._known = known
            self.report.set_options([(one.key, self._named(one)) for one in known])
            self.report.set_value(view.template.key)
        self._view = view
        self.header.set_title(_("Báo cáo"), view.period.label)
        self._show_table(view)
        self._show_chart(view)
        said = list(view.notes)
        if view.table is not None and view.table.left_out:
            said.append(_("Còn {count} dòng ít hơn không hiện.").format(count=view.table.left_out))
        self.why.setText(" ".join(said))
        if view.late:
            self._tell(
                _("Có {count} bổ sung, sửa sau khi khóa sổ chưa tính vào số liệu này.").format(
                    count=view.late
                ),
                Severity.INFO,
            )
        else:
            self.banner.hide()

    @staticmethod
    def _named(one: ReportTemplate) -> str:
        return _("{name} (mẫu của trạm)").format(name=one.label) if one.own else one.label

    def _show_table(self, view: ReportView) -> None:
        clear(self._box)
        if view.table is not None:
            made: Table[Any] = counted_table(view.table)
        else:
            heads, rows = list_table(view)
            made = text_table(view.template.title, heads, rows)
        self.table = made
        self._box.addWidget(plain_table(made))

    def _show_chart(self, view: ReportView) -> None:
        table = view.table
        if table is not None and table.template.chart is not ChartKind.NONE:
            line = table.template.chart is ChartKind.LINE
            self.chart_title.setText(table.template.columns[0].title)
            self.chart.set_data(bars_of(table), line=line)
        elif view.summary:
            self.chart_title.setText(_("Số phiếu theo lý do chuyển"))
            self.chart.set_data(bars_of_reasons(view.summary))
        else:
            self.chart.set_data(())
        self.chart_card.setVisible(bool(self.chart.bars))

    def _tell(self, text: str, severity: Severity) -> None:
        self.banner.show_message(Message(text=text, severity=severity))

    def _failed(self, error: StationError) -> None:
        self.why.setText("")
        self.say(str(error), Severity.DANGER)

    # -- taking out ----------------------------------------------------------------------------

    def _export(self) -> None:
        period, name = self.picker.period, str(self.report.value() or _FIRST)
        kind = dialogs.choose(
            self,
            _("Xuất báo cáo"),
            _("Việc xuất được ghi vào nhật ký."),
            (Option(_PDF, _("Tệp PDF để in")), Option(_EXCEL, _("Tệp Excel"))),
        )
        if kind is None:
            return
        as_pdf = kind == _PDF
        file = f"bao-cao-{name}-{period.key}.{'pdf' if as_pdf else 'xlsx'}"
        chosen = dialogs.save_file(self, _("Xuất báo cáo"), Path.home() / file, str(kind))
        if chosen is None:
            return
        self.say(_("Đang lập tệp…"), Severity.INFO)
        self._run(
            lambda: written(chosen, self._service.export(self._actor, name, period, as_pdf=as_pdf)),
            lambda path: self.say(_("Đã lưu {file}.").format(file=path), Severity.SUCCESS),
        )

    # -- templates -----------------------------------------------------------------------------

    def _templates(self) -> None:
        options = [Option(_OUT, _("Lấy tệp mẫu của báo cáo này để sửa"))]
        if self._session.may(Action.SETTINGS_EDIT):
            options.append(Option(_IN, _("Nhập tệp mẫu của trạm")))
            view = self._view
            if view is not None and view.template.own:
                options.append(Option(_DROP, _("Bỏ mẫu của trạm, dùng lại mẫu kèm theo")))
        chosen = dialogs.choose(
            self,
            _("Mẫu báo cáo"),
            _(
                "Dòng, cột và điều kiện lọc của báo cáo là một tệp. Lấy tệp về, sửa rồi nhập lại; "
                "tệp sai thì chương trình chỉ ra chỗ sai và không đổi gì."
            ),
            options,
        )
        if chosen == _OUT:
            self._take_out()
        elif chosen == _IN:
            self._take_in()
        elif chosen == _DROP:
            name = str(self.report.value())
            self._run(lambda: self._service.drop_template(self._actor, name), self._changed_to)

    def _take_out(self) -> None:
        name = str(self.report.value() or _FIRST)
        place = Path.home() / f"{name}.json"
        chosen = dialogs.save_file(self, _("Lưu tệp mẫu"), place, _JSON)
        if chosen is not None:
            self._run(
                lambda: written(chosen, self._service.template_file(self._actor, name)),
                lambda path: self.say(_("Đã lưu {file}.").format(file=path), Severity.SUCCESS),
            )

    def _take_in(self) -> None:
        chosen = dialogs.open_file(self, _("Nhập tệp mẫu"), _JSON)
        if chosen is not None:
            self._run(
                lambda: self._service.import_template(self._actor, content_of(chosen)),
                self._changed_to,
            )

    def _changed_to(self, made: ReportTemplate | None) -> None:
        self._known = ()
        if made is not None:
            self.report.set_options([(made.key, made.label)])
            self.report.set_value(made.key)
            self.say(_("Đã nhập mẫu “{name}”.").format(name=made.label), Severity.SUCCESS)
        self._read()

    def _run(self, work: Any, done: Any) -> None:
        self._session.runner.run(
            work,
            done=done,
            failed=lambda error: self._tell(str(error), Severity.DANGER),
            owner=self,
            lane=Lane.POOL,
        )
