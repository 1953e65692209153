"""The page of a visit: opens it, keeps it while it is typed, shows what became of it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QStackedWidget
from typing_extensions import override

from station_emr.domain.claim import ClaimPlace
from station_emr.domain.errors import InvalidRecord, NotFound, Problem, StationError
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.services.i18n import _
from station_emr.services.visits import VisitPapers
from station_emr.ui.kit import (
    EmptyState,
    Screen,
    Severity,
    Shortcut,
    secondary,
)
from station_emr.ui.models import routes
from station_emr.ui.models.claim_jump import HERE
from station_emr.ui.models.session import Session
from station_emr.ui.screens.encounter.claim_panel import KEY as CLAIM_KEY
from station_emr.ui.screens.encounter.desk import VisitDesk
from station_emr.ui.screens.encounter.keeper import DraftKeeper
from station_emr.ui.screens.encounter.notice_strip import NoticeStrip
from station_emr.ui.screens.encounter.other_papers import OtherPapers
from station_emr.ui.screens.encounter.rights import Rights
from station_emr.ui.screens.encounter.signing import VisitSigning
from station_emr.ui.screens.encounter.visit_file import (
    VisitFile,
    find_visit,
    first_paper,
    going_on,
    judge,
    load_visit,
)
from station_emr.ui.screens.encounter.ways_out import WaysOut

JUDGE_MS: Final = 350


class EncounterScreen(Screen):
    """Khám bệnh. Entered with an :class:`EncounterRoute`, or None for the visit in progress."""

    def __init__(self, session: Session) -> None:
        super().__init__("encounter")
        self._session = session
        self._file: VisitFile | None = None
        self._wished = ""  # the field that somebody came for
        self._rights = Rights(session)
        self._desk = VisitDesk(session)
        self.facts, self.form = self._desk.facts, self._desk.form
        self.outcome, self.saved = self._desk.outcome, self._desk.saved
        self.notice = NoticeStrip(session)
        self.outcome.put_on_top(self.notice)
        self.other = OtherPapers(session, self.outcome.other)
        self._stack = QStackedWidget()
        self._lay_out()
        self.keeper = DraftKeeper(session, self.form.collect, self)
        self.signing = VisitSigning(session, self.form.collect, self)
        self._ways = WaysOut(session, self.keeper, lambda: self._file, self)
        self._judging = QTimer(self)
        self._judging.setSingleShot(True)
        self._judging.setInterval(JUDGE_MS)
        self._judging.timeout.connect(self._judge)
        self._connect()

    def _lay_out(self) -> None:
        to_today = secondary(_("Về Hôm nay"), "encounter.today")
        to_today.clicked.connect(lambda: self.go(routes.TODAY))
        self._empty = EmptyState(
            "stethoscope",
            _("Chưa có lượt khám đang mở"),
            _("Chọn một người trong cột Chờ ở màn hình Hôm nay (F2), hoặc tìm tên bằng Ctrl+K."),
            to_today,
        )
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._desk)
        self.page.addWidget(self._stack)

    def _connect(self) -> None:
        form, out, ways, signing = self.form, self.outcome, self._ways, self.signing
        form.changed.connect(self._changed)
        form.settled.connect(self._judge)
        form.prescription.person_wanted.connect(ways.to_person)
        self.keeper.told.connect(self.saved.setText)
        self.keeper.refused.connect(lambda text: self.say(text, Severity.DANGER))
        self._desk.claim.wanted.connect(self._mend)
        self._desk.claim.told.connect(lambda text: self.say(text, Severity.WARNING))
        out.wanted.connect(form.go_to)
        out.follow_up.clicked.connect(form.closing.focus_follow_up)
        out.refer.clicked.connect(ways.to_letter)
        out.bill.clicked.connect(ways.to_bill)
        out.sign.clicked.connect(self._sign)
        out.print.clicked.connect(self.print_action)
        out.amend.clicked.connect(self._begin_amendment)
        out.void.clicked.connect(signing.void)
        out.history.clicked.connect(ways.to_history)
        out.keep_amendment.clicked.connect(self._sign)
        out.drop_amendment.clicked.connect(self._give_up)
        self.notice.wanted.connect(ways.to_notice)
        self.other.certificate_wanted.connect(ways.to_certificate)
        self.other.form_wanted.connect(ways.to_form)
        ways.left.connect(self.go)
        signing.signed.connect(self._signed)
        signing.refused.connect(self._not_signed)
        signing.voided.connect(self._voided)
        signing.failed.connect(lambda error: self.say(str(error), Severity.DANGER))
        self._session.changed.connect(self._news)
        for keys, call in (
            ("Alt+E", self.form.closing.focus_follow_up),
            ("Alt+Y", self.form.prescription.repeat_earlier),
            ("Alt+J", self.outcome.other.click),
            (CLAIM_KEY, self._desk.claim.begin),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(call)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._desk.fit(self.width())

    # -- hooks of the frame --------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self._wished = ""
        if isinstance(context, routes.EncounterRoute):
            self._wished = context.field
            self._open(context.encounter_id, jump=bool(context.field), version=context.version)
        elif self._file is not None and (self._file.is_draft or self._ways.returning):
            self._open(self._file.encounter.id)
        else:
            services, actor = self._session.services, self._session.actor
            self._session.ask(
                lambda: find_visit(services, actor),
                self._found,
                owner=self,
                latest="encounter.open",
            )
        self._ways.returning = False

    @override
    def on_leave(self) -> bool:
        self.keeper.keep()
        self.signing.typed.flush()
        return True

    @override
    def save_action(self) -> bool:
        if not self._editing_draft():
            return False
        self.keeper.touch()
        self.keeper.keep()
        return True

    @override
    def print_action(self) -> bool:
        """Look at the first paper of the visit, and print it from there."""
        if self._file is None:
            return False
        papers = self.form.collect()
        self.keeper.keep()
        paper = first_paper(self._file, papers)
        if paper is not None:
            self._ways.to_paper(*paper)
        else:
            self.say(_("Lượt khám này chưa có giấy nào để in."))
        return True

    @override
    def event(self, event: QEvent) -> bool:
        # F5 is the list of letters everywhere; here it means the letter of this visit. So with bills.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            letter = event.key() == Qt.Key.Key_F5 and self.outcome.refer.isVisibleTo(self)
            bill = _is_bill_key(event) and self.outcome.bill.isVisibleTo(self)
            if self._file is not None and (letter or bill):
                event.accept()
                return True
        return super().event(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F5 and self._file is not None:
            self._ways.to_letter()
            return
        if _is_bill_key(event) and self._file is not None:
            self._ways.to_bill()
            return
        super().keyPressEvent(event)

    # -- opening -------------------------------------------------------------------------------

    def _found(self, encounter_id: str) -> None:
        if encounter_id:
            self._open(encounter_id)
        elif self._file is None:
            self._stack.setCurrentIndex(0)

    def _open(self, encounter_id: str, *, jump: bool = False, version: int = 0) -> None:
        services, actor = self._session.services, self._session.actor
        self._session.ask(
            lambda: load_visit(services, actor, encounter_id, version),
            lambda file: self._show(file, jump=jump),
            owner=self,
            failed=self._not_opened,
            latest="encounter.open",
        )

    def _reload(self) -> None:
        if self._file is not None:
            self._open(self._file.encounter.id, version=self._file.earlier)

    def _not_opened(self, error: StationError) -> None:
        if isinstance(error, NotFound):
            self._file = None
            self.signing.follow(None)
            self._stack.setCurrentIndex(0)
        self.say(str(error), Severity.DANGER)

    def _show(self, file: VisitFile, *, jump: bool = False) -> None:
        self._file = file
        self.signing.follow(file)
        self.keeper.begin(is_open=self._editing_draft())
        self.facts.show_file(file)
        self.form.fill(file)
        self._set_mode()
        self._stack.setCurrentIndex(1)
        self._desk.claim.follow("" if file.earlier else file.encounter.id)
        self._judge()
        if jump:
            self._go_to_wished(file)
        elif self._editing_draft():
            self.form.focus_start()

    def _go_to_wished(self, file: VisitFile) -> None:
        """To the field that was asked for; a signed visit says how it is mended."""
        self.form.go_to(self._wished)
        if not file.is_draft:
            self.say(self._rights.how_to_mend, Severity.INFO)

    def _editing_draft(self) -> bool:
        return self._file is not None and self._file.is_draft and self._rights.edit

    def _set_mode(self) -> None:
        file = self._file
        if file is None:
            return
        amending = bool(self.signing.reason)
        open_ = self._editing_draft() or amending
        self.form.set_read_only(
            visit=not open_,
            prescription=not open_ or not file.may_write(file.prescription),
            appointment=not open_ or not file.may_write(file.appointment),
        )
        self.form.prescription.let_correct(self._editing_draft() and self._rights.correct_person)
        signed = file.status in (RecordStatus.SIGNED, RecordStatus.AMENDED) and not file.earlier
        self.outcome.show_mode(
            draft=file.is_draft,
            amending=amending,
            may_edit=self._rights.edit,
            may_amend=signed and self._rights.sign,
            may_bill=self._session.may(Action.BILL_PREPARE) and not file.earlier,
            printable=self._rights.print
            and any((file.prescription, file.appointment, file.referral)),
        )
        self.outcome.sign.setEnabled(self._rights.sign and not self.signing.busy)
        why_not = "" if amending else self._rights.why_not(is_draft=file.is_draft)
        if file.earlier:
            why_not = _("Đây là bản {n} để xem lại; bản hiện hành không thay đổi.").format(
                n=file.earlier
            )
        self.outcome.set_note(why_not)
        self.form.show_state(file, amending=self.signing.reason)

    # -- typing --------------------------------------------------------------------------------

    def _changed(self) -> None:
        if self._file is None:
            return
        self.keeper.touch()
        if self.signing.reason:
            self.signing.typed.touch()
        self._judging.start()

    def _judge(self) -> None:
        """Look through the papers off the GUI thread and show what is found."""
        self._judging.stop()
        file = self._file
        if file is None:
            return
        papers = self.form.collect()
        self.outcome.show_papers(file, papers)
        self.notice.follow(papers.encounter)
        if not (self._editing_draft() or self.signing.reason):
            return
        services, patient = self._session.services, file.patient
        self._session.ask(
            lambda: judge(services, papers, patient),
            lambda problems: self._judged(problems, papers),
            owner=self,
            latest="encounter.judge",
        )

    def _judged(self, problems: tuple[Problem, ...], papers: VisitPapers) -> None:
        self.form.show_problems(problems)
        self.outcome.show_problems(problems, papers.encounter.confirmed)

    def _news(self, changes: Changes) -> None:
        """Something else changed the record: read again what is shown here."""
        file = self._file
        own = changes is self.keeper.last or self.keeper.dirty
        if own or file is None or not self.isVisible():
            return
        ours = {file.encounter.id, file.patient.id}
        if any(item.record_id in ours for item in changes.items) and not self.signing.reason:
            self._reload()

    def _mend(self, place: ClaimPlace) -> None:
        """To where a fault of the claim is mended: a field here, or another page and back."""
        if not self._ways.to_mend(place) and place.screen in HERE:
            self.form.go_to(place.field)

    # -- signing -------------------------------------------------------------------------------

    def _sign(self) -> None:
        if self._file is None or self.signing.busy or not self._rights.sign:
            return
        self.keeper.pause()
        self._judging.stop()
        self.outcome.sign.setEnabled(False)
        self.signing.sign(self.form.collect())

    def _signed(self, changes: Changes, amended: bool) -> None:
        self._wished = ""
        self.keeper.dirty = False
        self.keeper.last = changes
        self._reload()
        self.say(
            _("Đã lưu sửa đổi cùng lý do. Bản trước vẫn được giữ.")
            if amended
            else _("Đã ký và cất lượt khám. In lại bất cứ lúc nào bằng Ctrl+P."),
            Severity.SUCCESS,
        )
        for kind in (RecordKind.PRESCRIPTION, RecordKind.APPOINTMENT):
            if changes.touches(kind) and self._rights.print:
                self._ways.to_paper(kind, changes.id_of(kind))
                return

    def _not_signed(self, error: StationError) -> None:
        self._set_mode()
        if not self.signing.reason:
            self.keeper.resume()
        if not isinstance(error, InvalidRecord):
            self.say(str(error), Severity.DANGER)
            return
        self.form.show_problems(error.problems, strict=True)
        self.outcome.show_problems(error.problems, ())
        self.form.go_to(error.problems[0].field)
        self.say(_("Chưa ký: còn mục cần xem lại. Nháp vẫn được giữ."), Severity.WARNING)

    # -- after the signature -------------------------------------------------------------------

    def _begin_amendment(self) -> None:
        file = self._file
        if file is None or not self.signing.begin_amendment():
            return
        if file.typed is not None:
            self.form.fill(going_on(file))
            self.say(_("Sửa đổi gõ dở lần trước đã được mở lại. Hãy xem lại rồi lưu sửa đổi."))
        self._set_mode()
        self._judge()
        self.form.go_to(self._wished or "reason")

    def _give_up(self) -> None:
        self.signing.forget()
        self._reload()

    def _voided(self) -> None:
        self.say(_("Đã hủy lượt khám cùng lý do. Giấy đã in cần được thu lại."), Severity.SUCCESS)
        self._reload()


def _is_bill_key(event: QKeyEvent) -> bool:
    return QKeySequence(event.keyCombination()) == Shortcut.BILLING.key
