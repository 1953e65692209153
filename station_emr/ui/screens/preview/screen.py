"""A paper to look at, to print and to save: the pages, their thumbnails, and what was printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtGui import QImage
from PySide6.QtPrintSupport import QPrinter
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.file_names import file_part
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.signature import SIGNED_KINDS
from station_emr.services.i18n import _
from station_emr.services.prints import Printed
from station_emr.services.versions import KEPT_KINDS
from station_emr.services.visit_forms import TRANSFER
from station_emr.ui.kit import (
    Banner,
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
    label,
    primary,
    secondary,
)
from station_emr.ui.kit.paper import PaperView, render_pages
from station_emr.ui.models import routes
from station_emr.ui.models.joined import joined_words
from station_emr.ui.models.paper_feed import PaperFeed
from station_emr.ui.models.session import Session
from station_emr.ui.screens.preview.paper import Paper, load_paper
from station_emr.ui.screens.preview.printing import Printing, PrintJob, SystemPrinting
from station_emr.ui.screens.preview.signature_line import SignatureLine
from station_emr.ui.screens.preview.thumbs import THUMB_WIDTH, Thumbs
from station_emr.ui.screens.preview.zoom import Zoom
from station_emr.ui.tasks import Lane

_TITLES: Final = {
    RecordKind.REFERRAL: "Phiếu chuyển",
    RecordKind.PRESCRIPTION: "Đơn thuốc",
    RecordKind.APPOINTMENT: "Phiếu hẹn khám lại",
    RecordKind.BILL: "Bảng kê chi phí",
    RecordKind.CERTIFICATE: "Giấy nghỉ việc hưởng BHXH",
    RecordKind.NOTIFICATION: "Báo bệnh truyền nhiễm",
    RecordKind.ENCOUNTER: "Giấy tờ lượt khám",
}


_FILES: Final = {
    RecordKind.REFERRAL: "phieu-chuyen",
    RecordKind.PRESCRIPTION: "don-thuoc",
    RecordKind.APPOINTMENT: "phieu-hen",
    RecordKind.BILL: "bang-ke",
    RecordKind.CERTIFICATE: "giay-nghi-bhxh",
    RecordKind.NOTIFICATION: "bao-benh-truyen-nhiem",
}
_HISTORY: Final = frozenset(KEPT_KINDS)


class PreviewScreen(Screen):
    """``PreviewRoute`` says which paper. A draft shows its watermark and cannot be printed."""

    def __init__(self, session: Session, printing: Printing | None = None) -> None:
        super().__init__("preview")
        self._session = session
        self._services = session.services
        self._actor = session.actor
        self._printing = printing or SystemPrinting()
        self._paper: Paper | None = None
        self._version = 0
        self._left_over: Printed | None = None
        self._job: PrintJob | None = None
        self.view = PaperView("preview.pages", _("Các trang giấy"))
        self.zoom = Zoom(self.view, self)
        self._make_header()
        self.banner = Banner("preview.banner", closable=False)
        self.joined = label("", "muted", wrap=True)
        self.joined.hide()
        self.page.addWidget(self.joined)
        self.page.addWidget(self.banner)
        self.signatures = SignatureLine(session)
        self.signatures.sign_wanted.connect(lambda: self.go(routes.SIGNING))
        self.signatures.said.connect(self.say)
        self.page.addWidget(self.signatures)
        self.thumbs = Thumbs()
        ground = Card(sunken=True, margin=1)
        row = hbox(self.thumbs, self.view, gap=0)
        row.setStretch(1, 1)
        ground.body.addLayout(row, 1)
        self.page.addWidget(ground, 1)
        self.feed = PaperFeed(session, self.view)
        self.feed.shown.connect(self._draw_thumbs)
        self.thumbs.picked.connect(self.view.go_to)
        self.view.page_changed.connect(self._page_changed)

    def _make_header(self) -> None:
        self._page_text = label("", "muted")
        self.history = secondary(_("Phiên &bản"), "preview.history", icon="clock-counter-clockwise")
        self.history.setToolTip(_("Lịch sử phiên bản của giấy này"))
        self.save = secondary(_("Lưu PDF"), "preview.save", Shortcut.SAVE, "file-pdf")
        self.print = primary(_("In"), "preview.print", Shortcut.PRINT, "printer")
        self.back = icon_button("arrow-left", "preview.back", _("Quay lại (Esc)"))
        self.chip = Chip("")
        header = self.add_header(
            _("Xem trước"),
            "",
            self._page_text,
            *self.zoom.all,
            self.history,
            self.save,
            self.print,
        )
        header.add_beside_title(self.chip)
        self.header = header
        self.print.clicked.connect(self.print_action)
        self.save.clicked.connect(self.save_action)
        self.history.clicked.connect(self._to_history)

    # -- showing ---------------------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        if isinstance(context, routes.PreviewRoute):
            self._left_over = None
            self._version = context.version
            self.feed.clear(_("Đang vẽ trang…"))
            self._load(context.kind, context.record_id, context.form)
        elif self._paper is not None:
            self._load(self._paper.kind, self._paper.record_id, self._paper.form)
        else:
            self.feed.clear(_("Chưa chọn giấy nào để xem."))
            self._allow()
        self.view.setFocus()

    def _load(self, kind: RecordKind, record_id: str, form: str = "") -> None:
        self._session.ask(
            lambda: load_paper(self._services, self._actor, kind, record_id, form),
            self._show,
            owner=self,
            failed=self._failed,
            latest="preview.paper",
        )

    def _show(self, paper: Paper) -> None:
        self._paper = paper
        title = _("{kind}: {person}").format(kind=self._name_of(paper), person=paper.person)
        self.header.set_title(title, paper.told)
        self.joined.setText(joined_words(paper.joined_number, paper.chart_number))
        self.joined.setVisible(bool(paper.joined_number))
        severities = {
            RecordStatus.DRAFT: Severity.NEUTRAL,
            RecordStatus.VOIDED: Severity.DANGER,
        }
        self.chip.set(
            ChipSpec(_(paper.status.label), severities.get(paper.status, Severity.SUCCESS))
        )
        self._allow()
        # An earlier version is neither signed nor collected any more.
        looked_back = paper.is_draft or bool(self._version)
        looked_back = looked_back or bool(paper.form) or paper.kind not in SIGNED_KINDS
        self.signatures.show_paper(paper.kind, paper.record_id, draft=looked_back)
        prints, actor = self._services.prints, self._actor
        version, versions = self._version, self._services.versions
        self.history.setVisible(not paper.is_draft and paper.kind in _HISTORY)
        if version:
            self.feed.show(lambda: versions.paper(actor, paper.kind, paper.record_id, version))
            return
        if paper.form:
            forms = self._services.visit_forms
            self.feed.show(lambda: forms.preview(actor, paper.kind, paper.record_id, paper.form))
            return
        self.feed.show(lambda: prints.preview(actor, paper.kind, paper.record_id))

    def _name_of(self, paper: Paper) -> str:
        """What the paper is called; a form about a visit has its own title."""
        if not paper.form:
            return _(_TITLES[paper.kind])
        template = next(
            one for one in self._services.visit_forms.templates() if one.name == paper.form
        )
        return f"{_(template.title.capitalize())} {template.code}"

    def _to_history(self) -> None:
        if self._paper is not None:
            route = routes.VersionsRoute(self._paper.kind, self._paper.record_id)
            self.go(routes.VERSIONS, route)

    def _allow(self) -> None:
        paper = self._paper
        waits = paper is not None and paper.is_draft and paper.form != TRANSFER
        signed = paper is not None and not waits
        may = self._session.may(Action.PRINT)
        for button in (self.print, self.save):
            button.setEnabled(signed and may and not self._version)
        if self._version:
            told = _("Đây là bản {n} để xem lại, không in được. Bản hiện hành không thay đổi.")
            self._tell(told.format(n=self._version), Severity.INFO)
        elif waits:
            self._tell(_("Giấy này chưa ký nên chưa in được. Hãy ký trước rồi in."), Severity.INFO)
        elif not may:
            self._tell(_("Vai trò của bạn chỉ được xem, không được in giấy tờ."), Severity.INFO)
        else:
            self.banner.dismiss()

    def _tell(self, text: str, severity: Severity) -> None:
        self.banner.show_message(Message(text=text, severity=severity))

    def _draw_thumbs(self) -> None:
        pdf, ratio = self.feed.pdf, self.devicePixelRatioF()

        def drawn(pages: tuple[QImage, ...]) -> None:
            self.thumbs.set_pages(pages)
            self._page_changed(self.view.page)

        self._session.runner.run(
            lambda: render_pages(pdf, THUMB_WIDTH, ratio),
            done=drawn,
            owner=self,
            lane=Lane.POOL,
            latest="preview.thumbs",
        )
        self.zoom.say()

    def _page_changed(self, page: int) -> None:
        self.thumbs.mark(page)
        count = self.view.page_count
        text = _("Trang {page}/{count}").format(page=page + 1, count=count) if count else ""
        self._page_text.setText(text)

    # -- printing --------------------------------------------------------------------------------

    @override
    def print_action(self) -> bool:
        if self._paper is None or not self.print.isEnabled():
            return self._paper is not None
        if not self._printing.ready():
            self.banner.show_message(
                Message(
                    text=_(
                        "Máy này chưa có máy in. Hãy bật máy in, cắm dây rồi bấm In lại; "
                        "hoặc lưu PDF để in ở máy khác."
                    ),
                    severity=Severity.WARNING,
                    action_text=_("Lưu PDF"),
                    action=self._save_pdf,
                )
            )
            return True
        printer = self._printing.ask(self, self._document_name())
        if printer is not None:
            self._log_then(lambda printed: self._send(printer, printed))
        return True

    def _document_name(self) -> str:
        """The name in the printer's queue, which others can read: no person's name."""
        paper = self._paper
        return f"{self._name_of(paper)} {paper.number}" if paper else ""

    def _log_then(self, use: Callable[[Printed], None]) -> None:
        """Count the print once. A copy that was counted but did not come out is used again."""
        paper, left_over = self._paper, self._left_over
        if paper is None:
            return
        if left_over is not None:
            use(left_over)
            return
        self._busy(True)

        def counted(printed: Printed) -> None:
            self._left_over = printed
            use(printed)

        self._session.ask(
            lambda: self._printed(paper),
            counted,
            owner=self,
            failed=self._failed,
        )

    def _printed(self, paper: Paper) -> Printed:
        if not paper.form:
            return self._services.prints.print(self._actor, paper.kind, paper.record_id)
        made = self._services.visit_forms.print(
            self._actor, paper.kind, paper.record_id, paper.form
        )
        return Printed(pdf=made.pdf, file_name=made.file_name, copy=1, version=0)

    def _send(self, printer: QPrinter, printed: Printed) -> None:
        self._job = PrintJob(
            self._session.runner,
            printer,
            printed.pdf,
            done=lambda: self._came_out(printed, _("Đã gửi tới máy in.")),
            failed=self._jammed,
            parent=self,
        )
        self._job.start()

    def _jammed(self) -> None:
        self._busy(False)
        self.banner.show_message(
            Message(
                text=_(
                    "Máy in không nhận giấy này. Bản in đã được ghi nhận một lần, không mất. "
                    "Hãy kiểm tra máy in rồi bấm In lại, hoặc lưu PDF để in ở máy khác."
                ),
                severity=Severity.WARNING,
                action_text=_("Lưu PDF"),
                action=self._save_pdf,
            )
        )

    @override
    def save_action(self) -> bool:
        if self._paper is not None and self.save.isEnabled():
            self._save_pdf()
        return self._paper is not None

    def _save_pdf(self) -> None:
        paper = self._paper
        if paper is None:
            return
        kind = paper.form or _FILES[paper.kind]
        name = f"{kind}-{file_part(paper.number)}.pdf"
        target = dialogs.save_file(self, _("Lưu PDF"), Path.home() / name, "PDF (*.pdf)")
        if target is not None:
            self._log_then(lambda printed: self._write(target, printed))

    def _write(self, target: Path, printed: Printed) -> None:
        def write() -> bool:
            try:
                target.write_bytes(printed.pdf)
            except OSError:
                return False
            return True

        def written(done: bool) -> None:
            if done:
                self._came_out(printed, _("Đã lưu {file}.").format(file=target.name))
                return
            self._busy(False)
            self._tell(
                _("Không ghi được tệp vào thư mục này. Hãy chọn thư mục khác rồi lưu lại."),
                Severity.WARNING,
            )

        self._session.runner.run(write, done=written, owner=self, lane=Lane.POOL)

    def _came_out(self, printed: Printed, said: str) -> None:
        self._left_over = None
        self._busy(False)
        if printed.copy > 1:
            said += " " + _("Đây là bản in lại (lần {copy}).").format(copy=printed.copy)
        self.say(said, Severity.SUCCESS)
        if self._paper is not None:
            self._load(self._paper.kind, self._paper.record_id, self._paper.form)

    def _busy(self, busy: bool) -> None:
        for button in (self.print, self.save):
            button.setEnabled(not busy)

    def _failed(self, error: StationError) -> None:
        self._busy(False)
        self.feed.clear(str(error))
        self.say(str(error), Severity.DANGER)
