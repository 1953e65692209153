"""The totals of the summary against the rows. While a row is wrong nothing is said of its sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from station_emr.domain.claim import DRUGS, SERVICES, SUMMARY, ClaimRow
from station_emr.domain.money import ZERO, money_text

from .rule import Hit, Rule, looks_for, tolerance
from .sheet import Sheet

Counts = Callable[[str, ClaimRow], bool]


def _all(_table: str, _row: ClaimRow) -> bool:
    return True


def _drugs(table: str, _row: ClaimRow) -> bool:
    return table == DRUGS


def _materials(table: str, row: ClaimRow) -> bool:
    return table == SERVICES and bool(row.get("MA_VAT_TU"))


def _by_fee(_table: str, row: ClaimRow) -> bool:
    return row.get("MA_PTTT") == "1"


_ADDED: Final[dict[str, tuple[str, Counts]]] = {
    "gdh-31": ("T_BHTT", _all),
    "sum-thuoc": ("THANH_TIEN_BV", _drugs),
    "sum-vtyt": ("THANH_TIEN_BV", _materials),
    "sum-tongchi-bv": ("THANH_TIEN_BV", _all),
    "sum-tongchi-bh": ("THANH_TIEN_BH", _all),
    "sum-bntt": ("T_BNTT", _all),
    "sum-bncct": ("T_BNCCT", _all),
    "sum-nguonkhac": ("T_NGUONKHAC", _all),
    "sum-bhtt-gdv": ("T_BHTT", _by_fee),
}


def _sum(sheet: Sheet, element: str, counts: Counts) -> Decimal | None:
    """None while an addend is no number, or nobody knows whether it counts."""
    whole = ZERO
    for table, place, row in sheet.charged:
        amount = sheet.number(table, place, element)
        if amount is None or sheet.told_of(table, place, "MA_PTTT"):
            return None
        if counts(table, row):
            whole += amount
    return whole


@looks_for(*_ADDED)
def sums(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    if not sheet.summary or sheet.told("money") or _nothing_claimed(sheet, rule):
        return
    element, counts = _ADDED[rule.name]
    said = sheet.number(SUMMARY, 0, rule.elements[0])
    whole = _sum(sheet, element, counts)
    if said is not None and whole is not None and abs(said - whole) > tolerance():
        yield sheet.on_summary(rule.elements[0], value=money_text(said), expected=money_text(whole))


def _nothing_claimed(sheet: Sheet, rule: Rule) -> bool:
    """A total that claims nothing is told as that."""
    return rule.elements[0] == "T_BHTT" and sheet.told_of(SUMMARY, 0, "T_BHTT")


@looks_for("gdh-11")
def nothing_claimed(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    if not sheet.summary or sheet.visit_object in rule.codes("besides"):
        return
    text = sheet.text("T_BHTT")
    if not text.strip() or sheet.number(SUMMARY, 0, "T_BHTT") == 0:
        yield sheet.on_summary("T_BHTT")


@looks_for("gdh-34")
def four_payers(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """Told when each total follows from its rows and the four still miss the whole."""
    if not sheet.summary or sheet.told("money") or sheet.told("sums"):
        return
    whole = sheet.number(SUMMARY, 0, "T_TONGCHI_BV")
    parts = [
        sheet.number(SUMMARY, 0, name) for name in ("T_BNTT", "T_BNCCT", "T_BHTT", "T_NGUONKHAC")
    ]
    given = [part for part in parts if part is not None]
    if whole is None or len(given) < len(parts):
        return
    paid = sum(given, ZERO)
    if abs(whole - paid) > tolerance():
        yield sheet.on_summary("T_TONGCHI_BV", value=money_text(whole), expected=money_text(paid))
