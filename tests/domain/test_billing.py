"""Money of a bill: hand-made examples, and generated bills against a second way to count."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.domain.billing import (
    Bill,
    BillItem,
    Help,
    ItemKind,
    Sources,
    check_bill,
    totals_of,
    with_exam_ratios,
)
from station_emr.domain.billing_rules import rules_on
from station_emr.services.billing_settings import shipped_rules
from tests.domain import billing_reference as reference

D = Decimal
RULES = shipped_rules()[0]


def service(**more: object) -> BillItem:
    told = {"price": D(30000), "insured_price": D(30000), "group": "18", "unit": "lần"} | more
    return BillItem(kind=ItemKind.SERVICE, code="VD.1", name="Dịch vụ mẫu", **told)  # type: ignore[arg-type]


def drug(price: str, **more: object) -> BillItem:
    told = {"price": D(price), "insured_price": D(price), "group": "4", "unit": "viên"} | more
    return BillItem(kind=ItemKind.DRUG, code="40.1", name="Thuốc mẫu", **told)  # type: ignore[arg-type]


def split(item: BillItem) -> tuple[str, ...]:
    """BV, BH, fund, co-payment, alone, other: as people write them."""
    s = item.split
    return tuple(
        f"{amount:.2f}"
        for amount in (s.amount_bv, s.amount_bh, s.fund_pays, s.copay, s.self_pay, s.other)
    )


GOLDEN = [
    # An examination, everything paid.
    (service(), ("30000.00", "30000.00", "30000.00", "0.00", "0.00", "0.00")),
    # The station's price is above what the fund pays: the person pays the difference.
    (
        service(price=D("36500"), insured_price=D("30100"), benefit=D(80)),
        ("36500.00", "30100.00", "24080.00", "6020.00", "6400.00", "0.00"),
    ),
    # The second examination of a visit counts 30 percent.
    (
        service(service_ratio=30, benefit=D(95)),
        ("9000.00", "9000.00", "8550.00", "450.00", "0.00", "0.00"),
    ),
    # Half of a đồng's hundredth goes up: 7 × 312.125 = 2184.875.
    (
        drug("312.125", quantity=D(7), benefit=D(80)),
        ("2184.88", "2184.88", "1747.90", "436.98", "0.00", "0.00"),
    ),
    # Halves after an even digit go up too, in the amount and in the fund's part.
    (drug("0.125", benefit=D(50)), ("0.13", "0.13", "0.07", "0.06", "0.00", "0.00")),
    # A drug paid at 50 percent for a card of 80.
    (
        drug("10000000", insured_ratio=50, benefit=D(80)),
        ("10000000.00", "5000000.00", "4000000.00", "1000000.00", "5000000.00", "0.00"),
    ),
    # The same with 3 million given to the facility: the whole first, the rest is split (QĐ 4750).
    (
        drug(
            "10000000",
            insured_ratio=50,
            benefit=D(80),
            sources=Sources(vttn=D(3000000)),
            help=Help.FACILITY,
        ),
        ("10000000.00", "3500000.00", "2800000.00", "700000.00", "3500000.00", "3000000.00"),
    ),
    # Given to the person it comes off what the person pays alone.
    (
        drug("10000000", insured_ratio=50, benefit=D(80), sources=Sources(vttn=D(3000000))),
        ("10000000.00", "5000000.00", "4000000.00", "1000000.00", "2000000.00", "3000000.00"),
    ),
    # More than that: then the co-payment, then the fund's part.
    (
        drug("10000000", insured_ratio=50, benefit=D(80), sources=Sources(cl=D(6500000))),
        ("10000000.00", "5000000.00", "3500000.00", "0.00", "0.00", "6500000.00"),
    ),
    # ARV: another source pays the co-payment and nothing else.
    (
        drug(
            "1000",
            quantity=D(30),
            benefit=D(80),
            sources=Sources(nsnn=D(6000)),
            help=Help.COPAY,
        ),
        ("30000.00", "30000.00", "24000.00", "0.00", "0.00", "6000.00"),
    ),
    # Outside the fund's scope, whatever ratio somebody typed.
    (
        service(scope="2", insured_ratio=100),
        ("30000.00", "0.00", "0.00", "0.00", "30000.00", "0.00"),
    ),
    # 47.5 percent is possible since QĐ 1931/2026.
    (
        drug("1234.567", quantity=D("12.5"), benefit=D("47.5")),
        ("15432.09", "15432.09", "7330.24", "8101.85", "0.00", "0.00"),
    ),
]


@pytest.mark.parametrize(("item", "expected"), GOLDEN)
def test_amounts_by_hand(item: BillItem, expected: tuple[str, ...]) -> None:
    assert split(item) == expected


def test_sums_are_sums_of_rounded_rows() -> None:
    third = drug("0.335", quantity=D(1))  # 0.335 becomes 0.34 in each row

    sums = totals_of([third, third, third])

    assert sums.t_tongchi_bv == D("1.02")  # not 1.01, which is 1.005 rounded
    assert sums.t_thuoc == D("1.02")
    assert sums.t_vtyt == 0


def test_the_fund_by_fee_for_service_is_told_apart() -> None:
    rows = [service(), service(payment_method="2"), drug("500", payment_method="3")]

    sums = totals_of(rows)

    assert (sums.t_bhtt, sums.t_bhtt_gdv) == (D("60500.00"), D("30000.00"))


def test_examinations_of_a_visit_count_less_and_less() -> None:
    exams = [service(group="13") for _ in range(7)]
    rows = [exams[0], service(), drug("100"), *exams[1:]]

    ratios = [item.service_ratio for item in with_exam_ratios(rows, RULES)]

    assert ratios == [100, 100, 100, 30, 30, 30, 10, 0, 0]


def test_parts_are_per_card_and_benefit_level() -> None:
    bill = Bill(
        id="b",
        encounter_id="e",
        patient_id="p",
        items=(
            service(card="A", benefit=D(80)),
            drug("1", card="B", benefit=D(80)),
            service(card="A", benefit=D(100)),
            drug("2", card="A", benefit=D(80)),
        ),
    )

    parts = bill.parts()

    assert [(part.card, part.benefit, len(part.items)) for part in parts] == [
        ("A", D(80), 2),
        ("B", D(80), 1),
        ("A", D(100), 1),
    ]
    assert sum(part.totals.t_tongchi_bv for part in parts) == bill.totals.t_tongchi_bv


# Against the reference ---------------------------------------------------------------------

ROWS = st.builds(
    reference.Row,
    drug=st.booleans(),
    quantity=st.integers(0, 10**7),
    price=st.integers(0, 10**11),
    insured_price=st.integers(0, 10**11),
    service_ratio=st.sampled_from([100, 80, 50, 33, 30, 10, 0]),
    insured_ratio=st.integers(0, 100),
    in_scope=st.booleans(),
    benefit=st.sampled_from([1000, 950, 800, 475, 400, 0]),
    others=st.tuples(*[st.just(0) | st.integers(0, 10**6)] * 4),
    help=st.sampled_from(["person", "facility", "copay"]),
    fee_for_service=st.booleans(),
    material=st.booleans(),
).map(lambda row: row._replace(material=row.material and not row.drug))


def as_item(row: reference.Row) -> BillItem:
    kind = ItemKind.DRUG if row.drug else ItemKind.MATERIAL if row.material else ItemKind.SERVICE
    nsnn, vtnn, vttn, cl = (D(amount).scaleb(-2) for amount in row.others)
    return BillItem(
        kind=kind,
        code="X",
        name="X",
        quantity=D(row.quantity).scaleb(-3),
        price=D(row.price).scaleb(-3),
        insured_price=D(row.price if row.drug else row.insured_price).scaleb(-3),
        service_ratio=row.service_ratio,
        insured_ratio=row.insured_ratio,
        scope="1" if row.in_scope else "2",
        benefit=D(row.benefit).scaleb(-1),
        payment_method="1" if row.fee_for_service else "2",
        sources=Sources(nsnn=nsnn, vtnn=vtnn, vttn=vttn, cl=cl),
        help=Help(row.help),
    )


@given(ROWS)
def test_every_row_counts_as_in_whole_numbers(row: reference.Row) -> None:
    s = as_item(row).split

    counted = (s.amount_bv, s.amount_bh, s.self_pay, s.copay, s.fund_pays, s.other)
    assert tuple(int(amount * 100) for amount in counted) == reference.money(row)
    assert s.amount_bv == s.self_pay + s.copay + s.fund_pays + s.other


@given(st.lists(ROWS, max_size=12))
def test_every_bill_sums_as_in_whole_numbers(rows: list[reference.Row]) -> None:
    sums = totals_of(as_item(row) for row in rows)

    told = {name: int(getattr(sums, name) * 100) for name in reference.sums([])}
    assert told == reference.sums(rows)
    assert sums.t_tongchi_bv == sums.t_bntt + sums.t_bncct + sums.t_bhtt + sums.t_nguonkhac


@given(ROWS)
def test_a_row_whose_parts_are_not_possible_is_named(row: reference.Row) -> None:
    item = as_item(row)
    found = {
        p.code for p in check_bill(Bill(id="b", encounter_id="e", patient_id="p", items=(item,)))
    }

    s = reference.money(row)
    assert ("sources-over" in found) == (s.other > s.bv)
    assert ("row-balance" in found) == (min(s.alone, s.copay, s.fund) < 0)


# What day, what level --------------------------------------------------------------------------


def test_rules_are_those_of_the_day() -> None:
    from_july = replace(RULES, valid_from=date(2027, 7, 1), base_salary=D(9))
    assert rules_on(date(2027, 6, 30), [from_july, RULES]) is RULES
    assert rules_on(date(2027, 7, 1), [from_july, RULES]) is from_july
    assert rules_on(date(1999, 1, 1), [from_july, RULES]) is RULES
