"""Getting the whole record of the station onto this machine: from a file or from the province.

It may take minutes and be cut off at any moment; what has come stays, and it goes on from there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QWidget

from station_emr.domain.errors import StationError
from station_emr.domain.record import Changes
from station_emr.domain.user import Actor
from station_emr.services.i18n import _
from station_emr.services.rebuild import (
    Cancelled,
    Progress,
    RebuildProgress,
    RebuildReport,
    SnapshotFacts,
)
from station_emr.ui import tasks
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Banner,
    Message,
    Severity,
    dialogs,
    hbox,
    label,
    named,
    secondary,
    vbox,
)
from station_emr.ui.kit.memory import memory
from station_emr.ui.models.session import Session

BEGUN: Final = "rebuild.begun"  # PROVINCE, or the path of the file, while it is not finished
PROVINCE: Final = "province"
FILES: Final = "Bản sao hồ sơ (*.semr);;Mọi tệp (*)"


class RebuildUse(Protocol):
    """The use case, as far as this page needs it."""

    def inspect(self, actor: Actor, path: str) -> SnapshotFacts: ...
    def from_file(
        self,
        actor: Actor,
        path: str,
        signer: str = "",
        progress: Progress = ...,
        cancelled: Cancelled = ...,
    ) -> RebuildReport: ...
    def from_province(
        self, actor: Actor, progress: Progress = ..., cancelled: Cancelled = ...
    ) -> RebuildReport: ...


class RebuildBox(QWidget):
    """``finished`` follows a rebuild that came to its end."""

    finished = Signal()

    def __init__(self, session: Session, rebuild: RebuildUse) -> None:
        super().__init__()
        self._session, self._rebuild, self._actor = session, rebuild, session.actor
        self._stop = threading.Event()
        self.from_file = secondary(_("Từ &tệp bản sao…"), "rebuild.file", icon="file-arrow-down")
        self.from_province = secondary(
            _("Từ &máy chủ của tỉnh"), "rebuild.province", icon="cloud-arrow-down"
        )
        self.note = Banner("rebuild.note", closable=False)
        self.bar = named(QProgressBar(), "rebuild.bar", _("Phần hồ sơ đã lấy về"))
        self.bar.setTextVisible(False)
        self.words = label("", "muted")
        self.stop = secondary(_("&Dừng"), "rebuild.stop", icon="x-circle")
        self._running = QWidget()
        line = hbox(self.bar, self.words, self.stop, gap=GAP_M, parent=self._running)
        line.setStretch(0, 1)
        self._running.hide()
        vbox(
            hbox(self.from_file, self.from_province, None, gap=GAP_S),
            self._running,
            self.note,
            gap=GAP_S,
            parent=self,
        )
        self.from_file.clicked.connect(self._choose_file)
        self.from_province.clicked.connect(self._begin_province)
        self.stop.clicked.connect(self._ask_to_stop)

    def load(self) -> None:
        """Offer to go on where an earlier day stopped."""
        begun = memory().get(BEGUN)
        if not begun or not self._running.isHidden():
            return
        source = (
            _("máy chủ của tỉnh")
            if begun == PROVINCE
            else _("tệp {name}").format(name=Path(begun).name)
        )
        self.note.show_message(
            Message(
                text=_(
                    "Việc lấy hồ sơ từ {source} còn dở. Phần đã lấy vẫn còn, làm tiếp sẽ đi từ "
                    "chỗ đã dừng."
                ).format(source=source),
                severity=Severity.WARNING,
                action_text=_("Làm tiếp"),
                action=lambda: self._go_on(begun),
            )
        )

    def _go_on(self, begun: str) -> None:
        if begun == PROVINCE:
            self._begin_province()
        else:
            self._inspect(begun)

    # -- from a file ---------------------------------------------------------------------------

    def _choose_file(self) -> None:
        path = dialogs.open_file(self, _("Chọn tệp bản sao hồ sơ của trạm"), _(FILES))
        if path is not None:
            self._inspect(str(path))

    def _inspect(self, path: str) -> None:
        self._tell(_("Đang xem tệp từ đầu đến cuối…"), Severity.INFO)
        self._enable(on=False)
        self._session.runner.run(
            lambda: self._rebuild.inspect(self._actor, path),
            done=lambda facts: self._confirm(path, facts),
            failed=self._refused,
            finally_=lambda: self._enable(on=self._running.isHidden()),
            owner=self,
            lane=tasks.Lane.POOL,
        )

    def _confirm(self, path: str, facts: SnapshotFacts) -> None:
        """A file of a stranger may hold anything: a person compares whose it is."""
        self.note.dismiss()
        about = _("Cơ sở {facility}, lập lúc {created}.").format(
            facility=facts.facility,
            created=created_words(facts.created, self._session.services.clock.now()),
        )
        yes = _("Giống, lấy hồ sơ")
        if facts.trusted:
            title, yes = _("Lấy hồ sơ từ tệp này?"), _("Lấy hồ sơ")
            text = _("{about} Tệp do tỉnh ký, máy này nhận ra khóa của tỉnh.").format(about=about)
        else:
            title = _("Dấu vân tay có giống không?")
            text = _(
                "{about} Hãy so dấu vân tay này với màn hình của máy đã chép tệp, hoặc gọi điện "
                "hỏi: {fingerprint}. Chỉ đồng ý khi giống từng ký tự."
            ).format(about=about, fingerprint=facts.fingerprint)
        if dialogs.confirm(self, title, text, yes=yes):
            signer = "" if facts.trusted else facts.fingerprint
            self._begin(
                path,
                lambda progress: self._rebuild.from_file(
                    self._actor, path, signer, progress, self._stop.is_set
                ),
            )

    # -- from the province ---------------------------------------------------------------------

    def _begin_province(self) -> None:
        self._begin(
            PROVINCE,
            lambda progress: self._rebuild.from_province(self._actor, progress, self._stop.is_set),
        )

    # -- running -------------------------------------------------------------------------------

    def _begin(self, source: str, work: Callable[[Progress], RebuildReport]) -> None:
        memory().put(BEGUN, source)
        self._stop.clear()
        self.note.dismiss()
        self.bar.setRange(0, 0)
        self.words.setText(_("Đang bắt đầu…"))
        self.stop.setEnabled(True)
        self._running.show()
        self._enable(on=False)
        self.stop.setFocus()

        def run(progress: tasks.Progress) -> RebuildReport:
            def tell(step: RebuildProgress) -> None:
                progress.report(step.done, step.total)

            return work(tell)

        self._session.runner.run_long(
            run,
            done=self._ended,
            failed=self._refused,
            progress=self._show,
            finally_=self._close,
            owner=self,
        )

    def _show(self, done: int, total: int, _text: str) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.words.setText(
            _("{done} trên {total} mục").format(done=_count(done), total=_count(total))
            if total
            else _("Đã lấy {done} mục").format(done=_count(done))
        )

    def _ask_to_stop(self) -> None:
        self._stop.set()
        self.stop.setEnabled(False)
        self.words.setText(_("Đang dừng…"))

    def _ended(self, report: RebuildReport) -> None:
        if report.finished:
            memory().put(BEGUN, "")
        self._tell(report_words(report), Severity.SUCCESS if report.finished else Severity.WARNING)
        self._session.changed.emit(Changes(()))
        if report.finished:
            self.finished.emit()

    def _refused(self, error: StationError) -> None:
        self._tell(str(error), Severity.DANGER)

    def _close(self) -> None:
        held = self.stop.hasFocus()
        self._running.hide()
        self._enable(on=True)
        if held:
            self.from_file.setFocus()

    def _enable(self, *, on: bool) -> None:
        for button in (self.from_file, self.from_province):
            button.setEnabled(on)

    def _tell(self, text: str, severity: Severity) -> None:
        self.note.show_message(Message(text=text, severity=severity))


def report_words(report: RebuildReport) -> str:
    """What came, whether it is all, and what is to be done."""
    count = _count(report.operations)
    if not report.finished:
        why = report.detail or _("Đã dừng.")
        return _("{why} Đã có {count} mục; lần sau làm tiếp từ chỗ này.").format(
            why=why, count=count
        )
    parts = [_("Đã lấy đủ {count} mục.").format(count=count)]
    if report.verified:
        parts[0] = _("Đã lấy đủ {count} mục, đã đối chiếu.").format(count=count)
    if report.conflicts:
        parts.append(_("{count} hồ sơ cần người quyết định.").format(count=report.conflicts))
    if report.unreadable:
        parts.append(
            _("{count} mục do chương trình mới hơn ghi, được giữ nguyên.").format(
                count=report.unreadable
            )
        )
    parts.append(_("Nhân viên cũ ở trạng thái Đã nghỉ; mở lại từng người trong Người dùng."))
    return " ".join(parts)


def created_words(created: str, now: datetime) -> str:
    """When the file was written, by the writer's clock but in this place's time; a province writes UTC."""
    try:
        return f"{datetime.fromisoformat(created).astimezone(now.tzinfo):%H:%M %d/%m/%Y}"
    except (ValueError, OverflowError):
        return created


def _count(number: int) -> str:
    """``50.000``, as numbers are written in Vietnamese."""
    return f"{number:,}".replace(",", ".")
