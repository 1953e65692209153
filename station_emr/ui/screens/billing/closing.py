"""The steps that make a version of a bill: closing it, amending it with a reason, voiding it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.billing import Bill
from station_emr.domain.errors import InvalidRecord, StationError
from station_emr.domain.money import money_text
from station_emr.domain.record import Changes, RecordKind
from station_emr.services.guards import confirmation_key
from station_emr.services.i18n import _
from station_emr.services.version_ports import TypedAmendment
from station_emr.ui.kit import dialogs
from station_emr.ui.models.amending import AmendmentKeeper
from station_emr.ui.models.session import Session

from .desk import Opened


class BillClosing(QObject):
    """``done(sentence)`` when a version was written; ``refused(problems)`` says what is wrong, or nothing
    before it asks; ``failed(error)`` tells of anything else. ``sheet`` gives the bill as it was
    opened and as it stands.
    """

    done = Signal(str)
    refused = Signal(object)
    failed = Signal(object)

    def __init__(
        self, session: Session, sheet: Callable[[], tuple[Opened, Bill] | None], page: QWidget
    ) -> None:
        super().__init__(page)
        self._session = session
        self._billing = session.services.billing
        self._sheet = sheet
        self._page = page
        self.reason = ""  # of the amendment that is being typed
        self.typed = AmendmentKeeper(session, RecordKind.BILL, self._amendment, self)

    def close(self, confirmed: frozenset[str] = frozenset()) -> None:
        """A first closing, or the amendment that was begun."""
        shown = self._sheet()
        if shown is None:
            return
        opened, bill = shown
        reason, actor, billing = self.reason, self._session.actor, self._billing

        def command() -> Changes:
            if reason:
                return billing.amend(actor, bill, opened.version, reason, confirmed)
            billing.save_draft(actor, bill)  # a refusal loses nothing
            return billing.sign(actor, bill, confirmed)

        def closed(_changes: Changes) -> None:
            if reason:
                self.typed.drop(bill.id)
            self.reason = ""
            pays = money_text(bill.totals.patient_pays)
            self.done.emit(
                _("Đã lưu bản sửa đổi; bản trước được giữ nguyên.")
                if reason
                else _("Đã chốt bảng kê. Người bệnh trả {amount} đồng.").format(amount=pays)
            )

        self._session.command(command, done=closed, failed=self._not_closed, owner=self)

    def _not_closed(self, error: StationError) -> None:
        if not isinstance(error, InvalidRecord):
            self.failed.emit(error)
            return
        wrong = tuple(problem for problem in error.problems if problem.severity == "error")
        self.refused.emit(wrong)
        if wrong:
            return
        asked = "\n".join(f"• {problem.message}" for problem in error.problems[:8])
        if dialogs.confirm(
            self._page,
            _("Xem lại trước khi chốt"),
            asked,
            yes=_("Vẫn chốt"),
            no=_("Quay lại"),
        ):
            self.close(frozenset(confirmation_key(problem) for problem in error.problems))

    def begin_amendment(self) -> tuple[Bill, bool] | None:
        """The bill to go on with, and whether it was typed before the page was left; asks for the
        reason where none was given yet. None when the person thought better of it.
        """
        shown = self._sheet()
        if shown is None:
            return None
        opened, _bill = shown
        if opened.typed is not None and opened.typed.bill is not None:
            self.reason = opened.typed.reason
            return opened.typed.bill, True
        reason = dialogs.ask_text(
            self._page,
            _("Sửa đổi bảng kê đã chốt"),
            _("Bản đã chốt được giữ nguyên; bản sửa đổi mang cùng số và ghi rõ lý do."),
            label=_("Lý do sửa đổi"),
        )
        if not reason:
            return None
        self.reason = reason
        return opened.bill, False

    def forget(self) -> None:
        """What was typed of an amendment is not wanted any more."""
        shown = self._sheet()
        if shown is not None:
            self.typed.drop(shown[1].id)

    def _amendment(self) -> tuple[str, TypedAmendment] | None:
        """As it stands on the sheet, for keeping."""
        shown = self._sheet()
        if shown is None or not self.reason:
            return None
        opened, bill = shown
        return bill.id, TypedAmendment(reason=self.reason, version=opened.version, bill=bill)

    def void(self) -> None:
        """Ask for the reason, then void."""
        shown = self._sheet()
        if shown is None:
            return
        reason = dialogs.ask_text(
            self._page,
            _("Hủy bảng kê"),
            _(
                "Bảng kê hủy vẫn được lưu và giữ số. Sau đó lập được bảng kê khác cho lượt khám này."
            ),
            label=_("Lý do hủy"),
        )
        if not reason:
            return
        record_id = shown[1].id
        self._session.command(
            lambda: self._billing.void(self._session.actor, record_id, reason),
            done=lambda _changes: self.done.emit(_("Đã hủy bảng kê.")),
            failed=self.failed.emit,
            owner=self,
        )
