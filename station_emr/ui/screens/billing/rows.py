"""What a person does to the rows of a bill: find and add, change, take out, fill in anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.billing import Bill, ItemKind
from station_emr.domain.price_list import ApprovedItem
from station_emr.domain.user import Actor
from station_emr.services.i18n import _
from station_emr.ui.kit import Message, dialogs
from station_emr.ui.models.session import Session

from .bill_page import BillPage
from .item_dialog import ItemDialog


class BillRows(QObject):
    """``changed(bill)`` gives the bill with the change, ``told(Message)`` a word about it, ``failed(error)``
    why there is none. ``writable`` gives the bill that may be written, or None.
    """

    changed = Signal(object)
    told = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        session: Session,
        sheet: BillPage,
        writable: Callable[[], Bill | None],
        page: QWidget,
    ) -> None:
        super().__init__(page)
        self._session = session
        self._billing = session.services.billing
        self._sheet = sheet
        self._writable = writable
        self._page = page
        self.wanted = ""  # the field of a row that somebody came for
        sheet.edit_wanted.connect(self.edit)
        sheet.remove_wanted.connect(self.remove)
        sheet.picked.connect(self._add)
        sheet.search_wanted.connect(self._search)

    def _search(self, kind: object, text: str) -> None:
        wanted = kind if isinstance(kind, ItemKind) else ItemKind.SERVICE
        self._session.ask(
            lambda: self._billing.search(wanted, text),
            lambda found: self._sheet.set_found(found, text),
            owner=self,
            failed=self.failed.emit,
            latest="billing.search",
        )

    def _add(self, approved: object) -> None:
        bill = self._writable()
        if bill is None or not isinstance(approved, ApprovedItem):
            return

        def added(made: Bill) -> None:
            self.changed.emit(made)
            self._sheet.choose(len(made.items) - 1)

        self._session.ask(
            lambda: self._billing.add(self._session.actor, bill, approved),
            added,
            owner=self,
            failed=self.failed.emit,
        )

    def edit(self, place: int) -> None:
        """In a sheet of its own, at the field that somebody came for."""
        bill = self._writable()
        if bill is None:
            return
        cards = [one.number for one in bill.more_coverages]
        item = bill.items[place]
        problems = [
            replace(problem, field=problem.field.split(".", 2)[2])
            for problem in self._sheet.problems_of(place)
        ]
        wanted = self.wanted.removeprefix(f"items.{place}.")
        now = self._session.services.clock.now
        dialog = ItemDialog(self._page, item, cards, problems, now, field=wanted)
        if dialogs.run_dialog(dialog):
            items = list(bill.items)
            items[place] = dialog.item()
            if items[place] != item:
                self.changed.emit(replace(bill, items=tuple(items)))
        self._sheet.choose(place)
        self._sheet.table.setFocus()

    def remove(self, place: int) -> None:
        """At once; the message offers to take it back."""
        bill = self._writable()
        if bill is None:
            return
        gone = bill.items[place]
        self.changed.emit(replace(bill, items=(*bill.items[:place], *bill.items[place + 1 :])))

        def undo() -> None:
            now = self._writable()
            if now is not None and now.id == bill.id and gone not in now.items:
                items = (*now.items[:place], gone, *now.items[place:])
                self.changed.emit(replace(now, items=items))

        self.told.emit(
            Message(
                text=_("Đã bỏ “{name}”.").format(name=gone.name or gone.code),
                action_text=_("Hoàn tác"),
                action=undo,
            )
        )

    def refill(self) -> None:
        """What the visit has and the bill lacks."""
        self._work_out(self._billing.refill, _("Lượt khám không có khoản nào mới."))

    def recount(self) -> None:
        """The share that the fund pays of each row."""
        self._work_out(self._billing.recount, _("Mức hưởng đã đúng theo quy định."))

    def _work_out(self, step: Callable[[Actor, Bill], Bill], same: str) -> None:
        bill, actor = self._writable(), self._session.actor
        if bill is None:
            return

        def done(made: Bill) -> None:
            if made == bill:
                self.told.emit(Message(text=same))
            else:
                self.changed.emit(made)

        self._session.ask(lambda: step(actor, bill), done, owner=self, failed=self.failed.emit)
