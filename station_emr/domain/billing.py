"""What a visit costs and who pays: the bill, its parts per card, its totals, what is wrong with it.

The rows and their exact amounts are in ``billing_items``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from .billing_items import (
    OUT_OF_SCOPE,
    BillItem,
    BillTotals,
    Help,
    ItemKind,
    Sources,
    totals_of,
)
from .billing_rules import BillingRules
from .encounter import Diagnosis, PatientSnapshot
from .errors import Problem
from .money import HUNDRED, ZERO, decimals
from .patient import Coverage
from .record import PractitionerSnapshot, Signature, StationProfile

__all__ = [
    "Bill",
    "BillItem",
    "BillPart",
    "BillTotals",
    "Help",
    "ItemKind",
    "Sources",
    "check_bill",
    "totals_of",
    "with_exam_ratios",
]

MAX_ITEMS: Final = 500
_PACKAGE: Final = re.compile(r"G[1-9]\d{0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The bill of one visit, with what its paper needs of the visit as it stood at closing."""

    id: str
    encounter_id: str
    patient_id: str
    number: str = ""
    coverage: Coverage | None = None
    more_coverages: tuple[Coverage, ...] = ()  # a second card that came into force meanwhile
    items: tuple[BillItem, ...] = ()
    visit_number: str = ""  # số khám bệnh
    department: str = ""  # MA_KHOA
    department_name: str = ""
    care_kind: str = "01"
    visit_object: str = "1.2"
    arrived_at: datetime | None = None
    ended_at: datetime | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    note: str = ""
    closed_at: datetime | None = None
    station: StationProfile | None = None
    patient: PatientSnapshot | None = None
    practitioner: PractitionerSnapshot | None = None
    signature: Signature | None = None

    @property
    def coverages(self) -> tuple[Coverage, ...]:
        return ((self.coverage,) if self.coverage else ()) + self.more_coverages

    @property
    def totals(self) -> BillTotals:
        return totals_of(self.items)

    def card_of(self, item: BillItem) -> str:
        """The number of the card that this row goes to, empty when nothing insured stands in it."""
        return item.card or (self.coverage.number if self.coverage else "")

    def parts(self) -> tuple[BillPart, ...]:
        """The rows per card and benefit level, in the order in which they first come."""
        found: dict[tuple[str, Decimal], list[BillItem]] = {}
        for item in self.items:
            found.setdefault((self.card_of(item), item.benefit), []).append(item)
        return tuple(
            BillPart(card=card, benefit=benefit, items=tuple(items))
            for (card, benefit), items in found.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BillPart:
    """The rows of one card at one level: one table on paper."""

    card: str
    benefit: Decimal
    items: tuple[BillItem, ...] = field(default=())

    @property
    def totals(self) -> BillTotals:
        return totals_of(self.items)


def with_exam_ratios(items: Iterable[BillItem], rules: BillingRules) -> tuple[BillItem, ...]:
    """The examinations of one visit at 100, 30, 30, 30, 10, then 0 percent, in their order."""
    seen = 0
    result = []
    for item in items:
        examination = item.kind is ItemKind.SERVICE and item.group in rules.exam_groups
        result.append(replace(item, service_ratio=rules.exam_ratio(seen)) if examination else item)
        seen += examination
    return tuple(result)


def check_bill(bill: Bill, rules: BillingRules | None = None) -> tuple[Problem, ...]:
    """What is wrong with a bill, row by row; without ``rules`` only shape and sums are looked at.

    ``error`` keeps a bill from being closed, ``confirm`` wants a look.
    """
    if not bill.items:
        return (
            _problem("items", "bill-empty", "Bảng kê chưa có khoản nào. Hãy thêm ít nhất một."),
        )
    problems = []
    if len(bill.items) > MAX_ITEMS:
        problems.append(
            _problem("items", "too-many-items", f"Một bảng kê nhận nhiều nhất {MAX_ITEMS} khoản.")
        )
    for index, item in enumerate(bill.items):
        rows = [*_shape(item), *_money(item), *_card(bill, item), *_times(item)]
        if rules is not None:
            rows += _by_rules(item, rules)
        problems += [
            _problem(f"items.{index}.{name}", code, f"{item.name or item.code}: {words}", severity)
            for name, code, words, severity in rows
        ]
    if rules is not None:
        problems += _exam_order(bill.items, rules)
    return (*problems, *_whole(bill))


_Row = tuple[str, str, str, str]


def _problem(name: str, code: str, message: str, severity: str = "error") -> Problem:
    return Problem(field=name, code=code, message=message, severity=severity)


def _wrong(*rows: tuple[bool, str, str, str]) -> list[_Row]:
    return [(name, code, words, "error") for is_wrong, name, code, words in rows if is_wrong]


def _shape(item: BillItem) -> list[_Row]:
    drug = item.kind is ItemKind.DRUG
    return _wrong(
        (not item.code.strip(), "code", "code-required", "thiếu mã."),
        (not item.name.strip(), "name", "name-required", "thiếu tên."),
        (not item.unit.strip(), "unit", "unit-required", "thiếu đơn vị tính."),
        (item.quantity <= 0, "quantity", "quantity-range", "số lượng phải lớn hơn 0."),
        (
            decimals(item.quantity) > 3,
            "quantity",
            "quantity-decimals",
            "số lượng có nhiều nhất 3 số lẻ.",
        ),
        (min(item.price, item.insured_price) < 0, "price", "price-range", "đơn giá không được âm."),
        (
            max(decimals(item.price), decimals(item.insured_price)) > 3,
            "price",
            "price-decimals",
            "đơn giá có nhiều nhất 3 số lẻ.",
        ),
        (
            drug and item.insured_price != item.price,
            "insured_price",
            "drug-one-price",
            "thuốc chỉ có một đơn giá. Hãy ghi giá bảo hiểm bằng giá mua vào.",
        ),
        (
            not drug and item.insured_price > item.price,
            "insured_price",
            "insured-price-over",
            "giá bảo hiểm cao hơn giá của trạm. Hãy xem lại bảng giá.",
        ),
        (
            not 0 <= item.service_ratio <= 100 or (drug and item.service_ratio != 100),
            "service_ratio",
            "service-ratio-range",
            "tỷ lệ theo dịch vụ phải từ 0 đến 100; với thuốc là 100.",
        ),
        (
            not 0 <= item.insured_ratio <= 100,
            "insured_ratio",
            "insured-ratio-range",
            "tỷ lệ bảo hiểm phải từ 0 đến 100.",
        ),
        (
            not 0 <= item.benefit <= HUNDRED or decimals(item.benefit) > 1,
            "benefit",
            "benefit-range",
            "mức hưởng phải từ 0 đến 100, nhiều nhất 1 số lẻ.",
        ),
        (
            item.scope not in {"1", "2", "3"},
            "scope",
            "scope-unknown",
            "phạm vi phải là 1, 2 hoặc 3.",
        ),
        (
            item.scope == OUT_OF_SCOPE and item.insured_ratio != 0,
            "insured_ratio",
            "out-of-scope-ratio",
            "khoản ngoài phạm vi bảo hiểm phải có tỷ lệ bảo hiểm 0.",
        ),
        (
            item.payment_method not in {"1", "2", "3"},
            "payment_method",
            "payment-method-unknown",
            "phương thức thanh toán phải là 1, 2 hoặc 3.",
        ),
        (
            drug and item.funding not in {"1", "2", "3", "4"},
            "funding",
            "funding-unknown",
            "nguồn chi trả phải từ 1 đến 4.",
        ),
        (
            bool(item.package) and not _PACKAGE.fullmatch(item.package),
            "package",
            "package-form",
            "gói vật tư ghi chữ G và số từ 1 đến 999, như G1.",
        ),
    )


def _money(item: BillItem) -> list[_Row]:
    split = item.split
    sources = item.sources.amounts
    parts = (split.self_pay, split.copay, split.fund_pays, split.other)
    return _wrong(
        (
            min(sources) < 0 or max(map(decimals, sources)) > 2,
            "sources",
            "sources-amount",
            "tiền nguồn khác không được âm, nhiều nhất 2 số lẻ.",
        ),
        (
            split.other > split.amount_bv,
            "sources",
            "sources-over",
            "tiền nguồn khác nhiều hơn thành tiền. Hãy giảm tiền nguồn khác.",
        ),
        (
            item.help is Help.COPAY and split.copay != 0,
            "sources",
            "copay-help",
            "trả thay phần cùng chi trả thì tiền nguồn khác phải đúng bằng phần đó.",
        ),
        (
            sum(parts, ZERO) != split.amount_bv or (min(parts) < 0 and split.amount_bv >= 0),
            "sources",
            "row-balance",
            "bốn phần tiền cộng lại không bằng thành tiền. Hãy xem lại giá và tiền nguồn khác.",
        ),
    )


def _card(bill: Bill, item: BillItem) -> list[_Row]:
    known = {one.number for one in bill.coverages}
    claims = item.split.fund_pays != 0
    return _wrong(
        (
            claims and not bill.card_of(item),
            "card",
            "card-required",
            "có tiền quỹ trả mà lượt khám không có thẻ BHYT. Hãy ghi thẻ hoặc để mức hưởng 0.",
        ),
        (
            bool(item.card) and item.card not in known,
            "card",
            "card-unknown",
            "thẻ của khoản này không có trong bảng kê.",
        ),
    )


def _times(item: BillItem) -> list[_Row]:
    ordered, done, result = item.ordered_at, item.done_at, item.result_at
    return _wrong(
        (ordered is None, "ordered_at", "ordered-required", "thiếu giờ ra y lệnh."),
        (not item.ordered_by.strip(), "ordered_by", "orderer-required", "thiếu người ra y lệnh."),
        (
            ordered is not None and done is not None and done < ordered,
            "done_at",
            "done-before-order",
            "giờ thực hiện trước giờ ra y lệnh.",
        ),
        (
            result is not None and any(at is not None and result < at for at in (ordered, done)),
            "result_at",
            "result-before-order",
            "giờ có kết quả trước giờ ra y lệnh hoặc giờ thực hiện.",
        ),
    )


def _by_rules(item: BillItem, rules: BillingRules) -> list[_Row]:
    groups = {
        ItemKind.DRUG: rules.drug_groups,
        ItemKind.SERVICE: rules.service_groups,
        ItemKind.MATERIAL: rules.material_groups,
    }[item.kind]
    performed = item.group in rules.performed_groups
    needs_tender = item.group in rules.tender_groups and item.scope != OUT_OF_SCOPE
    return _wrong(
        (
            item.group not in groups,
            "group",
            "group-unknown",
            f"mã nhóm {item.group or 'trống'} không dành cho {item.kind.label.lower()}.",
        ),
        (
            needs_tender and not item.tender.strip(),
            "tender",
            "tender-required",
            "thiếu thông tin thầu. Hãy bổ sung trong danh mục của trạm.",
        ),
        (
            performed and not item.done_by.strip(),
            "done_by",
            "performer-required",
            "thiếu người thực hiện.",
        ),
        (performed and item.done_at is None, "done_at", "done-required", "thiếu giờ thực hiện."),
    )


def _exam_order(items: tuple[BillItem, ...], rules: BillingRules) -> list[Problem]:
    return [
        _problem(
            f"items.{index}.service_ratio",
            "exam-ratio",
            f"{item.name}: lần khám này trong lượt tính {right.service_ratio}%, đang ghi {item.service_ratio}%.",
        )
        for index, (item, right) in enumerate(
            zip(items, with_exam_ratios(items, rules), strict=True)
        )
        if item.service_ratio != right.service_ratio
    ]


def _whole(bill: Bill) -> list[Problem]:
    sums = bill.totals
    problems = []
    if sums.t_tongchi_bv != sums.t_bntt + sums.t_bncct + sums.t_bhtt + sums.t_nguonkhac:
        problems.append(
            _problem(
                "items",
                "total-balance",
                "Tổng chi phí không bằng tổng bốn phần tiền. Hãy xem các dòng báo lỗi.",
            )
        )
    if bill.coverages and sums.t_bhtt == 0:
        problems.append(
            _problem(
                "items",
                "fund-pays-nothing",
                "Có thẻ BHYT mà quỹ không trả đồng nào: Cổng tiếp nhận sẽ trả lại hồ sơ. Hãy xem phạm vi và mức hưởng.",
                "confirm",
            )
        )
    if sums.t_bhtt != sums.t_tongchi_bh - sums.t_bncct:
        problems.append(
            _problem(
                "items",
                "fund-formula",
                "Tiền nguồn khác trừ vào phần trong phạm vi bảo hiểm, nên tiền quỹ trả không bằng tổng chi bảo hiểm trừ cùng chi trả. Hãy xem lại tiền nguồn khác.",
                "confirm",
            )
        )
    seen: set[tuple[object, ...]] = set()
    for index, item in enumerate(bill.items):
        same = (item.kind, item.code, item.ordered_at, item.done_at, item.price)
        if same in seen:
            problems.append(
                _problem(
                    f"items.{index}.code",
                    "item-twice",
                    f"{item.name}: đã có một dòng giống vậy. Hãy xem có ghi hai lần không.",
                    "confirm",
                )
            )
        seen.add(same)
    return problems
