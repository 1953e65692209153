"""The bill of a visit ↔ Invoice: rows and sums in plain words, the extension exactly.

Sums are said for others to read. Reading back takes the rows alone, because every amount is
computed from them.
"""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any, Final

from station_emr.domain.billing import Bill, BillItem

from .datatypes import (
    Json,
    Resource,
    concept,
    filled,
    identifier,
    moment,
    organization,
    present,
    reference,
    resource,
    staff,
)
from .own_extensions import AsSigned, OwnFields
from .reading import Parts, by_url, id_in
from .uris import UriTable, own_extension, own_identifier

_SNAPSHOTS: Final = ("coverage", "station", "patient", "practitioner", "signature")
_ELSEWHERE: Final = frozenset({"id", "patient_id", "encounter_id", *_SNAPSHOTS})
DETAILS: Final = OwnFields(
    "bill-details", Bill, tuple(one.name for one in fields(Bill) if one.name not in _ELSEWHERE)
)
SIGNED: Final = AsSigned(Bill, _SNAPSHOTS)
_VISIT: Final = own_extension("bill-encounter")
_NUMBER: Final = own_identifier("bill-number")
_CURRENCY: Final = "VND"


def bill_resources(bill: Bill, uris: UriTable) -> list[Resource]:
    sums = bill.totals
    visit = reference("Encounter", bill.encounter_id)
    return [
        resource(
            "Invoice",
            bill.id,
            extension=present(
                {"url": _VISIT, "valueReference": visit} if visit else {},
                DETAILS.write(bill),
                SIGNED.write(bill),
            ),
            identifier=present(
                identifier(_NUMBER, bill.number, "PLAC") or identifier(uris.record, bill.id)
            ),
            status="issued",
            type=concept(text="Bảng kê chi phí khám bệnh, chữa bệnh"),
            subject=reference("Patient", bill.patient_id),
            date=moment(bill.closed_at),
            participant=present(filled(actor=staff(bill.practitioner))),
            issuer=organization(bill.station),
            lineItem=[_line(item, number) for number, item in enumerate(bill.items, 1)],
            totalNet=_money(sums.patient_pays),
            totalGross=_money(sums.t_tongchi_bv),
        )
    ]


def _line(item: BillItem, number: int) -> Json:
    return {
        "sequence": number,
        "chargeItemCodeableConcept": concept(text=item.name or item.code or "—"),
        "priceComponent": [
            {"type": "base", "factor": item.quantity, "amount": _money(item.amount_bv)}
        ],
    }


def _money(amount: Decimal) -> Json:
    return {"value": amount, "currency": _CURRENCY}


def read_bill(parts: Parts, uris: UriTable) -> Bill:
    del uris
    root = parts.root
    extensions = by_url(root)
    told: dict[str, Any] = {**DETAILS.read(extensions), **SIGNED.read(extensions)}
    visit = extensions.get(_VISIT)
    return Bill(
        id=parts.record_id,
        patient_id=id_in(root["subject"], "Patient"),
        encounter_id=id_in(visit["valueReference"], "Encounter") if visit else "",
        **told,
    )
