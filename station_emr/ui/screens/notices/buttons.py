"""The buttons at the top of the page, each shown while it can be used."""

from __future__ import annotations

from station_emr.domain.permissions import Action
from station_emr.services.i18n import _
from station_emr.services.notifications import NoticeRow
from station_emr.ui.kit import Button, ButtonKind, Shortcut, primary, secondary
from station_emr.ui.models.session import Session
from station_emr.ui.screens.notices.desk import Opened


class NoticeButtons:
    """``all`` is their order; what each does is the page's."""

    def __init__(self, session: Session) -> None:
        self._may = session.may
        self.back = secondary(_("Về danh sách"), "notices.back", icon="arrow-left")
        self.void = Button(_("Hủy phiếu"), "notices.void", kind=ButtonKind.DANGER)
        self.amend = secondary(_("Sửa đổi"), "notices.amend", icon="pencil-simple")
        self.save = secondary(_("Lưu nháp"), "notices.save", Shortcut.SAVE)
        self.print = secondary(_("In"), "notices.print", Shortcut.PRINT, "printer")
        self.visit = secondary(_("Mở lượt khám"), "notices.visit")
        self.open = secondary(_("Mở phiếu"), "notices.open")
        self.told = primary(_("Ghi đã báo"), "notices.told")
        self.submit = primary(_("Lập phiếu"), "notices.submit", Shortcut.SIGN)
        self.all = (
            self.back,
            self.void,
            self.amend,
            self.visit,
            self.save,
            self.print,
            self.open,
            self.told,
            self.submit,
        )
        for button in self.all:
            button.hide()

    def fit(
        self, opened: Opened | None, row: NoticeRow | None, *, writes: bool, amending: bool
    ) -> None:
        """``row`` is the chosen line of the list, which is shown while no notice is opened."""
        may = self._may(Action.NOTIFICATION_REPORT)
        final = opened is not None and opened.is_final
        listed = opened is None and row is not None
        written = row is not None and bool(row.notification_id)
        self.back.setVisible(opened is not None)
        self.open.setVisible(listed)
        self.open.set_label(_("Mở phiếu") if written else _("Soạn phiếu báo"))
        self.open.setEnabled(may or written)
        self.visit.setVisible(listed or opened is not None)
        self.save.setVisible(writes and opened is not None and opened.is_draft)
        self.submit.setVisible(writes)
        self.submit.set_label(_("Lưu sửa đổi") if amending else _("Lập phiếu"))
        self.amend.setVisible(final and may and not amending)
        self.void.setVisible(final and may and not amending)
        self.print.setVisible(final and self._may(Action.PRINT) and not amending)
        untold = (final and opened is not None and opened.notice.reported_at is None) or (
            listed and row is not None and bool(row.number) and row.reported_at is None
        )
        self.told.setVisible(untold and may and not amending)
