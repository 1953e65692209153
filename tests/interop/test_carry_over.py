"""A program of this year does not delete what one of next year, or another system, wrote."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Stage
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.json_text import read_json, write_json
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.reading import UnreadableUnit
from station_emr.interop.fhir.units import build_unit
from tests.interop import fhir_records as sample
from tests.interop.record_strategies import CLASSES, records

Unit = list[dict[str, Any]]

VISIT = replace(sample.ENCOUNTER, stage=Stage.FINISHED)
LATER = "https://example.org/fhir/StructureDefinition/later"


def unit_of(
    kind: RecordKind,
    record: Any,
    status: RecordStatus = RecordStatus.SIGNED,
    earlier: tuple[Any, ...] = (),
) -> Unit:
    found: Unit = read_json(write_json(build_unit(kind, record, status, earlier)))
    return found


def by_end(unit: Any, end: str) -> dict[str, Any]:
    return next(one for one in unit if one["id"].endswith(end))


def amended(before: Unit, record: Any, was: Any, kind: RecordKind) -> Unit:
    fresh = build_unit(kind, record, RecordStatus.AMENDED, [was])
    made: Unit = read_json(write_json(carry_over(before, fresh)))
    return made


def canonical(value: Any) -> Any:
    """Extensions and resources in no order, everything else as it stands."""
    if isinstance(value, dict):
        return {
            name: sorted(map(canonical, one), key=write_json)
            if name in ("extension", "identifier", "telecom")
            else canonical(one)
            for name, one in value.items()
        }
    return [canonical(one) for one in value] if isinstance(value, list) else value


def objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(one for item in value.values() for one in objects(item))]
    return [one for item in value for one in objects(item)] if isinstance(value, list) else []


def decorate(unit: Unit, data: st.DataObject) -> Unit:
    """What a later program might have added, anywhere."""
    made = copy.deepcopy(unit)
    for number in range(data.draw(st.integers(1, 4))):
        places = objects(made)
        place = places[data.draw(st.integers(0, len(places) - 1))]
        if data.draw(st.booleans()):
            place[f"later{number}"] = {"text": f"thêm {number}"}
        elif "valueString" not in place and "url" not in place:
            place.setdefault("extension", []).append(
                {"url": f"{LATER}-{number}", "valueInteger": number}
            )
    if data.draw(st.booleans()):
        made.append(
            {
                "resourceType": "ClinicalImpression",
                "id": f"{sample.made_id(1)[:-12]}000000000001-z1",
                "status": "completed",
            }
        )
    return made


@pytest.mark.parametrize("kind", CLASSES)
@settings(max_examples=settings.default.max_examples // 5, derandomize=True)
@given(data=st.data())
def test_an_unchanged_record_keeps_everything_that_was_added(
    kind: RecordKind, data: st.DataObject
) -> None:
    record = data.draw(records(kind))
    plain = unit_of(kind, record)
    before = decorate(plain, data)

    assert canonical(list(carry_over(before, plain))) == canonical(before)
    assert carry_over(plain, plain) == tuple(plain)


@pytest.mark.parametrize("kind", CLASSES)
@settings(max_examples=settings.default.max_examples // 5, derandomize=True)
@given(data=st.data())
def test_a_changed_record_says_what_was_written_and_keeps_what_was_added_to_its_root(
    kind: RecordKind, data: st.DataObject
) -> None:
    was, record = data.draw(records(kind)), data.draw(records(kind))
    earlier = data.draw(st.just(()) | records(kind).map(lambda one: (one,)))
    status = data.draw(st.sampled_from([RecordStatus.AMENDED, RecordStatus.VOIDED]))
    before = decorate(unit_of(kind, was, RecordStatus.SIGNED, earlier), data)
    before[0]["laterRoot"] = {"text": "thêm"}
    before[0].setdefault("extension", []).append({"url": LATER, "valueCode": "a"})
    fresh = build_unit(kind, record, status, (*earlier, was))

    carried = carry_over(before, fresh)

    said = read_unit(carried)
    assert said.record == record
    assert (said.status is RecordStatus.VOIDED) == (status is RecordStatus.VOIDED)
    assert carried[0]["laterRoot"] == {"text": "thêm"}
    assert {"url": LATER, "valueCode": "a"} in carried[0]["extension"]
    assert {one["id"] for one in before} <= {one["id"] for one in carried}
    assert canonical(list(carry_over(before, carried))) == canonical(list(carried))


def test_a_task_that_the_hospital_moved_on_stays_where_it_is() -> None:
    before = unit_of(RecordKind.REFERRAL, sample.REFERRAL)
    by_end(before, "-t1").update(
        status="accepted", businessStatus={"text": "Đã nhận"}, note=[{"text": "Giường 4"}]
    )
    record = replace(sample.REFERRAL, plan="Mổ sớm")

    after = amended(before, record, sample.REFERRAL, RecordKind.REFERRAL)

    task = by_end(after, "-t1")
    assert (task["status"], task["businessStatus"]) == ("accepted", {"text": "Đã nhận"})
    assert task["note"] == [{"text": "Giường 4"}]
    assert read_unit(after).record == record


def test_voiding_a_letter_takes_its_task_back_whatever_became_of_it() -> None:
    before = unit_of(RecordKind.REFERRAL, sample.REFERRAL)
    by_end(before, "-t1")["status"] = "accepted"
    fresh = build_unit(RecordKind.REFERRAL, sample.REFERRAL, RecordStatus.VOIDED)

    assert by_end(carry_over(before, fresh), "-t1")["status"] == "entered-in-error"


def test_a_second_way_to_reach_somebody_survives_a_new_phone() -> None:
    before = unit_of(RecordKind.PATIENT, sample.PATIENT)
    mail = {"system": "email", "value": "mau@example.org"}
    passport = {"system": "https://example.org/passport", "value": "X1"}
    before[0]["telecom"].append(mail)
    before[0]["identifier"].append(passport)
    before[0]["maritalStatus"] = {"text": "có gia đình"}
    record = replace(sample.PATIENT, phone="0900000009", national_id="")

    after = amended(before, record, sample.PATIENT, RecordKind.PATIENT)[0]

    assert [one["value"] for one in after["telecom"]] == ["0900000009", "mau@example.org"]
    assert passport in after["identifier"]
    assert sample.PATIENT.national_id not in write_json(after["identifier"]).decode()
    assert after["maritalStatus"] == {"text": "có gia đình"}


def test_what_was_taken_out_does_not_come_back_with_what_was_added_to_it() -> None:
    before = unit_of(RecordKind.PATIENT, sample.PATIENT)
    details = next(one for one in before[0]["extension"] if one["url"].endswith("patient-details"))
    details["extension"].append({"url": "dialect", "valueString": "Gia Rai"})
    record = replace(sample.PATIENT, workplace="", blood_type="", note="", card_extra=(), phone="")

    after = amended(before, record, sample.PATIENT, RecordKind.PATIENT)[0]

    kept = next(one for one in after["extension"] if one["url"].endswith("patient-details"))
    assert kept["extension"] == [{"url": "dialect", "valueString": "Gia Rai"}]
    assert "telecom" not in after


def test_what_belongs_to_a_diagnosis_follows_it_to_its_new_number() -> None:
    before = unit_of(RecordKind.ENCOUNTER, VISIT)
    by_end(before, "-d2")["stage"] = [{"summary": {"text": "II"}}]
    record = replace(VISIT, diagnoses=VISIT.diagnoses[1:])

    after = amended(before, record, VISIT, RecordKind.ENCOUNTER)

    assert by_end(after, "-d1")["code"]["coding"][0]["code"] == "J00"
    assert by_end(after, "-d1")["stage"] == [{"summary": {"text": "II"}}]
    assert "stage" not in by_end(after, "-d2")
    assert read_unit(after).record == record


def test_a_translation_of_the_old_code_says_nothing_about_the_new_one() -> None:
    before = unit_of(RecordKind.ENCOUNTER, VISIT)
    snomed = {"system": "http://snomed.info/sct", "code": "59621000"}
    by_end(before, "-d1")["code"]["coding"].append(snomed)
    by_end(before, "-d1")["recordedDate"] = "2026-11-20"
    changed = replace(VISIT.diagnoses[0], icd_code="I15", title="Tăng huyết áp thứ phát")
    record = replace(VISIT, diagnoses=(changed, *VISIT.diagnoses[1:]), advice="khác")

    after = by_end(amended(before, record, VISIT, RecordKind.ENCOUNTER), "-d1")
    same = by_end(
        amended(before, replace(VISIT, advice="khác"), VISIT, RecordKind.ENCOUNTER), "-d1"
    )

    assert snomed not in after["code"]["coding"]
    assert after["recordedDate"] == "2026-11-20"
    assert snomed in same["code"]["coding"]


def test_one_element_of_several_types_stays_one() -> None:
    before = unit_of(RecordKind.PATIENT, sample.PATIENT)
    problem = by_end(before, "-p1")
    del problem["onsetDateTime"]
    problem["onsetString"] = "lâu rồi"
    was = read_unit(before).record
    dated = replace(was, conditions=(replace(was.conditions[0], since_year=2001),))

    after = by_end(amended(before, dated, was, RecordKind.PATIENT), "-p1")
    same = by_end(
        amended(before, replace(was, birth=BirthDate(1991)), was, RecordKind.PATIENT), "-p1"
    )

    assert after["onsetDateTime"] == "2001"
    assert "onsetString" not in after
    assert same["onsetString"] == "lâu rồi"


def test_a_result_that_a_laboratory_added_replaces_the_word_that_it_is_unknown() -> None:
    before = unit_of(RecordKind.ENCOUNTER, VISIT)
    test = by_end(before, "-t3")
    del test["dataAbsentReason"]
    test["valueQuantity"] = {"value": 3}

    after = by_end(
        amended(before, replace(VISIT, advice="khác"), VISIT, RecordKind.ENCOUNTER), "-t3"
    )

    assert after["valueQuantity"] == {"value": 3}
    assert "dataAbsentReason" not in after


def test_what_a_server_notes_for_itself_is_not_carried() -> None:
    before = unit_of(RecordKind.PATIENT, sample.PATIENT)
    before[0]["meta"] = {"versionId": "3", "lastUpdated": "x", "tag": [{"code": "a"}]}
    before[0]["text"] = {"status": "generated", "div": "<div>0900000001</div>"}
    before[1]["meta"] = {"versionId": "3"}

    after = amended(before, replace(sample.PATIENT, phone=""), sample.PATIENT, RecordKind.PATIENT)

    assert after[0]["meta"] == {"tag": [{"code": "a"}]}
    assert "text" not in after[0]
    assert "meta" not in after[1]


def test_a_child_of_another_program_stays_and_is_taken_back_with_its_record() -> None:
    before = unit_of(RecordKind.ENCOUNTER, VISIT)
    scale = {
        "resourceType": "Observation",
        "id": f"{VISIT.id}-s1",
        "status": "final",
        "subject": {"reference": f"Patient/{VISIT.patient_id}"},
    }
    before.append(scale)
    voided = build_unit(RecordKind.ENCOUNTER, VISIT, RecordStatus.VOIDED)

    assert scale in amended(before, replace(VISIT, advice="khác"), VISIT, RecordKind.ENCOUNTER)
    assert by_end(carry_over(before, voided), "-s1")["status"] == "entered-in-error"


def test_a_number_used_again_starts_clean() -> None:
    fewer = replace(VISIT, diagnoses=VISIT.diagnoses[:1])
    before = unit_of(RecordKind.ENCOUNTER, fewer, RecordStatus.AMENDED, (VISIT,))
    by_end(before, "-d2")["recordedDate"] = "2026-11-20"
    other = replace(VISIT.diagnoses[1], icd_code="A09", title="Tiêu chảy", note="")
    record = replace(fewer, diagnoses=(*fewer.diagnoses, other))
    fresh = build_unit(RecordKind.ENCOUNTER, record, RecordStatus.AMENDED, (VISIT, fewer))

    after = carry_over(before, fresh)

    assert by_end(after, "-d2") == by_end(fresh, "-d2")
    assert read_unit(after).record == record


def test_a_unit_that_cannot_be_read_is_refused() -> None:
    fresh = build_unit(RecordKind.ENCOUNTER, VISIT, RecordStatus.SIGNED)
    for before in ([], [{}], [{**fresh[0], "meta": 5}, *fresh[1:]]):
        with pytest.raises(UnreadableUnit):
            carry_over(before, fresh)
