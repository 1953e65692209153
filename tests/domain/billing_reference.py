"""A second way to count a bill, in whole numbers alone: no decimals, no code of the program.

Quantities are in thousandths, prices in thousandths of a đồng, benefits in tenths of a percent.
Products are kept whole and divided once, rounding half up by adding half of the divisor. Every
amount is answered in hundredths of a đồng.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    drug: bool
    quantity: int
    price: int
    insured_price: int
    service_ratio: int
    insured_ratio: int
    in_scope: bool
    benefit: int
    others: tuple[int, int, int, int]
    help: str  # "person", "facility" or "copay"
    fee_for_service: bool
    material: bool


class Money(NamedTuple):
    bv: int
    bh: int
    alone: int
    copay: int
    fund: int
    other: int


def half_up(numerator: int, divisor: int) -> int:
    return (2 * numerator + divisor) // (2 * divisor)


def money(row: Row) -> Money:
    service_ratio = 100 if row.drug else row.service_ratio
    insured_price = row.price if row.drug else row.insured_price
    # thousandths × thousandths × percent = 10^-8 đồng; hundredths of a đồng are 10^6 of those.
    bv = half_up(row.quantity * row.price * service_ratio, 10**6)
    other = sum(row.others)
    ratio = row.insured_ratio if row.in_scope else 0
    if row.help == "facility" and other:
        rest = max(bv - other, 0)  # more help than cost is a fault; nothing is insured then
        bh = half_up(rest * insured_price * ratio, row.price * 100) if row.price else 0
    else:
        bh = half_up(row.quantity * insured_price * service_ratio * ratio, 10**8)
    fund = half_up(bh * row.benefit, 1000)
    copay = bh - fund
    alone = bv - bh
    if row.help == "facility":
        return Money(bv, bh, alone - other, copay, fund, other)
    if row.help == "copay":
        return Money(bv, bh, alone, copay - other, fund, other)
    parts = [alone, copay, fund]
    left = other
    for place in range(3):
        taken = min(left, parts[place])
        if place == 2:
            taken = left
        parts[place] -= taken
        left -= taken
    return Money(bv, bh, *parts, other)


def sums(rows: list[Row]) -> dict[str, int]:
    counted = [(row, money(row)) for row in rows]
    return {
        "t_thuoc": sum(m.bv for r, m in counted if r.drug),
        "t_vtyt": sum(m.bv for r, m in counted if r.material),
        "t_tongchi_bv": sum(m.bv for _r, m in counted),
        "t_tongchi_bh": sum(m.bh for _r, m in counted),
        "t_bntt": sum(m.alone for _r, m in counted),
        "t_bncct": sum(m.copay for _r, m in counted),
        "t_bhtt": sum(m.fund for _r, m in counted),
        "t_nguonkhac": sum(m.other for _r, m in counted),
        "t_bhtt_gdv": sum(m.fund for r, m in counted if r.fee_for_service),
    }
