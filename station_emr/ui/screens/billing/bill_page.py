"""One bill: a table to be walked by keys, what is wrong beside each row, the sums below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget
from typing_extensions import override

from station_emr.domain.billing import Bill, BillItem, ItemKind
from station_emr.domain.errors import Problem
from station_emr.domain.money import money_text
from station_emr.domain.price_list import ApprovedItem
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Card,
    ChipSpec,
    Column,
    EmptyState,
    SegmentedField,
    Severity,
    Suggestion,
    Table,
    TypeaheadField,
    hbox,
    label,
    match_spans,
    named,
    plain_table,
    vbox,
)

_KINDS: Final = (ItemKind.SERVICE, ItemKind.DRUG, ItemKind.MATERIAL)
_NAME: Final = 200  # what somebody reads a row by goes before sums that stand below as well
_TOTALS: Final = (
    ("t_tongchi_bv", "Tổng chi phí"),
    ("t_bhtt", "Quỹ BHYT trả"),
    ("t_bncct", "Cùng chi trả"),
    ("t_bntt", "Tự trả"),
    ("t_nguonkhac", "Nguồn khác"),
    ("patient_pays", "Người bệnh trả"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its place and what is said against it."""

    place: int
    item: BillItem
    problems: tuple[Problem, ...] = ()


def row_chip(row: Row) -> ChipSpec | None:
    if not row.problems:
        return None
    errors = sum(problem.severity == "error" for problem in row.problems)
    if errors:
        return ChipSpec(_("{count} lỗi").format(count=errors), Severity.DANGER)
    if any(problem.severity == "confirm" for problem in row.problems):
        return ChipSpec(_("Xem lại"), Severity.WARNING)
    return ChipSpec(_("Lưu ý"), Severity.INFO)


class BillPage(QWidget):
    """``edit_wanted(place)``, ``remove_wanted(place)``, ``picked(ApprovedItem)``, and
    ``search_wanted(kind, text)`` that ``set_found`` answers.
    """

    edit_wanted = Signal(int)
    remove_wanted = Signal(int)
    picked = Signal(object)
    search_wanted = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self._problems: tuple[Problem, ...] = ()
        self._bill: Bill | None = None
        self.kind = SegmentedField([(kind, _(kind.label)) for kind in _KINDS])
        for place, button in enumerate(self.kind.buttons):
            named(button, f"bill.kind.{place}")
        self.kind.set_spoken(_("Loại khoản"))
        self.kind.set_value(ItemKind.SERVICE)
        self.add_field = TypeaheadField(
            placeholder=_("Mã hoặc tên trong danh mục của trạm"),
            icon="magnifying-glass",
            two_lines=True,
            clear_on_choice=True,
        )
        named(self.add_field.editor, "bill.add")
        self.add_field.set_spoken(_("Thêm khoản"))
        caption = label(_("&Thêm khoản"), "label")
        caption.setBuddy(self.add_field.editor)
        self.add_bar = QWidget()
        bar = hbox(caption, self.kind, self.add_field, gap=GAP_S, parent=self.add_bar)
        bar.setStretch(2, 1)
        self.table: Table[Row] = Table(
            "bill.items",
            _("Các khoản của bảng kê"),
            self._columns(),
            empty=EmptyState(
                "receipt",
                _("Bảng kê chưa có khoản nào"),
                _("Gõ vào ô Thêm khoản, hoặc lấy từ lượt khám."),
            ),
        )
        self.table.installEventFilter(self)
        self.table.opened.connect(lambda row: self.edit_wanted.emit(row.place))
        self.table.picked.connect(lambda _row: self._say_problems())
        self.findings = label("", "body", wrap=True)
        named(self.findings, "bill.findings", _("Điều cần xem của khoản đang chọn"))
        card = Card(margin=1)
        card.add(plain_table(self.table), 1)
        column = vbox(self.add_bar, card, self.findings, self._sums(), gap=GAP_S, parent=self)
        column.setStretch(1, 1)
        self.add_field.wanted.connect(lambda text: self.search_wanted.emit(self.kind.value(), text))
        self.add_field.chosen.connect(lambda one: self.picked.emit(one.payload))

    def _columns(self) -> list[Column[Row]]:
        def money(title: str, read: str, *, spare: int = 0, width: int = 88) -> Column[Row]:
            return Column(
                title=title,
                text=lambda r: money_text(getattr(r.item.split, read)),
                sort=lambda r: getattr(r.item.split, read),
                width=width,
                numeric=True,
                spare=spare,
            )

        def number(title: str, read: str, *, width: int, spare: int = 0) -> Column[Row]:
            return Column(
                title=title,
                text=lambda r: money_text(Decimal(getattr(r.item, read))),
                sort=lambda r: getattr(r.item, read),
                width=width,
                numeric=True,
                spare=spare,
            )

        return [
            Column(
                title=_("Nội dung"),
                text=lambda r: r.item.name or r.item.code,
                tip=lambda r: f"{r.item.code} {r.item.name}",
                width=_NAME,
                stretch=True,
                strong=True,
            ),
            Column(title="", text=_words, chip=row_chip, tip=_words, width=86),
            number(_("SL"), "quantity", width=50),
            Column(title=_("ĐVT"), text=lambda r: r.item.unit, width=54, spare=3),
            number(_("Đơn giá"), "price", width=82),
            number(_("% DV"), "service_ratio", width=58, spare=1),
            number(_("% BH"), "insured_ratio", width=58, spare=2),
            number(_("% hưởng"), "benefit", width=76, spare=6),
            money(_("Thành tiền"), "amount_bv"),
            money(_("Quỹ trả"), "fund_pays", spare=8),
            money(_("Cùng chi trả"), "copay", spare=5, width=98),
            money(_("Khác"), "other", spare=4, width=66),
            money(_("Tự trả"), "self_pay", spare=7, width=80),
        ]

    def _sums(self) -> Card:
        card = Card(margin=GAP_S)
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP_M)
        grid.setVerticalSpacing(0)
        self._amounts: dict[str, QLabel] = {}
        for place, (name, title) in enumerate(_TOTALS):
            last = name == "patient_pays"
            grid.addWidget(label(_(title), "muted"), 0, place)
            self._amounts[name] = label("", "title" if last else "strong", selectable=True)
            named(self._amounts[name], f"bill.total.{name}", _(title))
            grid.addWidget(self._amounts[name], 1, place)
            grid.setColumnStretch(place, 1)
        card.body.addLayout(grid)
        return card

    # -- content ------------------------------------------------------------------------------

    def show_bill(self, bill: Bill, problems: Sequence[Problem], *, writable: bool) -> None:
        self._bill = bill
        self._problems = tuple(problems)
        at = self.table.current()
        self.table.set_rows(self._rows())
        if at is not None and self.table.rows:
            near = min(at.place, len(self.table.rows) - 1)
            self.table.choose(next(row for row in self.table.rows if row.place == near))
        elif at is None:
            self.table.choose_first()
        self.add_bar.setVisible(writable)
        sums = bill.totals
        for name, shown in self._amounts.items():
            shown.setText(_("{amount} đ").format(amount=money_text(getattr(sums, name))))
        self._say_problems()

    def _rows(self) -> list[Row]:
        items = self._bill.items if self._bill is not None else ()
        return [Row(place, item, self.problems_of(place)) for place, item in enumerate(items)]

    def problems_of(self, place: int) -> tuple[Problem, ...]:
        start = f"items.{place}."
        return tuple(one for one in self._problems if one.field.startswith(start))

    @property
    def of_whole(self) -> tuple[Problem, ...]:
        return tuple(one for one in self._problems if one.field.count(".") == 0)

    def _say_problems(self) -> None:
        row = self.table.current()
        said = [problem.message for problem in row.problems] if row else []
        self.findings.setText("\n".join(f"• {text}" for text in said))
        self.findings.setVisible(bool(said))

    def choose(self, place: int) -> bool:
        """Whether there is such a row."""
        found = next((row for row in self.table.rows if row.place == place), None)
        if found is not None:
            self.table.choose(found)
        return found is not None

    def go_to(self, field: str) -> bool:
        """To the row of ``items.2`` or ``items.2.price``; False when it is about no row."""
        parts = field.split(".")
        if len(parts) < 2 or not parts[1].isdigit():
            return False
        self.table.setFocus()
        return self.choose(int(parts[1]))

    def set_found(self, found: Sequence[ApprovedItem], text: str) -> None:
        self.add_field.set_results(
            [
                Suggestion(
                    title=one.name,
                    lead=one.code if len(one.code) <= 14 else "",
                    detail=_detail(one),
                    trailing=_("{price} đ").format(price=money_text(one.price)),
                    payload=one,
                    matches=tuple(match_spans(one.name, text)),
                )
                for one in found
            ],
            text,
        )

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            watched is self.table
            and event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Delete
            and not event.modifiers()
        ):
            row = self.table.current()
            if row is not None:
                self.remove_wanted.emit(row.place)
            return True
        return super().eventFilter(watched, event)


def _words(row: Row) -> str:
    return " ".join(problem.message for problem in row.problems)


def _detail(one: ApprovedItem) -> str:
    parts = [one.unit, one.registration]
    if one.scope == "2":
        parts.append(_("ngoài phạm vi BHYT"))
    if one.tender:
        parts.append(_("thầu {tender}").format(tender=one.tender))
    return " · ".join(part for part in parts if part)
