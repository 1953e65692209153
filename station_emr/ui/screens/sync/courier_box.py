"""Sending by a stick when the line stays away: one file out, the province's answer back in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.errors import StationError
from station_emr.domain.record import Changes
from station_emr.domain.user import Actor
from station_emr.services.courier import CourierReport
from station_emr.services.i18n import _
from station_emr.ui.kit import Message, Severity, dialogs, quiet, vbox
from station_emr.ui.models.session import Session
from station_emr.ui.models.sizes import size_text
from station_emr.ui.tasks import Lane

SUFFIX: Final = ".semr"
_PATTERN: Final = "Tệp chuyển tay (*.semr);;Mọi tệp (*)"


class CourierUse(Protocol):
    """The use case of the courier file."""

    def export(self, actor: Actor, path: str) -> CourierReport: ...
    def import_reply(self, actor: Actor, path: str) -> CourierReport: ...


class CourierBox(QWidget):
    """``told(Message)`` carries the plain result; ``finished`` asks the page to look again."""

    told = Signal(object)
    finished = Signal()

    def __init__(self, session: Session, courier: CourierUse) -> None:
        super().__init__()
        self._session, self._courier = session, courier
        self.out = quiet(_("Chép ra &USB…"), "sync.courier.out", "usb")
        self.out.setToolTip(
            _("Mọi mục đang chờ, mã hóa cho riêng máy chủ của tỉnh, vào một tệp để mang đi.")
        )
        self.back = quiet(_("&Nhận trả lời từ USB…"), "sync.courier.in", "file-arrow-down")
        self.back.setToolTip(_("Tệp mà tỉnh đưa lại sau khi nhận tệp của trạm."))
        column = vbox(self.out, self.back, gap=2, parent=self)
        for button in (self.out, self.back):
            column.setAlignment(button, Qt.AlignmentFlag.AlignLeft)
        self.out.clicked.connect(self._export)
        self.back.clicked.connect(self._import)

    def _export(self) -> None:
        now = self._session.services.clock.now()
        proposed = Path.home() / f"gui-tinh-{now:%Y%m%d-%H%M}{SUFFIX}"
        path = dialogs.save_file(
            self, _("Chép mục đang chờ ra tệp để mang lên tỉnh"), proposed, _(_PATTERN)
        )
        if path is not None:
            whole = path if path.suffix else path.with_suffix(SUFFIX)
            self._run(lambda: self._courier.export(self._session.actor, str(whole)), exported)

    def _import(self) -> None:
        path = dialogs.open_file(self, _("Chọn tệp trả lời của tỉnh"), _(_PATTERN))
        if path is not None:
            self._run(lambda: self._courier.import_reply(self._session.actor, str(path)), imported)

    def _run(
        self, work: Callable[[], CourierReport], words: Callable[[CourierReport], str]
    ) -> None:
        held = next((one for one in (self.out, self.back) if one.hasFocus()), None)
        if held is not None:
            self.setFocus()  # else the next button gets it, and Enter would press that
        self._busy(on=True)
        self._session.runner.run(
            work,
            done=lambda report: self._done(words(report)),
            failed=self._failed,
            finally_=lambda: self._ready(held),
            owner=self,
            lane=Lane.POOL,
        )

    def _done(self, text: str) -> None:
        self.told.emit(Message(text=text, severity=Severity.SUCCESS, lasting=True))
        self._session.changed.emit(Changes(()))
        self.finished.emit()

    def _failed(self, error: StationError) -> None:
        self.told.emit(Message(text=str(error), severity=Severity.DANGER))

    def _ready(self, held: QWidget | None) -> None:
        self._busy(on=False)
        if held is not None and self.hasFocus():
            held.setFocus()

    def _busy(self, *, on: bool) -> None:
        for button in (self.out, self.back):
            button.setEnabled(not on)


def exported(report: CourierReport) -> str:
    """What lies on the stick now, and that nothing here has changed by it."""
    return _(
        "Đã chép {count} mục vào {name} ({size}). Hãy mang lên tỉnh; các mục vẫn ở hàng chờ cho tới "
        "khi tỉnh trả lời, và vẫn tự gửi nếu có mạng trước đó."
    ).format(count=report.operations, name=Path(report.path).name, size=size_text(report.size))


def imported(report: CourierReport) -> str:
    """What the province's answer brought."""
    parts = [
        _("Đã nhận trả lời của tỉnh lập lúc {when}: {count} mục đã tới nơi.").format(
            when=_moment(report.created), count=report.confirmed
        )
    ]
    if report.refused:
        parts.append(
            _("{count} mục tỉnh chưa nhận, xem lý do ở dưới.").format(count=report.refused)
        )
    if report.applied:
        parts.append(_("{count} thay đổi của tỉnh đã vào máy này.").format(count=report.applied))
    if report.conflicts:
        parts.append(_("{count} hồ sơ cần người quyết định.").format(count=report.conflicts))
    parts.append(
        _("Còn {count} mục chờ gửi.").format(count=report.waiting)
        if report.waiting
        else _("Không còn gì chờ gửi.")
    )
    if report.more:
        parts.append(_("Tỉnh còn thay đổi khác, sẽ tới trong tệp sau hoặc khi có mạng."))
    return " ".join(parts)


def _moment(moment: datetime) -> str:
    return f"{moment:%H:%M %d/%m/%Y}"
