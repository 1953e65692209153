"""A refusal of the real server leads to the field of the screen that holds what was refused."""

import json
from copy import deepcopy
from decimal import Decimal

import pytest

from provincial_server.faults import FhirFault, operation_outcome
from provincial_server.validation import Checked, check
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.interop.fhir.units import build_unit
from station_emr.services.refused_fields import field_of, path_of
from station_emr.sync.verdicts import refusal_reason
from tests.interop.fhir_records import (
    APPOINTMENT,
    ENCOUNTER,
    PATIENT,
    PRESCRIPTION,
    REFERRAL,
)

RECORDS = {
    RecordKind.PATIENT: PATIENT,
    RecordKind.ENCOUNTER: ENCOUNTER,
    RecordKind.PRESCRIPTION: PRESCRIPTION,
    RecordKind.REFERRAL: REFERRAL,
    RecordKind.APPOINTMENT: APPOINTMENT,
}


def resources(kind):
    unit = build_unit(kind, RECORDS[kind], RecordStatus.SIGNED)
    return json.loads(json.dumps(unit, default=float), parse_float=Decimal)


def refusal(unit, place, path):
    """What the station keeps after the server met a broken value at ``path`` of a resource."""
    broken = deepcopy(unit[place])
    node = broken
    *way, last = path
    for step in way:
        node = node[step]
    node[last] = {"broken": [1]} if not isinstance(node[last], dict) else "broken"
    try:
        found = check(broken)
    except FhirFault as fault:
        found = fault.issues
    assert not isinstance(found, Checked), path
    issues = operation_outcome(found[:1])["issue"]
    inner = issues[0]["expression"][0].partition(".")[2]
    issues[0]["expression"] = [f"Bundle.entry[{place}].resource.{inner}"]
    return refusal_reason(issues, unit)


def places(unit, end):
    return next(place for place, one in enumerate(unit) if one["id"].endswith(end))


def extension(resource, *names):
    """The way to a part of an extension of ours, by the ends of the URLs."""
    way, node = [], resource
    for name in names:
        at = next(
            i for i, one in enumerate(node["extension"]) if one["url"].rpartition("/")[2] == name
        )
        way += ["extension", at]
        node = node["extension"][at]
    value = next((key for key in node if key.startswith("value")), "url")
    return [*way, value]


@pytest.mark.parametrize(
    ("end", "path", "field"),
    [
        ("-v2-temp", ["valueQuantity", "value"], "vitals.temperature"),
        ("-v2-hr", ["valueQuantity", "value"], "vitals.pulse"),
        ("-v2-glu", ["status"], "vitals.glucose"),
        ("-v1-bp", ["component", 0, "valueQuantity", "value"], "vitals.systolic"),
        ("-v1-bp", ["component", 1, "valueQuantity", "value"], "vitals.diastolic"),
        ("-d2", ["code", "coding", 0, "code"], "diagnoses"),
        ("-p1", ["note", 0, "text"], "procedures.0"),
        ("-t3", ["status"], "procedures.2"),
        (ENCOUNTER.id, ["reasonCode", 0, "text"], "reason"),
        (ENCOUNTER.id, ["status"], ""),
    ],
)
def test_a_part_of_a_visit(end, path, field):
    unit = resources(RecordKind.ENCOUNTER)
    reason = refusal(unit, places(unit, end), path)

    assert field_of(RecordKind.ENCOUNTER, ENCOUNTER.id, reason, unit) == field


@pytest.mark.parametrize("note", ["history", "past_history", "examination", "treatment", "advice"])
def test_a_note_of_a_visit(note):
    unit = resources(RecordKind.ENCOUNTER)
    reason = refusal(unit, 0, extension(unit[0], "visit-details", note))

    assert field_of(RecordKind.ENCOUNTER, ENCOUNTER.id, reason, unit) == note


def test_what_was_decided_about_a_visit():
    unit = resources(RecordKind.ENCOUNTER)
    at = extension(unit[0], "vn-ext-treatment-outcome")[:2]
    reason = refusal(unit, 0, [*at, "valueCodeableConcept", "coding", 0, "code"])

    assert field_of(RecordKind.ENCOUNTER, ENCOUNTER.id, reason, unit) == "result"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (["medicationCodeableConcept", "text"], "prescription.lines.0.drug_code"),
        (
            ["dosageInstruction", 0, "doseAndRate", 0, "doseQuantity", "value"],
            "prescription.lines.0.dose",
        ),
        (
            ["dosageInstruction", 0, "timing", "repeat", "frequency"],
            "prescription.lines.0.times_per_day",
        ),
        (
            ["dosageInstruction", 0, "timing", "repeat", "boundsDuration", "value"],
            "prescription.lines.0.days",
        ),
        (["dispenseRequest", "quantity", "value"], "prescription.lines.0.quantity"),
        (["reasonCode", 0, "text"], "diagnoses"),
    ],
)
def test_a_line_of_a_prescription(path, field):
    unit = resources(RecordKind.PRESCRIPTION)
    reason = refusal(unit, 0, path)

    assert field_of(RecordKind.PRESCRIPTION, PRESCRIPTION.id, reason, unit) == field


def test_another_line_of_a_prescription():
    unit = [{"resourceType": "MedicationRequest", "id": f"{PRESCRIPTION.id}-l{n}"} for n in (1, 2)]
    reason = "Không nhận. [422 value Bundle.entry[1].resource.dosageInstruction[0].text]"

    found = field_of(RecordKind.PRESCRIPTION, PRESCRIPTION.id, reason, unit)

    assert found == "prescription.lines.1.dose"


@pytest.mark.parametrize(
    ("end", "path", "field"),
    [
        (REFERRAL.id, ["occurrenceDateTime"], "transfer_at"),
        (REFERRAL.id, ["performer", 0, "display"], "to_facility_name"),
        (REFERRAL.id, ["reasonCode", 0, "text"], "diagnoses"),
        ("-t1", ["owner", "display"], "to_facility_name"),
        ("-d1", ["status"], ""),
    ],
)
def test_an_item_of_a_letter(end, path, field):
    unit = resources(RecordKind.REFERRAL)
    reason = refusal(unit, places(unit, end), path)

    assert field_of(RecordKind.REFERRAL, REFERRAL.id, reason, unit) == field


@pytest.mark.parametrize("item", ["clinical_signs", "plan", "transport", "condition_on_transfer"])
def test_an_item_of_a_letter_that_fhir_has_no_element_for(item):
    unit = resources(RecordKind.REFERRAL)
    reason = refusal(unit, 0, extension(unit[0], "referral-letter", item))

    assert field_of(RecordKind.REFERRAL, REFERRAL.id, reason, unit) == item


def test_an_earlier_place_of_care_in_a_letter():
    unit = resources(RecordKind.REFERRAL)
    details = extension(unit[0], "referral-letter", "prior_care")
    parts = unit[0]["extension"][details[1]]["extension"]
    at = [i for i, part in enumerate(parts) if part["url"] == "prior_care"][-1]
    inside = next(i for i, part in enumerate(parts[at]["extension"]) if part["url"] == "facility")
    way = [*details[:2], "extension", at, "extension", inside, "valueString"]

    found = field_of(RecordKind.REFERRAL, REFERRAL.id, refusal(unit, 0, way), unit)

    assert found == f"prior_care.{len(REFERRAL.prior_care) - 1}.facility"


def test_an_appointment():
    unit = resources(RecordKind.APPOINTMENT)
    reason = refusal(unit, 0, ["requestedPeriod", 0, "start"])

    assert field_of(RecordKind.APPOINTMENT, APPOINTMENT.id, reason, unit) == "appointment.on"


@pytest.mark.parametrize(
    ("kind", "path", "field"),
    [
        (RecordKind.PATIENT, "Patient.name[0].text", "full_name"),
        (RecordKind.PATIENT, "Bundle.entry[1].resource.subscriberId", "coverage.number"),
        (RecordKind.PATIENT, "Patient.maritalStatus", ""),
        (RecordKind.ENCOUNTER, "Observation.valueQuantity", "vitals"),
        (RecordKind.ENCOUNTER, "Condition.code", "diagnoses"),
        (RecordKind.ENCOUNTER, "Bundle.entry[99].resource.code", ""),
        (RecordKind.ENCOUNTER, "nonsense[", ""),
        (RecordKind.REFERRAL, "ServiceRequest.extension[0].extension[7].valueString", ""),
        (RecordKind.FACILITY, "Organization.name", "name"),
    ],
)
def test_without_the_line_only_what_the_path_says(kind, path, field):
    assert field_of(kind, "r", f"Không nhận. [422 value {path}]") == field


def test_a_reason_without_a_path_names_nothing():
    for reason in ("", "Thiếu mã dân tộc", "Máy chủ đang bận. [503 transient]", "Lạ [x]"):
        assert path_of(reason) == ""
        assert field_of(RecordKind.ENCOUNTER, "r", reason) == ""
