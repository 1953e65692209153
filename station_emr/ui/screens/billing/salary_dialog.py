"""The base salary (lương cơ sở) from a day on: it decides which visit is small."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.money import money_text
from station_emr.services.i18n import _
from station_emr.ui.kit import ButtonKind, DateField, Form, Screen, Severity, dialogs, label
from station_emr.ui.kit.dialogs import Box
from station_emr.ui.models.moments import parse_day, show_day
from station_emr.ui.models.session import Session

from .item_dialog import money_field


class SalaryDialog(Box):
    """``since`` and ``amount`` as typed once it was accepted."""

    def __init__(
        self, parent: QWidget, now: Decimal, kept: Sequence[tuple[date, Decimal]], today: date
    ) -> None:
        super().__init__(
            parent,
            _("Lương cơ sở"),
            _(
                "Thuốc lĩnh cho tuyến trên hưởng 100% khi cả lượt dưới 15% lương cơ sở. "
                "Đang tính: {amount} đồng mỗi tháng."
            ).format(amount=money_text(now)),
        )
        self.form = Form("base_salary")
        self._since: DateField[date] = DateField(
            lambda text: parse_day(text, today), show_day, refusal=_("Ghi ngày, ví dụ 01/07/2026")
        )
        self.form.add_row(
            ("amount", _("&Số tiền mỗi tháng"), money_field()),
            ("since", _("&Tính từ ngày"), self._since),
            required=("amount", "since"),
        )
        self.content.addWidget(self.form)
        if kept:
            said = "; ".join(
                _("từ {day}: {amount}").format(day=show_day(day), amount=money_text(amount))
                for day, amount in kept
            )
            self.content.addWidget(label(_("Đã ghi: {what}").format(what=said), "muted", wrap=True))
        self.add_button(_("Quay lại"), "dialog.no")
        self.add_button(_("Ghi"), "dialog.yes", kind=ButtonKind.PRIMARY, accept=True)
        self._since.set_value(today)
        self.form.field("amount").editor.setFocus()

    @property
    def amount(self) -> Decimal | None:
        found = self.form.field("amount").value()
        return found if isinstance(found, Decimal) else None

    @property
    def since(self) -> date | None:
        return self._since.value()

    @override
    def accept(self) -> None:
        for key, told in (("amount", self.amount), ("since", self.since)):
            self.form.field(key).set_problem(None if told else _("Mục này cần ghi."))
        if self.amount and self.since:
            super().accept()


def enter_salary(screen: Screen, session: Session) -> None:
    """Ask for it on top of ``screen`` and keep it."""
    billing, actor = session.services.billing, session.actor
    today = session.services.clock.now().date()

    def refused(error: StationError) -> None:
        screen.say(str(error), Severity.WARNING)

    def asked(found: tuple[Decimal, tuple[tuple[date, Decimal], ...]]) -> None:
        dialog = SalaryDialog(screen, *found, today)
        if not dialogs.run_dialog(dialog):
            return
        since, amount = dialog.since, dialog.amount
        if since is not None and amount is not None:
            session.ask(
                lambda: billing.set_base_salary(actor, since, amount),
                lambda _done: screen.say(_("Đã ghi lương cơ sở."), Severity.SUCCESS),
                owner=screen,
                failed=refused,
            )

    session.ask(
        lambda: (billing.base_salary(today), billing.base_salaries()),
        asked,
        owner=screen,
        failed=refused,
    )
