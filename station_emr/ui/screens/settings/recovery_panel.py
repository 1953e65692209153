"""A new recovery code, when the envelope was opened, lost or handed to another director."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.services.i18n import _
from station_emr.ui.kit import GAP_S, Button, Severity, Shortcut, dialogs, hbox, primary
from station_emr.ui.kit.recovery_step import RecoveryStep
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.tasks import Lane


class RecoveryPanel(Panel):
    """The code leaves the page once its sheet was kept, or when the person goes elsewhere."""

    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.recovery_panel",
            _("Mã khôi phục"),
            _(
                "Cấp mã mới khi phong bì đã mở, thất lạc hoặc bàn giao giám đốc. Mã cũ hết hiệu lực "
                "ngay; bản sao lưu làm trước đó vẫn mở bằng mã cũ, nên hãy sao lưu lại sau khi cấp."
            ),
        )
        self.step: RecoveryStep | None = None
        self.make = primary(_("Cấp mã khôi phục mới…"), "settings.recovery.make", icon="key")
        self.make.clicked.connect(self._ask)
        self.done: Button = primary(_("Đã cất phiếu"), "settings.recovery.done", Shortcut.SIGN)
        self.done.clicked.connect(self._check)
        self.done.hide()
        self.body.addSpacing(GAP_S)
        self.body.addLayout(hbox(self.make, self.done, None))
        self.body.addStretch(1)

    @override
    def load(self) -> None:
        self._forget()

    @override
    def focus(self) -> QWidget:
        return self.make

    def _ask(self) -> None:
        if dialogs.confirm(
            self,
            _("Cấp mã khôi phục mới?"),
            _(
                "Mã đang nằm trong phong bì sẽ không mở được hồ sơ nữa. Mã mới chỉ hiện một lần: "
                "hãy chuẩn bị máy in và phong bì trước khi cấp. Mật khẩu của mọi người giữ nguyên."
            ),
            yes=_("Cấp mã mới"),
        ):
            self.make.setEnabled(False)
            self._session.runner.run(
                lambda: self._services.accounts.new_recovery_code(self._actor),
                done=self._show,
                failed=self._not_made,
                finally_=lambda: self.make.setEnabled(True),
                owner=self,
                lane=Lane.POOL,
            )

    def _not_made(self, error: StationError) -> None:
        self._say(str(error), Severity.DANGER)

    def _show(self, code: str) -> None:
        self._forget()
        prints, actor = self._services.prints, self._actor
        self.step = RecoveryStep(code, lambda: prints.recovery_sheet(actor, code))
        self.step.done.connect(self._kept)
        self.body.insertWidget(self.body.count() - 2, self.step)
        self.make.hide()
        self.done.show()
        self.step.save.setFocus()

    def _check(self) -> None:
        if self.step is not None:
            self.step.check()

    def _kept(self) -> None:
        self._forget()
        self._say(_("Mã mới đã có hiệu lực. Hãy sao lưu lại để bản sao cũng mở bằng mã mới."))
        self.make.setFocus()

    def _forget(self) -> None:
        """A code does not stay on a screen that others pass."""
        if self.step is not None:
            self.step.hide()
            self.step.deleteLater()
            self.step = None
        self.done.hide()
        self.make.show()
