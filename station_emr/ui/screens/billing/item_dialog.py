"""One row of a bill in full, with what is wrong with it beside its fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.billing import BillItem, Help, ItemKind, Sources
from station_emr.domain.errors import Problem
from station_emr.domain.money import ZERO, money_text, parse_money
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    ButtonKind,
    ChoiceField,
    Form,
    LineField,
    Option,
    ParsedField,
    scrolled,
)
from station_emr.ui.kit.dialogs import Box
from station_emr.ui.models.moments import parse_moment, show_moment

_SCOPES: Final = (("1", "Trong phạm vi"), ("2", "Ngoài phạm vi"), ("3", "Quân đội, công an"))
_METHODS: Final = (("1", "Phí dịch vụ"), ("2", "Định suất"), ("3", "Trường hợp bệnh"))
_MONEY: Final = ("price", "insured_price", "nsnn", "vtnn", "vttn", "cl")
_NUMBERS: Final = ("quantity", "service_ratio", "insured_ratio", "benefit")
_TEXTS: Final = (
    "name",
    "code",
    "unit",
    "group",
    "ordered_by",
    "done_by",
    "tender",
    "registration",
    "device",
    "package",
)
_MOMENTS: Final = ("ordered_at", "done_at", "result_at")
_OPTIONAL: Final = {*_MOMENTS, "nsnn", "vtnn", "vttn", "cl"}


def money_field(unit: str = "đ") -> ParsedField[Decimal]:
    return ParsedField(_read, money_text, refusal=_("Ghi số, ví dụ 12.500 hoặc 312,5"), unit=unit)


def _beside(problem: Problem, item: BillItem) -> Problem:
    """Beside its field the sentence need not name the row again."""
    said = problem.message.removeprefix(f"{item.name or item.code}: ")
    return replace(problem, message=said[:1].upper() + said[1:])


def _read(text: str) -> Decimal | None:
    try:
        return parse_money(text)
    except ValueError:
        return None


class ItemDialog(Box):
    """``item()`` gives the row as typed; accepted only when every number was understood. The cursor
    begins in ``field``, where the form has it.
    """

    def __init__(
        self,
        parent: QWidget,
        item: BillItem,
        cards: Sequence[str],
        problems: Iterable[Problem],
        now: Callable[[], datetime],
        *,
        field: str = "",
    ) -> None:
        super().__init__(parent, _("Sửa khoản: {name}").format(name=item.name or item.code))
        self.setMinimumWidth(820)
        self._item = item
        self._now = now
        self.form = Form("bill_item")
        self._what()
        self._money()
        self._who(cards)
        self._others()
        self._from_lists()
        holder = scrolled(self.form)
        holder.setMinimumHeight(240)
        self.content.addWidget(holder, 1)
        self.add_button(_("Quay lại"), "dialog.no")
        self.add_button(_("Xong"), "dialog.yes", kind=ButtonKind.PRIMARY, accept=True)
        self._fill(item)
        self.form.set_problems(_beside(problem, item) for problem in problems)
        self.form.field(field if field in self.form.keys else "quantity").editor.setFocus()

    def _what(self) -> None:
        self.form.add_row(
            ("quantity", _("&Số lượng"), money_field("")),
            ("name", _("&Tên"), LineField(max_length=1024)),
            ("code", _("&Mã"), LineField(max_length=255)),
            ("unit", _("&Đơn vị tính"), LineField(max_length=50)),
            stretch=(2, 5, 3, 2),
            required=("quantity", "name", "code", "unit"),
        )

    def _money(self) -> None:
        self.form.add_row(
            ("price", _("Đơn &giá của trạm"), money_field()),
            ("insured_price", _("Đơn giá &BHYT"), money_field()),
            ("service_ratio", _("Tỷ lệ &dịch vụ"), money_field("%")),
            ("insured_ratio", _("Tỷ lệ B&HYT"), money_field("%")),
            ("benefit", _("Mứ&c hưởng"), money_field("%")),
            stretch=(3, 3, 2, 2, 2),
        )

    def _who(self, cards: Sequence[str]) -> None:
        self.form.add_row(
            ("scope", _("&Phạm vi"), ChoiceField([Option(k, _(t)) for k, t in _SCOPES])),
            (
                "payment_method",
                _("Th&anh toán"),
                ChoiceField([Option(k, _(t)) for k, t in _METHODS]),
            ),
            ("group", _("Mã &nhóm"), LineField(max_length=2)),
            (
                "card",
                _("Th&ẻ"),
                ChoiceField([Option("", _("Thẻ thứ nhất")), *(Option(c, c) for c in cards)]),
            ),
            stretch=(3, 3, 2, 4),
        )
        self.form.add_row(
            ("ordered_at", _("&Ra y lệnh"), self._moment()),
            ("ordered_by", _("Ngườ&i ra y lệnh (số GPHN)"), LineField(max_length=255)),
            ("result_at", _("Có &kết quả"), self._moment()),
            stretch=(3, 5, 3),
        )
        self.form.add_row(
            ("done_at", _("Th&ực hiện"), self._moment()),
            ("done_by", _("Người thực hiện (số GPHN)"), LineField(max_length=255)),
            ("device", _("Mã máy"), LineField(max_length=1024)),
            stretch=(3, 5, 3),
        )

    def _others(self) -> None:
        self.form.add_heading(_("Nguồn khác trả thay"))
        self.form.add_row(
            ("nsnn", _("Ngân sách nhà nước"), money_field()),
            ("vtnn", _("Viện trợ nước ngoài"), money_field()),
            ("vttn", _("Tài trợ trong nước"), money_field()),
            ("cl", _("Còn &lại"), money_field()),
            ("help", _("Cách trừ"), ChoiceField([Option(one, _(one.label)) for one in Help])),
            stretch=(2, 2, 2, 2, 3),
        )

    def _from_lists(self) -> None:
        self.form.add_heading(_("Theo danh mục được duyệt"))
        self.form.add_row(
            ("tender", _("Thông tin thầ&u"), LineField(max_length=50)),
            ("registration", _("Số đăng ký"), LineField(max_length=255)),
            ("package", _("Gói vật tư"), LineField(max_length=4)),
            stretch=(4, 3, 2),
        )

    def _moment(self) -> ParsedField[datetime]:
        return ParsedField(
            lambda text: parse_moment(text, self._now()),
            show_moment,
            refusal=_("Ghi giờ, ví dụ 8h25 hoặc 8h25 22/11"),
            placeholder=_("8h25"),
        )

    def _fill(self, item: BillItem) -> None:
        drug = item.kind is ItemKind.DRUG
        values: dict[str, object] = {name: getattr(item, name) for name in _TEXTS}
        values |= {name: getattr(item, name) for name in _MOMENTS}
        values |= {name: Decimal(getattr(item, name)) for name in _NUMBERS}
        values |= {
            name: getattr(item, name) for name in ("scope", "payment_method", "card", "help")
        }
        values |= {"price": item.price, "insured_price": item.insured_price}
        sources = item.sources
        for name in ("nsnn", "vtnn", "vttn", "cl"):
            values[name] = getattr(sources, name) or None
        self.form.set_values(values)
        # A drug has one price, and no service ratio.
        for name in ("insured_price", "service_ratio"):
            self.form.field(name).set_read_only(drug)

    def _number(self, key: str) -> Decimal:
        found = self.form.field(key).value()
        return found if isinstance(found, Decimal) else ZERO

    def _at(self, key: str) -> datetime | None:
        found = self.form.field(key).value()
        return found if isinstance(found, datetime) else None

    def item(self) -> BillItem:
        item = self._item
        texts: dict[str, Any] = {name: str(self.form.field(name).value() or "") for name in _TEXTS}
        drug = item.kind is ItemKind.DRUG
        price = self._number("price")
        helped = self.form.field("help").value()
        return replace(
            item,
            **texts,
            quantity=self._number("quantity"),
            price=price,
            insured_price=price if drug else self._number("insured_price"),
            service_ratio=100 if drug else int(self._number("service_ratio")),
            insured_ratio=int(self._number("insured_ratio")),
            benefit=self._number("benefit"),
            scope=str(self.form.field("scope").value() or item.scope),
            payment_method=str(self.form.field("payment_method").value() or item.payment_method),
            card=str(self.form.field("card").value() or ""),
            sources=Sources(
                nsnn=self._number("nsnn"),
                vtnn=self._number("vtnn"),
                vttn=self._number("vttn"),
                cl=self._number("cl"),
            ),
            help=helped if isinstance(helped, Help) else item.help,
            ordered_at=self._at("ordered_at"),
            done_at=self._at("done_at"),
            result_at=self._at("result_at"),
        )

    @override
    def accept(self) -> None:
        """What was typed and is no number keeps the dialog open, beside its field."""
        asked = (*_MONEY, *_NUMBERS, *_MOMENTS)
        understood = True
        for key in asked:
            field = self.form.field(key)
            if isinstance(field, ParsedField):
                understood &= field.check()
                if key not in _OPTIONAL and not field.text_value():
                    field.set_problem(_("Hãy ghi số."))
                    understood = False
        if understood:
            super().accept()
