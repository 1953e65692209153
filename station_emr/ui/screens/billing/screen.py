"""Viện phí: from the visits of a day to one bill, and everything that is done to a bill."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QStackedWidget
from typing_extensions import override

from station_emr.domain.billing import Bill, ItemKind
from station_emr.domain.errors import InvalidRecord, Problem, StationError
from station_emr.domain.money import money_text
from station_emr.domain.permissions import Action
from station_emr.domain.price_list import ApprovedItem
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.services.billing_ports import BillRow, BillSums
from station_emr.services.guards import confirmation_key
from station_emr.services.i18n import _
from station_emr.services.version_ports import TypedAmendment
from station_emr.ui.kit import (
    Banner,
    ButtonKind,
    Chip,
    Message,
    Screen,
    Severity,
    Shortcut,
    dialogs,
    primary,
    secondary,
)
from station_emr.ui.kit.buttons import Button
from station_emr.ui.models import routes
from station_emr.ui.models.amending import AmendmentKeeper
from station_emr.ui.models.session import Session

from .bill_page import BillPage
from .desk import Opened, load_bill
from .item_dialog import ItemDialog
from .list_page import BillList, period
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
        self._reason = ""
        self._returning = False
        self._from_list = False
        self._wanted = ""  # the field of a row that somebody came for
        self._build_buttons()
        self.header = self.add_header(_("Viện phí"), " ", *self._actions)
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
        self._amendment = AmendmentKeeper(session, RecordKind.BILL, self._typed, self)
        self.list.opened.connect(self._open_row)
        self.list.period_changed.connect(self._load_list)
        self.sheet.edit_wanted.connect(self._edit)
        self.sheet.remove_wanted.connect(self._remove)
        self.sheet.picked.connect(self._add)
        self.sheet.search_wanted.connect(self._search)
        session.changed.connect(self._heard)
        self._fit()

    def _build_buttons(self) -> None:
        self.salary = secondary(_("Lương &cơ sở…"), "billing.salary")
        self.refill = secondary(_("&Lấy từ lượt khám"), "billing.refill")
        self.recount = secondary(_("Tính lại &mức hưởng"), "billing.recount")
        self.visit = secondary(_("&Xem lượt khám"), "billing.visit")
        self.print = secondary(_("In"), "billing.print", Shortcut.PRINT)
        self.amend = secondary(_("&Sửa đổi có lý do"), "billing.amend", icon="pencil-simple")
        self.void = Button(_("&Hủy có lý do"), "billing.void", kind=ButtonKind.DANGER)
        self.stop = secondary(_("Thôi sửa đổi"), "billing.stop")
        self.close_it = primary(_("Chốt bảng kê"), "billing.close", Shortcut.SIGN)
        self._actions = (
            self.salary,
            self.refill,
            self.recount,
            self.visit,
            self.print,
            self.amend,
            self.void,
            self.stop,
            self.close_it,
        )
        for button, does in (
            (self.salary, lambda: enter_salary(self, self._session)),
            (self.refill, self._refill),
            (self.recount, self._recount),
            (self.visit, self._to_visit),
            (self.print, self.print_action),
            (self.amend, self._begin_amendment),
            (self.void, self._void),
            (self.stop, self._give_up),
            (self.close_it, self._close),
        ):
            button.clicked.connect(lambda _on=False, call=does: call())

    # -- coming and going ---------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        returning, self._returning = self._returning, False
        self._wanted = context.field if isinstance(context, routes.BillRoute) else ""
        if isinstance(context, routes.BillRoute):
            self._from_list = False
            self._open(context)
        elif returning and self._opened is not None:
            self._reload()
        else:
            self._show_list()

    @override
    def on_leave(self) -> bool:
        self._amendment.flush()
        return True

    @override
    def on_back(self) -> bool:
        self._amendment.flush()
        if self._on_sheet and self._reason:
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
        self._reason = ""
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
        self._opened, self._bill, self._reason = opened, opened.bill, ""
        self.banner.hide()
        self._pages.setCurrentWidget(self.sheet)
        self._put(opened.bill, ())
        self._judge()
        if self.sheet.table.rows:
            if not self._go_to(self._wanted):
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
        if bill is None or self._reason:
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
        return bool(self._reason)

    def _fit(self) -> None:
        """Only what can be done with what is shown."""
        opened, sheet = self._opened, self._on_sheet
        draft = opened is not None and opened.version == 0
        closes = self._session.may(Action.BILL_CLOSE)
        stands = (
            opened is not None and opened.version > 0 and opened.status is not RecordStatus.VOIDED
        )
        amending = bool(self._reason)
        self.salary.setVisible(not sheet and self._session.may(Action.SETTINGS_EDIT))
        self.refill.setVisible(sheet and self._writes)
        self.recount.setVisible(sheet and self._writes)
        self.visit.setVisible(sheet)
        self.print.setVisible(sheet and not amending)
        self.amend.setVisible(sheet and stands and closes and not amending)
        self.void.setVisible(sheet and stands and closes and not amending)
        self.stop.setVisible(sheet and amending)
        self.close_it.setVisible(sheet and closes and (draft or amending))
        self.close_it.set_label(_("Lưu sửa đổi") if amending else _("Chốt bảng kê"))
        self.state.setVisible(sheet)
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
        if self._reason:
            self._amendment.touch()
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

    def _search(self, kind: object, text: str) -> None:
        wanted = kind if isinstance(kind, ItemKind) else ItemKind.SERVICE
        self._session.ask(
            lambda: self._services.billing.search(wanted, text),
            lambda found: self.sheet.set_found(found, text),
            owner=self,
            failed=self._failed,
            latest="billing.search",
        )

    def _add(self, approved: object) -> None:
        bill = self._bill
        if bill is None or not isinstance(approved, ApprovedItem) or not self._writes:
            return

        def added(made: Bill) -> None:
            self._changed(made)
            self.sheet.choose(len(made.items) - 1)

        self._session.ask(
            lambda: self._services.billing.add(self._session.actor, bill, approved),
            added,
            owner=self,
            failed=self._failed,
        )

    def _edit(self, place: int) -> None:
        bill = self._bill
        if bill is None or not self._writes:
            return
        cards = [one.number for one in bill.more_coverages]
        item = bill.items[place]
        problems = [
            replace(problem, field=problem.field.split(".", 2)[2])
            for problem in self.sheet.problems_of(place)
        ]
        wanted = self._wanted.removeprefix(f"items.{place}.")
        now = self._services.clock.now
        dialog = ItemDialog(self, item, cards, problems, now, field=wanted)
        if dialogs.run_dialog(dialog):
            items = list(bill.items)
            items[place] = dialog.item()
            if items[place] != item:
                self._changed(replace(bill, items=tuple(items)))
        self.sheet.choose(place)
        self.sheet.table.setFocus()

    def _remove(self, place: int) -> None:
        bill = self._bill
        if bill is None or not self._writes:
            return
        gone = bill.items[place]
        self._changed(replace(bill, items=(*bill.items[:place], *bill.items[place + 1 :])))

        def undo() -> None:
            now = self._bill
            if now is not None and now.id == bill.id and gone not in now.items:
                self._changed(replace(now, items=(*now.items[:place], gone, *now.items[place:])))

        self.message.emit(
            Message(
                text=_("Đã bỏ “{name}”.").format(name=gone.name or gone.code),
                action_text=_("Hoàn tác"),
                action=undo,
            )
        )

    def _refill(self) -> None:
        self._work_out(self._services.billing.refill, _("Lượt khám không có khoản nào mới."))

    def _recount(self) -> None:
        self._work_out(self._services.billing.recount, _("Mức hưởng đã đúng theo quy định."))

    def _work_out(self, step: object, same: str) -> None:
        bill, actor = self._bill, self._session.actor
        if bill is None or not callable(step):
            return

        def done(made: Bill) -> None:
            if made == bill:
                self.say(same)
            else:
                self._changed(made)

        self._session.ask(lambda: step(actor, bill), done, owner=self, failed=self._failed)

    # -- closing ------------------------------------------------------------------------------------

    def _close(self, confirmed: frozenset[str] = frozenset()) -> None:
        opened, bill = self._opened, self._bill
        if opened is None or bill is None:
            return
        reason, actor, billing = self._reason, self._session.actor, self._services.billing
        self.close_it.setEnabled(False)

        def command() -> Changes:
            if reason:
                return billing.amend(actor, bill, opened.version, reason, confirmed)
            billing.save_draft(actor, bill)  # a refusal loses nothing
            return billing.sign(actor, bill, confirmed)

        def closed(_changes: Changes) -> None:
            self.close_it.setEnabled(True)
            if reason:
                self._amendment.drop(bill.id)
            self._reason = ""
            pays = money_text(bill.totals.patient_pays)
            said = (
                _("Đã lưu bản sửa đổi; bản trước được giữ nguyên.")
                if reason
                else _("Đã chốt bảng kê. Người bệnh trả {amount} đồng.").format(amount=pays)
            )
            self.say(said, Severity.SUCCESS)
            self._reload()

        self._session.command(command, done=closed, failed=self._refused, owner=self)

    def _refused(self, error: StationError) -> None:
        self.close_it.setEnabled(True)
        bill = self._bill
        if not isinstance(error, InvalidRecord) or bill is None:
            self._failed(error)
            return
        self._judge()
        wrong = [p for p in error.problems if p.severity == "error"]
        if wrong:
            self._go_to(wrong[0].field)
            text = _("Chưa chốt được: còn {count} lỗi, đã đánh dấu ở từng dòng.")
            self.say(text.format(count=len(wrong)), Severity.WARNING)
            return
        asked = "\n".join(f"• {p.message}" for p in error.problems[:8])
        if dialogs.confirm(
            self,
            _("Xem lại trước khi chốt"),
            asked,
            yes=_("Vẫn chốt"),
            no=_("Quay lại"),
        ):
            self._close(frozenset(confirmation_key(p) for p in error.problems))

    def _go_to(self, field: str) -> bool:
        """To the row of ``items.2`` or ``items.2.price``; False when it is about no row."""
        parts = field.split(".")
        if len(parts) < 2 or not parts[1].isdigit():
            return False
        self.sheet.table.setFocus()
        return self.sheet.choose(int(parts[1]))

    def _begin_amendment(self) -> None:
        opened = self._opened
        if opened is None:
            return
        kept, bill = opened.typed, opened.bill
        reason: str | None
        if kept is not None and kept.bill is not None:
            reason, bill = kept.reason, kept.bill
            self.say(_("Sửa đổi gõ dở lần trước đã được mở lại. Hãy xem lại rồi lưu."))
        else:
            reason = dialogs.ask_text(
                self,
                _("Sửa đổi bảng kê đã chốt"),
                _("Bản đã chốt được giữ nguyên; bản sửa đổi mang cùng số và ghi rõ lý do."),
                label=_("Lý do sửa đổi"),
            )
        if reason:
            self._reason = reason
            self._put(bill, ())
            self._judge()

    def _typed(self) -> tuple[str, TypedAmendment] | None:
        opened, bill = self._opened, self._bill
        if opened is None or bill is None or not self._reason:
            return None
        return bill.id, TypedAmendment(reason=self._reason, version=opened.version, bill=bill)

    def _give_up(self) -> None:
        if self._bill is not None:
            self._amendment.drop(self._bill.id)
        self._reload()

    def _void(self) -> None:
        bill = self._bill
        reason = dialogs.ask_text(
            self,
            _("Hủy bảng kê"),
            _(
                "Bảng kê hủy vẫn được lưu và giữ số. Sau đó lập được bảng kê khác cho lượt khám này."
            ),
            label=_("Lý do hủy"),
        )
        if bill is None or not reason:
            return
        self._session.command(
            lambda: self._services.billing.void(self._session.actor, bill.id, reason),
            done=lambda _changes: self.say(_("Đã hủy bảng kê."), Severity.SUCCESS),
            failed=self._failed,
            owner=self,
        )

    # -- ways out -----------------------------------------------------------------------------------

    @override
    def print_action(self) -> bool:
        opened, bill = self._opened, self._bill
        if not self._on_sheet or opened is None or bill is None or self._reason:
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
        if not self._on_sheet or self._bill is None or not self._writes or self._reason:
            return False
        self._keep(self._bill)
        return True

    def _to_visit(self) -> None:
        if self._bill is not None:
            self._returning = True
            self.go(routes.ENCOUNTER, routes.EncounterRoute(self._bill.encounter_id))
