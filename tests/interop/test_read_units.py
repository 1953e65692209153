"""What is written is read back: every record, every field, every digit, and never half a unit."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.domain.encounter import Diagnosis, Encounter
from station_emr.domain.operation import ReadRecord
from station_emr.domain.patient import Guardian
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.vitals import VitalSigns
from station_emr.interop.fhir.json_text import read_json, write_json
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.reading import UnreadableUnit
from station_emr.interop.fhir.units import build_unit
from station_emr.interop.fhir.uris import TABLES, VN_CORE, UriTable
from tests.interop import fhir_records as sample
from tests.interop.record_strategies import CLASSES, records
from tests.interop.rich_records import SAMPLES

Unit = list[dict[str, Any]]
FINAL = (RecordStatus.SIGNED, RecordStatus.AMENDED, RecordStatus.VOIDED)
few = settings(max_examples=settings.default.max_examples // 3, derandomize=True)


def shown(status: RecordStatus) -> RecordStatus:
    """What resources can tell of a status; the envelope tells the rest."""
    return status if status is RecordStatus.VOIDED else RecordStatus.SIGNED


def travelled(unit: tuple[dict[str, Any], ...]) -> Unit:
    found: Unit = read_json(write_json(unit))
    return found


def wire(kind: RecordKind, **changes: Any) -> Unit:
    return travelled(build_unit(kind, replace(SAMPLES[kind], **changes), RecordStatus.SIGNED))


@pytest.mark.parametrize("kind", CLASSES)
@few
@given(data=st.data())
def test_every_record_comes_back_as_it_was(kind: RecordKind, data: st.DataObject) -> None:
    record = data.draw(records(kind))
    status = data.draw(st.sampled_from(FINAL))
    uris: UriTable = data.draw(st.sampled_from(list(TABLES.values())))
    text = write_json(build_unit(kind, record, status, uris=uris))

    said = read_unit(read_json(text), uris=uris)

    assert said == ReadRecord(kind, record, shown(status))
    assert write_json(build_unit(kind, said.record, status, uris=uris)) == text


# A signature is written once: it has no earlier version.
@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind is not RecordKind.SIGNATURE])
@settings(max_examples=settings.default.max_examples // 8, derandomize=True)
@given(data=st.data())
def test_what_earlier_versions_had_is_no_part_of_this_one(
    kind: RecordKind, data: st.DataObject
) -> None:
    record = data.draw(records(kind))
    earlier = data.draw(st.lists(records(kind), min_size=1, max_size=2))
    status = data.draw(st.sampled_from(FINAL))

    said = read_unit(travelled(build_unit(kind, record, status, earlier)))

    assert said == ReadRecord(kind, record, shown(status))


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_rich_record_comes_back(kind: RecordKind) -> None:
    for status in FINAL:
        said = read_unit(travelled(build_unit(kind, SAMPLES[kind], status)))
        assert said == ReadRecord(kind, SAMPLES[kind], shown(status))


def test_a_voided_record_keeps_its_content_apart_from_what_it_no_longer_had() -> None:
    now = replace(sample.PATIENT, allergies=sample.PATIENT.allergies[:1], conditions=())
    unit = travelled(build_unit(RecordKind.PATIENT, now, RecordStatus.VOIDED, [sample.PATIENT]))

    assert read_unit(unit) == ReadRecord(RecordKind.PATIENT, now, RecordStatus.VOIDED)


def test_a_person_who_left_is_not_voided_and_a_voided_one_says_whether_they_had_left() -> None:
    for active in (True, False):
        user = replace(SAMPLES[RecordKind.PRACTITIONER], active=active)
        for status in (RecordStatus.SIGNED, RecordStatus.VOIDED):
            said = read_unit(build_unit(RecordKind.PRACTITIONER, user, status))
            assert (said.record.active, said.status) == (active, status)


def test_a_line_that_another_system_took_back_is_gone_and_the_sheet_is_not_voided() -> None:
    unit = wire(RecordKind.PRESCRIPTION)
    unit[0]["status"] = "entered-in-error"

    said = read_unit(unit)

    assert said.status is RecordStatus.SIGNED
    assert said.record == replace(sample.PRESCRIPTION, lines=sample.PRESCRIPTION.lines[1:])


@pytest.mark.parametrize(
    "visit",
    [
        {
            "vitals": (
                VitalSigns(measured_by="ĐD. Mẫu", measured_at=sample.AT),
                VitalSigns(pulse=70),
            )
        },
        {"vitals": (VitalSigns(pulse=70), VitalSigns())},
        {"visit_object": "", "care_kind": "", "discharge": ""},
        {"diagnoses": (Diagnosis(icd_code="", title="đau (nhẹ)", note="nhẹ"),)},
    ],
)
def test_what_fhir_has_no_room_for_is_kept_beside_it(visit: dict[str, Any]) -> None:
    record = replace(SAMPLES[RecordKind.ENCOUNTER], **visit)

    assert read_unit(wire(RecordKind.ENCOUNTER, **visit)).record == record


@pytest.mark.parametrize(
    "person",
    [
        {"national_id": ""},  # the day of issue had its place beside the number
        {"guardian": Guardian(full_name="")},
        {"card_extra": ("một", "", "ba", "")},
        {"ethnic_code": "", "ethnic_name": "", "nationality_code": "", "nationality_name": ""},
    ],
)
def test_emptied_fields_do_not_fall_back_to_their_defaults(person: dict[str, Any]) -> None:
    record = replace(sample.PATIENT, **person)

    assert read_unit(wire(RecordKind.PATIENT, **person)).record == record


def test_digits_and_moments_are_the_ones_written() -> None:
    at = datetime(2026, 11, 20, 1, 15, 0, 123456, tzinfo=UTC)
    taken = VitalSigns(measured_at=at, temperature=Decimal("36.50"))
    said: Encounter = read_unit(wire(RecordKind.ENCOUNTER, vitals=(taken,))).record

    assert str(said.vitals[0].temperature) == "36.50"
    assert said.vitals[0].measured_at == at
    assert said.arrived_at.isoformat() == sample.AT.isoformat()


def test_a_prescription_signed_later_than_never_written_keeps_both_times() -> None:
    said = read_unit(wire(RecordKind.PRESCRIPTION, written_at=None)).record

    assert said.written_at is None
    assert said.signature == sample.PRESCRIPTION.signature


def test_another_program_s_additions_are_passed_over() -> None:
    unit = wire(RecordKind.ENCOUNTER)
    visit = unit[0]
    visit["extension"].append({"url": "https://example.org/new", "valueInteger": 1})
    details = next(one for one in visit["extension"] if one["url"].endswith("visit-details"))
    details["extension"].append({"url": "mood", "valueString": "vui"})
    details["extension"].append({"url": "reason", "valueString": "said in two places"})
    visit["length"] = {"value": 20}
    unit.append({"resourceType": "Observation", "id": f"{visit['id']}-x1", "status": "final"})
    unit.append({"resourceType": "ClinicalImpression", "id": f"{visit['id']}-n1"})

    assert read_unit(unit).record == SAMPLES[RecordKind.ENCOUNTER]


# --- what is no whole unit ------------------------------------------------------------------------


def _without(end: str) -> Any:
    return lambda unit: [one for one in unit if not one["id"].endswith(end)]


def _changed(end: str, **elements: Any) -> Any:
    return lambda unit: [{**one, **elements} if one["id"].endswith(end) else one for one in unit]


BROKEN: dict[str, tuple[RecordKind, Any]] = {
    "nothing": (RecordKind.PATIENT, lambda unit: []),
    "no root": (RecordKind.PATIENT, lambda unit: unit[1:]),
    "two roots": (RecordKind.PATIENT, lambda unit: [unit[0], *unit]),
    "two people": (
        RecordKind.PATIENT,
        lambda unit: [*unit, {**unit[0], "id": sample.made_id(77)}],
    ),
    "a child of another record": (
        RecordKind.ENCOUNTER,
        _changed("-d2", id=f"{sample.made_id(77)}-d2"),
    ),
    "a diagnosis of another person": (
        RecordKind.ENCOUNTER,
        _changed("-d2", subject={"reference": f"Patient/{sample.made_id(77)}"}),
    ),
    "a diagnosis of another visit": (
        RecordKind.ENCOUNTER,
        _changed("-d2", encounter={"reference": f"Encounter/{sample.made_id(77)}"}),
    ),
    "a pulse of another person": (
        RecordKind.ENCOUNTER,
        _changed("-v1-hr", subject={"reference": f"Patient/{sample.made_id(77)}"}),
    ),
    "a procedure of another visit": (
        RecordKind.ENCOUNTER,
        _changed("-p1", encounter={"reference": f"Encounter/{sample.made_id(77)}"}),
    ),
    "a card of another person": (
        RecordKind.PATIENT,
        _changed("-c1", beneficiary={"reference": f"Patient/{sample.made_id(77)}"}),
    ),
    "an allergy of another person": (
        RecordKind.PATIENT,
        _changed("-a2", patient={"reference": f"Patient/{sample.made_id(77)}"}),
    ),
    "a problem of another person": (
        RecordKind.PATIENT,
        _changed("-p1", subject={"reference": f"Patient/{sample.made_id(77)}"}),
    ),
    "a line for another person": (
        RecordKind.PRESCRIPTION,
        _changed("-l2", subject={"reference": f"Patient/{sample.made_id(77)}"}),
    ),
    "a task about another person": (
        RecordKind.REFERRAL,
        _changed("-t1", **{"for": {"reference": f"Patient/{sample.made_id(77)}"}}),
    ),
    "a letter about another person": (
        RecordKind.REFERRAL,
        _changed("-d1", subject={"reference": f"Patient/{sample.made_id(77)}"}),
    ),
    "a role of somebody else": (
        RecordKind.PRACTITIONER,
        _changed("-r1", practitioner={"reference": f"Practitioner/{sample.made_id(77)}"}),
    ),
    "a place of another station": (
        RecordKind.FACILITY,
        _changed("-l1", managingOrganization={"reference": f"Organization/{sample.made_id(77)}"}),
    ),
    "a diagnosis is missing": (RecordKind.ENCOUNTER, _without("-d3")),
    "a procedure is missing": (RecordKind.ENCOUNTER, _without("-p1")),
    "a set of signs is missing": (
        RecordKind.ENCOUNTER,
        lambda unit: [one for one in unit if "-v1-" not in one["id"]],
    ),
    "an allergy is missing": (RecordKind.PATIENT, _without("-a1")),
    "a child of the wrong type": (RecordKind.ENCOUNTER, _changed("-d1", resourceType="Procedure")),
    "a sign of the wrong type": (
        RecordKind.ENCOUNTER,
        _changed("-v1-hr", resourceType="Procedure"),
    ),
    "a child twice": (RecordKind.ENCOUNTER, lambda unit: [*unit, unit[-1]]),
    "the first line is missing": (RecordKind.PRESCRIPTION, lambda unit: unit[1:]),
    "the task is missing": (RecordKind.REFERRAL, _without("-t1")),
    "the letter is missing": (RecordKind.REFERRAL, _without("-d1")),
    "the role is missing": (RecordKind.PRACTITIONER, _without("-r1")),
    "the place is missing": (RecordKind.FACILITY, _without("-l1")),
    "one chart only": (RecordKind.LINK, lambda unit: [{**unit[0], "item": unit[0]["item"][:1]}]),
    "an answer to nothing": (RecordKind.FEEDBACK, lambda unit: [{**unit[0], "focus": {}}]),
    "an unknown answer": (
        RecordKind.FEEDBACK,
        lambda unit: [{**unit[0], "status": "on-hold", "businessStatus": {}}],
    ),
    "one item twice": (
        RecordKind.FEEDBACK,
        lambda unit: [{**unit[0], "output": unit[0]["output"][:1] * 2}],
    ),
    "an id with a slash": (RecordKind.LINK, lambda unit: [{**unit[0], "id": "a/b"}]),
    "a name that is a number": (
        RecordKind.PATIENT,
        _changed(sample.PATIENT_ID, name=[{"text": 5}]),
    ),
    "a sex that nobody has": (RecordKind.PATIENT, _changed(sample.PATIENT_ID, gender="Mẫu")),
    "a day that never was": (
        RecordKind.PATIENT,
        _changed(sample.PATIENT_ID, birthDate="1990-02-30"),
    ),
    "half a pulse": (
        RecordKind.ENCOUNTER,
        _changed("-v1-hr", valueQuantity={"value": Decimal("80.5")}),
    ),
    "a letter that is no text": (
        RecordKind.REFERRAL,
        _changed("-d1", content=[{"attachment": {"data": "/w=="}}]),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_whole_unit_is_refused_without_quoting_it(name: str) -> None:
    kind, spoil = BROKEN[name]
    with pytest.raises(UnreadableUnit) as refused:
        read_unit(spoil(wire(kind)))

    assert isinstance(refused.value, ValueError)
    assert str(refused.value).isascii()  # no word of the record, which is Vietnamese
    assert sample.made_id(77) not in str(refused.value)
    assert refused.value.__cause__ is None


_JUNK = (None, 5, "x", "", [], {}, True, [None], [5], ["x"], {"a": 1}, Decimal("NaN"), "\x00")


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree that can be spoiled: the holder and the key."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    found = []
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], (dict, list)):
            found.extend(_places(value[key]))
    return found


WIRES = {kind: wire(kind) for kind in SAMPLES}


@pytest.mark.parametrize("kind", SAMPLES)
@settings(max_examples=settings.default.max_examples // 2, derandomize=True)
@given(data=st.data())
def test_a_spoiled_unit_is_read_or_refused_and_nothing_else(
    kind: RecordKind, data: st.DataObject
) -> None:
    unit = copy.deepcopy(WIRES[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        places = _places(unit)
        if not places:
            break
        holder, key = places[data.draw(st.integers(0, len(places) - 1))]
        junk = data.draw(st.sampled_from((*_JUNK, "drop")))
        if junk == "drop":
            del holder[key]
        else:
            holder[key] = copy.deepcopy(junk)
    with contextlib.suppress(UnreadableUnit):
        said = read_unit(unit)
        assert isinstance(said.record, CLASSES[said.kind])


def test_the_table_of_the_lines_is_the_default() -> None:
    unit = build_unit(RecordKind.PATIENT, sample.PATIENT, RecordStatus.SIGNED, uris=VN_CORE)

    assert read_unit(unit).record == sample.PATIENT
