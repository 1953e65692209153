"""A copy on another disk, now."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.services.backups import BackupCopy
from station_emr.services.i18n import _
from station_emr.ui.kit import GAP_S, Banner, Message, Severity, dialogs, hbox, label, primary
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.tasks import Lane


class BackupPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.backup_panel",
            _("Sao lưu"),
            _(
                "Bản sao là một thư mục gồm cơ sở dữ liệu đã mã hóa và tệp khóa, mở được như trạm "
                "bằng mật khẩu của nhân viên. Hãy để trên USB hoặc ổ đĩa khác, cất nơi có khóa."
            ),
        )
        self._last = label("", "strong", wrap=True)
        self._place = label("", "muted", wrap=True, selectable=True)
        self.add(self._last)
        self.add(self._place)
        self.note = Banner("settings.backup.note", closable=False)
        self.add(self.note)
        self.make = primary(_("Sao lưu ngay…"), "settings.backup.make", icon="hard-drives")
        self.make.clicked.connect(self._make)
        self.body.addSpacing(GAP_S)
        self.body.addLayout(hbox(self.make, None))
        self.body.addStretch(1)

    @override
    def load(self) -> None:
        self._session.ask(self._services.backups.last, self._show, owner=self)

    @override
    def focus(self) -> QWidget:
        return self.make

    def _show(self, last: tuple[datetime, str] | None) -> None:
        if last is None:
            self._last.setText(_("Chưa sao lưu lần nào."))
            self._place.setText("")
        else:
            at, place = last
            self._last.setText(_("Sao lưu gần nhất: {when}").format(when=show_moment(at)))
            self._place.setText(place)

    def _make(self) -> None:
        folder = dialogs.choose_folder(self, _("Chọn nơi để bản sao (USB hoặc ổ đĩa khác)"))
        if folder is None:
            return
        self.make.setEnabled(False)
        self.note.show_message(
            Message(
                text=_("Đang sao lưu và kiểm tra bản sao. Bạn vẫn làm việc khác được."),
                severity=Severity.INFO,
            )
        )
        self._session.runner.run(
            lambda: self._services.backups.make(self._actor, str(folder)),
            done=self._made,
            failed=self._not_made,
            owner=self,
            lane=Lane.POOL,
        )

    def _made(self, copy: BackupCopy) -> None:
        self.make.setEnabled(True)
        size = f"{copy.size / 1024 / 1024:.1f}".replace(".", ",")
        self.note.show_message(
            Message(
                text=_("Đã sao lưu và mở thử được: {name}, {size} MB.").format(
                    name=Path(copy.place).name, size=size
                ),
                severity=Severity.SUCCESS,
            )
        )
        self.load()

    def _not_made(self, error: StationError) -> None:
        self.make.setEnabled(True)
        self.note.show_message(Message(text=str(error), severity=Severity.DANGER))
