"""The buttons at the top of the page, each shown while it can be used."""

from __future__ import annotations

from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordStatus
from station_emr.services.i18n import _
from station_emr.ui.kit import ButtonKind, Shortcut, primary, secondary
from station_emr.ui.kit.buttons import Button
from station_emr.ui.models.session import Session

from .desk import Opened


class BillButtons:
    """``all`` is their order; what each does is the page's."""

    def __init__(self, session: Session) -> None:
        self._may = session.may
        self.salary = secondary(_("Lương &cơ sở…"), "billing.salary")
        self.refill = secondary(_("&Lấy từ lượt khám"), "billing.refill")
        self.recount = secondary(_("Tính lại &mức hưởng"), "billing.recount")
        self.visit = secondary(_("&Xem lượt khám"), "billing.visit")
        self.print = secondary(_("In"), "billing.print", Shortcut.PRINT)
        self.amend = secondary(_("&Sửa đổi có lý do"), "billing.amend", icon="pencil-simple")
        self.void = Button(_("&Hủy có lý do"), "billing.void", kind=ButtonKind.DANGER)
        self.stop = secondary(_("Thôi sửa đổi"), "billing.stop")
        self.close = primary(_("Chốt bảng kê"), "billing.close", Shortcut.SIGN)
        self.all = (
            self.salary,
            self.refill,
            self.recount,
            self.visit,
            self.print,
            self.amend,
            self.void,
            self.stop,
            self.close,
        )

    def fit(self, opened: Opened | None, *, writes: bool, amending: bool) -> None:
        """``opened`` is the bill on the sheet, None while the list is shown."""
        sheet = opened is not None
        closes = self._may(Action.BILL_CLOSE)
        draft = opened is not None and opened.version == 0
        stands = (
            opened is not None and opened.version > 0 and opened.status is not RecordStatus.VOIDED
        )
        self.salary.setVisible(not sheet and self._may(Action.SETTINGS_EDIT))
        self.refill.setVisible(writes)
        self.recount.setVisible(writes)
        self.visit.setVisible(sheet)
        self.print.setVisible(sheet and not amending)
        self.amend.setVisible(stands and closes and not amending)
        self.void.setVisible(stands and closes and not amending)
        self.stop.setVisible(amending)
        self.close.setVisible(closes and (draft or amending))
        self.close.set_label(_("Lưu sửa đổi") if amending else _("Chốt bảng kê"))
