"""Leads to the wizard of a restore and away from it, and names the newest copy in a bad moment."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from station_emr.services.backup_ports import FoundCopy
from station_emr.services.i18n import _
from station_emr.ui.kit import Message, Severity
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.restorer import Restorer
from station_emr.ui.screens.login import TroublePage
from station_emr.ui.shell.window import MainWindow
from station_emr.ui.tasks import Lane, TaskRunner


class WayBack(QObject):
    """``left`` when the wizard is done with, whatever became of it."""

    left = Signal()

    def __init__(self, window: MainWindow, runner: TaskRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._window = window
        self._runner = runner

    def show(self, restorer: Restorer) -> None:
        # Only a station in trouble needs the wizard; every other start is spared its code.
        from station_emr.ui.screens.restore import RestorePage  # noqa: PLC0415

        page = RestorePage(restorer, self._runner)
        page.back.connect(self.left)
        page.restored.connect(self._restored)
        self._window.cover(page)

    def _restored(self, kept: str) -> None:
        self.left.emit()
        words = _("Đã khôi phục. Hãy đăng nhập bằng mật khẩu lúc sao lưu.")
        if kept:
            words += " " + _("Dữ liệu trước đó được giữ trong thư mục {kept}.").format(kept=kept)
        self._window.show_message(Message(text=words, severity=Severity.SUCCESS))

    def name_copy(self, restorer: Restorer, page: TroublePage) -> None:
        """A stick or a network folder may answer late."""

        def tell(copies: tuple[FoundCopy, ...]) -> None:
            if copies:
                page.name_copy(
                    _("Bản sao mới nhất thấy được: {when}, ở {place}").format(
                        when=show_moment(copies[0].at), place=copies[0].place
                    )
                )
            else:
                page.name_copy(
                    _(
                        "Chưa thấy bản sao nào. Hãy cắm USB sao lưu rồi bấm Khôi phục từ bản sao lưu."
                    )
                )

        self._runner.run(
            restorer.copies, done=tell, failed=lambda _error: None, owner=page, lane=Lane.POOL
        )
