"""Signing the day with one PIN, taking files away, sending now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.errors import EnvironmentFailure, StationError
from station_emr.domain.os_words import os_words
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes
from station_emr.domain.signature import KeySource, KeySourceKind
from station_emr.services.claims import ClaimExport
from station_emr.services.gateway_day import ClaimLine, SignedDay
from station_emr.services.i18n import _
from station_emr.services.secret import Secret
from station_emr.ui.kit import Message, Severity, dialogs
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane

T = TypeVar("T")


class ClaimActions(QObject):
    """``told(Message)`` says what came of it; ``finished`` asks the page to look again; ``busy(bool)``."""

    told = Signal(object)
    finished = Signal()
    busy = Signal(bool)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._page = parent
        self._gateways = session.services.gateways

    def send_now(self) -> None:
        actor = self._session.actor
        self._session.ask(
            lambda: self._gateways.send_now(actor),
            lambda _nothing: self._done(_("Đang gửi. Trang này tự cập nhật."), Severity.INFO),
            owner=self,
            failed=self._failed,
        )

    # -- signing -------------------------------------------------------------------------------

    def sign(self, lines: Sequence[ClaimLine], check_ins: int = 0) -> None:
        """Ask for the PIN once the key is known to be there. ``check_ins`` wait for one as well."""
        if not lines and not check_ins:
            self._done(_("Chưa có hồ sơ nào sẵn sàng để ký."), Severity.INFO)
            return
        signing = self._session.services.signing
        self._session.ask(
            signing.source,
            lambda source: self._ask_pin(source, lines, check_ins),
            owner=self,
            failed=self._failed,
        )

    def _ask_pin(
        self, source: KeySource | None, lines: Sequence[ClaimLine], check_ins: int
    ) -> None:
        if source is None:
            text = _("Máy này chưa chọn thiết bị ký số. Hồ sơ vẫn nguyên ở trạm.")
            if not self._session.may(Action.SETTINGS_EDIT):
                text += " " + _("Nhờ giám đốc chọn trong Quản trị, mục Ký số.")
            self.told.emit(Message(text=text, severity=Severity.WARNING))
            return
        file = source.kind is KeySourceKind.FILE
        typed = dialogs.ask_password(
            self._page,
            _("Ký số {count} tệp gửi Cổng BHYT").format(count=len(lines) + check_ins),
            _(
                "Mã PIN chỉ dùng cho lần ký này và không được lưu lại. Hồ sơ đã ký tự gửi khi có mạng."
            ),
            label=_("Mật khẩu của tệp") if file else _("Mã PIN"),
        )
        if typed is None:
            return
        secret, actor = Secret(typed), self._session.actor
        visits = [line.encounter_id for line in lines]
        self._run(lambda: self._gateways.day.sign(actor, secret, visits), self._signed)

    def _signed(self, made: SignedDay) -> None:
        text = _("Đã ký và xếp hàng gửi {count} hồ sơ.").format(count=len(made.queued))
        if made.check_ins:
            text += " " + _("{count} tệp check-in đã ký.").format(count=len(made.check_ins))
        severity = Severity.SUCCESS
        if made.held_back:
            text += " " + _("{count} hồ sơ còn lỗi nên chưa gửi, xem trong danh sách.").format(
                count=len(made.held_back)
            )
            severity = Severity.WARNING
        self._done(text, severity)
        self._session.changed.emit(Changes(()))

    # -- files ---------------------------------------------------------------------------------

    def export(self, lines: Sequence[ClaimLine]) -> None:
        """One file per visit into a folder, unsigned."""
        if not lines:
            self._done(_("Chưa có lượt khám nào để xuất."), Severity.INFO)
            return
        folder = dialogs.choose_folder(self._page, _("Chọn thư mục để xuất hồ sơ BHYT"))
        if folder is None:
            return
        claims, actor = self._session.services.claims, self._session.actor
        visits = [line.encounter_id for line in lines]

        def write() -> ClaimExport:
            made = claims.export(actor, visits)
            for one in made.files:
                _write(folder / one.name, one.content)
            return made

        self._run(write, lambda made: self._exported(made, folder))

    def _exported(self, made: ClaimExport, folder: Path) -> None:
        text = _(
            "Đã xuất {count} tệp vào {folder}. Tệp không mã hóa: hãy xóa khi dùng xong."
        ).format(count=len(made.files), folder=folder)
        if made.held_back:
            text += " " + _("{count} lượt còn lỗi nên không xuất.").format(
                count=len(made.held_back)
            )
        self._done(text, Severity.WARNING if made.held_back else Severity.SUCCESS)

    # -- evidence ------------------------------------------------------------------------------

    def evidence(self) -> None:
        now = self._session.services.clock.now()
        path = dialogs.save_file(
            self._page,
            _("Lưu bằng chứng mất kết nối cổng"),
            Path.home() / f"mat-ket-noi-cong-{now:%Y%m%d}.pdf",
            _("Trang in PDF (*.pdf)"),
        )
        if path is None:
            return
        actor = self._session.actor
        self._run(
            lambda: _write(path, self._gateways.outage_paper(actor)),
            lambda _nothing: self._done(
                _("Đã lưu {name}.").format(name=path.name), Severity.SUCCESS
            ),
        )

    def _run(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self.busy.emit(True)
        self._session.runner.run(
            work,
            done=done,
            failed=self._failed,
            finally_=lambda: self.busy.emit(False),
            owner=self,
            lane=Lane.POOL,
        )

    def _done(self, text: str, severity: Severity) -> None:
        self.told.emit(Message(text=text, severity=severity))
        self.finished.emit()

    def _failed(self, error: StationError) -> None:
        self.told.emit(Message(text=str(error), severity=Severity.DANGER))


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: a file cut off half-way could be taken for a record."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as failure:
        with suppress(OSError):
            part.unlink()
        text = _("Chưa ghi được tệp: {why}. Hãy chọn thư mục khác.")
        raise EnvironmentFailure(text.format(why=os_words(failure))) from failure
