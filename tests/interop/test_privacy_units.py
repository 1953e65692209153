"""What somebody asked of the own record, and a leak, as Basic: valid, whole, nothing doubled."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime
from enum import Enum
from typing import Any

import pytest

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.reading import UnreadableUnit
from station_emr.interop.fhir.units import build_unit
from station_emr.interop.fhir.uris import TABLES
from tests.interop import privacy_records as sample
from tests.interop.test_fhir_mapping import assert_valid

SAMPLES: dict[RecordKind, Any] = {
    RecordKind.REQUEST: sample.REQUEST,
    RecordKind.BREACH: sample.BREACH,
}


@pytest.mark.parametrize("uris", TABLES.values(), ids=TABLES.keys())
@pytest.mark.parametrize("status", [RecordStatus.SIGNED, RecordStatus.VOIDED])
@pytest.mark.parametrize("kind", SAMPLES)
def test_each_is_one_valid_resource_whose_code_names_its_kind(kind, status, uris) -> None:
    unit = build_unit(kind, SAMPLES[kind], status, uris=uris)

    assert_valid(unit)
    (basic,) = unit
    assert (basic["resourceType"], basic["id"]) == ("Basic", SAMPLES[kind].id)
    assert basic["code"]["coding"][0]["code"] == kind.value
    assert ("subject" in basic) is (kind is RecordKind.REQUEST)


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_field_reaches_the_wire(kind) -> None:
    before = build_unit(kind, SAMPLES[kind], RecordStatus.SIGNED)
    unheard = {
        one.name
        for one in fields(SAMPLES[kind])
        if build_unit(kind, _changed(SAMPLES[kind], one.name), RecordStatus.SIGNED) == before
    }
    assert unheard == set()


def _changed(record: Any, name: str) -> Any:
    value = getattr(record, name)
    if isinstance(value, Enum):
        other = next(one for one in type(value) if one is not value)
    elif isinstance(value, (datetime, date)):
        other = value.replace(day=3)
    else:
        other = value.replace("0001", "9999") if name.endswith("id") else f"{value}9"
        other = other if other != value else value[:-1] + "f"
    return replace(record, **{name: other})


def test_a_basic_of_somebody_else_is_no_record_of_ours() -> None:
    (basic,) = build_unit(RecordKind.REQUEST, sample.REQUEST, RecordStatus.SIGNED)
    strange = {**basic, "code": {"coding": [{"system": "urn:x", "code": "request"}]}}

    with pytest.raises(UnreadableUnit):
        read_unit((strange,))


def test_a_request_of_nobody_is_refused() -> None:
    (basic,) = build_unit(RecordKind.REQUEST, sample.REQUEST, RecordStatus.SIGNED)

    with pytest.raises(UnreadableUnit):
        read_unit(({name: value for name, value in basic.items() if name != "subject"},))
