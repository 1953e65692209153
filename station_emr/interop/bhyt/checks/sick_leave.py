"""The certificate of sick leave (TT 25/2025/TT-BYT) that goes along as XML11."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from station_emr.domain.birth import months_old
from station_emr.domain.claim import SICK_LEAVE
from station_emr.domain.text import fold

from .rule import Hit, Rule, looks_for, rule_named
from .sheet import Sheet


@looks_for("tt25-outpatient")
def outpatients_only(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for place, row in sheet.rows(SICK_LEAVE):
        if sheet.care_kind in rule.codes("kinds"):
            yield Hit(SICK_LEAVE, place, "SO_CT", row.get("SO_CT", ""), other=sheet.care_kind)


@looks_for("tt25-from")
def first_day(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """The day of the visit; of a visit over days also its last."""
    came, left = sheet.arrived, sheet.left
    for cell in sheet.cells((SICK_LEAVE,), ("TU_NGAY",)):
        day = sheet.moment(cell.text)
        if day is None or came is None:
            continue
        if day.date() not in {came.date(), left.date() if left else came.date()}:
            yield cell.hit(value=f"{day:%d/%m/%Y}", expected=f"{came:%d/%m/%Y}")


@looks_for("tt25-issued")
def day_of_issue(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    last = sheet.left or sheet.arrived
    for cell in sheet.cells((SICK_LEAVE,), ("NGAY_CT",)):
        day = sheet.moment(cell.text)
        if day is not None and last is not None and day.date() != last.date():
            yield cell.hit(value=f"{day:%d/%m/%Y}", expected=f"{last:%d/%m/%Y}")


@looks_for("tt25-days")
def number_of_days(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells((SICK_LEAVE,), ("SO_NGAY_NGHI",)):
        row = sheet.claim.rows(SICK_LEAVE)[cell.row]
        said = sheet.number(*cell[:3])
        start, end = (sheet.moment(row.get(name, "")) for name in ("TU_NGAY", "DEN_NGAY"))
        if said is None or start is None or end is None:
            continue
        if sheet.told_of(SICK_LEAVE, cell.row, "TU_NGAY"):
            continue
        if sheet.told_of(SICK_LEAVE, cell.row, "DEN_NGAY"):
            continue
        days = (end.date() - start.date()).days + 1
        if said != days or days < 1:
            yield cell.hit(expected=str(days))


@looks_for("tt25-nghi-30", "tt25-nghi-50", "tt25-nghi-180")
def most_days(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells((SICK_LEAVE,), ("SO_NGAY_NGHI",)):
        days = sheet.number(*cell[:3])
        if _limit(sheet, cell.row) == rule.name and days is not None and days > rule.params["most"]:
            yield cell.hit(expected=str(rule.params["most"]))


def _limit(sheet: Sheet, row: int) -> str:
    """Which of the three limits counts for this certificate."""
    tuberculosis = _params("tt25-nghi-180").get("codes", ())
    if sheet.text("MA_BENH_CHINH").split(".")[0] in tuberculosis:
        return "tt25-nghi-180"
    ended = sheet.claim.rows(SICK_LEAVE)[row].get("MA_DINH_CHI_THAI") == "1"
    weeks = sheet.number(SICK_LEAVE, row, "TUOI_THAI")
    if ended and weeks is not None and weeks >= _params("tt25-nghi-50").get("weeks", 0):
        return "tt25-nghi-50"
    return "tt25-nghi-30"


def _params(name: str) -> Mapping[str, Any]:
    rule = rule_named(name)
    return rule.params if rule is not None else {}


@looks_for("tt25-parents")
def parents(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    birth, came = sheet.birth, sheet.arrived
    if birth is None or came is None:
        return
    if months_old(birth, came.date()) >= rule.params["years"] * 12:
        return
    for place, row in sheet.rows(SICK_LEAVE):
        if not (row.get("HO_TEN_CHA", "").strip() or row.get("HO_TEN_ME", "").strip()):
            yield Hit(SICK_LEAVE, place, "HO_TEN_CHA")


@looks_for("tt25-diagnosis")
def diagnosis(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """The code and, besides it, a name."""
    main = sheet.text("MA_BENH_CHINH")
    for cell in sheet.cells((SICK_LEAVE,), ("CHAN_DOAN_RV",)):
        words = cell.text.replace(main, "")
        if main and (main not in cell.text or not any(letter.isalpha() for letter in words)):
            yield cell.hit()


@looks_for("tt25-treatment")
def treatment(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    words = rule.codes("words")
    for cell in sheet.cells((SICK_LEAVE,), ("PP_DIEUTRI",)):
        said = fold(cell.text)
        if not any(fold(word) in said for word in words):
            yield cell.hit(expected=", ".join(dict.fromkeys(words)))


@looks_for("gw-xml11-to")
def last_day(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    came = sheet.arrived
    for cell in sheet.cells((SICK_LEAVE,), ("DEN_NGAY",)):
        day = sheet.moment(cell.text)
        if day is not None and came is not None and day.date() < came.date():
            yield cell.hit(value=f"{day:%d/%m/%Y}", expected=f"{came:%d/%m/%Y}")
