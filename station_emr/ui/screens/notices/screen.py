"""Infectious diseases: the list with its clocks, and the notice of one case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.birth import age_on
from station_emr.domain.errors import InvalidRecord, StationError
from station_emr.domain.notification import CommunicableDiseaseNotification
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind, Sex
from station_emr.services.i18n import _
from station_emr.services.notifications import NoticeRow
from station_emr.ui.kit import (
    GAP_M,
    Banner,
    Card,
    Message,
    Screen,
    Severity,
    dialogs,
    scrolled,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.session import Session
from station_emr.ui.screens.notices.buttons import NoticeButtons
from station_emr.ui.screens.notices.desk import Opened, load_notice
from station_emr.ui.screens.notices.list_page import ListPage, time_words
from station_emr.ui.screens.notices.notice_form import NoticeForm
from station_emr.ui.screens.notices.told_dialog import ToldDialog

_EACH_MINUTE: Final = 60_000
_CHILD_BEARING: Final = range(10, 55)


class NoticesScreen(Screen):
    """The list, or one notice when entered with a NoticeRoute."""

    def __init__(self, session: Session) -> None:
        super().__init__("notices")
        self._session = session
        self._notices = session.services.notifications
        self._opened: Opened | None = None
        self._reason = self._wished = ""
        self._dirty = False
        self.buttons = NoticeButtons(session)
        self.header = self.add_header(_("Báo bệnh truyền nhiễm"), " ", *self.buttons.all)
        self.banner = Banner("notices.banner", closable=False)
        self.page.addWidget(self.banner)
        self.list = ListPage()
        self.form = NoticeForm(session.services.clock.now)
        inside = QWidget()
        vbox(self.form, parent=inside).setContentsMargins(GAP_M, GAP_M, GAP_M, GAP_M)
        card = Card(margin=1)
        card.add(scrolled(inside), 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(card)
        self.page.addWidget(self._stack, 1)
        self._connect()
        self._timer = QTimer(self)
        self._timer.setInterval(_EACH_MINUTE)
        self._timer.timeout.connect(self._read)
        session.changed.connect(self._changed)
        self._fit()

    def _connect(self) -> None:
        self.form.edited.connect(self._edited)
        self.list.opened.connect(self._open_row)
        self.list.table.picked.connect(lambda _row: self._fit())
        buttons = self.buttons
        buttons.back.clicked.connect(self._to_list)
        buttons.void.clicked.connect(self._void)
        buttons.amend.clicked.connect(self._begin_amendment)
        buttons.save.clicked.connect(self.save_action)
        buttons.print.clicked.connect(self.print_action)
        buttons.visit.clicked.connect(self._to_visit)
        buttons.open.clicked.connect(self._open_current)
        buttons.told.clicked.connect(self._tell)
        buttons.submit.clicked.connect(self._submit)

    # -- hooks of the frame --------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self._timer.start()
        self._wished = context.field if isinstance(context, routes.NoticeRoute) else ""
        if isinstance(context, routes.NoticeRoute):
            self._open(context.encounter_id, context.notification_id)
        elif self._opened is None:
            self._to_list()
        self._read()

    @override
    def on_leave(self) -> bool:
        self._timer.stop()
        self._keep()
        return True

    @override
    def on_back(self) -> bool:
        if self._opened is None:
            return False
        self._to_list()
        return True

    @override
    def save_action(self) -> bool:
        if self._opened is None or not self._writes:
            return False
        self._dirty = True
        self._keep()
        return True

    @override
    def print_action(self) -> bool:
        opened = self._opened
        row = self.list.table.current()
        found = opened.notice.id if opened and opened.kept else ""
        if opened is None and row is not None:
            found = row.notification_id
        if not found:
            return False
        self.go(routes.PREVIEW, routes.PreviewRoute(RecordKind.NOTIFICATION, found))
        return True

    # -- the list ------------------------------------------------------------------------------

    def _read(self) -> None:
        session = self._session
        session.ask(
            lambda: self._notices.rows(session.actor),
            self._show_rows,
            owner=self,
            failed=self._refused,
            latest="notices.rows",
        )

    def _show_rows(self, rows: tuple[NoticeRow, ...]) -> None:
        now = self._session.services.clock.now()
        self.list.show_rows(rows, now)
        if self._opened is None:
            waiting = [row for row in rows if row.reported_at is None]
            late = sum(row.overdue(now) for row in waiting)
            told = (
                _("{n} ca phải báo, {late} ca quá hạn").format(n=len(waiting), late=late)
                if waiting
                else _("Không có ca nào đang chờ báo")
            )
            self.header.set_title(_("Báo bệnh truyền nhiễm"), told)
        self._fit()

    def _changed(self, changes: Changes) -> None:
        if self.isVisible() and changes.touches(RecordKind.NOTIFICATION, RecordKind.ENCOUNTER):
            self._read()

    def _to_list(self) -> None:
        self._keep()
        self._opened, self._reason = None, ""
        self.banner.dismiss()
        self._stack.setCurrentIndex(0)
        self._read()
        self._fit()
        self.list.table.setFocus()

    def _open_row(self, row: NoticeRow) -> None:
        self._open(row.encounter_id, row.notification_id)

    def _open_current(self) -> None:
        row = self.list.table.current()
        if row is not None:
            self._open_row(row)

    def _to_visit(self) -> None:
        row = self.list.table.current()
        visit = self._opened.notice.encounter_id if self._opened else row and row.encounter_id
        if visit:
            self.go(routes.ENCOUNTER, routes.EncounterRoute(visit))

    # -- one notice ----------------------------------------------------------------------------

    def _open(self, encounter_id: str, notification_id: str) -> None:
        session = self._session
        session.ask(
            lambda: load_notice(session.services, session.actor, encounter_id, notification_id),
            self._show,
            owner=self,
            failed=self._refused,
            latest="notices.open",
        )

    @property
    def _writes(self) -> bool:
        opened = self._opened
        may = self._session.may(Action.NOTIFICATION_REPORT)
        return opened is not None and may and (opened.is_draft or bool(self._reason))

    def _show(self, opened: Opened) -> None:
        self._opened, self._reason, self._dirty = opened, "", False
        self._stack.setCurrentIndex(1)
        self._dress()
        if not self.form.form.go_to(self._wished) and self._writes:
            self.form.form.focus_first()

    def _dress(self) -> None:
        opened = self._opened
        if opened is None:
            return
        notice, person = opened.notice, opened.patient
        now = self._session.services.clock.now()
        left = notice.left_at(now)
        if left is not None:
            clock = time_words(left)
        elif notice.reported_at is not None:
            clock = _("đã báo lúc {when}").format(when=show_moment(notice.reported_at))
        else:
            clock = ""
        detail = " · ".join(filter(None, (notice.disease_name, notice.number, clock)))
        self.header.set_title(person.full_name, detail)
        fertile = person.sex is Sex.FEMALE and age_on(person.birth, now.date()) in _CHILD_BEARING
        self.form.show_notice(
            notice, self._notices.rules(), read_only=not self._writes, pregnancy=fertile
        )
        if notice.is_overdue(now):
            self.banner.show_message(
                Message(
                    text=_("Đã quá hạn báo. Hãy báo ngay bằng điện thoại, rồi ghi đã báo ở đây."),
                    severity=Severity.DANGER,
                )
            )
        else:
            self.banner.dismiss()
        self._fit()

    def _fit(self) -> None:
        """Only what can be done now is there."""
        row = self.list.table.current()
        self.buttons.fit(self._opened, row, writes=self._writes, amending=bool(self._reason))

    def _edited(self) -> None:
        self._dirty = True

    def _keep(self) -> None:
        """Keep the draft as typed; the clock goes on."""
        opened = self._opened
        if opened is None or not opened.is_draft or not self._writes:
            return
        if not self._dirty:
            return
        self._dirty = False
        typed = self.form.notice(opened.notice)
        actor = self._session.actor
        self._session.command(
            lambda: self._notices.save_draft(actor, typed),
            done=lambda _changes: self._kept(typed),
            failed=self._refused,
            owner=self,
        )

    def _kept(self, typed: CommunicableDiseaseNotification) -> None:
        opened = self._opened
        if opened is not None and opened.notice.id == typed.id:
            self._opened = replace(opened, notice=typed, kept=True)
        self.say(_("Đã lưu nháp phiếu báo. Hạn báo vẫn đang tính."))

    def _submit(self) -> None:
        opened = self._opened
        if opened is None:
            return
        typed = self.form.notice(opened.notice)
        self._dirty = False
        actor, reason, version = self._session.actor, self._reason, opened.version
        self._run(
            (lambda: self._notices.amend(actor, typed, version, reason))
            if reason
            else (lambda: self._notices.submit(actor, typed)),
            _("Đã lưu sửa đổi cùng lý do.")
            if reason
            else _("Đã lập phiếu. Hãy báo cấp trên rồi bấm “Ghi đã báo”."),
            typed.id,
        )

    def _tell(self) -> None:
        opened, row = self._opened, self.list.table.current()
        now = self._session.services.clock.now()
        if opened is not None:
            who, notice_id = opened.patient.full_name, opened.notice.id
            disease = opened.notice.disease_name
        elif row is not None:
            who, notice_id, disease = row.patient_name, row.notification_id, row.disease
        else:
            return
        dialog = ToldDialog(self, f"{who}, {disease}", now)
        if not dialogs.run_dialog(dialog):
            return
        way, told, receipt, at = dialog.told
        actor = self._session.actor
        self._run(
            lambda: self._notices.report(
                actor, notice_id, way=way, told=told, receipt=receipt, at=at
            ),
            _("Đã ghi báo cấp trên."),
            notice_id if opened is not None else "",
        )

    def _begin_amendment(self) -> None:
        reason = self._ask(
            _("Sửa đổi phiếu báo"),
            _("Ví dụ đổi chẩn đoán, có kết quả xét nghiệm. Bản trước vẫn được giữ."),
            _("Lý do sửa đổi"),
        )
        if reason:
            self._reason = reason
            self._dress()
            self.form.form.go_to(self._wished)

    def _void(self) -> None:
        opened = self._opened
        reason = self._ask(
            _("Hủy phiếu báo"),
            _("Dùng khi lập nhầm. Số phiếu vẫn được giữ, nội dung vẫn đọc được."),
            _("Lý do hủy"),
        )
        if not reason or opened is None:
            return
        actor, notice_id = self._session.actor, opened.notice.id
        self._run(lambda: self._notices.void(actor, notice_id, reason), _("Đã hủy phiếu báo."), "")

    def _ask(self, title: str, text: str, label: str) -> str:
        return (dialogs.ask_text(self, title, text, label=label, lines=2) or "").strip()

    def _run(self, command: Callable[[], Changes], said: str, then_open: str) -> None:
        def done(_changes: Changes) -> None:
            self.say(said, Severity.SUCCESS)
            self._reason = ""
            if then_open:
                self._open("", then_open)
            else:
                self._opened = None
                self._to_list()

        self._session.command(command, done=done, failed=self._refused, owner=self)

    def _refused(self, error: StationError) -> None:
        if isinstance(error, InvalidRecord) and self._opened is not None:
            self._dirty = True  # what was typed is kept when the page is left
            left = self.form.set_problems(error.problems)
            for problem in left:
                self.say(problem.message, Severity.DANGER)
            if not left:
                self.say(_("Còn mục cần điền. Phần đã ghi vẫn được giữ."), Severity.WARNING)
            return
        self.say(str(error), Severity.DANGER)
