"""The money of each row: prices, the fund's part, the person's parts, other sources.

A wrong amount mostly puts several formulas out at once. Only the first is told of a row, in the order
in which the amounts are made from one another: who mends that one has the others calculated anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from station_emr.domain.claim import DRUGS, SERVICES
from station_emr.domain.money import HUNDRED, ZERO, money_text, round2, share, times

from .rule import Hit, Rule, looks_for, tolerance
from .sheet import Sheet

_SOURCES: Final = ("NSNN", "VTNN", "VTTN", "CL")
_NUMBERS: Final = {
    DRUGS: {
        "amount": "gdh-47",
        "insured": "row-insured-drug",
        "fund": "gdh-48",
        "copay": "gdh-49",
        "self": "gdh-50",
        "range": "gdh-51",
        "balance": "gdh-41",
        "sources": "row-sources",
    },
    SERVICES: {
        "amount": "gdh-52",
        "insured": "row-insured-service",
        "fund": "gdh-53",
        "copay": "gdh-54",
        "self": "gdh-55",
        "range": "gdh-56",
        "balance": "gdh-45",
        "sources": "row-sources",
    },
}


class _Fault(NamedTuple):
    rule: str
    hit: Hit


class _Split(NamedTuple):
    fund: Decimal
    copay: Decimal
    own: Decimal


def _same(one: Decimal, two: Decimal) -> bool:
    return abs(one - two) <= tolerance()


def _first_fault(sheet: Sheet, table: str, row: int) -> _Fault | None:
    """The first amount of the row that does not follow from those before it."""

    def number(name: str) -> Decimal | None:
        return sheet.number(table, row, name)

    names = _NUMBERS[table]

    def fault(which: str, element: str, expected: Decimal) -> _Fault:
        said = sheet.claim.rows(table)[row].get(element, "")
        value = number(element)
        shown = money_text(value) if value is not None else said
        return _Fault(names[which], Hit(table, row, element, shown, money_text(expected)))

    amount, insured, other = number("THANH_TIEN_BV"), number("THANH_TIEN_BH"), number("T_NGUONKHAC")
    should = _amounts(sheet, table, row)
    if amount is None or insured is None or other is None:
        return None
    if should is not None:
        if not _same(amount, should[0]):
            return fault("amount", "THANH_TIEN_BV", should[0])
        if not any(_same(insured, one) for one in _insured(sheet, table, row, should, other)):
            return fault("insured", "THANH_TIEN_BH", should[1])
    if other > amount + tolerance():
        return fault("range", "T_NGUONKHAC", amount)
    given = _all_of(number, [f"T_NGUONKHAC_{name}" for name in _SOURCES])
    if given and not _same(other, sum(given, ZERO)):
        return fault("sources", "T_NGUONKHAC", sum(given, ZERO))
    parts = _all_of(number, ["T_BHTT", "T_BNCCT", "T_BNTT"])
    if not parts:
        return None
    wrong = _wrong_part(_Split(*parts), amount, insured, other, number("MUC_HUONG"))
    if wrong is not None:
        return fault(*wrong)
    whole = sum(parts, other)
    return None if _same(whole, amount) else fault("balance", "THANH_TIEN_BV", whole)


def _all_of(number: Callable[[str], Decimal | None], names: Sequence[str]) -> list[Decimal]:
    """Empty while one of them is no number."""
    found = [number(name) for name in names]
    given = [one for one in found if one is not None]
    return given if len(given) == len(found) else []


def _wrong_part(
    said: _Split, amount: Decimal, insured: Decimal, other: Decimal, benefit: Decimal | None
) -> tuple[str, str, Decimal] | None:
    """The first part that no lawful way of sharing gives."""
    if benefit is None or benefit > HUNDRED:
        return None
    way = _closest(said, _splits(amount, insured, other, benefit))
    for which, element, mine, theirs in (
        ("fund", "T_BHTT", said.fund, way.fund),
        ("copay", "T_BNCCT", said.copay, way.copay),
        ("self", "T_BNTT", said.own, way.own),
    ):
        if not _same(mine, theirs):
            return which, element, theirs
    return None


def _amounts(sheet: Sheet, table: str, row: int) -> tuple[Decimal, Decimal] | None:
    """THANH_TIEN_BV and THANH_TIEN_BH as they should be; None while a factor is missing."""
    names = (
        ("SO_LUONG", "DON_GIA", "DON_GIA", "TYLE_TT_BH")
        if table == DRUGS
        else ("SO_LUONG", "DON_GIA_BV", "DON_GIA_BH", "TYLE_TT_BH")
    )
    found = [sheet.number(table, row, name) for name in names]
    done = HUNDRED if table == DRUGS else sheet.number(table, row, "TYLE_TT_DV")
    numbers = [one for one in found if one is not None]
    if len(numbers) < len(found) or done is None:
        return None
    quantity, price, insured_price, ratio = numbers
    return (
        round2(share(times(quantity, price), done, HUNDRED)),
        round2(share(times(quantity, insured_price, done), ratio, HUNDRED * HUNDRED)),
    )


def _insured(
    sheet: Sheet, table: str, row: int, should: tuple[Decimal, Decimal], other: Decimal
) -> tuple[Decimal, ...]:
    """What THANH_TIEN_BH may be: nothing outside the scope; less where help to the station was taken
    off before.
    """
    amount, insured = should
    if sheet.claim.rows(table)[row].get("PHAM_VI") == "2":
        return insured, ZERO
    after_help = round2(share(amount - other, insured, amount)) if other else insured
    return insured, after_help


def _splits(
    amount: Decimal, insured: Decimal, other: Decimal, benefit: Decimal
) -> tuple[_Split, ...]:
    """Every lawful way to share a row out; help of other sources is counted in one of three ways."""
    fund = round2(share(insured, benefit, HUNDRED))
    copay, own = insured - fund, amount - insured
    plain = _Split(fund, copay, own)
    if other == 0:
        return (plain,)
    left = other
    eaten = []
    for part in (own, copay, fund):  # to one person: first what the person pays alone
        taken = min(part, left)
        eaten.append(part - taken)
        left -= taken
    to_person = _Split(eaten[2], eaten[1], eaten[0])
    rest = amount - other  # to the station: off the whole, then as ever
    part_insured = round2(share(rest, insured, amount)) if amount else ZERO
    part_fund = round2(share(part_insured, benefit, HUNDRED))
    to_station = _Split(part_fund, part_insured - part_fund, rest - part_insured)
    insured_first = min(insured, rest)
    first_fund = round2(share(insured_first, benefit, HUNDRED))
    off_own = _Split(first_fund, insured_first - first_fund, rest - insured_first)
    instead_of_copay = _Split(fund, ZERO, own)
    ways = (to_person, to_station, off_own)
    return (*ways, instead_of_copay) if _same(other, copay) else ways


def _closest(said: _Split, ways: tuple[_Split, ...]) -> _Split:
    def distance(way: _Split) -> Decimal:
        return sum((abs(one - two) for one, two in zip(said, way, strict=True)), ZERO)

    return min(ways, key=distance)


@looks_for(
    *(name for name in _NUMBERS[DRUGS].values() if name != "row-sources"),
    *(name for name in _NUMBERS[SERVICES].values()),
)
def row_money(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for (table, _place), fault in _faults(sheet).items():
        if fault.rule == rule.name and table in rule.tables:
            yield fault.hit


def _faults(sheet: Sheet) -> dict[tuple[str, int], _Fault]:
    """Counted once, although many rules ask."""
    kept: dict[tuple[str, int], _Fault] | None = sheet.memo.get("money")
    if kept is None:
        kept = {}
        for table, place, _row in sheet.charged:
            fault = _first_fault(sheet, table, place)
            if fault is not None:
                kept[table, place] = fault
        sheet.memo["money"] = kept
    return kept


@looks_for("row-rate")
def rates(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells(rule.tables, rule.elements):
        rate = sheet.number(*cell[:3])
        if rate is not None and rate > HUNDRED:
            yield cell.hit()


@looks_for("row-scope")
def out_of_scope(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells(rule.tables, rule.elements):
        row = sheet.claim.rows(cell.table)[cell.row]
        if row.get("PHAM_VI") == "2" and sheet.number(*cell[:3]):
            yield cell.hit()


@looks_for("row-exam-rate")
def exam_rates(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """The second examination of a visit counts less, and the sixth nothing."""
    rates_of = rule.params["rates"]
    seen = 0
    for place, _row in sheet.rows(SERVICES):
        if sheet.group(SERVICES, place) != rule.params["group"]:
            continue
        rate = sheet.number(SERVICES, place, "TYLE_TT_DV")
        due = rates_of[min(seen, len(rates_of) - 1)]
        seen += 1
        if rate is not None and rate != due:
            yield Hit(SERVICES, place, "TYLE_TT_DV", str(rate), str(due), str(seen))
