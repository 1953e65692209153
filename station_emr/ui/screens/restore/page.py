"""The wizard of a restore: which copy, by whose secret, what it would change; then the exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar

from station_emr.domain.errors import StationError
from station_emr.services.backup_ports import FoundCopy
from station_emr.services.i18n import _
from station_emr.services.restore_preview import RestorePreview
from station_emr.services.restore_words import lines_of
from station_emr.ui.kit import (
    Banner,
    Column,
    Form,
    LineField,
    Message,
    Severity,
    Shortcut,
    Table,
    dialogs,
    hbox,
    label,
    primary,
    secondary,
)
from station_emr.ui.kit.cover import CoverPage
from station_emr.ui.kit.secret import SecretField
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.restorer import Restorer, Secret
from station_emr.ui.tasks import Lane, TaskRunner

_WIDTH: Final = 860


class RestorePage(CoverPage):
    """``back`` leaves everything as it is; ``restored(kept folder)`` when the copy is in place."""

    back = Signal()
    restored = Signal(str)

    def __init__(self, restorer: Restorer, runner: TaskRunner, username: str = "") -> None:
        super().__init__(
            "restore",
            _("Khôi phục từ bản sao lưu"),
            _("Xem trước rồi mới khôi phục. Hồ sơ đang có trên máy được giữ riêng, không bị xóa."),
            width=_WIDTH,
        )
        self._restorer = restorer
        self._runner = runner
        self._others: list[Path] = []
        self._previewed: tuple[str, Secret] | None = None
        self._running = False
        self.banner = Banner("restore.message", closable=False)
        self.card.add(self.banner)
        self.table: Table[FoundCopy] = Table(
            "restore.copies",
            _("Các bản sao tìm thấy"),
            [
                Column(
                    title=_("Lúc sao lưu"),
                    text=lambda c: show_moment(c.at),
                    sort=lambda c: c.at,
                    width=170,
                    strong=True,
                ),
                Column(title=_("Trạm"), text=lambda c: c.station, width=190),
                Column(
                    title=_("Người bệnh"),
                    text=lambda c: str(c.recorded.counts.get("patient", 0)) if c.recorded else "",
                    width=100,
                    numeric=True,
                ),
                Column(title=_("Nơi"), text=lambda c: c.place, tip=lambda c: c.place, stretch=True),
            ],
        )
        self.table.setMinimumHeight(150)
        self.card.add(self.table)
        self.other = secondary(_("&Tìm ở thư mục khác…"), "restore.other", icon="folder-open")
        self.other.clicked.connect(self._look_elsewhere)
        self.card.body.addLayout(hbox(self.other, None))
        self._add_form(username)
        self.told = label("", "body", wrap=True, selectable=True)
        self.told.hide()
        self.card.add(self.told)
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.hide()
        self.card.add(self.busy)
        self.cancel = secondary(_("Quay lại"), "restore.back", Shortcut.BACK)
        self.look = primary(_("Xem trước"), "restore.look", Shortcut.SIGN)
        self.go = primary(_("&Khôi phục bản này"), "restore.go")
        self.go.hide()
        self.card.body.addLayout(hbox(None, self.cancel, self.go, self.look))
        self.cancel.clicked.connect(self.back)
        self.look.clicked.connect(self._preview)
        self.go.clicked.connect(self._restore)
        self.form.submitted.connect(self._preview)
        self.form.changed.connect(lambda _key: self._forget())
        self.table.picked.connect(lambda _copy: self._forget())
        self.setFocusProxy(self.table)
        self._search()

    def _add_form(self, username: str) -> None:
        self.form = Form("restore")
        self.username = self.form.add("username", _("Tê&n đăng nhập lúc sao lưu"), LineField())
        self.username.set_value(username)
        self.password = self.form.add("password", _("Mật khẩ&u"), SecretField("restore.password"))
        self.code = self.form.add(
            "code", _("Hoặc m&ã khôi phục"), LineField(placeholder="XXXX-XXXX-XXXX-XXXX-XXXX-XXXX")
        )
        self.card.add(self.form)

    def _forget(self) -> None:
        """What was shown belongs to another copy or another person."""
        self._previewed = None
        self.go.hide()
        self.told.hide()
        self.look.show()

    # -- finding -------------------------------------------------------------------------------

    def _search(self) -> None:
        others = tuple(self._others)
        self._set_busy(on=True)
        self._runner.run(
            lambda: self._restorer.copies(others),
            done=self._found,
            failed=self._failed,
            finally_=lambda: self._set_busy(on=False),
            owner=self,
            lane=Lane.POOL,
        )

    def _found(self, copies: tuple[FoundCopy, ...]) -> None:
        self.table.set_rows(copies)
        if copies:
            self.table.choose(copies[0])
            self.banner.dismiss()
        else:
            self._say(
                _(
                    "Chưa thấy bản sao nào. Hãy cắm USB sao lưu rồi bấm Tìm ở thư mục khác, chọn USB "
                    "hoặc thư mục có các mục tên bắt đầu bằng “tram-”."
                ),
                Severity.INFO,
            )

    def _look_elsewhere(self) -> None:
        folder = dialogs.choose_folder(self, _("Chọn thư mục có bản sao"))
        if folder is not None:
            self._others.append(folder)
            self._search()

    # -- looking and doing ---------------------------------------------------------------------

    def _asked(self) -> tuple[str, Secret] | None:
        copy = self.table.current()
        if copy is None:
            self._say(_("Hãy chọn một bản sao trong danh sách."), Severity.WARNING)
            return None
        if self.code.value().strip():
            secret = Secret(code=self.code.value().strip())
        else:
            secret = Secret(
                username=self.username.value().strip().lower(), password=self.password.value()
            )
        if not secret.code and not (secret.username and secret.password):
            self._say(_("Hãy nhập tên đăng nhập và mật khẩu, hoặc mã khôi phục."), Severity.WARNING)
            return None
        return copy.place, secret

    def _preview(self) -> None:
        asked = self._asked()
        if asked is None or self._running:
            return
        copy = self.table.current()
        self._set_busy(on=True)
        self._say(_("Đang mở bản sao và so với máy này. Chưa có gì thay đổi."), Severity.INFO)
        self._runner.run(
            lambda: self._restorer.preview(*asked),
            done=lambda found: self._show(asked, copy, found),
            failed=self._failed,
            finally_=lambda: self._set_busy(on=False),
            owner=self,
            lane=Lane.POOL,
        )

    def _show(
        self, asked: tuple[str, Secret], copy: FoundCopy | None, found: RestorePreview
    ) -> None:
        if copy is None or asked != self._asked():
            return
        self._previewed = asked
        first, *rest = lines_of(found, copy.at)
        self._say(first, Severity.WARNING if found.lost else Severity.INFO)
        self.told.setText("\n".join(rest))
        self.told.setVisible(bool(rest))
        self.look.hide()
        self.go.show()
        self.go.setFocus()

    def _restore(self) -> None:
        asked = self._asked()
        if asked is None or asked != self._previewed or self._running:
            return
        sure = dialogs.confirm(
            self,
            _("Khôi phục bản sao này?"),
            _(
                "Hồ sơ đang có trên máy được chuyển vào một thư mục riêng cạnh dữ liệu, không bị xóa. "
                "Số phiếu in sau đó mang ký hiệu mới."
            ),
            yes=_("Khôi phục"),
            danger=True,
        )
        if not sure:
            return
        self._set_busy(on=True)
        self._say(_("Đang khôi phục. Đừng rút USB."), Severity.INFO)
        self._runner.run(
            lambda: self._restorer.restore(*asked),
            done=self.restored.emit,
            failed=self._failed,
            finally_=lambda: self._set_busy(on=False),
            owner=self,
        )

    def _set_busy(self, *, on: bool) -> None:
        self._running = on
        self.busy.setVisible(on)
        for button in (self.look, self.go, self.other, self.cancel):
            button.setEnabled(not on)

    def _failed(self, error: StationError) -> None:
        self._forget()
        self._say(str(error), Severity.DANGER)

    def _say(self, text: str, severity: Severity) -> None:
        self.banner.show_message(Message(text=text, severity=severity))
