"""Under the lists of messages: what the gateway said of the chosen one, and what a person decides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.errors import EnvironmentFailure, StationError
from station_emr.domain.gateway import MessageKind, MessageState
from station_emr.domain.os_words import os_words
from station_emr.domain.permissions import Action
from station_emr.services.gateways import MessageRow
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Message,
    Severity,
    dialogs,
    hbox,
    label,
    named,
    quiet,
    secondary,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane

from .wording import row_reason

_OPEN = (MessageState.UNKNOWN, MessageState.REFUSED)


class MessageFoot(QWidget):
    """``told(Message)`` carries results, ``finished`` asks for a fresh list, ``wanted(key, context)``
    for the visit.
    """

    told = Signal(object)
    finished = Signal()
    wanted = Signal(str, object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._row: MessageRow | None = None
        self.words = named(label("", "muted", wrap=True, selectable=True), "claims.reason")
        self.visit = quiet(_("&Mở lượt khám"), "claims.visit", "stethoscope")
        self.keep = quiet(_("&Lưu tệp đã lập…"), "claims.keep", "file-arrow-down")
        self.drop = quiet(_("&Thôi gửi…"), "claims.drop", "x-circle")
        self.again = secondary(_("&Gửi lại"), "claims.again", icon="arrow-clockwise")
        self.arrived = secondary(_("Đã thấy trên &cổng…"), "claims.arrived", icon="check-circle")
        row = hbox(self.visit, self.keep, None, self.drop, self.again, self.arrived, gap=GAP_S)
        both = vbox(self.words, row, gap=GAP_S, parent=self)
        both.setContentsMargins(GAP_M, GAP_S, GAP_M, GAP_S)
        self.visit.clicked.connect(self._open)
        self.keep.clicked.connect(self._keep)
        self.drop.clicked.connect(self._drop)
        self.again.clicked.connect(self._again)
        self.arrived.clicked.connect(self._arrived)
        self.show_row(None)

    def show_row(self, row: MessageRow | None) -> None:
        """What may be done with one message."""
        self._row = row
        self.words.setText(row_reason(row) if row is not None else "")
        self.words.setVisible(bool(self.words.text()))
        state = row.message.state if row is not None else None
        may = self._session.may(Action.BILL_CLOSE)
        paper = row is not None and row.message.kind is MessageKind.PRESCRIPTION
        self.arrived.setVisible(may and state is MessageState.UNKNOWN)
        self.again.setVisible(
            may and state in _OPEN and not (paper and state is MessageState.REFUSED)
        )
        self.drop.setVisible(may and state in _OPEN)
        self.visit.setVisible(row is not None)
        self.keep.setVisible(row is not None and not row.hidden and row.message.size > 0)

    def _open(self) -> None:
        if self._row is not None:
            self.wanted.emit(
                routes.ENCOUNTER, routes.EncounterRoute(self._row.message.encounter_id)
            )

    def _again(self) -> None:
        row = self._row
        if row is None:
            return
        if row.message.state is MessageState.UNKNOWN and not dialogs.confirm(
            self,
            _("Gửi lại mục này?"),
            _(
                "Chỉ gửi lại khi đã tra trên trang của cổng và không thấy mục này. Nếu cổng đã nhận, "
                "gửi lại có thể thành hai hồ sơ."
            ),
            yes=_("Đã tra, gửi lại"),
        ):
            return
        gateways, actor, name = self._session.services.gateways, self._session.actor, row.message.id
        self._do(lambda: gateways.resend(actor, name), _("Đã xếp lại để gửi."))

    def _arrived(self) -> None:
        row = self._row
        if row is None:
            return
        note = dialogs.ask_text(
            self,
            _("Đã thấy trên cổng"),
            _(
                "Ghi điều đã thấy trên trang của cổng, ví dụ mã giao dịch. Ghi chú này được giữ lại."
            ),
            label=_("Đã thấy"),
        )
        if note is not None:
            gateways, actor = self._session.services.gateways, self._session.actor
            self._do(
                lambda: gateways.confirm_arrived(actor, row.message.id, note),
                _("Đã ghi là cổng đã nhận."),
            )

    def _drop(self) -> None:
        row = self._row
        if row is None:
            return
        reason = dialogs.ask_text(
            self,
            _("Thôi không gửi mục này"),
            _("Mục này sẽ không gửi nữa. Lý do được giữ cùng mục."),
            label=_("Lý do"),
        )
        if reason is not None:
            gateways, actor = self._session.services.gateways, self._session.actor
            self._do(
                lambda: gateways.give_up(actor, row.message.id, reason),
                _("Đã thôi gửi mục này."),
            )

    def _keep(self) -> None:
        row = self._row
        if row is None:
            return
        suffix = "json" if row.message.kind is MessageKind.PRESCRIPTION else "xml"
        proposed = Path.home() / f"{row.message.name or row.message.id}.{suffix}"
        path = dialogs.save_file(
            self,
            _("Lưu nguyên tệp đã lập (không mã hóa)"),
            proposed,
            _("Tệp gửi cổng (*.{suffix})").format(suffix=suffix),
        )
        if path is None:
            return
        gateways, actor = self._session.services.gateways, self._session.actor

        def write() -> None:
            content = gateways.content(actor, row.message.id)
            try:
                path.write_bytes(content)
            except OSError as failure:
                text = _("Chưa ghi được tệp: {why}. Hãy chọn thư mục khác.")
                raise EnvironmentFailure(text.format(why=os_words(failure))) from failure

        self._do(write, _("Đã lưu tệp. Tệp không mã hóa: hãy xóa khi dùng xong."))

    def _do(self, work: Callable[[], None], said: str) -> None:
        self._session.runner.run(
            work,
            done=lambda _nothing: self._done(said),
            failed=self._failed,
            owner=self,
            lane=Lane.POOL,
        )

    def _done(self, said: str) -> None:
        self.told.emit(Message(text=said, severity=Severity.SUCCESS))
        self.finished.emit()

    def _failed(self, error: StationError) -> None:
        self.told.emit(Message(text=str(error), severity=Severity.DANGER))
