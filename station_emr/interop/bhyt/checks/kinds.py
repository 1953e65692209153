"""Rules of a common kind: their codes, patterns and conditions are data alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache

from station_emr.domain.catalog import CatalogKind
from station_emr.domain.claim import SUMMARY, ClaimRow
from station_emr.interop.bhyt.schema import Condition
from station_emr.interop.bhyt.values import is_birth

from .rule import Hit, Rule, looks_for
from .sheet import Cell, Sheet, items

pattern = cache(re.compile)


def parts(rule: Rule, cell: Cell) -> list[str]:
    """The values of a cell that the rule judges one by one."""
    return items(cell.text) if rule.params.get("list") else [cell.text]


@looks_for("one-of")
def one_of(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """Of ``codes`` or of a catalog; with ``not_codes`` none of those; ``exempt`` is always good."""
    known, banned = rule.codes(), rule.codes("not_codes")
    catalog = rule.params.get("catalog", "")
    shape, exempt = rule.params.get("pattern", ""), rule.params.get("exempt", "")
    kind = CatalogKind(catalog) if catalog else None
    least = rule.params.get("min_rows", 1)
    for cell in sheet.cells(rule.tables, rule.elements):
        for value in parts(rule, cell):
            if exempt and pattern(exempt).fullmatch(value):
                continue
            wrong = (
                (bool(known) and value not in known)
                or value in banned
                or (bool(shape) and not pattern(shape).fullmatch(value))
                or (kind is not None and is_unlisted(sheet, kind, value, least))
            )
            if wrong:
                yield cell.hit(value=value)


def is_unlisted(sheet: Sheet, kind: CatalogKind, value: str, least: int) -> bool:
    """Whether the list would have the value if there were one; a short list proves nothing. How long
    it is costs more to say than whether it has the value, so that is asked last.
    """
    return sheet.lists.find(kind, value, sheet.day) is None and sheet.lists.size(kind) >= least


@looks_for("pattern")
def matches(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    shape = pattern(rule.params["pattern"])
    for cell in sheet.cells(rule.tables, rule.elements):
        for value in parts(rule, cell):
            if not shape.fullmatch(value):
                yield cell.hit(value=value)


@looks_for("minute", "day", "day-or-minute")
def moments(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    lengths = {"minute": {12}, "day": {8}, "day-or-minute": {8, 12}}[rule.kind]
    for cell in sheet.cells(rule.tables, rule.elements):
        for value in parts(rule, cell):
            if len(value) not in lengths or sheet.moment(value) is None:
                yield cell.hit(value=value)


@looks_for("birth")
def births(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """A real day, with zeros for what is unknown, and not after the visit."""
    for cell in sheet.cells(rule.tables, rule.elements):
        came = sheet.claim.rows(cell.table)[cell.row].get("NGAY_VAO", "")
        late = cell.text[:8] > came[:8] if sheet.moment(came) else False
        if not is_birth(cell.text) or late:
            yield cell.hit()


@looks_for("required")
def required(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """``always``, under a ``when`` or ``filled`` of its own, or as the table's definition says."""
    own = _condition(rule)
    always = bool(rule.params.get("always"))
    for table in rule.tables:
        known = sheet.schema.table(table).by_name
        for place, row in sheet.rows(table):
            for element in rule.elements:
                definition = known.get(element)
                if definition is None or row.get(element, "").strip():
                    continue
                condition = own or definition.condition
                if always or (condition is not None and condition.holds(_plain_groups(row))):
                    yield Hit(table, place, element)


def _condition(rule: Rule) -> Condition | None:
    when, filled = rule.params.get("when"), rule.codes("filled")
    if when is None and not filled:
        return None
    return Condition(
        filled=filled, within={name: tuple(values) for name, values in (when or {}).items()}
    )


def _plain_groups(row: ClaimRow) -> ClaimRow:
    """The row with the number of its group as conditions write it."""
    group = row.get("MA_NHOM", "")
    return {**row, "MA_NHOM": group.lstrip("0")} if group.startswith("0") else row


@looks_for("not-before")
def not_before(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """``than`` names an element of the same row, or ``XML1.`` and one of the summary."""
    than = rule.params["than"]
    for cell in sheet.cells(rule.tables, rule.elements):
        row = sheet.claim.rows(cell.table)[cell.row]
        earlier = sheet.text(than[5:]) if than.startswith("XML1.") else row.get(than, "")
        mine, theirs = sheet.moment(cell.text), sheet.moment(earlier)
        if mine is None or theirs is None or sheet.told_of(*cell[:3]):
            continue
        by_day = bool(rule.params.get("by_day"))
        if (mine.date() < theirs.date()) if by_day else (mine < theirs):
            yield cell.hit(value=readable(mine, cell.text), other=readable(theirs, earlier))


def readable(moment: datetime, text: str) -> str:
    """A moment as people write it; a day without hours when the element has none."""
    return f"{moment:%d/%m/%Y}" if len(text) == 8 else f"{moment:%H:%M %d/%m/%Y}"


@looks_for("equals-summary")
def equals_summary(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """What a paper repeats of the summary must be the same; empty says nothing."""
    names = rule.params.get("as_named", {})
    for cell in sheet.cells(rule.tables, rule.elements):
        named = names.get(cell.element, cell.element)
        theirs = sheet.text(named)
        told = sheet.told_of(SUMMARY, 0, named) or sheet.told_of(*cell[:3])
        if cell.text != theirs and not told:
            yield cell.hit(expected=theirs)
