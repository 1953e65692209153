"""Each element on its own: there, filled, of its type, not too long, a real day, in its list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Final

from station_emr.domain.catalog import CatalogKind
from station_emr.domain.claim import CHECK_IN, DISCHARGE_PAPER, SERVICES
from station_emr.interop.bhyt.schema import GATEWAY_TEXT, DateShape, Element, Kind, schema
from station_emr.interop.bhyt.values import can_be_written, is_birth

from .kinds import pattern
from .rule import Hit, Rule, looks_for
from .sheet import Sheet, items

_SPACED: Final = re.compile(r"^\s|\s$|;\s|\s;|;;|^;|;$")
_SHAPES: Final = {
    DateShape.DAY: "yyyymmdd",
    DateShape.DAYS: "yyyymmdd",
    DateShape.MINUTE: "yyyymmddHHMM",
    DateShape.MINUTES: "yyyymmddHHMM",
    DateShape.DAY_OR_MINUTE: "yyyymmdd hoặc yyyymmddHHMM",
    DateShape.BIRTH: "yyyymmddHHMM",
}
_LENGTHS: Final = {
    DateShape.DAY: (8,),
    DateShape.DAYS: (8,),
    DateShape.MINUTE: (12,),
    DateShape.MINUTES: (12,),
    DateShape.DAY_OR_MINUTE: (8, 12),
}

Fault = Callable[[Element, str, Sheet], tuple[str, str] | None]


def _each(
    rule: Rule, sheet: Sheet, judged: Callable[[Element], bool], fault: Fault
) -> Iterator[Hit]:
    """Go over every element that ``judged`` picks; ``besides`` are judged by a rule of their own."""
    besides = rule.codes("besides")
    for table in sheet.claim.tables:
        chosen = _chosen(sheet.claim.version, table, besides, judged)
        for place, row in sheet.rows(table):
            for element in chosen:
                text = row.get(element.name)
                if text is None:
                    continue
                wrong = fault(element, text, sheet)
                if wrong is not None:
                    expected, other = wrong
                    yield Hit(table, place, element.name, text, expected, other)


@cache
def _chosen(
    version: str, table: str, besides: tuple[str, ...], judged: Callable[[Element], bool]
) -> tuple[Element, ...]:
    return tuple(
        element
        for element in schema(version).table(table).elements
        if f"{table}.{element.name}" not in besides and judged(element)
    )


@looks_for("field-missing")
def missing(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for table in sheet.claim.tables:
        names = sheet.schema.table(table).names
        for place, row in sheet.rows(table):
            if len(row) >= len(names) and all(name in row for name in names):
                continue
            yield from (Hit(table, place, name) for name in names if name not in row)


@looks_for("field-unknown")
def unknown(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for table in sheet.claim.tables:
        known = sheet.schema.table(table).by_name
        for place, row in sheet.rows(table):
            yield from (
                Hit(table, place, name, text) for name, text in row.items() if name not in known
            )


@looks_for("field-required")
def filled(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    return _each(rule, sheet, _is_mandatory, _is_empty)


def _is_mandatory(element: Element) -> bool:
    return element.mandatory


def _is_empty(_element: Element, text: str, _sheet: Sheet) -> tuple[str, str] | None:
    return None if text.strip() else ("", "")


@looks_for("field-number")
def numbers(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    return _each(rule, sheet, _is_number, _no_number)


def _is_number(element: Element) -> bool:
    return element.kind is Kind.NUMBER


def _no_number(_element: Element, text: str, _sheet: Sheet) -> tuple[str, str] | None:
    whole, point, part = text.partition(".")
    digits = whole.isascii() and whole.isdigit() and (not point or part.isdigit())
    return None if not text or digits else ("", "")


@looks_for("field-decimals")
def decimals(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    return _each(rule, sheet, _is_number, _too_fine)


def _too_fine(element: Element, text: str, sheet: Sheet) -> tuple[str, str] | None:
    part = text.partition(".")[2]
    if len(part) <= element.decimals or _no_number(element, text, sheet) is not None:
        return None
    return str(element.decimals), ""


@looks_for("field-length")
def lengths(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    return _each(rule, sheet, _has_length, _too_long)


def _has_length(element: Element) -> bool:
    # A day of the wrong length is told as a wrong day.
    return element.length > 0 and element.date is None


def _too_long(element: Element, text: str, _sheet: Sheet) -> tuple[str, str] | None:
    # A number's point is no digit: 15 digits may stand before and behind it.
    length = len(text.replace(".", "", 1)) if element.kind is Kind.NUMBER else len(text)
    return None if length <= element.length else (str(element.length), str(length))


@looks_for("field-long-text")
def long_texts(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    return _each(rule, sheet, _is_endless, _cut)


def _is_endless(element: Element) -> bool:
    return element.length == 0 and element.kind is Kind.TEXT and element.date is None


def _cut(element: Element, text: str, _sheet: Sheet) -> tuple[str, str] | None:
    kept = element.gateway_length or GATEWAY_TEXT
    return None if len(text) <= kept else (str(kept), str(len(text)))


@looks_for("field-date")
def dates(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    return _each(rule, sheet, _is_date, _no_date)


def _is_date(element: Element) -> bool:
    return element.date is not None


def _no_date(element: Element, text: str, sheet: Sheet) -> tuple[str, str] | None:
    shape = element.date
    if not text or shape is None:
        return None
    if shape is DateShape.BIRTH:
        good = is_birth(text)
    else:
        parts = text.split(";") if shape in {DateShape.DAYS, DateShape.MINUTES} else [text]
        good = all(
            len(part) in _LENGTHS[shape] and sheet.moment(part) is not None for part in parts
        )
    return None if good else (_SHAPES[shape], "")


@looks_for("field-control")
def control(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for table in sheet.claim.tables:
        for place, row in sheet.rows(table):
            # One look at the whole row; which element it is matters only when something is there.
            if can_be_written("".join(row.values())):
                continue
            for name, text in row.items():
                if not can_be_written(text):
                    yield Hit(table, place, name, text)


@looks_for("field-list-space")
def spaced(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for name in rule.codes("of"):
        table, _dot, element = name.partition(".")
        for cell in sheet.cells((table,), (element,)):
            if _SPACED.search(cell.text):
                yield cell.hit()


@looks_for("field-order-number")
def order_numbers(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for table in rule.tables:
        before = Decimal(0)
        for place, row in sheet.rows(table):
            number = sheet.number(table, place, "STT")
            if number is None:
                continue
            if number <= before:
                yield Hit(table, place, "STT", row["STT"])
            before = number


@looks_for("gdh-1")
def visit_object(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells(rule.tables, rule.elements):
        row = sheet.claim.rows(cell.table)[cell.row]
        if sheet.lists.find(CatalogKind.VISIT_OBJECT, cell.text, sheet.day) is None:
            yield cell.hit(other="không có trong danh mục")
        elif cell.text in rule.codes("wrong_route") and row.get("MA_CSKCB") in items(
            row.get("MA_DKBD", "")
        ):
            yield cell.hit(other="là trái tuyến, nhưng thẻ đăng ký ban đầu tại chính cơ sở này")


@looks_for("gdh-8")
def card_head(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells(rule.tables, rule.elements):
        for card in items(cell.text):
            if len(card) != 15:
                continue  # told as a card of the wrong length
            if sheet.lists.find(CatalogKind.CARD_OBJECT, card[:2], sheet.day) is None:
                yield cell.hit(value=card, other=f"không có mã đối tượng {card[:2]}")
            elif card[2] not in "12345":
                yield cell.hit(value=card, other=f"không có mức hưởng {card[2]}")
            elif card[3:5] not in rule.codes("provinces"):
                yield cell.hit(value=card, other=f"không có mã tỉnh {card[3:5]} của BHXH")


@looks_for("gdh-20")
def card_counts(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    cards = len(items(sheet.text("MA_THE_BHYT")))
    for element in rule.elements[1:]:
        text = sheet.text(element)
        if not text and element in rule.codes("may_be_empty"):
            continue
        count = len(items(text))
        if count != cards:
            yield sheet.on_summary(element, expected=str(cards), other=str(count))


@looks_for("gdh-35")
def claim_year(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    text = sheet.text("NAM_QT")
    good = len(text) == 4 and text.isascii() and text.isdigit()
    if text and (not good or int(text) > sheet.claim.made_on.year):
        yield sheet.on_summary("NAM_QT")


@looks_for("gw-tuoi-thai")
def gestation(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells(rule.tables, rule.elements):
        weeks = sheet.number(*cell[:3])
        if weeks is not None and not rule.params["least"] <= weeks <= rule.params["most"]:
            yield cell.hit()


@looks_for("gw-ma-bhxh")
def insurance_number(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells(rule.tables, rule.elements):
        digits = cell.text.isascii() and cell.text.isdigit()
        if not digits or not cell.text.strip("0"):
            yield cell.hit()


@looks_for("gw-ma-khoa")
def departments(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    shape = pattern(rule.params["pattern"])
    for cell in sheet.cells(rule.tables, rule.elements):
        yield from (cell.hit(value=one) for one in items(cell.text) if not shape.fullmatch(one))


@looks_for("gw-chi-phi-dau")
def first_cost(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for place, row in sheet.rows(CHECK_IN):
        if not any(row.get(name) for name in rule.elements):
            yield Hit(CHECK_IN, place, rule.elements[0])


@looks_for("gw-ma-dich-vu")
def service_or_material(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for place, row in sheet.rows(SERVICES):
        if not any(row.get(name) for name in rule.elements):
            yield Hit(SERVICES, place, rule.elements[0])


@looks_for("gw-nghi-ngoai-tru")
def rest_after_stay(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for place, row in sheet.rows(DISCHARGE_PAPER):
        empty = [name for name in rule.elements if not row.get(name)]
        if empty and len(empty) < len(rule.elements):
            yield Hit(DISCHARGE_PAPER, place, empty[0])
