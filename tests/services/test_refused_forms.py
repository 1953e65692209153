"""A refusal about a form, a bill, staff or the station leads to the field of its screen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.interop.fhir.units import build_unit
from station_emr.services.refused_fields import field_of
from tests.interop.rich_records import SAMPLES


def unit_of(kind: RecordKind) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        json.dumps(build_unit(kind, SAMPLES[kind], RecordStatus.SIGNED), default=float)
    )
    return found


def ask(kind: RecordKind, inner: str, place: int = 0) -> str:
    record_id = getattr(SAMPLES[kind], "id", "")
    reason = f"Không nhận. [422 value Bundle.entry[{place}].resource.{inner}]"
    return field_of(kind, record_id, reason, unit_of(kind))


def part(node: dict[str, Any], *names: str) -> str:
    """The way to a part of an extension of ours; names are the ends of the URLs."""
    way = []
    for name in names:
        places = [one["url"].rpartition("/")[2] for one in node["extension"]]
        way.append(f"extension[{places.index(name)}]")
        node = node["extension"][places.index(name)]
    return ".".join([*way, "value"])


@pytest.mark.parametrize(
    ("link", "field"),
    [
        ("diagnosis", "diagnoses"),
        ("treatment", "treatment"),
        ("days", "days"),
        ("from", "first_day"),
        ("to", "last_day"),
        ("workplace", "workplace"),
    ],
)
def test_an_item_of_a_certificate(link: str, field: str) -> None:
    items = [one["linkId"] for one in unit_of(RecordKind.CERTIFICATE)[0]["item"]]
    inner = f"item[{items.index(link)}].answer[0].valueString"
    assert ask(RecordKind.CERTIFICATE, inner) == field


@pytest.mark.parametrize(
    ("kind", "extension", "name", "field"),
    [
        (RecordKind.CERTIFICATE, "sick-leave-certificate", "days", "days"),
        (RecordKind.CERTIFICATE, "sick-leave-certificate", "workplace", "workplace"),
        (RecordKind.NOTIFICATION, "disease-notification", "phone", "phone"),
        (RecordKind.NOTIFICATION, "disease-notification", "home_address", "home_address"),
        (RecordKind.NOTIFICATION, "disease-notification", "disease_name", "disease_code"),
    ],
)
def test_a_field_that_fhir_has_no_element_for(
    kind: RecordKind, extension: str, name: str, field: str
) -> None:
    assert ask(kind, part(unit_of(kind)[0], extension, name)) == field


@pytest.mark.parametrize(
    ("kind", "inner", "field"),
    [
        (RecordKind.NOTIFICATION, "reasonCode[0].coding[0].code", "disease_code"),
        (RecordKind.NOTIFICATION, "topic.coding[0].code", "disease_code"),
        (RecordKind.NOTIFICATION, "status", ""),
        (RecordKind.CERTIFICATE, "status", ""),
        (RecordKind.CERTIFICATE, "item[40].answer", ""),
        (RecordKind.BILL, "lineItem[1].priceComponent[0].factor", "items.1.quantity"),
        (RecordKind.BILL, "lineItem[1].priceComponent[0].amount.value", "items.1.price"),
        (RecordKind.BILL, "lineItem[0].chargeItemCodeableConcept.text", "items.0.name"),
        (RecordKind.BILL, "lineItem[0].sequence", "items.0"),
        (RecordKind.BILL, "totalNet.value", ""),
        (RecordKind.PRACTITIONER, "name[0].text", "full_name"),
        (RecordKind.PRACTITIONER, "name[0].prefix[0]", "title"),
        (RecordKind.PRACTITIONER, "telecom[0].value", "phone"),
        (RecordKind.FACILITY, "name", "name"),
        (RecordKind.FACILITY, "telecom[0].value", "phone"),
        (RecordKind.FACILITY, "partOf.display", "parent_authority"),
        (RecordKind.FACILITY, "address[0].line[0]", "address"),
        (RecordKind.CONSENT, "dateTime", ""),
        (RecordKind.RIGHTS, "code", ""),
    ],
)
def test_an_element(kind: RecordKind, inner: str, field: str) -> None:
    assert ask(kind, inner) == field


def test_a_second_resource() -> None:
    assert ask(RecordKind.PRACTITIONER, "code[0].coding[0].code", place=1) == "role"
    assert ask(RecordKind.FACILITY, "name", place=1) == "site"


def test_a_row_of_a_bill_as_it_was_closed() -> None:
    root = unit_of(RecordKind.BILL)[0]
    details = next(
        i for i, one in enumerate(root["extension"]) if one["url"].endswith("bill-details")
    )
    parts = root["extension"][details]["extension"]
    rows = [i for i, one in enumerate(parts) if one["url"] == "items"]
    inside = [one["url"] for one in parts[rows[1]]["extension"]]
    at = inside.index("price")
    inner = f"extension[{details}].extension[{rows[1]}].extension[{at}].valueDecimal"
    assert ask(RecordKind.BILL, inner) == "items.1.price"
