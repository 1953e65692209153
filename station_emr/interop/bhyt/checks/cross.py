"""Tables against one another: one key, one summary, papers that belong to what was done."""

from __future__ import annotations

from collections.abc import Iterator

from station_emr.domain.claim import (
    APPOINTMENT,
    DISCHARGE_PAPER,
    LINK_CODE,
    PROGRESS,
    RECORD_SUMMARY,
    REFERRAL,
    SERVICES,
    SUMMARY,
    TESTS,
)

from .rule import Hit, Rule, looks_for
from .sheet import Sheet, items


@looks_for("cross-summary")
def one_summary(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    count = len(sheet.claim.rows(SUMMARY))
    if sheet.is_claim and count != 1:
        yield Hit(SUMMARY, 0, "", str(count))


@looks_for("cross-ma-lk")
def one_key(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    key = sheet.claim.link_code
    if not key:
        return  # told as an empty element
    for table in sheet.claim.tables:
        for place, row in sheet.rows(table):
            own = row.get(LINK_CODE, "")
            if own and own != key:
                yield Hit(table, place, LINK_CODE, own, key)


@looks_for("cross-facility")
def one_facility(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    for cell in sheet.cells(rule.tables, rule.elements):
        if sheet.claim.facility_code and cell.text != sheet.claim.facility_code:
            yield cell.hit(expected=sheet.claim.facility_code)


@looks_for("cross-xml4")
def results_of_services(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    known = {row.get("MA_DICH_VU", "") for _place, row in sheet.rows(SERVICES)}
    for cell in sheet.cells((TESTS,), ("MA_DICH_VU",)):
        if cell.text not in known:
            yield cell.hit()


@looks_for("cross-xml3-result")
def services_with_results(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    known = {row.get("MA_DICH_VU", "") for _place, row in sheet.rows(TESTS)}
    for cell in sheet.cells((SERVICES,), ("MA_DICH_VU",)):
        if sheet.group(SERVICES, cell.row) in rule.codes("groups") and cell.text not in known:
            yield cell.hit()


@looks_for("gdh-102")
def materials_of_services(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    materials = rule.codes("groups")
    done = {
        row.get("MA_DICH_VU", "")
        for place, row in sheet.rows(SERVICES)
        if sheet.group(SERVICES, place) not in materials
    }
    for cell in sheet.cells((SERVICES,), ("MA_DICH_VU",)):
        if sheet.group(SERVICES, cell.row) in materials and cell.text not in done:
            yield cell.hit()


@looks_for("gw-xml8")
def summary_without_stay(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    if sheet.claim.rows(RECORD_SUMMARY) and sheet.care_kind not in rule.codes("kinds"):
        yield Hit(RECORD_SUMMARY, 0, "MA_LOAI_KCB", sheet.care_kind)


@looks_for("cross-xml13")
def letter_without_transfer(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    discharge = sheet.text("MA_LOAI_RV")
    if sheet.claim.rows(REFERRAL) and sheet.summary and discharge not in rule.codes("kinds"):
        yield Hit(REFERRAL, 0, "MA_LOAI_RV", discharge)


@looks_for("cross-no-xml13")
def transfer_without_letter(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    if sheet.text("MA_LOAI_RV") in rule.codes("kinds") and not sheet.claim.rows(REFERRAL):
        yield sheet.on_summary("MA_LOAI_RV")


@looks_for("cross-hen-sau")
def appointment_later(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    left = sheet.left
    for cell in sheet.cells((APPOINTMENT,), ("NGAY_HEN_KL",)):
        moment = sheet.moment(cell.text)
        if moment is not None and left is not None and moment.date() == left.date():
            yield cell.hit(value=f"{moment:%d/%m/%Y}")


@looks_for("cross-tai-kham")
def appointment_days(_rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    days = items(sheet.text("NGAY_TAI_KHAM"))
    for cell in sheet.cells((APPOINTMENT,), ("NGAY_HEN_KL",)):
        if sheet.moment(cell.text) is not None and cell.text[:8] not in days:
            yield cell.hit(expected=";".join(days) or "để trống")


@looks_for("cross-no-xml5", "tyt-kept-progress")
def progress_due(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    if sheet.care_kind in rule.codes("kinds") and not sheet.claim.rows(PROGRESS):
        yield sheet.on_summary("MA_LOAI_KCB")


@looks_for("cross-no-xml7")
def discharge_due(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    """Not of somebody who ran away."""
    ran_away = sheet.text("MA_LOAI_RV") in rule.codes("besides")
    if sheet.care_kind not in rule.codes("kinds") or ran_away:
        return
    if not sheet.claim.rows(DISCHARGE_PAPER):
        yield sheet.on_summary("MA_LOAI_KCB")


@looks_for("tyt-kept-summary")
def summary_due(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    if sheet.care_kind in rule.codes("kinds") and not sheet.claim.rows(RECORD_SUMMARY):
        yield sheet.on_summary("MA_LOAI_KCB")


@looks_for("cross-no-exam")
def exam_fee(rule: Rule, sheet: Sheet) -> Iterator[Hit]:
    if sheet.care_kind not in rule.codes("kinds") or sheet.visit_object in rule.codes("besides"):
        return
    groups = {sheet.group(SERVICES, place) for place, _row in sheet.rows(SERVICES)}
    if not groups & set(rule.codes("groups")):
        yield Hit(SERVICES, 0, "MA_NHOM", other=sheet.care_kind)
