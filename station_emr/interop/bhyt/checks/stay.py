"""Moments against one another and against the stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from station_emr.domain.claim import DRUGS, PROGRESS, SERVICES, SUMMARY

from .kinds import readable
from .rule import Hit, Rule, looks_for
from .sheet import Sheet, items


@looks_for("gw-so-ngay-dtri")
def days_of_care(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """0 for an examination; both ends counted for care over days; whatever it is for the others."""
    said = sheet.number(SUMMARY, 0, "SO_NGAY_DTRI") if sheet.summary else None
    came, left, kind = sheet.arrived, sheet.left, sheet.care_kind
    if said is None or came is None or left is None:
        return
    if kind in rule.codes("zero"):
        due = 0
    elif kind in rule.codes("days") and left >= came:
        due = (left.date() - came.date()).days + 1
    else:
        return
    if said != due:
        yield sheet.on_summary("SO_NGAY_DTRI", expected=str(due), other=kind)


@looks_for("gdh-103")
def year_of_claim(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    year, left = sheet.text("NAM_QT"), sheet.left
    if len(year) != 4 or left is None or sheet.told_of(SUMMARY, 0, "NAM_QT"):
        return
    if year != f"{left.year}":
        yield sheet.on_summary("NAM_QT", expected=f"{left.year}")


def _outside(sheet: Sheet, moment: datetime | None) -> bool:
    came, left = sheet.arrived, sheet.left
    return (
        moment is not None
        and came is not None
        and left is not None
        and came <= left
        and not came <= moment <= left
    )


@looks_for("stay-order-time")
def orders_inside(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells(rule.tables, rule.elements):
        moment = sheet.moment(cell.text)
        if _outside(sheet, moment):
            yield cell.hit(value=_said(moment, cell.text))


@looks_for("stay-progress")
def progress_inside(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells((PROGRESS,), rule.elements):
        moment = sheet.moment(cell.text)
        if _outside(sheet, moment):
            yield cell.hit(value=_said(moment, cell.text))


def _said(moment: datetime | None, text: str) -> str:
    return readable(moment, text) if moment is not None else text


@looks_for("stay-medicine-end")
def end_of_medicine(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """Care that lasts as long as its medicine ends with the last day of it."""
    left = sheet.left
    if sheet.care_kind not in rule.codes("kinds") or left is None:
        return
    if (left.hour, left.minute) != (23, 59) and any(True for _ in sheet.rows(DRUGS)):
        yield sheet.on_summary(
            "NGAY_RA", value=_said(left, sheet.text("NGAY_RA")), other=sheet.care_kind
        )


@looks_for("stay-overlap")
def overlapping(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """One person cannot do two things at once."""
    busy: list[tuple[str, datetime, datetime, int]] = []
    for place, row in sheet.rows(SERVICES):
        if sheet.group(SERVICES, place) not in rule.codes("groups"):
            continue
        start, end = sheet.moment(row.get("NGAY_TH_YL", "")), sheet.moment(row.get("NGAY_KQ", ""))
        if start is None or end is None or end < start:
            continue
        for person in items(row.get("NGUOI_THUC_HIEN", "")):
            other = next(
                (line for who, a, b, line in busy if who == person and start < b and a < end), None
            )
            if other is not None:
                yield Hit(
                    SERVICES,
                    place,
                    "NGAY_TH_YL",
                    _said(start, row["NGAY_TH_YL"]),
                    str(other + 1),
                    person,
                )
            busy.append((person, start, end, place))


@looks_for("stay-card")
def card_in_force(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """On the day of coming; where an end is open the card holds."""
    came = sheet.arrived
    starts, ends = items(sheet.text("GT_THE_TU")), items(sheet.text("GT_THE_DEN"))
    if came is None or not starts or sheet.visit_object in rule.codes("besides"):
        return
    if ends and len(ends) != len(starts):
        return
    day = f"{came:%Y%m%d}"
    pairs = zip(starts, ends or ["99999999"] * len(starts), strict=True)
    if all(len(one) == 8 for one in (*starts, *ends)) and not any(
        start <= day <= end for start, end in pairs
    ):
        yield sheet.on_summary("GT_THE_DEN", other=f"{came:%d/%m/%Y}")
