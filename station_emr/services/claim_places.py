"""Where on screen an element of a claim comes from: data, with the rows of the bill and the visit filled in.

``resources/bhyt/places.json`` maps ``XML2.DON_GIA``, or ``XML2.*`` for the rest of a table, to a screen
and a field; a rule that is mended elsewhere than where it is seen has a place of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from station_emr.domain.billing import Bill, BillItem, ItemKind
from station_emr.domain.claim import DRUGS, SERVICES, TESTS, ClaimPlace, Finding
from station_emr.domain.encounter import Encounter

from .resources import resource_path

VISIT: Final = "visit"
_SCREENS: Final[Mapping[str, str]] = {
    "visit": "lượt khám",
    "bill": "Viện phí, bảng kê của lượt khám",
    "patient": "hồ sơ người bệnh",
    "prescription": "đơn thuốc",
    "letter": "phiếu chuyển hoặc phiếu hẹn",
    "certificate": "giấy nghỉ việc hưởng BHXH",
    "settings.gateways": "Quản trị, mục Cổng BHYT và đơn thuốc",
    "settings": "Quản trị, mục Trạm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a claim was made of, for finding a row's place again."""

    patient_id: str = ""
    encounter: Encounter | None = None
    bill: Bill | None = None


def placed(finding: Finding, origin: Origin) -> Finding:
    """The finding with the place where it is mended; one that has a place already keeps it."""
    if finding.place.screen:
        return finding
    screen, field = _place(finding)
    numbers = _numbers(finding, origin)
    if any(f"{{{name}}}" in field for name in ("item", "line", "procedure", "test")):
        known = all(f"{{{name}}}" not in field or number for name, number in numbers.items())
        if not known:  # the row comes from elsewhere: the bill has every row
            screen, field = ("bill", "items.{item}") if numbers["item"] else (screen, "")
        field = field.format_map(numbers)
    return replace(
        finding,
        place=ClaimPlace(
            patient_id=origin.patient_id,
            encounter_id=origin.encounter.id if origin.encounter is not None else "",
            screen=screen,
            field=field,
        ),
    )


def _place(finding: Finding) -> tuple[str, str]:
    data = _data()
    found: Sequence[str] = (
        data["rules"].get(finding.rule)
        or data["elements"].get(f"{finding.table}.{finding.element}")
        or data["elements"].get(f"{finding.table}.*")
        or (VISIT, "")
    )
    return found[0], found[1]


def mended_at(finding: Finding) -> str:
    """How to mend a placed finding where nobody can jump: the screen in words, or its own remedy."""
    place = finding.place
    where = _SCREENS.get(f"{place.screen}.{place.field}") or _SCREENS.get(place.screen)
    return f"Sửa ở {where}." if finding.table and where else finding.remedy


def _numbers(finding: Finding, origin: Origin) -> dict[str, str]:
    """Row of the file to row of the bill, line of the prescription, procedure of the visit."""
    found = dict.fromkeys(("item", "line", "procedure", "test"), "")
    if finding.table in {DRUGS, SERVICES} and origin.bill is not None:
        is_drug = finding.table == DRUGS
        rows: list[tuple[int, BillItem]] = [
            (place, item)
            for place, item in enumerate(origin.bill.items)
            if (item.kind is ItemKind.DRUG) == is_drug
        ]
        if finding.row < len(rows):
            place, item = rows[finding.row]
            found["item"] = str(place)
            for name, number in (("line", item.prescription_line), ("procedure", item.procedure)):
                found[name] = "" if number is None else str(number)
    if finding.table == TESTS and origin.encounter is not None:
        tests = [place for place, one in enumerate(origin.encounter.procedures) if one.is_test]
        if finding.row < len(tests):
            found["test"] = str(tests[finding.row])
    return found


def is_pending(finding: Finding, *, signed: bool, billed: bool) -> bool:
    """Whether it is about something that comes later in the work of a visit and is asked for then."""
    pending = _data()["pending"]
    bill = pending["bill"]
    if not billed and (
        finding.table in bill["tables"]
        or finding.element in bill["elements"]
        or finding.rule in bill["rules"]
    ):
        return True
    if signed:
        return False
    empty = finding.rule == "field-required" and finding.element in pending["signing"]
    return empty or finding.rule in pending["rules"]


@cache
def _data() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        resource_path("bhyt", "places.json").read_text(encoding="utf-8")
    )
    return found
