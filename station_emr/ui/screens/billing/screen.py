"""Viện phí: from the visits of a day to one bill, and everything that is done to a bill."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QStackedWidget
from typing_extensions import override

from station_emr.domain.billing import Bill
from station_emr.domain.errors import Problem, StationError
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind
from station_emr.services.billing_ports import BillRow, BillSums
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Banner,
    Chip,
    Message,
    Screen,
    Severity,
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session

from .bill_page import BillPage
from .buttons import BillButtons
from .closing import BillClosing
from .desk import Opened, load_bill
from .list_page import BillList, period
from .rows import BillRows
from .salary_dialog import enter_salary

_SHOWN = (RecordKind.BILL, RecordKind.ENCOUNTER)


class BillingScreen(Screen):
    """``BillRoute`` opens the bill of a visit; None opens the list."""

    least_height = 440

    def __init__(self, session: Session) -> None:
        super().__init__("billing")
        self._session = session
        self._services = session.services
        self._opened: Opened | None = None
        self._bill: Bill | None = None
        self._returning = False
        self._from_list = False
        self.buttons = BillButtons(session)
        self.header = self.add_header(_("Viện phí"), " ", *self.buttons.all)
        self.state = Chip(_("Nháp"))
        self.header.add_beside_title(self.state)
        self.banner = Banner("billing.banner")
        self.banner.hide()
        self.page.addWidget(self.banner)
        self.list = BillList()
        self.sheet = BillPage()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.list)
        self._pages.addWidget(self.sheet)
        self.page.addWidget(self._pages, 1)
        self.rows = BillRows(session, self.sheet, self._writable, self)
        self._closing = BillClosing(session, self._as_it_stands, self)
        self._connect()
        self._fit()

    def _connect(self) -> None:
        self.list.opened.connect(self._open_row)
        self.list.period_changed.connect(self._load_list)
        self.rows.changed.connect(self._changed)
        self.rows.told.connect(self.message)
        self.rows.failed.connect(self._failed)
        self._closing.done.connect(self._done)
        self._closing.refused.connect(self._refused)
        self._closing.failed.connect(self._not_done)
        buttons = self.buttons
        for button, does in (
            (buttons.salary, lambda: enter_salary(self, self._session)),
            (buttons.refill, self.rows.refill),
            (buttons.recount, self.rows.recount),
            (buttons.visit, self._to_visit),
            (buttons.print, self.print_action),
            (buttons.amend, self._begin_amendment),
            (buttons.void, self._closing.void),
            (buttons.stop, self._give_up),
            (buttons.close, self._close),
        ):
            button.clicked.connect(lambda _on=False, call=does: call())
        self._session.changed.connect(self._heard)

    # -- coming and going ---------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        returning, self._returning = self._returning, False
        self.rows.wanted = context.field if isinstance(context, routes.BillRoute) else ""
        if isinstance(context, routes.BillRoute):
            self._from_list = False
            self._open(context)
        elif returning and self._opened is not None:
            self._reload()
        else:
            self._show_list()

    @override
    def on_leave(self) -> bool:
        self._closing.typed.flush()
        return True

    @override
    def on_back(self) -> bool:
        self._closing.typed.flush()
        if self._on_sheet and self._closing.reason:
            self._reload()
            return True
        if self._on_sheet and self._from_list:
            self._show_list()
            return True
        return False

    @property
    def _on_sheet(self) -> bool:
        return self._pages.currentWidget() is self.sheet

    def _show_list(self) -> None:
        self._opened = self._bill = None
        self._closing.reason = ""
        self._pages.setCurrentWidget(self.list)
        self._fit()
        self.list.table.setFocus()
        self._load_list()

    def _load_list(self) -> None:
        services, actor = self._services, self._session.actor
        since, until = period(self.list.days.value(), services.clock.now().date())

        def read() -> tuple[tuple[BillRow, ...], BillSums]:
            return (
                services.billing.rows(actor, since, until),
                services.billing.sums(actor, since, until),
            )

        self._session.ask(
            read,
            lambda found: self.list.set_rows(*found, services.clock.now()),
            owner=self,
            failed=self._failed,
            latest="billing.list",
        )

    def _open_row(self, row: object) -> None:
        if isinstance(row, BillRow):
            self._from_list = True
            self._open(routes.BillRoute(row.encounter_id))

    def _open(self, route: routes.BillRoute) -> None:
        session = self._session
        self._session.ask(
            lambda: load_bill(self._services, session, route),
            self._show,
            owner=self,
            failed=self._failed,
            latest="billing.bill",
        )

    def _reload(self) -> None:
        if self._bill is not None:
            self._open(routes.BillRoute(self._bill.encounter_id))

    def _show(self, opened: Opened) -> None:
        self._opened, self._bill = opened, opened.bill
        self._closing.reason = ""
        self.banner.hide()
        self._pages.setCurrentWidget(self.sheet)
        self._put(opened.bill, ())
        self._judge()
        if self.sheet.table.rows:
            if not self.sheet.go_to(self.rows.wanted):
                self.sheet.table.choose_first()
                self.sheet.table.setFocus()
        elif self._writes:
            self.sheet.add_field.editor.setFocus()

    def _heard(self, changes: object) -> None:
        """Something changed elsewhere: read again what is shown, never over what is being typed."""
        if not isinstance(changes, Changes) or not self.isVisible():
            return
        if not self._on_sheet:
            if changes.touches(*_SHOWN):
                self._load_list()
            return
        bill = self._bill
        if bill is None or self._closing.reason:
            return
        mine = {bill.id, bill.encounter_id}
        if any(item.record_id in mine and item.version for item in changes.items):
            self._reload()

    def _failed(self, error: StationError) -> None:
        self.say(str(error), Severity.WARNING)

    # -- what may be done ------------------------------------------------------------------------

    @property
    def _writes(self) -> bool:
        opened = self._opened
        if opened is None:
            return False
        if opened.version == 0:
            return self._session.may(Action.BILL_PREPARE)
        return bool(self._closing.reason)

    def _writable(self) -> Bill | None:
        """The bill on the sheet when it may be written."""
        return self._bill if self._writes else None

    def _fit(self) -> None:
        """Only what can be done with what is shown."""
        opened, amending = self._opened, bool(self._closing.reason)
        self.buttons.fit(opened, writes=self._writes, amending=amending)
        self.state.setVisible(opened is not None)
        if opened is None:
            self.header.set_title(_("Viện phí"), _("Mỗi lượt khám một bảng kê chi phí (01/KBCB)"))
            return
        self.header.set_title(_("Viện phí"), opened.who)
        self.state.set(opened.state(amending=amending))

    # -- the rows ---------------------------------------------------------------------------------

    def _put(self, bill: Bill, problems: tuple[Problem, ...]) -> None:
        self._bill = bill
        self.sheet.show_bill(bill, problems, writable=self._writes)
        self._fit()

    def _changed(self, bill: Bill) -> None:
        """A change by the person: shown at once, judged and kept behind."""
        self._put(bill, ())
        self._judge()
        if self._closing.reason:
            self._closing.typed.touch()
        else:
            self._keep(bill)

    def _keep(self, bill: Bill) -> None:
        def kept(_changes: Changes) -> None:
            if self._opened is not None and self._opened.bill.id == bill.id:
                self._opened = replace(self._opened, kept=True)
            self._session.saved.emit(f"{self._services.clock.now():%H:%M:%S}")

        self._session.command(
            lambda: self._services.billing.save_draft(self._session.actor, bill),
            done=kept,
            failed=self._failed,
            owner=self,
        )

    def _judge(self) -> None:
        bill, opened = self._bill, self._opened
        if bill is None or opened is None:
            return
        self._session.ask(
            lambda: self._services.billing.check(bill, opened.patient),
            lambda problems: self._judged(bill, problems),
            owner=self,
            failed=self._failed,
            latest="billing.check",
        )

    def _judged(self, bill: Bill, problems: tuple[Problem, ...]) -> None:
        if self._bill is not bill:
            return
        self.sheet.show_bill(bill, problems, writable=self._writes)
        whole = self.sheet.of_whole
        if whole:
            only_notes = all(problem.severity == "info" for problem in whole)
            severity = Severity.INFO if only_notes else Severity.WARNING
            said = " ".join(problem.message for problem in whole)
            self.banner.show_message(Message(text=said, severity=severity))
        else:
            self.banner.hide()

    # -- closing ------------------------------------------------------------------------------------

    def _as_it_stands(self) -> tuple[Opened, Bill] | None:
        if self._opened is None or self._bill is None:
            return None
        return self._opened, self._bill

    def _close(self) -> None:
        if self._bill is not None:
            self.buttons.close.setEnabled(False)
            self._closing.close()

    def _done(self, sentence: str) -> None:
        self.buttons.close.setEnabled(True)
        self.say(sentence, Severity.SUCCESS)
        self._reload()

    def _not_done(self, error: StationError) -> None:
        self.buttons.close.setEnabled(True)
        self._failed(error)

    def _refused(self, wrong: tuple[Problem, ...]) -> None:
        self.buttons.close.setEnabled(True)
        self._judge()
        if wrong:
            self.sheet.go_to(wrong[0].field)
            text = _("Chưa chốt được: còn {count} lỗi, đã đánh dấu ở từng dòng.")
            self.say(text.format(count=len(wrong)), Severity.WARNING)

    def _begin_amendment(self) -> None:
        begun = self._closing.begin_amendment()
        if begun is None:
            return
        bill, typed_before = begun
        if typed_before:
            self.say(_("Sửa đổi gõ dở lần trước đã được mở lại. Hãy xem lại rồi lưu."))
        self._put(bill, ())
        self._judge()

    def _give_up(self) -> None:
        self._closing.forget()
        self._reload()

    # -- ways out -----------------------------------------------------------------------------------

    @override
    def print_action(self) -> bool:
        opened, bill = self._opened, self._bill
        if not self._on_sheet or opened is None or bill is None or self._closing.reason:
            return False

        def to_preview(_changes: object = None) -> None:
            self._returning = True
            self.go(routes.PREVIEW, routes.PreviewRoute(RecordKind.BILL, bill.id))

        if opened.kept or opened.version:
            to_preview()
            return True
        self._session.command(
            lambda: self._services.billing.save_draft(self._session.actor, bill),
            done=to_preview,
            failed=self._failed,
            owner=self,
        )
        return True

    @override
    def save_action(self) -> bool:
        """Every change is kept when it is made; the key says so and keeps a fresh draft."""
        if not self._on_sheet or self._bill is None or not self._writes or self._closing.reason:
            return False
        self._keep(self._bill)
        return True

    def _to_visit(self) -> None:
        if self._bill is not None:
            self._returning = True
            self.go(routes.ENCOUNTER, routes.EncounterRoute(self._bill.encounter_id))
