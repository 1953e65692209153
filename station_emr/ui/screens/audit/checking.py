"""The check of the chain: how far it is, stopping it, and what it found."""

from __future__ import annotations

import threading

from PySide6.QtWidgets import QProgressBar, QWidget

from station_emr.domain.audit import ChainHead, ChainReport, read_anchor
from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Role
from station_emr.services.audit_report_words import details, thousands, verdict
from station_emr.services.i18n import _
from station_emr.ui import tasks
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Banner,
    Button,
    Message,
    Severity,
    dialogs,
    hbox,
    label,
    named,
    secondary,
    vbox,
)
from station_emr.ui.models.session import Session


class CheckBox(QWidget):
    """``start`` is the button that begins it; it waits while a check is running."""

    def __init__(self, session: Session, start: Button) -> None:
        super().__init__()
        self._session, self._start = session, start
        self._stop = threading.Event()
        self.banner = Banner("audit.banner")
        self.more = label("", "muted", wrap=True)
        self.compare = secondary(_("So với &mốc trên giấy…"), "audit.compare", icon="qr-code")
        self.explain = secondary(_("&Ghi lý do…"), "audit.explain", icon="note-pencil")
        self._missed: tuple[ChainHead, ...] = ()
        self.bar = named(QProgressBar(), "audit.bar", _("Phần nhật ký đã kiểm tra"))
        self.bar.setTextVisible(False)
        self.words = label("", "muted")
        self.stop = secondary(_("&Dừng"), "audit.stop", icon="x-circle")
        self._running = QWidget()
        line = hbox(self.bar, self.words, self.stop, gap=GAP_M, parent=self._running)
        line.setStretch(0, 1)
        self._found = QWidget()
        found = hbox(self.more, self.explain, self.compare, gap=GAP_M, parent=self._found)
        found.setStretch(0, 1)
        vbox(self._running, self.banner, self._found, gap=GAP_S, parent=self)
        self._running.hide()
        self._found.hide()
        start.clicked.connect(self._pressed)
        self.stop.clicked.connect(self._ask_to_stop)
        self.compare.clicked.connect(self._ask_anchor)
        self.explain.clicked.connect(self._ask_reason)

    def _pressed(self) -> None:
        self.begin()

    def begin(self, printed: tuple[ChainHead, ...] = ()) -> None:
        trail, actor = self._session.services.trail, self._session.actor
        self._stop.clear()
        self._start.setEnabled(False)
        self.banner.dismiss()
        self._found.hide()
        self.bar.setRange(0, 0)
        self.words.setText(_("Đang bắt đầu…"))
        self.stop.setEnabled(True)
        self._running.show()

        def run(progress: tasks.Progress) -> ChainReport:
            def tell(done: int, total: int) -> bool:
                progress.report(done, total)
                return not self._stop.is_set()

            return trail.verify(actor, tell, printed=printed)

        self._session.runner.run_long(
            run,
            done=self._ended,
            failed=self._failed,
            progress=self._show,
            finally_=self._close,
            owner=self,
        )

    def _show(self, done: int, total: int, _text: str) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.words.setText(
            _("{done} trên {total} dòng").format(done=thousands(done), total=thousands(total))
        )

    def _ask_to_stop(self) -> None:
        self._stop.set()
        self.stop.setEnabled(False)
        self.words.setText(_("Đang dừng…"))

    def _ask_anchor(self) -> None:
        typed = dialogs.ask_text(
            self,
            _("So với mốc trên giấy"),
            _("Quét mã QR trên phiếu mốc nhật ký, hoặc gõ số dòng, dấu hai chấm và 64 ký tự."),
            label=_("Mốc"),
        )
        if typed is None:
            return
        head = read_anchor(typed)
        if head is None:
            self._tell(_("Chưa phải là mốc: cần số dòng, dấu hai chấm và đủ 64 ký tự."))
        else:
            self.begin((head,))

    def _ask_reason(self) -> None:
        """The director says why ends are missing; what was seen stays in every later check."""
        reason = dialogs.ask_text(
            self,
            _("Vì sao nhật ký khác mốc đã ghi?"),
            _(
                "Chỉ ghi khi biết chắc, ví dụ vừa khôi phục từ bản sao lưu. Lý do và tên giám đốc "
                "được giữ trong nhật ký."
            ),
            label=_("Lý do"),
        )
        if reason is None:
            return
        trail, actor, missed = self._session.services.trail, self._session.actor, self._missed

        def accept() -> None:
            for head in missed:
                trail.accept(actor, head, reason)

        self._session.runner.run(
            accept, done=lambda _none: self.begin(), failed=self._failed, owner=self
        )

    def _ended(self, report: ChainReport) -> None:
        if report.is_whole:
            odd = report.check.step_count > 0
            severity = Severity.WARNING if odd else Severity.SUCCESS
        else:
            severity = Severity.DANGER if report.check.finished else Severity.WARNING
        self._tell(verdict(report), severity)
        self.more.setText("\n".join(details(report)))
        self._missed = tuple(
            {one.evidence.head.words: one.evidence.head for one in report.disagreeing}.values()
        )
        director = self._session.actor.role is Role.DIRECTOR
        self.explain.setVisible(director and bool(self._missed) and report.check.broken is None)
        self._found.show()

    def _failed(self, error: StationError) -> None:
        self._tell(str(error))

    def _tell(self, text: str, severity: Severity = Severity.DANGER) -> None:
        self.banner.show_message(Message(text=text, severity=severity))

    def _close(self) -> None:
        held = self.stop.hasFocus()
        self._running.hide()
        self._start.setEnabled(True)
        if held:
            self._start.setFocus()
