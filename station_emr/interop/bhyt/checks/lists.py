"""Diagnoses against the list of ICD-10, rows against what the station is approved to charge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from station_emr.domain.catalog import CatalogKind, IcdCode, icd_of
from station_emr.domain.claim import DRUGS, SERVICES, TESTS
from station_emr.domain.money import money_text
from station_emr.domain.price_list import ApprovedItem
from station_emr.domain.text import fold

from .kinds import is_unlisted, pattern
from .rule import Hit, Rule, looks_for, tolerance
from .sheet import Cell, Sheet, items

_NO_SERVICE: Final = re.compile(r"VC[.].*")  # transport: its code names the way, not a service
_LIST_OF: Final = {
    "MA_THUOC": CatalogKind.APPROVED_DRUG,
    "MA_DICH_VU": CatalogKind.APPROVED_SERVICE,
    "MA_VAT_TU": CatalogKind.APPROVED_MATERIAL,
}


# -- diagnoses ---------------------------------------------------------------------------------------


def _diagnoses(rule: Rule, sheet: Sheet) -> Iterator[tuple[Cell, str, IcdCode]]:
    for cell, code in _codes(rule, sheet):
        row = sheet.lists.find(CatalogKind.ICD10, code, sheet.day)
        if row is not None:
            yield cell, code, icd_of(row)


def _codes(rule: Rule, sheet: Sheet) -> Iterator[tuple[Cell, str]]:
    for cell in sheet.cells(rule.tables, rule.elements):
        for code in items(cell.text):
            yield cell, code


_TRADITIONAL: Final = r"U[0-9]{2}\.[0-9]{3}.*"


@looks_for("icd-main", "icd-other")
def unknown_diagnosis(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    traditional = pattern(_TRADITIONAL)
    for cell, code in _codes(rule, sheet):
        if traditional.fullmatch(code):
            continue  # told as what it is
        if is_unlisted(sheet, CatalogKind.ICD10, code, rule.params["min_rows"]):
            yield cell.hit(value=code)


@looks_for("icd-traditional")
def traditional(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    shape = pattern(rule.params["pattern"])
    for cell, code in _codes(rule, sheet):
        if shape.fullmatch(code):
            yield cell.hit(value=code)


@looks_for("icd-many")
def many_diagnoses(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells(rule.tables, rule.elements):
        count = len(items(cell.text))
        if count > rule.params["most"]:
            yield cell.hit(expected=str(rule.params["most"]), other=str(count))


@looks_for("icd-weak")
def weak_diagnosis(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell, code in _codes(rule, sheet):
        if code.split(".")[0] in rule.codes():
            yield cell.hit(value=code)


@looks_for("tt06-not-main", "tt06-death", "tt06-female", "tt06-male")
@looks_for("tt06-discouraged", "tt06-specific")
def flags(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    sex = sheet.text("GIOI_TINH")
    died = sheet.text("KET_QUA_DTRI") in {"5", "8"}
    for cell, code, icd in _diagnoses(rule, sheet):
        wrong = {
            "tt06-not-main": icd.not_main or icd.mark == "*",
            "tt06-death": icd.death_only and not died,
            "tt06-female": icd.female_only and sex == "1",
            "tt06-male": icd.male_only and sex == "2",
            "tt06-discouraged": icd.discouraged_main,
            "tt06-specific": icd.more_specific_exists,
        }[rule.name]
        if wrong:
            yield cell.hit(value=code)


@looks_for("card-benefit")
def card_benefit(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """Which benefit goes with which kind of person; old cards still print what was."""
    for cell in sheet.cells(rule.tables, rule.elements):
        for card in items(cell.text):
            row = sheet.lists.find(CatalogKind.CARD_OBJECT, card[:2], sheet.day)
            known = str(row.attributes.get("benefit") or "") if row is not None else ""
            known += rule.params["also"].get(card[:2], "") if known else ""
            if known and len(card) == 15 and card[2] in "12345" and card[2] not in known:
                yield cell.hit(value=card, expected=card[2], other=card[:2])


# -- approved lists ----------------------------------------------------------------------------------


def _approved(sheet: Sheet, element: str, code: str) -> tuple[ApprovedItem, ...] | None:
    """None while the station has no list: nothing can be said then."""
    kind = _LIST_OF[element]
    found = tuple(sheet.lists.approved(kind, code, sheet.day))
    return found if found or sheet.lists.size(kind) else None


def _insured_rows(sheet: Sheet, element: str) -> Iterator[Cell]:
    """Rows that the fund is asked to pay; a material's row names its service besides."""
    table = DRUGS if element == "MA_THUOC" else SERVICES
    for cell in sheet.cells((table,), (element,)):
        row = sheet.claim.rows(table)[cell.row]
        if row.get("PHAM_VI") == "2" or _NO_SERVICE.fullmatch(cell.text):
            continue
        if element == "MA_DICH_VU" and row.get("MA_VAT_TU"):
            continue
        yield cell


@looks_for("approved-drug", "approved-service", "approved-material")
def not_approved(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    element = rule.elements[0]
    for cell in _insured_rows(sheet, element):
        if _approved(sheet, element, cell.text) == ():
            yield cell.hit()


_CODE_OF: Final = {
    "approved-drug-price": "MA_THUOC",
    "approved-service-price": "MA_DICH_VU",
    "approved-material-price": "MA_VAT_TU",
}


@looks_for(*_CODE_OF)
def too_dear(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    element = _CODE_OF[rule.name]
    for cell in _insured_rows(sheet, element):
        listed = _approved(sheet, element, cell.text)
        price = sheet.number(cell.table, cell.row, rule.elements[0])
        if not listed or price is None:
            continue
        highest = max(one.insured_price for one in listed)
        if price > highest + tolerance():
            yield Hit(
                cell.table, cell.row, rule.elements[0], money_text(price), money_text(highest)
            )


@looks_for("approved-drug-match")
def other_drug(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """Name, strength, registration and tender belong together: one row of the list must have all."""
    for cell in _insured_rows(sheet, "MA_THUOC"):
        row = sheet.claim.rows(cell.table)[cell.row]
        best: list[tuple[str, str, str]] | None = None
        for one in _approved(sheet, "MA_THUOC", cell.text) or ():
            listed = (one.name, one.strength, one.registration, one.tender)
            pairs = zip(rule.elements, listed, strict=True)
            apart = [
                (name, row.get(name, ""), text)
                for name, text in pairs
                if text and row.get(name) and fold(row[name]) != fold(text)
            ]
            if best is None or len(apart) < len(best):
                best = apart
        for name, said, text in (best or ())[:1]:
            if not sheet.told_of(cell.table, cell.row, name):
                yield Hit(cell.table, cell.row, name, said, text)


@looks_for("approved-unit")
def other_unit(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for element in _LIST_OF:
        for cell in _insured_rows(sheet, element):
            listed = _approved(sheet, element, cell.text)
            said = sheet.claim.rows(cell.table)[cell.row].get("DON_VI_TINH", "")
            units = sorted({one.unit for one in listed or () if one.unit})
            if said and units and fold(said) not in {fold(unit) for unit in units}:
                yield Hit(cell.table, cell.row, "DON_VI_TINH", said, ", ".join(units))


@looks_for("approved-staff", "approved-head", "tt25-signer")
def unknown_staff(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """By licence; somebody without one stands in brackets with a code of the station's own."""
    known = sheet.lists.staff()
    if not known:
        return
    seen: set[tuple[str, str]] = set()
    for cell in sheet.cells(rule.tables, rule.elements):
        for one in items(cell.text):
            licence = one.partition("(")[0].strip()
            if licence and licence not in known and (cell.element, licence) not in seen:
                seen.add((cell.element, licence))
                yield cell.hit(value=one)


# -- what a row must say -----------------------------------------------------------------------------


@looks_for("row-bed")
def beds(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    shape = pattern(rule.params["pattern"])
    for place, row in sheet.rows(SERVICES):
        if sheet.group(SERVICES, place) in rule.codes("groups"):
            wrong = [
                one for one in items(row.get("MA_GIUONG", "")) or [""] if not shape.fullmatch(one)
            ]
            if wrong:
                yield Hit(SERVICES, place, "MA_GIUONG", wrong[0])


@looks_for("row-conclusion")
def conclusions(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    imaging = {
        row.get("MA_DICH_VU", "")
        for place, row in sheet.rows(SERVICES)
        if sheet.group(SERVICES, place) in rule.codes("groups")
    }
    for place, row in sheet.rows(TESTS):
        said = row.get("KET_LUAN", "").strip() and row.get("MO_TA", "").strip()
        if row.get("MA_DICH_VU", "") in imaging and not said:
            yield Hit(TESTS, place, "KET_LUAN")
