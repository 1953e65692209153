"""A visit that nobody was billed for, as the health book wants it: what was given and done, at no price."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from station_emr.domain.billing import Bill, BillItem, ItemKind
from station_emr.domain.billing_items import OUT_OF_SCOPE
from station_emr.domain.claim_source import ClaimSource
from station_emr.domain.money import ZERO

_TEST, _PROCEDURE, _DRUG = "1", "18", "4"  # MA_NHOM
_NO_CODE: Final = "00.0000"  # MA_THUOC of what is on no list
_OTHER_MEANS: Final = "4"  # NGUON_CTRA
_ONCE: Final = "lần"


def with_rows(source: ClaimSource) -> ClaimSource:
    """The same visit with a bill of its papers; one that has a bill stays as it is."""
    if source.bill is not None:
        return source
    visit = source.encounter
    bill = Bill(
        id=visit.id,
        encounter_id=visit.id,
        patient_id=visit.patient_id,
        care_kind=visit.care_kind,
        visit_object=visit.visit_object,
        items=(*_drugs(source), *_done(source)),
    )
    return replace(source, bill=bill)


def _drugs(source: ClaimSource) -> list[BillItem]:
    paper = source.prescription
    return (
        [
            BillItem(
                kind=ItemKind.DRUG,
                code=line.bhyt_code or _NO_CODE,
                name=line.label,
                unit=line.unit,
                group=_DRUG,
                quantity=line.computed_quantity,
                insured_ratio=0,
                scope=OUT_OF_SCOPE,
                benefit=ZERO,
                funding=_OTHER_MEANS,
                prescription_id=paper.id,
                prescription_line=place,
            )
            for place, line in enumerate(paper.lines)
        ]
        if paper is not None
        else []
    )


def _done(source: ClaimSource) -> list[BillItem]:
    return [
        BillItem(
            kind=ItemKind.SERVICE,
            code=done.code,
            name=done.name,
            unit=_ONCE,
            group=_TEST if done.is_test else _PROCEDURE,
            insured_ratio=0,
            scope=OUT_OF_SCOPE,
            benefit=ZERO,
            procedure=place,
        )
        for place, done in enumerate(source.encounter.procedures)
    ]
