"""Sổ khám bệnh: one register over a month, a quarter or a year; months are closed and opened here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.errors import InvalidRecord, StationError
from station_emr.domain.period import Period, PeriodKind
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.register import LateCorrection, RegisterDefinition
from station_emr.services.i18n import _
from station_emr.services.register_ports import RegisterView
from station_emr.services.registers import UNSIGNED, MonthState
from station_emr.services.report_words import month_words
from station_emr.ui.kit import (
    Banner,
    Card,
    FlowLayout,
    Message,
    Option,
    Screen,
    SegmentedField,
    Severity,
    Table,
    clear,
    combo,
    dialogs,
    fixed_width,
    hbox,
    label,
    named,
    plain_table,
    primary,
    secondary,
    vbox,
)
from station_emr.ui.kit.period_picker import PeriodPicker
from station_emr.ui.models import routes
from station_emr.ui.models.saved_file import written
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane

from .lists import Shown, late_table, lines_table, months_table

LINES, LATE, MONTHS = "lines", "late", "months"
_TABS: Final = (LINES, LATE, MONTHS)
_MAIN: Final = "A1/CSYT"
_PDF: Final = "PDF (*.pdf)"
_EXCEL: Final = "Excel (*.xlsx)"
_KINDS: Final = (
    RecordKind.ENCOUNTER,
    RecordKind.PRESCRIPTION,
    RecordKind.REFERRAL,
    RecordKind.APPOINTMENT,
)


class RegistersScreen(Screen):
    """``table`` is made anew when another register is shown: each has columns of its own."""

    least_height = 470

    def __init__(self, session: Session) -> None:
        super().__init__("registers")
        self._session, self._actor = session, session.actor
        self._service = session.services.registers
        self._view: RegisterView | None = None
        self._states: tuple[MonthState, ...] = ()
        self._known: tuple[RegisterDefinition, ...] = ()
        self._stale = True
        self.reports = secondary(_("&Báo cáo"), "registers.reports", icon="chart-bar")
        self.export = secondary(_("&Xuất…"), "registers.export", icon="export")
        self.reopen = secondary(_("&Mở lại…"), "registers.reopen", icon="lock-open")
        self.close_month = primary(_("&Khóa sổ…"), "registers.close", icon="lock")
        self.header = self.add_header(
            _("Sổ khám bệnh"), " ", self.reports, self.export, self.reopen, self.close_month
        )
        self.banner = Banner("registers.banner")
        self.page.addWidget(self.banner)
        self._choices()
        self._tables()
        self.reports.clicked.connect(lambda: self.go(routes.REPORTS, self.picker.period))
        self.export.clicked.connect(self._export)
        self.close_month.clicked.connect(self._close)
        self.reopen.clicked.connect(self._reopen)
        director = session.actor.role is Role.DIRECTOR
        self.close_month.setVisible(director)
        self.reopen.setVisible(False)
        session.changed.connect(self._changed)

    def _choices(self) -> None:
        now = self._session.services.clock.now()
        self.register = combo([(_MAIN, _MAIN)], "registers.register", _("Sổ"))
        self.picker = PeriodPicker("registers.picker", Period.at(now))
        self.tabs = SegmentedField(
            [(LINES, _("Sổ")), (LATE, _("Sau khóa sổ")), (MONTHS, _("Các tháng"))]
        )
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"registers.tab.{place}")
        self.tabs.set_spoken(_("Danh sách"))
        row = QWidget()
        flow = FlowLayout(row)
        flow.setContentsMargins(0, 0, 0, 0)
        flow.addWidget(fixed_width(self.register, 34))
        self.register.setMinimumWidth(self.register.maximumWidth())
        flow.addWidget(self.picker)
        flow.addWidget(self.tabs)
        self.page.addWidget(row)

    def _tables(self) -> None:
        today = self._session.services.clock.now().date()
        self.late = late_table()
        self.months = months_table(today)
        self.why = label("", "muted", wrap=True)
        self._lines = QWidget()
        self._lines_box = vbox(parent=self._lines, gap=0)
        self.table: Table[Shown] | None = None
        self._stack = QStackedWidget()
        for shown in (self._lines, plain_table(self.late), plain_table(self.months)):
            self._stack.addWidget(shown)
        card = Card(margin=1)
        card.add(self._stack, 1)
        self.page.addWidget(card, 1)
        self.page.addLayout(hbox(self.why))
        self.tabs.set_value(LINES)
        self.tabs.changed.connect(self._show_tab)
        self.picker.changed.connect(self._read)
        self.register.changed.connect(self._read)
        self.late.opened.connect(lambda one: self._open(one.line.encounter_id))
        self.months.opened.connect(self._to_month)

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
        period, code, actor = self.picker.period, str(self.register.value() or _MAIN), self._actor
        self._stale = False
        self.why.setText(_("Đang đọc sổ…"))
        self._session.runner.run(
            lambda: (
                self._service.definitions(actor),
                self._service.show(actor, period, code),
                self._service.late(actor, period),
                self._service.months(actor, period.year),
            ),
            done=lambda found: self._show(*found),
            failed=self._failed,
            owner=self,
            lane=Lane.POOL,
            latest="registers.show",
        )

    def _show(
        self,
        known: tuple[RegisterDefinition, ...],
        view: RegisterView,
        late: tuple[LateCorrection, ...],
        states: tuple[MonthState, ...],
    ) -> None:
        if known != self._known:
            self._known = known
            self.register.set_options([(one.code, one.label) for one in known])
            self.register.set_value(view.definition.code)
        self._states = states
        self._show_lines(view)
        self.late.set_rows(late)
        self.months.set_rows(states)
        self._say(view, late)
        self._fit()

    def _show_lines(self, view: RegisterView) -> None:
        several = view.period.kind is not PeriodKind.MONTH
        before = self._view
        same = (
            before is not None
            and before.definition == view.definition
            and (before.period.kind is not PeriodKind.MONTH) == several
        )
        self._view = view
        if self.table is None or not same:
            clear(self._lines_box)
            self.table = lines_table(view.definition, several=several)
            self.table.opened.connect(lambda row: self._open(row.line.encounter_id))
            self._lines_box.addWidget(plain_table(self.table))
        self.table.set_rows(
            [
                Shown(f"{part.month.number:02d}/{part.month.year}", number, line)
                for part in view.parts
                for number, line in part.lines
            ]
        )

    def _say(self, view: RegisterView, late: tuple[LateCorrection, ...]) -> None:
        definition, today = view.definition, self._session.services.clock.now().date()
        self.header.set_title(
            _("Sổ khám bệnh"),
            _("{period}: {count} lượt").format(period=view.period.label, count=view.count),
        )
        said = [month_words(part) for part in view.parts] if len(view.parts) == 1 else []
        if view.masked:
            said.append(
                _("{count} lượt có nội dung hạn chế không hiện chẩn đoán.").format(
                    count=view.masked
                )
            )
        if not definition.known:
            said.append(_("Tên sổ và đầu cột chưa đối chiếu với văn bản gốc."))
        said += [text for text in (definition.remark,) if text]
        self.why.setText(" ".join(said))
        overdue = [one for one in self._states if one.is_late(today)]
        if definition.missing or view.refused:
            self._tell(
                view.refused or _("Chưa có dữ liệu: {why}").format(why=definition.missing),
                Severity.INFO,
            )
        elif overdue:
            months = ", ".join(one.month.label.lower() for one in overdue)
            self._tell(
                _("Quá hạn nộp mà chưa khóa sổ: {months}. Hãy nhờ giám đốc khóa sổ.").format(
                    months=months
                ),
                Severity.WARNING,
            )
        elif late:
            self._tell(
                _(
                    "Có {count} bổ sung, sửa sau khi khóa sổ. Sổ đã khóa giữ nguyên; "
                    "xem ở mục Sau khóa sổ."
                ).format(count=len(late)),
                Severity.INFO,
            )
        else:
            self.banner.hide()

    def _tell(self, text: str, severity: Severity) -> None:
        self.banner.show_message(Message(text=text, severity=severity))

    def _fit(self) -> None:
        state = self._state()
        director = self._actor.role is Role.DIRECTOR
        closed = state is not None and state.closing is not None
        self.reopen.setVisible(director and closed)
        self.close_month.setVisible(director and not closed)
        self.close_month.setEnabled(state is not None)
        view = self._view
        usable = view is not None and not view.definition.missing and not view.refused
        self.export.setEnabled(usable)

    def _state(self) -> MonthState | None:
        period = self.picker.period
        return next((one for one in self._states if one.month == period), None)

    def _show_tab(self) -> None:
        self._stack.setCurrentIndex(_TABS.index(str(self.tabs.value())))

    def _to_month(self, state: MonthState) -> None:
        self.picker.set_period(state.month)
        self.tabs.set_value(LINES)
        self._show_tab()

    def _open(self, encounter_id: str) -> None:
        if self._session.may(Action.ENCOUNTER_VIEW):
            self.go(routes.ENCOUNTER, routes.EncounterRoute(encounter_id))

    def _failed(self, error: StationError) -> None:
        self.why.setText("")
        self.say(str(error), Severity.DANGER)

    # -- closing -------------------------------------------------------------------------------

    def _close(self, *, unsigned: bool = False) -> None:
        period = self.picker.period
        password = dialogs.ask_password(
            self,
            _("Khóa sổ {period}").format(period=period.label.lower()),
            _(
                "Sổ được chụp lại đúng như lúc này, kèm dấu vân và tên người khóa. Sửa đổi về sau "
                "hiện riêng, không đổi bản đã khóa. Hãy nhập mật khẩu của bạn để xác nhận."
            ),
            label=_("Mật khẩu của tôi"),
        )
        if not password:
            return
        confirmed = (UNSIGNED,) if unsigned else ()
        self._do(
            lambda: self._service.close(self._actor, period, password, confirmed),
            _("Đã khóa sổ {period}.").format(period=period.label.lower()),
            self._close_refused,
        )

    def _close_refused(self, error: StationError) -> None:
        problems = error.problems if isinstance(error, InvalidRecord) else ()
        if any(one.code == "unsigned" for one in problems):
            asked = dialogs.confirm(
                self,
                _("Còn lượt khám chưa ký"),
                problems[0].message,
                yes=_("Vẫn khóa sổ"),
            )
            if asked:
                self._close(unsigned=True)
            return
        self._tell(str(error), Severity.DANGER)

    def _reopen(self) -> None:
        period = self.picker.period
        reason = dialogs.ask_text(
            self,
            _("Mở lại sổ {period}").format(period=period.label.lower()),
            _("Bản đã khóa vẫn được giữ, kèm lý do này. Sửa xong thì khóa lại."),
            label=_("Lý do"),
        )
        if not reason:
            return
        password = dialogs.ask_password(
            self,
            _("Mở lại sổ {period}").format(period=period.label.lower()),
            _("Hãy nhập mật khẩu của bạn để xác nhận."),
            label=_("Mật khẩu của tôi"),
        )
        if password:
            self._do(
                lambda: self._service.reopen(self._actor, period, password, reason),
                _("Đã mở lại sổ {period}.").format(period=period.label.lower()),
                lambda error: self._tell(str(error), Severity.DANGER),
            )

    def _do(
        self, change: Callable[[], object], said: str, failed: Callable[[StationError], None]
    ) -> None:
        def done(_answer: object) -> None:
            self.say(said, Severity.SUCCESS)
            self._read()

        self._session.runner.run(change, done=done, failed=failed, owner=self, lane=Lane.POOL)

    # -- taking out ----------------------------------------------------------------------------

    def _export(self) -> None:
        period, code = self.picker.period, str(self.register.value() or _MAIN)
        kind = dialogs.choose(
            self,
            _("Xuất sổ"),
            _("Tệp có tên người bệnh và chẩn đoán; việc xuất được ghi vào nhật ký."),
            (Option(_PDF, _("Tệp PDF để in")), Option(_EXCEL, _("Tệp Excel"))),
        )
        if kind is None:
            return
        as_pdf = kind == _PDF
        name = f"so-{code.partition('/')[0].lower()}-{period.key}.{'pdf' if as_pdf else 'xlsx'}"
        chosen = dialogs.save_file(self, _("Xuất sổ"), Path.home() / name, str(kind))
        if chosen is None:
            return
        self.say(_("Đang lập tệp…"), Severity.INFO)
        self._session.runner.run(
            lambda: written(chosen, self._service.export(self._actor, period, code, as_pdf=as_pdf)),
            done=lambda path: self.say(_("Đã lưu {file}.").format(file=path), Severity.SUCCESS),
            failed=self._failed,
            owner=self,
            lane=Lane.POOL,
        )
