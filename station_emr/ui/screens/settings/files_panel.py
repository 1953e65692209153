"""Another PC for this station, and whose files are believed."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action
from station_emr.services.courier import CourierKey, CourierReport
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Banner,
    LineField,
    Message,
    Severity,
    dialogs,
    hbox,
    label,
    named,
    quiet,
    rule,
    secondary,
)
from station_emr.ui.models.session import Session
from station_emr.ui.models.sizes import size_text
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.screens.settings.rebuild_box import FILES, RebuildBox
from station_emr.ui.tasks import Lane


class FilesPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.files_panel",
            _("Máy mới, tệp mang tay"),
            _(
                "Lấy toàn bộ hồ sơ của trạm về máy này khi thay máy hoặc thêm máy. Dừng hay mất điện "
                "giữa chừng thì phần đã lấy vẫn còn."
            ),
        )
        self.rebuild = RebuildBox(session, self._services.rebuild)
        self.add(self.rebuild)
        self._own_key()
        self.add(rule())
        self._other_machine()
        self.add(rule())
        self._province()
        self.note = Banner("files.note", closable=False)
        self.add(self.note)
        self.body.addStretch(1)

    def _own_key(self) -> None:
        # One long word: a line to look along, because a label could not break it.
        self.key = LineField()
        named(self.key.editor, "files.key")
        self.key.set_spoken(_("Mã của máy này"))
        self.key.set_read_only(True)
        self.key.editor.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # Tab goes to the actions
        self.copy = quiet(_("&Chép mã"), "files.copy", "copy")
        self.copy.clicked.connect(self._copy_key)
        told = label(_("Mã của máy này, để nơi kia chép tệp riêng cho nó:"), "label")
        self.body.addLayout(hbox(told, None, self.copy))
        self.add(self.key)

    def _other_machine(self) -> None:
        self.give = secondary(_("Chép &bản sao cho máy mới…"), "files.give", icon="export")
        self.give.clicked.connect(self._give)
        if not (self._session.may(Action.BACKUP) and self._session.may(Action.ENCOUNTER_VIEW)):
            self.give.hide()
        self.fingerprint = label("", "muted", wrap=True, selectable=True)
        row = hbox(self.fingerprint, self.give, gap=GAP_M)
        row.setStretch(0, 1)
        self.body.addLayout(row)

    def _province(self) -> None:
        self.province = label("", "muted", wrap=True, selectable=True)
        self.trust = secondary(_("Chọn tệp khóa của tỉn&h…"), "files.trust", icon="shield-check")
        self.trust.clicked.connect(self._choose_key)
        row = hbox(self.province, self.trust, gap=GAP_M)
        row.setStretch(0, 1)
        row.setContentsMargins(0, 0, 0, GAP_S)
        self.body.addLayout(row)

    # -- showing -------------------------------------------------------------------------------

    @override
    def load(self) -> None:
        courier, actor = self._services.courier, self._actor
        self._session.ask(
            lambda: (courier.own_key(actor), courier.province_fingerprint()),
            lambda found: self._show(*found),
            owner=self,
            failed=self._failed,
        )
        self.rebuild.load()

    @override
    def focus(self) -> QWidget:
        return self.rebuild.from_file

    def _show(self, own: CourierKey, province: str) -> None:
        self.key.set_value(own.encrypt)
        self.fingerprint.setText(
            _("Dấu vân tay của máy này: {fingerprint}").format(fingerprint=own.fingerprint)
        )
        self.province.setText(
            _("Tin tệp của tỉnh có dấu vân tay: {fingerprint}").format(fingerprint=province)
            if province
            else _("Chưa biết khóa của tỉnh, nên chưa chép tệp mang lên tỉnh được.")
        )

    def _copy_key(self) -> None:
        QGuiApplication.clipboard().setText(self.key.value())
        self._say(_("Đã chép mã của máy này."))

    # -- for another machine -------------------------------------------------------------------

    def _give(self) -> None:
        key = dialogs.ask_text(
            self,
            _("Chép bản sao cho máy mới"),
            _(
                "Tệp chỉ mở được ở máy có mã này. Mã hiện ở máy mới: Quản trị, phần “Máy mới, tệp "
                "mang tay”."
            ),
            label=_("Mã của máy mới"),
        )
        if not key:
            return
        now = self._services.clock.now()
        proposed = Path.home() / f"ban-sao-{now:%Y%m%d}.semr"
        path = dialogs.save_file(self, _("Lưu bản sao cho máy mới"), proposed, _(FILES))
        if path is None:
            return
        self.setFocus()  # else the next button gets it, and Enter would press that
        self.give.setEnabled(False)
        self._tell(_("Đang chép toàn bộ hồ sơ. Bạn vẫn làm việc khác được."), Severity.INFO)
        self._session.runner.run(
            lambda: self._services.courier.export_snapshot(self._actor, str(path), key),
            done=self._given,
            failed=self._failed,
            finally_=self._may_give_again,
            owner=self,
            lane=Lane.POOL,
        )

    def _may_give_again(self) -> None:
        self.give.setEnabled(True)
        if self.hasFocus():
            self.give.setFocus()

    def _given(self, report: CourierReport) -> None:
        self._tell(
            _(
                "Đã chép {count} mục vào {name} ({size}). Ở máy mới, so dấu vân tay của máy này "
                "trước khi lấy hồ sơ."
            ).format(
                count=report.operations, name=Path(report.path).name, size=size_text(report.size)
            ),
            Severity.SUCCESS,
        )

    # -- the province's key --------------------------------------------------------------------

    def _choose_key(self) -> None:
        path = dialogs.open_file(self, _("Chọn tệp khóa do tỉnh đưa"), _("Mọi tệp (*)"))
        if path is not None:
            self._session.ask(
                lambda: self._services.courier.read_province_key(str(path)),
                lambda shown: self._compare(str(path), shown),
                owner=self,
                failed=self._failed,
            )

    def _compare(self, path: str, shown: str) -> None:
        same = dialogs.confirm(
            self,
            _("Dấu vân tay có giống không?"),
            _(
                "Hãy gọi điện cho tỉnh và so từng ký tự: {fingerprint}. Từ lúc đồng ý, máy này tin "
                "mọi tệp ký bằng khóa đó."
            ).format(fingerprint=shown),
            yes=_("Giống, tin khóa này"),
        )
        if same:
            self._session.ask(
                lambda: self._services.courier.trust(self._actor, path, compared=shown),
                self._trusted,
                owner=self,
                failed=self._failed,
            )

    def _trusted(self, shown: str) -> None:
        text = _("Từ nay máy này tin tệp của tỉnh có dấu vân tay {fingerprint}.")
        self._tell(text.format(fingerprint=shown), Severity.SUCCESS)
        self.load()

    def _failed(self, error: StationError) -> None:
        self._tell(str(error), Severity.DANGER)

    def _tell(self, text: str, severity: Severity) -> None:
        self.note.show_message(Message(text=text, severity=severity))
