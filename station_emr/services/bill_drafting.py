"""From a visit to the rows of its bill: what was done, what was prescribed, what the lists say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from station_emr.domain.billing import Bill, BillItem, ItemKind, totals_of, with_exam_ratios
from station_emr.domain.billing_items import FEE_FOR_SERVICE
from station_emr.domain.billing_rules import BillingRules
from station_emr.domain.encounter import Encounter, Procedure
from station_emr.domain.errors import Problem
from station_emr.domain.money import ZERO, money_text
from station_emr.domain.patient import Coverage, CoverageValidity, Patient
from station_emr.domain.prescription import Prescription, PrescriptionLine, number_text
from station_emr.domain.price_list import (
    ApprovedItem,
    answering,
    drug_choices,
    item_from,
    outside_insurance,
)

EXAMINATION: Final = "kham-benh"
"""What the approved list calls the examination fee in its column of the program's own codes."""
_COLLECTING: Final = "07"  # drugs by appointment: nobody is examined

Lists = Callable[[ItemKind], Sequence[ApprovedItem]]
Find = Callable[[ItemKind, str], ApprovedItem | None]
"""One row of a list by its own code, as it stands on the day of the bill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a bill is drafted from."""

    encounter: Encounter
    patient: Patient
    prescription: tuple[str, Prescription] | None
    """Its id and content, when drugs were prescribed."""
    orderer: str
    """The licence number written under an order that names nobody."""
    payment_method: str = FEE_FOR_SERVICE

    @property
    def licence(self) -> str:
        signer = self.encounter.practitioner
        return (signer.licence_no if signer else "") or self.orderer

    @property
    def ordered_at(self) -> datetime:
        return self.encounter.started_at or self.encounter.arrived_at


def with_visit(bill: Bill, visit: Visit) -> Bill:
    """What the bill says of the visit and its cards."""
    encounter = visit.encounter
    cards = _cards(visit)
    return replace(
        bill,
        coverage=cards[0] if cards else None,
        more_coverages=cards[1:],
        visit_number=encounter.number,
        care_kind=encounter.care_kind,
        visit_object=encounter.visit_object,
        arrived_at=encounter.arrived_at,
        ended_at=encounter.ended_at,
        diagnoses=encounter.diagnoses,
    )


def with_rows_of_visit(bill: Bill, visit: Visit, lists: Lists, rules: BillingRules) -> Bill:
    """The bill with what the visit has and the bill does not: rows that are there stay as they are."""
    have = {_origin(item) for item in bill.items}
    new = [item for item in _rows(visit, lists) if _origin(item) not in have]
    return counted(replace(bill, items=(*bill.items, *new)), rules, only=new)


def with_row(bill: Bill, approved: ApprovedItem, visit: Visit, rules: BillingRules) -> Bill:
    """The bill with one more row from a list."""
    item = replace(
        item_from(approved),
        payment_method=visit.payment_method,
        ordered_at=visit.ordered_at,
        ordered_by=visit.licence,
        done_at=visit.ordered_at if approved.group in rules.performed_groups else None,
    )
    return counted(replace(bill, items=(*bill.items, item)), rules, only=(item,))


def counted(bill: Bill, rules: BillingRules, only: Iterable[BillItem] | None = None) -> Bill:
    """The bill with card, benefit and exam ratio of its rows set by the rules; with ``only``, those
    rows alone, because a person may have set the others.
    """
    mine = None if only is None else {id(item) for item in only}
    level = benefit_of(bill, rules)
    items = []
    for item in bill.items:
        if mine is None or id(item) in mine:
            if level == ZERO:
                item = outside_insurance(item)  # noqa: PLW2901  # the row as it is to be
            else:
                item = replace(item, benefit=level, card=_card_for(bill, item))  # noqa: PLW2901
        items.append(item)
    return replace(bill, items=with_exam_ratios(items, rules))


def benefit_of(bill: Bill, rules: BillingRules) -> Decimal:
    """MUC_HUONG of this visit by the rules; 0 when no card pays."""
    if bill.arrived_at is None:
        return ZERO
    return rules.benefit(
        bill.coverage,
        visit_object=bill.visit_object,
        care_kind=bill.care_kind,
        in_scope=totals_of(bill.items).t_tongchi_bh,
        day=bill.arrived_at.date(),
    )


def benefit_problems(bill: Bill, rules: BillingRules) -> list[Problem]:
    """Rows whose benefit is not what the rules say; a person may know better, so it is a question."""
    right = benefit_of(bill, rules)
    return [
        Problem(
            field=f"items.{index}.benefit",
            code="benefit-other",
            message=f"{item.name}: theo quy định mức hưởng là {money_text(right)}%, đang ghi {money_text(item.benefit)}%.",
            severity="confirm",
        )
        for index, item in enumerate(bill.items)
        if item.benefit != right and item.amount_bh
    ]


def visit_problems(bill: Bill, visit: Visit, lists: Lists) -> list[Problem]:
    """Where bill and visit say different things: to be looked at, because a person may know why."""
    have = {_origin(item): (index, item) for index, item in enumerate(bill.items)}
    problems = []
    for row in _rows(visit, lists):
        found = have.get(_origin(row))
        if found is None:
            problems.append(
                Problem(
                    field="items",
                    code="visit-row-missing",
                    message=f"Lượt khám có “{row.name}” mà bảng kê không có. Cần tính thì bấm Lấy từ lượt khám.",
                    severity="info",
                )
            )
        elif found[1].quantity != row.quantity and row.prescription_line is not None:
            problems.append(
                Problem(
                    field=f"items.{found[0]}.quantity",
                    code="quantity-prescribed",
                    message=f"{row.name}: đơn thuốc ghi {money_text(row.quantity)} {row.unit}, bảng kê ghi {money_text(found[1].quantity)}.",
                    severity="info",
                )
            )
    current = visit.prescription[0] if visit.prescription else ""
    lines = len(visit.prescription[1].lines) if visit.prescription else 0
    problems += [
        Problem(
            field=f"items.{index}.code",
            code="prescription-gone",
            message=f"{item.name}: đơn thuốc của lượt khám không còn dòng này. Hãy xem có bỏ khoản này không.",
            severity="confirm",
        )
        for index, item in enumerate(bill.items)
        if item.prescription_line is not None
        and (item.prescription_id != current or item.prescription_line >= lines)
    ]
    return problems


def list_problems(bill: Bill, find: Find, *, demo: bool) -> list[Problem]:
    """What the station's approved lists say against a row."""
    problems = []
    for index, item in enumerate(bill.items):
        listed = find(item.kind, item.listed) if item.listed else None
        for wrong, field, code, words, severity in (
            (
                listed is None,
                "code",
                "not-listed",
                "không lấy từ danh mục được duyệt đang dùng của trạm.",
                "confirm",
            ),
            (
                listed is not None and listed.example and not demo,
                "price",
                "example-price",
                "giá trong danh mục chỉ là giá ví dụ. Hãy nhập danh mục đã duyệt của trạm (Danh mục, Nhập tệp).",
                "error",
            ),
            (
                listed is not None and item.price > listed.price,
                "price",
                "price-over-list",
                f"đơn giá cao hơn giá được duyệt {money_text(listed.price) if listed else ''}.",
                "confirm",
            ),
            (
                item.price == 0 and item.quantity > 0,
                "price",
                "price-missing",
                "chưa có đơn giá.",
                "confirm",
            ),
        ):
            if wrong:
                problems.append(
                    Problem(
                        field=f"items.{index}.{field}",
                        code=code,
                        message=f"{item.name or item.code}: {words}",
                        severity=severity,
                    )
                )
    return problems


def dosage_text(line: PrescriptionLine) -> str:
    """LIEU_DUNG of an outpatient: ``2 viên/lần * 2 lần/ngày * 5 ngày [4 viên/ngày]``."""
    daily = line.dose * line.times_per_day
    return (
        f"{_plain(line.dose)} {line.unit}/lần * {line.times_per_day} lần/ngày * {line.days} ngày "
        f"[{_plain(daily)} {line.unit}/ngày]"
    )


def _plain(number: Decimal) -> str:
    return (
        number_text(number) if number == number.to_integral_value() else f"{number.normalize():f}"
    )


def _rows(visit: Visit, lists: Lists) -> list[BillItem]:
    rows = []
    if visit.encounter.care_kind != _COLLECTING:
        fee = answering(EXAMINATION, lists(ItemKind.SERVICE))
        if fee is not None:
            rows.append(
                replace(
                    item_from(fee),
                    ordered_at=visit.ordered_at,
                    ordered_by=visit.licence,
                    done_by=visit.licence,
                )
            )
    for index, procedure in enumerate(visit.encounter.procedures):
        rows += _procedure(visit, procedure, index, lists)
    if visit.prescription is not None:
        found, prescription = visit.prescription
        for index, line in enumerate(prescription.lines):
            rows.append(_drug(visit, found, line, index, prescription.written_at, lists))
    return [replace(row, payment_method=visit.payment_method) for row in rows]


def _procedure(visit: Visit, done: Procedure, index: int, lists: Lists) -> list[BillItem]:
    """One row for each thing done; the values of one test (several indicators) are one thing."""
    earlier = visit.encounter.procedures[:index]
    same = (done.code, done.ordered_at, done.started_at)
    if (
        done.is_test
        and done.indicator
        and same in {(p.code, p.ordered_at, p.started_at) for p in earlier}
    ):
        return []
    listed = answering(done.code, lists(ItemKind.SERVICE))
    if listed is None:
        return []  # measuring, advice: nothing that is charged for
    ordered = done.ordered_at or visit.ordered_at
    started = done.started_at or ordered
    return [
        replace(
            item_from(listed),
            ordered_at=ordered,
            done_at=max(started, ordered),
            result_at=max(done.ended_at or started, started, ordered) if done.is_test else None,
            ordered_by=visit.licence,
            done_by=done.performer_licence or visit.licence,
            procedure=index,
        )
    ]


def _drug(
    visit: Visit,
    prescription_id: str,
    line: PrescriptionLine,
    index: int,
    written_at: datetime | None,
    lists: Lists,
) -> BillItem:
    """A prescribed line by its approved drug; without one, a row that says what is missing."""
    choices = drug_choices(line, lists(ItemKind.DRUG))
    item = (
        item_from(choices[0])
        if choices
        else BillItem(
            kind=ItemKind.DRUG,
            code=line.bhyt_code,
            name=line.label,
            unit=line.unit,
            group="4",
            strength=line.strength,
            form=line.form,
            route_code=line.route_code,
        )
    )
    return replace(
        item,
        quantity=line.computed_quantity,
        dosage=dosage_text(line),
        instruction=line.sentence,
        ordered_at=written_at or visit.ordered_at,
        ordered_by=visit.licence,
        prescription_id=prescription_id,
        prescription_line=index,
    )


def _origin(item: BillItem) -> tuple[object, ...]:
    if item.prescription_line is not None:
        return ("drug", item.prescription_id, item.prescription_line)
    if item.procedure is not None:
        return ("procedure", item.procedure)
    return ("other", item.kind, item.code)


def _cards(visit: Visit) -> tuple[Coverage, ...]:
    """The card shown, and a further one that came into force before the visit ended."""
    encounter, patient = visit.encounter, visit.patient
    first = encounter.arrived_at.date()
    last = (encounter.ended_at or encounter.arrived_at).date()
    chosen = next(
        (card for card in patient.coverages if card.number == encounter.coverage_number), None
    ) or patient.coverage_on(first)
    if chosen is None:
        return ()
    others = (
        card
        for card in patient.coverages
        if card.number != chosen.number
        and card.validity(last) is CoverageValidity.IN_FORCE
        and chosen.validity(last) is CoverageValidity.EXPIRED
    )
    return (chosen, *others)


def _card_for(bill: Bill, item: BillItem) -> str:
    """The card in force on the day of the row; empty for the first one."""
    day = item.ordered_at.date() if item.ordered_at else None
    if day is None or bill.coverage is None:
        return item.card
    if bill.coverage.validity(day) is not CoverageValidity.EXPIRED:
        return item.card
    later = (c for c in bill.more_coverages if c.validity(day) is CoverageValidity.IN_FORCE)
    return next((card.number for card in later), item.card)
