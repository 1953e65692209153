"""What holds at a commune health station and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

from station_emr.domain.claim import SERVICES, SUMMARY
from station_emr.domain.money import HUNDRED

from .rule import Hit, Rule, looks_for
from .sheet import Sheet


@looks_for("tyt-weight-high")
def odd_weight(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    weight = sheet.number(SUMMARY, 0, "CAN_NANG") if sheet.summary else None
    most = rule.params["most"]
    if weight is not None and not 0 < weight <= most:
        yield sheet.on_summary("CAN_NANG", expected=str(most))


@looks_for("object-114", "object-115")
def object_and_kind(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    kinds = rule.codes("kinds")
    if sheet.visit_object == rule.params["visit_object"] and sheet.care_kind not in kinds:
        yield sheet.on_summary("MA_LOAI_KCB", expected=", ".join(kinds))


@looks_for("tyt-benefit")
def whole_benefit(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """Care at a station is paid wholly; medicine of a higher level that is fetched here is not."""
    if sheet.care_kind in rule.codes("kinds") or sheet.visit_object in rule.codes("besides"):
        return
    for cell in sheet.cells(rule.tables, rule.elements):
        benefit = sheet.number(*cell[:3])
        row = sheet.claim.rows(cell.table)[cell.row]
        if benefit is not None and benefit < HUNDRED and row.get("PHAM_VI") != "2":
            yield cell.hit()


@looks_for("tyt-district")
def district(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    if sheet.text("MAHUYEN_CU_TRU"):
        yield sheet.on_summary("MAHUYEN_CU_TRU")


@looks_for("gdh-104")
def kept_service(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    if sheet.care_kind not in rule.codes("kinds"):
        return
    done = {row.get("MA_DICH_VU", "") for _place, row in sheet.rows(SERVICES)}
    if not done & set(rule.codes()):
        yield Hit(SERVICES, 0, "MA_DICH_VU", expected=" hoặc ".join(rule.codes()))
