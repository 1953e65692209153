"""The page of a sick-leave certificate: its fields at the left, the paper at the right."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.birth import age_text
from station_emr.domain.errors import InvalidRecord, StationError
from station_emr.domain.permissions import Action, may_sign
from station_emr.domain.record import Changes, RecordKind
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    Banner,
    Button,
    ButtonKind,
    Card,
    Chip,
    ChipSpec,
    Message,
    Screen,
    Severity,
    Shortcut,
    dialogs,
    hbox,
    icon_button,
    primary,
    scrolled,
    secondary,
    vbox,
)
from station_emr.ui.kit.paper import PaperView
from station_emr.ui.models import routes
from station_emr.ui.models.paper_feed import PaperFeed
from station_emr.ui.models.session import Session
from station_emr.ui.screens.certificates.certificate_form import CertificateForm
from station_emr.ui.screens.certificates.desk import Opened, load_certificate

PREVIEW_MS: Final = 400
AUTOSAVE_MS: Final = 1500
_ROOM_FOR_BOTH: Final = 1080


class Mode(Enum):
    WRITE = "write"
    READ = "read"
    AMEND = "amend"


class CertificateScreen(Screen):
    """Entered with a CertificateRoute."""

    def __init__(self, session: Session) -> None:
        super().__init__("certificate")
        self._session = session
        self._opened: Opened | None = None
        self._mode = Mode.READ
        self._reason = self._wished = ""
        self._busy = False
        self._make_header()
        self.banner = Banner("certificate.banner", closable=False)
        self.page.addWidget(self.banner)
        self.form = CertificateForm(session.services.clock.now)
        inside = QWidget()
        column = vbox(self.form, parent=inside)
        column.setContentsMargins(GAP_M, GAP_M, GAP_M, GAP_M)
        card = Card(margin=1)
        card.add(scrolled(inside), 1)
        self.paper = PaperView("certificate.paper", _("Xem trước giấy nghỉ việc hưởng BHXH"))
        self.feed = PaperFeed(session, self.paper)
        self._ground = Card(sunken=True, margin=1)
        self._ground.add(self.paper, 1)
        row = hbox(card, self._ground, gap=GAP_M)
        row.setStretch(0, 7)
        row.setStretch(1, 5)
        self.page.addLayout(row, 1)
        self._redraw = self._timer(PREVIEW_MS, self._draw)
        self._autosave = self._timer(AUTOSAVE_MS, self._keep)
        self.form.edited.connect(self._edited)
        session.changed.connect(self._news)

    def _timer(self, milliseconds: int, call: Callable[[], object]) -> QTimer:
        made = QTimer(self)
        made.setSingleShot(True)
        made.setInterval(milliseconds)
        made.timeout.connect(call)
        return made

    def _make_header(self) -> None:
        self.back = icon_button("arrow-left", "certificate.back", _("Về lượt khám (Esc)"))
        self.void = Button(_("Hủy giấy"), "certificate.void", kind=ButtonKind.DANGER)
        self.reissue = secondary(_("Cấp lại"), "certificate.reissue", icon="arrows-clockwise")
        self.amend = secondary(_("Sửa đổi"), "certificate.amend", icon="pencil-simple")
        self.stop = secondary(_("Thôi sửa đổi"), "certificate.stop")
        self.print = secondary(_("In"), "certificate.print", Shortcut.PRINT, "printer")
        self.sign = primary(_("Ký"), "certificate.sign", Shortcut.SIGN)
        self.chip = Chip("")
        buttons = (self.void, self.reissue, self.amend, self.stop, self.print, self.sign)
        for button in buttons:
            button.hide()  # all of them at once would be wider than the page
        self.header = self.add_header(_("Giấy nghỉ việc hưởng BHXH"), "", *buttons)
        self.header.add_beside_title(self.chip)
        self.back.clicked.connect(self._to_visit)
        self.header.add_beside_title(self.back)
        self.sign.clicked.connect(self._sign)
        self.print.clicked.connect(self.print_action)
        self.void.clicked.connect(self._void)
        self.reissue.clicked.connect(self._reissue)
        self.amend.clicked.connect(self._begin_amendment)
        self.stop.clicked.connect(self._reload)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._ground.setVisible(self.width() >= _ROOM_FOR_BOTH)

    # -- hooks of the frame --------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self._wished = context.field if isinstance(context, routes.CertificateRoute) else ""
        if isinstance(context, routes.CertificateRoute):
            self._open(context.encounter_id)
        elif self._opened is not None:
            self._reload()

    @override
    def on_leave(self) -> bool:
        self._keep()
        return True

    @override
    def on_back(self) -> bool:
        self._to_visit()
        return True

    @override
    def save_action(self) -> bool:
        self._autosave.start()
        self._keep()
        return self._mode is Mode.WRITE

    @override
    def print_action(self) -> bool:
        opened = self._opened
        if opened is None:
            return False
        self._keep()
        if not opened.kept and not self._autosave.isActive() and opened.is_draft:
            self.say(_("Giấy chưa ký nên chưa in được. Hãy điền đủ rồi ký."))
            return True
        route = routes.PreviewRoute(RecordKind.CERTIFICATE, opened.certificate.id)
        self.go(routes.PREVIEW, route)
        return True

    # -- reading -------------------------------------------------------------------------------

    def _open(self, encounter_id: str) -> None:
        session = self._session
        session.ask(
            lambda: load_certificate(session.services, session, encounter_id),
            self._show,
            owner=self,
            failed=self._refused,
            latest="certificate.open",
        )

    def _reload(self) -> None:
        if self._opened is not None:
            self._open(self._opened.certificate.encounter_id)

    def _news(self, changes: Changes) -> None:
        """Another page signed the visit, or a machine brought another version."""
        opened = self._opened
        if opened is None or not self.isVisible() or self._mode is Mode.AMEND or self._busy:
            return
        ours = {opened.certificate.encounter_id}
        if not opened.is_draft:
            ours.add(opened.certificate.id)
        if any(item.record_id in ours for item in changes.items):
            self._reload()

    def _show(self, opened: Opened) -> None:
        self._opened, self._reason, self._busy = opened, "", False
        writes = opened.is_draft and self._session.may(Action.CERTIFICATE_PREPARE)
        self._mode = Mode.WRITE if writes else Mode.READ
        self._autosave.stop()
        self._dress()
        self._draw()
        if not self.form.form.go_to(self._wished) and writes:
            self.form.form.focus_first()

    def _dress(self) -> None:
        opened = self._opened
        if opened is None:
            return
        session, mode = self._session, self._mode
        today = session.services.clock.now().date()
        person = opened.patient
        title = _("Giấy nghỉ việc hưởng BHXH: {name}").format(name=person.full_name)
        number = opened.certificate.number or _("chưa có số")
        detail = f"{person.sex.label}, {age_text(person.birth, today)} · {number}"
        self.header.set_title(title, detail)
        reads, writes = mode is Mode.READ, mode is Mode.WRITE
        self.form.show_certificate(opened, read_only=reads)
        self._show_limit()
        user = session.actor.user
        signs = session.may(Action.CERTIFICATE_SIGN) and may_sign(user.role, user.licence_no)
        self.sign.setVisible(not reads and signs)
        self.sign.setEnabled(opened.visit_signed)
        self.sign.set_label(_("Ký") if writes else _("Ký bản sửa đổi"))
        self.amend.setVisible(reads and opened.counts and session.may(Action.RECORD_AMEND))
        self.reissue.setVisible(reads and opened.counts and signs)
        self.void.setVisible(reads and opened.counts and session.may(Action.RECORD_VOID))
        self.stop.setVisible(mode is Mode.AMEND)
        self.print.setVisible(reads and session.may(Action.PRINT))
        severity = Severity.NEUTRAL if opened.is_draft else Severity.SUCCESS
        if opened.certificate.reissued:
            self.chip.set(ChipSpec(_("Cấp lại"), Severity.INFO))
        else:
            severity = severity if opened.counts or opened.is_draft else Severity.DANGER
            self.chip.set(ChipSpec(_(opened.status.label), severity))
        self._tell(signs)

    def _tell(self, signs: bool) -> None:
        opened = self._opened
        if opened is None or not opened.is_draft:
            self.banner.dismiss()
            return
        if not opened.visit_signed:
            text = _("Lượt khám chưa ký. Giấy này được giữ nháp, ký lượt khám rồi mới ký giấy.")
        elif not signs:
            text = _("Bạn soạn được giấy này; bác sĩ, y sĩ có giấy phép hành nghề mới ký được.")
        elif opened.voided_number:
            text = _("Giấy {number} của lượt khám này đã hủy. Đây là giấy mới.").format(
                number=opened.voided_number
            )
        else:
            self.banner.dismiss()
            return
        self.banner.show_message(Message(text=text, severity=Severity.INFO))

    # -- typing --------------------------------------------------------------------------------

    def _edited(self) -> None:
        self._show_limit()
        self._redraw.start()
        if self._mode is Mode.WRITE:
            self._autosave.start()

    def _show_limit(self) -> None:
        opened = self._opened
        if opened is None:
            return
        typed = self.form.certificate(opened.certificate)
        limit = self._session.services.certificates.limit(typed)
        self.form.show_limit(_("Nhiều nhất {days} ngày").format(days=limit.days))

    def _draw(self) -> None:
        opened = self._opened
        if opened is None:
            return
        prints, actor = self._session.services.prints, self._session.actor
        if self._mode is Mode.READ and opened.kept:
            record_id = opened.certificate.id
            self.feed.show(lambda: prints.preview(actor, RecordKind.CERTIFICATE, record_id))
            return
        typed = self.form.certificate(opened.certificate)
        self.feed.show(lambda: prints.preview_draft(actor, typed))

    def _keep(self) -> None:
        """Keep the draft as typed; nothing is judged."""
        opened = self._opened
        if opened is None or self._mode is not Mode.WRITE or not self._autosave.isActive():
            return
        self._autosave.stop()
        typed = self.form.certificate(opened.certificate)
        session = self._session
        session.command(
            lambda: session.services.certificates.save_draft(session.actor, typed),
            failed=self._refused,
        )
        now = session.services.clock.now()
        session.saved.emit(f"{now:%H:%M:%S}")

    # -- signing -------------------------------------------------------------------------------

    def _sign(self) -> None:
        opened = self._opened
        if opened is None or self._busy:
            return
        self._busy = True
        self._autosave.stop()
        typed = self.form.certificate(opened.certificate)
        certificates, actor = self._session.services.certificates, self._session.actor
        reason, version = self._reason, opened.version
        self._session.command(
            (lambda: certificates.amend(actor, typed, version, reason))
            if self._mode is Mode.AMEND
            else (lambda: certificates.sign(actor, typed)),
            done=self._signed,
            failed=self._refused,
            owner=self,
        )

    def _signed(self, _changes: Changes) -> None:
        self._busy = False
        self._reload()
        self.say(_("Đã ký giấy nghỉ việc hưởng BHXH. Bấm Ctrl+P để in hai liên."), Severity.SUCCESS)

    def _begin_amendment(self) -> None:
        reason = self._ask(
            _("Sửa đổi giấy nghỉ việc hưởng BHXH"),
            _("Giấy giữ nguyên số. Bản đã ký được giữ; bản mới ghi kèm lý do."),
            _("Lý do sửa đổi"),
        )
        if reason:
            self._reason, self._mode = reason, Mode.AMEND
            self._dress()
            self._draw()
            if not self.form.form.go_to(self._wished):
                self.form.form.focus_first()

    def _reissue(self) -> None:
        opened = self._opened
        reason = self._ask(
            _("Cấp lại giấy"),
            _("Giấy cũ bị hủy, giấy mới có số mới và mang dấu “CẤP LẠI”."),
            _("Lý do cấp lại (mất, hỏng, sai)"),
        )
        if not reason or opened is None:
            return
        certificates, actor = self._session.services.certificates, self._session.actor
        paper, version = opened.certificate.id, opened.version
        self._run(
            lambda: certificates.reissue(actor, paper, reason, version),
            _("Đã cấp lại giấy với số mới. Bấm Ctrl+P để in."),
        )

    def _void(self) -> None:
        opened = self._opened
        reason = self._ask(
            _("Hủy giấy nghỉ việc hưởng BHXH"),
            _("Số giấy vẫn được giữ, không dùng lại. Nội dung vẫn đọc được."),
            _("Lý do hủy"),
        )
        if not reason or opened is None:
            return
        certificates, actor = self._session.services.certificates, self._session.actor
        paper = opened.certificate.id
        self._run(lambda: certificates.void(actor, paper, reason), _("Đã hủy giấy."))

    def _run(self, command: Callable[[], Changes], said: str) -> None:
        self._busy = True

        def done(_changes: Changes) -> None:
            self._busy = False
            self._reload()
            self.say(said, Severity.SUCCESS)

        self._session.command(command, done=done, failed=self._refused, owner=self)

    def _ask(self, title: str, text: str, label: str) -> str:
        return (dialogs.ask_text(self, title, text, label=label, lines=2) or "").strip()

    def _refused(self, error: StationError) -> None:
        self._busy = False
        if not isinstance(error, InvalidRecord):
            self.say(str(error), Severity.DANGER)
            return
        left = self.form.set_problems(error.problems)
        if left:
            text = " ".join(problem.message for problem in left)
            self.banner.show_message(Message(text=text, severity=Severity.DANGER))
        self.say(_("Chưa ký: còn mục cần xem lại. Nháp vẫn được giữ."), Severity.WARNING)

    def _to_visit(self) -> None:
        opened = self._opened
        if opened is None:
            self.go(routes.TODAY)
            return
        self.go(routes.ENCOUNTER, routes.EncounterRoute(opened.certificate.encounter_id))
