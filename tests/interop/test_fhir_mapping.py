"""Every record becomes valid R4 resources, whole, with stable ids and nothing lost on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import fhirkit
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Diagnosis
from station_emr.domain.patient import Address
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.referral import ReferralReason
from station_emr.interop.fhir.units import build_unit
from station_emr.interop.fhir.uris import MOH_DRAFT, TABLES, VN_CORE
from tests.interop import fhir_records as sample
from tests.interop import plausible_records as plausible

SAMPLES = {
    RecordKind.PATIENT: sample.PATIENT,
    RecordKind.ENCOUNTER: sample.ENCOUNTER,
    RecordKind.PRESCRIPTION: sample.PRESCRIPTION,
    RecordKind.REFERRAL: sample.REFERRAL,
    RecordKind.APPOINTMENT: sample.APPOINTMENT,
    RecordKind.PRACTITIONER: sample.USER,
    RecordKind.FACILITY: sample.STATION,
}
FINAL = (RecordStatus.SIGNED, RecordStatus.AMENDED, RecordStatus.VOIDED)
ENCODER = msgspec.json.Encoder(decimal_format="number")


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def empties(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from empties(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from empties(item)
    if value is None or value in ("", [], {}):
        yield value


def assert_valid(unit: tuple[dict[str, Any], ...]) -> None:
    keys = [(resource["resourceType"], resource["id"]) for resource in unit]
    assert len(set(keys)) == len(keys)
    for resource in unit:
        issues = [
            f"{issue.path}: {issue.message}"
            for issue in fhirkit.validate(ENCODER.encode(resource))
            if issue.severity == "error"
        ]
        assert issues == []
        assert len(resource["id"]) <= 64
        assert re.fullmatch(r"[A-Za-z0-9\-.]+", resource["id"])
        assert list(empties(resource)) == []
        assert_safe(resource)


def assert_safe(resource: dict[str, Any]) -> None:
    """Invariants that no validator here checks: qty-3, con-5, ait-2, app-3, obs-6."""
    for quantity in quantities(resource):
        assert ("code" in quantity) <= ("system" in quantity)
    verification = resource.get("verificationStatus", {}).get("coding", [{}])[0].get("code")
    assert ("clinicalStatus" in resource) == (verification not in {None, "entered-in-error"})
    if resource["resourceType"] == "Appointment" and resource["status"] != "proposed":
        assert {"start", "end"} <= resource.keys()
    values = [name for name in resource if name.startswith("value")]
    assert not (values and "dataAbsentReason" in resource)


def quantities(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "value" in value and "unit" in value:
            yield value
        for item in value.values():
            yield from quantities(item)
    elif isinstance(value, list):
        for item in value:
            yield from quantities(item)


@pytest.mark.parametrize("uris", TABLES.values(), ids=TABLES.keys())
@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("kind", SAMPLES)
def test_a_rich_record_is_valid(kind: RecordKind, status: RecordStatus, uris: Any) -> None:
    assert_valid(build_unit(kind, SAMPLES[kind], status, uris=uris))


GENERATED = [
    (RecordKind.PATIENT, plausible.patients),
    (RecordKind.ENCOUNTER, plausible.encounters),
    (RecordKind.PRESCRIPTION, plausible.prescriptions),
    (RecordKind.REFERRAL, plausible.referrals),
    (RecordKind.APPOINTMENT, plausible.appointments),
]


@pytest.mark.parametrize(("kind", "strategy"), GENERATED, ids=[kind.value for kind, _ in GENERATED])
@given(data=st.data())
def test_any_record_is_valid_and_repeatable(
    kind: RecordKind, strategy: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    record = data.draw(strategy)
    earlier = data.draw(st.lists(strategy, max_size=2))
    status = data.draw(st.sampled_from(FINAL))

    unit = build_unit(kind, record, status, earlier)

    assert_valid(unit)
    assert ENCODER.encode(build_unit(kind, record, status, earlier)) == ENCODER.encode(unit)


# Fields that a unit does not carry, each with its reason.
NOT_SENT = {
    RecordKind.ENCOUNTER: {"stage"},  # a place in today's queue; a signed visit is finished
    RecordKind.PRACTITIONER: {"username", "last_login_at"},  # accounts stay at the station
    RecordKind.FACILITY: {"device_name", "series"},  # settings of one machine
}


def other(record: Any, name: str) -> Any:
    """A value of the same type that is certainly different from the sample's."""
    value = getattr(record, name)
    match value:
        case bool():
            return not value
        case Role():
            return Role.NURSE
        case ReferralReason():
            return ReferralReason.PATIENT_REQUEST
        case str() if name in {"sex", "priority", "stage"}:
            return next(one for one in type(value) if one is not value)
        case str() if name.endswith("id"):
            return sample.made_id(999)
        case str():
            return f"{value}9"
        case Address():
            return replace(value, line="Làng khác")
        case tuple():
            return ()
        case _:
            return None


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_field_of_a_record_reaches_the_wire(kind: RecordKind) -> None:
    record = SAMPLES[kind]
    before = build_unit(kind, record, RecordStatus.SIGNED)
    unheard = set()
    for one in fields(record):
        if one.name == "birth":
            changed = replace(record, birth=replace(record.birth, day=4))
        elif one.name == "arrived_at":
            changed = replace(record, arrived_at=datetime(2026, 1, 1, tzinfo=UTC))
        else:
            changed = replace(record, **{one.name: other(record, one.name)})
        if build_unit(kind, changed, RecordStatus.SIGNED) == before:
            unheard.add(one.name)

    assert unheard == NOT_SENT.get(kind, set())


PARTS = [
    (RecordKind.PATIENT, "coverages", 0),
    (RecordKind.PATIENT, "allergies", 0),
    (RecordKind.PATIENT, "conditions", 0),
    (RecordKind.PATIENT, "guardian", None),
    (RecordKind.PATIENT, "address", None),
    (RecordKind.ENCOUNTER, "vitals", 1),
    (RecordKind.ENCOUNTER, "diagnoses", 1),
    (RecordKind.ENCOUNTER, "procedures", 0),
    (RecordKind.ENCOUNTER, "procedures", 1),
    (RecordKind.PRESCRIPTION, "lines", 1),
    (RecordKind.PRESCRIPTION, "diagnoses", 1),
    (RecordKind.REFERRAL, "diagnoses", 0),
    (RecordKind.REFERRAL, "prior_care", 0),
    (RecordKind.REFERRAL, "patient", None),
    (RecordKind.REFERRAL, "signature", None),
    (RecordKind.APPOINTMENT, "station", None),
]


@pytest.mark.parametrize(("kind", "name", "place"), PARTS)
def test_every_field_of_a_part_reaches_the_wire(
    kind: RecordKind, name: str, place: int | None
) -> None:
    record = SAMPLES[kind]
    before = build_unit(kind, record, RecordStatus.SIGNED)
    held = getattr(record, name)
    part = held if place is None else held[place]
    unheard = set()
    for one in fields(part):
        changed = replace(part, **{one.name: different(getattr(part, one.name), one)})
        whole = changed if place is None else (*held[:place], changed, *held[place + 1 :])
        if build_unit(kind, replace(record, **{name: whole}), RecordStatus.SIGNED) == before:
            unheard.add(one.name)

    assert unheard == set()


def different(value: Any, field: Any) -> Any:
    match value:
        case None:
            return {"date": date(2026, 1, 1), "datetime": sample.AT}.get(
                field.type.split(" ")[0], 9
            )
        case bool():
            return not value
        case Enum():
            return next(one for one in type(value) if one is not value)
        case str():
            return f"{value}9"
        case tuple():
            return (*value, "khác")
        case int() | Decimal():
            return value + 1
        case datetime() | date():
            return value + timedelta(days=1)
        case BirthDate():
            return BirthDate(1999)
        case _:
            return replace(value, **{fields(value)[0].name: "khác"})


def test_a_name_is_never_split() -> None:
    person = build_unit(RecordKind.PATIENT, sample.PATIENT, RecordStatus.SIGNED)[0]

    assert person["name"] == [{"text": "Rơ Châm H'Bĕ̆ Mẫu"}]


def test_times_carry_the_vietnamese_offset_and_mean_the_same_moment() -> None:
    at = datetime(2026, 11, 20, 1, 15, tzinfo=UTC)
    visit = replace(sample.ENCOUNTER, arrived_at=at)

    start = build_unit(RecordKind.ENCOUNTER, visit, RecordStatus.SIGNED)[0]["period"]["start"]

    assert start == "2026-11-20T08:15:00+07:00"


def test_decimals_keep_the_digits_that_were_written() -> None:
    unit = build_unit(RecordKind.ENCOUNTER, sample.ENCOUNTER, RecordStatus.SIGNED)
    found = next(one for one in unit if one["id"].endswith("-v2-temp"))

    assert found["valueQuantity"]["value"] == Decimal("37.50")
    assert b'"value":37.50' in ENCODER.encode(found)


def test_half_a_blood_pressure_says_that_the_other_half_is_unknown() -> None:
    unit = build_unit(RecordKind.ENCOUNTER, sample.ENCOUNTER, RecordStatus.SIGNED)
    found = next(one for one in unit if one["id"].endswith("-v2-bp"))

    systolic, diastolic = found["component"]
    assert systolic["valueQuantity"]["value"] == 150
    assert diastolic["dataAbsentReason"]["coding"][0]["code"] == "unknown"


def test_the_main_diagnosis_has_rank_one_wherever_it_stands() -> None:
    visit = build_unit(RecordKind.ENCOUNTER, sample.ENCOUNTER, RecordStatus.SIGNED)[0]

    assert [one["rank"] for one in visit["diagnosis"]] == [2, 1, 3]


def test_all_lines_of_a_prescription_share_its_national_code() -> None:
    lines = build_unit(RecordKind.PRESCRIPTION, sample.PRESCRIPTION, RecordStatus.SIGNED)

    assert [line["id"] for line in lines] == [
        f"{sample.PRESCRIPTION.id}-l1",
        f"{sample.PRESCRIPTION.id}-l2",
    ]
    assert {line["groupIdentifier"]["value"] for line in lines} == {"DEMO1abc1234-C"}


def test_our_identifier_is_there_and_is_not_a_full_url() -> None:
    for kind, record in SAMPLES.items():
        first = build_unit(kind, record, RecordStatus.SIGNED)[0]
        own = [one for one in first["identifier"] if one["system"] == VN_CORE.record]

        assert [one["value"] for one in own] == [first["id"]]
        assert not own[0]["value"].startswith("urn:")


def test_one_table_of_uris_swaps_the_canonical() -> None:
    vn_core = build_unit(RecordKind.PATIENT, sample.PATIENT, RecordStatus.SIGNED)
    ministry = build_unit(RecordKind.PATIENT, sample.PATIENT, RecordStatus.SIGNED, uris=MOH_DRAFT)

    assert any("fhir.hl7.org.vn" in text for text in strings(vn_core))
    assert not any("fhir.hl7.org.vn" in text for text in strings(ministry))
    assert any("fhir.ehealth.gov.vn" in text for text in strings(ministry))


def test_a_demo_code_never_stands_among_official_codes() -> None:
    facility = build_unit(RecordKind.FACILITY, sample.STATION, RecordStatus.SIGNED)[0]

    systems = {one["system"] for one in facility["identifier"]}
    assert VN_CORE.facility_code not in systems
    assert VN_CORE.demo_facility_code in systems


def test_an_account_name_never_leaves_the_station() -> None:
    unit = build_unit(RecordKind.PRACTITIONER, sample.USER, RecordStatus.SIGNED)

    assert sample.USER.username not in set(strings(unit))


def test_an_amendment_takes_back_what_an_earlier_version_had() -> None:
    shorter = replace(
        sample.ENCOUNTER,
        diagnoses=(Diagnosis(icd_code="J00", title="Viêm mũi họng cấp"),),
        vitals=(),
    )
    before = build_unit(RecordKind.ENCOUNTER, sample.ENCOUNTER, RecordStatus.SIGNED)

    after = build_unit(RecordKind.ENCOUNTER, shorter, RecordStatus.AMENDED, [sample.ENCOUNTER])

    assert {one["id"] for one in after} == {one["id"] for one in before}
    taken_back = {one["id"]: one for one in after if retired(one)}
    assert f"{sample.ENCOUNTER_ID}-d2" in taken_back
    assert f"{sample.ENCOUNTER_ID}-d3" in taken_back
    assert f"{sample.ENCOUNTER_ID}-v2-bp" in taken_back
    assert f"{sample.ENCOUNTER_ID}-d1" not in taken_back
    assert_valid(after)


def test_what_only_the_first_of_three_versions_had_is_taken_back_too() -> None:
    none = replace(sample.PATIENT, coverages=())
    one = replace(sample.PATIENT, coverages=sample.PATIENT.coverages[:1])

    unit = build_unit(RecordKind.PATIENT, none, RecordStatus.AMENDED, [sample.PATIENT, one])

    cards = [r for r in unit if r["resourceType"] == "Coverage"]
    assert len(cards) == 2
    assert all(retired(card) for card in cards)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_voided_record_is_entered_in_error_in_every_part(kind: RecordKind) -> None:
    assert all(retired(one) for one in build_unit(kind, SAMPLES[kind], RecordStatus.VOIDED))


def retired(resource: dict[str, Any]) -> bool:
    if resource.get("active") is False or resource.get("status") == "inactive":
        return True
    verification = resource.get("verificationStatus", {}).get("coding", [{}])[0].get("code")
    return "entered-in-error" in {resource.get("status"), verification}


def test_a_draft_never_leaves_the_machine() -> None:
    with pytest.raises(ValueError, match="draft"):
        build_unit(RecordKind.ENCOUNTER, sample.ENCOUNTER, RecordStatus.DRAFT)
